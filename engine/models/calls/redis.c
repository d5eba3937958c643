/* redis.c: see redis.h. Commands are buffered and sent together when the socket is writable. Replies come in
 * the order of the commands. */
#include "models/calls/redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/number/number.h"
#include "base/pause.h"
#include "net/dial.h"

#define PAUSE_MS 100 /* before the next attempt; doubles up to the constant below */
#define PAUSE_MAX_MS 5000
#define CONNECT_MS 2000
#define HOST_BYTES 256
#define OUT_BYTES ((size_t)64 << 20) /* waiting for the socket: more is not kept */
#define READ_BYTES 16384
#define LINE_BYTES 512
#define LATE_MS 20 /* added to the time limit: this process may have been busy, and may not have sent the command yet */

struct redis_question {
	struct redis *redis;
	struct redis_question *next;			 /* next in the queue, or in the pool */
	void (*found)(void *context, struct text value); /* NULL: cancelled, or no reply is needed */
	void *context;
};

enum trouble { TROUBLE_NONE, TROUBLE_AWAY, TROUBLE_REFUSES };

struct redis {
	struct loop *loop;
	const struct redis_config *config;
	char host[HOST_BYTES], port[8];
	struct ssl_ctx_st *tls; /* NULL: plain */
	struct dial_host dial_host;
	struct dial dial; /* until the link is established */
	struct link link;
	struct watch watch;
	uint32_t events; /* events that are watched; 0: none */
	struct buffer out;
	size_t sent; /* sent bytes of it */
	redisReader *reader;
	bool let_in;			     /* it accepts commands */
	enum trouble reported;		     /* last reported */
	int64_t refused_ms;		     /* time of its last refusal */
	struct redis_question *first, **end; /* commands that wait for their replies */
	struct loop_timer again_timer, silence_timer;
	bool spared; /* its time limit was extended once */
	int64_t pause_ms;
	struct redis_question *pool;
	bool closing;
};

/* ---- disconnect ---- */

static void redis_report(struct redis *redis, enum trouble trouble, const char *words)
{
	static const char *const names[] = {[TROUBLE_AWAY] = "is unreachable", [TROUBLE_REFUSES] = "refuses"};
	bool news = redis->reported != trouble;
	char line[LINE_BYTES];
	redis->reported = trouble;
	if (!news || !redis->config->reported || redis->closing)
		return;
	if (trouble)
		(void)snprintf(line, sizeof line, "Redis %s: %s:%s: %s", names[trouble], redis->host, redis->port, words);
	redis->config->reported(redis->config->context, trouble ? line : NULL);
}

static struct redis_question *question_next(struct redis *redis)
{
	struct redis_question *question = redis->first;
	redis->first = question->next;
	if (!redis->first)
		redis->end = &redis->first;
	question->next = redis->pool;
	redis->pool = question;
	return question;
}

static void redis_answer(struct redis *redis, struct text value)
{
	struct redis_question *question = question_next(redis);
	void (*found)(void *context, struct text value) = question->found;
	question->found = NULL;
	if (found && !redis->closing)
		found(question->context, value);
}

/* Closes the connection. All waiting lookups are answered without a value. */
static void redis_disconnect(struct redis *redis, const char *words)
{
	struct error error = {0};
	dial_stop(&redis->dial);
	if (redis->events)
		loop_unwatch(redis->loop, &redis->watch);
	redis->events = 0;
	link_close(&redis->link);
	buffer_clear(&redis->out);
	redis->sent = 0;
	redis->let_in = false;
	if (redis->reader)
		redisReaderFree(redis->reader);
	redis->reader = NULL;
	loop_timer_stop(redis->loop, &redis->silence_timer);
	if (!redis->closing) {
		(void)loop_timer_set(redis->loop, &redis->again_timer, loop_now_ms(redis->loop) + redis->pause_ms, &error);
		redis->pause_ms = pause_next(redis->pause_ms, PAUSE_MS, PAUSE_MAX_MS);
		redis_report(redis, TROUBLE_AWAY, words && words[0] ? words : "it hung up");
	}
	while (redis->first)
		redis_answer(redis, (struct text){0});
}

static void silence_timer_set(struct redis *redis, int64_t ms)
{
	struct error error = {0};
	(void)loop_timer_set(redis->loop, &redis->silence_timer, loop_now_ms(redis->loop) + ms, &error);
}

static void on_silence(void *context)
{
	struct redis *redis = context;
	if (redis->let_in && !redis->spared && loop_now_ms(redis->loop) - redis->silence_timer.due_ms > LATE_MS) {
		redis->spared = true;
		silence_timer_set(redis, REDIS_SILENCE_MS);
		return;
	}
	redis_disconnect(redis, redis->let_in ? "it does not answer" : "connecting timed out");
}

