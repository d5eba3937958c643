/* exposure_join_test.c: Memory of a join, its computed values and its samples. exposure_join_property_test.c shows its rules. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/outcomes/exposure_join.h"

#define BEGIN_MS INT64_C(1000000)
#define WINDOW_MS 60000
#define ID_BYTES 40

static const struct text names[] = {{"reward", 6}, {"profit", 6}};
static const struct exposure_feature features[] = {{{"age", 3}, 41}, {{"income", 6}, 7.5}};
static const struct exposure_text texts[] = {{{"country", 7}, {"CH", 2}}};

/* What came of exposures, by kind; and the last one. */
struct seen {
	uint64_t kinds[OUTCOME_KINDS], weights;
	char id[ID_BYTES], unit[ID_BYTES], feature[ID_BYTES], text[ID_BYTES], versions[ID_BYTES];
	double last, feature_value;
	enum outcome_how how;
	int64_t time_ms;
};

static void text_copy(char to[ID_BYTES], struct text text)
{
	(void)snprintf(to, ID_BYTES, "%.*s", TEXT_ARGUMENTS(text));
}

static void outcome_see(void *context, size_t window, const struct outcome *outcome)
{
	struct seen *seen = context;
	const struct exposure *exposure = &outcome->exposure;
	(void)window;
	seen->kinds[outcome->kind]++;
	seen->weights += (uint64_t)outcome->weight;
	text_copy(seen->id, exposure->id);
	text_copy(seen->unit, exposure->unit);
	text_copy(seen->versions, exposure->versions);
	seen->time_ms = exposure->time_ms;
	if (outcome->metric_count > 0) {
		seen->last = outcome->metrics[outcome->metric_count - 1].value;
		seen->how = outcome->metrics[outcome->metric_count - 1].how;
	}
	if (exposure->feature_count == 2 && exposure->text_count == 1) {
		text_copy(seen->feature, exposure->features[1].name);
		seen->feature_value = exposure->features[1].value;
		text_copy(seen->text, exposure->texts[0].value);
	}
}

/* Twice the reward, plus the length of what was kept; once. */
static size_t profit_compute(void *context, size_t window, const struct feedback *feedback, struct outcome *outcome,
			     struct text kept, uint32_t had, struct outcome_metric *metrics, size_t room, struct arena *arena)
{
	(void)context, (void)window, (void)outcome, (void)room, (void)arena;
	*metrics = (struct outcome_metric){names[1], 2 * feedback->reward + (double)kept.length, OUTCOME_COMPUTED};
	return had & 2 ? 0 : 1;
}

static const struct join_window plain = {
	.experiment = {"e", 1}, .window_ms = WINDOW_MS, .units = JOIN_UNITS_ALL, .ends = {"reward", 6}, .samples = true};

static size_t *shared; /* memory that joins share; NULL: none */

static struct exposure_join *join_of(struct seen *seen, size_t memory_bytes, const struct join_window *window, bool computes)
{
	const struct exposure_join_config config = {.memory_bytes = memory_bytes,
						    .used = shared,
						    .seed = 5,
						    .window_count = 1,
						    .windows = window,
						    .name_count = 2,
						    .names = names,
						    .context = seen,
						    .outcome = outcome_see,
						    .compute = computes ? profit_compute : NULL};
	struct error error = {0};
	struct exposure_join *join = exposure_join_open(&config, &error);
	if (!join)
		fail_msg("%s", error.text);
	return join;
}

static enum join_fate expose(struct exposure_join *join, int64_t number, int64_t time_ms)
{
	char id[ID_BYTES], unit[ID_BYTES];
	(void)snprintf(id, sizeof id, "0f8fad5b-d9cb-469f-a165-%012d", (int)number);
	(void)snprintf(unit, sizeof unit, "unit-%05d", (int)number);
	const struct exposure exposure = {.id = text_of(id),
					  .origin = {TEXT("in"), 0, number},
					  .time_ms = time_ms,
					  .experiment = TEXT("e"),
					  .variant = number % 2 ? TEXT("a") : TEXT("b"),
					  .probability = 0.5,
					  .unit = text_of(unit),
					  .reason = ASSIGNED_POLICY,
					  .feature_count = 2,
					  .features = features,
					  .versions = TEXT("pipeline/p=1;"),
					  .table = TEXT("0123456789abcdef"),
					  .latency_ms = 2,
					  .text_count = 1,
					  .texts = texts};
	return exposure_join_expose(join, &exposure, (struct join_place){0, 0, number});
}

