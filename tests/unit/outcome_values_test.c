/* outcome_values_test.c: Tests of values that wait for the end of an exposure: each slot gets back its own, whatever others do. */
#include "experiments/outcomes/outcome_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/number/random.h"

#define SLOTS 3000
#define TURNS 200000

static struct outcome_values *values;

static int values_begin(void **state)
{
	(void)state;
	values = outcome_values_open();
	return values ? 0 : -1;
}

static int values_end(void **state)
{
	(void)state;
	outcome_values_close(values);
	return 0;
}

struct taken {
	size_t count, of_units;
	double sum, last;
};

static void value_note(void *context, const struct outcome_value *value)
{
	struct taken *taken = context;
	assert_int_equal(value->metric, (size_t)value->value % 5);
	assert_int_equal(value->of_unit, (size_t)value->value % 2);
	taken->count++;
	taken->of_units += value->of_unit;
	taken->sum += value->value;
	taken->last = value->value;
}

static struct taken slot_take(size_t slot)
{
	struct taken taken = {0};
	outcome_values_take(values, slot, value_note, &taken);
	return taken;
}

static void value_add(size_t slot, double value)
{
	const struct outcome_value one = {(size_t)value % 5, value, (size_t)value % 2};
	assert_true(outcome_values_add(values, slot, &one));
}

static void values_of_a_slot_are_taken_once_and_from_the_newest(void **state)
{
	(void)state;
	assert_int_equal(slot_take(3).count, 0);
	value_add(3, 1);
	value_add(UINT32_MAX - 1, 9);
	value_add(3, 2);
	value_add(3, 4);
	assert_int_equal(outcome_values_of_units(values), 2);
	assert_int_equal(slot_take(2).count, 0);
	const struct taken taken = slot_take(3);
	assert_true(taken.count == 3 && taken.sum == 7 && taken.last == 1);
	assert_int_equal(slot_take(3).count, 0);
	assert_true(slot_take(UINT32_MAX - 1).sum == 9);
	assert_int_equal(outcome_values_of_units(values), 0);
}

/* Beside sums by slot, while slots fill and empty in any order. */
static void random_slots_get_back_their_own(void **state)
{
	static double sums[SLOTS];
	static size_t counts[SLOTS];
	struct random random = {5};
	size_t of_units = 0;
	(void)state;
	for (size_t i = 0; i < TURNS; i++) {
		const size_t slot = random_below(&random, SLOTS);
		const bool fills = i / 20000 % 2 == 0 ? random_below(&random, 4) > 0 : random_below(&random, 4) == 0;
		if (fills) {
			const double value = (double)random_below(&random, 1000);
			value_add(slot, value);
			sums[slot] += value;
			counts[slot]++;
			of_units += (size_t)value % 2;
		} else {
			const struct taken taken = slot_take(slot);
			assert_true(taken.count == counts[slot] && taken.sum == sums[slot]);
			of_units -= taken.of_units;
			sums[slot] = 0;
			counts[slot] = 0;
		}
		assert_int_equal(outcome_values_of_units(values), of_units);
	}
	for (size_t i = 0; i < SLOTS; i++)
		assert_true(slot_take(i).sum == sums[i]);
	assert_int_equal(outcome_values_of_units(values), 0);
}

int main(void)
{
#define WITH_VALUES(test) cmocka_unit_test_setup_teardown(test, values_begin, values_end)
	const struct CMUnitTest tests[] = {
		WITH_VALUES(values_of_a_slot_are_taken_once_and_from_the_newest),
		WITH_VALUES(random_slots_get_back_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
