/* cache.c: see cache.h. A lookup is of one key. Its riders are the calls that wait for the reply;
 * the first rider's call is the one that is sent to the model. */
#include "models/calls/cache.h"

#include <openssl/sha.h>

#include "base/memory.h"
#include "message/formats/oip_protobuf.h"
#include "message/rows.h"
#include "models/calls/memo.h"
#include "models/calls/redis.h"
#include "compiler/step/call_parameters.h"

#define PIECE_BYTES ((size_t)16 << 20)	/* of a request or reply that is hashed or kept */
#define POOLED_BYTES ((size_t)64 << 10) /* of a lookup that is over: a larger reply gives its memory back */
#define BUCKETS 1024			/* with more lookups, chains become longer */
#define REDIS_PREFIX "sluice:reply:"

struct rider {
	struct call *call;
	struct cache_lookup *lookup;
	struct rider *next;	    /* of the lookup, or in the pool */
	struct rider *next_by_call; /* in its bucket */
};

struct cache_lookup {
	struct cache *cache;
	struct memo_key key;
	int64_t ttl_ms; /* of its reply */
	struct cache_lookup *next; /* in its bucket; or in the list of those with a reply; or in the pool */
	struct rider *riders;
	struct redis_question *question; /* NULL: Redis was not asked, or has answered */
	bool asked;			 /* the model was called, with the first rider's call */
	bool over;			 /* its riders are being answered with `reply` or `fault`; the function that answers
					  * them frees it */
	struct buffer reply;
	struct error fault;
};

struct cache {
	struct loop *loop;
	const struct model_config *model;
	const struct cache_environment *environment;
	uint64_t number; /* among the users of its memo; 0: none yet */
	struct redis_config redis_config;
	struct redis *redis;
	struct cache_lookup *lookups[BUCKETS]; /* by key */
	struct rider *riders[BUCKETS];	 /* by call */
	struct cache_lookup *found;	 /* lookups for which a reply was found */
	struct loop_timer told_timer; /* always set, so that riders can be answered without allocating */
	struct cache_lookup *lookup_pool;
	struct rider *rider_pool;
	struct buffer piece;
};

static void cache_on_lookup(void *context);

/* Moves the timer, which is always among the loop's timers, so this needs no memory. */
static void told_timer_move(struct cache *cache, int64_t due_ms)
{
	(void)loop_timer_set(cache->loop, &cache->told_timer, due_ms, &(struct error){0});
}

/* ---- opening and closing ---- */

struct cache *cache_open(struct loop *loop, const struct model_config *model, const struct cache_environment *environment,
			 struct error *error)
{
	assert(environment->ask && environment->forget && environment->answered);
	struct cache *cache = memory_take(1, sizeof *cache);
	if (!cache)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a cache of replies"));
	*cache = (struct cache){.loop = loop, .model = model, .environment = environment};
	cache->told_timer = (struct loop_timer){.due = cache_on_lookup, .context = cache};
	if (!loop_timer_set(loop, &cache->told_timer, INT64_MAX, error)) {
		memory_give(cache);
		return NULL;
	}
	buffer_open(&cache->piece, PIECE_BYTES);
	cache->redis_config = (struct redis_config){.address = model->cache.redis,
						    .login = model->cache.login,
						    .tls = model->cache.redis_tls,
						    .files = model->cache.redis_files,
						    .reported = environment->reported,
						    .context = environment->context};
	if (model->cache.backend != CACHE_REDIS || (cache->redis = redis_open(loop, &cache->redis_config, error)))
		return cache;
	cache_close(cache);
	return NULL;
}

static void lookup_close(struct cache_lookup *lookup)
{
	for (struct rider *rider = lookup->riders, *next; rider; rider = next) {
		next = rider->next;
		memory_give(rider);
	}
	buffer_close(&lookup->reply);
	memory_give(lookup);
}

static void lookups_close(struct cache_lookup *lookup)
{
	for (struct cache_lookup *next; lookup; lookup = next) {
		next = lookup->next;
		lookup_close(lookup);
	}
}

void cache_close(struct cache *cache)
{
	if (!cache)
		return;
	redis_close(cache->redis);
	for (size_t i = 0; i < BUCKETS; i++)
		lookups_close(cache->lookups[i]);
	lookups_close(cache->found);
	lookups_close(cache->lookup_pool);
	for (struct rider *rider = cache->rider_pool, *next; rider; rider = next) {
		next = rider->next;
		memory_give(rider);
	}
	loop_timer_stop(cache->loop, &cache->told_timer);
	buffer_close(&cache->piece);
	memory_give(cache);
}

/* ---- keys ---- */

