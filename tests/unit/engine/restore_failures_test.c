/* restore_failures_test.c: Tests of how failures of several restores are collected, logged, and become the failure of a worker. */
#include "engine/worker/restore_failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct lines {
	struct log_sink sink; /* first */
	size_t count;
	char last[LOG_MESSAGE_BYTES];
};

static void line_take(const struct log_sink *sink, const struct log_line *line)
{
	struct lines *lines = (struct lines *)(uintptr_t)sink;
	assert_int_equal(line->level, LOG_LEVEL_ERROR);
	lines->count++;
	snprintf(lines->last, sizeof lines->last, "%s", line->message);
}

static struct error damaged(int partition)
{
	struct error error = {0};
	error_set(&error, ERROR_SYSTEM, PLACE_NONE, "s-%d is damaged; delete it", partition);
	return error;
}

static void restores_fail(struct restore_failures *failures, const struct lines *lines, int partitions)
{
	for (int i = 0; i < partitions; i++) {
		const struct error error = damaged(i);
		restore_failures_take(failures, &error, &lines->sink, 1000 + i);
	}
}

static void a_single_failure_is_that_of_the_worker(void **state)
{
	(void)state;
	struct lines lines = {{line_take}, 0, ""};
	struct restore_failures failures = {0};
	struct error error = {0};
	assert_true(restore_failures_due_ms(&failures, false) == INT64_MAX);
	restores_fail(&failures, &lines, 1);
	assert_int_equal(restore_failures_due_ms(&failures, false), 1000 + RESTORE_FAILURES_LEAST_MS);
	assert_int_equal(restore_failures_due_ms(&failures, true), 1000 + RESTORE_FAILURES_MOST_MS);
	restore_failures_end(&failures, &lines.sink, &error);
	restore_failures_close(&failures, &lines.sink);
	assert_string_equal(error.text, "s-0 is damaged; delete it");
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_int_equal(lines.count, 0); /* whoever ends the worker says it */
}

static void each_of_several_is_a_line(void **state)
{
	(void)state;
	struct lines lines = {{line_take}, 0, ""};
	struct restore_failures failures = {0};
	struct error error = {0};
	restores_fail(&failures, &lines, RESTORE_FAILURES_NAMED);
	assert_int_equal(lines.count, RESTORE_FAILURES_NAMED);
	assert_string_equal(lines.last, "s-19 is damaged; delete it");
	restore_failures_end(&failures, &lines.sink, &error);
	assert_int_equal(lines.count, RESTORE_FAILURES_NAMED);
	assert_string_equal(error.text,
			    "the state of 20 partitions cannot be restored; the log names each of them, with what to do. The "
			    "first: s-0 is damaged; delete it");
}

static void the_others_are_counted(void **state)
{
	(void)state;
	struct lines lines = {{line_take}, 0, ""};
	struct restore_failures failures = {0};
	struct error error = {0};
	restores_fail(&failures, &lines, RESTORE_FAILURES_NAMED + 1);
	assert_int_equal(lines.count, RESTORE_FAILURES_NAMED);
	restore_failures_end(&failures, &lines.sink, &error);
	assert_string_equal(lines.last, "and 1 more partition whose state cannot be restored");
	assert_non_null(strstr(error.text, "the state of 21 partitions cannot be restored; the log names the first of them"));
	restore_failures_close(&failures, &lines.sink);
	assert_int_equal(lines.count, RESTORE_FAILURES_NAMED + 1);
}

/* It is stopped with the first worker that fails. */
static void a_worker_that_ends_for_another_reason_logs_its_failures(void **state)
{
	(void)state;
	struct lines lines = {{line_take}, 0, ""};
	struct restore_failures failures = {0};
	restores_fail(&failures, &lines, 1);
	restore_failures_close(&failures, &lines.sink);
	assert_int_equal(lines.count, 1);
	assert_string_equal(lines.last, "s-0 is damaged; delete it");
	struct restore_failures more = {0};
	restores_fail(&more, &lines, RESTORE_FAILURES_NAMED + 2);
	restore_failures_close(&more, &lines.sink);
	assert_string_equal(lines.last, "and 2 more partitions whose state cannot be restored");
	restore_failures_close(&(struct restore_failures){0}, &lines.sink);
	assert_int_equal(lines.count, 1 + RESTORE_FAILURES_NAMED + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_failure_is_that_of_the_worker),
		cmocka_unit_test(each_of_several_is_a_line),
		cmocka_unit_test(the_others_are_counted),
		cmocka_unit_test(a_worker_that_ends_for_another_reason_logs_its_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
