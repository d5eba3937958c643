/* drift_online_test.c: Tests of the online methods and the joint test of a step `drift` through its observer: what they find, and
 * their state, which survives a restart, is of a segment, and is deleted with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/observed.h"

#define ONLINE "methods: [page-hinkley, cusum, adwin, ks], falseAlarms: 0.1 per 1000"

static void expect_the_same(const struct observed *one, const struct observed *two)
{
	assert_int_equal(two->early_count, one->early_count);
	for (size_t i = 0; i < one->early_count; i++) {
		assert_int_equal(two->early[i].window, one->early[i].window);
		assert_int_equal(two->early[i].alarm_row, one->early[i].alarm_row);
		assert_true(two->early[i].sum == one->early[i].sum);
	}
	assert_int_equal(two->count, one->count);
	for (size_t i = 0; i < one->count; i++) {
		assert_int_equal(two->seen[i].window, one->seen[i].window);
		assert_string_equal(two->seen[i].segment, one->seen[i].segment);
		assert_int_equal(two->seen[i].messages, one->seen[i].messages);
		assert_int_equal(two->seen[i].verdict, one->seen[i].verdict);
		assert_true(scores_equal(two->seen[i].score, one->seen[i].score));
		assert_int_equal(two->seen[i].alarm_row, one->seen[i].alarm_row);
		assert_true(two->seen[i].sum == one->seen[i].sum);
	}
}

/* A shift of a quarter of a deviation is too small for each window of 40 rows, and is found over some of them. */
static void a_small_shift_is_found_over_several_windows(void **state)
{
	(void)state;
	struct observed online, usual;
	observed_open(&online, "window: 40, methods: [page-hinkley], falseAlarms: 0.1 per 1000");
	observed_open(&usual, USUAL);
	struct observed *const both[] = {&online, &usual};
	for (size_t i = 0; i < 2; i++) {
		observed_rows(both[i], 400, 1, 0);
		assert_int_equal(both[i]->count, 10);
		observed_rows(both[i], 320, 1, 0.2);
		assert_int_equal(both[i]->count, 18);
	}
	size_t found = 0, usually = 0;
	for (size_t i = 0; i < 18; i++) {
		found += online.seen[i].verdict == DRIFT_FOUND;
		usually += usual.seen[i].verdict == DRIFT_FOUND;
		assert_int_equal(online.seen[i].statistics, 2);
		assert_true(i >= 10 || online.seen[i].verdict == DRIFT_STEADY);
	}
	assert_int_equal(found, 1);
	assert_int_equal(online.early_count, 1);
	assert_int_equal(usually, 0);
	observed_close(&online);
	observed_close(&usual);
}

/* A large shift is in a record of its own some rows after it, once a window, and marks messages from then on. */
static void an_alarm_comes_before_the_window_ends(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 200, methods: [cusum, page-hinkley], falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 230, 1, 0);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	assert_int_equal(observed.early_count, 0);
	const int64_t moved_ms = observed.time_ms;
	observed_rows(&observed, 40, 1, 2);
	assert_int_equal(observed.early_count, 1);
	assert_int_equal(observed.count, 1);
	const struct seen *early = &observed.early[0];
	assert_int_equal(early->window, 1);
	assert_int_equal(early->verdict, DRIFT_FOUND);
	assert_in_range(early->alarm_row, 31, 50);
	assert_int_equal(early->alarm_ms, moved_ms + ((int64_t)early->alarm_row - 31) * 1000);
	assert_in_range(early->messages, early->alarm_row, early->alarm_row + 8);
	assert_true(early->score > 0 && early->statistics >= 1 && early->quality == 0);
	assert_true(observed.flagged);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed_rows(&observed, 130, 1, 2);
	assert_int_equal(observed.early_count, 1); /* the other engine does not list it again */
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].verdict, DRIFT_FOUND);
	assert_int_equal(observed.seen[1].alarm_row, observed.early[0].alarm_row);
	observed_rows(&observed, 200, 1, 2);
	assert_int_equal(observed.early_count, 2); /* against the reference it is so in each window */
	assert_int_equal(observed.early[1].window, 2);
	observed_close(&observed);
}

