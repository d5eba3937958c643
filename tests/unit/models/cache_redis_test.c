/* cache_redis_test.c: replies that are kept in a Redis server, which is played on the same loop, and
 * knows one key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/cache_stand.h"
#include "models/calls/redis.h"

#define OUT_OF_MEMORY "OOM command not allowed when used memory > 'maxmemory'."

struct redis_server {
	struct watch listener, line;
	char redis[32]; /* its address */
	char value[1024];
	size_t value_length;
	size_t gets, sets;
	char key[64]; /* that was asked for last */
	bool mute;
	bool refuses; /* what it is to keep */
};

static struct redis_server server;

/* ---- the server ---- */

static void say(const char *bytes, size_t length)
{
	assert_int_equal(send(server.line.descriptor, bytes, length, MSG_NOSIGNAL), length);
}

/* One command comes whole: *N, and each word as $LENGTH and its bytes. */
static void on_command(void *context, uint32_t events)
{
	(void)context;
	(void)events;
	char bytes[4096];
	ssize_t got = recv(server.line.descriptor, bytes, sizeof bytes - 1, 0);
	if (got <= 0) {
		loop_unwatch(cache_stand.loop, &server.line);
		close(server.line.descriptor);
		server.line.descriptor = -1;
		return;
	}
	if (server.mute)
		return;
	for (const char *at = bytes; at < bytes + got;) {
		struct text words[5] = {{0}};
		long count = strtol(at + 1, (char **)&at, 10);
		at += 2;
		for (long i = 0; i < count; i++) {
			long length = strtol(at + 1, (char **)&at, 10);
			words[i] = (struct text){at + 2, (size_t)length};
			at += 2 + length + 2;
		}
		if (text_is(words[0], "SET")) {
			server.sets++;
			server.value_length = words[2].length;
			memcpy(server.value, words[2].bytes, words[2].length);
			assert_true(text_is(words[3], "PX") && text_is(words[4], "60000"));
			if (server.refuses)
				say("-" OUT_OF_MEMORY "\r\n", sizeof "-" OUT_OF_MEMORY "\r\n" - 1);
			else
				say("+OK\r\n", 5);
			continue;
		}
		server.gets++;
		assert_in_range(words[1].length, 0, sizeof server.key);
		if (words[1].length > 0)
			memcpy(server.key, words[1].bytes, words[1].length);
		char head[32];
		int length = snprintf(head, sizeof head, server.value_length ? "$%zu\r\n" : "$-1\r\n", server.value_length);
		say(head, (size_t)length);
		if (server.value_length) {
			say(server.value, server.value_length);
			say("\r\n", 2);
		}
	}
}

static void on_connection(void *context, uint32_t events)
{
	(void)context;
	(void)events;
	int line = accept(server.listener.descriptor, NULL, NULL);
	server.line = (struct watch){.ready = on_command};
	assert_true(loop_watch(cache_stand.loop, &server.line, line, EPOLLIN, &(struct error){0}));
}

static void redis_begin(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	snprintf(server.redis, sizeof server.redis, "127.0.0.1:%d", ntohs(address.sin_port));
	server.listener = (struct watch){.ready = on_connection};
	assert_true(loop_watch(cache_stand.loop, &server.listener, listener, EPOLLIN, &(struct error){0}));
	cache_stand.model.cache = (struct model_cache){.backend = CACHE_REDIS, .ttl_ms = 60000, .redis = server.redis};
}

/* ---- the clock ---- */

/* In place of the C library's: a story may stop the clock, so that only what it says takes time. 0: it runs. */
static int64_t stopped_ns;

__attribute__((used)) static int time_told(clockid_t clock, struct timespec *now)
{
	if (stopped_ns == 0 || clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){.tv_sec = stopped_ns / NS_PER_S, .tv_nsec = stopped_ns % NS_PER_S};
	return 0;
}

extern __typeof__(clock_gettime) clock_gettime __attribute__((alias("time_told")));

static void clock_stop(void)
{
	stopped_ns = clock_ns();
}

static void clock_pass(int64_t ms)
{
	stopped_ns += ms * NS_PER_MS;
}

/* ---- set-up ---- */

static int set_up(void **state)
{
	server = (struct redis_server){.listener.descriptor = -1, .line.descriptor = -1};
	return cache_stand_open(state);
}

