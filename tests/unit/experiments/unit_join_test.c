/* unit_join_test.c: Tests of the join of exposures and feedback, and of the report that is made of it. */
#include "experiments/analysis/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "message/avro/avro.h"

static struct arena *arena, *record_arena;
static struct unit_join *join;
static struct joined joined;

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)256 << 20);
	record_arena = arena_open((size_t)1 << 20);
	return arena && record_arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_close(arena);
	arena_close(record_arena);
	return 0;
}

static void begin(struct join_options options)
{
	arena_reset(arena);
	options.experiment = "e";
	join = unit_join_open(arena, &options);
	assert_non_null(join);
}

/* Each in JSON, as files and topics have them; %d is a number of the caller's. */
static void exposed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void heard(const char *format, ...) __attribute__((format(printf, 1, 2)));

static struct text printed(const char *format, va_list arguments)
{
	char *line = arena_take_raw(arena, 512);
	assert_non_null(line);
	const int length = vsnprintf(line, 512, format, arguments);
	assert_in_range(length, 1, 511);
	return (struct text){line, (size_t)length};
}

static void exposed(const char *format, ...)
{
	struct exposure exposure;
	struct error error = {0};
	va_list arguments;
	va_start(arguments, format);
	const struct text line = printed(format, arguments);
	va_end(arguments);
	arena_reset(record_arena);
	if (!exposure_decode(line, record_arena, &exposure, &error) || !unit_join_exposure(join, &exposure, &error))
		fail_msg("%s", error.text);
}

static void heard(const char *format, ...)
{
	struct feedback feedback;
	struct error error = {0};
	va_list arguments;
	va_start(arguments, format);
	const struct text line = printed(format, arguments);
	va_end(arguments);
	arena_reset(record_arena);
	if (!feedback_decode(line, record_arena, &feedback, &error) || !unit_join_feedback(join, &feedback, 0, &error))
		fail_msg("%s", error.text);
}

static void end(void)
{
	struct error error = {0};
	if (!unit_join_end(join, &joined, &error))
		fail_msg("%s", error.text);
	unit_join_close(join);
}

#define EXPOSURE "{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"%s\",\"probability\":%g}"

#define SAYING "{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"new\",\"unit\":\"u%d\",\"prediction\":\"%s\"}"

static void a_truth_is_an_accuracy_by_what_was_answered(void **state)
{
	(void)state;
	begin((struct join_options){0});
	exposed(SAYING, 1, 1000, 1, "2");
	exposed(SAYING, 2, 1000, 2, "3");
	exposed(SAYING, 3, 1000, 3, "");
	exposed(SAYING, 4, 1000, 4, "2");
	heard("{\"id\":\"r1\",\"truth\":[2]}");
	heard("{\"id\":\"r1\",\"truth\":[3]}");
	heard("{\"id\":\"r2\",\"truth\":{\"label\":[2]}}");
	heard("{\"id\":\"r3\",\"truth\":[2]}");
	heard("{\"id\":\"r4\",\"truth\":[9],\"metrics\":{\"accuracy\":0.75}}");
	heard("{\"id\":\"r4\",\"truth\":[1,2]}");
	heard("{\"unit\":\"u1\",\"truth\":[2]}");
	end();
	assert_int_equal(joined.metric_count, 1);
	assert_true(text_is(joined.metrics[0].name, "accuracy"));
	assert_int_equal(joined.metrics[0].count, 3);
	double sum = 0;
	for (size_t i = 0; i < 3; i++)
		sum += joined.metrics[0].values[i].value;
	assert_true(sum == 1.75);
	assert_int_equal(joined.counts.unjudged, 3); /* no answer, two of them, no single request */
	assert_int_equal(joined.counts.doubled, 1);
}

