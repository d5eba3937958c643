/* simulated_models.c: see simulated_models.h. The outcome of an attempt is decided when it is sent, and reported by a timer. */
#include "simulation/simulated_models.h"

#include "base/memory.h"

#define DELAY_MS_MOST 20
#define SLOW_MS_MOST 4000

const char *const model_mishap_names[MODEL_MISHAPS] = {
	"models slow",	"models silent", "models' connections lost", "models' answers cut", "models failing",
	"models lying", "models away",
};

/* A simulated Kafka of a wire. */
struct wire {
	struct loop *loop;
	const struct wire_config *config;
	struct simulated_models *servers;
	struct simulated_sending *pool;
	struct simulated_sending *made; /* all there are */
	struct simulated_asked *asked;	/* all there were */
};

/* What a queued call keeps from call to call. */
struct simulated_sending {
	struct wire *wire;
	struct queued_call *queued_call;
	struct loop_timer timer;
	struct attempt attempt;
	struct stub_reply reply;
	struct simulated_sending *next; /* in the pool */
	struct simulated_sending *next_made;
};

struct simulated_asked {
	struct wire *wire;
	struct simulated_asked *next;
	struct loop_timer timer;
	bool ready;
	void (*answered)(void *context, size_t nth, const struct attempt *attempt);
	void *context;
	size_t nth;
};

static struct wire *simulated_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	struct wire *wire = memory_take(1, sizeof *wire);
	if (!wire) {
		error_memory(error, ERROR_SYSTEM, "opening a client of models");
		return NULL;
	}
	*wire = (struct wire){.loop = loop, .config = config, .servers = context};
	return wire;
}

static void simulated_close(struct wire *wire)
{
	if (!wire)
		return;
	while (wire->made) {
		struct simulated_sending *sending = wire->made;
		wire->made = sending->next_made;
		loop_timer_stop(wire->loop, &sending->timer);
		memory_give(sending);
	}
	while (wire->asked) {
		struct simulated_asked *asked = wire->asked;
		wire->asked = asked->next;
		loop_timer_stop(wire->loop, &asked->timer);
		memory_give(asked);
	}
	memory_give(wire);
}

/* ---- attempts ---- */

static struct simulated_model *model_of(const struct wire *wire, const char *name)
{
	size_t i = 0;
	while (i + 1 < wire->servers->count && strcmp(wire->servers->items[i].name, name) != 0)
		i++;
	return &wire->servers->items[i];
}

static bool is_away(const struct wire *wire, const struct simulated_model *model)
{
	const int64_t now_ms = loop_now_ms(wire->loop);
	return now_ms < model->away_until_ms || (model->gone_ms > 0 && now_ms >= model->gone_ms);
}

static enum model_mishap simulated_models_draw(const struct wire *wire, const struct simulated_model *model)
{
	struct simulated_models *servers = wire->servers;
	enum model_mishap mishap = MODEL_MISHAPS;
	if (is_away(wire, model))
		mishap = MODEL_AWAY;
	for (enum model_mishap next = 0; next < MODEL_AWAY && mishap == MODEL_MISHAPS && !servers->calm; next++)
		if (random_in_thousand(&servers->random, servers->mishaps[next]))
			mishap = next;
	if (mishap < MODEL_MISHAPS)
		servers->counts[mishap]++;
	return mishap;
}

/* When it ends, and how. */
static int64_t attempt_decide(struct simulated_sending *sending, enum model_mishap mishap, int64_t timeout_ms)
{
	struct random *random = &sending->wire->servers->random;
	int64_t delay_ms = random_between(random, 0, mishap == MODEL_SLOW ? SLOW_MS_MOST : DELAY_MS_MOST);
	struct attempt *attempt = &sending->attempt;
	*attempt = (struct attempt){.end = ATTEMPT_REPLIED,
				    .status = sending->reply.status,
				    .words = sending->reply.words,
				    .payload = sending->reply.payload,
				    .body = sending->reply.body};
	if (mishap == MODEL_SILENT || delay_ms >= timeout_ms) {
		*attempt = (struct attempt){.end = ATTEMPT_TIMED_OUT};
		return timeout_ms;
	}
	switch (mishap) {
	case MODEL_LOST:
		*attempt = (struct attempt){.end = ATTEMPT_LOST, .words = TEXT("the connection was lost")};
		break;
	case MODEL_CUT:
		*attempt = (struct attempt){.end = ATTEMPT_BROKE, .words = TEXT("the answer broke off")};
		break;
	case MODEL_FAILS:
		*attempt = (struct attempt){.end = ATTEMPT_REPLIED, .status = 503, .words = TEXT("no capacity")};
		break;
	case MODEL_LIES:
		*attempt = (struct attempt){.end = ATTEMPT_REPLIED, .status = 200, .body = TEXT("{\"outputs\": 7}")};
		break;
	case MODEL_AWAY:
		*attempt = (struct attempt){.end = ATTEMPT_REFUSED, .words = TEXT("connection refused")};
		break;
	default:
		break;
	}
	return delay_ms;
}

