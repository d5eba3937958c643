/* dispatch_test.c: the calls of one model against servers that are played, on a clock
 * that leaps from one event to the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/memory.h"
#include "serving/dispatch.h"

#define SECOND 1000000
#define REPLICAS_MAX 3
#define FLIGHTS_MAX 512

enum mood { ANSWERS, REFUSES, FAILS, SAYS_400, HANGS, LOSES, ANSWERS_WITHOUT_ROWS };

struct world {
	struct dispatch *dispatch;
	struct dispatch_config config;
	struct model_config model;
	struct model_address addresses[REPLICAS_MAX];
	struct arena *arena;
	int64_t now_us;
	enum mood moods[REPLICAS_MAX];
	int64_t latency_us[REPLICAS_MAX];
	bool has_readiness;
	struct flight {
		struct errand *errand;
		int64_t due_us;
	} flights[FLIGHTS_MAX];
	size_t flight_count, flights_most;
	struct {
		bool asked;
		int64_t due_us;
	} readiness[REPLICAS_MAX];
	uint64_t sent[REPLICAS_MAX], asked;
	float poison; /* a row of this value makes a server say what `poisoned` says; 0: none */
	enum mood poisoned;
	size_t answered, failed;
	size_t most_rows;
	char order[64];
	struct call *calls;
	struct call *last;
};

static struct world world;

/* ---- the servers ---- */

static float first_of(const struct payload *payload, size_t row)
{
	return ((const float *)payload->tensors.items[0]->data)[row];
}

