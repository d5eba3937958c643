/* redis.c: see redis.h. hiredis says what it waits for on its socket; the loop tells it
 * when that is there. */
#include "serving/redis.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "base/number.h"
#include "net/resolve.h"

#define PAUSE_MS 100 /* before it is tried again; doubles up to the next */
#define PAUSE_MAX_MS 5000
#define HOST_BYTES 256

struct redis_question {
	struct redis *redis;
	struct redis_question *next;			 /* in the pool */
	void (*found)(void *context, struct text value); /* NULL: forgotten */
	void *context;
};

struct redis {
	struct loop *loop;
	char host[HOST_BYTES], port[8];
	struct resolve *resolve;
	redisAsyncContext *connection; /* NULL: none, not even under way */
	bool connected;
	struct watch watch;
	bool watched;
	uint32_t wanted; /* events */
	struct loop_timer again_timer, silence_timer;
	int64_t pause_ms;
	size_t waiting; /* answers that are due */
	struct redis_question *pool;
	bool closing;
};

/* ---- hiredis' socket ---- */

static void on_ready(void *context, uint32_t events)
{
	struct redis *redis = context;
	if (events & ~(uint32_t)EPOLLOUT)
		redisAsyncHandleRead(redis->connection);
	if (redis->connection && (events & EPOLLOUT))
		redisAsyncHandleWrite(redis->connection);
}

static void want(struct redis *redis, uint32_t events)
{
	struct error error = {0};
	redis->wanted = events;
	if (redis->watched)
		(void)loop_watch_for(redis->loop, &redis->watch, events, &error);
}

static void on_add_read(void *context)
{
	struct redis *redis = context;
	want(redis, redis->wanted | EPOLLIN);
}

static void on_end_read(void *context)
{
	struct redis *redis = context;
	want(redis, redis->wanted & ~(uint32_t)EPOLLIN);
}

static void on_add_write(void *context)
{
	struct redis *redis = context;
	want(redis, redis->wanted | EPOLLOUT);
}

static void on_end_write(void *context)
{
	struct redis *redis = context;
	want(redis, redis->wanted & ~(uint32_t)EPOLLOUT);
}

/* The connection goes, whatever the reason; hiredis has told all that waited. */
static void on_gone(void *context)
{
	struct redis *redis = context;
	struct error error = {0};
	if (redis->watched)
		loop_unwatch(redis->loop, &redis->watch);
	redis->watched = redis->connected = false;
	redis->connection = NULL;
	redis->waiting = 0;
	loop_timer_stop(redis->loop, &redis->silence_timer);
	if (redis->closing)
		return;
	(void)loop_timer_set(redis->loop, &redis->again_timer, loop_now_ms(redis->loop) + redis->pause_ms, &error);
	redis->pause_ms = redis->pause_ms * 2 < PAUSE_MAX_MS ? redis->pause_ms * 2 : PAUSE_MAX_MS;
}

static void on_connected(const redisAsyncContext *connection, int status)
{
	struct redis *redis = connection->data;
	redis->connected = status == REDIS_OK;
	if (redis->connected)
		redis->pause_ms = PAUSE_MS;
}

/* ---- connecting ---- */

static void connect_to(struct redis *redis, const char *host, int port)
{
	struct error error = {0};
	redisAsyncContext *connection = redisAsyncConnect(host, port);
	if (!connection)
		return;
	redis->watch = (struct watch){.ready = on_ready, .context = redis};
	redis->connection = connection;
	redis->wanted = EPOLLIN | EPOLLOUT;
	connection->data = redis;
	connection->ev.data = redis;
	connection->ev.addRead = on_add_read;
	connection->ev.delRead = on_end_read;
	connection->ev.addWrite = on_add_write;
	connection->ev.delWrite = on_end_write;
	connection->ev.cleanup = on_gone;
	redis->watched = connection->err == 0 && loop_watch(redis->loop, &redis->watch, connection->c.fd, redis->wanted, &error);
	if (!redis->watched || redisAsyncSetConnectCallback(connection, on_connected) != REDIS_OK)
		redisAsyncFree(connection);
}

