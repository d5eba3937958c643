/* verdict_board_test.c: Tests of the board of verdicts: what observers here set, and what the feed brings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "observe/verdict_board.h"

#define IDENTITY 0x9123456789abcdef
#define ALL TEXT("")

/* Alerts would otherwise be sent by every engine. */
static void the_observer_here_goes_before_the_feed(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	verdict_entry_begin(entry, IDENTITY);
	assert_int_equal(verdict_entry_known(entry, IDENTITY, ALL).verdict, DRIFT_LEARNING);
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_FOUND, 0.5));
	assert_int_equal(verdict_entry_known(entry, IDENTITY, ALL).verdict, DRIFT_FOUND);
	assert_int_equal(verdict_entry_get(entry, ALL).verdict, DRIFT_LEARNING);
	assert_int_equal(verdict_entry_sum(entry).segments, 0);
	verdict_entry_set(entry, ALL, verdict_of(DRIFT_STEADY, 0));
	assert_int_equal(verdict_entry_known(entry, IDENTITY, ALL).verdict, DRIFT_STEADY);
	assert_int_equal(verdict_entry_sum(entry).segments, 1);
	verdict_entry_lend(entry); /* its partition has moved, and the feed has an older one */
	assert_int_equal(verdict_entry_known(entry, IDENTITY, ALL).verdict, DRIFT_STEADY);
	assert_int_equal(verdict_entry_sum(entry).segments, 0);
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_FOUND, 0.25));
	assert_true(verdict_entry_known(entry, IDENTITY, ALL).score == 0.25);
	verdict_board_close(board);
}

/* So marks of another engine have the estimates too. */
static void figures_of_the_feed_are_known_with_its_verdict(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	struct last_verdict figures = verdict_unknown();
	figures.accuracy = 0.9;
	figures.quality_alarm = 1;
	verdict_entry_begin(entry, IDENTITY);
	verdict_entry_feed_figures(entry, IDENTITY, ALL, &figures); /* there is no verdict */
	assert_true(isnan(verdict_entry_known(entry, IDENTITY, ALL).accuracy));
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_FOUND, 0.5));
	verdict_entry_feed_figures(entry, IDENTITY + 1, ALL, &figures);
	assert_true(isnan(verdict_entry_known(entry, IDENTITY, ALL).accuracy));
	verdict_entry_feed_figures(entry, IDENTITY, ALL, &figures);
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_STEADY, 0.25));
	assert_true(verdict_entry_known(entry, IDENTITY, ALL).accuracy == 0.9);
	assert_true(verdict_entry_known(entry, IDENTITY, ALL).quality_alarm == 1);
	assert_true(verdict_entry_known(entry, IDENTITY, ALL).score == 0.25);
	assert_true(isnan(verdict_entry_get(entry, ALL).accuracy)); /* alerts judge what was found here */
	struct last_verdict own = verdict_unknown();
	own.quality_alarm = 0;
	verdict_entry_set(entry, ALL, own); /* of a window with too few values */
	assert_true(isnan(verdict_entry_known(entry, IDENTITY, ALL).accuracy));
	assert_int_equal(verdict_entry_known(entry, IDENTITY, ALL).verdict, DRIFT_STEADY);
	verdict_entry_lend(entry);
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_unknown());
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_FOUND, 0.5));
	assert_true(isnan(verdict_entry_known(entry, IDENTITY, ALL).accuracy)); /* its state began anew */
	verdict_board_close(board);
}

static void segments_are_known_one_by_one(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	verdict_entry_begin(entry, IDENTITY);
	verdict_entry_set(entry, TEXT("a"), verdict_of(DRIFT_STEADY, 0));
	verdict_entry_feed(entry, IDENTITY, TEXT("b"), verdict_of(DRIFT_FOUND, 0.5));
	verdict_entry_feed(entry, IDENTITY, TEXT("c"), verdict_unknown());
	assert_int_equal(verdict_entry_known(entry, IDENTITY, TEXT("a")).verdict, DRIFT_STEADY);
	assert_int_equal(verdict_entry_known(entry, IDENTITY, TEXT("b")).verdict, DRIFT_FOUND);
	verdict_entry_lend(entry);
	assert_int_equal(verdict_entry_known(entry, IDENTITY, TEXT("a")).verdict, DRIFT_STEADY);
	verdict_entry_feed(entry, IDENTITY, TEXT("a"), verdict_unknown());
	assert_int_equal(verdict_entry_known(entry, IDENTITY, TEXT("a")).verdict, DRIFT_LEARNING);
	assert_int_equal(verdict_entry_known(entry, IDENTITY, TEXT("b")).verdict, DRIFT_FOUND);
	verdict_entry_feed(entry, IDENTITY, TEXT("b"), verdict_unknown());
	assert_int_equal(verdict_entry_known(entry, IDENTITY, TEXT("b")).verdict, DRIFT_LEARNING);
	verdict_board_close(board);
}