/* Another engine goes on from what the first has stored, wherever in a window that is. */
static void the_state_goes_on_in_another_engine(void **state)
{
	(void)state;
	static const struct {
		const char *past, *options;
		int rows, last;
	} cases[] = {{NULL, "window: 40, " ONLINE, 250, 130},
		     {NULL, "window: 30s, " ONLINE, 250, 130},
		     {"1d", "window: 100, " ONLINE, 2300, 1400},
		     {NULL, "window: 50, methods: [mmd, cusum], falseAlarms: 0.1 per 1000", 260, 130}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int first = cases[i].last - 90; first <= cases[i].last; first += 15) {
			struct observed one, two;
			struct observed *const both[] = {&one, &two};
			for (size_t j = 0; j < 2; j++) {
				if (cases[i].past)
					observed_open_past(both[j], cases[i].past, cases[i].options);
				else
					observed_open(both[j], cases[i].options);
			}
			observed_rows(&one, cases[i].rows, 1, 0.2);
			observed_rows(&two, first, 1, 0.2);
			observed_engine_close(&two);
			observed_engine_open(&two);
			observed_rows(&two, cases[i].rows - first, 1, 0.2);
			assert_true(one.count >= 5);
			expect_the_same(&one, &two);
			observed_close(&one);
			observed_close(&two);
		}
}

/* What changes together is one more statistic of the record, and the verdict may be by it alone. */
static void the_joint_test_judges_windows(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 50, methods: [mmd], falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 100, 1, 0);
	observed_rows(&observed, 51, 1, 2);
	assert_int_equal(observed.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(observed.seen[i].statistics, 1);
		assert_int_equal(observed.seen[i].quality, 2);
		assert_int_equal(observed.seen[i].verdict, i == 2 ? DRIFT_FOUND : DRIFT_STEADY);
	}
	assert_true(observed.seen[2].score > 0.05 && observed.flagged);
	observed_misfits(&observed, 1, 3, 1); /* a vector of another width is in no window */
	observed_rows(&observed, 49, 1, 0);
	assert_int_equal(observed.count, 4);
	assert_int_equal(observed.seen[3].messages, 50);
	assert_int_equal(observed.seen[3].unusable, 1);
	observed_close(&observed);
}

/* Of messages that come as slices, and as batches, it is the same. */
static void slices_and_batches_give_the_same(void **state)
{
	(void)state;
	struct observed single, slices;
	observed_open(&single, "window: 40, " ONLINE);
	observed_open(&slices, "window: 40, " ONLINE);
	observed_rows(&single, 256, 1, 0.5);
	observed_slices(&slices, 256, 64, 0.5);
	assert_int_equal(single.count, 6);
	assert_int_equal(slices.count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(slices.seen[i].window, single.seen[i].window);
		assert_true(slices.seen[i].sum == single.seen[i].sum);
	}
	observed_close(&single);
	observed_close(&slices);
}

static void keyed_rows(struct observed *observed, const char *key, int messages, double moved)
{
	observed->key = text_of(key);
	observed_rows(observed, messages, 1, moved);
}

/* Segments that take turns say the same as segments one after the other; an engine that takes over does, too. */
static void segments_do_not_disturb_each_other(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open(&one, "window: 40, groupBy: key, " ONLINE);
	observed_open(&two, "window: 40, groupBy: key, " ONLINE);
	for (int i = 0; i < 200; i++) {
		struct random before = one.chance;
		keyed_rows(&one, "a", 1, 0.3);
		one.chance = before; /* the same numbers */
		keyed_rows(&one, "b", 1, 0.3);
		keyed_rows(&two, i % 2 ? "a" : "b", 1, 0.3);
		if (i % 50 == 20) {
			observed_engine_close(&one);
			observed_engine_open(&one);
		}
	}
	assert_int_equal(one.count, 10);
	for (size_t i = 0; i < 10; i += 2) {
		assert_string_equal(one.seen[i].segment, "a");
		assert_string_equal(one.seen[i + 1].segment, "b");
		assert_true(one.seen[i].sum == one.seen[i + 1].sum);
	}
	assert_int_equal(two.count, 4);
	assert_true(two.seen[0].sum != two.seen[1].sum);
	observed_close(&one);
	observed_close(&two);
}

/* A segment's window is looked into at 8, 16, 32, ... of its rows. An alarm is listed once, in whichever engine, and changes no
 * verdict. */
