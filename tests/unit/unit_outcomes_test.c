/* unit_outcomes_test.c: Tests of feedback that names a unit and no request, where all values of a unit count: which exposure it
 * belongs to, that it counts once, and how a rollout counts it. */
#include "experiments/outcomes/outcome_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "experiments/rollouts/truth_tally.h"

#define NOW_MS INT64_C(1800000000000)
#define WINDOW_MS 60000
#define SLOTS 37
#define UNITS 24
#define EXPOSURES 20000

static struct outcome_join *join;
static size_t begun;

/* Exposures by a walk over all; times are whole seconds, as the join's. */
static struct plain_exposure {
	uint64_t unit;
	int64_t time_ms;
} plain[EXPOSURES];
static size_t plain_from, plain_to;

static void exposure_closed(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	(void)context, (void)arm, (void)has_outcome;
	assert_true(plain_from < plain_to && slot == plain_from % SLOTS);
	assert_true(outcome_join_unit(join, slot) == plain[plain_from].unit);
	plain_from++;
}

static int outcomes_begin(void **state)
{
	struct error error = {0};
	const struct outcome_join_config config = {.memory_bytes = SLOTS * (OUTCOME_ENTRY_BYTES + sizeof(uint32_t)),
						   .window_ms = WINDOW_MS,
						   .seed = 7,
						   .closed = exposure_closed};
	(void)state;
	join = outcome_join_open(&config, &error);
	begun = plain_from = plain_to = 0;
	return join ? 0 : -1;
}

static int outcomes_end(void **state)
{
	(void)state;
	outcome_join_close(join);
	return 0;
}

static struct text unit_text(const uint64_t *number)
{
	return (struct text){(const char *)number, sizeof *number};
}

static uint64_t unit_of(uint64_t number)
{
	return outcome_join_unit_hash(join, unit_text(&number));
}

static void exposure_begin(uint64_t unit, int64_t time_ms)
{
	const size_t number = begun++;
	const struct outcome_exposure exposure = {.id = {(const char *)&number, sizeof number},
						  .experiment = TEXT("e"),
						  .unit = unit_text(&unit),
						  .time_ms = time_ms};
	assert_int_equal(outcome_join_expose(join, &exposure), EXPOSURE_OPENED);
	plain[plain_to++] = (struct plain_exposure){unit_of(unit), time_ms / 1000 * 1000};
}

static enum unit_fate plain_find(uint64_t unit, int64_t time_ms, size_t *slot)
{
	for (size_t i = plain_to; i-- > plain_from;) {
		if (plain[i].unit != unit || plain[i].time_ms > time_ms + FEEDBACK_AHEAD_MS)
			continue;
		*slot = i % SLOTS;
		return time_ms > plain[i].time_ms + 1000 + WINDOW_MS ? UNIT_LATE : UNIT_FOUND;
	}
	return UNIT_UNKNOWN;
}

/* What is found is what the walk finds. */
static enum unit_fate outcome_find(uint64_t unit, int64_t time_ms, const char *feedback_id)
{
	const struct feedback feedback = {.unit = unit_text(&unit), .feedback_id = text_of(feedback_id), .time_ms = time_ms};
	size_t slot = SIZE_MAX, plain_slot = SIZE_MAX;
	const enum unit_fate fate = outcome_join_unit_find(join, &feedback, &slot);
	if (fate == UNIT_FOUND) {
		assert_int_equal(plain_find(unit_of(unit), time_ms, &plain_slot), fate);
		assert_int_equal(slot, plain_slot);
	}
	return fate;
}

/* ---- which exposure ---- */

/* Units of few buckets, in a ring that goes around hundreds of times. The index is made of exposures that are open already. */
static void feedback_belongs_to_the_last_exposure_of_its_unit(void **state)
{
	struct random random = {21};
	size_t fates[UNIT_CROWDED + 1] = {0}, ignored;
	int64_t now_ms = NOW_MS;
	(void)state;
	while (begun < EXPOSURES) {
		now_ms += random_between(&random, 0, 9000);
		exposure_begin(random_below(&random, UNITS), now_ms);
		for (uint64_t i = begun < SLOTS ? 0 : random_below(&random, 4); i > 0; i--) {
			const uint64_t of = random_below(&random, UNITS + 1);
			const int64_t at_ms = now_ms + random_between(&random, -2 * WINDOW_MS, 2 * WINDOW_MS);
			const enum unit_fate fate = outcome_find(of, at_ms, "");
			if (fate != UNIT_FOUND)
				assert_int_equal(fate, plain_find(unit_of(of), at_ms, &ignored));
			fates[fate]++;
		}
	}
	assert_true(plain_from > EXPOSURES - SLOTS - 1);
	assert_true(fates[UNIT_FOUND] > 5000 && fates[UNIT_LATE] > 1000 && fates[UNIT_UNKNOWN] > 1000);
}

