/* drift_past_alarms_test.c: windows in alarm in the past of a stream that is the reference of a step `drift`: a fault that lasts
 * does not become it, and changes that come and go do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "methods/drift/past.h"
#include "tests/unit/observed.h"

#define BY_COUNT "window: 100, falseAlarms: 0.1 per 1000"

/* Windows of 100 rows, whose first column is moved so: how many of them have that verdict. */
static int windows_with(struct observed *observed, int windows, double moved, enum drift_verdict verdict)
{
	int with = 0;
	for (int i = 0; i < windows; i++) {
		observed->count = 0;
		observed_rows(observed, 1, 100, moved);
		with += observed->seen[0].verdict == verdict;
	}
	return with;
}

static void a_fault_that_lasts_is_found_until_it_ends(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", BY_COUNT);
	assert_int_equal(windows_with(&observed, 20, 0, DRIFT_STEADY), 10);
	observed_rows(&observed, 1, 100, 1);
	assert_true(observed.seen[1].score > 0.1);
	observed_rows(&observed, 1, 1, 1);
	assert_true(observed.flagged && observed.score == observed.seen[1].score);
	assert_int_equal(windows_with(&observed, 60, 1, DRIFT_FOUND), 60);
	observed_rows(&observed, 1, 99, 0);
	assert_true(windows_with(&observed, 200, 0, DRIFT_STEADY) >= 198); /* two false alarms are declared */
	observed_close(&observed);
}

/* A change that lasts longer than the past: nothing is left of what was before, and what comes then is learnt. */
static void a_change_that_outlasts_the_past_is_learnt(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1h", BY_COUNT);
	assert_int_equal(windows_with(&observed, 20, 0, DRIFT_STEADY), 10);
	assert_string_equal(observed.seen[0].reference, "past 1h");
	assert_int_equal(windows_with(&observed, 2, 1, DRIFT_FOUND), 2);
	assert_string_equal(observed.seen[0].reference, "past 1h, without 1 window in alarm");
	assert_int_equal(windows_with(&observed, 8, 1, DRIFT_FOUND), 8);
	assert_string_equal(observed.seen[0].reference, "past 1h, without 9 windows in alarm");
	observed.time_ms += DAY_MS / 48;
	assert_int_equal(windows_with(&observed, 10, 1, DRIFT_FOUND), 10);
	observed.time_ms += DAY_MS / 32; /* of the past, only the last of these are left */
	assert_int_equal(windows_with(&observed, 2, 1, DRIFT_FOUND), 2);
	assert_int_equal(windows_with(&observed, 10, 1, DRIFT_LEARNING), 10);
	assert_string_equal(observed.seen[0].reference, "past 1h, without 12 windows in alarm");
	assert_string_equal(observed.state, "learning");
	assert_int_equal(windows_with(&observed, 20, 1, DRIFT_STEADY), 20);
	assert_int_equal(windows_with(&observed, 10, 0, DRIFT_FOUND), 10);
	observed_close(&observed);
}

/* Such as nights. */
static void changes_that_come_and_go_are_learnt(void **state)
{
	(void)state;
	struct observed observed;
	int found[6];
	observed_open_past(&observed, "1d", BY_COUNT);
	for (size_t night = 0; night < 6; night++) {
		windows_with(&observed, 20, 0, DRIFT_STEADY);
		found[night] = windows_with(&observed, 20, 1, DRIFT_FOUND);
	}
	for (size_t night = 0; night < PAST_RETURNS; night++)
		assert_int_equal(found[night], 20);
	assert_true(found[PAST_RETURNS + 1] < 20);
	assert_int_equal(found[PAST_RETURNS + 2], 0);
	observed_close(&observed);
}

/* Alarms that came again stand for too few rows to be what is usual. */
static void short_faults_are_not_learnt(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", BY_COUNT);
	for (int i = 0; i < 12; i++) {
		windows_with(&observed, 20, 0, DRIFT_STEADY);
		assert_int_equal(windows_with(&observed, 3, 1, DRIFT_FOUND), 3);
	}
	const char *left = strstr(observed.seen[0].reference, "without ");
	assert_non_null(left);
	assert_true(strtol(left + strlen("without "), NULL, 10) >= 12 * 3 - 1);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_that_lasts_is_found_until_it_ends),
		cmocka_unit_test(a_change_that_outlasts_the_past_is_learnt),
		cmocka_unit_test(changes_that_come_and_go_are_learnt),
		cmocka_unit_test(short_faults_are_not_learnt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
