/* simulation_observer_test.c: the observer and the feed of the simulator hold under faults, and an observer that closes a window
 * twice is found, also one of a segment or one that had lost its state, as is an engine that takes an older verdict after a newer
 * one, and a feed whose order is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "simulation/simulation.h"
#include "steps/kinds.h"
#include "tests/unit_program.h"

#define RUNS 2000 /* a broken observer is found well before: one run in 250 closes a window of the second segment twice */

static struct simulation_result observed_run(uint64_t seed, enum simulation_break broken, unsigned traits)
{
	struct simulation_result result;
	struct error error = {0};
	const struct simulation_config config = {.seed = seed,
						 .exactly_once = seed % 2,
						 .kinds = step_kinds,
						 .platform = &simulation_platform_kafka,
						 .broken = broken,
						 .traits_given = true,
						 .traits = 1U << SIMULATION_OBSERVED | traits};
	assert_true(simulation_run(&config, &result, &error));
	return result;
}

/* The first run that does not hold; fails the test when all do. */
static struct simulation_result bad_run(enum simulation_break broken)
{
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct simulation_result result = observed_run(seed, broken, 0);
		if (!result.held)
			return result;
	}
	fail_msg("%d runs held", RUNS);
	return (struct simulation_result){0};
}

/* ---- a sound one ---- */

static void a_sound_observer_holds_and_closes_windows(void **state)
{
	struct simulation_counts counts = {0};
	(void)state;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(30); seed++) {
		struct simulation_result result = observed_run(seed, SIMULATION_SOUND, 0);
		if (!result.held)
			fail_msg("seed %llu: %s", (unsigned long long)seed, result.why);
		simulation_counts_add(&counts, &result.counts);
	}
	assert_int_equal(counts.traits[SIMULATION_OBSERVED], UNIT_REPETITIONS(30));
	assert_true(counts.windows > UNIT_REPETITIONS(30));
}

static void it_holds_beside_a_control_plane_and_reloads(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(30); seed++) {
		struct simulation_result result =
			observed_run(seed, SIMULATION_SOUND, 1U << SIMULATION_CONTROLLED | 1U << SIMULATION_RELOADED);
		if (!result.held)
			fail_msg("seed %llu: %s", (unsigned long long)seed, result.why);
	}
}

/* Kafka loses the changelog of the observer, or a part of it: an observer without its state closes no window, and says so. */
static void it_holds_when_its_state_is_lost(void **state)
{
	struct simulation_counts counts = {0};
	(void)state;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(60); seed++) {
		struct simulation_result result = observed_run(seed, SIMULATION_SOUND, 1U << SIMULATION_BEREFT);
		if (!result.held)
			fail_msg("seed %llu: %s", (unsigned long long)seed, result.why);
		simulation_counts_add(&counts, &result.counts);
	}
	assert_true(counts.losses > 0);
	assert_true(counts.windows > 0);
}

/* ---- broken ones ---- */

static void a_window_that_is_closed_twice_is_found(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) /* others end otherwise: a window is not closed in time, too */
		if (strstr(observed_run(seed, SIMULATION_REPEATS_WINDOWS, 0).why, "it is closed twice"))
			return;
	fail_msg("%d runs closed none twice", RUNS);
}

/* The second segment has windows only if the step has `groupBy`. That takes some 250 runs, which are minutes under a sanitizer, so
 * one that is known to show it is the first. */
#define SHOWN_BY 454
static void a_window_of_a_segment_that_is_closed_twice_is_found(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed <= RUNS; seed++)
		if (strstr(observed_run(seed > 0 ? seed : SHOWN_BY, SIMULATION_REPEATS_WINDOWS, 0).why, "of segment 1"))
			return;
	fail_msg("%d runs held", RUNS);
}

/* It begins with its first window again. */
static void an_observer_that_goes_on_without_its_state_is_found(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++)
		if (strstr(observed_run(seed, SIMULATION_ACCEPTS_LOSS, 1U << SIMULATION_BEREFT).why, "it is closed twice"))
			return;
	fail_msg("no window was closed twice in %d runs", RUNS);
}

static void an_engine_that_takes_an_older_verdict_is_found(void **state)
{
	(void)state;
	assert_non_null(strstr(bad_run(SIMULATION_FORGETS_FEED).why, "takes an older verdict"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_observer_holds_and_closes_windows),
		cmocka_unit_test(it_holds_beside_a_control_plane_and_reloads),
		cmocka_unit_test(it_holds_when_its_state_is_lost),
		cmocka_unit_test(a_window_that_is_closed_twice_is_found),
		cmocka_unit_test(a_window_of_a_segment_that_is_closed_twice_is_found),
		cmocka_unit_test(an_observer_that_goes_on_without_its_state_is_found),
		cmocka_unit_test(an_engine_that_takes_an_older_verdict_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
