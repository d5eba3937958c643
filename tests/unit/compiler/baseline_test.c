/* baseline_test.c: Tests of the baseline of a choice: how many buckets it has, and which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "compiler/step/baseline.h"
#include "tests/unit/arena_fixture.h"

#define UNITS 20000

static const struct assignment *table_of(const double *weights, size_t count, struct baseline *baselines)
{
	static const char *const names[] = {"old", "new", "newer"};
	struct share shares[3];
	for (size_t i = 0; i < count; i++)
		shares[i] = (struct share){names[i], weights[i]};
	const struct assignment *table = assignment_make(arena, "e", shares, count);
	assert_non_null(table);
	baselines_of(table, baselines);
	return table;
}

/* Of so many units, those of the choice, and those of them in its baseline. */
static void units_count(const struct assignment *table, size_t way, const struct baseline *baseline, size_t *all, size_t *within)
{
	const struct origin origin = {TEXT("in"), 0, 1};
	char unit[32];
	*all = *within = 0;
	for (int i = 0; i < UNITS; i++) {
		const size_t length = (size_t)snprintf(unit, sizeof unit, "unit %d", i);
		const struct text text = {unit, length};
		if (assignment_of(table, text) != way)
			continue;
		++*all;
		*within += baseline_has(baseline, text, &origin);
	}
}

/* Exactly so many buckets of the choice. */
static size_t buckets_within(const struct assignment *table, size_t way, const struct baseline *baseline)
{
	bool seen[ASSIGNMENT_BUCKETS] = {false};
	size_t count = 0;
	char unit[32];
	for (int i = 0; i < 40 * ASSIGNMENT_BUCKETS / 2; i++) {
		const size_t length = (size_t)snprintf(unit, sizeof unit, "%d", i);
		const struct text text = {unit, length};
		const size_t bucket = assignment_bucket(table->seed, text);
		count += !seen[bucket] && table->ways[bucket] == way && baseline_has(baseline, text, &(struct origin){0});
		seen[bucket] = true;
	}
	return count;
}

static void a_baseline_is_as_large_as_the_largest_other_choice(void **state)
{
	struct baseline baselines[3];
	(void)state;
	const struct assignment *table = table_of((double[]){90, 3, 7}, 3, baselines);
	assert_int_equal(buckets_within(table, 0, &baselines[0]), 700);
	assert_int_equal(buckets_within(table, 1, &baselines[1]), 300); /* smaller: all of it */
	assert_int_equal(buckets_within(table, 2, &baselines[2]), 700);
	table = table_of((double[]){40, 60}, 2, baselines);
	assert_int_equal(buckets_within(table, 0, &baselines[0]), 4000);
	table = table_of((double[]){1, 0}, 2, baselines);
	assert_int_equal(buckets_within(table, 0, &baselines[0]), 0); /* there is nothing to compare it with */
}

static void units_and_messages_without_one_are_in_it_alike(void **state)
{
	struct baseline baselines[2];
	size_t all, within, drawn = 0;
	(void)state;
	const struct assignment *table = table_of((double[]){80, 20}, 2, baselines);
	units_count(table, 0, &baselines[0], &all, &within);
	assert_in_range(all, 15700, 16300);
	assert_in_range(within, 3750, 4250);
	for (int i = 0; i < UNITS; i++) {
		const struct origin origin = {TEXT("in"), i % 7, i};
		drawn += assignment_of_origin(table, &origin) == 0 && baseline_has(&baselines[0], (struct text){0}, &origin);
	}
	assert_in_range(drawn, 3750, 4250);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)
	const struct CMUnitTest tests[] = {
		TEST(a_baseline_is_as_large_as_the_largest_other_choice),
		TEST(units_and_messages_without_one_are_in_it_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