static void an_alarm_of_a_segment_comes_before_its_window_ends(void **state)
{
	(void)state;
	static const char options[] = "window: 200, methods: [cusum, page-hinkley], falseAlarms: 0.1 per 1000, groupBy: key";
	struct observed one, two;
	struct observed *const both[] = {&one, &two};
	for (size_t i = 0; i < 2; i++) {
		observed_open(both[i], options);
		for (int row = 0; row < 400; row++) {
			keyed_rows(both[i], "calm", 1, 0);
			keyed_rows(both[i], "moves", 1, row < 230 ? 0 : 2);
			if (i == 1 && row % 30 == 29) {
				observed_engine_close(&two);
				observed_engine_open(&two);
			}
			assert_int_equal(both[i]->early_count, row >= 263); /* row 64 of its second window */
		}
		assert_string_equal(both[i]->early[0].segment, "moves");
		assert_int_equal(both[i]->early[0].window, 1);
		assert_int_equal(both[i]->early[0].verdict, DRIFT_FOUND);
		assert_int_equal(both[i]->early[0].messages, 64);
		assert_in_range(both[i]->early[0].alarm_row, 33, 64);
		assert_true(both[i]->flagged);
		assert_int_equal(both[i]->count, 4);
	}
	expect_the_same(&one, &two);
	keyed_rows(&two, "calm", 1, 0);
	assert_false(two.flagged);
	observed_close(&one);
	observed_close(&two);
}

/* A batch that closes a window is looked at in the next one. */
static void a_batch_of_a_segment_is_looked_at_in_its_own_window(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 40, methods: [cusum], falseAlarms: 0.1 per 1000, groupBy: key");
	observed.key = TEXT("a");
	observed_rows(&observed, 1, 30, 0);
	observed_rows(&observed, 1, 30, 3);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.early_count, 1);
	assert_int_equal(observed.early[0].window, 1);
	assert_int_equal(observed.early[0].messages, 20);
	assert_in_range(observed.early[0].alarm_row, 1, 16);
	observed_rows(&observed, 1, 15, 3);
	assert_int_equal(observed.early_count, 1);
	observed_rows(&observed, 1, 5, 3);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].verdict, DRIFT_FOUND);
	observed_close(&observed);
}

/* A rate in time is shared by segments, whose number changes: their windows are judged when they close. */
static void segments_that_share_a_time_have_no_alarm_before_the_end(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 200, methods: [cusum], falseAlarms: 10 per 1h, groupBy: key");
	keyed_rows(&observed, "a", 220, 0);
	keyed_rows(&observed, "a", 180, 3);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.early_count, 0);
	assert_int_equal(observed.seen[1].verdict, DRIFT_FOUND);
	observed_close(&observed);
}

/* When `groupBy` is left out, what was stored of the segments is deleted, their detectors too. */
static void the_state_of_former_segments_is_deleted(void **state)
{
	(void)state;
	struct observed observed, fresh;
	observed_open(&observed, "window: 40, groupBy: key, " ONLINE);
	for (int i = 0; i < 5; i++) {
		char key[8];
		snprintf(key, sizeof key, "k%d", i);
		keyed_rows(&observed, key, 50, 0);
	}
	observed_engine_close(&observed);
	planning_close(&observed.planning);
	observed_steps(&observed, "window: 40, " ONLINE);
	observed_engine_open(&observed);
	observed_open(&fresh, "window: 40, " ONLINE);
	observed_rows(&observed, 50, 1, 0);
	observed_rows(&fresh, 50, 1, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&observed);
	observed_close(&fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_shift_is_found_over_several_windows),
		cmocka_unit_test(an_alarm_comes_before_the_window_ends),
		cmocka_unit_test(the_state_goes_on_in_another_engine),
		cmocka_unit_test(the_joint_test_judges_windows),
		cmocka_unit_test(slices_and_batches_give_the_same),
		cmocka_unit_test(segments_do_not_disturb_each_other),
		cmocka_unit_test(an_alarm_of_a_segment_comes_before_its_window_ends),
		cmocka_unit_test(a_batch_of_a_segment_is_looked_at_in_its_own_window),
		cmocka_unit_test(segments_that_share_a_time_have_no_alarm_before_the_end),
		cmocka_unit_test(the_state_of_former_segments_is_deleted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