/* Where no observer runs, alerts have the verdict of the feed, if it is on what the step compares now. */
static void alerts_judge_by_the_feed_where_there_is_no_own_verdict(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_FOUND, 0.5));
	assert_int_equal(verdict_entry_judged(entry).verdict, DRIFT_LEARNING);
	verdict_entry_expect(entry, IDENTITY + 1);
	assert_int_equal(verdict_entry_judged(entry).verdict, DRIFT_LEARNING);
	verdict_entry_expect(entry, IDENTITY);
	assert_true(verdict_entry_judged(entry).score == 0.5);
	assert_int_equal(verdict_entry_sum(entry).segments, 0);
	verdict_entry_begin(entry, IDENTITY);
	verdict_entry_set(entry, ALL, verdict_of(DRIFT_STEADY, 0));
	assert_int_equal(verdict_entry_judged(entry).verdict, DRIFT_STEADY);
	verdict_board_close(board);
}

static struct text numbered(char *bytes, size_t size, int number)
{
	return (struct text){bytes, (size_t)snprintf(bytes, size, "k%d", number)};
}

static void verdicts_of_another_identity_are_forgotten(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	verdict_entry_begin(entry, 1);
	verdict_entry_set(entry, TEXT("a"), verdict_of(DRIFT_FOUND, 0.5));
	verdict_entry_set_beyond(entry, 7);
	verdict_entry_feed(entry, 1, TEXT("b"), verdict_of(DRIFT_FOUND, 0.5));
	assert_int_equal(verdict_entry_known(entry, 2, TEXT("a")).verdict, DRIFT_LEARNING);
	assert_int_equal(verdict_entry_known(entry, 2, TEXT("b")).verdict, DRIFT_LEARNING);
	verdict_entry_begin(entry, 1);
	assert_int_equal(verdict_entry_sum(entry).segments, 1);
	verdict_entry_begin(entry, 2);
	assert_int_equal(verdict_entry_sum(entry).segments, 0);
	assert_int_equal(verdict_entry_sum(entry).last.verdict, DRIFT_LEARNING);
	assert_int_equal(verdict_entry_sum(entry).beyond, 0);
	assert_int_equal(verdict_entry_known(entry, 1, TEXT("b")).verdict, DRIFT_FOUND);
	verdict_entry_feed(entry, 2, TEXT("c"), verdict_of(DRIFT_STEADY, 0));
	assert_int_equal(verdict_entry_known(entry, 1, TEXT("b")).verdict, DRIFT_LEARNING);
	assert_int_equal(verdict_entry_known(entry, 2, TEXT("c")).verdict, DRIFT_STEADY);
	verdict_entry_feed(entry, 0, TEXT("b"), verdict_unknown()); /* what is over has no identity */
	assert_int_equal(verdict_entry_known(entry, 2, TEXT("c")).verdict, DRIFT_STEADY);
	verdict_board_close(board);
}

static void own_verdicts_take_the_places_of_fed_ones(void **state)
{
	char name[16];
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	verdict_entry_begin(entry, 1);
	for (int i = 0; i < DRIFT_SEGMENTS_MAX; i++)
		verdict_entry_feed(entry, 1, numbered(name, sizeof name, i), verdict_of(DRIFT_FOUND, 0.5));
	for (int i = 0; i < DRIFT_SEGMENTS_MAX; i++) {
		const struct text segment = numbered(name, sizeof name, i + 500);
		verdict_entry_set(entry, segment, verdict_of(DRIFT_STEADY, 0));
		assert_int_equal(verdict_entry_known(entry, 1, segment).verdict, DRIFT_STEADY);
		assert_int_equal(verdict_entry_sum(entry).segments, i + 1);
	}
	verdict_entry_set(entry, TEXT("new"), verdict_of(DRIFT_FOUND, 1)); /* no own one gives way */
	assert_int_equal(verdict_entry_sum(entry).last.verdict, DRIFT_STEADY);
	for (int i = 0; i < DRIFT_SEGMENTS_MAX; i++)
		verdict_entry_feed(entry, 2, numbered(name, sizeof name, i), verdict_of(DRIFT_FOUND, 0.5));
	assert_int_equal(verdict_entry_known(entry, 2, TEXT("k999")).verdict, DRIFT_FOUND);
	verdict_board_close(board);
}

