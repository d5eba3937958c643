/* cache_test.c: replies that are used again, with a model that is played; and with a Redis
 * server that is played too, on the same loop, and knows one key. */
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
#include <unistd.h>

#include "base/memory.h"
#include "payloads.h"
#include "serving/cache.h"
#include "serving/redis.h"

#define CALLS_MAX 16
#define OUT_OF_MEMORY "-OOM command not allowed when used memory > 'maxmemory'."

struct stand {
	struct loop *loop;
	struct arena *arena;
	struct cache *cache;
	struct model_config model;
	struct model_address address;
	struct cache_outside outside;
	struct message message;
	struct call *asked[CALLS_MAX]; /* of the model, not answered yet */
	size_t asked_count;
	size_t answered, failed;
	bool no_memory; /* to ask it */
	struct call *forgets; /* when a call is answered: of the same message, which that ends */
	struct call calls[CALLS_MAX];
	size_t call_count;
	/* The Redis server: */
	struct watch listener, line;
	char redis[32];
	char value[1024];
	size_t value_length;
	size_t gets, sets;
	char key[64]; /* that was asked for last */
	bool mute;
	bool refuses; /* what it is to keep */
	size_t told;
	char words[256]; /* last; empty: it serves again */
};

static struct stand stand;

/* ---- the model ---- */

static bool on_ask(void *context, struct call *call, struct error *error)
{
	(void)context;
	if (stand.no_memory)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	stand.asked[stand.asked_count++] = call;
	return true;
}

static void on_forget(void *context, struct call *call)
{
	(void)context;
	for (size_t i = 0; i < stand.asked_count; i++)
		if (stand.asked[i] == call)
			stand.asked[i--] = stand.asked[--stand.asked_count];
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	struct call *forgotten = stand.forgets;
	stand.answered++;
	stand.failed += call->error.kind != ERROR_NONE;
	stand.forgets = NULL;
	if (forgotten)
		cache_forget(stand.cache, forgotten);
}

static void on_told(void *context, const char *words)
{
	(void)context;
	stand.told++;
	snprintf(stand.words, sizeof stand.words, "%s", words ? words : "");
}

/* The model answers what it was asked first with that tensor. */
static void model_says(float number)
{
	struct call *call = stand.asked[0];
	on_forget(NULL, call);
	struct payload *reply = payload_of_number(stand.arena, "y", number);
	reply->model_name = TEXT("m");
	call->reply = reply;
	cache_answered(stand.cache, call);
}

static void model_fails(enum error_kind kind)
{
	struct call *call = stand.asked[0];
	on_forget(NULL, call);
	error_set(&call->error, kind, PLACE_NONE, "no");
	cache_answered(stand.cache, call);
}

/* ---- Redis ---- */

static void say(const char *bytes, size_t length)
{
	assert_int_equal(send(stand.line.descriptor, bytes, length, MSG_NOSIGNAL), length);
}

/* One command comes whole: *N, and each word as $LENGTH and its bytes. */
static void on_command(void *context, uint32_t events)
{
	(void)context;
	(void)events;
	char bytes[4096];
	ssize_t got = recv(stand.line.descriptor, bytes, sizeof bytes - 1, 0);
	if (got <= 0) {
		loop_unwatch(stand.loop, &stand.line);
		close(stand.line.descriptor);
		stand.line.descriptor = -1;
		return;
	}
	if (stand.mute)
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
			stand.sets++;
			stand.value_length = words[2].length;
			memcpy(stand.value, words[2].bytes, words[2].length);
			assert_true(text_is(words[3], "PX") && text_is(words[4], "60000"));
			if (stand.refuses)
				say(OUT_OF_MEMORY "\r\n", sizeof OUT_OF_MEMORY "\r\n" - 1);
			else
				say("+OK\r\n", 5);
			continue;
		}
		stand.gets++;
		if (words[1].bytes)
			memcpy(stand.key, words[1].bytes, words[1].length < sizeof stand.key ? words[1].length : sizeof stand.key);
		char head[32];
		int length = snprintf(head, sizeof head, stand.value_length ? "$%zu\r\n" : "$-1\r\n", stand.value_length);
		say(head, (size_t)length);
		if (stand.value_length) {
			say(stand.value, stand.value_length);
			say("\r\n", 2);
		}
	}
}

