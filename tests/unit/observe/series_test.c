/* series_test.c: series of a declared metric: a place for each combination of labels, the others together, nothing lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "observe/series.h"

#define ARENA_BYTES ((size_t)16 << 20)

static struct series_table *table_of(struct arena *arena, enum series_type type, size_t labels, size_t places)
{
	static const double buckets[] = {-1, 0, 10};
	const struct series_form form = {type, labels, type == SERIES_HISTOGRAM ? 3 : 0, buckets, places};
	struct series_table *table = series_table_open(&form, arena);
	assert_non_null(table);
	return table;
}

static struct series_sum series_at(const struct series_table *table, size_t index)
{
	struct series_sum series = {0};
	assert_true(index < series_count(table));
	series_read(table, index, &series);
	return series;
}

static void a_value_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct series_table *table = table_of(arena, SERIES_HISTOGRAM, 0, 1);
	const double values[] = {-2, -1, 0, 0.5, 10, 10.5, 1e300};
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		series_add(table, NULL, values[i], i);
	const struct series_sum series = series_at(table, 0);
	const uint64_t expected[] = {2, 1, 2, 2};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(series.buckets[i], expected[i]);
	assert_int_equal(series.count, 7);
	assert_true(series_double(series.last) == 1e300 && series.last_ms == 6);
	assert_int_equal(series_samples(series_table_form(table)), 6);
	arena_close(arena);
}

/* With places for N, N - 1 combinations have one, and all others share the last. */
static void combinations_beyond_the_places_are_one_series(void **state)
{
	(void)state;
	for (size_t places = 1; places <= SERIES_PLACES_MAX; places += places < 4 ? 1 : 248) {
		struct arena *arena = arena_open(ARENA_BYTES);
		struct series_table *table = table_of(arena, SERIES_COUNTER, 2, places);
		char name[16];
		double sum = 0;
		for (size_t round = 0; round < 2; round++)
			for (size_t i = 0; i < places + 3; i++) {
				(void)snprintf(name, sizeof name, "v%zu", i);
				series_add(table, (struct text[]){TEXT("same"), text_of(name)}, 2, 1);
			}
		assert_int_equal(series_count(table), places);
		for (size_t i = 0; i < places; i++) {
			const struct series_sum series = series_at(table, i);
			sum += series_double(series.sum);
			assert_true(text_is(series.labels[1], SERIES_OTHER) == (i + 1 == places));
		}
		assert_true(sum == 4 * (double)(places + 3)); /* none is lost */
		assert_int_equal(series_others(table), 2 * 4);
		arena_close(arena);
	}
}

static void who_says_other_himself_is_among_the_others(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct series_table *table = table_of(arena, SERIES_COUNTER, 1, 2);
	(void)state;
	series_add(table, (struct text[]){TEXT("other")}, 1, 1);
	series_add(table, (struct text[]){TEXT("a")}, 1, 1);
	series_add(table, (struct text[]){TEXT("b")}, 1, 1);
	assert_int_equal(series_count(table), 1 + 1);
	assert_int_equal(series_at(table, 0).count + series_at(table, 1).count, 3);
	arena_close(arena);
}

static void a_label_is_cut_between_characters(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct series_table *table = table_of(arena, SERIES_GAUGE, 1, 9);
	char fits[SERIES_LABEL_BYTES + 1] = {0}, longer[SERIES_LABEL_BYTES + 3] = {0};
	(void)state;
	memset(fits, 'x', SERIES_LABEL_BYTES);
	memset(longer, 'x', SERIES_LABEL_BYTES - 1);
	memcpy(longer + SERIES_LABEL_BYTES - 1, "\xc3\xa9z", 3); /* one character across the limit */
	series_add(table, (struct text[]){text_of(fits)}, 1, 1);
	series_add(table, (struct text[]){text_of(longer)}, 1, 1);
	assert_int_equal(series_at(table, 0).labels[0].length, SERIES_LABEL_BYTES);
	assert_int_equal(series_at(table, 1).labels[0].length, SERIES_LABEL_BYTES - 1);
	series_add(table, (struct text[]){{longer, SERIES_LABEL_BYTES - 1}}, 1, 1); /* the same as what was cut */
	assert_int_equal(series_count(table), 2);
	arena_close(arena);
}

/* Else the page would have one series twice, which the Pushgateway refuses as a whole. */
static void labels_that_read_the_same_are_one_series(void **state)
{
	static const struct text labels[] = {{"a\xff", 2}, {"a\xe4", 2}, {"a\0", 2}, {"a?", 2}};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct series_table *table = table_of(arena, SERIES_COUNTER, 1, 9);
	char bytes[2 * SERIES_LABEL_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		series_add(table, &labels[i], 1, 1);
	assert_int_equal(series_count(table), 1);
	assert_true(text_is(series_at(table, 0).labels[0], "a?"));
	assert_int_equal(series_at(table, 0).count, 4);
	memset(bytes, 0x80, sizeof bytes); /* no character begins there */
	series_add(table, &(struct text){bytes, sizeof bytes}, 1, 1);
	assert_int_equal(series_at(table, 1).labels[0].length, SERIES_LABEL_BYTES);
	arena_close(arena);
}

static void what_cannot_be_counted_is_known_before(void **state)
{
	(void)state;
	assert_true(series_takes(SERIES_GAUGE, -1) && series_takes(SERIES_HISTOGRAM, -1) && series_takes(SERIES_COUNTER, 0));
	assert_false(series_takes(SERIES_COUNTER, -1e-9));
	for (int type = SERIES_GAUGE; type <= SERIES_SUMMARY; type++)
		assert_false(series_takes((enum series_type)type, NAN) || series_takes((enum series_type)type, INFINITY));
}

static void of_two_workers_gauges_the_later_value_counts(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct series_table *one = table_of(arena, SERIES_GAUGE, 0, 1), *two = table_of(arena, SERIES_GAUGE, 0, 1);
	(void)state;
	series_add(one, NULL, 5, 200);
	series_add(two, NULL, 7, 100);
	struct series_sum sum = series_at(one, 0);
	const struct series_sum more = series_at(two, 0);
	series_merge(&sum, &more);
	assert_true(series_double(sum.last) == 5 && series_double(sum.sum) == 12 && sum.count == 2);
	sum = more;
	const struct series_sum later = series_at(one, 0);
	series_merge(&sum, &later);
	assert_true(series_double(sum.last) == 5);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed),
		cmocka_unit_test(combinations_beyond_the_places_are_one_series),
		cmocka_unit_test(who_says_other_himself_is_among_the_others),
		cmocka_unit_test(a_label_is_cut_between_characters),
		cmocka_unit_test(labels_that_read_the_same_are_one_series),
		cmocka_unit_test(what_cannot_be_counted_is_known_before),
		cmocka_unit_test(of_two_workers_gauges_the_later_value_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