static bool holds_poison(const struct payload *payload)
{
	for (size_t i = 0; world.poison != 0 && i < payload->tensors.items[0]->count; i++)
		if (first_of(payload, i) == world.poison)
			return true;
	return false;
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

static bool on_send(void *context, struct errand *errand, int64_t timeout_ms, struct error *error)
{
	(void)context;
	(void)error;
	const struct payload *request = errand->attempts.call->request;
	assert_true(timeout_ms > 0);
	assert_in_range(world.flight_count, 0, FLIGHTS_MAX - 1);
	int64_t latency_us = world.moods[errand->replica] == HANGS     ? timeout_ms * 1000
			     : world.moods[errand->replica] == REFUSES ? 100
								       : world.latency_us[errand->replica];
	world.flights[world.flight_count++] = (struct flight){errand, world.now_us + latency_us};
	if (world.flight_count > world.flights_most)
		world.flights_most = world.flight_count;
	world.sent[errand->replica]++;
	size_t rows = (size_t)request->tensors.items[0]->shape[0];
	world.most_rows = rows > world.most_rows ? rows : world.most_rows;
	return true;
}

static void on_withdraw(void *context, struct errand *errand)
{
	(void)context;
	for (size_t i = 0; i < world.flight_count; i++)
		if (world.flights[i].errand == errand)
			world.flights[i--] = world.flights[--world.flight_count];
}

static bool on_ask_ready(void *context, struct dispatch *dispatch, size_t replica)
{
	(void)context;
	(void)dispatch;
	if (!world.has_readiness)
		return false;
	world.readiness[replica].asked = true;
	world.readiness[replica].due_us = world.now_us + 1000;
	world.asked++;
	return true;
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	world.last = call;
	if (call->error.kind == ERROR_NONE) {
		assert_float_equal(first_of(call->reply, 0), first_of(call->request, 0) + 10, 0);
		assert_int_equal(call->reply->tensors.items[0]->shape[0], call->request->tensors.items[0]->shape[0]);
		world.answered++;
	} else {
		world.failed++;
	}
	if (strlen(world.order) + 1 < sizeof world.order && call->owner)
		strcat(world.order, call->owner);
}

static void on_discard(void *context, struct errand *errand)
{
	(void)context;
	(void)errand;
}

static const struct dispatch_outside outside = {.send = on_send,
						.withdraw = on_withdraw,
						.ask_ready = on_ask_ready,
						.answered = on_answered,
						.discard = on_discard};

static void land(struct flight flight)
{
	struct errand *errand = flight.errand;
	enum mood mood = holds_poison(errand->attempts.call->request) ? world.poisoned : world.moods[errand->replica];
	struct attempt attempt = {.where = "there"};
	switch (mood) {
	case ANSWERS:
	case ANSWERS_WITHOUT_ROWS:
		attempt.status = 200;
		attempt.payload = reply_to(errand->attempts.call->request, errand->attempts.call->message->arena, mood == ANSWERS);
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
	case HANGS:
		attempt.end = ATTEMPT_TIMED_OUT;
		break;
	case LOSES:
		attempt.end = ATTEMPT_LOST;
		attempt.words = TEXT("lost");
		break;
	}
	dispatch_outcome(world.dispatch, errand, &attempt, world.now_us);
}

/* ---- time ---- */

static int64_t next_event_us(size_t *flight, size_t *ready)
{
	int64_t due_us = dispatch_due_us(world.dispatch, world.now_us);
	*flight = *ready = SIZE_MAX;
	for (size_t i = 0; i < world.flight_count; i++)
		if (world.flights[i].due_us < due_us) {
			due_us = world.flights[i].due_us;
			*flight = i;
		}
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		if (world.readiness[i].asked && world.readiness[i].due_us < due_us) {
			due_us = world.readiness[i].due_us;
			*ready = i;
		}
	return due_us;
}

/* One event, if it comes before `until_us`; else time stands there. */
static bool step(int64_t until_us)
{
	size_t flight, ready;
	int64_t due_us = next_event_us(&flight, &ready);
	if (due_us > until_us) {
		world.now_us = until_us;
		return false;
	}
	world.now_us = due_us > world.now_us ? due_us : world.now_us;
	if (ready != SIZE_MAX) {
		world.readiness[ready].asked = false;
		dispatch_ready(world.dispatch, ready, world.moods[ready] != REFUSES && world.moods[ready] != FAILS, world.now_us);
	} else if (flight != SIZE_MAX) {
		struct flight landing = world.flights[flight];
		world.flights[flight] = world.flights[--world.flight_count];
		land(landing);
	} else {
		dispatch_turn(world.dispatch, world.now_us);
	}
	return true;
}

static void run_until(int64_t until_us)
{
	for (size_t steps = 0; step(until_us); steps++)
		assert_in_range(steps, 0, 10000000);
}

static void run_for(int64_t us)
{
	run_until(world.now_us + us);
}

/* ---- set-up ---- */

static int set_up(void **state)
{
	(void)state;
	world = (struct world){.arena = arena_open((size_t)1 << 30), .now_us = 1000 * (int64_t)SECOND, .has_readiness = true};
	world.model = (struct model_config){.name = "m", .addresses = {1, world.addresses}};
	world.config = (struct dispatch_config){.model = &world.model, .seed = 7};
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		world.latency_us[i] = 1000;
	return 0;
}

static void open(size_t replicas)
{
	struct error error = {0};
	world.model.addresses.count = replicas;
	world.dispatch = dispatch_open(&world.config, &outside, world.now_us, &error);
	assert_non_null(world.dispatch);
}

static int tear_down(void **state)
{
	(void)state;
	dispatch_close(world.dispatch);
	arena_close(world.arena);
	return 0;
}

static struct call *make(float value, int64_t rows, struct message *message)
{
	int64_t shape[2] = {rows, 1};
	void *elements;
	struct error error = {0};
	struct tensor *x = tensor_make(world.arena, TEXT("x"), DATATYPE_FP32, shape, 2, &elements, &error);
	for (size_t i = 0; i < (size_t)rows; i++)
		((float *)elements)[i] = value + (float)i;
	struct payload *payload = ARENA_NEW(world.arena, struct payload);
	struct tensors_builder tensors;
	tensors_begin(&tensors, world.arena, 1);
	tensors_add(&tensors, x);
	payload->tensors = tensors_end(&tensors);
	struct call *call = ARENA_NEW(world.arena, struct call);
	message->arena = world.arena;
	*call = (struct call){.name = "m", .request = payload, .message = message};
	return call;
}

static struct call *ask(float value, int64_t rows, int64_t deadline_ms)
{
	struct error error = {0};
	struct message *message = ARENA_NEW(world.arena, struct message);
	message->deadline_ms = deadline_ms;
	struct call *call = make(value, rows, message);
	assert_true(dispatch_call(world.dispatch, call, world.now_us, &error));
	return call;
}

static void expect_error(const struct call *call, enum error_kind kind, const char *words)
{
	assert_int_equal(call->error.kind, kind);
	if (!strstr(call->error.text, words))
		fail_msg("`%s` does not say `%s`", call->error.text, words);
}

/* ---- the stories: one server ---- */

static void a_call_goes_out_at_once_and_is_answered_once(void **state)
{
	(void)state;
	open(1);
	ask(1, 1, 0);
	assert_int_equal(world.flight_count, 1);
	assert_int_equal(world.answered, 0);
	run_for(SECOND);
	assert_int_equal(world.answered, 1);
	assert_int_equal(world.sent[0], 1);
}

static void lanes_bound_what_is_under_way_and_the_rest_goes_in_order(void **state)
{
	(void)state;
	static char names[] = "a\0b\0c\0d\0e";
	world.model.lanes_most = 2;
	open(1);
	for (int i = 0; i < 5; i++)
		ask((float)i, 1, 0)->owner = names + 2 * i;
	run_for(SECOND);
	assert_int_equal(world.flights_most, 2);
	assert_string_equal(world.order, "abcde");
}

static void a_model_away_for_five_minutes_costs_no_record(void **state)
{
	(void)state;
	const size_t backlog = 100000, in_flight = 8192; /* as many as a worker has at once */
	size_t asked = 0;
	open(1);
	world.moods[0] = REFUSES;
	int64_t back_us = world.now_us + 300 * (int64_t)SECOND;
	for (; asked < in_flight; asked++)
		ask((float)asked, 1, 0);
	run_until(back_us);
	assert_int_equal(world.answered + world.failed, 0);
	assert_in_range(world.sent[0] + world.asked, 1, 500); /* the wait is no storm */
	world.moods[0] = ANSWERS;
	while (world.answered < backlog && world.now_us < back_us + 60 * (int64_t)SECOND) {
		for (; asked < backlog && asked - world.answered < in_flight; asked++)
			ask((float)asked, 1, 0);
		step(back_us + 60 * (int64_t)SECOND);
	}
	assert_int_equal(world.answered, backlog);
	assert_int_equal(world.failed, 0);
}

static void a_proxy_that_says_503_for_five_minutes_costs_few_of_a_backlog(void **state)
{
	(void)state;
	open(1);
	world.moods[0] = FAILS;
	for (int i = 0; i < 8192; i++)
		ask((float)i, 1, 0);
	run_for(300 * (int64_t)SECOND);
	world.moods[0] = ANSWERS;
	run_for(60 * (int64_t)SECOND);
	assert_int_equal(world.answered, 8192);
}

static void a_server_that_fails_everything_is_remote_after_three_tries(void **state)
{
	(void)state;
	open(1);
	world.moods[0] = FAILS;
	struct call *call = ask(1, 1, 0);
	run_for(10 * (int64_t)SECOND);
	expect_error(call, ERROR_REMOTE, "m : overloaded (status 503, there); it was tried 3 times");
	assert_int_equal(call->attempts, 3);
	assert_false(dispatch_counts(world.dispatch).away);
}

static void outage_may_be_a_dead_letter(void **state)
{
	(void)state;
	world.config.outage_fails = true;
	open(1);
	world.moods[0] = REFUSES;
	for (int i = 0; i < 20; i++)
		ask((float)i, 1, 0);
	run_for(10 * (int64_t)SECOND);
	assert_int_equal(world.failed, 20);
	expect_error(world.last, ERROR_REMOTE, "refused");
	expect_error(ask(1, 1, 0), ERROR_NONE, "");
	run_for(10 * (int64_t)SECOND);
	assert_int_equal(world.failed, 21);
	assert_int_equal(world.last->error.kind, ERROR_REMOTE);
}

static void who_cannot_wait_for_the_model_hears_so_before_the_deadline(void **state)
{
	(void)state;
	open(1);
	world.moods[0] = REFUSES;
	for (int i = 0; i < 8; i++)
		ask((float)i, 1, 0);
	run_for(20 * (int64_t)SECOND); /* by now it is asked every few seconds */
	struct call *call = ask(9, 1, world.now_us / 1000 + 300);
	run_for(SECOND / 5);
	if (call->error.kind == ERROR_NONE) /* the next probe fell within its time */
		run_for(SECOND);
	expect_error(call, ERROR_REMOTE, "refused");
	assert_int_equal(world.failed, 1);
}

static void a_call_that_is_late_is_never_sent(void **state)
{
	(void)state;
	world.model.lanes_most = 1;
	open(1);
	ask(1, 1, 0);
	struct call *late = ask(2, 1, world.now_us / 1000 + 1);
	world.flights[0].due_us += 5000;
	run_for(SECOND);
	expect_error(late, ERROR_LIMIT, "deadline");
	assert_int_equal(world.sent[0], 1);
}

static void a_call_that_kills_the_connection_alone_is_told_from_an_outage(void **state)
{
	(void)state;
	open(1);
	world.poison = 666;
	world.poisoned = LOSES;
	struct call *call = ask(666, 1, 0);
	for (int i = 0; i < 200 && call->error.kind == ERROR_NONE; i++) {
		ask((float)i, 1, 0);
		run_for(SECOND / 10);
	}
	expect_error(call, ERROR_REMOTE, "lost");
	assert_int_equal(world.failed, 1);
}

static void repetitions_are_kept_to_a_share_of_the_work(void **state)
{
	(void)state;
	open(1);
	world.poison = 1;
	world.poisoned = FAILS;
	for (int i = 0; i < 2000; i++) {
		ask(i % 2 ? 1 : 2, 1, 0); /* every other call fails: no five in a row */
		run_for(1000);
	}
	struct dispatch_counts counts = dispatch_counts(world.dispatch);
	assert_in_range(counts.repeated, 1, 10 + 2 * 10 + 400); /* begin with, by time, a fifth of the calls */
	for (int i = 0; i < 20000; i++) {
		ask(2, 1, 0);
		run_for(10000);
	}
	assert_int_equal(world.failed, 1000); /* later, but none for ever */
}

static void a_forgotten_call_is_never_answered_wherever_it_stands(void **state)
{
	(void)state;
	world.model.lanes_most = 1;
	open(1);
	world.moods[0] = FAILS;
	struct call *paused = ask(1, 1, 0);
	run_for(1500);
	struct call *sent = ask(2, 1, 0), *waiting = ask(3, 1, 0), *last = ask(4, 1, 0);
	world.moods[0] = ANSWERS;
	dispatch_forget(world.dispatch, waiting);
	dispatch_forget(world.dispatch, sent);
	dispatch_forget(world.dispatch, paused);
	run_for(SECOND);
	assert_int_equal(world.answered, 1);
	assert_ptr_equal(world.last, last);
}

static void a_saturated_server_is_kept_at_its_knee(void **state)
{
	(void)state;
	const int64_t work_us = 2000; /* one at a time */
	open(1);
	int64_t free_us = world.now_us;
	size_t asked = 0;
	for (; asked < 400; asked++)
		ask(1, 1, 0);
	for (int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < world.flight_count; j++)
			if (world.flights[j].due_us - world.now_us == world.latency_us[0]) { /* just sent */
				free_us = (free_us > world.now_us ? free_us : world.now_us) + work_us;
				world.flights[j].due_us = free_us;
			}
		step(INT64_MAX - 1);
		for (; asked < world.answered + 400; asked++)
			ask(1, 1, 0);
	}
	assert_in_range(dispatch_counts(world.dispatch).limit, 4, 12);
}

