/* replica_estimate_test.c: Tests of how many engines are wanted, by what waits, what comes, and what one can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/namespace_load.h"

static size_t wanted_anew(struct replica_load load)
{
	double capacity = 0;
	return replicas_wanted(&load, &capacity);
}

static void nothing_to_do_wants_no_engine(void **state)
{
	(void)state;
	assert_int_equal(wanted_anew((struct replica_load){.ended = 100, .arrived = 100, .cpu_share = 1}), 0);
	assert_int_equal(wanted_anew((struct replica_load){.busy_partitions = 8}), 1);
}

static void never_more_than_partitions_with_work(void **state)
{
	(void)state;
	for (size_t busy = 1; busy < 20; busy++) {
		const struct replica_load load = {
			.ended = 10, .arrived = 1000, .lag = 1e6, .cpu_share = 1, .busy_partitions = busy};
		assert_int_equal(wanted_anew(load), busy);
	}
}

static void a_rate_that_one_engine_can_do_wants_one(void **state)
{
	(void)state;
	struct replica_load load = {.ended = 1000, .arrived = 1000, .cpu_share = 0.5, .busy_partitions = 100};
	assert_int_equal(wanted_anew(load), 1);
	load.cpu_share = 0.8; /* just its share */
	assert_int_equal(wanted_anew(load), 1);
	load.cpu_share = 0.9;
	assert_int_equal(wanted_anew(load), 2);
}

static void what_comes_for_all_engines_counts(void **state)
{
	(void)state;
	const struct replica_load load = {.ended = 1000, .arrived = 3000, .cpu_share = 0.8, .busy_partitions = 100};
	assert_int_equal(wanted_anew(load), 3);
}

static void a_backlog_is_to_be_gone_in_half_a_minute(void **state)
{
	(void)state;
	/* It ends what it can: 1,000/s. 1,500 come, and 30,000 wait. */
	const struct replica_load load = {.ended = 1000, .arrived = 1500, .lag = 30000, .cpu_share = 0.2, .busy_partitions = 100};
	assert_int_equal(wanted_anew(load), 4);
}

static void what_it_could_do_is_remembered_while_it_does_nothing(void **state)
{
	(void)state;
	double capacity = 0;
	struct replica_load load = {.ended = 100, .arrived = 100, .cpu_share = 1, .busy_partitions = 50};
	assert_int_equal(replicas_wanted(&load, &capacity), 2);
	assert_true(capacity == 100);
	load = (struct replica_load){.arrived = 800, .busy_partitions = 50};
	assert_int_equal(replicas_wanted(&load, &capacity), 10);
}

static void an_idle_processor_is_not_extrapolated_without_end(void **state)
{
	(void)state;
	struct replica_load load = {.ended = 10, .arrived = 1600, .cpu_share = 0.0001, .busy_partitions = 50};
	assert_int_equal(wanted_anew(load), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_do_wants_no_engine),
		cmocka_unit_test(never_more_than_partitions_with_work),
		cmocka_unit_test(a_rate_that_one_engine_can_do_wants_one),
		cmocka_unit_test(what_comes_for_all_engines_counts),
		cmocka_unit_test(a_backlog_is_to_be_gone_in_half_a_minute),
		cmocka_unit_test(what_it_could_do_is_remembered_while_it_does_nothing),
		cmocka_unit_test(an_idle_processor_is_not_extrapolated_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