static void feedback_finds_its_unit_by_request_and_by_unit(void **state)
{
	(void)state;
	begin((struct join_options){0});
	exposed(EXPOSURE, 1, 1000, "old", "u1", 0.5);
	exposed(EXPOSURE, 2, 2000, "new", "u2", 0.5);
	exposed("{\"id\":\"r3\",\"time_ms\":3000,\"experiment\":\"e\",\"variant\":\"new\",\"unit\":\"u3\",\"probability\":0.5,"
		"\"origin\":{\"topic\":\"t\",\"partition\":1,\"offset\":7}}");
	exposed("{\"id\":\"r1\",\"experiment\":\"other\",\"variant\":\"x\"}");
	heard("{\"id\":\"r1\",\"reward\":1.5,\"metrics\":{\"profit\":3}}");
	heard("{\"unit\":\"u2\",\"reward\":2.5,\"time_ms\":90000}");
	heard("{\"origin\":\"t-1-7\",\"reward\":3.5}");
	heard("{\"id\":\"r9\",\"reward\":1}");
	end();
	assert_int_equal(joined.arms, 2);
	assert_int_equal(joined.unit_count, 3);
	assert_int_equal(joined.epoch_count, 1);
	assert_int_equal(joined.counts.exposures, 3);
	assert_int_equal(joined.counts.elsewhere, 1);
	assert_int_equal(joined.counts.unknown, 1);
	assert_int_equal(joined.metric_count, 2);
	assert_true(text_is(joined.metrics[0].name, "reward"));
	assert_int_equal(joined.metrics[0].count, 3);
	double sum[2] = {0};
	for (size_t i = 0; i < 3; i++)
		sum[joined.units[joined.metrics[0].values[i].unit].arm] += joined.metrics[0].values[i].value;
	assert_true(sum[0] == 1.5 && sum[1] == 6);
	assert_true(text_is(joined.metrics[1].name, "profit"));
	assert_int_equal(joined.metrics[1].count, 1);
}

static void the_order_in_which_records_come_does_not_matter(void **state)
{
	(void)state;
	begin((struct join_options){0});
	exposed(EXPOSURE, 3, 3000, "new", "u3", 0.25);
	exposed(EXPOSURE, 1, 1000, "old", "u1", 0.25);
	exposed(EXPOSURE, 2, 2000, "new", "u2", 0.25);
	heard("{\"id\":\"r3\",\"reward\":9,\"time_ms\":9000}");
	heard("{\"id\":\"r3\",\"reward\":3,\"time_ms\":8000}"); /* the first of the request, so it counts */
	heard("{\"id\":\"r1\",\"reward\":1,\"time_ms\":7000}");
	end();
	assert_int_equal(joined.metric_count, 1);
	assert_int_equal(joined.metrics[0].count, 2);
	assert_int_equal(joined.counts.doubled, 1);
	const struct analysis_value *values = joined.metrics[0].values; /* by time: r1, then r3 */
	assert_true(values[0].value == 1 && values[1].value == 3);
	assert_true(text_is(joined.arm_names[joined.units[values[0].unit].arm], "old"));
	assert_true(text_is(joined.exposures[values[1].exposure].unit, "u3"));
	assert_true(values[0].unit == joined.exposures[values[0].exposure].joined_unit);
}

static void what_comes_twice_counts_once(void **state)
{
	(void)state;
	begin((struct join_options){0});
	for (int i = 0; i < 2; i++) {
		exposed("{\"id\":\"r1\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"a\",\"unit\":\"u\",\"probability\":1,"
			"\"origin\":{\"topic\":\"t\",\"partition\":0,\"offset\":1}}",
			1000 + i);
		exposed(EXPOSURE, 2, 1000, "a", "v", 1.0);
		heard("{\"id\":\"r1\",\"reward\":%d}", i + 1);
		heard("{\"origin\":{\"topic\":\"t\",\"partition\":0,\"offset\":1},\"reward\":%d}", i + 3);
		heard("{\"unit\":\"v\",\"feedback_id\":\"f1\",\"reward\":%d}", i + 1);
		heard("{\"unit\":\"v\",\"feedback_id\":\"g%d\",\"reward\":7}", i);
	}
	end();
	assert_int_equal(joined.counts.exposures, 4);
	assert_int_equal(joined.counts.repeated, 2);
	assert_int_equal(joined.unit_count, 2);
	assert_int_equal(joined.counts.feedback, 8);
	assert_int_equal(joined.counts.doubled, 4);   /* a request has its reward once, whatever names it */
	assert_int_equal(joined.metrics[0].count, 4); /* of a unit each feedback of its own counts */
	double sum = 0;
	for (size_t i = 0; i < 4; i++)
		sum += joined.metrics[0].values[i].value;
	assert_true(sum == 1 + 1 + 7 + 7); /* the first one stays */
}

