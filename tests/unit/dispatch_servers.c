/* dispatch_servers.c: see dispatch_servers.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "dispatch_servers.h"

struct servers servers;

/* A call, and when it came. */
struct asked {
	struct call call;
	int64_t at_us;
};

/* ---- the servers ---- */

static float first_of(const struct payload *payload, size_t row)
{
	return ((const float *)payload->tensors.items[0]->data)[row];
}

static bool holds_poison(const struct payload *payload)
{
	for (size_t i = 0; servers.poison != 0 && i < payload->tensors.items[0]->count; i++)
		if (first_of(payload, i) == servers.poison)
			return true;
	return false;
}

static enum mood mood_for(const struct queued_call *queued_call)
{
	return holds_poison(queued_call->attempts.call->request) ? servers.poisoned : servers.moods[queued_call->replica];
}

static enum mood drawn_for(const struct queued_call *queued_call)
{
	enum mood mood = mood_for(queued_call);
	bool fails = mood == ANSWERS && random_in_thousand(&servers.random, servers.fail_in_thousand[queued_call->replica]);
	return fails ? FAILS : mood;
}

/* y = x + 10, row by row. */
static const struct payload *reply_to(const struct payload *request, struct arena *arena, bool by_rows)
{
	const struct tensor *x = request->tensors.items[0];
	int64_t shape[2] = {by_rows ? x->shape[0] : 1, 1};
	void *elements;
	struct error error = {0};
	struct tensor *y = tensor_make(arena, TEXT("y"), DATATYPE_FP32, shape, 2, &elements, &error);
	for (size_t i = 0; i < y->count; i++)
		((float *)elements)[i] = ((const float *)x->data)[i] + 10;
	struct payload *reply = ARENA_NEW(arena, struct payload);
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, 1);
	tensors_add(&tensors, y);
	reply->tensors = tensors_end(&tensors);
	return reply;
}

static bool on_send(void *context, struct queued_call *queued_call, int64_t timeout_ms, struct error *error)
{
	(void)context;
	(void)error;
	const struct payload *request = queued_call->attempts.call->request;
	assert_true(timeout_ms > 0);
	assert_in_range(servers.flight_count, 0, FLIGHTS_MAX - 1);
	enum mood mood = mood_for(queued_call);
	int64_t latency_us = mood == HANGS ? timeout_ms * 1000 : mood == REFUSES ? 100 : servers.latency_us[queued_call->replica];
	servers.flights[servers.flight_count++] = (struct flight){queued_call, servers.now_us + latency_us};
	if (servers.flight_count > servers.flights_most)
		servers.flights_most = servers.flight_count;
	servers.sent[queued_call->replica]++;
	size_t rows = (size_t)request->tensors.items[0]->shape[0];
	servers.most_rows = rows > servers.most_rows ? rows : servers.most_rows;
	return true;
}

static void on_withdraw(void *context, struct queued_call *queued_call)
{
	(void)context;
	servers.withdrawn++;
	for (size_t i = 0; i < servers.flight_count; i++)
		if (servers.flights[i].queued_call == queued_call)
			servers.flights[i--] = servers.flights[--servers.flight_count];
}

static bool on_ask_ready(void *context, struct dispatch *dispatch, size_t replica)
{
	(void)context;
	(void)dispatch;
	if (!servers.has_readiness)
		return false;
	servers.readiness[replica].asked = true;
	servers.readiness[replica].due_us = servers.now_us + 1000;
	servers.asked++;
	return true;
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	servers.last = call;
	const struct asked *asked = (const struct asked *)call;
	if (servers.now_us - asked->at_us > servers.longest_us)
		servers.longest_us = servers.now_us - asked->at_us;
	if (call->error.kind == ERROR_NONE) {
		assert_float_equal(first_of(call->reply, 0), first_of(call->request, 0) + 10, 0);
		assert_int_equal(call->reply->tensors.items[0]->shape[0], call->request->tensors.items[0]->shape[0]);
		servers.answered++;
	} else {
		servers.failed++;
	}
	if (strlen(servers.order) + 1 < sizeof servers.order && call->owner)
		servers.order[strlen(servers.order)] = *(const char *)call->owner;
}

static void on_discard(void *context, struct queued_call *queued_call)
{
	(void)context;
	(void)queued_call;
}

/* The time of day is the stories' clock. */
static int64_t on_age(void *context, const struct message *message)
{
	(void)context;
	return message->written_ms > 0 ? servers.now_us - message->written_ms * 1000 : 0;
}

static const struct dispatch_environment environment = {.send = on_send,
							.withdraw = on_withdraw,
							.ask_ready = on_ask_ready,
							.answered = on_answered,
							.age_us = on_age,
							.discard = on_discard};

static void land(struct flight flight)
{
	struct queued_call *queued_call = flight.queued_call;
	enum mood mood = drawn_for(queued_call);
	struct attempt attempt = {.where = "there", .unread_us = servers.busy_us};
	switch (mood) {
	case ANSWERS:
	case ANSWERS_WITHOUT_ROWS:
		attempt.status = 200;
		attempt.payload =
			reply_to(queued_call->attempts.call->request, queued_call->attempts.call->message->arena, mood == ANSWERS);
		break;
	case REFUSES:
		attempt.end = ATTEMPT_REFUSED;
		attempt.words = TEXT("refused");
		break;
	case FAILS:
		attempt.status = 503;
		attempt.words = TEXT("overloaded");
		break;
	case SAYS_400:
		attempt.status = 400;
		attempt.words = TEXT("odd row");
		break;
	case SAYS_500:
		attempt.status = 500;
		attempt.words = TEXT("broken inside");
		break;
	case HANGS:
		attempt.end = ATTEMPT_TIMED_OUT;
		break;
	case LOSES:
		attempt.end = ATTEMPT_LOST;
		attempt.words = TEXT("lost");
		break;
	}
	dispatch_outcome(servers.dispatch, queued_call, &attempt, servers.now_us);
}