/* ---- several servers ---- */

static void the_faster_of_two_servers_does_more(void **state)
{
	(void)state;
	open(2);
	world.latency_us[0] = 1000;
	world.latency_us[1] = 8000;
	for (int i = 0; i < 2000; i++) {
		ask(1, 1, 0);
		run_for(500);
	}
	assert_true(world.sent[0] > 3 * world.sent[1]);
	assert_true(world.sent[1] > 0);
}

static void a_server_that_is_gone_is_left_out_until_it_says_it_is_ready(void **state)
{
	(void)state;
	open(2);
	world.moods[1] = REFUSES;
	for (int i = 0; i < 1000; i++) {
		ask(1, 1, 0);
		run_for(1000);
	}
	assert_int_equal(world.failed, 0);
	assert_in_range(world.sent[1], 1, 3);
	assert_true(world.asked > 0);
	run_for(SECOND);
	world.moods[1] = ANSWERS;
	uint64_t before = world.sent[1];
	for (int i = 0; i < 40000; i++) {
		ask(1, 1, 0);
		run_for(1000);
	}
	assert_true(world.sent[1] > before + 1000);
	assert_int_equal(world.answered, 41000);
}

static void a_server_that_fails_among_good_ones_costs_no_record(void **state)
{
	(void)state;
	open(3);
	world.moods[2] = FAILS;
	for (int i = 0; i < 3000; i++) {
		ask(1, 1, 0);
		run_for(2000);
	}
	run_for(60 * (int64_t)SECOND);
	assert_int_equal(world.answered, 3000);
	assert_in_range(world.sent[2], 5, 60);
}

