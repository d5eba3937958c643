/* caller.c: see caller.h. Each model has its own queue (dispatch.h). Models with the same connection settings
 * share a wire (wire.h). */
#include "models/calls/caller.h"

#include "base/number/duration.h"
#include "base/memory.h"
#include "models/calls/cache.h"
#include "models/calls/dispatch.h"
#include "models/calls/protocol_fallback.h"
#include "models/calls/wire.h"

#define READY_MS 2000 /* for an answer to the readiness check of a model */

struct caller_served {
	struct caller *caller;
	const struct model_config *config;
	struct dispatch_config dispatch_config;
	struct dispatch_environment dispatch_environment;
	struct cache_environment cache_environment;
	struct cache *cache; /* NULL: replies are not kept */
	struct dispatch *dispatch;
	struct wire *wire;
	struct model_counts *counts;	/* NULL: not counted */
	struct dispatch_counts counted; /* values of this queue that the counts contain now */
	bool away;			/* it was reported as unreachable */
	bool *binary;			/* for each address: the server accepts tensors as binary data */
	struct protocol_fallback *ways; /* for each address */
	struct loop_timer timer;
	int64_t due_us; /* of the timer; INT64_MAX: not set */
};

struct caller {
	struct loop *loop;
	struct pause_watch pauses;
	const struct caller_config *config;
	const struct wire_operations *wire;
	size_t count;
	struct caller_served *models;
	size_t wire_count;
	struct wire_config *wire_configs; /* one for each wire */
	struct wire **wires;
	void (*answered)(void *context, struct call *call);
	void *context;
};

static int64_t now_us(const struct caller *caller)
{
	return loop_clock_us(caller->loop);
}

/* ---- time ---- */

static void tell_away(struct caller_served *served)
{
	const struct caller_config *config = served->caller->config;
	const char *words = dispatch_away(served->dispatch);
	if (!words == !served->away)
		return;
	served->away = words != NULL;
	if (config->reported)
		config->reported(config->report_context, served->config->name, words);
}

/* Changes a gauge by a difference. A gauge is the sum over all queues that write it: around a reload there are two
 * for a moment. */
static void gauge_move(uint64_t *gauge, size_t before, size_t now)
{
	if (before != now)
		count_add(gauge, (uint64_t)now - before);
}

static void gauges_write(struct caller_served *served, struct dispatch_counts now)
{
	const struct dispatch_counts before = served->counted;
	struct model_counts *counts = served->counts;
	gauge_move(&counts->in_flight, before.under_way, now.under_way);
	gauge_move(&counts->waiting, before.waiting, now.waiting);
	gauge_move(&counts->limit, before.limit, now.limit);
	if (before.oldest_us != now.oldest_us) /* of two queues around a reload, the last to change */
		count_set(&counts->oldest_us, (uint64_t)now.oldest_us);
	if (before.breaker != now.breaker) {
		count_add(&counts->breakers[before.breaker], UINT64_MAX); /* one fewer */
		count_add(&counts->breakers[now.breaker], 1);
	}
	served->counted = now;
}

/* Sets the timer. Called after everything that may have changed the queue. */
static void set_timer(struct caller_served *served, int64_t now)
{
	tell_away(served);
	if (served->counts)
		gauges_write(served, dispatch_counts(served->dispatch));
	struct caller *caller = served->caller;
	int64_t due_us = dispatch_due_us(served->dispatch, now);
	if (due_us == served->due_us)
		return;
	struct error error;
	error.kind = ERROR_NONE;
	served->due_us = due_us;
	if (due_us == INT64_MAX)
		loop_timer_stop(caller->loop, &served->timer);
	else if (!loop_timer_set(caller->loop, &served->timer, due_us ? (due_us + 999) / 1000 : loop_now_ms(caller->loop), &error))
		served->due_us = INT64_MAX; /* the next call or answer sets it */
}

static void caller_on_due(void *context)
{
	struct caller_served *served = context;
	int64_t now = now_us(served->caller);
	served->due_us = INT64_MAX;
	dispatch_turn(served->dispatch, now);
	set_timer(served, now);
}

static void on_paused(void *context, int64_t pause_ms)
{
	struct caller *caller = context;
	for (size_t i = 0; i < caller->count; i++)
		dispatch_paused(caller->models[i].dispatch, pause_ms * US_PER_MS, now_us(caller));
}

