/* report_view_test.c: Tests of what the page, the text and the JSON of an experiment's report show, also of odd names. */
#include "tests/unit/arena_fixture.h"
#include "tools/view/report/report_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/base64.h"

#define UNITS 1200
#define TREATMENT "new <b>&"

static struct joined joined;
static struct report report;
static struct report_options options;
static enum assigned_reason chosen_by;

enum outcome { OUTCOME_NONE, OUTCOME_REWARD, OUTCOME_RATE, OUTCOME_NEAR_ZERO, OUTCOME_LOSS };

#define FEEDBACK_AFTER_MS 500

/* Two epochs; the treatment is two better. Of UNITS, the first one comes twice. */
static int setup_of(int units, enum outcome judged)
{
	const struct join_options join_options = {.experiment = "e<1>"};
	struct error error = {0};
	arena = arena_open((size_t)64 << 20);
	struct unit_join *join = arena ? unit_join_open(arena, &join_options) : NULL;
	for (int i = units == UNITS ? -1 : 0; join && i < units; i++) {
		const bool treated = i < 0 || i % 2 == 0;
		char id[16], unit[16];
		(void)snprintf(id, sizeof id, "r%d", i);
		(void)snprintf(unit, sizeof unit, "u%d", i < 0 ? 0 : i);
		const struct exposure exposure = {.id = text_of(id),
						  .unit = text_of(unit),
						  .time_ms = i < 0 ? 1500 : 1000 * (i + 1),
						  .experiment = TEXT("e<1>"),
						  .variant = treated ? TEXT(TREATMENT) : TEXT("old"),
						  .reason = chosen_by,
						  .probability = 0.5,
						  .table = i < units / 2 ? TEXT("1") : TEXT("2")};
		const double level = judged == OUTCOME_NEAR_ZERO ? -1.9 : judged == OUTCOME_LOSS ? -22 : 10;
		const double reward = judged == OUTCOME_RATE ? (i / 2) % 2 : level + (i / 2) % 5 + 2 * treated;
		const struct feedback feedback = {
			.id = text_of(id), .time_ms = exposure.time_ms + FEEDBACK_AFTER_MS, .has_reward = true, .reward = reward};
		if (!unit_join_exposure(join, &exposure, &error) ||
		    (judged != OUTCOME_NONE && !unit_join_feedback(join, &feedback, 0, &error)))
			return -1;
	}
	options = (struct report_options){.experiment = "e<1>", .control = TEXT("old"), .alpha = ANALYSIS_ALPHA,
					  .practical = ANALYSIS_PRACTICAL};
	const bool good = join && unit_join_end(join, &joined, &error) && report_make(&joined, &options, arena, &report, &error);
	unit_join_close(join);
	return good ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_of(UNITS, OUTCOME_REWARD);
}

static size_t times(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		count++;
	return count;
}

static double number_of(const json_t *object, const char *name)
{
	const json_t *number = json_object_get(object, name);
	assert_true(json_is_number(number));
	return json_number_value(number);
}

static double bound_of(const json_t *point, size_t end)
{
	return json_number_value(json_array_get(json_object_get(point, "interval"), end));
}

static const json_t *pair_of(const json_t *document)
{
	const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
	return json_array_get(json_object_get(metric, "pairs"), 0);
}

static void expect_product(double product, double units, double each)
{
	assert_true(fabs(product - units * each) <= 1e-9 * (1 + fabs(product)));
}

/* Unit i comes at second i + 1 and has its reward half a second later; each second one is of the treatment, from the first on,
 * which has two rewards. */
