/* report_epochs_test.c: Tests of the report of an experiment of several epochs: its figures are of the same ones, and each is
 * shown. */
#include "tools/view/report/report_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/arena_fixture.h"

#define EPOCH_UNITS 4000

static struct joined joined;
static struct report report;
static struct report_options options;
static bool returning; /* units of later epochs are those of the first */

/* What was played in an epoch: of ten units so many get each arm, whose rewards have that mean. */
struct played_epoch {
	int of_ten[3];
	double means[3]; /* NaN: no feedback */
};

static void played(const struct played_epoch *epochs, size_t count)
{
	static const char *const names[] = {"a", "b", "c"};
	struct error error = {0};
	struct unit_join *join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	assert_non_null(join);
	for (int i = 0; i < (int)count * EPOCH_UNITS; i++) {
		const struct played_epoch *epoch = &epochs[i / EPOCH_UNITS];
		const int turn = i % 10;
		const size_t arm = turn < epoch->of_ten[0] ? 0 : turn < epoch->of_ten[0] + epoch->of_ten[1] ? 1 : 2;
		char id[16], unit[16], table[8];
		(void)snprintf(id, sizeof id, "r%d", i);
		(void)snprintf(unit, sizeof unit, "u%d", returning ? i % EPOCH_UNITS : i);
		(void)snprintf(table, sizeof table, "%d", i / EPOCH_UNITS);
		const struct exposure exposure = {.id = text_of(id),
						  .unit = text_of(unit),
						  .time_ms = 1000 * (i + 1),
						  .experiment = TEXT("e"),
						  .variant = text_of(names[arm]),
						  .probability = epoch->of_ten[arm] / 10.0,
						  .table = text_of(table)};
		const struct feedback feedback = {
			.id = text_of(id), .has_reward = true, .reward = epoch->means[arm] + (i / 10 % 5 - 2)};
		if (!unit_join_exposure(join, &exposure, &error) ||
		    (isfinite(feedback.reward) && !unit_join_feedback(join, &feedback, 0, &error)))
			fail_msg("%s", error.text);
	}
	options = (struct report_options){
		.experiment = "e", .control = TEXT("a"), .alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	if (!unit_join_end(join, &joined, &error) || !report_make(&joined, &options, arena, &report, &error))
		fail_msg("%s", error.text);
	unit_join_close(join);
}

static const struct pair_analysis *pair_named(const char *name)
{
	const struct metric_analysis *analysis = &report.metrics[0].analysis;
	for (size_t i = 0; i < analysis->pair_count; i++)
		if (text_is(joined.arm_names[analysis->pairs[i].treatment], name))
			return &analysis->pairs[i];
	fail();
	return NULL;
}

static bool near(double got, double wanted)
{
	return fabs(got - wanted) <= 1e-9 * fmax(1, fabs(wanted));
}

/* Rewards are 4 higher in the second epoch, in which most get `b`: by all units `b` would be 3.4 better. */
static void all_figures_are_of_the_epochs_that_the_estimate_is_of(void **state)
{
	static const struct played_epoch epochs[] = {{{9, 1}, {10, 11}}, {{2, 8}, {14, 15}}};
	(void)state;
	played(epochs, 2);
	const struct pair_analysis *pair = pair_named("b");
	const struct arm_analysis *arms = report.metrics[0].analysis.arms;
	assert_int_equal(pair->state, PAIR_BETTER);
	assert_true(near(pair->estimate, 1) && pair->strata == 2);
	assert_true(near(pair->treatment_numbers.mean - pair->control_numbers.mean, pair->estimate));
	assert_true(near(arms[1].mean - arms[0].mean, pair->estimate));
	assert_true(near(pair->threshold, ANALYSIS_PRACTICAL * arms[0].mean));
	assert_true(pair->units_had == 2 * EPOCH_UNITS && arms[0].units + arms[1].units == 2 * EPOCH_UNITS);
	assert_true(pair->units_now == EPOCH_UNITS);
	assert_true(near(pair->welch.difference, 1) && !pair->has_rates);
	/* In each epoch the variance of a reward is 2: of two differences of the variances v and w, 1 / (1/v + 1/w). */
	const double v = 2.0 / 3600 + 2.0 / 400, w = 2.0 / 800 + 2.0 / 3200;
	assert_true(fabs(1 / pow(pair->welch.difference / pair->welch.t, 2) / (1 / v + 1 / w) - 1) < 1e-2);
	assert_true(fabs(pair->epochs[0].share - 1 / v / (1 / v + 1 / w)) < 1e-2);
	assert_true(fabs(arms[0].sd - sqrt(2)) < 1e-2);
	assert_true(near(arms[0].best + arms[1].best, 1) && fabs(arms[1].best - pair->better) < 1e-6);
}

/* In the first epoch three arms have no feedback, in the second one two have. */
static void an_epoch_without_feedback_does_not_count(void **state)
{
	static const struct played_epoch epochs[] = {{{3, 3, 4}, {NAN, NAN, NAN}}, {{5, 5, 0}, {10, 12, NAN}}};
	(void)state;
	played(epochs, 2);
	const struct pair_analysis *pair = pair_named("b");
	assert_int_equal(report.recommendation.decision, DECISION_SHIP);
	assert_true(pair->strata == 1 && pair->epochs[1].share == 1 && !pair->epochs[0].counts);
	assert_true(pair->units_had == EPOCH_UNITS && near(pair->threshold, 0.5));
	assert_true(pair->better > 0.999 && pair->improvement.defined);
	assert_int_equal(pair_named("c")->state, PAIR_EARLY);
	assert_null(report_obstacle(report.metrics, pair_named("c")));
}

/* In the second epoch all get the control. Its units there are none of the comparison, and still have feedback. */
static void units_of_an_epoch_of_one_variant_are_not_compared(void **state)
{
	static const struct played_epoch epochs[] = {{{5, 5}, {10, 11}}, {{10, 0}, {30, NAN}}};
	(void)state;
	played(epochs, 2);
	const struct arm_analysis *arms = report.metrics[0].analysis.arms;
	assert_true(arms[0].units == 2000 && arms[1].units == 2000 && near(arms[0].mean, 10));
	assert_true(arms[0].valued == 6000 && arms[1].valued == 2000);
	assert_true(near(pair_named("b")->estimate, 1));
}

static char *shown(void (*print)(struct buffer *out), struct buffer *out)
{
	buffer_open(out, (size_t)16 << 20);
	print(out);
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
	return out->bytes;
}

static void print_text(struct buffer *out)
{
	report_view_print_text(&report, arena, out);
}

static void print_page(struct buffer *out)
{
	report_view_print_html(&report, arena, out);
}

static void print_json(struct buffer *out)
{
	report_view_print_json(&report, out);
}

static void an_effect_that_changed_is_shown_by_epochs(void **state)
{
	static const struct played_epoch epochs[] = {{{5, 5}, {10, 11}}, {{8, 2}, {10, 9}}};
	struct buffer out;
	(void)state;
	played(epochs, 2);
	const struct pair_analysis *pair = pair_named("b");
	assert_int_equal(pair->state, PAIR_CHANGED);
	assert_int_equal(report.recommendation.decision, DECISION_WAIT);
	assert_non_null(strstr(report.recommendation.reasons[0], "all epochs: +1 in epoch 1, -1 in epoch 2"));
	assert_true(isnan(pair->estimate) && isnan(pair->better) && isnan(report.metrics[0].analysis.arms[1].best));
	for (size_t i = 0; i < pair->point_count; i++)
		assert_true(pair->points[i].interval.low <= pair->points[i].interval.high);
	const char *text = shown(print_text, &out);
	assert_non_null(strstr(text, "    every look    no one difference fits all looks; p "));
	assert_non_null(strstr(text, "        1 1970-01-01T00:00:01Z       2000         11       2000         10  +1 ("));
	assert_non_null(strstr(text, "        2 1970-01-01T01:06:41Z        800          9       3200         10  -1 ("));
	assert_null(strstr(text, "Bayes"));
	buffer_close(&out);
	const char *page = shown(print_page, &out);
	assert_non_null(strstr(page, "<h3>reward of b: changed</h3>"));
	assert_non_null(strstr(page, "<td>2000</td><td>11</td><td>2000</td><td>10</td><td>+1</td><td>"));
	buffer_close(&out);
	json_t *document = json_loads(shown(print_json, &out), 0, NULL);
	const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
	const json_t *object = json_array_get(json_object_get(metric, "pairs"), 0), *found = json_object_get(object, "epochs");
	const json_t *interval = json_object_get(json_object_get(object, "always_valid"), "interval");
	assert_true(json_is_null(json_array_get(interval, 0)) && json_is_null(json_object_get(object, "difference")));
	assert_int_equal(json_array_size(found), 2);
	assert_true(near(json_number_value(json_object_get(json_array_get(found, 1), "difference")), -1));
	json_decref(document);
	buffer_close(&out);
}

static void units_that_return_are_said_to_count_in_each_epoch(void **state)
{
	static const struct played_epoch epochs[] = {{{5, 5}, {10, 10}}, {{5, 5}, {10, 10}}};
	struct buffer out;
	(void)state;
	returning = true;
	played(epochs, 2);
	returning = false;
	const char *text = shown(print_text, &out);
	assert_non_null(strstr(text, "  a                              2000 units, 2000.0 expected"));
	assert_non_null(strstr(
		text,
		"  returns of units in a later epoch: 4000; metrics count a unit once in each of its epochs, the split once\n"));
	assert_non_null(strstr(text, "  a                              4000 units, mean"));
	assert_non_null(strstr(text, " of the last look)\n"));
	buffer_close(&out);
	played(epochs, 2);
	assert_null(strstr(shown(print_text, &out), "returns of units"));
	buffer_close(&out);
}

/* The number of units that are needed is enough with a chance of 80% only. */
static void units_do_not_decide_what_is_open(void **state)
{
	static const struct played_epoch epochs[] = {{{5, 5}, {10, 10}}};
	struct buffer out;
	(void)state;
	played(epochs, 1);
	struct pair_analysis *pair = report.metrics[0].analysis.pairs;
	assert_int_equal(pair->state, PAIR_EQUAL);
	assert_non_null(strstr(shown(print_text, &out), "4000 units decide\n"));
	buffer_close(&out);
	pair->state = PAIR_OPEN;
	pair->units_needed = 3900;
	const char *text = shown(print_text, &out);
	assert_non_null(strstr(text, "4000 of about 3900 units, and still open\n"));
	assert_null(strstr(text, "units decide"));
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_figures_are_of_the_epochs_that_the_estimate_is_of, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(an_epoch_without_feedback_does_not_count, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(units_of_an_epoch_of_one_variant_are_not_compared, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(an_effect_that_changed_is_shown_by_epochs, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(units_that_return_are_said_to_count_in_each_epoch, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(units_do_not_decide_what_is_open, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