static void on_connection(void *context, uint32_t events)
{
	(void)context;
	(void)events;
	int line = accept(stand.listener.descriptor, NULL, NULL);
	stand.line = (struct watch){.ready = on_command};
	assert_true(loop_watch(stand.loop, &stand.line, line, EPOLLIN, &(struct error){0}));
}

static void redis_begin(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	snprintf(stand.redis, sizeof stand.redis, "127.0.0.1:%d", ntohs(address.sin_port));
	stand.listener = (struct watch){.ready = on_connection};
	assert_true(loop_watch(stand.loop, &stand.listener, listener, EPOLLIN, &(struct error){0}));
	stand.model.cache = (struct model_cache){.backend = CACHE_REDIS, .ttl_ms = 60000, .redis = stand.redis};
}

/* ---- set-up ---- */

static int set_up(void **state)
{
	(void)state;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20), .line.descriptor = -1};
	stand.listener.descriptor = -1;
	stand.address = (struct model_address){.model = "m"};
	stand.model = (struct model_config){
		.name = "m", .addresses = {1, &stand.address}, .cache = {.backend = CACHE_MEMORY, .ttl_ms = 60000}};
	stand.outside = (struct cache_outside){.ask = on_ask, .forget = on_forget, .answered = on_answered, .told = on_told};
	stand.message = (struct message){.arena = stand.arena};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cache_close(stand.cache);
	if (stand.line.descriptor >= 0)
		close(stand.line.descriptor);
	if (stand.listener.descriptor >= 0)
		close(stand.listener.descriptor);
	loop_close(stand.loop);
	arena_close(stand.arena);
	return 0;
}

static struct call *call_kept_for(float number, int64_t kept_ms)
{
	struct error error = {0};
	struct call *call = &stand.calls[stand.call_count++];
	*call = (struct call){.name = "m",
			      .request = payload_of_number(stand.arena, "x", number),
			      .message = &stand.message,
			      .kept_ms = kept_ms};
	if (!stand.cache)
		stand.cache = cache_open(stand.loop, &stand.model, &stand.outside, &error);
	assert_true(cache_call(stand.cache, call, &error));
	return call;
}

static struct call *call_with(float number)
{
	return call_kept_for(number, 0);
}

static void turn(int times)
{
	for (int i = 0; i < times; i++)
		assert_true(loop_turn(stand.loop, 10, &(struct error){0}));
}

static float said(const struct call *call)
{
	assert_string_equal(call->error.text, "");
	return *(const float *)call->reply->tensors.items[0]->data;
}

/* ---- the stories ---- */

static void an_equal_request_is_answered_without_the_model(void **state)
{
	(void)state;
	struct call *first = call_with(1);
	assert_int_equal(stand.asked_count, 1);
	model_says(11);
	struct call *second = call_with(1);
	assert_int_equal(stand.answered, 1); /* not before the caller has returned */
	turn(1);
	assert_int_equal(stand.answered, 2);
	assert_int_equal(stand.asked_count, 0);
	assert_float_equal(said(first), 11, 0);
	assert_float_equal(said(second), 11, 0);
	assert_true(text_is(second->reply->model_name, "m"));
}

static void another_request_is_another(void **state)
{
	(void)state;
	call_with(1);
	model_says(11);
	call_with(2);
	assert_int_equal(stand.asked_count, 1);
}

static void a_reply_has_its_time(void **state)
{
	(void)state;
	stand.model.cache.ttl_ms = 1;
	call_with(1);
	model_says(11);
	usleep(5000);
	turn(1);
	call_with(1);
	assert_int_equal(stand.asked_count, 1);
}