static void expect_gain(const json_t *document)
{
	const json_t *pair = pair_of(document), *gain = json_object_get(pair, "gain"), *history = json_object_get(pair, "history");
	const size_t count = json_array_size(history);
	const json_t *end = json_array_get(gain, count), *valid = json_object_get(pair, "always_valid");
	assert_true(count > 50);
	assert_int_equal(json_array_size(gain), count + 1);
	for (size_t i = 0; i < count; i++) {
		const json_t *sum = json_array_get(gain, i), *point = json_array_get(history, i);
		const double time_ms = number_of(point, "time_ms"), rewards = 1 + floor((time_ms / 1000 + 1) / 2);
		assert_true(number_of(sum, "time_ms") == time_ms && number_of(sum, "values") == rewards);
		expect_product(number_of(sum, "estimate"), rewards, number_of(point, "estimate"));
		expect_product(bound_of(sum, 0), rewards, bound_of(point, 0));
		expect_product(bound_of(sum, 1), rewards, bound_of(point, 1));
	}
	assert_true(number_of(end, "time_ms") == 1000 * UNITS + FEEDBACK_AFTER_MS);
	assert_true(number_of(end, "values") == 601);
	expect_product(number_of(end, "estimate"), 601, 2);
	expect_product(bound_of(end, 0), 601, bound_of(valid, 0));
	expect_product(bound_of(end, 1), 601, bound_of(valid, 1));
	assert_true(bound_of(end, 0) < 1202 && bound_of(end, 1) > 1202);
}

static void the_page_is_in_one_file_with_its_data(void **state)
{
	struct buffer out;
	(void)state;
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_html(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_false(buffer_failed(&out));
	assert_non_null(strstr(out.bytes, "Ship `new &#60;b&#62;&#38;`: it is "));
	assert_null(strstr(out.bytes, TREATMENT));
	assert_null(strstr(out.bytes, "e<1>"));
	assert_null(strstr(out.bytes, "://")); /* nothing is fetched, */
	assert_null(strstr(out.bytes, "<script")); /* nor run */
	assert_null(strstr(out.bytes, "nan"));
	assert_null(strstr(out.bytes, "inf"));
	assert_non_null(strstr(out.bytes, "prefers-color-scheme:dark"));
	assert_int_equal(times(out.bytes, "<svg"), times(out.bytes, "</svg>"));
	assert_int_equal(times(out.bytes, "class=\"band\""), 2); /* of the forest plot and of the sequence */
	assert_int_equal(times(out.bytes, "text-anchor=\"end\">+0.6<"), 1); /* the threshold, 5% of 12, of the sequence */
	assert_int_equal(times(out.bytes, "<circle"), 1);	 /* one metric and one treatment */
	assert_int_equal(times(out.bytes, "<polygon"), 2); /* the sequence, and its sum */
	assert_non_null(strstr(out.bytes, "<h2>Cumulative reward of new &#60;b&#62;&#38; beyond the control's</h2>"));
	assert_non_null(strstr(out.bytes, "<p>So far +1202 (")); /* 601 rewards, each two better */
	assert_int_equal(times(out.bytes, "50%</title>"), 4); /* two variants in two epochs */
	const char *data = strstr(out.bytes, "base64,");
	assert_non_null(data);
	data += strlen("base64,");
	const size_t length = strcspn(data, "\"");
	char *json = arena_take_raw(arena, length);
	size_t got = 0;
	assert_non_null(json);
	assert_true(base64_read((struct text){data, length}, json, &got));
	json_t *document = json_loadb(json, got, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(document, "experiment")), "e<1>");
	expect_gain(document);
	json_decref(document);
	buffer_close(&out);
}

static void the_json_has_all_numbers(void **state)
{
	struct buffer out;
	(void)state;
	options.horizon = true;
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_json(&report, &out);
	options.horizon = false;
	json_t *document = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	assert_string_equal(json_string_value(json_object_get(document, "decision")), "ship");
	assert_string_equal(json_string_value(json_object_get(document, "variant")), TREATMENT);
	const json_t *pair = pair_of(document);
	assert_true(fabs(json_number_value(json_object_get(pair, "difference")) - 2) < 0.1);
	assert_true(json_is_true(json_object_get(json_object_get(pair, "always_valid"), "decided")));
	assert_true(json_number_value(json_object_get(json_object_get(pair, "horizon"), "p")) < 1e-6);
	assert_true(json_array_size(json_object_get(pair, "history")) > 50);
	expect_gain(document);
	assert_int_equal(json_array_size(json_object_get(document, "epochs")), 2);
	json_decref(document);
	buffer_close(&out);
}