static int tear_down(void **state)
{
	int status = cache_stand_close(state);
	stopped_ns = 0;
	if (server.line.descriptor >= 0)
		close(server.line.descriptor);
	if (server.listener.descriptor >= 0)
		close(server.listener.descriptor);
	return status;
}

/* ---- the stories ---- */

/* What the model said of 1, which was asked last, goes to Redis, and comes from there. */
static void expect_kept(float number)
{
	while (server.sets == 0)
		cache_turn(1);
	struct call *again = cache_ask(1);
	while (cache_stand.answered < 3)
		cache_turn(1);
	assert_float_equal(cache_said(again), number, 0);
	assert_int_equal(cache_stand.asked_count, 0);
}

static void replies_are_kept_in_redis(void **state)
{
	(void)state;
	redis_begin();
	cache_ask(5); /* nobody is connected yet: the model answers */
	cache_model_says(1);
	cache_turn(5);
	cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 0);
	while (cache_stand.asked_count == 0)
		cache_turn(1);
	cache_model_says(11);
	expect_kept(11);
}

static void wait_for_gets(size_t gets)
{
	while (server.gets < gets)
		cache_turn(1);
}

/* So do models of two deployments, which have one name on their servers. */
static void namespaces_that_use_one_redis_keep_apart(void **state)
{
	(void)state;
	static const char *const namespaces[] = {"staging", "production", "production", "production"};
	static const char *const models[] = {"a/m", "a/m", "a/m", "b/m"};
	char keys[4][sizeof server.key];
	redis_begin();
	for (size_t i = 0; i < 4; i++) {
		size_t gets = server.gets;
		cache_stand.model.cache.namespace = namespaces[i];
		cache_stand.model.name = models[i];
		cache_ask(5);
		wait_for_gets(gets + 1); /* it was greeted */
		cache_turn(2);
		cache_ask(1);
		wait_for_gets(gets + 2);
		memcpy(keys[i], server.key, sizeof keys[i]);
		cache_close(cache_stand.cache);
		cache_stand.cache = NULL;
		cache_turn(2);
	}
	assert_memory_not_equal(keys[0], keys[1], sizeof keys[0]);
	assert_memory_equal(keys[1], keys[2], sizeof keys[0]);
	assert_memory_not_equal(keys[2], keys[3], sizeof keys[0]);
}

static void what_is_no_reply_in_redis_is_not_used_and_replaced(void **state)
{
	(void)state;
	redis_begin();
	cache_ask(5);
	cache_model_says(1);
	cache_turn(5);
	server.value_length = (size_t)snprintf(server.value, sizeof server.value, "what is this?");
	struct call *call = cache_ask(1);
	while (cache_stand.asked_count == 0)
		cache_turn(1);
	cache_model_says(11);
	assert_float_equal(cache_said(call), 11, 0);
	expect_kept(11);
}

/* The model answers it, and Redis is asked to keep that. */
static void keep_one(float number)
{
	size_t sets = server.sets;
	cache_ask(number);
	while (cache_stand.asked_count == 0)
		cache_turn(1);
	cache_model_says(number);
	while (server.sets == sets)
		cache_turn(1);
	cache_turn(3);
}

static void what_redis_refuses_to_keep_is_told_once(void **state)
{
	(void)state;
	redis_begin();
	cache_ask(9);
	cache_model_says(9);
	cache_turn(5);
	server.value_length = 0;
	server.refuses = true;
	keep_one(1);
	server.value_length = 0;
	keep_one(2);
	assert_int_equal(cache_stand.told, 1);
	assert_non_null(strstr(cache_stand.words, "Redis refuses: 127.0.0.1:"));
	assert_non_null(strstr(cache_stand.words, OUT_OF_MEMORY));
	assert_int_equal(cache_stand.failed, 0);
	server.refuses = false;
	server.value_length = 0;
	keep_one(3); /* one at its edge takes some and refuses some */
	assert_int_equal(cache_stand.told, 1);
	usleep(REDIS_QUIET_MS * 1000);
	cache_turn(1);
	server.value_length = 0;
	keep_one(4);
	assert_int_equal(cache_stand.told, 2);
	assert_string_equal(cache_stand.words, "");
}

