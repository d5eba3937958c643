/* wanted_answers_test.c: Tests of the list of answers that are read again: what is due, what one pass over a span of time takes,
 * and what is dropped. */
#include "experiments/outcomes/wanted_answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "message/records/reply.h"

#include <cmocka.h>

#define NOW_MS INT64_C(1800000000000) /* a whole minute */
#define WINDOW_MS INT64_C(600000)
#define DUE_MS (NOW_MS + 1000 + WANTED_WAIT_MS)

static struct wanted_answers *wanted;
static struct arena *arena;
static struct wanted_pass pass;

static void list_open_of(size_t most, size_t bytes)
{
	struct error error = {0};
	wanted = wanted_answers_open(most, bytes, &error);
	assert_non_null(wanted);
}

static int list_begin(void **state)
{
	(void)state;
	arena = arena_open((size_t)64 << 20);
	list_open_of(WANTED_MAX, WANTED_BYTES);
	return 0;
}

static int list_end(void **state)
{
	(void)state;
	wanted_answers_close(wanted);
	arena_close(arena);
	return 0;
}

/* Feedback that was written at that time, on a request of NOW_MS and some. */
static void want(const char *name, int64_t after_ms, int64_t written_ms, unsigned metrics)
{
	const struct wanted_answer answer = {.name = text_of(name),
					     .feedback = TEXT("record"),
					     .written_ms = written_ms,
					     .variant = "new",
					     .exposed_ms = NOW_MS + after_ms,
					     .until_ms = NOW_MS + after_ms + WINDOW_MS,
					     .metrics = metrics};
	wanted_answers_add(wanted, &answer);
}

static bool pass_begin(int64_t read_ms)
{
	arena_reset(arena);
	return wanted_pass_begin(wanted, read_ms, arena, &pass);
}

static struct wanted_answer *found(const char *name)
{
	size_t count;
	struct wanted_answer *item = wanted_pass_find(&pass, text_of(name), &count);
	assert_true(!item || count == 1);
	return item;
}

static void feedback_is_due_when_engines_have_had_their_time(void **state)
{
	(void)state;
	want("a", 0, NOW_MS + 1000, 1);
	assert_false(pass_begin(DUE_MS - 1));
	assert_true(pass_begin(DUE_MS));
	assert_int_equal(pass.count, 1);
	const struct wanted_answer *item = found("a");
	assert_true(item && text_is(item->feedback, "record") && strcmp(item->variant, "new") == 0);
	assert_null(found("b"));
}

static void a_value_that_came_settles_its_metrics(void **state)
{
	(void)state;
	want("a", 0, NOW_MS + 1000, 3);
	want("b", 0, NOW_MS + 1000, 1);
	wanted_answers_settle(wanted, TEXT("a"), 1);
	wanted_answers_settle(wanted, TEXT("b"), 1);
	wanted_answers_settle(wanted, TEXT("nobody"), 1);
	assert_int_equal(wanted_answers_count(wanted), 1);
	assert_true(pass_begin(DUE_MS));
	wanted_answers_settle(wanted, TEXT("a"), 2); /* while the pass reads */
	assert_int_equal(wanted_answers_claim(wanted, found("a")), 0);
	want("a", 0, NOW_MS + 1000, 1);
	assert_int_equal(wanted_answers_claim(wanted, found("a")), 0); /* another item */
	wanted_pass_end(wanted, &pass, DUE_MS);
	assert_int_equal(wanted_answers_count(wanted), 1);
	assert_int_equal(wanted_answers_dropped(wanted), 0);
}

static void the_first_feedback_of_a_metric_counts(void **state)
{
	size_t count;
	(void)state;
	want("a", 0, NOW_MS + 1000, 1);
	want("a", 0, NOW_MS + 1000, 1);
	assert_int_equal(wanted_answers_count(wanted), 1);
	want("a", 0, NOW_MS + 1000, 3);
	assert_true(pass_begin(DUE_MS));
	const struct wanted_answer *items = wanted_pass_find(&pass, TEXT("a"), &count);
	assert_int_equal(count, 2);
	assert_int_equal(items[0].metrics + items[1].metrics, 3);
	assert_int_equal(wanted_answers_claim(wanted, &items[0]) + wanted_answers_claim(wanted, &items[1]), 3);
	assert_int_equal(wanted_answers_claim(wanted, &items[0]), 0); /* once */
	assert_int_equal(wanted_answers_count(wanted), 0);
}