/* Makes the key: the request as gRPC encodes it contains everything on which the answer depends. */
static bool make_key(struct cache *cache, const struct call *call, int64_t ttl_ms, struct memo_key *key)
{
	const struct model_address *address = &cache->model->addresses.items[0];
	struct payload payload = *call->request;
	struct error error = {0};
	payload.parameters = settings_join(payload.parameters, cache->model->parameters, call->message->arena);
	const struct oip_request request = {.model_name = text_of(address->model), .payload = &payload, .wanted = call->outputs};
	buffer_clear(&cache->piece);
	buffer_append(&cache->piece, (const char *)&ttl_ms, sizeof ttl_ms);
	if (!cache->redis && cache->environment->memo && cache->number == 0)
		cache->number = memo_user_add(cache->environment->memo);
	if (cache->number > 0)
		buffer_append(&cache->piece, &cache->number, sizeof cache->number);
	if (cache->model->cache.namespace)
		buffer_append(&cache->piece, cache->model->cache.namespace, strlen(cache->model->cache.namespace) + 1);
	buffer_append(&cache->piece, cache->model->name, strlen(cache->model->name) + 1);
	if (address->url) { /* its path may contain a version */
		const char *path = strchr(address->url + strlen("https://"), '/');
		buffer_string(&cache->piece, path ? path : "");
	}
	if (!oip_request_encode(&request, &cache->piece, &error))
		return false;
	return SHA256((const unsigned char *)cache->piece.bytes, cache->piece.length, key->bytes) != NULL;
}

static size_t bucket_of_key(const struct memo_key *key)
{
	return (size_t)(key->bytes[0] | key->bytes[1] << 8) % BUCKETS;
}

static size_t bucket_of_call(const struct call *call)
{
	return (size_t)((uintptr_t)call / sizeof *call * 2654435761u) % BUCKETS; /* Knuth's multiplier */
}

static struct cache_lookup *lookup_find(const struct cache *cache, const struct memo_key *key)
{
	struct cache_lookup *lookup = cache->lookups[bucket_of_key(key)];
	while (lookup && memcmp(&lookup->key, key, sizeof *key) != 0)
		lookup = lookup->next;
	return lookup;
}

/* ---- lookups and riders ---- */

static struct cache_lookup *lookup_begin(struct cache *cache, const struct memo_key *key, int64_t ttl_ms)
{
	struct cache_lookup *lookup = cache->lookup_pool;
	if (lookup) {
		cache->lookup_pool = lookup->next;
	} else {
		lookup = memory_take(1, sizeof *lookup);
		if (!lookup)
			return NULL;
		buffer_open(&lookup->reply, PIECE_BYTES);
	}
	buffer_clear(&lookup->reply);
	*lookup = (struct cache_lookup){.cache = cache, .key = *key, .ttl_ms = ttl_ms, .reply = lookup->reply};
	lookup->next = cache->lookups[bucket_of_key(key)];
	cache->lookups[bucket_of_key(key)] = lookup;
	return lookup;
}

static void lookup_leave(struct cache_lookup *lookup)
{
	struct cache_lookup **link = &lookup->cache->lookups[bucket_of_key(&lookup->key)];
	while (*link && *link != lookup)
		link = &(*link)->next;
	if (*link)
		*link = lookup->next;
}

/* Ends a lookup that no call can join and that has no call in progress. */
static void lookup_end(struct cache_lookup *lookup)
{
	lookup_leave(lookup);
	lookup->asked = false;
	lookup->over = true;
}

static void lookup_to_pool(struct cache_lookup *lookup)
{
	if (lookup->reply.capacity > POOLED_BYTES) {
		buffer_close(&lookup->reply);
		buffer_open(&lookup->reply, PIECE_BYTES);
	}
	lookup->next = lookup->cache->lookup_pool;
	lookup->cache->lookup_pool = lookup;
}

static bool rider_join(struct cache_lookup *lookup, struct call *call)
{
	struct cache *cache = lookup->cache;
	struct rider *rider = cache->rider_pool, **last = &lookup->riders;
	if (rider)
		cache->rider_pool = rider->next;
	else if (!(rider = memory_take(1, sizeof *rider)))
		return false;
	size_t bucket = bucket_of_call(call);
	*rider = (struct rider){.call = call, .lookup = lookup, .next_by_call = cache->riders[bucket]};
	cache->riders[bucket] = rider;
	while (*last)
		last = &(*last)->next;
	*last = rider;
	return true;
}

/* The rider of a call; removed from the bucket. */
static struct rider *rider_take(struct cache *cache, const struct call *call)
{
	struct rider **link = &cache->riders[bucket_of_call(call)];
	while (*link && (*link)->call != call)
		link = &(*link)->next_by_call;
	struct rider *rider = *link;
	if (rider)
		*link = rider->next_by_call;
	return rider;
}