/* ---- merging ---- */

static void a_lone_call_waits_for_nobody(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	open(1);
	ask(1, 1, 0);
	step(world.now_us);
	assert_int_equal(world.flight_count, 1);
}

static void calls_that_come_together_go_together_and_come_back_apart(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	open(1);
	for (int i = 0; i < 5; i++)
		ask((float)(10 * i), 1 + i % 2, 0); /* each answer is checked to be its own */
	run_for(SECOND);
	assert_int_equal(world.sent[0], 1);
	assert_int_equal(world.most_rows, 7);
	assert_int_equal(world.answered, 5);
}

static void no_merged_call_is_larger_than_allowed(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 8, .latency_ms = 10};
	open(1);
	for (int i = 0; i < 200; i++)
		ask((float)i, 1 + i % 3, 0);
	run_for(5 * (int64_t)SECOND);
	assert_int_equal(world.answered, 200);
	assert_in_range(world.most_rows, 6, 8);
	assert_in_range(world.sent[0], 400 / 8, 100);
}

static void what_does_not_fit_goes_apart(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	open(1);
	struct parameter parameter = {.name = TEXT("k"), .type = PARAMETER_INTEGER, .value.integer = 1};
	ask(1, 1, 0);
	struct call *other = ask(2, 1, 0);
	((struct payload *)(uintptr_t)other->request)->parameters = (struct parameters){1, &parameter};
	ask(3, 1, 0);
	run_for(SECOND);
	assert_int_equal(world.answered, 3);
	assert_int_equal(world.sent[0], 2);
	assert_int_equal(world.most_rows, 2);
}