static void a_call_gets_no_reply_that_another_keeps_for_longer(void **state)
{
	(void)state;
	call_kept_for(1, 60000);
	model_says(11);
	call_kept_for(1, 30000);
	assert_int_equal(stand.asked_count, 1);
	model_says(12);
	struct call *again = call_kept_for(1, 60000);
	turn(1);
	assert_float_equal(said(again), 11, 0);
}

static void a_calls_own_time_goes_before_the_models(void **state)
{
	(void)state;
	call_kept_for(1, 1);
	model_says(11);
	usleep(5000);
	turn(1);
	call_kept_for(1, 1);
	assert_int_equal(stand.asked_count, 1);
}

static void a_call_that_keeps_nothing_is_asked_whatever_others_keep(void **state)
{
	(void)state;
	stand.model.cache.ttl_ms = 0;
	call_kept_for(1, 60000);
	model_says(11);
	struct call *call = call_with(1), *other = call_with(1);
	assert_int_equal(stand.asked_count, 2);
	model_says(12);
	assert_float_equal(said(call), 12, 0);
	cache_forget(stand.cache, other);
	assert_int_equal(stand.asked_count, 0);
}

static void equal_requests_under_way_are_asked_once(void **state)
{
	(void)state;
	struct call *calls[4];
	for (int i = 0; i < 4; i++)
		calls[i] = call_with(1);
	assert_int_equal(stand.asked_count, 1);
	model_says(11);
	assert_int_equal(stand.answered, 4);
	for (int i = 0; i < 4; i++)
		assert_float_equal(said(calls[i]), 11, 0);
}

static void errors_are_told_to_all_and_not_kept(void **state)
{
	(void)state;
	call_with(1);
	call_with(1);
	model_fails(ERROR_INPUT);
	assert_int_equal(stand.failed, 2);
	call_with(1);
	assert_int_equal(stand.asked_count, 1);
}

static void one_calls_own_limit_is_not_the_others(void **state)
{
	(void)state;
	call_with(1);
	struct call *second = call_with(1);
	model_fails(ERROR_LIMIT);
	assert_int_equal(stand.failed, 1);
	assert_int_equal(stand.asked_count, 1);
	model_says(11);
	assert_float_equal(said(second), 11, 0);
}

static void when_the_first_is_forgotten_the_next_asks(void **state)
{
	(void)state;
	struct call *first = call_with(1), *second = call_with(1), *third = call_with(1);
	cache_forget(stand.cache, third);
	cache_forget(stand.cache, first);
	assert_int_equal(stand.asked_count, 1);
	assert_ptr_equal(stand.asked[0], second);
	model_says(11);
	assert_int_equal(stand.answered, 1);
	call_with(1);
	struct call *last = call_with(2);
	cache_forget(stand.cache, &stand.calls[3]); /* its reply was found, and waits for the turn */
	cache_forget(stand.cache, last);
	turn(2);
	assert_int_equal(stand.answered, 1);
	assert_int_equal(stand.asked_count, 0);
}

static void one_that_is_forgotten_by_anothers_answer_is_not_asked_for(void **state)
{
	(void)state;
	call_with(1);
	struct call *second = call_with(1), *third = call_with(1);
	stand.forgets = second;
	model_says(11);
	assert_int_equal(stand.answered, 2);
	assert_int_equal(stand.asked_count, 0);
	assert_float_equal(said(third), 11, 0);
}

static void the_last_that_waits_may_be_forgotten_by_anothers_failure(void **state)
{
	(void)state;
	call_with(1);
	stand.forgets = call_with(1);
	model_fails(ERROR_REMOTE);
	assert_int_equal(stand.answered, 1);
	struct call *other = call_with(2), *another = call_with(3);
	assert_int_equal(stand.asked_count, 2);
	model_says(13); /* to the one, or the other */
	model_says(13);
	assert_int_equal(stand.answered, 3);
	assert_float_equal(said(other) + said(another), 26, 0);
	struct call *again = call_with(2);
	turn(1);
	assert_float_equal(said(again), 13, 0);
}