static void reward(struct exposure_join *join, int64_t number, double value, int64_t time_ms, bool by_unit)
{
	const struct origin source = {TEXT("fb"), 0, number};
	char id[ID_BYTES];
	(void)snprintf(id, sizeof id, by_unit ? "unit-%05d" : "0f8fad5b-d9cb-469f-a165-%012d", (int)number);
	const struct text name = text_of(id);
	struct feedback feedback = {.has_reward = true, .reward = value, .time_ms = time_ms};
	*(by_unit ? &feedback.unit : &feedback.id) = name;
	exposure_join_feedback(join, &feedback, &source, time_ms);
}

static void the_whole_exposure_is_in_its_outcome(void **state)
{
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, SIZE_MAX, &plain, false);
	(void)state;
	assert_int_equal(expose(join, 7, BEGIN_MS), EXPOSURE_OPENED);
	assert_int_equal(expose(join, 7, BEGIN_MS), EXPOSURE_REPEATED);
	reward(join, 7, 2.5, BEGIN_MS + 10, false);
	reward(join, 7, 3.5, BEGIN_MS + 20, false);
	assert_int_equal(seen.kinds[OUTCOME_JOINED], 1);
	assert_true(seen.last == 2.5 && seen.feature_value == 7.5 && seen.time_ms == BEGIN_MS);
	assert_string_equal(seen.id, "0f8fad5b-d9cb-469f-a165-000000000007");
	assert_string_equal(seen.unit, "unit-00007");
	assert_string_equal(seen.feature, "income");
	assert_string_equal(seen.text, "CH");
	assert_string_equal(seen.versions, "pipeline/p=1;");
	assert_int_equal(exposure_join_counts(join, 0).again, 1);
	exposure_join_close(join);
}

static void the_last_millisecond_of_a_window_is_in_time(void **state)
{
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, SIZE_MAX, &plain, false);
	(void)state;
	(void)expose(join, 1, BEGIN_MS);
	(void)expose(join, 2, BEGIN_MS);
	exposure_join_pass(join, BEGIN_MS + WINDOW_MS);
	reward(join, 1, 1, BEGIN_MS + WINDOW_MS, false);
	reward(join, 2, 1, BEGIN_MS + WINDOW_MS + 1, false);
	assert_true(seen.kinds[OUTCOME_JOINED] == 1 && seen.kinds[OUTCOME_LATE] == 1);
	exposure_join_close(join);
}

static void an_exposure_that_says_no_origin_is_of_any(void **state)
{
	const struct exposure exposure = {.id = TEXT("x"), .experiment = TEXT("e"), .variant = TEXT("a"), .time_ms = BEGIN_MS};
	const struct feedback feedback = {.id = TEXT("x"), .origin = {TEXT("in"), 0, 5}, .has_reward = true, .reward = 1};
	const struct origin source = {TEXT("fb"), 0, 0};
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, SIZE_MAX, &plain, false);
	(void)state;
	(void)exposure_join_expose(join, &exposure, (struct join_place){0});
	exposure_join_feedback(join, &feedback, &source, BEGIN_MS);
	assert_int_equal(seen.kinds[OUTCOME_JOINED], 1);
	exposure_join_close(join);
}

/* As a leader begins: its id is used again. */
static void an_outcome_of_a_former_request_is_not_of_the_open_one(void **state)
{
	const struct outcome_metric had = {names[0], 1, OUTCOME_SENT};
	const struct outcome former = {.exposure = {.id = TEXT("0f8fad5b-d9cb-469f-a165-000000000007"),
						    .experiment = TEXT("e"),
						    .time_ms = BEGIN_MS},
				       .metric_count = 1,
				       .metrics = &had};
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, SIZE_MAX, &plain, false);
	(void)state;
	exposure_join_quiet(join, true);
	(void)expose(join, 7, BEGIN_MS + 2 * WINDOW_MS);
	exposure_join_mark(join, &former);
	exposure_join_quiet(join, false);
	reward(join, 7, 2, BEGIN_MS + 2 * WINDOW_MS, false);
	assert_int_equal(seen.kinds[OUTCOME_JOINED], 1);
	exposure_join_close(join);
}