static void the_text_begins_with_the_recommendation(void **state)
{
	struct buffer out;
	(void)state;
	buffer_open(&out, (size_t)1 << 20);
	report_view_print_text(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_int_equal(strncmp(out.bytes, "Ship `" TREATMENT "`: it is ", strlen("Ship `" TREATMENT "`: it is ")), 0);
	assert_non_null(strstr(out.bytes, "Split: as planned"));
	assert_null(strstr(out.bytes, "one look")); /* only with --horizon */
	buffer_close(&out);
}

static void nothing_is_shown_of_what_is_not_known(void **state)
{
	static const struct {
		int units;
		enum outcome judged;
	} cases[] = {{2, OUTCOME_NONE}, {2, OUTCOME_REWARD}, {3, OUTCOME_REWARD}, {60, OUTCOME_REWARD}};
	struct buffer out;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		arena_end(state);
		assert_int_equal(setup_of(cases[i].units, cases[i].judged), 0);
		buffer_open(&out, (size_t)16 << 20);
		report_view_print_text(&report, arena, &out);
		report_view_print_html(&report, arena, &out);
		buffer_byte(&out, '\0');
		const char *odd = strstr(out.bytes, "nan");
		odd = odd ? odd : strstr(out.bytes, "inf,");
		if (odd)
			fail_msg("%d units, %s feedback: %.200s", cases[i].units, cases[i].judged ? "with" : "without", odd - 60);
		buffer_close(&out);
	}
}

static void a_rate_has_a_history_and_no_gain(void **state)
{
	struct buffer out;
	arena_end(state);
	assert_int_equal(setup_of(UNITS, OUTCOME_RATE), 0);
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_json(&report, &out);
	json_t *document = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_array_size(json_object_get(pair_of(document), "history")) > 50);
	assert_null(json_object_get(pair_of(document), "gain"));
	json_decref(document);
	buffer_clear(&out);
	report_view_print_html(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_null(strstr(out.bytes, "<h2>Cumulative"));
	buffer_close(&out);
}

/* Place of the last point of the line of a confidence sequence: 0 to 220, from the top. */
static double line_end(const char *page)
{
	const char *line = strstr(page, "class=\"line\" points=\"");
	const char *end = line ? strchr(line, '/') : NULL;
	assert_non_null(end);
	while (*end != ',')
		end--;
	return strtod(end + 1, NULL);
}

/* The control's mean is 0.1, the treatment's 2.1, and the practical threshold 0.005. */
static void a_difference_far_beyond_the_practical_threshold_can_be_read(void **state)
{
	struct buffer out;
	arena_end(state);
	assert_int_equal(setup_of(UNITS, OUTCOME_NEAR_ZERO), 0);
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_html(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_true(line_end(out.bytes) > 20 && line_end(out.bytes) < 100);
	assert_null(strstr(out.bytes, "text-anchor=\"end\">+0.005<")); /* 0 has the space */
	assert_int_equal(times(out.bytes, "text-anchor=\"end\">+2e+03% ("), 1);
	assert_int_equal(times(out.bytes, " &rarr;</text>"), 1);
	assert_int_equal(times(out.bytes, "<circle"), 0);
	assert_int_equal(times(out.bytes, "<td>100.0%</td>"), 2); /* to be the best of all variants, and better than the control */
	buffer_close(&out);
}

static void a_difference_far_below_0_points_to_the_left(void **state)
{
	struct error error = {0};
	struct buffer out;
	(void)state;
	options.control = TEXT(TREATMENT);
	assert_true(report_make(&joined, &options, arena, &report, &error));
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_html(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, ">&larr; -95.2% ("));
	buffer_close(&out);
}