static void what_is_late_early_or_waiting_does_not_count(void **state)
{
	(void)state;
	begin((struct join_options){.window_ms = 60000, .until_ms = 1000000});
	exposed(EXPOSURE, 1, 200000, "a", "u1", 0.5);
	exposed(EXPOSURE, 2, 200000, "b", "u2", 0.5);
	exposed(EXPOSURE, 3, 960000, "b", "u3", 0.5);
	exposed(EXPOSURE, 4, 2000000, "b", "u4", 0.5);
	heard("{\"id\":\"r1\",\"reward\":1,\"time_ms\":260000}");
	heard("{\"id\":\"r2\",\"reward\":1,\"time_ms\":260001}");
	heard("{\"id\":\"r3\",\"reward\":1,\"time_ms\":970000}");
	heard("{\"id\":\"r1\",\"metrics\":{\"m\":1},\"time_ms\":100000}");
	end();
	assert_int_equal(joined.counts.exposures, 3); /* one is after the end */
	assert_int_equal(joined.counts.late, 1);
	assert_int_equal(joined.counts.early, 1);
	assert_int_equal(joined.counts.open, 1);
	assert_int_equal(joined.metric_count, 1);
	assert_int_equal(joined.metrics[0].count, 1);
}

static void units_of_two_variants_and_chosen_ones_are_left_out(void **state)
{
	(void)state;
	begin((struct join_options){0});
	exposed(EXPOSURE, 1, 1000, "a", "u1", 0.5);
	exposed(EXPOSURE, 2, 1001, "b", "u1", 0.5);
	exposed(EXPOSURE, 3, 1002, "b", "u2", 0.5);
	exposed("{\"id\":\"r4\",\"experiment\":\"e\",\"variant\":\"b\",\"unit\":\"u4\",\"reason\":\"header\",\"probability\":1}");
	exposed("{\"id\":\"r5\",\"experiment\":\"e\",\"variant\":\"a\",\"unit\":\"u5\",\"reason\":\"fallback\",\"probability\":1}");
	for (int i = 1; i <= 5; i++)
		heard("{\"id\":\"r%d\",\"reward\":1}", i);
	end();
	assert_int_equal(joined.counts.mixed_units, 1);
	assert_int_equal(joined.counts.left_out[ASSIGNED_MATCH], 1);
	assert_int_equal(joined.fallbacks[0], 1);
	assert_int_equal(joined.counts.feedback_left_out, 4);
	assert_int_equal(joined.metrics[0].count, 1);
	assert_int_equal(joined.arm_units[0], 0);
	assert_int_equal(joined.arm_units[1], 1);
}

#define CHOSEN                                                                                                                     \
	"{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"%s\",\"reason\":\"%s\",\"table\":%d}"

static void units_that_met_another_variant_by_a_choice_are_left_out(void **state)
{
	static const char *const units[] = {"before", "after", "override", "same", "failed", "elsewhere"};
	(void)state;
	begin((struct join_options){0});
	exposed(CHOSEN, 11, 900, "b", "before", "route", 1);
	for (int i = 0; i < 6; i++)
		exposed(CHOSEN, i, 1000, "a", units[i], "weight", 1);
	exposed(CHOSEN, 12, 2000, "b", "after", "header", 1);
	exposed(CHOSEN, 13, 2000, "b", "override", "override", 1);
	exposed(CHOSEN, 14, 2000, "a", "same", "route", 1);
	exposed(CHOSEN, 15, 2000, "b", "failed", "fallback", 1); /* else a variant would lose its failures */
	exposed(CHOSEN, 16, 2000, "b", "elsewhere", "route", 2); /* in another epoch */
	exposed(CHOSEN, 17, 2000, "b", "chosen only", "route", 1);
	for (int i = 0; i < 6; i++)
		heard("{\"id\":\"r%d\",\"reward\":1}", i);
	end();
	assert_int_equal(joined.counts.mixed_units, 3);
	assert_int_equal(joined.arm_units[0] + joined.arm_units[1], 3);
	assert_int_equal(joined.metrics[0].count, 3);
	assert_int_equal(joined.counts.feedback_left_out, 3);
}