static void rider_leave(struct rider *rider)
{
	assert(rider); /* a rider in a lookup's list is also in its bucket */
	struct cache_lookup *lookup = rider->lookup;
	struct rider **link = &lookup->riders;
	while (*link != rider)
		link = &(*link)->next;
	*link = rider->next;
	rider->next = lookup->cache->rider_pool;
	lookup->cache->rider_pool = rider;
}

/* ---- replies ---- */

static bool reply_write(const struct payload *payload, struct buffer *out)
{
	const struct message message = {0};
	const struct answer answer = {.payload = payload};
	struct error error = {0};
	buffer_clear(out);
	return oip_protobuf_encode(&message, &answer, NULL, out, &error);
}

static bool reply_read(struct call *call, struct text bytes)
{
	struct arena *arena = call->message->arena;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct text kept = text_copied(arena, bytes);
	if (!payload || !kept.bytes)
		return error_memory(&call->error, ERROR_LIMIT, "taking a reply that was kept");
	if (oip_response_decode(kept, arena, payload, NULL, &call->error))
		call->reply = payload;
	return call->reply != NULL;
}

/* Answers the riders of a lookup. Called from the loop. Each rider is removed before its answer, which may start new
 * calls. */
static void answer_riders(struct cache_lookup *lookup, struct text reply, int64_t waited_ms, const struct error *error)
{
	struct cache *cache = lookup->cache;
	while (lookup->riders) {
		struct call *call = lookup->riders->call;
		rider_leave(rider_take(cache, call));
		call->waited_ms = waited_ms;
		if (error)
			call->error = *error;
		else if (!call->reply)
			(void)reply_read(call, reply);
		cache->environment->answered(cache->environment->context, call);
	}
}

/* A reply was found, or it is known that there is none: the riders are answered in the next turn. */
static void tell_later(struct cache_lookup *lookup)
{
	struct cache *cache = lookup->cache;
	lookup_end(lookup);
	lookup->next = cache->found;
	cache->found = lookup;
	told_timer_move(cache, loop_now_ms(cache->loop));
}

static void cache_on_lookup(void *context)
{
	struct cache *cache = context;
	told_timer_move(cache, INT64_MAX); /* its slot has just become free, so there is one */
	for (struct cache_lookup *lookup; (lookup = cache->found);) {
		cache->found = lookup->next;
		answer_riders(lookup, buffer_view(&lookup->reply), 0, lookup->fault.kind ? &lookup->fault : NULL);
		lookup_to_pool(lookup);
	}
}

/* ---- lookups ---- */

static void count_hit(const struct cache *cache, bool hit)
{
	struct model_counts *counts = cache->environment->counts;
	if (counts)
		count_add(hit ? &counts->cache_hits : &counts->cache_misses, 1);
}

static bool ask_model(struct cache_lookup *lookup, struct error *error)
{
	struct cache *cache = lookup->cache;
	lookup->asked = true;
	return cache->environment->ask(cache->environment->context, lookup->riders->call, error);
}

static void tell_now(struct cache_lookup *lookup, struct text reply, const struct error *error)
{
	lookup_end(lookup);
	answer_riders(lookup, reply, 0, error);
	lookup_to_pool(lookup);
}

/* Whether the value can be used. A value of another program, or of an engine of another version, counts as none. */
static bool first_takes(const struct cache_lookup *lookup, struct text value)
{
	struct call *call = lookup->riders->call;
	bool taken = reply_read(call, value);
	if (!taken)
		call->error = (struct error){0};
	return taken;
}

static void on_redis_told(void *context, struct text value)
{
	struct cache_lookup *lookup = context;
	struct error error = {0};
	lookup->question = NULL;
	bool found = value.bytes && first_takes(lookup, value);
	count_hit(lookup->cache, found);
	if (found)
		tell_now(lookup, value, NULL);
	else if (!ask_model(lookup, &error))
		tell_now(lookup, (struct text){0}, &error);
}

static struct text redis_key(const struct memo_key *key, char text[sizeof REDIS_PREFIX + MEMO_KEY_BYTES])
{
	memcpy(text, REDIS_PREFIX, sizeof REDIS_PREFIX - 1);
	memcpy(text + sizeof REDIS_PREFIX - 1, key->bytes, MEMO_KEY_BYTES);
	return (struct text){text, sizeof REDIS_PREFIX - 1 + MEMO_KEY_BYTES};
}