static void on_nothing(void *context)
{
	(void)context;
}

static void who_waits_for_one_that_is_forgotten_is_told_when_there_is_no_memory(void **state)
{
	(void)state;
	struct loop_timer timers[15]; /* one more, and the loop needs memory for it */
	struct call *first = call_with(1), *second = call_with(1);
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
		timers[i] = (struct loop_timer){.due = on_nothing};
		assert_true(loop_timer_set(stand.loop, &timers[i], INT64_MAX, &(struct error){0}));
	}
	stand.no_memory = true;
	memory_fail_at(1);
	cache_forget(stand.cache, first);
	memory_fail_at(0);
	assert_int_equal(stand.answered, 0); /* it is entered by the loop alone */
	turn(1);
	assert_int_equal(stand.failed, 1);
	assert_int_equal(second->error.kind, ERROR_SYSTEM);
	stand.no_memory = false;
	call_with(1);
	assert_int_equal(stand.asked_count, 1);
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
		loop_timer_stop(stand.loop, &timers[i]);
}

/* What the model said of 1, which was asked last, goes to Redis, and comes from there. */
static void expect_kept(float number)
{
	while (stand.sets == 0)
		turn(1);
	struct call *again = call_with(1);
	while (stand.answered < 3)
		turn(1);
	assert_float_equal(said(again), number, 0);
	assert_int_equal(stand.asked_count, 0);
}

static void replies_are_kept_in_redis(void **state)
{
	(void)state;
	redis_begin();
	call_with(5); /* nobody is connected yet: the model answers */
	model_says(1);
	turn(5);
	call_with(1);
	assert_int_equal(stand.asked_count, 0);
	while (stand.asked_count == 0)
		turn(1);
	model_says(11);
	expect_kept(11);
}

static void wait_for_gets(size_t gets)
{
	while (stand.gets < gets)
		turn(1);
}

static void namespaces_that_use_one_redis_keep_apart(void **state)
{
	(void)state;
	static const char *const namespaces[] = {"staging", "production", "production"};
	char keys[3][sizeof stand.key];
	redis_begin();
	for (size_t i = 0; i < 3; i++) {
		size_t gets = stand.gets;
		stand.model.cache.namespace = namespaces[i];
		call_with(5);
		wait_for_gets(gets + 1); /* it was greeted */
		turn(2);
		call_with(1);
		wait_for_gets(gets + 2);
		memcpy(keys[i], stand.key, sizeof keys[i]);
		cache_close(stand.cache);
		stand.cache = NULL;
		turn(2);
	}
	assert_memory_not_equal(keys[0], keys[1], sizeof keys[0]);
	assert_memory_equal(keys[1], keys[2], sizeof keys[0]);
}

static void what_is_no_reply_in_redis_is_not_used_and_replaced(void **state)
{
	(void)state;
	redis_begin();
	call_with(5);
	model_says(1);
	turn(5);
	stand.value_length = (size_t)snprintf(stand.value, sizeof stand.value, "what is this?");
	struct call *call = call_with(1);
	while (stand.asked_count == 0)
		turn(1);
	model_says(11);
	assert_float_equal(said(call), 11, 0);
	expect_kept(11);
}

/* The model answers it, and Redis is asked to keep that. */
static void keep_one(float number)
{
	size_t sets = stand.sets;
	call_with(number);
	while (stand.asked_count == 0)
		turn(1);
	model_says(number);
	while (stand.sets == sets)
		turn(1);
	turn(3);
}