static void expect_within(struct redis *redis, int64_t ms)
{
	redis->spared = false;
	silence_timer_set(redis, ms);
}

/* ---- sending and receiving ---- */

static bool watch_for(struct redis *redis, uint32_t events)
{
	struct error error = {0};
	bool watched = redis->events == events ||
		       (redis->events ? loop_watch_for(redis->loop, &redis->watch, events, &error)
				      : loop_watch(redis->loop, &redis->watch, redis->link.socket, events, &error));
	if (watched)
		redis->events = events;
	else
		redis_disconnect(redis, error.text);
	return watched;
}

static bool redis_flush(struct redis *redis)
{
	struct error error = {0};
	while (redis->sent < redis->out.length) {
		size_t count = 0;
		switch (link_write(&redis->link, redis->out.bytes + redis->sent, redis->out.length - redis->sent, &count, &error)) {
		case LINK_BROKEN:
			redis_disconnect(redis, error.text);
			return false;
		case LINK_LATER:
			return watch_for(redis, EPOLLIN | EPOLLOUT);
		case LINK_DONE:
			redis->sent += count;
		}
	}
	buffer_clear(&redis->out);
	redis->sent = 0;
	return watch_for(redis, EPOLLIN);
}

/* Buffers a command in hiredis' form; false: it is not sent. */
static bool redis_buffer_command(struct redis *redis, char *command, int length)
{
	if (length > 0)
		buffer_append(&redis->out, command, (size_t)length);
	if (length >= 0)
		redisFreeCommand(command);
	if (length > 0 && !buffer_failed(&redis->out))
		return watch_for(redis, EPOLLIN | EPOLLOUT);
	redis_disconnect(redis, "the buffer for requests is full");
	return false;
}

static struct redis_question *redis_question_new(struct redis *redis)
{
	struct redis_question *question = redis->pool;
	if (question)
		redis->pool = question->next;
	else if (!(question = memory_take(1, sizeof *question)))
		return NULL;
	*question = (struct redis_question){.redis = redis};
	if (!redis->first)
		expect_within(redis, REDIS_SILENCE_MS);
	*redis->end = question;
	redis->end = &question->next;
	return question;
}

static void stand(struct redis *redis)
{
	redis->let_in = true;
	redis->pause_ms = PAUSE_MS;
	loop_timer_stop(redis->loop, &redis->silence_timer);
	redis_report(redis, TROUBLE_NONE, NULL);
}

static void redis_note_reply(struct redis *redis, const redisReply *reply)
{
	int64_t now_ms = loop_now_ms(redis->loop);
	if (reply->type == REDIS_REPLY_ERROR) {
		redis->refused_ms = now_ms;
		redis_report(redis, TROUBLE_REFUSES, reply->str);
	} else if (now_ms - redis->refused_ms >= REDIS_QUIET_MS) {
		redis_report(redis, TROUBLE_NONE, NULL);
	}
}

/* False: the connection is gone. */
static bool redis_take(struct redis *redis, const redisReply *reply)
{
	bool is_value = reply->type == REDIS_REPLY_STRING;
	if (!redis->let_in) { /* the reply to the login */
		if (reply->type == REDIS_REPLY_ERROR)
			redis_disconnect(redis, reply->str);
		else
			stand(redis);
		return redis->let_in;
	}
	if (!redis->first) {
		redis_disconnect(redis, "it sent a reply without a request");
		return false;
	}
	if (redis->first->next)
		expect_within(redis, REDIS_SILENCE_MS);
	else
		loop_timer_stop(redis->loop, &redis->silence_timer);
	redis_note_reply(redis, reply);
	redis_answer(redis, is_value ? (struct text){reply->str, reply->len} : (struct text){0});
	return redis->let_in;
}

static bool take_all(struct redis *redis)
{
	for (void *reply = NULL; redisReaderGetReply(redis->reader, &reply) == REDIS_OK; reply = NULL) {
		if (!reply)
			return true;
		bool goes_on = redis_take(redis, reply);
		freeReplyObject(reply);
		if (!goes_on)
			return false;
	}
	redis_disconnect(redis, "its replies are not in the protocol of Redis");
	return false;
}

static bool redis_on_readable(struct redis *redis)
{
	char bytes[READ_BYTES];
	for (;;) {
		struct error error = {0};
		size_t count = 0;
		enum link_outcome outcome = link_read(&redis->link, bytes, sizeof bytes, &count, &error);
		if (outcome == LINK_LATER)
			return true;
		if (outcome == LINK_BROKEN || redisReaderFeed(redis->reader, bytes, count) != REDIS_OK) {
			redis_disconnect(redis, error.text);
			return false;
		}
		if (!take_all(redis))
			return false;
	}
}

/* ---- connecting ---- */

