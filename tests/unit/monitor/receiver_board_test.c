/* receiver_board_test.c: Tests of what is known of receivers of notices: since when each takes none, and when that is said again.
 */
#include "monitor/alerts/receiver_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BEGUN_MS 1000

static struct receiver_board board;
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	board = (struct receiver_board){0};
	arena = arena_open((size_t)1 << 20);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static const struct receiver_report *report_named(const char *name, int64_t now_ms)
{
	struct receiver_reports reports = receiver_board_report(&board, now_ms, arena);
	receiver_reports_join(&reports);
	for (size_t i = 0; i < reports.count; i++)
		if (strcmp(reports.items[i].name, name) == 0)
			return &reports.items[i];
	fail_msg("no report on %s", name);
	return NULL;
}

static void an_outage_is_told_at_once_and_then_every_five_minutes(void **state)
{
	(void)state;
	struct known_receiver *known = receiver_board_note(&board, TEXT("http://h/secret"), "the webhook at h");
	assert_false(known_receiver_is_due(known, BEGUN_MS));
	known_receiver_fail(known, false, "no connection", BEGUN_MS);
	assert_true(known_receiver_is_due(known, BEGUN_MS));
	known->told_ms = BEGUN_MS;
	known_receiver_fail(known, false, "no connection", BEGUN_MS + 299999);
	assert_false(known_receiver_is_due(known, BEGUN_MS + 299999));
	assert_true(known_receiver_is_due(known, BEGUN_MS + 300000));
	assert_int_equal(known_receiver_reach(known, BEGUN_MS + 300001), 300001);
	assert_false(known_receiver_is_due(known, BEGUN_MS + 900000));
	assert_int_equal(known_receiver_reach(known, BEGUN_MS + 900000), 0);
}

static void a_report_has_the_cause_the_time_and_what_waits(void **state)
{
	(void)state;
	struct text one[] = {TEXT("http://h/a")}, both[] = {TEXT("http://h/a"), TEXT("http://h/b")}, away[] = {TEXT("http://i/")};
	struct queued_notice first = {.receivers = one, .receiver_count = 1}, second = {.receivers = both, .receiver_count = 2},
			     third = {.receivers = away, .receiver_count = 1};
	struct notice_queue queue = {.count = 0}, other = {.count = 0};
	const struct notice_queue *const queues[] = {&queue, &other};
	(void)receiver_board_note(&board, one[0], "the webhook at h");
	struct known_receiver *known = receiver_board_note(&board, both[1], "the webhook at h");
	(void)receiver_board_note(&board, away[0], "the webhook at i");
	assert_true(notice_queue_add(&queue, &first, BEGUN_MS));
	assert_true(notice_queue_add(&queue, &second, BEGUN_MS + 500));
	assert_true(notice_queue_add(&other, &third, BEGUN_MS + 700));
	known_receiver_fail(known, false, "the receiver answers 503", BEGUN_MS + 600);
	known_receiver_fail(known, true, "the receiver answers 404", BEGUN_MS + 800);
	receiver_board_count(&board, queues, 2);
	receiver_board_count(&board, queues, 2); /* once more is no more */
	const struct receiver_report *report = report_named("the webhook at h", BEGUN_MS + 1000);
	assert_int_equal(report->waiting, 3);
	assert_int_equal(report->oldest_ms, 1000);
	assert_int_equal(report->failing_ms, 400);
	assert_int_equal(report->failures, 2);
	assert_true(report->refuses);
	assert_string_equal(report->why, "the receiver answers 404");
	report = report_named("the webhook at i", BEGUN_MS + 1000);
	assert_int_equal(report->waiting, 1);
	assert_int_equal(report->failing_ms, 0);
	assert_string_equal(report->why, "");
}

static void receivers_beyond_the_limit_are_one(void **state)
{
	(void)state;
	char url[32];
	for (int i = 0; i < RECEIVERS_KNOWN_MAX + 20; i++) {
		(void)snprintf(url, sizeof url, "http://h%d/", i);
		known_receiver_fail(receiver_board_note(&board, text_of(url), url), false, "away", BEGUN_MS);
	}
	assert_int_equal(receiver_board_report(&board, BEGUN_MS, arena).count, RECEIVERS_KNOWN_MAX);
	assert_int_equal(report_named("http://h98/", BEGUN_MS)->failures, 1);
	assert_int_equal(report_named(RECEIVER_OTHERS, BEGUN_MS)->failures, 21);
	assert_true(report_named("http://h98/", BEGUN_MS)->failing_ms > 0); /* in the same millisecond, too */
}

/* One of them takes notices while another takes none: nothing begins or ends. */
static void receivers_beyond_the_limit_have_no_outage(void **state)
{
	(void)state;
	char url[32];
	for (int i = 0; i < RECEIVERS_KNOWN_MAX + 1; i++) {
		(void)snprintf(url, sizeof url, "http://h%d/", i);
		(void)receiver_board_note(&board, text_of(url), url);
	}
	struct known_receiver *known = receiver_board_find(&board, TEXT("http://h99/"));
	assert_ptr_equal(known, receiver_board_find(&board, TEXT("http://h100/")));
	known_receiver_fail(known, false, "away", BEGUN_MS);
	assert_false(known_receiver_is_due(known, BEGUN_MS));
	assert_int_equal(known_receiver_reach(known, BEGUN_MS + 1000), 0);
	known_receiver_fail(known, false, "away", BEGUN_MS + 2000);
	const struct receiver_reports failing = receiver_board_failing(&board, BEGUN_MS + 3000, arena);
	assert_int_equal(failing.count, 1);
	assert_true(failing.items[0].is_shared);
}

