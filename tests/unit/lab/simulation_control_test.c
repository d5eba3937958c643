/* simulation_control_test.c: the control plane of the simulator holds under faults, and a keeper that is not fenced is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "simulation/simulation.h"
#include "steps/kinds.h"

#define RUNS 300 /* a broken control plane is found well before */

static struct simulation_platform platform;

static int platform_take(void **state)
{
	(void)state;
	platform = simulation_platform_kafka;
	return 0;
}

static struct simulation_result control_run(uint64_t seed, bool exactly_once, unsigned traits)
{
	struct simulation_result result;
	struct error error = {0};
	const struct simulation_config config = {.seed = seed,
						 .exactly_once = exactly_once,
						 .kinds = step_kinds,
						 .platform = &platform,
						 .traits_given = true,
						 .traits = 1U << SIMULATION_CONTROLLED | traits};
	assert_true(simulation_run(&config, &result, &error));
	return result;
}

/* Fails the test when no run is found bad for that reason: a keeper too many may be seen by what it decides, too. */
static void assert_found(const char *reason)
{
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct simulation_result result = control_run(seed, seed % 2, 1U << SIMULATION_RELOADED);
		if (!result.held && strstr(result.why, reason))
			return;
	}
	fail_msg("in %d runs nothing was found of a %s", RUNS, reason);
}

/* ---- a sound one ---- */

static void a_sound_control_plane_holds_and_has_its_faults(void **state)
{
	struct simulation_counts counts = {0};
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct simulation_result result = control_run(seed, seed % 2, 1U << SIMULATION_RELOADED);
		if (!result.held)
			fail_msg("seed %llu: %s", (unsigned long long)seed, result.why);
		simulation_counts_add(&counts, &result.counts);
	}
	assert_int_equal(counts.traits[SIMULATION_CONTROLLED], 30);
	assert_true(counts.deployments >= 30);	   /* each run has one that came later, by a change */
	assert_true(counts.activations >= 3 * 30); /* at least one deployment and two splits */
	assert_true(counts.proposals > 3 * 30);	   /* rivals, and changes that failed */
	assert_true(counts.terms > 30);		   /* keepers follow each other */
	for (size_t i = 0; i < SIMULATION_KEEPER_FAULTS; i++)
		assert_true(counts.keeper_faults[i] > 0);
}

/* ---- the fence ---- */

/* Each process has an id of its own, so Kafka refuses nobody. */
static struct simulated_fenced_writer *open_without_fence(struct simulated_host *host, const char *id, const char *topic,
							  uint64_t *wakes)
{
	static const char *const ids[] = {"keeper.a", "keeper.b", "keeper.c", "keeper.d",
					  "keeper.e", "keeper.f", "keeper.g", "keeper.h"};
	static size_t opened;
	(void)id;
	return simulated_fenced_writer_open(host, ids[opened++ % 8], topic, wakes);
}

static void a_keeper_that_is_not_fenced_is_found(void **state)
{
	(void)state;
	platform.fenced_writer_open = open_without_fence;
	assert_found("keeper that was replaced");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sound_control_plane_holds_and_has_its_faults, platform_take),
		cmocka_unit_test_setup(a_keeper_that_is_not_fenced_is_found, platform_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