/* The control loses 20, and the other variant 18: a gain of 10%. */
static void a_smaller_loss_is_a_gain_in_all_forms(void **state)
{
	struct buffer out;
	arena_end(state);
	assert_int_equal(setup_of(UNITS, OUTCOME_LOSS), 0);
	assert_non_null(strstr(report.recommendation.sentence, "it is 10% better than `old`"));
	const struct improvement *improvement = &report.metrics[0].analysis.pairs[0].improvement;
	assert_true(fabs(improvement->estimate - 0.1) < 1e-9);
	assert_true(improvement->interval.low > 0 && improvement->interval.low < 0.1);
	assert_true(improvement->interval.high > 0.1 && improvement->interval.high < 0.2);
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_text(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "; +10.00% ("));
	buffer_clear(&out);
	report_view_print_html(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "<td>10%</td>"));
	buffer_clear(&out);
	report_view_print_json(&report, &out);
	json_t *document = json_loadb(out.bytes, out.length, 0, NULL);
	assert_non_null(document);
	assert_true(fabs(number_of(pair_of(document), "improvement_percent") - 10) < 1e-9);
	json_decref(document);
	buffer_close(&out);
}

/* Each of two epochs has an exposure of one variant, and nothing says what the share of the other was. */
static void the_share_of_a_variant_that_was_not_seen_is_not_known(void **state)
{
	struct buffer out;
	arena_end(state);
	assert_int_equal(setup_of(2, OUTCOME_REWARD), 0);
	assert_true(report.split.tested && isnan(report.split.expected[0]) && isnan(report.split.expected[1]));
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_text(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, " 1 unit, how many are expected is not known"));
	assert_null(strstr(out.bytes, " expected\n"));
	buffer_clear(&out);
	report_view_print_html(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "<td>1</td><td>not known</td>"));
	buffer_close(&out);
}

/* The unit that comes twice has the treatment, by one version of the policy. */
static void units_and_requests_of_a_policy_have_their_words(void **state)
{
	struct buffer out;
	arena_end(state);
	chosen_by = ASSIGNED_POLICY;
	const int made = setup_of(UNITS, OUTCOME_REWARD);
	chosen_by = ASSIGNED_WEIGHT;
	assert_int_equal(made, 0);
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_text(&report, arena, &out);
	buffer_byte(&out, '\0');
	assert_int_equal(times(out.bytes, " 600 units of 600 requests"), 3); /* in the split, and of two metrics */
	assert_int_equal(times(out.bytes, " 600 units of 601 requests"), 3);
	assert_non_null(strstr(out.bytes, " a unit counts once for each of its versions"));
	buffer_close(&out);
}

static int setup_again(void **state)
{
	arena_close(arena);
	return setup(state);
}

/* Only 2 of 4 copies were compared, and one differs. */
static const struct mirror_result mirrored = {.mirror = {"m<2>", 4},
					      .tolerance = 0.001,
					      .copies = 4,
					      .left_out = 1,
					      .lost = 1,
					      .compared = 2,
					      .agreed = 1,
					      .replied = {12, 20},
					      .answered = {30, 44},
					      .tensor_count = 1,
					      .tensors = {{{"score", 5}, 2, 1, 0.5}},
					      .disagreement_count = 1,
					      .disagreements = {{{"r<7>", 4}, MIRROR_NUMBERS, {"score", 5}, 0.5, 1}}};

static void a_comparison_of_few_copies_is_said_first(void **state)
{
	struct buffer text, page;
	(void)state;
	options.mirror = &mirrored;
	buffer_open(&text, (size_t)1 << 20);
	buffer_open(&page, (size_t)16 << 20);
	report_view_print_text(&report, arena, &text);
	report_view_print_html(&report, arena, &page);
	buffer_byte(&text, '\0');
	buffer_byte(&page, '\0');
	assert_int_equal(strncmp(text.bytes, "Only 50.0% of the 4 copies to the mirror were compared", 54), 0);
	assert_non_null(strstr(text.bytes, "; 1 have no result, since they are under way or their engine was killed; 0 have no"));
	assert_non_null(strstr(text.bytes, "differs: r<7>, numbers of score: answer 0.5, mirror 1\n"));
	assert_true(strstr(page.bytes, "Only 50.0% of the 4 copies") < strstr(page.bytes, "class=\"say\""));
	assert_non_null(strstr(page.bytes, "r&#60;7&#62;"));
	assert_null(strstr(page.bytes, "r<7>"));
	buffer_close(&text);
	buffer_close(&page);
}