/* ---- callbacks of dispatch ---- */

static void on_way_answered(void *context, size_t nth, const struct attempt *attempt)
{
	struct caller_served *served = context;
	protocol_fallback_answered(&served->ways[nth], attempt);
}

/* Checks whether gRPC works again, at an address where it did not. */
static void ask_way(struct caller_served *served, size_t nth, int64_t now)
{
	struct protocol_fallback *way = &served->ways[nth];
	const struct model_address *address = &served->config->addresses.items[nth];
	if (protocol_fallback_to_ask(way, now) &&
	    !served->caller->wire->ask(served->wire, address, ASK_MODEL_READY, READY_MS, on_way_answered, served, nth))
		way->asking = false;
}

/* The timeout counts from `now`, and those of the wire from the loop's last wake-up, which may be long ago. */
static bool send_by_way(struct caller_served *served, struct queued_call *queued_call, int64_t timeout_ms, int64_t now,
			struct error *error)
{
	const int64_t awake_ms = now / US_PER_MS - loop_now_ms(served->caller->loop);
	const struct model_address *address = &served->config->addresses.items[queued_call->replica];
	const struct wire_call call = {.address = protocol_fallback_address(&served->ways[queued_call->replica], address),
				       .parameters = served->config->parameters,
				       .binary = served->binary[queued_call->replica],
				       .timeout_ms = timeout_ms + awake_ms};
	return served->caller->wire->send(served->wire, queued_call, &call, error);
}

static bool on_send(void *context, struct queued_call *queued_call, int64_t timeout_ms, struct error *error)
{
	struct caller_served *served = context;
	const int64_t now = now_us(served->caller);
	queued_call->turned = false;
	ask_way(served, queued_call->replica, now);
	return send_by_way(served, queued_call, timeout_ms, now, error);
}

static void on_withdraw(void *context, struct queued_call *queued_call)
{
	struct caller_served *served = context;
	served->caller->wire->withdraw(served->wire, queued_call);
}

static void on_discard(void *context, struct queued_call *queued_call)
{
	const struct caller_served *served = context;
	served->caller->wire->discard(queued_call);
}

/* Rounded up, so that a window that ends with the outage ends at that time. */
static int64_t served_outage_ms(const struct caller_served *served)
{
	return (dispatch_outage_us(served->dispatch, now_us(served->caller)) + US_PER_MS - 1) / US_PER_MS;
}

static void give_back(void *context, struct call *call)
{
	struct caller_served *served = context;
	call->outage_ms = call->outage_fails ? 0 : served_outage_ms(served);
	if (served->counts && call->error.kind != ERROR_NONE && !call->uncached)
		count_add(&served->counts->errors[call->error.kind - 1], 1);
	served->caller->answered(served->caller->context, call);
}

static void on_call_answered(void *context, struct call *call)
{
	struct caller_served *served = context;
	if (served->cache)
		cache_answered(served->cache, call);
	else
		give_back(served, call);
}

/* Whether the answer means ready. A server without a readiness check, or with an unknown answer, counts as ready, and
 * is tested by a call. */
static bool says_ready(enum model_protocol protocol, const struct attempt *attempt)
{
	static const char yes[] = {8, 1}; /* field 1, true: protobuf omits false */
	if (attempt->end != ATTEMPT_REPLIED || attempt->status >= 500)
		return attempt->status == 501;
	if (attempt->status == 200 && protocol == PROTOCOL_OIP_GRPC)
		return text_equal(attempt->body, (struct text){yes, sizeof yes});
	return attempt->status != 200 || attempt->body.length == 0 ||
	       !memmem(attempt->body.bytes, attempt->body.length, "false", strlen("false"));
}

static void on_ready_answered(void *context, size_t nth, const struct attempt *attempt)
{
	struct caller_served *served = context;
	int64_t now = now_us(served->caller);
	const struct model_address *address = &served->config->addresses.items[nth];
	struct attempt asked = *attempt;
	(void)protocol_fallback_turns(&served->ways[nth], address, &asked, false, now);
	dispatch_ready(served->dispatch, nth, says_ready(protocol_fallback_asked(address, attempt)->protocol, attempt), now);
	set_timer(served, now);
}