/* The oldest gives its place, once; what it lacks is counted; and the places that are read again move on. */
static void full_memory_forgets_the_oldest(void **state)
{
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, JOIN_MEMORY_LEAST, &plain, false);
	int64_t low = 0;
	(void)state;
	for (int64_t i = 0; i < 50000; i++) {
		assert_int_equal(expose(join, i, BEGIN_MS + i / 100), EXPOSURE_OPENED);
		if (i == 100)
			reward(join, i, 1, BEGIN_MS + 5, false);
	}
	const struct exposure_join_counts counts = exposure_join_counts(join, 0);
	assert_int_equal(counts.open + counts.forgotten, 50000);
	assert_in_range(counts.open, 4000, 7500);
	assert_int_equal(counts.lacking[0], counts.forgotten - 1);
	assert_int_equal(seen.kinds[OUTCOME_FORGOTTEN], counts.forgotten - 1); /* one had its reward */
	assert_true(exposure_join_low(join, 0, 0, &low));
	assert_in_range(low, 50000 - counts.open - 300, 50000 - counts.open);
	reward(join, 0, 1, BEGIN_MS + 600, false);
	assert_int_equal(exposure_join_counts(join, 0).unknown, 1);
	exposure_join_pass(join, BEGIN_MS + 600 + WINDOW_MS);
	assert_int_equal(seen.kinds[OUTCOME_ENDED] + seen.kinds[OUTCOME_FORGOTTEN], 49999);
	assert_int_equal(exposure_join_counts(join, 0).open, 0);
	assert_false(exposure_join_low(join, 0, 0, &low));
	exposure_join_close(join);
}

/* A busy join takes what others leave, and no more than all have; each has the least for itself. */
static void joins_share_their_memory(void **state)
{
	struct seen seen = {0};
	size_t used = 0;
	(void)state;
	shared = &used;
	struct exposure_join *busy = join_of(&seen, 4 * JOIN_MEMORY_LEAST, &plain, false);
	struct exposure_join *other = join_of(&seen, 4 * JOIN_MEMORY_LEAST, &plain, false);
	shared = NULL;
	for (int64_t i = 0; i < 50000; i++)
		assert_int_equal(expose(busy, i, BEGIN_MS + i / 100), EXPOSURE_OPENED);
	assert_true(exposure_join_counts(busy, 0).open > 3 * 4000 && used <= 4 * JOIN_MEMORY_LEAST);
	for (int64_t i = 0; i < 3000; i++)
		assert_int_equal(expose(other, i, BEGIN_MS + i / 100), EXPOSURE_OPENED);
	assert_int_equal(exposure_join_counts(other, 0).forgotten, 0);
	exposure_join_close(busy);
	for (int64_t i = 3000; i < 13000; i++)
		assert_int_equal(expose(other, i, BEGIN_MS + i / 100), EXPOSURE_OPENED);
	assert_int_equal(exposure_join_counts(other, 0).forgotten, 0);
	exposure_join_close(other);
	assert_int_equal(used, 0);
}

static void kept_bytes_are_of_the_memory_too(void **state)
{
	static char bytes[100000];
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, JOIN_MEMORY_LEAST, &plain, true);
	char id[ID_BYTES];
	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)expose(join, i, BEGIN_MS);
		(void)snprintf(id, sizeof id, "0f8fad5b-d9cb-469f-a165-%012d", i);
		assert_true(exposure_join_keep(join, text_of(id), (struct text){.bytes = bytes, .length = sizeof bytes}));
		assert_true(exposure_join_keep(join, text_of(id), TEXT("again")));
	}
	assert_in_range(exposure_join_counts(join, 0).open, 5, 10);
	reward(join, 99, 3, BEGIN_MS, false);
	assert_true(seen.last == 100006 && seen.how == OUTCOME_COMPUTED);
	reward(join, 99, 3, BEGIN_MS, false);
	assert_int_equal(seen.kinds[OUTCOME_JOINED], 1);
	assert_false(exposure_join_keep(join, text_of("unknown"), TEXT("x")));
	exposure_join_close(join);
}

