/* case_stubs.c: see case_stubs.h. */
#include "tools/test/case_stubs.h"

#include "base/hash.h"
#include "message/rows.h"
#include "compiler/graph/model_name.h"
#include "models/server/stub.h"
#include "compiler/resources/inline_models.h"
#include "compiler/step/call_parameters.h"

struct stub_model {
	struct stub_model *next;
	const char *name;
	const struct stub *stub; /* NULL: `refused` has the reason */
	struct error refused;
	int64_t calls;
};

/* Calls of a model for a request. */
struct stub_request {
	struct stub_request *next;
	const struct stub_model *model;
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
	bool outstanding;
	struct attempt attempt;
};

void case_stubs_open(struct case_stubs *stubs, const struct case_files *files, struct arena *arena)
{
	*stubs = (struct case_stubs){.arena = arena, .files = files};
	stubs->models_end = &stubs->models;
}

/* ---- stubs ---- */

static const struct stub *stub_given(const struct case_stubs *stubs, const struct stub_entry *given, struct error *error)
{
	if (given->uri)
		return stub_parse(stubs->arena, given->uri, given->place, error);
	struct stub_option *options = ARENA_ARRAY(stubs->arena, struct stub_option, given->count);
	for (size_t i = 0; options && i < given->count; i++) {
		options[i] = (struct stub_option){.key = given->outputs[i].name, .value = given->outputs[i].expression};
		options[i].expression = expression_compile(stubs->arena, options[i].value, given->place, USE_MESSAGE, error);
		if (!options[i].expression)
			return NULL;
	}
	return options ? stub_of_expressions(stubs->arena, options, given->count) : NULL;
}

static bool is_stub(const char *uri)
{
	return uri && strncmp(uri, STUB_SCHEME, sizeof STUB_SCHEME - 1) == 0;
}

/* Where a step itself says that the model is; NULL: nowhere. */
static const char *uri_of_step(const struct plan *plan, const char *model)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->count; j++) {
			const struct step_spec *spec = graph->steps[j].spec;
			const struct step step = {.kind = spec->kind, .name = graph->steps[j].name, .options = spec->options};
			enum call_target target;
			const char *name;
			const char *uri = step_facts(&step).storage;
			if (uri && step_calls(&step, 0, &target, &name) && strcmp(name, model) == 0)
				return uri;
		}
	}
	return NULL;
}

static const struct stub *stub_find(const struct case_stubs *stubs, const char *name, struct error *error)
{
	const struct case_files *files = stubs->files;
	const char *served = model_served_name(name);
	const struct stub_entry *best = NULL;
	for (size_t i = 0; i < files->stubs.count; i++)
		if (model_name_fit(files->stubs.items[i].model, name) > (best ? model_name_fit(best->model, name) : 0))
			best = &files->stubs.items[i];
	if (best)
		return stub_given(stubs, best, error);
	const char *step_uri = uri_of_step(stubs->plan, name);
	const struct resource *resource = spec_model(stubs->plan->spec, name);
	const struct model_spec *spec = resource ? resource->spec : NULL;
	if (is_stub(step_uri))
		return stub_parse(stubs->arena, step_uri, PLACE_NONE, error);
	if (spec && is_stub(spec->storage_uri.text))
		return stub_parse(stubs->arena, spec->storage_uri.text, spec->storage_uri.place, error);
	if (stub_known(served))
		return stub_parse(stubs->arena, served, PLACE_NONE, error);
	return error_null(error_set(error, ERROR_CONFIG, resource ? resource->place : PLACE_NONE,
				    "the model `%s` has no stub; add one to stubs.json: {\"%s\": \"stub://identity\"}", name,
				    name));
}

static struct stub_model *stub_model_of(struct case_stubs *stubs, const char *name)
{
	struct stub_model *its = stubs->models;
	while (its && strcmp(its->name, name) != 0)
		its = its->next;
	const char *kept = its ? NULL : arena_copy(stubs->arena, name, strlen(name));
	if (its || !kept || !(its = ARENA_NEW(stubs->arena, struct stub_model)))
		return its;
	its->name = kept;
	its->stub = stub_find(stubs, kept, &its->refused);
	*stubs->models_end = its;
	stubs->models_end = &its->next;
	return its;
}

/* ---- counting ---- */

/* How often the request was sent to the model before, by whichever step; this time is counted. */
static uint64_t count_earlier(struct case_stubs *stubs, const struct stub_model *model, struct text id)
{
	struct stub_request **slot = &stubs->requests[hash_bytes(id.bytes, id.length, 0) % CASE_STUB_SLOTS];
	struct stub_request *request = *slot;
	while (request && (request->model != model || !text_equal(request->id, id)))
		request = request->next;
	if (request)
		return request->calls++;
	request = ARENA_NEW(stubs->arena, struct stub_request);
	if (request) {
		*request = (struct stub_request){*slot, model, text_copied(stubs->arena, id), 1};
		*slot = request;
	}
	return 0;
}