static bool on_ask_ready(void *context, struct dispatch *dispatch, size_t replica)
{
	struct caller_served *served = context;
	(void)dispatch;
	const struct model_address *address =
		protocol_fallback_address(&served->ways[replica], &served->config->addresses.items[replica]);
	return wire_can_ask(address->protocol, ASK_MODEL_READY) &&
	       served->caller->wire->ask(served->wire, address, ASK_MODEL_READY, READY_MS, on_ready_answered, served, replica);
}

static struct caller_served *served_of(struct caller *caller, const struct dispatch *dispatch)
{
	size_t i = 0;
	while (caller->models[i].dispatch != dispatch)
		i++;
	return &caller->models[i];
}

/* True: no server answered, and the call is sent by the other protocol. */
static bool turns(struct caller_served *served, struct queued_call *queued_call, struct attempt *attempt, int64_t now)
{
	const struct caller_config *config = served->caller->config;
	const struct model_address *address = &served->config->addresses.items[queued_call->replica];
	struct protocol_fallback *way = &served->ways[queued_call->replica];
	const char *words;
	if (protocol_fallback_to_tell(way, address, attempt, &words) && config->protocol_changed)
		config->protocol_changed(config->report_context, served->config->name, address, words);
	int64_t timeout_ms = queued_call_timeout_ms(queued_call, now);
	if (!protocol_fallback_turns(way, address, attempt, queued_call->turned, now) || timeout_ms <= 0)
		return false;
	struct error error = {0};
	queued_call->turned = true;
	return send_by_way(served, queued_call, timeout_ms, now, &error);
}

static void caller_on_arrived(void *context, struct queued_call *queued_call, struct attempt *attempt)
{
	struct caller *caller = context;
	struct caller_served *served = served_of(caller, queued_call->dispatch);
	int64_t now = now_us(caller);
	if (turns(served, queued_call, attempt, now))
		return;
	attempt->unread_us = loop_busy_us(caller->loop, now);
	dispatch_outcome(served->dispatch, queued_call, attempt, now);
	set_timer(served, now);
}

static int64_t request_age_us(void *context, const struct message *message)
{
	const struct caller_served *served = context;
	const int64_t age_ms = loop_now_of_day_ms(served->caller->loop) - message->written_ms;
	return message->written_ms > 0 && age_ms > 0 ? age_ms * US_PER_MS : 0;
}

/* ---- callbacks of a cache ---- */

static bool caller_ask(void *context, struct call *call, struct error *error)
{
	struct caller_served *served = context;
	int64_t now = now_us(served->caller);
	if (!dispatch_call(served->dispatch, call, now, error))
		return false;
	set_timer(served, now);
	return true;
}

static void caller_forget_call(void *context, struct call *call)
{
	struct caller_served *served = context;
	dispatch_forget(served->dispatch, call);
	set_timer(served, now_us(served->caller));
}

/* ---- binary data, if the server offers it ---- */

static void on_extensions_answered(void *context, size_t nth, const struct attempt *attempt)
{
	struct caller_served *served = context;
	static const char extension[] = "\"binary_tensor_data\"";
	if (attempt->status == 200)
		served->binary[nth] = memmem(attempt->body.bytes, attempt->body.length, extension, sizeof extension - 1) != NULL;
}

/* Asks for the extensions of a server. Until it answers, tensors are sent as JSON. */
static void ask_extensions(struct caller_served *served)
{
	for (size_t i = 0; i < served->config->addresses.count; i++) {
		const struct model_address *address = &served->config->addresses.items[i];
		if (address->protocol == PROTOCOL_OIP_REST)
			(void)served->caller->wire->ask(served->wire, address, ASK_SERVER_METADATA, READY_MS,
							on_extensions_answered, served, i);
	}
}

/* ---- opening and closing ---- */

static bool same_files(const struct tls_files *one, const struct tls_files *other)
{
	return one == other || (one && other && strings_equal(one->authorities, other->authorities) &&
				strings_equal(one->certificate, other->certificate) && strings_equal(one->key, other->key));
}