static void on_resolved(void *context, struct addrinfo *addresses, const char *words)
{
	struct redis *redis = context;
	char host[HOST_BYTES];
	uint64_t port = 0;
	struct error error = {0};
	(void)words;
	redis->resolve = NULL;
	(void)number_read_uint64(text_of(redis->port), &port);
	if (addresses && getnameinfo(addresses->ai_addr, addresses->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0)
		connect_to(redis, host, (int)port);
	else
		(void)loop_timer_set(redis->loop, &redis->again_timer, loop_now_ms(redis->loop) + PAUSE_MAX_MS, &error);
	if (addresses)
		freeaddrinfo(addresses);
}

static void on_again(void *context)
{
	struct redis *redis = context;
	struct error error = {0};
	struct addrinfo *numeric = resolve_numeric(redis->host, redis->port);
	if (numeric)
		on_resolved(redis, numeric, NULL);
	else
		redis->resolve = resolve_start(redis->loop, redis->host, redis->port, on_resolved, redis, &error);
}

static void on_silence(void *context)
{
	struct redis *redis = context;
	redis->connected = false;
	redisAsyncFree(redis->connection); /* answers all that waits with nothing */
}

struct redis *redis_open(struct loop *loop, const char *address, struct error *error)
{
	const char *colon = strrchr(address, ':');
	size_t host = colon ? (size_t)(colon - address) : 0;
	uint64_t port;
	if (host == 0 || host >= HOST_BYTES || strlen(colon) > 6 || !number_read_uint64(text_of(colon + 1), &port) ||
	    port > 65535) {
		error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` is no address of a Redis server; write HOST:PORT", address);
		return NULL;
	}
	struct redis *redis = memory_take(1, sizeof *redis);
	if (!redis) {
		error_memory(error, ERROR_SYSTEM, "opening a client of Redis");
		return NULL;
	}
	*redis = (struct redis){.loop = loop, .pause_ms = PAUSE_MS};
	(void)snprintf(redis->host, sizeof redis->host, "%.*s", (int)host, address);
	(void)snprintf(redis->port, sizeof redis->port, "%s", colon + 1);
	redis->again_timer = (struct loop_timer){.due = on_again, .context = redis};
	redis->silence_timer = (struct loop_timer){.due = on_silence, .context = redis};
	on_again(redis);
	return redis;
}

void redis_close(struct redis *redis)
{
	if (!redis)
		return;
	redis->closing = true;
	resolve_forget(redis->resolve);
	if (redis->connection)
		redisAsyncFree(redis->connection);
	loop_timer_stop(redis->loop, &redis->again_timer);
	loop_timer_stop(redis->loop, &redis->silence_timer);
	for (struct redis_question *question = redis->pool, *next; question; question = next) {
		next = question->next;
		memory_give(question);
	}
	memory_give(redis);
}

/* ---- questions ---- */

static void expect_answer(struct redis *redis)
{
	struct error error = {0};
	if (redis->waiting++ == 0)
		(void)loop_timer_set(redis->loop, &redis->silence_timer, loop_now_ms(redis->loop) + REDIS_SILENCE_MS, &error);
}

static void note_answer(struct redis *redis)
{
	struct error error = {0};
	if (--redis->waiting == 0)
		loop_timer_stop(redis->loop, &redis->silence_timer);
	else
		(void)loop_timer_set(redis->loop, &redis->silence_timer, loop_now_ms(redis->loop) + REDIS_SILENCE_MS, &error);
}

static void on_value(redisAsyncContext *connection, void *answer, void *context)
{
	struct redis_question *question = context;
	struct redis *redis = question->redis;
	const redisReply *reply = answer;
	struct text value = {0};
	(void)connection;
	if (reply)
		note_answer(redis);
	if (reply && reply->type == REDIS_REPLY_STRING)
		value = (struct text){reply->str, reply->len};
	if (question->found && !redis->closing)
		question->found(question->context, value);
	question->next = redis->pool;
	redis->pool = question;
}

static void on_kept(redisAsyncContext *connection, void *answer, void *context)
{
	(void)connection;
	if (answer)
		note_answer(context);
}

struct redis_question *redis_get(struct redis *redis, struct text key, void (*found)(void *context, struct text value),
				 void *context)
{
	struct redis_question *question = redis->connected ? redis->pool : NULL;
	if (question)
		redis->pool = question->next;
	else if (!redis->connected || !(question = memory_take(1, sizeof *question)))
		return NULL;
	*question = (struct redis_question){.redis = redis, .found = found, .context = context};
	if (redisAsyncCommand(redis->connection, on_value, question, "GET %b", key.bytes, key.length) == REDIS_OK) {
		expect_answer(redis);
		return question;
	}
	question->next = redis->pool;
	redis->pool = question;
	return NULL;
}

void redis_forget(struct redis_question *question)
{
	question->found = NULL;
}

void redis_set(struct redis *redis, struct text key, struct text value, int64_t ttl_ms)
{
	if (redis->connected && redisAsyncCommand(redis->connection, on_kept, redis, "SET %b %b PX %lld", key.bytes, key.length,
						  value.bytes, value.length, (long long)ttl_ms) == REDIS_OK)
		expect_answer(redis);
}