/* ---- once ---- */

static void a_feedback_id_counts_once_in_a_window(void **state)
{
	const int64_t last_ms = NOW_MS + WINDOW_MS + 1000, next_ms = last_ms + 1000;
	(void)state;
	exposure_begin(7, NOW_MS);
	assert_int_equal(outcome_find(7, NOW_MS, "f"), UNIT_FOUND);
	assert_int_equal(outcome_find(7, NOW_MS, "f"), UNIT_REPEATED);
	assert_int_equal(outcome_find(7, last_ms, "g"), UNIT_FOUND);
	exposure_begin(7, next_ms);
	assert_int_equal(outcome_find(7, next_ms, "g"), UNIT_REPEATED);
	assert_int_equal(outcome_find(7, next_ms, "h"), UNIT_FOUND);
	exposure_begin(7, next_ms + WINDOW_MS + 2000);
	assert_int_equal(outcome_find(7, next_ms + WINDOW_MS + 2000, "h"), UNIT_REPEATED);
	assert_int_equal(outcome_find(7, next_ms + WINDOW_MS + 2000, "g"), UNIT_FOUND); /* two windows later */
	assert_int_equal(plain_from, 2);
}

static void an_unknown_feedback_id_may_come_again(void **state)
{
	(void)state;
	assert_int_equal(outcome_find(7, NOW_MS, "f"), UNIT_UNKNOWN);
	exposure_begin(7, NOW_MS);
	assert_int_equal(outcome_find(7, NOW_MS, "f"), UNIT_FOUND);
}

/* ---- in a rollout ---- */

static const char *const names[] = {"old", "new"};
static struct truth_tally *tally;

static int tally_begin(void **state)
{
	static const char *const further[] = {"profit"};
	struct error error = {0};
	const struct truth_tally_config config = {.experiment = "e",
						  .table = 0xa1b2c3d4e5f60718,
						  .since_ms = NOW_MS,
						  .arms = 2,
						  .names = names,
						  .paired = 2,
						  .window_ms = WINDOW_MS,
						  .metric_count = 1,
						  .metrics = further,
						  .memory_bytes = 100000,
						  .units_max = 1000};
	(void)state;
	tally = truth_tally_open(&config, &error);
	return tally ? 0 : -1;
}

static int tally_end(void **state)
{
	(void)state;
	truth_tally_close(tally);
	return 0;
}

static void expose(const char *id, const char *unit, int64_t time_ms)
{
	const struct exposure exposure = {.id = text_of(id),
					  .origin = {text_of(id), 0, 1},
					  .time_ms = time_ms,
					  .experiment = TEXT("e"),
					  .variant = TEXT("new"),
					  .unit = text_of(unit),
					  .reason = ASSIGNED_STAGE,
					  .table = TEXT("a1b2c3d4e5f60718")};
	truth_tally_expose(tally, &exposure);
}

static void judge(struct feedback feedback, double accuracy, double profit)
{
	const struct feedback_metric metrics[] = {{TEXT("profit"), profit}, {TEXT("accuracy"), accuracy}};
	feedback.metric_count = 2;
	feedback.metrics = metrics;
	truth_tally_feedback(tally, &feedback, NOW_MS + 20);
}

static const struct truth_counts *counted(void)
{
	expose("later", "later", NOW_MS + WINDOW_MS + 2000);
	return &truth_tally_counts(tally)[1];
}

