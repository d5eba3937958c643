/* case_stubs.c: see case_stubs.h. */
#include "simulation/case_stubs.h"

#include "message/rows.h"
#include "plan/address.h"

struct stub_model {
	struct stub_model *next;
	const struct model *model;
	int64_t calls;
};

/* Calls of a model for a request. */
struct stub_request {
	struct stub_request *next;
	const struct model *model;
	struct text id;
	uint64_t calls;
};

struct wire {
	struct case_stubs *stubs;
	struct loop *loop;
	const struct wire_config *config;
	struct stub_sending *sendings; /* all that were made */
};

/* What a queued call keeps from call to call. */
struct stub_sending {
	struct stub_sending *next;
	struct wire *wire;
	struct queued_call *queued_call;
	struct loop_timer timer;
	struct attempt attempt;
};

static struct wire *stubs_wire_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	struct case_stubs *stubs = context;
	struct wire *wire = ARENA_NEW(stubs->arena, struct wire);
	if (!wire) {
		error_memory(error, ERROR_SYSTEM, "opening a client of models");
		return NULL;
	}
	*wire = (struct wire){.stubs = stubs, .loop = loop, .config = config};
	return wire;
}

static void stubs_wire_close(struct wire *wire)
{
	for (struct stub_sending *sending = wire ? wire->sendings : NULL; sending; sending = sending->next)
		loop_timer_stop(wire->loop, &sending->timer);
}

/* ---- counting ---- */

static struct stub_model *stub_model_of(struct case_stubs *stubs, const char *name)
{
	struct stub_model *its = stubs->models;
	while (its && strcmp(its->model->name, name) != 0)
		its = its->next;
	const struct model *model = its ? NULL : case_model_of(stubs->world, name, NULL);
	if (its || !model || !(its = ARENA_NEW(stubs->arena, struct stub_model)))
		return its;
	*its = (struct stub_model){.next = stubs->models, .model = model};
	return stubs->models = its;
}

/* How often the request was sent to the model before; this time is counted. */
static uint64_t count_earlier(struct case_stubs *stubs, const struct model *model, struct text id)
{
	struct stub_request *request = stubs->requests;
	while (request && (request->model != model || !text_equal(request->id, id)))
		request = request->next;
	if (request)
		return request->calls++;
	request = ARENA_NEW(stubs->arena, struct stub_request);
	if (request) {
		*request = (struct stub_request){stubs->requests, model, text_copied(stubs->arena, id), 1};
		stubs->requests = request;
	}
	return 0;
}

int64_t case_stubs_calls(const struct case_stubs *stubs, const char *served_name)
{
	int64_t calls = 0;
	for (const struct stub_model *its = stubs->models; its; its = its->next)
		calls += strcmp(model_served_name(its->model->name), served_name) == 0 ? its->calls : 0;
	return calls;
}

/* ---- attempts ---- */

static void on_end(void *context)
{
	struct stub_sending *sending = context;
	const struct wire_config *config = sending->wire->config;
	config->arrived(config->context, sending->queued_call, &sending->attempt);
}

static struct stub_sending *sending_of(struct wire *wire, struct queued_call *queued_call)
{
	struct stub_sending *sending = queued_call->sending;
	if (sending || !(sending = ARENA_NEW(wire->stubs->arena, struct stub_sending)))
		return sending;
	*sending = (struct stub_sending){.next = wire->sendings, .wire = wire, .queued_call = queued_call};
	return queued_call->sending = wire->sendings = sending;
}

static bool stubs_wire_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *wire_call,
			    struct error *error)
{
	const struct call *call = queued_call->attempts.call;
	struct stub_model *its = stub_model_of(wire->stubs, call->name);
	struct stub_sending *sending = sending_of(wire, queued_call);
	int64_t delay_ms;
	if (!its || !sending)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	if (!its->model->stub) {
		*error = its->model->refused;
		return false;
	}
	its->calls++;
	if (!case_stub_attempt(its->model, call, wire_call, count_earlier(wire->stubs, its->model, call->message->id),
			       &sending->attempt, &delay_ms))
		return error_memory(error, ERROR_LIMIT, "answering a call by its stub");
	sending->timer = (struct loop_timer){.due = on_end, .context = sending};
	return loop_timer_set(wire->loop, &sending->timer, loop_now_ms(wire->loop) + delay_ms, error);
}

static void stubs_wire_withdraw(struct wire *wire, struct queued_call *queued_call)
{
	struct stub_sending *sending = queued_call->sending;
	loop_timer_stop(wire->loop, &sending->timer);
}

/* The sending stays in the arena; the queued call gets another one. */
static void stubs_wire_discard(struct queued_call *queued_call)
{
	struct stub_sending *sending = queued_call->sending;
	if (sending)
		loop_timer_stop(sending->wire->loop, &sending->timer);
	queued_call->sending = NULL;
}

/* A stub is not asked whether it is ready: a call tells. */
static bool stubs_wire_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
			   void (*told)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth)
{
	(void)wire, (void)address, (void)question, (void)timeout_ms, (void)told, (void)context, (void)nth;
	return false;
}

const struct wire_operations case_stubs_wire = {
	.open = stubs_wire_open,
	.close = stubs_wire_close,
	.send = stubs_wire_send,
	.withdraw = stubs_wire_withdraw,
	.discard = stubs_wire_discard,
	.ask = stubs_wire_ask,
};