/* ---- time ---- */

static int64_t next_event_us(size_t *flight, size_t *ready)
{
	int64_t due_us = dispatch_due_us(servers.dispatch, servers.now_us);
	*flight = *ready = SIZE_MAX;
	for (size_t i = 0; i < servers.flight_count; i++)
		if (servers.flights[i].due_us < due_us) {
			due_us = servers.flights[i].due_us;
			*flight = i;
		}
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		if (servers.readiness[i].asked && servers.readiness[i].due_us < due_us) {
			due_us = servers.readiness[i].due_us;
			*ready = i;
		}
	return due_us;
}

/* One event, if it comes before `until_us`; else time stands there. */
bool servers_step(int64_t until_us)
{
	size_t flight, ready;
	int64_t due_us = next_event_us(&flight, &ready);
	if (due_us > until_us) {
		servers.now_us = until_us;
		return false;
	}
	servers.now_us = due_us > servers.now_us ? due_us : servers.now_us;
	if (ready != SIZE_MAX) {
		servers.readiness[ready].asked = false;
		dispatch_ready(servers.dispatch, ready,
			       !servers.unready && servers.moods[ready] != REFUSES && servers.moods[ready] != FAILS,
			       servers.now_us);
	} else if (flight != SIZE_MAX) {
		struct flight landing = servers.flights[flight];
		servers.flights[flight] = servers.flights[--servers.flight_count];
		land(landing);
	} else {
		dispatch_turn(servers.dispatch, servers.now_us);
	}
	return true;
}

void servers_run_until(int64_t until_us)
{
	for (size_t steps = 0; servers_step(until_us); steps++)
		assert_in_range(steps, 0, 10000000);
}

void servers_work_for(int64_t us)
{
	servers.now_us += us;
	servers.busy_us = us;
	servers_run_until(servers.now_us);
	servers.busy_us = 0;
}

void servers_run_for(int64_t us)
{
	servers_run_until(servers.now_us + us);
}

/* ---- set-up ---- */

int servers_set_up(void **state)
{
	(void)state;
	servers = (struct servers){.arena = arena_open((size_t)1 << 30), .now_us = 1000 * (int64_t)SECOND, .has_readiness = true};
	servers.model = (struct model_config){.name = "m", .addresses = {1, servers.addresses}};
	servers.config = (struct dispatch_config){.model = &servers.model, .seed = 7};
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		servers.latency_us[i] = 1000;
	return 0;
}

void servers_begin(size_t replicas)
{
	struct error error = {0};
	servers.model.addresses.count = replicas;
	servers.dispatch = dispatch_open(&servers.config, &environment, servers.now_us, &error);
	assert_non_null(servers.dispatch);
}

int servers_tear_down(void **state)
{
	(void)state;
	dispatch_close(servers.dispatch);
	arena_close(servers.arena);
	return 0;
}

struct call *servers_make(float value, int64_t rows, struct message *message)
{
	int64_t shape[2] = {rows, 1};
	void *elements;
	struct error error = {0};
	struct tensor *x = tensor_make(servers.arena, TEXT("x"), DATATYPE_FP32, shape, 2, &elements, &error);
	for (size_t i = 0; i < (size_t)rows; i++)
		((float *)elements)[i] = value + (float)i;
	struct payload *payload = ARENA_NEW(servers.arena, struct payload);
	struct tensors_builder tensors;
	tensors_begin(&tensors, servers.arena, 1);
	tensors_add(&tensors, x);
	payload->tensors = tensors_end(&tensors);
	struct asked *asked = ARENA_NEW(servers.arena, struct asked);
	message->arena = servers.arena;
	asked->call = (struct call){.name = "m", .request = payload, .message = message};
	asked->at_us = servers.now_us;
	return &asked->call;
}

struct call *servers_ask(float value, int64_t rows, int64_t deadline_ms)
{
	struct error error = {0};
	struct message *message = ARENA_NEW(servers.arena, struct message);
	message->deadline_ms = deadline_ms;
	struct call *call = servers_make(value, rows, message);
	assert_true(dispatch_call(servers.dispatch, call, servers.now_us, &error));
	return call;
}

void servers_warm(void)
{
	for (int i = 0; i < 40; i++)
		servers_ask(1, 1, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 40);
	for (size_t i = 0; i < servers.model.addresses.count; i++)
		assert_true(servers.sent[i] > 0);
	servers.answered = servers.withdrawn = 0;
	servers.longest_us = 0;
	memset(servers.sent, 0, sizeof servers.sent);
}

void servers_expect_error(const struct call *call, enum error_kind kind, const char *words)
{
	assert_int_equal(call->error.kind, kind);
	if (!strstr(call->error.text, words))
		fail_msg("`%s` does not say `%s`", call->error.text, words);
}