/* Two engines take up new weights one after the other, so records of both tables mix for a while. */
static void an_epoch_is_what_has_one_table(void **state)
{
	(void)state;
	begin((struct join_options){0});
	for (int i = 0; i < 40; i++)
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"u%d\","
			"\"probability\":%g,"
			"\"table\":\"%s\"}",
			i, 1000 + i, i % 2 ? "a" : "b", i % 10, i >= 20 || i % 5 == 4 ? (i % 2 ? 0.9 : 0.1) : 0.5,
			i >= 20 || i % 5 == 4 ? "second" : "first");
	heard("{\"unit\":\"u3\",\"reward\":1,\"time_ms\":1010}");
	heard("{\"unit\":\"u3\",\"reward\":1,\"time_ms\":5000}");
	end();
	assert_int_equal(joined.epoch_count, 2);
	assert_true(joined.epochs[0].shares[0] == 0.5 && joined.epochs[1].shares[0] == 0.1);
	const struct analysis_value *values = joined.metrics[0].values;
	assert_int_equal(joined.units[values[0].unit].epoch, 0);
	assert_int_equal(joined.units[values[1].unit].epoch, 1);
	double firsts = 0;
	for (size_t epoch = 0; epoch < 2; epoch++)
		firsts += joined.epochs[epoch].firsts[0] + joined.epochs[epoch].firsts[1];
	assert_true(firsts == 10); /* a unit counts once, in its first epoch */
}

static void weights_without_a_table_are_epochs_by_their_probabilities(void **state)
{
	(void)state;
	begin((struct join_options){0});
	for (int i = 0; i < 40; i++)
		exposed(EXPOSURE, i, 1000 + i, i % 2 ? "a" : "b", "", i < 20 ? 0.5 : i % 2 ? 0.9 : 0.1);
	end();
	assert_int_equal(joined.epoch_count, 2);
	assert_int_equal(joined.unit_count, 40); /* without a unit each request is one */
}

/* ---- the report ---- */

static struct report report;
static struct report_options report_options;

static bool reported(struct error *error)
{
	report_options.experiment = "e";
	report_options.alpha = ANALYSIS_ALPHA;
	report_options.practical = ANALYSIS_PRACTICAL;
	return report_make(&joined, &report_options, arena, &report, error);
}

/* `every`: one unit of so many gets the treatment; the probability says half. */
static void experiment_played(int units, int every, double gain, double guard)
{
	begin((struct join_options){0});
	for (int i = 0; i < units; i++) {
		const bool treated = i % every == 0;
		char unit[16];
		snprintf(unit, sizeof unit, "u%d", i);
		exposed(EXPOSURE, i, 1000 * i, treated ? "new" : "old", unit, 0.5);
		heard("{\"id\":\"r%d\",\"reward\":%g,\"metrics\":{\"delay\":%g,\"extra\":%d}}", i,
		      10 + (i / every) % 5 + (treated ? gain : 0), 100 + (i / every) % 3 + (treated ? guard : 0), i % 3);
	}
	end();
}

static void a_report_recommends_what_is_better(void **state)
{
	static const struct name guards[] = {{.text = "delay"}};
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("old")};
	experiment_played(4000, 2, 2, 0);
	assert_true(reported(&error));
	assert_int_equal(report.recommendation.decision, DECISION_SHIP);
	assert_true(text_is(report.recommendation.variant, "new"));
	assert_string_equal(report.recommendation.sentence, "Ship `new`: it is 17% better than `old` in `reward`.");
	assert_true(report.recommendation.reason_count > 0 && report.recommendation.change_count > 0);
	assert_true(report.split.tested && !report.split.mismatch && !report.split.feedback_differs);
	assert_int_equal(report.metric_count, 3);
	assert_int_equal(report.metrics[0].role, ROLE_PRIMARY);
	/* A guardrail that breaks keeps the old one. */
	report_options.guardrails = (struct name_list){1, guards};
	report_options.lower = (struct name_list){1, guards};
	experiment_played(4000, 2, 2, 20);
	assert_true(reported(&error));
	assert_int_equal(report.recommendation.decision, DECISION_KEEP);
	assert_true(text_is(report.recommendation.variant, "old"));
	assert_int_equal(report.metrics[1].role, ROLE_GUARDRAIL);
}

/* The new one crashes once, the old one never: a share of 0 is no margin. */
static void a_guardrail_beside_a_control_of_0_is_said_to_have_no_margin(void **state)
{
	static const struct name guards[] = {{.text = "crash"}};
	struct error error = {0};
	bool said = false;
	(void)state;
	report_options = (struct report_options){.control = TEXT("old"), .guardrails = {1, guards}, .lower = {1, guards}};
	begin((struct join_options){0});
	for (int i = 0; i < 2000; i++) {
		char unit[16];
		snprintf(unit, sizeof unit, "u%d", i);
		exposed(EXPOSURE, i, 1000 * i, i % 2 ? "new" : "old", unit, 0.5);
		heard("{\"id\":\"r%d\",\"reward\":%d,\"metrics\":{\"crash\":%d}}", i, 10 + i / 2 % 5 + i % 2 * 2, i == 1001);
	}
	end();
	assert_true(reported(&error));
	assert_int_equal(report.recommendation.decision, DECISION_WAIT);
	for (size_t i = 0; i < report.recommendation.reason_count; i++)
		said = said || strstr(report.recommendation.reasons[i],
				      "the margin of `crash` is a share of the mean of `old`, which is 0");
	assert_true(said);
}