static void a_silent_redis_holds_nobody_up(void **state)
{
	(void)state;
	redis_begin();
	struct call *first = cache_ask(9);
	cache_forget(cache_stand.cache, first);
	cache_turn(5);
	server.mute = true;
	cache_ask(1);
	int64_t begun_ms = loop_now_ms(cache_stand.loop);
	while (cache_stand.asked_count == 0)
		cache_turn(1);
	assert_in_range(loop_now_ms(cache_stand.loop) - begun_ms, REDIS_SILENCE_MS - 20, 10 * REDIS_SILENCE_MS);
	cache_model_says(11);
	assert_int_equal(cache_stand.answered, 1);
	cache_ask(2); /* it is not even asked now */
	assert_int_equal(cache_stand.asked_count, 1);
}

/* As `localhost` may be on a machine of both protocols. */
__attribute__((used)) static int find_two(const char *restrict host, const char *restrict port,
					  const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	(void)hints;
	struct two {
		struct addrinfo info[2];
		struct sockaddr_in at[2];
	} *two = calloc(1, sizeof *two);
	for (size_t i = 0; i < 2; i++) {
		two->at[i].sin_family = AF_INET;
		two->at[i].sin_port = htons(i == 0 && strcmp(host, "two") == 0 ? 1 : (uint16_t)strtoul(port, NULL, 10));
		two->at[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		two->info[i] = (struct addrinfo){.ai_family = AF_INET,
						 .ai_socktype = SOCK_STREAM,
						 .ai_addr = (struct sockaddr *)&two->at[i],
						 .ai_addrlen = sizeof two->at[i]};
	}
	two->info[0].ai_next = &two->info[1];
	*found = two->info;
	return 0;
}

__attribute__((used)) static void give_two(struct addrinfo *found)
{
	free(found);
}

extern __typeof__(getaddrinfo) getaddrinfo __attribute__((alias("find_two")));
extern __typeof__(freeaddrinfo) freeaddrinfo __attribute__((alias("give_two")));

static void our_own_work_is_not_taken_for_its_silence(void **state)
{
	(void)state;
	redis_begin();
	clock_stop();
	cache_ask(5);
	wait_for_gets(1); /* it was greeted */
	cache_turn(2);
	cache_ask(1);
	clock_pass(2 * REDIS_SILENCE_MS);
	wait_for_gets(2);
	cache_turn(2);
	assert_int_equal(cache_stand.told, 0);
	server.mute = true;
	cache_ask(2);
	clock_pass(2 * REDIS_SILENCE_MS);
	cache_turn(2);
	assert_int_equal(cache_stand.told, 0);
	clock_pass(REDIS_SILENCE_MS - 1);
	cache_turn(2);
	assert_int_equal(cache_stand.told, 0);
	clock_pass(1);
	cache_turn(2);
	assert_int_equal(cache_stand.told, 1);
	assert_non_null(strstr(cache_stand.words, "it does not answer"));
}

static void a_redis_is_found_at_any_address_of_its_name(void **state)
{
	(void)state;
	redis_begin();
	memcpy(server.redis, "two", 3);
	memmove(server.redis + 3, strchr(server.redis, ':'), strlen(strchr(server.redis, ':')) + 1);
	cache_ask(1);
	cache_model_says(1);
	for (int i = 0; i < 1000 && server.gets == 0; i++) /* it is greeted */
		cache_turn(1);
	assert_int_equal(server.gets, 1);
}

static void a_redis_that_is_not_there_holds_nobody_up(void **state)
{
	(void)state;
	cache_stand.model.cache = (struct model_cache){.backend = CACHE_REDIS, .ttl_ms = 60000, .redis = "127.0.0.1:1"};
	cache_ask(1);
	cache_turn(5);
	cache_ask(2);
	assert_int_equal(cache_stand.asked_count, 2);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(replies_are_kept_in_redis),
		STORY(namespaces_that_use_one_redis_keep_apart),
		STORY(what_is_no_reply_in_redis_is_not_used_and_replaced),
		STORY(what_redis_refuses_to_keep_is_told_once),
		STORY(a_silent_redis_holds_nobody_up),
		STORY(our_own_work_is_not_taken_for_its_silence),
		STORY(a_redis_is_found_at_any_address_of_its_name),
		STORY(a_redis_that_is_not_there_holds_nobody_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