static void a_poisoned_row_fails_alone(void **state)
{
	(void)state;
	static const enum mood moods[] = {SAYS_400, FAILS};
	for (size_t i = 0; i < 2; i++) {
		world.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
		world.answered = world.failed = 0;
		open(1);
		world.poison = 3;
		world.poisoned = moods[i];
		struct call *poisoned = NULL;
		for (int j = 0; j < 5; j++) {
			struct call *call = ask((float)j, 1, 0);
			poisoned = j == 3 ? call : poisoned;
		}
		run_for(10 * (int64_t)SECOND);
		assert_int_equal(world.answered, 4);
		assert_int_equal(poisoned->error.kind, i == 0 ? ERROR_INPUT : ERROR_REMOTE);
		if (i == 0)
			dispatch_close(world.dispatch);
	}
}

static void a_reply_without_rows_is_nobodys_and_merging_ends(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	open(1);
	world.moods[0] = ANSWERS_WITHOUT_ROWS;
	for (int i = 0; i < 4; i++)
		ask((float)i, 1, 0);
	run_for(SECOND);
	assert_int_equal(world.answered, 4);
	assert_int_equal(world.sent[0], 1 + 4);
	ask(1, 1, 0);
	ask(2, 1, 0);
	run_for(SECOND);
	assert_int_equal(world.sent[0], 5 + 2);
}