/* A sample stands for all that were over, of requests and of units. */
static void late_feedback_of_many_is_estimated(void **state)
{
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, SIZE_MAX, &plain, false);
	(void)state;
	for (int64_t i = 0; i < 100000; i++)
		(void)expose(join, i, BEGIN_MS);
	exposure_join_pass(join, BEGIN_MS + WINDOW_MS + 1);
	for (int by_unit = 0; by_unit < 2; by_unit++) {
		seen.weights = seen.kinds[OUTCOME_LATE] = 0;
		for (int64_t i = 0; i < 100000; i += 2)
			reward(join, i, 1, BEGIN_MS + WINDOW_MS + 1, by_unit);
		for (int64_t i = 0; i < 100000; i += 2)
			reward(join, i, 1, BEGIN_MS + WINDOW_MS + 2, by_unit);
		assert_in_range(seen.kinds[OUTCOME_LATE], 11000, 14000);
		assert_int_equal(seen.weights, 4 * seen.kinds[OUTCOME_LATE]);
	}
	exposure_join_close(join);
}

/* Feedback of an old time on a unit that is busy is dropped after so many newer exposures. */
static void a_busy_unit_holds_up_no_other(void **state)
{
	const struct join_window policy = {.experiment = TEXT("e"), .window_ms = INT64_MAX, .units = JOIN_UNITS_ONCE};
	const struct origin source = {TEXT("fb"), 0, 0};
	const struct feedback_metric old = {TEXT("profit"), 1};
	const struct feedback feedback = {
		.unit = TEXT("u"), .metric_count = 1, .metrics = &old, .time_ms = BEGIN_MS, .feedback_id = TEXT("f")};
	struct seen seen = {0};
	struct exposure_join *join = join_of(&seen, SIZE_MAX, &policy, false);
	(void)state;
	for (int64_t i = 0; i <= JOIN_WALK_MOST; i++) {
		char id[ID_BYTES];
		(void)snprintf(id, sizeof id, "%d", (int)i);
		const struct exposure exposure = {.id = text_of(id),
						  .experiment = TEXT("e"),
						  .variant = TEXT("a"),
						  .unit = TEXT("u"),
						  .time_ms = BEGIN_MS + i};
		if (i == JOIN_WALK_MOST)
			exposure_join_feedback(join, &feedback, &source, BEGIN_MS + i);
		assert_int_equal(exposure_join_expose(join, &exposure, (struct join_place){0}), EXPOSURE_OPENED);
	}
	assert_int_equal(seen.kinds[OUTCOME_JOINED], 1);
	assert_string_equal(seen.id, "0");
	struct feedback again = feedback;
	again.feedback_id = TEXT("g");
	exposure_join_feedback(join, &again, &source, BEGIN_MS + JOIN_WALK_MOST);
	assert_int_equal(exposure_join_counts(join, 0).crowded, 1);
	exposure_join_close(join);
}

static void settings_beyond_the_limits_are_refused(void **state)
{
	const struct exposure_join_config good = {
		.memory_bytes = JOIN_MEMORY_LEAST, .window_count = 1, .windows = &plain, .name_count = 2, .names = names};
	struct exposure_join_config wrong[] = {good, good, good, good};
	const struct join_window none = {.experiment = TEXT("e")};
	(void)state;
	wrong[0].memory_bytes--;
	wrong[1].window_count = 0;
	wrong[2].name_count = JOIN_NAMES_MAX + 1;
	wrong[3].windows = &none;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error error = {0};
		assert_null(exposure_join_open(&wrong[i], &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_exposure_is_in_its_outcome),
		cmocka_unit_test(the_last_millisecond_of_a_window_is_in_time),
		cmocka_unit_test(an_exposure_that_says_no_origin_is_of_any),
		cmocka_unit_test(an_outcome_of_a_former_request_is_not_of_the_open_one),
		cmocka_unit_test(full_memory_forgets_the_oldest),
		cmocka_unit_test(joins_share_their_memory),
		cmocka_unit_test(kept_bytes_are_of_the_memory_too),
		cmocka_unit_test(late_feedback_of_many_is_estimated),
		cmocka_unit_test(a_busy_unit_holds_up_no_other),
		cmocka_unit_test(settings_beyond_the_limits_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