/* Logs in. Without a password, a harmless command checks that none is needed. */
static void log_in(struct redis *redis)
{
	const char *login = redis->config->login, *colon = login ? strchr(login, ':') : NULL;
	char *command = NULL;
	int length = colon   ? redisFormatCommand(&command, "AUTH %b %s", login, (size_t)(colon - login), colon + 1)
		     : login ? redisFormatCommand(&command, "AUTH %s", login)
			     : redisFormatCommand(&command, "PING");
	(void)redis_buffer_command(redis, command, length);
}

static void redis_on_ready(void *context, uint32_t events)
{
	struct redis *redis = context;
	if (!(events & ~(uint32_t)EPOLLOUT) || redis_on_readable(redis))
		if (redis->events & EPOLLOUT)
			(void)redis_flush(redis);
}

static void redis_on_dialled(void *context, const struct error *error)
{
	struct redis *redis = context;
	if (error) {
		redis_disconnect(redis, error->text);
		return;
	}
	redis->reader = redisReaderCreate();
	expect_within(redis, CONNECT_MS);
	if (redis->reader)
		log_in(redis);
	else
		redis_disconnect(redis, "there is no memory for its replies");
}

static void redis_on_again(void *context)
{
	struct redis *redis = context;
	redis->dial = (struct dial){.host = &redis->dial_host,
				    .link = &redis->link,
				    .connect_ms = CONNECT_MS,
				    .deadline_ms = INT64_MAX,
				    .done = redis_on_dialled,
				    .context = redis};
	dial_start(&redis->dial);
}

static bool read_address(struct redis *redis, const char *address, struct error *error)
{
	const char *colon = strrchr(address, ':');
	size_t host = colon ? (size_t)(colon - address) : 0;
	uint64_t port;
	if (host == 0 || host >= HOST_BYTES || strlen(colon) > 6 || !number_read_uint64(text_of(colon + 1), &port) || port > 65535)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` is not an address of a Redis server; write HOST:PORT",
				 address);
	(void)snprintf(redis->host, sizeof redis->host, "%.*s", (int)host, address);
	(void)snprintf(redis->port, sizeof redis->port, "%s", colon + 1);
	return true;
}

struct redis *redis_open(struct loop *loop, const struct redis_config *config, struct error *error)
{
	assert(loop && config->address);
	struct redis *redis = memory_take(1, sizeof *redis);
	if (!redis)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a client of Redis"));
	*redis = (struct redis){.loop = loop, .config = config, .link = LINK_NONE, .pause_ms = PAUSE_MS};
	redis->end = &redis->first;
	redis->watch = (struct watch){.ready = redis_on_ready, .context = redis};
	redis->again_timer = (struct loop_timer){.due = redis_on_again, .context = redis};
	redis->silence_timer = (struct loop_timer){.due = on_silence, .context = redis};
	buffer_open(&redis->out, OUT_BYTES);
	if (!read_address(redis, config->address, error) ||
	    (config->tls && !(redis->tls = tls_open_client(&config->files, NULL, error)))) {
		redis_close(redis);
		return NULL;
	}
	redis->dial_host =
		(struct dial_host){.loop = loop, .host = redis->host, .port = redis->port, .tls = redis->tls, .any_protocol = true};
	redis_on_again(redis);
	return redis;
}

void redis_close(struct redis *redis)
{
	if (!redis)
		return;
	redis->closing = true;
	redis_disconnect(redis, NULL);
	dial_host_close(&redis->dial_host);
	loop_timer_stop(redis->loop, &redis->again_timer);
	for (struct redis_question *question = redis->pool, *next; question; question = next) {
		next = question->next;
		memory_give(question);
	}
	buffer_close(&redis->out);
	tls_close(redis->tls);
	memory_give(redis);
}

/* ---- lookups ---- */

struct redis_question *redis_get(struct redis *redis, struct text key, void (*found)(void *context, struct text value),
				 void *context)
{
	char *command = NULL;
	struct redis_question *question = redis->let_in ? redis_question_new(redis) : NULL;
	int length = question ? redisFormatCommand(&command, "GET %b", key.bytes, key.length) : 0;
	if (!question || !redis_buffer_command(redis, command, length))
		return NULL;
	question->found = found;
	question->context = context;
	return question;
}

void redis_forget(struct redis_question *question)
{
	question->found = NULL;
}

void redis_set(struct redis *redis, struct text key, struct text value, int64_t ttl_ms)
{
	assert(ttl_ms > 0); /* Redis refuses a time of 0 */
	char *command = NULL;
	if (!redis->let_in || !redis_question_new(redis))
		return;
	int length = redisFormatCommand(&command, "SET %b %b PX %lld", key.bytes, key.length, value.bytes, value.length,
					(long long)ttl_ms);
	(void)redis_buffer_command(redis, command, length);
}