/* What files declare: another metric decides, another margin is that of a guardrail, and options are stronger. */
static void a_report_follows_what_is_declared(void **state)
{
	static const struct report_rule rules[] = {{.metric = "absent", .role = ROLE_PRIMARY},
						   {.metric = "extra", .role = ROLE_PRIMARY},
						   {"delay", ROLE_GUARDRAIL, .lower_is_better = true, .margin = 0.5},
						   {.metric = "reward", .role = ROLE_OTHER, .cap = 0.9}};
	static const struct name asked[] = {{.text = "reward"}};
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("old"), .primary = TEXT("reward"), .rule_count = 4,
						 .rules = rules};
	experiment_played(4000, 2, 2, 20);
	assert_true(reported(&error));
	assert_true(text_is(report.metrics[0].name, "extra") && report.metrics[0].role == ROLE_PRIMARY);
	assert_true(report.metrics[0].practical == ANALYSIS_PRACTICAL && !value_cap_applied(&report.metrics[0].analysis.cap));
	assert_true(text_is(report.metrics[1].name, "delay") && report.metrics[1].role == ROLE_GUARDRAIL);
	assert_true(report.metrics[1].lower_is_better && report.metrics[1].practical == 0.5);
	/* 20% slower is within a margin of 50%, not within the usual 5%. */
	assert_int_equal(pair_guardrail(&report.metrics[1].analysis.pairs[0], true), GUARDRAIL_KEPT);
	assert_true(text_is(report.metrics[2].name, "reward") && report.metrics[2].role == ROLE_OTHER);
	assert_true(value_cap_applied(&report.metrics[2].analysis.cap) && report.metrics[2].analysis.cap.burn_in == 200);
	report_options.metrics = (struct name_list){1, asked};
	assert_true(reported(&error));
	assert_true(text_is(report.metrics[0].name, "reward") && report.metrics[0].role == ROLE_PRIMARY);
	assert_true(text_is(report.metrics[1].name, "delay") && report.metric_count == 2); /* a guardrail is always shown */
}

/* What a unit is asked in a later epoch may be an effect of the variant that it had. */
static void a_unit_keeps_the_covariate_and_the_segment_of_its_first_exposure(void **state)
{
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("a"), .segment = "x"};
	begin((struct join_options){.covariate = "x"});
	for (int i = 0; i < 4; i++) {
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"u%d\","
			"\"probability\":0.5,\"table\":\"%d\",\"context\":{\"x\":%d}}",
			i, 1000 * i, i % 2 ? "b" : "a", i % 2, i / 2, i < 2 ? 3 : 100 + i);
		heard("{\"id\":\"r%d\",\"reward\":1}", i);
	}
	end();
	assert_int_equal(joined.epoch_count, 2);
	assert_int_equal(joined.unit_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(joined.units[i].covariate == 3);
	assert_true(reported(&error));
	assert_int_equal(report.segment_count, 1);
	assert_true(text_is(report.segments[0].value, "3.0") && report.segments[0].units == 4);
}

/* A policy chooses for each request, and a unit stays until its next version. */
static void requests_of_a_unit_and_a_version_of_a_policy_are_one_cluster(void **state)
{
	static const char *const who[] = {"u", "u", "v", "", "", "u"};
	static const uint32_t clusters[] = {0, 0, 1, 2, 3, 4};
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("a")};
	begin((struct join_options){0});
	for (int i = 0; i < 6; i++)
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"%s\","
			"\"probability\":0.5,\"table\":\"%d\",\"reason\":\"policy\"}",
			i, 1000 * i, i == 4 ? "b" : "a", who[i], i == 5);
	end();
	assert_true(joined.adaptive);
	assert_int_equal(joined.unit_count, 6);
	assert_int_equal(joined.cluster_count, 5);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(joined.units[i].cluster, clusters[i]);
	assert_true(reported(&error));
	assert_true(!report.split.tested && report.split.counts[0] == 4 && report.split.counts[1] == 1);
	assert_true(joined.arm_units[0] == 4 && joined.arm_requests[0] == 5);
	assert_true(joined.arm_units[1] == 1 && joined.arm_requests[1] == 1);
}

