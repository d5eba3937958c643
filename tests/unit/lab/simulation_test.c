/* Simulated runs on sound ground hold, those too that once did not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulation/simulation.h"
#include "steps/kinds.h"

static void days_on_sound_ground_hold(void **state)
{
	(void)state;
	struct simulation_result result;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(100); seed++) {
		struct error error = {0};
		const struct simulation_config config = {
			.seed = seed / 2, .exactly_once = seed % 2, .kinds = step_kinds, .platform = &simulation_platform_kafka};
		assert_true(simulation_run(&config, &result, &error));
		assert_string_equal(result.why, "");
		assert_true(result.counts.fewest_faults >= 5);
		assert_true(result.counts.fewest_workers >= 3);
		assert_int_equal(result.counts.messages, 200);
	}
}

static void days_of_each_trait_hold(void **state)
{
	(void)state;
	struct simulation_result result;
	for (unsigned trait = 0; trait < SIMULATION_TRAITS; trait++)
		for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(20); seed++) {
			struct error error = {0};
			const struct simulation_config config = {.seed = seed,
								 .exactly_once = seed % 2,
								 .kinds = step_kinds,
								 .platform = &simulation_platform_kafka,
								 .traits_given = true,
								 .traits = 1U << trait};
			assert_true(simulation_run(&config, &result, &error));
			assert_string_equal(result.why, "");
			assert_int_equal(result.counts.traits[trait], 1);
		}
}

/* Before they were read, or where they may not be, limits of topics are met by batches that are too large: those are
 * sent again in smaller ones, and no record is blamed. */
static void batches_too_large_are_sent_again(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t batches = 0;
		for (uint64_t seed = 1; seed <= 12; seed++) {
			struct simulation_result result;
			struct error error = {0};
			const struct simulation_config config = {.seed = seed,
								 .exactly_once = i,
								 .kinds = step_kinds,
								 .platform = &simulation_platform_kafka,
								 .traits_given = true,
								 .traits = 1U << SIMULATION_BOUNDED};
			assert_true(simulation_run(&config, &result, &error));
			assert_string_equal(result.why, "");
			batches += result.counts.batches;
		}
		assert_true(batches > 0);
	}
}

/* Workers that find less in a changelog than their commits refer to stop, and nothing wrong is answered. */
static void workers_stop_where_state_was_lost(void **state)
{
	(void)state;
	uint64_t losses = 0;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(30); seed++) {
		struct simulation_result result;
		struct error error = {0};
		const struct simulation_config config = {.seed = seed,
							 .exactly_once = true,
							 .kinds = step_kinds,
							 .platform = &simulation_platform_kafka,
							 .traits_given = true,
							 .traits = 1U << SIMULATION_BEREFT};
		assert_true(simulation_run(&config, &result, &error));
		assert_string_equal(result.why, "");
		losses += result.counts.losses;
	}
	if (!UNIT_IS_SHORT)
		assert_in_range(losses, 2, 29);
}

/* Requests that Kafka deletes before they are read are counted, or stop the workers; all others are answered. */
static void requests_that_are_deleted_before_they_are_read_are_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t gaps = 0, skipped = 0;
		for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(30); seed++) {
			struct simulation_result result;
			struct error error = {0};
			const struct simulation_config config = {.seed = seed,
								 .exactly_once = i,
								 .kinds = step_kinds,
								 .platform = &simulation_platform_kafka,
								 .traits_given = true,
								 .traits = 1U << SIMULATION_GAPPED};
			assert_true(simulation_run(&config, &result, &error));
			assert_string_equal(result.why, "");
			gaps += result.counts.gaps;
			skipped += result.counts.skipped;
		}
		assert_true(gaps >= UNIT_REPETITIONS(20) && skipped > gaps);
	}
}

static void a_seed_gives_the_same_day_again(void **state)
{
	(void)state;
	struct simulation_result first, second;
	struct error error = {0};
	const struct simulation_config config = {
		.seed = 42, .exactly_once = true, .kinds = step_kinds, .platform = &simulation_platform_kafka};
	assert_true(simulation_run(&config, &first, &error));
	assert_true(simulation_run(&config, &second, &error));
	assert_memory_equal(&first.counts, &second.counts, sizeof first.counts);
}

static void simulation_holds(uint64_t seed, bool exactly_once, unsigned traits)
{
	struct simulation_result result;
	struct error error = {0};
	const struct simulation_config config = {.seed = seed,
						 .exactly_once = exactly_once,
						 .kinds = step_kinds,
						 .platform = &simulation_platform_kafka,
						 .traits_given = true,
						 .traits = traits};
	assert_true(simulation_run(&config, &result, &error));
	assert_string_equal(result.why, "");
}