static void what_redis_refuses_to_keep_is_told_once(void **state)
{
	(void)state;
	redis_begin();
	call_with(9);
	model_says(9);
	turn(5);
	stand.value_length = 0;
	stand.refuses = true;
	keep_one(1);
	stand.value_length = 0;
	keep_one(2);
	assert_int_equal(stand.told, 1);
	assert_non_null(strstr(stand.words, "Redis refuses: 127.0.0.1:"));
	assert_non_null(strstr(stand.words, OUT_OF_MEMORY + 1));
	assert_int_equal(stand.failed, 0);
	stand.refuses = false;
	stand.value_length = 0;
	keep_one(3); /* one at its edge takes some and refuses some */
	assert_int_equal(stand.told, 1);
	usleep(REDIS_QUIET_MS * 1000);
	turn(1);
	stand.value_length = 0;
	keep_one(4);
	assert_int_equal(stand.told, 2);
	assert_string_equal(stand.words, "");
}

static void a_silent_redis_holds_nobody_up(void **state)
{
	(void)state;
	redis_begin();
	struct call *first = call_with(9);
	cache_forget(stand.cache, first);
	turn(5);
	stand.mute = true;
	call_with(1);
	int64_t begun_ms = loop_now_ms(stand.loop);
	while (stand.asked_count == 0)
		turn(1);
	assert_in_range(loop_now_ms(stand.loop) - begun_ms, REDIS_SILENCE_MS - 20, 10 * REDIS_SILENCE_MS);
	model_says(11);
	assert_int_equal(stand.answered, 1);
	call_with(2); /* it is not even asked now */
	assert_int_equal(stand.asked_count, 1);
}

/* As `localhost` may be on a machine of both protocols. */
int getaddrinfo(const char *restrict host, const char *restrict port, const struct addrinfo *restrict hints,
		struct addrinfo **restrict found)
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

void freeaddrinfo(struct addrinfo *found)
{
	free(found);
}

static void our_own_work_is_not_taken_for_its_silence(void **state)
{
	(void)state;
	redis_begin();
	call_with(5);
	wait_for_gets(1); /* it was greeted */
	turn(2);
	call_with(1);
	usleep(2 * REDIS_SILENCE_MS * 1000);
	wait_for_gets(2);
	turn(2);
	assert_int_equal(stand.told, 0);
	stand.mute = true;
	call_with(2);
	usleep(2 * REDIS_SILENCE_MS * 1000);
	while (stand.told == 0)
		turn(1);
	assert_non_null(strstr(stand.words, "it has fallen silent"));
}

static void a_redis_is_found_at_any_address_of_its_name(void **state)
{
	(void)state;
	redis_begin();
	memcpy(stand.redis, "two", 3);
	memmove(stand.redis + 3, strchr(stand.redis, ':'), strlen(strchr(stand.redis, ':')) + 1);
	call_with(1);
	model_says(1);
	for (int i = 0; i < 1000 && stand.gets == 0; i++) /* it is greeted */
		turn(1);
	assert_int_equal(stand.gets, 1);
}

static void a_redis_that_is_not_there_holds_nobody_up(void **state)
{
	(void)state;
	stand.model.cache = (struct model_cache){.backend = CACHE_REDIS, .ttl_ms = 60000, .redis = "127.0.0.1:1"};
	call_with(1);
	turn(5);
	call_with(2);
	assert_int_equal(stand.asked_count, 2);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_equal_request_is_answered_without_the_model),
		STORY(another_request_is_another),
		STORY(a_reply_has_its_time),
		STORY(a_call_gets_no_reply_that_another_keeps_for_longer),
		STORY(a_calls_own_time_goes_before_the_models),
		STORY(a_call_that_keeps_nothing_is_asked_whatever_others_keep),
		STORY(equal_requests_under_way_are_asked_once),
		STORY(errors_are_told_to_all_and_not_kept),
		STORY(one_calls_own_limit_is_not_the_others),
		STORY(when_the_first_is_forgotten_the_next_asks),
		STORY(one_that_is_forgotten_by_anothers_answer_is_not_asked_for),
		STORY(the_last_that_waits_may_be_forgotten_by_anothers_failure),
		STORY(who_waits_for_one_that_is_forgotten_is_told_when_there_is_no_memory),
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