/* True: the reply was found, or will be reported. */
static bool look_up(struct cache_lookup *lookup)
{
	struct cache *cache = lookup->cache;
	char text[sizeof REDIS_PREFIX + MEMO_KEY_BYTES];
	struct text value;
	if (cache->redis) {
		lookup->question = redis_get(cache->redis, redis_key(&lookup->key, text), on_redis_told, lookup);
		return lookup->question != NULL;
	}
	struct memo *memo = cache->environment->memo;
	bool found = memo && memo_find(memo, &lookup->key, loop_now_ms(cache->loop), &value);
	count_hit(cache, found);
	if (!found)
		return false;
	buffer_text(&lookup->reply, value);
	if (buffer_failed(&lookup->reply))
		return false;
	tell_later(lookup);
	return true;
}

/* Whether the call that asks for the lookup waits for an unreachable model, and this one does not. */
static bool is_hastier(const struct call *call, const struct cache_lookup *lookup)
{
	return call->outage_fails && lookup->riders && !lookup->riders->call->outage_fails;
}

bool cache_call(struct cache *cache, struct call *call, struct error *error)
{
	struct memo_key key;
	int64_t ttl_ms = call->kept_ms > 0 ? call->kept_ms : cache->model->cache.ttl_ms;
	if (ttl_ms == 0 || call->uncached || !make_key(cache, call, ttl_ms, &key))
		return cache->environment->ask(cache->environment->context, call, error);
	struct cache_lookup *lookup = lookup_find(cache, &key);
	if (lookup && is_hastier(call, lookup))
		return cache->environment->ask(cache->environment->context, call, error);
	if (lookup) {
		count_hit(cache, true);
		return rider_join(lookup, call) || error_memory(error, ERROR_SYSTEM, "calling a model");
	}
	lookup = lookup_begin(cache, &key, ttl_ms);
	if (!lookup)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	bool joined = rider_join(lookup, call);
	if (joined && (look_up(lookup) || ask_model(lookup, error)))
		return true;
	if (joined)
		rider_leave(rider_take(cache, call));
	lookup_leave(lookup);
	lookup_to_pool(lookup);
	return error_memory(error, ERROR_SYSTEM, "calling a model");
}

void cache_forget(struct cache *cache, struct call *call)
{
	struct rider *rider = rider_take(cache, call);
	if (!rider) {
		cache->environment->forget(cache->environment->context, call);
		return;
	}
	struct cache_lookup *lookup = rider->lookup;
	bool first = lookup->riders == rider;
	struct error error = {0};
	rider_leave(rider);
	if (first && lookup->asked)
		cache->environment->forget(cache->environment->context, call);
	if (!lookup->riders) {
		if (lookup->question)
			redis_forget(lookup->question);
		if (lookup->over)
			return;
		lookup_leave(lookup);
		lookup_to_pool(lookup);
	} else if (first && lookup->asked && !ask_model(lookup, &error)) {
		lookup->fault = error;
		tell_later(lookup);
	}
}

const struct call *cache_asked(const struct cache *cache, const struct call *call)
{
	const struct rider *rider = cache->riders[bucket_of_call(call)];
	while (rider && rider->call != call)
		rider = rider->next_by_call;
	return rider && rider->lookup->asked ? rider->lookup->riders->call : call;
}

static void cache_keep(const struct cache_lookup *lookup)
{
	struct cache *cache = lookup->cache;
	char text[sizeof REDIS_PREFIX + MEMO_KEY_BYTES];
	struct text reply = buffer_view(&lookup->reply);
	if (cache->redis)
		redis_set(cache->redis, redis_key(&lookup->key, text), reply, lookup->ttl_ms);
	else if (cache->environment->memo)
		memo_keep(cache->environment->memo, &lookup->key, reply, loop_now_ms(cache->loop) + lookup->ttl_ms);
}

/* Whether all riders get the same error. An error that concerns one call only does not count for the others. */
static bool is_shared(const struct call *call)
{
	return call->error.kind == ERROR_INPUT || (call->error.kind == ERROR_REMOTE && !call->outage_fails);
}

void cache_answered(struct cache *cache, struct call *call)
{
	struct rider *rider = rider_take(cache, call);
	if (!rider) { /* it has no key */
		cache->environment->answered(cache->environment->context, call);
		return;
	}
	struct cache_lookup *lookup = rider->lookup;
	rider_leave(rider);
	bool good = call->error.kind == ERROR_NONE && reply_write(call->reply, &lookup->reply);
	struct error fault = call->error;
	const int64_t waited_ms = call->waited_ms;
	if (good)
		cache_keep(lookup);
	bool next = !good && !is_shared(call) && lookup->riders && ask_model(lookup, &fault);
	if (!next)
		lookup_end(lookup);
	cache->environment->answered(cache->environment->context,
				     call); /* the callback may cancel other calls of the same message */
	if (next)
		return;
	answer_riders(lookup, buffer_view(&lookup->reply), waited_ms, good ? NULL : &fault);
	lookup_to_pool(lookup);
}