static void feedback_of_a_unit_is_one_more_value_of_it(void **state)
{
	(void)state;
	expose("a", "u", NOW_MS);
	expose("b", "u", NOW_MS + 5);
	expose("c", "v", NOW_MS + 5);
	judge((struct feedback){.id = TEXT("a")}, 1, 4);
	judge((struct feedback){.unit = TEXT("u")}, 0, 1);
	judge((struct feedback){.unit = TEXT("u"), .feedback_id = TEXT("once")}, 0.5, 1);
	judge((struct feedback){.unit = TEXT("u"), .feedback_id = TEXT("once")}, 0.5, 1);
	judge((struct feedback){.unit = TEXT("nobody")}, 1, 1);
	assert_int_equal(truth_tally_counts(tally)[1].units, 0);
	const struct truth_counts *counts = counted();
	assert_int_equal(counts->units, 1);
	assert_int_equal(counts->requests, 3);
	assert_int_equal(counts->sum, TRUTH_SCALE / 2); /* the mean of 1, 0 and 0.5 */
	assert_int_equal(counts->metrics[0].units.count, 1);
	assert_float_equal(counts->metrics[0].units.mean, 2, 1e-12);
	assert_int_equal(truth_tally_losses(tally).unknown, 1);
}

static void feedback_of_a_unit_that_says_nothing_is_counted_apart(void **state)
{
	static const double one[] = {1};
	static const struct tensor truth = {.name = {"y", 1}, .datatype = DATATYPE_FP64, .data = one, .count = 1};
	static const struct tensor *const truths[] = {&truth};
	const struct feedback_metric accuracy = {TEXT("accuracy"), 1};
	const struct feedback only_truth = {.unit = TEXT("u"), .truth = {1, truths}},
			      late = {.unit = TEXT("u"), .metric_count = 1, .metrics = &accuracy};
	(void)state;
	expose("a", "u", NOW_MS);
	truth_tally_feedback(tally, &only_truth, NOW_MS + 1);
	judge((struct feedback){.unit = TEXT("u"), .experiment = TEXT("f")}, 1, 1);
	judge((struct feedback){.unit = TEXT("u"), .time_ms = NOW_MS - FEEDBACK_AHEAD_MS - 1}, 1, 1);
	truth_tally_feedback(tally, &late, NOW_MS + WINDOW_MS + 1001);
	judge((struct feedback){.unit = TEXT("u")}, 2, 1);
	assert_int_equal(counted()->units, 0);
	const struct truth_tally_losses losses = truth_tally_losses(tally);
	assert_int_equal(losses.unjudged, 1);
	assert_int_equal(losses.unknown, 1);
	assert_int_equal(losses.late, 1);
	assert_int_equal(losses.refused, 1);
}

/* The space of values is used again, and has a limit. */
static void values_of_units_beyond_the_limit_do_not_wait(void **state)
{
	static const char *const ids[] = {"a", "b", "c"};
	const struct feedback_metric metrics[] = {{TEXT("accuracy"), 1}, {TEXT("profit"), 1}};
	const struct feedback feedback = {.unit = TEXT("u"), .metric_count = 2, .metrics = metrics};
	(void)state;
	for (size_t turn = 0; turn < 3; turn++) {
		const int64_t time_ms = NOW_MS + (int64_t)turn * 2 * WINDOW_MS;
		expose(ids[turn], "u", time_ms);
		for (size_t waiting = 0; waiting < TRUTH_UNIT_VALUES_MAX; waiting += 2)
			truth_tally_feedback(tally, &feedback, time_ms);
		assert_int_equal(truth_tally_losses(tally).crowded, turn);
		truth_tally_feedback(tally, &feedback, time_ms);
		assert_int_equal(truth_tally_losses(tally).crowded, turn + 1);
		truth_tally_pass(tally, time_ms + WINDOW_MS + 1000);
		assert_int_equal(truth_tally_counts(tally)[1].requests, (turn + 1) * TRUTH_UNIT_VALUES_MAX / 2);
	}
}

int main(void)
{
#define WITH_OUTCOMES(test) cmocka_unit_test_setup_teardown(test, outcomes_begin, outcomes_end)
#define WITH_TALLY(test) cmocka_unit_test_setup_teardown(test, tally_begin, tally_end)
	const struct CMUnitTest tests[] = {
		WITH_OUTCOMES(feedback_belongs_to_the_last_exposure_of_its_unit),
		WITH_OUTCOMES(a_feedback_id_counts_once_in_a_window),
		WITH_OUTCOMES(an_unknown_feedback_id_may_come_again),
		WITH_TALLY(feedback_of_a_unit_is_one_more_value_of_it),
		WITH_TALLY(feedback_of_a_unit_that_says_nothing_is_counted_apart),
		WITH_TALLY(values_of_units_beyond_the_limit_do_not_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
