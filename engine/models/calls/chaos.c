/* chaos.c: see chaos.h. A wire in front of the default one. It keeps calls that it delays or answers itself
 * until their time, and passes all others on unchanged. */
#include "models/calls/chaos.h"

#include "base/memory.h"
#include "base/number/random.h"
#include "compiler/graph/model_name.h"

struct wire {
	const struct chaos *chaos;
	struct loop *loop;
	const struct wire_config *config;
	struct wire *real; /* the default wire: a `struct wire` of its own, which is not inspected */
	struct random random;
	struct held *pool;
	struct held *made;
};

/* State that a queued call keeps from attempt to attempt, also for the real wire. */
struct held {
	struct wire *wire;
	struct queued_call *queued_call;
	void *real;	 /* state of the real wire, while the queued call is not there */
	bool is_through; /* it is at the real wire */
	struct wire_call call;
	struct attempt attempt;
	bool is_decided; /* `attempt` is its outcome; else it goes on to the real wire */
	struct loop_timer timer;
	struct held *next; /* in the pool */
	struct held *next_made;
};

static void chaos_close(struct wire *wire)
{
	if (!wire)
		return;
	wire_close(wire->real);
	while (wire->made) {
		struct held *held = wire->made;
		wire->made = held->next_made;
		loop_timer_stop(wire->loop, &held->timer);
		memory_give(held);
	}
	memory_give(wire);
}

static struct wire *chaos_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	struct wire *wire = memory_take(1, sizeof *wire);
	if (!wire)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a client of models"));
	*wire = (struct wire){.chaos = context, .loop = loop, .config = config, .random = {(uint64_t)loop_clock_us(loop)}};
	wire->real = wire_open(loop, config, error);
	if (wire->real)
		return wire;
	memory_give(wire);
	return NULL;
}

/* ---- random decisions ---- */

static bool is_drawn(struct wire *wire, const struct mishap *mishap, const char *model)
{
	bool meant = !mishap->model || model_name_fit(text_of(mishap->model), model) > 0;
	return meant && (double)random_below(&wire->random, UINT64_C(1) << 20) < mishap->share * (double)(UINT64_C(1) << 20);
}

/* Draws the delay; `held->is_decided` is then set if the attempt ends here. */
static int64_t chaos_draw(struct held *held, const char *model)
{
	const struct chaos *chaos = held->wire->chaos;
	int64_t late_ms = 0;
	held->is_decided = false;
	for (size_t i = 0; i < chaos->count; i++) {
		const struct mishap *mishap = &chaos->mishaps[i];
		if ((mishap->kind != MISHAP_LATE && held->is_decided) || !is_drawn(held->wire, mishap, model))
			continue;
		held->is_decided |= mishap->kind != MISHAP_LATE;
		switch (mishap->kind) {
		case MISHAP_LATE:
			late_ms += mishap->late_ms;
			break;
		case MISHAP_STATUS:
			held->attempt = (struct attempt){.status = mishap->status, .words = TEXT("on purpose")};
			break;
		case MISHAP_LOST:
			held->attempt = (struct attempt){.end = ATTEMPT_LOST, .words = TEXT("the connection was lost")};
			break;
		case MISHAP_REFUSED:
			held->attempt = (struct attempt){.end = ATTEMPT_REFUSED, .words = TEXT("connection refused")};
			break;
		case MISHAP_SILENT:
			held->attempt = (struct attempt){.end = ATTEMPT_TIMED_OUT};
			late_ms = held->call.timeout_ms;
			break;
		}
	}
	held->attempt.where = "chaos";
	return late_ms;
}

/* ---- sending ---- */

static struct held *held_of(struct wire *wire, struct queued_call *queued_call)
{
	struct held *held = queued_call->sending ? queued_call->sending : wire->pool;
	if (held && !queued_call->sending)
		wire->pool = held->next;
	if (!held) {
		held = memory_take(1, sizeof *held);
		if (!held)
			return NULL;
		held->next_made = wire->made;
		wire->made = held;
	}
	held->wire = wire;
	held->queued_call = queued_call;
	held->is_through = false;
	queued_call->sending = held;
	return held;
}

/* Restores the state that the real wire left with the queued call, and sends it there. */
static bool send_really(struct held *held, struct error *error)
{
	held->queued_call->sending = held->real;
	held->is_through = wire_send(held->wire->real, held->queued_call, &held->call, error);
	held->real = held->queued_call->sending;
	held->queued_call->sending = held;
	return held->is_through;
}

static void chaos_on_due(void *context)
{
	struct held *held = context;
	const struct wire_config *config = held->wire->config;
	struct error error = {0};
	if (!held->is_decided && send_really(held, &error))
		return;
	if (!held->is_decided)
		held->attempt = (struct attempt){.end = ATTEMPT_REPLIED, .status = 200, .fault = &error};
	config->arrived(config->context, held->queued_call, &held->attempt);
}

static bool chaos_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *call, struct error *error)
{
	struct held *held = held_of(wire, queued_call);
	if (!held)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	held->call = *call;
	int64_t late_ms = chaos_draw(held, queued_call->attempts.call->name);
	if (!held->is_decided && late_ms == 0)
		return send_really(held, error);
	if (late_ms >= call->timeout_ms) {
		held->is_decided = true;
		held->attempt = (struct attempt){.end = ATTEMPT_TIMED_OUT};
		late_ms = call->timeout_ms;
	}
	held->call.timeout_ms -= late_ms;
	held->timer = (struct loop_timer){.due = chaos_on_due, .context = held};
	return loop_timer_set(wire->loop, &held->timer, loop_now_ms(wire->loop) + late_ms, error);
}

static void chaos_withdraw(struct wire *wire, struct queued_call *queued_call)
{
	struct held *held = queued_call->sending;
	if (!held->is_through) {
		loop_timer_stop(wire->loop, &held->timer);
		return;
	}
	queued_call->sending = held->real;
	wire_withdraw(wire->real, queued_call);
	held->real = queued_call->sending;
	queued_call->sending = held;
}

static void chaos_discard(struct queued_call *queued_call)
{
	struct held *held = queued_call->sending;
	if (!held)
		return;
	loop_timer_stop(held->wire->loop, &held->timer);
	queued_call->sending = held->real;
	wire_discard(queued_call);
	held->real = NULL;
	held->next = held->wire->pool;
	held->wire->pool = held;
}

/* Checks of a server are never disturbed. */
static bool chaos_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
		      void (*answered)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth)
{
	return wire_ask(wire->real, address, question, timeout_ms, answered, context, nth);
}

const struct wire_operations wire_chaos = {
	.open = chaos_open,
	.close = chaos_close,
	.send = chaos_send,
	.withdraw = chaos_withdraw,
	.discard = chaos_discard,
	.ask = chaos_ask,
};