/* The wire that is shared by models with the same connection settings. */
static struct wire *wire_for(struct caller *caller, const struct model_config *model, struct error *error)
{
	for (size_t i = 0; i < caller->wire_count; i++) {
		const struct wire_config *config = &caller->wire_configs[i];
		if (config->pool.connections == model->pool.connections && config->pool.idle_ms == model->pool.idle_ms &&
		    same_files(config->tls, model->tls))
			return caller->wires[i];
	}
	struct wire_config *config = &caller->wire_configs[caller->wire_count];
	*config = (struct wire_config){.pool = model->pool,
				       .tls = model->tls,
				       .request_bytes = caller->config->request_bytes,
				       .reply_bytes = caller->config->reply_bytes,
				       .context = caller,
				       .arrived = caller_on_arrived};
	struct wire *wire = caller->wire->open(caller->config->wire_context, caller->loop, config, error);
	if (wire)
		caller->wires[caller->wire_count++] = wire;
	return wire;
}

static void on_cache_reported(void *context, const char *words)
{
	const struct caller_served *served = context;
	const struct caller_config *config = served->caller->config;
	if (config->cache_reported)
		config->cache_reported(config->report_context, served->config->name, words);
}

static bool model_open(struct caller *caller, const struct model_config *model, struct error *error)
{
	struct caller_served *served = &caller->models[caller->count];
	*served = (struct caller_served){.caller = caller, .config = model, .due_us = INT64_MAX};
	served->timer = (struct loop_timer){.due = caller_on_due, .context = served};
	served->dispatch_config =
		(struct dispatch_config){.model = model,
					 .outage_fails = caller->config->outage_deadletter,
					 .seed = caller->config->seed + caller->count,
					 .demand = caller->config->demands ? caller->config->demands[caller->count] : NULL};
	served->dispatch_environment = (struct dispatch_environment){.context = served,
								     .send = on_send,
								     .withdraw = on_withdraw,
								     .ask_ready = on_ask_ready,
								     .answered = on_call_answered,
								     .age_us = request_age_us,
								     .discard = on_discard};
	served->cache_environment = (struct cache_environment){.context = served,
							       .ask = caller_ask,
							       .forget = caller_forget_call,
							       .answered = give_back,
							       .reported = on_cache_reported};
	if (model->addresses.count == 0)
		return error_set(error, ERROR_CONFIG, model->place, "no endpoint is known for model %s; name its server",
				 model->name);
	caller->count++;
	served->binary = memory_take(model->addresses.count, sizeof *served->binary);
	served->ways = memory_take(model->addresses.count, sizeof *served->ways);
	if (!served->binary || !served->ways)
		return error_memory(error, ERROR_SYSTEM, "opening a model's line");
	served->wire = wire_for(caller, model, error);
	served->dispatch =
		served->wire ? dispatch_open(&served->dispatch_config, &served->dispatch_environment, now_us(caller), error) : NULL;
	if (!served->dispatch)
		return false;
	ask_extensions(served);
	if (model->cache.backend == CACHE_NONE)
		return true;
	served->cache = cache_open(caller->loop, model, &served->cache_environment, error);
	return served->cache != NULL;
}

static bool caller_set_up(struct caller *caller, struct error *error)
{
	size_t count = caller->config->model_count;
	caller->models = memory_take(count + 1, sizeof *caller->models);
	caller->wires = memory_take(count + 1, sizeof *caller->wires);
	caller->wire_configs = memory_take(count + 1, sizeof *caller->wire_configs);
	if (!caller->models || !caller->wires || !caller->wire_configs)
		return error_memory(error, ERROR_SYSTEM, "opening a client of models");
	for (size_t i = 0; i < count; i++)
		if (!model_open(caller, &caller->config->models[i], error))
			return false;
	return true;
}

struct caller *caller_open(struct loop *loop, const struct caller_config *config,
			   void (*answered)(void *context, struct call *call), void *context, struct error *error)
{
	assert(loop && (config->model_count == 0 || config->models));
	struct caller *caller = memory_take(1, sizeof *caller);
	if (!caller)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a client of models"));
	*caller = (struct caller){.loop = loop, .config = config, .answered = answered, .context = context};
	caller->wire = config->wire ? config->wire : &wire_usual;
	caller->pauses = (struct pause_watch){.paused = on_paused, .context = caller};
	if (caller_set_up(caller, error)) {
		loop_watch_pauses(loop, &caller->pauses);
		return caller;
	}
	caller_close(caller);
	return NULL;
}