/* Of each unit all 20 requests have feedback, or none: 30 of 50 units of one variant, 20 of 50 of the other. By requests, that
 * would be a difference beyond all chance. */
static void feedback_of_a_unit_under_a_policy_is_lost_or_heard_once(void **state)
{
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("a")};
	begin((struct join_options){0});
	for (int i = 0; i < 2000; i++) {
		const int unit = i / 20, is_b = unit % 2;
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"u%d\","
			"\"probability\":0.5,\"table\":\"1\",\"reason\":\"policy\"}",
			i, 1000 * i, is_b ? "b" : "a", unit);
		if (unit / 2 < (is_b ? 20 : 30))
			heard("{\"id\":\"r%d\",\"reward\":%d}", i, i % 7);
	}
	end();
	assert_true(reported(&error));
	assert_true(!report.split.feedback_differs && report.split.feedback_p > 0.01);
	assert_true(report.split.due[0] == 50 && report.split.due[1] == 50);
	assert_true(report.split.heard[0] == 30 && report.split.heard[1] == 20);
}

/* All exposures of the new variant are of the last hour, so their feedback may still come. */
static void units_that_wait_do_not_lack_feedback(void **state)
{
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("a")};
	begin((struct join_options){.window_ms = 3600000});
	for (int i = 0; i < 400; i++) {
		const bool is_new = i >= 200;
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"u%d\","
			"\"probability\":0.5}",
			i, is_new ? 7200000 + i : i, is_new && i < 300 ? "b" : "a", i);
		if (i < 2 || (!is_new && i % 2))
			heard("{\"id\":\"r%d\",\"reward\":%d}", i, i % 7);
	}
	for (int i = 400; i < 500; i++) {
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"b\",\"unit\":\"u%d\","
			"\"probability\":0.5}",
			i, i, i);
		if (i % 2)
			heard("{\"id\":\"r%d\",\"reward\":%d}", i, i % 7);
	}
	end();
	assert_true(reported(&error));
	assert_true(!report.split.feedback_differs && report.split.feedback_p > 0.5);
}

/* Each unit of a version has three requests, of a value of x each; a segment has one of them. */
static void clusters_of_a_policy_are_those_of_a_segment_in_it(void **state)
{
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("a"), .segment = "x"};
	begin((struct join_options){0});
	for (int i = 0; i < 1200; i++) {
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"u%d\","
			"\"probability\":0.5,\"table\":\"1\",\"reason\":\"policy\",\"context\":{\"x\":%d}}",
			i, 1000 * i, i / 3 % 2 ? "b" : "a", i / 3, i % 3);
		heard("{\"id\":\"r%d\",\"reward\":%d}", i, i % 7);
	}
	end();
	assert_int_equal(joined.cluster_count, 400);
	assert_true(reported(&error));
	assert_int_equal(report.segment_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct pair_analysis *pair = &report.segments[i].metrics[0].analysis.pairs[0];
		assert_true(isfinite(pair->estimate) && pair->sequence.variance > 0);
		assert_true(pair->units_had == 400 && report.segments[i].units == 400);
	}
	/* A unit of the whole has three requests, one of each segment; 200 units have each variant. */
	const struct metric_analysis *whole = &report.metrics[0].analysis;
	assert_true(whole->pairs[0].units_had == 400 && whole->arms[0].units == 200 && whole->arms[0].requests == 600);
	assert_true(whole->pairs[0].points[whole->pairs[0].point_count - 1].units <= 400);
	assert_true(report_days(&joined, 400) == 1199000 / 86400000.0);
}