static void each_that_fails_is_reported_by_itself(void **state)
{
	(void)state;
	(void)receiver_board_note(&board, TEXT("http://h/a"), "the webhook at h");
	known_receiver_fail(receiver_board_note(&board, TEXT("http://h/b"), "the webhook at h"), true, "404", BEGUN_MS);
	const struct receiver_reports failing = receiver_board_failing(&board, BEGUN_MS + 1, arena);
	assert_int_equal(failing.count, 1);
	assert_true(failing.items[0].key == receiver_key(TEXT("http://h/b")));
	assert_string_equal(failing.items[0].name, "the webhook at h");
}

static void receivers_of_one_name_are_one_unless_their_actions_differ(void **state)
{
	(void)state;
	(void)receiver_board_note(&board, TEXT("http://h/a"), "the webhook at h");
	known_receiver_fail(receiver_board_note(&board, TEXT("http://h/b"), "the webhook at h"), false, "503", BEGUN_MS);
	known_receiver_fail(receiver_board_note(&board, TEXT("http://h/c"), "the webhook at h"), false, "502", BEGUN_MS + 5);
	struct receiver_reports reports = receiver_board_report(&board, BEGUN_MS + 10, arena);
	assert_int_equal(reports.count, 3);
	reports.items[0].action = "p/slow/1";
	receiver_reports_join(&reports);
	assert_int_equal(reports.count, 2);
	assert_int_equal(reports.items[0].failures, 0);
	assert_int_equal(reports.items[0].failing_ms, 0);
	assert_int_equal(reports.items[1].failures, 2);
	assert_int_equal(reports.items[1].failing_ms, 10);
	assert_string_equal(reports.items[1].why, "503");
}

#define LINES_MAX 10 /* in five minutes: the page of alerts */

/* One that takes a notice and refuses the next: two lines each. */
static void the_lines_on_a_receiver_are_bounded_and_the_others_become_a_sum(void **state)
{
	(void)state;
	struct known_receiver *known = receiver_board_note(&board, TEXT("http://h/"), "the webhook at h");
	struct receiver_sum sum = {0};
	int said = 0, begun = 0;
	for (int64_t now_ms = BEGUN_MS; now_ms < BEGUN_MS + 300000; now_ms += 1000) {
		known_receiver_fail(known, false, "the receiver answers 429", now_ms);
		for (int i = 0; i < 2; i++) {
			const enum receiver_line line = known_receiver_line(known, now_ms);
			said += line == RECEIVER_LINE_SAYS;
			begun += line == RECEIVER_LINE_BEGINS;
			assert_true(line == RECEIVER_LINE_SAYS || said == LINES_MAX);
		}
		assert_int_equal(known_receiver_reach(known, now_ms + 500), 500);
		assert_false(known_receiver_sum(known, now_ms, false, &sum));
	}
	assert_int_equal(said, LINES_MAX);
	assert_int_equal(begun, 1);
	assert_true(known_receiver_sum(known, BEGUN_MS + 300000, false, &sum));
	assert_int_equal(sum.since_ms, BEGUN_MS);
	assert_int_equal(sum.unsaid, 600 - LINES_MAX);
	assert_int_equal(sum.failures, 300);
	assert_int_equal(sum.deliveries, 300);
	assert_false(known_receiver_sum(known, BEGUN_MS + 700000, false, &sum));
	assert_int_equal(known_receiver_line(known, BEGUN_MS + 300001), RECEIVER_LINE_SAYS);
}

/* A sum that nobody has taken yet is not lost by what comes later. */
static void what_is_counted_is_in_one_sum(void **state)
{
	(void)state;
	struct known_receiver *known = receiver_board_note(&board, TEXT("http://h/"), "the webhook at h");
	struct receiver_sum sum = {0};
	for (int i = 0; i < LINES_MAX + 3; i++)
		(void)known_receiver_line(known, BEGUN_MS);
	known_receiver_fail(known, true, "the receiver answers 404", BEGUN_MS + 900000);
	assert_int_equal(known_receiver_line(known, BEGUN_MS + 900000), RECEIVER_LINE_COUNTS);
	assert_true(known_receiver_sum(known, BEGUN_MS + 900000, false, &sum));
	assert_int_equal(sum.unsaid, 4);
	assert_int_equal(sum.failures, 1);
	for (int i = 0; i < LINES_MAX; i++)
		assert_int_equal(known_receiver_line(known, BEGUN_MS + 900001), RECEIVER_LINE_SAYS);
	assert_false(known_receiver_sum(known, BEGUN_MS + 900002, true, &sum));
	assert_int_equal(known_receiver_line(known, BEGUN_MS + 900003), RECEIVER_LINE_BEGINS);
	assert_true(known_receiver_sum(known, BEGUN_MS + 900004, true, &sum));
	assert_int_equal(sum.unsaid, 1);
	/* lines that are apart are all written */
	for (int64_t i = 0; i < 5 * LINES_MAX; i++)
		assert_int_equal(known_receiver_line(known, BEGUN_MS + 2000000 + i * 30000), RECEIVER_LINE_SAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_lines_on_a_receiver_are_bounded_and_the_others_become_a_sum, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_counted_is_in_one_sum, set_up, tear_down),
		cmocka_unit_test_setup_teardown(receivers_of_one_name_are_one_unless_their_actions_differ, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_outage_is_told_at_once_and_then_every_five_minutes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_report_has_the_cause_the_time_and_what_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(receivers_beyond_the_limit_are_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(receivers_beyond_the_limit_have_no_outage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_that_fails_is_reported_by_itself, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