/* With the traits that the seed draws. */
static void seed_holds(uint64_t seed, bool exactly_once)
{
	struct simulation_result result;
	struct error error = {0};
	const struct simulation_config config = {
		.seed = seed, .exactly_once = exactly_once, .kinds = step_kinds, .platform = &simulation_platform_kafka};
	assert_true(simulation_run(&config, &result, &error));
	assert_string_equal(result.why, "");
}

/* In the simulated Kafka a member that had given its partitions up could hear of their loss when it
 * held new ones, joined again while it kept them, and answered twice; the run that showed it. */
static void what_was_given_up_is_not_lost_once_more(void **state)
{
	(void)state;
	simulation_holds(1013403, true, 0);
}

/* In the simulated Kafka a member that was dropped just when it had joined joined twice, and was given its
 * share twice, which it read twice. */
static void a_share_is_given_once(void **state)
{
	(void)state;
	seed_holds(5022686, true);
}

/* A member whose requests to the group were late had two of them on their way when it was dropped: after the first it held
 * partitions, and the second assigned them anew. */
static void a_member_asks_its_group_once_at_a_time(void **state)
{
	(void)state;
	seed_holds(1795666926229, true);
}

/* At least once, workers ended between answers and what observers read of them, and the requests were deleted meanwhile. */
static void what_is_deleted_after_its_answer_need_not_be_observed(void **state)
{
	(void)state;
	seed_holds(1795666531330, false);
}

/* A changelog was lost to which no commit referred. A snapshot of it was taken for one of the changelog that began again:
 * the first record of that was not read, and a count began anew. */
static void a_snapshot_of_a_lost_changelog_is_not_used(void **state)
{
	(void)state;
	seed_holds(1795522412766, true);
}

/* What came for a pipeline that was taken out was dropped, and when the pipeline came back
 * before its partitions had been given up, what came then was committed past it. */
static void what_comes_while_a_pipeline_is_away_is_not_lost(void **state)
{
	(void)state;
	simulation_holds(20348, false, 1U << SIMULATION_RELOADED | 1U << SIMULATION_STAGED);
}

/* While a stage that was replaced was full, what was for its successor overtook what was for it,
 * also in what was committed. */
static void none_overtakes_what_a_replaced_stage_is_still_to_take(void **state)
{
	(void)state;
	simulation_holds(20366, true,
			 1U << SIMULATION_RELOADED | 1U << SIMULATION_HURRIED | 1U << SIMULATION_BATCHED | 1U << SIMULATION_STAGED);
}

/* At least once, the answer to a request that was joined was refused by Kafka, and what was
 * to be answered instead waited for parts that were gone. */
static void a_joined_request_whose_answer_is_refused_is_answered(void **state)
{
	(void)state;
	simulation_holds(30056, false, 1U << SIMULATION_HURRIED | 1U << SIMULATION_FED);
}

/* At least once, what a step had given was lost with its worker, while the answer had left;
 * the changed pipeline of the next worker dropped the request before that step. */
static void what_a_changed_pipeline_drops_need_not_be_told_again(void **state)
{
	(void)state;
	simulation_holds(70005006, false, 1U << SIMULATION_RELOADED | 1U << SIMULATION_HURRIED | 1U << SIMULATION_FED);
}

/* All engines came back within their sessions, with one more pipeline, and were given what
 * they had had: nobody read it until the newest of them joined as somebody new. */
static void a_pipeline_that_came_while_no_engine_was_up_is_read(void **state)
{
	(void)state;
	simulation_holds(80009437, false, 1U << SIMULATION_RELOADED);
	simulation_holds(80005874, true, 1U << SIMULATION_RELOADED | 1U << SIMULATION_STAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_on_sound_ground_hold),
		cmocka_unit_test(days_of_each_trait_hold),
		cmocka_unit_test(batches_too_large_are_sent_again),
		cmocka_unit_test(workers_stop_where_state_was_lost),
		cmocka_unit_test(requests_that_are_deleted_before_they_are_read_are_counted),
		cmocka_unit_test(a_seed_gives_the_same_day_again),
		cmocka_unit_test(what_was_given_up_is_not_lost_once_more),
		cmocka_unit_test(a_share_is_given_once),
		cmocka_unit_test(a_member_asks_its_group_once_at_a_time),
		cmocka_unit_test(what_is_deleted_after_its_answer_need_not_be_observed),
		cmocka_unit_test(a_snapshot_of_a_lost_changelog_is_not_used),
		cmocka_unit_test(what_comes_while_a_pipeline_is_away_is_not_lost),
		cmocka_unit_test(none_overtakes_what_a_replaced_stage_is_still_to_take),
		cmocka_unit_test(a_joined_request_whose_answer_is_refused_is_answered),
		cmocka_unit_test(what_a_changed_pipeline_drops_need_not_be_told_again),
		cmocka_unit_test(a_pipeline_that_came_while_no_engine_was_up_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