/* One unit in a thousand has an odd reward, after the burn-in. */
static void a_segment_has_the_cap_of_the_whole(void **state)
{
	static const struct report_rule rules[] = {{.metric = "reward", .role = ROLE_PRIMARY, .cap = 0.99}};
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("old"), .segment = "x", .rule_count = 1, .rules = rules};
	begin((struct join_options){0});
	for (int i = 0; i < 4000; i++) {
		exposed("{\"id\":\"r%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"unit\":\"u%d\","
			"\"probability\":0.5,\"context\":{\"x\":%d}}",
			i, 1000 * i, i % 2 ? "new" : "old", i, i / 2 % 2);
		heard("{\"id\":\"r%d\",\"reward\":%g}", i, i % 1000 == 999 ? 1e6 : 10 + i / 4 % 5);
	}
	end();
	assert_true(reported(&error));
	assert_true(value_cap_applied(&report.metrics[0].analysis.cap) && report.metrics[0].analysis.cap.limits.high == 14);
	assert_int_equal(report.segment_count, 2);
	for (size_t i = 0; i < 2; i++)
		for (size_t arm = 0; arm < 2; arm++)
			assert_true(report.segments[i].metrics[0].analysis.arms[arm].mean <= 14);
}

static void a_report_waits_keeps_or_stops(void **state)
{
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){.control = TEXT("old")};
	experiment_played(150, 2, 0, 0);
	assert_true(reported(&error));
	assert_int_equal(report.recommendation.decision, DECISION_WAIT);
	experiment_played(8000, 2, 0, 0);
	assert_true(reported(&error));
	assert_int_equal(report.recommendation.decision, DECISION_KEEP);
	experiment_played(4000, 2, -2, 0);
	assert_true(reported(&error));
	assert_int_equal(report.recommendation.decision, DECISION_KEEP);
	assert_string_equal(report.recommendation.sentence, "Keep `old`: the other variant is worse in `reward`.");
	/* One of three got it, where one of two should: nothing else matters then. */
	experiment_played(3000, 3, 5, 0);
	assert_true(reported(&error));
	assert_true(report.split.mismatch && report.split.chi_square.mismatch);
	assert_int_equal(report.recommendation.decision, DECISION_STOP);
}

static void a_variant_that_nobody_met_is_a_mismatch(void **state)
{
	struct error error = {0};
	(void)state;
	report_options = (struct report_options){0};
	begin((struct join_options){0});
	assert_true(unit_join_variant(join, TEXT("old"), &error) && unit_join_variant(join, TEXT("new"), &error));
	for (int i = 0; i < 200; i++)
		exposed(EXPOSURE, i, 1000 + i, "old", "", 0.5);
	end();
	assert_true(reported(&error));
	assert_true(report.split.mismatch);
}

static void names_that_are_none_are_refused(void **state)
{
	static const struct name unknown[] = {{.text = "rewards"}};
	struct error error = {0};
	(void)state;
	experiment_played(10, 2, 0, 0);
	report_options = (struct report_options){.control = TEXT("odl")};
	assert_false(reported(&error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "did you mean `old`?"));
	error = (struct error){0};
	report_options = (struct report_options){.metrics = {1, unknown}};
	assert_false(reported(&error));
	assert_non_null(strstr(error.text, "did you mean `reward`?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_truth_is_an_accuracy_by_what_was_answered),
		cmocka_unit_test(feedback_finds_its_unit_by_request_and_by_unit),
		cmocka_unit_test(the_order_in_which_records_come_does_not_matter),
		cmocka_unit_test(what_comes_twice_counts_once),
		cmocka_unit_test(what_is_late_early_or_waiting_does_not_count),
		cmocka_unit_test(units_of_two_variants_and_chosen_ones_are_left_out),
		cmocka_unit_test(units_that_met_another_variant_by_a_choice_are_left_out),
		cmocka_unit_test(an_epoch_is_what_has_one_table),
		cmocka_unit_test(weights_without_a_table_are_epochs_by_their_probabilities),
		cmocka_unit_test(a_report_recommends_what_is_better),
		cmocka_unit_test(a_guardrail_beside_a_control_of_0_is_said_to_have_no_margin),
		cmocka_unit_test(a_report_follows_what_is_declared),
		cmocka_unit_test(a_unit_keeps_the_covariate_and_the_segment_of_its_first_exposure),
		cmocka_unit_test(requests_of_a_unit_and_a_version_of_a_policy_are_one_cluster),
		cmocka_unit_test(feedback_of_a_unit_under_a_policy_is_lost_or_heard_once),
		cmocka_unit_test(units_that_wait_do_not_lack_feedback),
		cmocka_unit_test(clusters_of_a_policy_are_those_of_a_segment_in_it),
		cmocka_unit_test(a_segment_has_the_cap_of_the_whole),
		cmocka_unit_test(a_report_waits_keeps_or_stops),
		cmocka_unit_test(a_variant_that_nobody_met_is_a_mismatch),
		cmocka_unit_test(names_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