static void a_member_that_is_forgotten_leaves_the_others(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	open(1);
	struct call *calls[3];
	for (int i = 0; i < 3; i++)
		calls[i] = ask((float)i, 1, 0);
	step(world.now_us);
	assert_int_equal(world.flight_count, 1);
	dispatch_forget(world.dispatch, calls[1]);
	run_for(SECOND);
	assert_int_equal(world.answered, 2);
	for (int i = 0; i < 3; i++)
		calls[i] = ask((float)i, 1, 0);
	step(world.now_us);
	for (int i = 0; i < 3; i++)
		dispatch_forget(world.dispatch, calls[i]);
	assert_int_equal(world.flight_count, 0);
	run_for(SECOND);
	assert_int_equal(world.answered, 2);
}

static void a_merged_call_survives_an_outage_of_its_model(void **state)
{
	(void)state;
	world.model.batching = (struct model_batching){.rows_most = 64, .latency_ms = 10};
	open(2);
	world.moods[0] = world.moods[1] = REFUSES;
	for (int i = 0; i < 3000; i++)
		ask((float)i, 1, 0);
	run_for(60 * (int64_t)SECOND);
	assert_int_equal(world.answered + world.failed, 0);
	world.moods[0] = world.moods[1] = ANSWERS;
	run_for(60 * (int64_t)SECOND);
	assert_int_equal(world.answered, 3000);
}

/* ---- what it costs ---- */

static void a_warm_dispatch_takes_nothing_from_the_heap(void **state)
{
	(void)state;
	open(1);
	struct message message = {0};
	for (int i = 0; i < 100; i++)
		ask(1, 1, 0);
	run_for(SECOND);
	struct call *call = make(1, 1, &message);
	uint64_t before = memory_taken();
	for (int i = 0; i < 10; i++) {
		call->error.kind = ERROR_NONE;
		assert_true(dispatch_call(world.dispatch, call, world.now_us, &call->error));
		run_for(SECOND);
	}
	assert_int_equal(memory_taken(), before);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_goes_out_at_once_and_is_answered_once),
		STORY(lanes_bound_what_is_under_way_and_the_rest_goes_in_order),
		STORY(a_model_away_for_five_minutes_costs_no_record),
		STORY(a_proxy_that_says_503_for_five_minutes_costs_few_of_a_backlog),
		STORY(a_server_that_fails_everything_is_remote_after_three_tries),
		STORY(outage_may_be_a_dead_letter),
		STORY(who_cannot_wait_for_the_model_hears_so_before_the_deadline),
		STORY(a_call_that_is_late_is_never_sent),
		STORY(a_call_that_kills_the_connection_alone_is_told_from_an_outage),
		STORY(repetitions_are_kept_to_a_share_of_the_work),
		STORY(a_forgotten_call_is_never_answered_wherever_it_stands),
		STORY(a_saturated_server_is_kept_at_its_knee),
		STORY(the_faster_of_two_servers_does_more),
		STORY(a_server_that_is_gone_is_left_out_until_it_says_it_is_ready),
		STORY(a_server_that_fails_among_good_ones_costs_no_record),
		STORY(a_lone_call_waits_for_nobody),
		STORY(calls_that_come_together_go_together_and_come_back_apart),
		STORY(no_merged_call_is_larger_than_allowed),
		STORY(what_does_not_fit_goes_apart),
		STORY(a_poisoned_row_fails_alone),
		STORY(a_reply_without_rows_is_nobodys_and_merging_ends),
		STORY(a_member_that_is_forgotten_leaves_the_others),
		STORY(a_merged_call_survives_an_outage_of_its_model),
		STORY(a_warm_dispatch_takes_nothing_from_the_heap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