static void the_json_has_the_mirror(void **state)
{
	struct buffer out;
	(void)state;
	options.mirror = &mirrored;
	buffer_open(&out, (size_t)16 << 20);
	report_view_print_json(&report, &out);
	json_t *all = json_loadb(out.bytes, out.length, 0, NULL), *mirror = json_object_get(all, "mirror");
	assert_non_null(mirror);
	assert_true(json_number_value(json_object_get(mirror, "compared_share")) == 0.5);
	assert_int_equal(json_integer_value(json_object_get(mirror, "without_result")), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(mirror, "disagreements"), 0), "id")),
			    "r<7>");
	json_decref(all);
	buffer_close(&out);
}

/* Without an exposure there is nothing else to say. */
static void a_mirror_alone_has_a_report(void **state)
{
	static const struct joined nothing;
	struct error error = {0};
	struct buffer text;
	(void)state;
	options.mirror = &mirrored;
	options.control = TEXT("no variant");
	assert_true(report_make(&nothing, &options, arena, &report, &error));
	buffer_open(&text, (size_t)1 << 20);
	report_view_print_text(&report, arena, &text);
	buffer_byte(&text, '\0');
	assert_non_null(strstr(text.bytes, "The mirror `m<2>` agrees with the answers of 50% of 2 compared requests.\n"));
	assert_null(strstr(text.bytes, "Split"));
	buffer_close(&text);
	options.mirror = NULL;
	assert_false(report_make(&nothing, &options, arena, &report, &error));
}

/* The interval is drawn as a share of the control's mean, whatever the margin of the metric. */
static void a_margin_of_a_metric_scales_its_row_of_the_forest_plot(void **state)
{
	static const struct report_rule rule = {.metric = "reward", .margin = 0.5};
	struct error error = {0};
	struct buffer page;
	(void)state;
	options.rules = &rule;
	options.rule_count = 1;
	assert_true(report_make(&joined, &options, arena, &report, &error));
	buffer_open(&page, (size_t)16 << 20);
	report_view_print_html(&report, arena, &page);
	buffer_byte(&page, '\0');
	assert_non_null(strstr(page.bytes, "<title>+16.7% (")); /* 2 of 12 */
	buffer_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_is_in_one_file_with_its_data),
		cmocka_unit_test(the_json_has_all_numbers),
		cmocka_unit_test(the_text_begins_with_the_recommendation),
		cmocka_unit_test(nothing_is_shown_of_what_is_not_known),
		cmocka_unit_test(a_rate_has_a_history_and_no_gain),
		cmocka_unit_test(a_difference_far_beyond_the_practical_threshold_can_be_read),
		cmocka_unit_test(a_difference_far_below_0_points_to_the_left),
		cmocka_unit_test(a_smaller_loss_is_a_gain_in_all_forms),
		cmocka_unit_test(the_share_of_a_variant_that_was_not_seen_is_not_known),
		cmocka_unit_test(units_and_requests_of_a_policy_have_their_words),
		cmocka_unit_test_setup(a_comparison_of_few_copies_is_said_first, setup_again),
		cmocka_unit_test_setup(the_json_has_the_mirror, setup_again),
		cmocka_unit_test_setup(a_mirror_alone_has_a_report, setup_again),
		cmocka_unit_test_setup(a_margin_of_a_metric_scales_its_row_of_the_forest_plot, setup_again),
	};
	return cmocka_run_group_tests(tests, setup, arena_end);
}