static void on_end(void *context)
{
	struct simulated_sending *sending = context;
	struct wire *wire = sending->wire;
	wire->config->arrived(wire->config->context, sending->queued_call, &sending->attempt);
}

static struct simulated_sending *sending_of(struct wire *wire, struct queued_call *queued_call)
{
	struct simulated_sending *sending = queued_call->sending ? queued_call->sending : wire->pool;
	if (sending && !queued_call->sending)
		wire->pool = sending->next;
	if (!sending) {
		sending = memory_take(1, sizeof *sending);
		if (!sending)
			return NULL;
		sending->next_made = wire->made;
		wire->made = sending;
	}
	sending->wire = wire;
	sending->queued_call = queued_call;
	queued_call->sending = sending;
	return sending;
}

static void mix_up(const struct payload *payload)
{
	for (size_t i = 0; payload && i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		double *rows = (double *)(uintptr_t)tensor->data;
		if (tensor->datatype != DATATYPE_FP64 || tensor->count < 2)
			continue;
		double first = rows[0];
		rows[0] = rows[1];
		rows[1] = first;
	}
}

static bool simulated_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *wire_call,
			   struct error *error)
{
	struct simulated_sending *sending = sending_of(wire, queued_call);
	const struct call *call = queued_call->attempts.call;
	if (!sending)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	const struct simulated_model *model = model_of(wire, call->name);
	int64_t deadline_ms = call_deadline_ms(call);
	wire->servers->attempts++;
	wire->servers->overdue += deadline_ms > 0 && loop_now_ms(wire->loop) > deadline_ms;
	if (!stub_answer(model->stub, call->request, 0, call->message->arena, &sending->reply))
		return error_memory(error, ERROR_LIMIT, "answering a call by its stub");
	if (wire->servers->mixes_up)
		mix_up(sending->reply.payload);
	int64_t delay_ms = attempt_decide(sending, simulated_models_draw(wire, model), wire_call->timeout_ms);
	sending->timer = (struct loop_timer){.due = on_end, .context = sending};
	return loop_timer_set(wire->loop, &sending->timer, loop_now_ms(wire->loop) + delay_ms, error);
}

static void simulated_withdraw(struct wire *wire, struct queued_call *queued_call)
{
	struct simulated_sending *sending = queued_call->sending;
	loop_timer_stop(wire->loop, &sending->timer);
}

static void simulated_discard(struct queued_call *queued_call)
{
	struct simulated_sending *sending = queued_call->sending;
	if (!sending)
		return;
	loop_timer_stop(sending->wire->loop, &sending->timer);
	sending->next = sending->wire->pool;
	sending->wire->pool = sending;
	queued_call->sending = NULL;
}

/* ---- questions ---- */

static void simulated_models_on_answered(void *context)
{
	struct simulated_asked *asked = context;
	const struct attempt attempt = {.end = asked->ready ? ATTEMPT_REPLIED : ATTEMPT_REFUSED,
					.status = asked->ready ? 200 : 0,
					.body = asked->ready ? TEXT("{\"ready\": true}") : (struct text){0}};
	asked->answered(asked->context, asked->nth, &attempt);
}

static bool simulated_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
			  void (*answered)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth)
{
	(void)timeout_ms;
	struct error error = {0};
	if (question != ASK_MODEL_READY)
		return false;
	struct simulated_asked *asked = memory_take(1, sizeof *asked);
	if (!asked)
		return false;
	*asked = (struct simulated_asked){.wire = wire, .next = wire->asked, .answered = answered, .context = context, .nth = nth};
	wire->asked = asked;
	asked->ready = !is_away(wire, model_of(wire, address->model));
	asked->timer = (struct loop_timer){.due = simulated_models_on_answered, .context = asked};
	int64_t delay_ms = random_between(&wire->servers->random, 0, DELAY_MS_MOST);
	return loop_timer_set(wire->loop, &asked->timer, loop_now_ms(wire->loop) + delay_ms, &error);
}

const struct wire_operations simulated_wire = {
	.open = simulated_open,
	.close = simulated_close,
	.send = simulated_send,
	.withdraw = simulated_withdraw,
	.discard = simulated_discard,
	.ask = simulated_ask,
};