/* Spans of answers that overlap are read together, others by themselves. */
static void one_pass_serves_all_that_is_due_in_its_span(void **state)
{
	const int64_t far_ms = 2 * (ANSWER_LATE_MS + ANSWER_CLOCKS_MS) + 61000;
	char name[16];
	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "r%d", i);
		want(name, i * 100, NOW_MS + 1000, 1);
	}
	want("far", far_ms, NOW_MS + 1000, 1);
	want("early", 0, NOW_MS + 2000, 1); /* not due */
	assert_true(pass_begin(DUE_MS));
	assert_int_equal(pass.count, 1000);
	assert_true(pass.from_ms == NOW_MS - ANSWER_CLOCKS_MS && pass.to_ms == NOW_MS + 99900 + ANSWER_LATE_MS);
	assert_true(found("r0") && found("r999") && !found("far") && !found("early"));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "r%d", i);
		assert_int_equal(wanted_answers_claim(wanted, found(name)), 1);
	}
	wanted_pass_end(wanted, &pass, DUE_MS);
	assert_true(pass_begin(DUE_MS) && pass.count == 1 && found("far"));
	assert_int_equal(pass.from_ms, NOW_MS + far_ms - ANSWER_CLOCKS_MS);
}

/* After an outage a backlog is answered long after its requests came. */
static void a_span_ends_after_the_exposures_were_recorded(void **state)
{
	(void)state;
	wanted_answers_expose(wanted, NOW_MS + 5000, NOW_MS + 400000);
	wanted_answers_expose(wanted, NOW_MS + 6000, NOW_MS + 6010);
	wanted_answers_expose(wanted, NOW_MS + 70000, NOW_MS + 900000);				   /* another minute */
	wanted_answers_expose(wanted, NOW_MS - (int64_t)WANTED_MINUTES * 60000, NOW_MS + 5000000); /* an old one */
	want("a", 1000, NOW_MS + 1000, 1);
	assert_true(pass_begin(DUE_MS));
	assert_int_equal(pass.to_ms, NOW_MS + 1000 + 395000 + ANSWER_LATE_MS);
}

static void what_two_passes_do_not_find_is_dropped(void **state)
{
	(void)state;
	want("a", 0, NOW_MS + 1000, 1);
	assert_true(pass_begin(DUE_MS)); /* a pass that fails does not end: it is no try */
	assert_true(pass_begin(DUE_MS));
	wanted_pass_end(wanted, &pass, DUE_MS);
	assert_false(pass_begin(DUE_MS + WANTED_AGAIN_MS - 1));
	assert_true(pass_begin(DUE_MS + WANTED_AGAIN_MS));
	wanted_pass_end(wanted, &pass, DUE_MS + WANTED_AGAIN_MS);
	assert_int_equal(wanted_answers_count(wanted), 0);
	assert_int_equal(wanted_answers_dropped(wanted), 1);
}

static void nothing_is_wanted_after_the_window(void **state)
{
	(void)state;
	want("a", 0, NOW_MS + 1000, 1);
	assert_false(pass_begin(NOW_MS + WINDOW_MS + 1));
	assert_int_equal(wanted_answers_dropped(wanted), 1);
}

static void the_list_is_bounded_by_number_and_bytes(void **state)
{
	char name[16];
	(void)state;
	wanted_answers_close(wanted);
	list_open_of(10, WANTED_BYTES);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof name, "r%d", i);
		want(name, 0, NOW_MS + 1000, 1);
	}
	assert_int_equal(wanted_answers_count(wanted), 10);
	assert_int_equal(wanted_answers_refused(wanted), 2);
	wanted_answers_settle(wanted, TEXT("r0"), 1);
	want("r10", 0, NOW_MS + 1000, 1);
	assert_int_equal(wanted_answers_count(wanted), 10);
	wanted_answers_close(wanted);
	list_open_of(10, 600);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "r%d", i);
		want(name, 0, NOW_MS + 1000, 1);
	}
	assert_in_range(wanted_answers_count(wanted), 1, 6);
	assert_int_equal(wanted_answers_count(wanted) + wanted_answers_refused(wanted), 10);
}

#define WITH_LIST(test) cmocka_unit_test_setup_teardown(test, list_begin, list_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LIST(feedback_is_due_when_engines_have_had_their_time),
		WITH_LIST(a_value_that_came_settles_its_metrics),
		WITH_LIST(the_first_feedback_of_a_metric_counts),
		WITH_LIST(one_pass_serves_all_that_is_due_in_its_span),
		WITH_LIST(a_span_ends_after_the_exposures_were_recorded),
		WITH_LIST(what_two_passes_do_not_find_is_dropped),
		WITH_LIST(nothing_is_wanted_after_the_window),
		WITH_LIST(the_list_is_bounded_by_number_and_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