/* A window that was closed here, with too few values to judge, has figures. */
static void figures_of_a_window_here_go_before_those_of_the_feed(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	struct last_verdict own = verdict_unknown();
	verdict_entry_begin(entry, IDENTITY);
	own.quality_alarm = 1; /* of a window with too few values to judge */
	own.accuracy = 0.75;
	verdict_entry_set(entry, ALL, own);
	verdict_entry_feed(entry, IDENTITY, ALL, verdict_of(DRIFT_FOUND, 0.5));
	const struct last_verdict known = verdict_entry_known(entry, IDENTITY, ALL);
	assert_int_equal(known.verdict, DRIFT_FOUND);
	assert_true(known.score == 0.5 && known.quality_alarm == 1 && known.accuracy == 0.75);
	verdict_board_close(board);
}

/* What comes in a minute is the sum of what comes in each segment; the age is that of the segment that waits longest. */
static void times_of_segments_are_one_figure(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	struct last_verdict last = verdict_unknown();
	verdict_entry_begin(entry, IDENTITY);
	verdict_entry_set(entry, TEXT("a"), last); /* of a first window, which has neither */
	assert_true(isnan(verdict_entry_sum(entry).last.messages_per_minute));
	assert_true(isnan(verdict_entry_sum(entry).last.newest_age_ms));
	last.messages_per_minute = 60;
	last.newest_age_ms = 2000;
	verdict_entry_set(entry, TEXT("b"), last);
	last.messages_per_minute = 15;
	last.newest_age_ms = 9000;
	verdict_entry_set(entry, TEXT("c"), last);
	last.newest_age_ms = 4000;
	verdict_entry_set(entry, TEXT("d"), last);
	verdict_entry_set(entry, TEXT("e"), verdict_unknown());
	assert_true(verdict_entry_sum(entry).last.messages_per_minute == 90);
	assert_true(verdict_entry_sum(entry).last.newest_age_ms == 9000);
	assert_true(verdict_entry_get(entry, TEXT("d")).messages_per_minute == 15);
	verdict_board_close(board);
}

/* The walk has the lock of the entry. */
static void known_while_walked(void *context, struct text segment, struct last_verdict last)
{
	assert_int_equal(verdict_entry_known(context, IDENTITY, segment).verdict, last.verdict);
}

static void a_message_is_marked_while_another_thread_has_the_entry(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "watch");
	verdict_entry_begin(entry, IDENTITY);
	verdict_entry_set(entry, ALL, verdict_of(DRIFT_FOUND, 0.5));
	verdict_entry_each(entry, known_while_walked, entry);
	verdict_board_close(board);
}

#define CHANGES 2000

struct marking {
	struct verdict_entry *entry;
	atomic_bool ended;
	bool is_torn; /* a verdict came with the score of another */
};

static void *messages_mark(void *context)
{
	struct marking *marking = context;
	while (!atomic_load(&marking->ended)) {
		const struct last_verdict last = verdict_entry_known(marking->entry, IDENTITY, TEXT("b"));
		marking->is_torn |= last.verdict != DRIFT_LEARNING && (last.verdict == DRIFT_FOUND) != (last.score > 0);
	}
	return NULL;
}

static void verdicts_change_whole_while_messages_are_marked(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct marking marking = {.entry = verdict_board_entry(board, "p", "watch")};
	pthread_t thread;
	char name[16];
	assert_int_equal(pthread_create(&thread, NULL, messages_mark, &marking), 0);
	for (size_t i = 0; i < CHANGES; i++) {
		verdict_entry_begin(marking.entry, IDENTITY + i / 100 % 2);
		verdict_entry_set(marking.entry, numbered(name, sizeof name, (int)(i % 5)), verdict_of(DRIFT_STEADY, 0));
		verdict_entry_set(marking.entry, TEXT("b"), verdict_of(i % 3 ? DRIFT_FOUND : DRIFT_STEADY, i % 3 ? 1 : 0));
		verdict_entry_feed(marking.entry, IDENTITY, TEXT("b"), verdict_of(DRIFT_FOUND, 0.5));
		if (i % 10 == 9)
			verdict_entry_lend(marking.entry);
	}
	atomic_store(&marking.ended, true);
	pthread_join(thread, NULL);
	assert_false(marking.is_torn);
	verdict_board_close(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_observer_here_goes_before_the_feed),
		cmocka_unit_test(figures_of_the_feed_are_known_with_its_verdict),
		cmocka_unit_test(segments_are_known_one_by_one),
		cmocka_unit_test(alerts_judge_by_the_feed_where_there_is_no_own_verdict),
		cmocka_unit_test(verdicts_of_another_identity_are_forgotten),
		cmocka_unit_test(own_verdicts_take_the_places_of_fed_ones),
		cmocka_unit_test(figures_of_a_window_here_go_before_those_of_the_feed),
		cmocka_unit_test(times_of_segments_are_one_figure),
		cmocka_unit_test(a_message_is_marked_while_another_thread_has_the_entry),
		cmocka_unit_test(verdicts_change_whole_while_messages_are_marked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