bool caller_keeps(const struct caller_config *config)
{
	for (size_t i = 0; i < config->model_count; i++)
		if (config->models[i].cache.backend == CACHE_MEMORY)
			return true;
	return false;
}

void caller_keep_in(struct caller *caller, struct memo *memo)
{
	for (size_t i = 0; i < caller->count; i++)
		caller->models[i].cache_environment.memo = memo;
}

void caller_count_as(struct caller *caller, size_t number)
{
	for (size_t i = 0; caller->config->counts && i < caller->count; i++) {
		struct caller_served *served = &caller->models[i];
		served->counts = &caller->config->counts[i][number];
		served->dispatch_config.counts = served->cache_environment.counts = served->counts;
		count_add(&served->counts->breakers[BREAKER_CLOSED], 1);
		gauges_write(served, dispatch_counts(served->dispatch));
	}
}

/* Removes its values from all gauges. */
static void gauges_leave(struct caller_served *served)
{
	gauges_write(served, (struct dispatch_counts){0});
	count_add(&served->counts->breakers[BREAKER_CLOSED], UINT64_MAX);
}

void caller_close(struct caller *caller)
{
	if (!caller)
		return;
	loop_unwatch_pauses(caller->loop, &caller->pauses);
	for (size_t i = 0; i < caller->count; i++) {
		if (caller->models[i].away && caller->config->left)
			caller->config->left(caller->config->report_context, caller->models[i].config->name);
		if (caller->models[i].counts)
			gauges_leave(&caller->models[i]);
		cache_close(caller->models[i].cache);
		dispatch_close(caller->models[i].dispatch);
		loop_timer_stop(caller->loop, &caller->models[i].timer);
		memory_give(caller->models[i].binary);
		memory_give(caller->models[i].ways);
	}
	for (size_t i = 0; i < caller->wire_count; i++)
		caller->wire->close(caller->wires[i]);
	memory_give(caller->models);
	memory_give(caller->wires);
	memory_give(caller->wire_configs);
	memory_give(caller);
}

/* ---- calls ---- */

static struct caller_served *served_named(struct caller *caller, const char *name)
{
	for (size_t i = 0; i < caller->count; i++)
		if (strcmp(caller->models[i].config->name, name) == 0)
			return &caller->models[i];
	return NULL;
}

bool caller_call(struct caller *caller, struct call *call, struct error *error)
{
	struct caller_served *served = served_named(caller, call->name);
	call->under_way = NULL;
	if (served && served->counts && !call->uncached)
		count_add(&served->counts->calls, 1);
	if (!served)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "no endpoint is known for model %s; name its server", call->name);
	return served->cache ? cache_call(served->cache, call, error) : caller_ask(served, call, error);
}

int64_t caller_outage_ms(struct caller *caller, const struct call *call)
{
	const struct caller_served *served = served_named(caller, call->name);
	return served && !call->outage_fails ? served_outage_ms(served) : 0;
}

/* The call by which the model is asked for the reply to this one. */
static const struct call *call_asked(const struct caller_served *served, const struct call *call)
{
	return served->cache ? cache_asked(served->cache, call) : call;
}

int64_t caller_waited_ms(struct caller *caller, const struct call *call)
{
	const struct caller_served *served = served_named(caller, call->name);
	return served ? dispatch_waited_us(served->dispatch, call_asked(served, call), now_us(caller)) / US_PER_MS
		      : call->waited_ms;
}

const char *caller_away(struct caller *caller, const char *model)
{
	const struct caller_served *served = served_named(caller, model);
	return served ? dispatch_away(served->dispatch) : NULL;
}

enum standing caller_standing(struct caller *caller, const struct call *call)
{
	const struct caller_served *served = served_named(caller, call->name);
	return served ? dispatch_standing(served->dispatch, call_asked(served, call)) : STANDING_ON_ITS_WAY;
}

void caller_forget(struct caller *caller, struct call *call)
{
	struct caller_served *served = served_named(caller, call->name);
	if (!served)
		return;
	if (served->cache)
		cache_forget(served->cache, call);
	else
		caller_forget_call(served, call);
}