void case_stubs_count(const struct case_stubs *stubs, struct case_results *results)
{
	for (const struct stub_model *its = stubs->models; its; its = its->next)
		case_results_count(results, &(struct model_calls){.name = its->name, .calls = its->calls, .has_stub = its->stub});
}

/* ---- attempts ---- */

static struct wire *stubs_wire_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	struct case_stubs *stubs = context;
	struct wire *wire = ARENA_NEW(stubs->arena, struct wire);
	if (!wire)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a client of models"));
	*wire = (struct wire){.stubs = stubs, .loop = loop, .config = config};
	return wire;
}

static void sending_stop(struct stub_sending *sending)
{
	loop_timer_stop(sending->wire->loop, &sending->timer);
	sending->wire->stubs->outstanding -= sending->outstanding;
	sending->outstanding = false;
}

static void stubs_wire_close(struct wire *wire)
{
	for (struct stub_sending *sending = wire ? wire->sendings : NULL; sending; sending = sending->next)
		sending_stop(sending);
}

/* Sets the outcome of an attempt. Returns when it comes, in ms from now. */
static int64_t attempt_decide(struct attempt *attempt, const struct stub_reply *reply, int64_t timeout_ms)
{
	*attempt = (struct attempt){.end = ATTEMPT_TIMED_OUT};
	if (reply->silent || reply->delay_ms >= timeout_ms)
		return timeout_ms;
	*attempt = (struct attempt){
		.end = reply->cut ? ATTEMPT_BROKE : ATTEMPT_REPLIED,
		.status = reply->status,
		.words = reply->cut ? TEXT("the connection was closed in the middle of the reply") : reply->words,
		.payload = reply->payload,
		.body = reply->body,
	};
	return reply->delay_ms;
}

/* Answers an attempt by the stub, in the arena of the call's message. `earlier`: the number of attempts before for this
 * request. False: memory. */
static bool attempt_answer(const struct stub *stub, const struct call *call, const struct wire_call *wire_call, uint64_t earlier,
			   struct attempt *attempt, int64_t *delay_ms)
{
	struct arena *arena = call->message->arena;
	struct payload *request = ARENA_NEW(arena, struct payload);
	struct stub_reply reply;
	if (!request)
		return false;
	*request = *call->request;
	request->parameters = settings_join(request->parameters, wire_call->parameters, arena);
	if (!stub_answer(stub, request, earlier, arena, &reply))
		return false;
	*delay_ms = attempt_decide(attempt, &reply, wire_call->timeout_ms);
	return true;
}

static void case_stubs_on_end(void *context)
{
	struct stub_sending *sending = context;
	const struct wire_config *config = sending->wire->config;
	sending->wire->stubs->outstanding -= sending->outstanding;
	sending->outstanding = false;
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
	struct case_stubs *stubs = wire->stubs;
	const struct call *call = queued_call->attempts.call;
	struct stub_model *its = stub_model_of(stubs, call->name);
	struct stub_sending *sending = sending_of(wire, queued_call);
	int64_t delay_ms;
	if (!its || !sending) {
		stubs->failed = true;
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	}
	if (!its->stub) {
		*error = its->refused;
		return false;
	}
	its->calls++;
	stubs->attempts++;
	if (!attempt_answer(its->stub, call, wire_call, count_earlier(stubs, its, call->message->id), &sending->attempt, &delay_ms))
		return error_memory(error, ERROR_LIMIT, "answering a call by its stub");
	sending->timer = (struct loop_timer){.due = case_stubs_on_end, .context = sending};
	sending->outstanding = loop_timer_set(wire->loop, &sending->timer, loop_now_ms(wire->loop) + delay_ms, error);
	stubs->outstanding += sending->outstanding;
	return sending->outstanding;
}

static void stubs_wire_withdraw(struct wire *wire, struct queued_call *queued_call)
{
	(void)wire;
	sending_stop(queued_call->sending);
}

/* The sending stays in the arena; the queued call gets another one. */
static void stubs_wire_discard(struct queued_call *queued_call)
{
	if (queued_call->sending)
		sending_stop(queued_call->sending);
	queued_call->sending = NULL;
}

/* A stub is not asked whether it is ready: a call tells. */
static bool stubs_wire_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
			   void (*answered)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth)
{
	(void)wire, (void)address, (void)question, (void)timeout_ms, (void)answered, (void)context, (void)nth;
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
