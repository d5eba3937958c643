/* experiments_test.c: Tests of `sluice experiments analyze`, `status`, `list` and `evaluate` on files: JSON lines, Avro records,
 * and data that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define REQUESTS 3000
#define FILES " --exposures exposures --feedback feedback"

static char folder[] = "/tmp/sluice-experiments-XXXXXX";
static char lines[REQUESTS * 300];

/* One of four gets `new`, whose reward is one more where x is above 0, and one less elsewhere. */
static bool is_new(int i)
{
	return i % 4 == 0;
}

static double feature(int i)
{
	return i / 4 % 2 ? 1 : -1;
}

static double reward(int i)
{
	return 10 + i / 8 % 5 + (is_new(i) ? feature(i) : 0);
}

static void files_write(void)
{
	size_t length = 0;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"e\", "
					   "\"variant\": "
					   "\"%s\", \"probability\": %g, \"context\": {\"x\": %g}}\n",
					   i, i, 1000 * (i + 1), is_new(i) ? "new" : "old", is_new(i) ? 0.25 : 0.75, feature(i));
	write_file("exposures", lines);
	length = 0;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"id\": \"r%d\", \"reward\": %g}\n", i,
			reward(i));
	write_file("feedback", lines);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	files_write();
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"exposures", "feedback", "policy", "avro", "odd", "equal", "e.yaml"};
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlink(files[i]);
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

static json_t *said_json(const char *line)
{
	struct said said = say_with(step_kinds, line);
	if (said.code != 0)
		fail_msg("%s: %s", line, said.err);
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	said_close(&said);
	return document;
}

static void expect_refused(const char *line, int code, const char *words)
{
	struct said said = say_with(step_kinds, line);
	assert_int_equal(said.code, code);
	expect_words(said.err, words);
	said_close(&said);
}

static double number_of(const json_t *document, const char *name)
{
	const json_t *number = json_object_get(document, name);
	assert_true(json_is_number(number));
	return json_number_value(number);
}

static void lines_of_json_are_analysed(void **state)
{
	(void)state;
	json_t *document = said_json("experiments analyze e" FILES " -o json");
	const json_t *health = json_object_get(document, "health"), *split = json_object_get(document, "srm");
	assert_true(number_of(health, "exposures") == REQUESTS && number_of(health, "feedback") == REQUESTS);
	assert_true(json_is_false(json_object_get(split, "mismatch")));
	assert_string_equal(json_string_value(json_object_get(document, "decision")), "keep");
	json_decref(document);
	document = said_json("experiment status e" FILES " -o json"); /* the singular too */
	assert_string_equal(json_string_value(json_object_get(document, "split")), "as planned");
	json_decref(document);
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "<svg");
	said_close(&said);
}

/* Then units are not what is missing. */
static void values_that_do_not_vary_or_are_too_large_are_named(void **state)
{
	static const struct {
		const char *reward, *words;
	} rows[] = {{"5", "each variant has one value only, which does not vary"},
		    {"1e200", "its values are too large, and left out"},
		    {"1", "each variant has one value only, which does not vary"}, /* a rate of one outcome */
		    {"1e-310", "its values are too small for a variance, below 1e-100"}};
	(void)state;
	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
		size_t length = 0;
		for (int i = 0; i < REQUESTS; i++)
			length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"id\": \"r%d\", \"reward\": %s%s}\n",
						   i, row == 1 && i % 8 < 4 ? "-" : "", rows[row].reward);
		write_file("equal", lines);
		struct said said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback equal");
		assert_int_equal(said.code, 0);
		expect_words(said.out, rows[row].words);
		assert_null(strstr(said.out, "too few units"));
		said_close(&said);
		said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback equal -o html");
		expect_words(said.out, rows[row].words);
		assert_null(strstr(said.out, "So far"));
		said_close(&said);
	}
}

/* 0 bad of n requests: the ratio against a limit p is B(1/2, n + 1/2) / (B(1/2, 1/2) (1 - p)^n), which must reach 20. */
static double clean_ratio(double requests, double limit)
{
	return exp(lgamma(0.5) + lgamma(requests + 0.5) - lgamma(requests + 1) - log(M_PI) - requests * log1p(-limit));
}

static void a_rollout_is_explained(void **state)
{
	(void)state;
	write_file("e.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
			     "  default: old\n  candidates: [{name: new, weight: 1}]\n  onInconclusive: rollback\n"
			     "  progressiveDeployment: {schedule: [5, 50], every: 20m, gate: better}\n");
	struct said said = say_with(step_kinds, "experiments rollout e -f e.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "2 stages, 1 candidate, judged every 30s");
	expect_words(said.out, "stage 2: 50% for 20m, at most 40m");
	expect_words(said.out, "accuracy above the default's\n");
	expect_words(said.out, "accuracy above 95% of the default's, where truth comes\n");
	expect_words(said.out, "by then is rolled back");
	expect_words(said.out, "The keeper of a control plane moves the weights");
	said_close(&said);
	json_t *document = said_json("experiments rollout e -f e.yaml -o json");
	const json_t *stages = json_object_get(document, "stages");
	assert_int_equal(json_array_size(stages), 2);
	const json_t *rules = json_object_get(json_array_get(stages, 1), "rules");
	assert_int_equal(json_array_size(rules), 4);
	const double needed = number_of(json_array_get(rules, 0), "requests_needed");
	assert_true(clean_ratio(needed, 0.01) >= 20 && clean_ratio(needed - 1, 0.01) < 20);
	json_decref(document);
	expect_refused("experiments rollout none -f e.yaml", 1, "the files have no experiment `none`, and shares of");
	expect_refused("experiments rollout E -f e.yaml", 1, "the files have no experiment `E`; did you mean `e`?");
	write_file("e.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
			     "  default: old\n  candidates: [{name: new, weight: 1}]\n  progressiveDeployment: {schedule: [5]}\n"
			     "  successCriteria: [{metricName: latency_p90, threshold: 80, operator: \"<\"}]\n");
	document = said_json("experiments rollout e -f e.yaml -o json");
	const json_t *rule = json_array_get(json_object_get(json_array_get(json_object_get(document, "stages"), 0), "rules"), 0);
	const double needed_of_ninety = number_of(rule, "requests_needed");
	assert_true(clean_ratio(needed_of_ninety, 0.1) >= 20 && clean_ratio(needed_of_ninety - 1, 0.1) < 20);
	assert_string_equal(json_string_value(json_object_get(rule, "rule")), "latency_p90");
	json_decref(document);
	said = say_with(step_kinds, "experiments rollout e -f e.yaml");
	expect_words(said.out, "p90 below 80 ms");
	expect_words(said.out, "p95 below 200 ms"); /* the trigger */
	said_close(&said);
	write_file("e.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
			     "  default: new\n  candidates: [{name: new, weight: 1}]\n");
	expect_refused("experiments rollout e -f e.yaml", 1, "e.yaml:5:3: The experiment has no progressiveDeployment");
}

/* A threshold of .9 is passed by chance in a tenth of the looks, so in more than that of the stages, which have two or more. */
static void a_plan_says_that_a_probability_promotes_equal_candidates(void **state)
{
	static const char files[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\n"
				    "spec: {storageUri: \"stub://identity\"}\n---\n";
	(void)state;
	char yaml[2048], old[256], new[256];
	snprintf(old, sizeof old, files, "old");
	snprintf(new, sizeof new, files, "new");
	for (int judged = 0; judged < 2; judged++) {
		snprintf(yaml, sizeof yaml,
			 "%s%sapiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
			 "  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"
			 "  progressiveDeployment: {schedule: [50], every: 20m}\n  %s\n",
			 old, new, judged ? "promotionPolicy: {automatic: true, promotionThreshold: 0.9}" : "");
		write_file("e.yaml", yaml);
		struct said said = say_with(step_kinds, "plan e.yaml");
		const char *rate = strstr(said.err, "alone it promotes ");
		assert_int_equal(said.code, 0);
		assert_int_equal(rate != NULL, judged);
		assert_int_equal(strstr(said.err, "Experiment `e`: promotionThreshold 0.9 is no bound") != NULL, judged);
		const double percent = rate ? strtod(rate + strlen("alone it promotes "), NULL) : 50;
		said_close(&said);
		assert_true(percent > 10 && percent < 100);
	}
}

static void records_of_avro_follow_one_another(void **state)
{
	struct error error = {0};
	struct buffer out;
	const struct exposure_outcome nothing_said = {.latency_ms = (double)NAN};
	(void)state;
	buffer_open(&out, 1 << 20);
	for (int i = 0; i < 40; i++) {
		char id[16];
		(void)snprintf(id, sizeof id, "r%d", i);
		const struct message message = {.id = text_of(id), .time_ms = 1000 + i};
		const struct assigned assigned = {.experiment = TEXT("e"), .variant = i % 2 ? TEXT("a") : TEXT("b"),
						  .unit = text_of(id), .probability = 0.5};
		assert_true(exposure_encode(&message, &assigned, &nothing_said, &out, &error));
	}
	FILE *file = fopen("avro", "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(out.bytes, 1, out.length, file), out.length);
	assert_int_equal(fclose(file), 0);
	json_t *document = said_json("experiments analyze e --exposures avro -o json");
	assert_true(number_of(json_object_get(document, "health"), "exposures") == 40);
	assert_string_equal(json_string_value(json_object_get(document, "decision")), "wait");
	json_decref(document);
	file = fopen("avro", "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(out.bytes, 1, out.length - 1, file), out.length - 1);
	assert_int_equal(fclose(file), 0);
	struct said said = say_with(step_kinds, "experiments analyze e --exposures avro");
	assert_int_equal(said.code, 1);
	expect_words(said.err, "avro:40:1: it is no whole record");
	said_close(&said);
	buffer_close(&out);
}

static void data_that_are_none_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *line, *words;
	} wrong[] = {
		{"{\"id\": \"r1\", \"reward\": \"much\"}", "odd:2:1: "},
		{"{\"id\": \"r1\", \"reward\": NaN}", "odd:2:1: "},
		{"{\"reward\": 1}", "names no request"},
		{"{\"id\": \"r1\", \"reward\": 1, \"time\": \"2200-01-31T09:30Z\"}", "odd:2:1: the feedback is from the future"},
		{"nothing", "not feedback"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char text[256];
		(void)snprintf(text, sizeof text, "{\"id\": \"r0\", \"reward\": 1}\n%s\n", wrong[i].line);
		write_file("odd", text);
		expect_refused("experiments analyze e --exposures exposures --feedback odd", 1, wrong[i].words);
	}
	expect_refused("experiments analyze e", 2, "--pipeline NAME");
	expect_refused("experiments analyze e" FILES " --control odl", 2, "did you mean `old`?");
	expect_refused("experiments analyze e" FILES " --since yesterday", 2, "2026-01-31T09:30Z");
	expect_refused("experiments analyze f" FILES, 1, "no exposure of experiment `f`");
}

static void files_say_the_control_and_the_shares(void **state)
{
	(void)state;
	write_file("e.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: new\n"
			     "  candidates:\n  - {name: new, weight: 25}\n  - {name: old, weight: 75}\n");
	json_t *document = said_json("experiments analyze e" FILES " -f e.yaml -o json");
	const json_t *first = json_array_get(json_object_get(document, "variants"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "new");
	assert_true(json_is_true(json_object_get(first, "control")));
	json_decref(document);
	document = said_json("experiments list -f e.yaml -o json");
	assert_string_equal(json_string_value(json_object_get(document, "by")), "weights");
	first = json_array_get(json_object_get(document, "variants"), 0);
	assert_true(number_of(first, "share") == 0.25);
	json_decref(document);
}

static void the_default_of_an_experiment_of_pipelines_is_listed(void **state)
{
	write_file("p.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec: {resourceType: pipeline, "
		   "default: a, candidates: [{name: a, weight: 1}, {name: b, weight: 3}]}\n");
	json_t *document = said_json("experiments list -f p.yaml -o json");
	assert_int_equal(remove("p.yaml"), 0);
	(void)state; /* the default's calls are split, so it comes after the experiment's own */
	assert_string_equal(json_string_value(json_array_get(json_object_get(document, "pipelines"), 1)), "a");
	json_decref(document);
}

static const json_t *metric_of(const json_t *document, const char *name)
{
	const json_t *metric;
	size_t i;
	json_array_foreach(json_object_get(document, "metrics"), i, metric)
		if (strcmp(json_string_value(json_object_get(metric, "name")), name) == 0)
			return metric;
	fail_msg("there is no metric %s", name);
	return NULL;
}

static const json_t *pair_of(const json_t *document, const char *name)
{
	return json_array_get(json_object_get(metric_of(document, name), "pairs"), 0);
}

/* `new` takes 25 ms and `old` 20 ms, more or less by 2 ms; each third answer has failed. */
static void latencies_are_a_metric_of_exposures(void **state)
{
	size_t length = 0;
	double sums[2] = {0}, counts[2] = {0};
	(void)state;
	for (int i = 0; i < REQUESTS; i++) {
		const double latency_ms = (is_new(i) ? 25 : 20) + (i % 5 - 2);
		const bool known = i % 3 != 0;
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"e\", "
					   "\"variant\": \"%s\", \"probability\": %g, \"latency_ms\": %g}\n",
					   i, i, 1000 * (i + 1), is_new(i) ? "new" : "old", is_new(i) ? 0.25 : 0.75,
					   known ? latency_ms : -1);
		sums[is_new(i)] += known ? latency_ms : 0;
		counts[is_new(i)] += known;
	}
	write_file("odd", lines);
	json_t *document = said_json("experiments analyze e --exposures odd --feedback feedback -o json");
	const json_t *metric = metric_of(document, "latency_ms"), *pair = pair_of(document, "latency_ms");
	assert_string_equal(json_string_value(json_object_get(metric, "role")), "other");
	assert_string_equal(json_string_value(json_object_get(metric, "direction")), "lower");
	assert_true(fabs(number_of(pair, "difference") - (sums[1] / counts[1] - sums[0] / counts[0])) < 1e-9);
	assert_string_equal(json_string_value(json_object_get(pair, "state")), "worse");
	json_decref(document);
	/* Without feedback it decides only where it is named. */
	document = said_json("experiments analyze e --exposures odd -o json");
	assert_int_equal(json_array_size(json_object_get(document, "metrics")), 0);
	json_decref(document);
	document = said_json("experiments analyze e --exposures odd --metric latency_ms --practical 0.05 -o json");
	assert_string_equal(json_string_value(json_object_get(document, "decision")), "keep");
	json_decref(document);
	/* What a caller has sent counts. */
	write_file("policy", "{\"id\": \"r1\", \"metrics\": {\"latency_ms\": 7}}\n");
	document = said_json("experiments analyze e --exposures odd --feedback policy -o json");
	const json_t *variants = json_object_get(metric_of(document, "latency_ms"), "variants");
	assert_true(number_of(json_array_get(variants, 0), "units") + number_of(json_array_get(variants, 1), "units") == 1);
	json_decref(document);
}

/* `new` is one better where x is 1, and one worse where it is -1. */
static void segments_are_read_by_a_share_of_alpha(void **state)
{
	(void)state;
	json_t *document = said_json("experiments analyze e" FILES " --segment x -o json");
	const json_t *segments = json_object_get(document, "segments"), *values = json_object_get(segments, "values");
	assert_string_equal(json_string_value(json_object_get(segments, "feature")), "x");
	assert_true(fabs(number_of(segments, "alpha") - 0.025) < 1e-12);
	assert_int_equal(json_array_size(values), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *segment = json_array_get(values, i), *pair = pair_of(segment, "reward");
		const double x = strtod(json_string_value(json_object_get(segment, "value")), NULL);
		double sums[2] = {0}, counts[2] = {0};
		for (int j = 0; j < REQUESTS; j++)
			if (feature(j) == x) {
				sums[is_new(j)] += reward(j);
				counts[is_new(j)]++;
			}
		assert_true(number_of(segment, "units") == counts[0] + counts[1]);
		assert_true(fabs(number_of(pair, "difference") - (sums[1] / counts[1] - sums[0] / counts[0])) < 1e-9);
		assert_string_equal(json_string_value(json_object_get(pair, "state")), x > 0 ? "better" : "worse");
		/* All units came in so many days, half of them in this segment. */
		const json_t *needed = json_object_get(pair, "units");
		const double days = (REQUESTS - 1) / 86400.0, still = number_of(needed, "still");
		assert_true(fabs(number_of(needed, "days") - still / (counts[0] + counts[1]) * days) < 1e-9);
	}
	json_decref(document);
	expect_refused("experiments analyze e" FILES " --segment y", 2, "has the feature `y` in its context");
	expect_refused("experiments analyze e" FILES " --covariate y", 2, "has the feature `y` in its context");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " --segment x");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "Segments by x: each has alpha 0.025, a share of all");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " --segment x -o html");
	expect_words(said.out, "<h2>Segments by x</h2>");
	said_close(&said);
}

/* Units of each of 20 cities, the first ones with more; and some without. */
static void few_segments_and_the_rest(void **state)
{
	size_t length = 0, units[21] = {0};
	(void)state;
	for (int i = 0; i < 2100; i++) {
		const int city = i % 21;
		const bool drops = city > 9 && city < 20 && i % 2;
		char context[40] = "";
		if (city < 20)
			(void)snprintf(context, sizeof context, ", \"context\": {\"city\": \"c%d\"}", city);
		if (drops)
			continue;
		units[city]++;
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"e\", "
					   "\"variant\": \"%s\", \"probability\": 0.5%s}\n",
					   i, i, 1000 * (i + 1), i % 2 ? "new" : "old", context);
	}
	write_file("odd", lines);
	json_t *document = said_json("experiments analyze e --exposures odd --feedback feedback --segment city -o json");
	const json_t *values = json_object_get(json_object_get(document, "segments"), "values"), *rest, *value;
	assert_int_equal(json_array_size(values), 17);
	rest = json_array_get(values, 16);
	assert_true(json_is_true(json_object_get(rest, "rest")) && json_is_null(json_object_get(rest, "value")));
	assert_true(number_of(rest, "units") == (double)(units[15] + units[16] + units[17] + units[18] + units[19]));
	size_t i, missing = 0;
	json_array_foreach(values, i, value)
		missing += json_is_null(json_object_get(value, "value")) && json_is_false(json_object_get(value, "rest")) &&
			   number_of(value, "units") == (double)units[20];
	assert_int_equal(missing, 1);
	json_decref(document);
	expect_refused("experiments analyze e --exposures odd --segment citi", 2, "did you mean `city`?");
}

/* Of `f`, every other unit of `e` has `one` or `two`, independently; of `g`, which only `new` reaches, `old` has none. */
static void units_of_two_experiments_are_tabulated(void **state)
{
	static const struct {
		const char *name;
		bool depends;
	} others[] = {{"f", false}, {"g", true}};
	size_t length;
	(void)state;
	files_write();
	FILE *file = fopen("exposures", "r");
	assert_non_null(file);
	length = fread(lines, 1, sizeof lines / 2, file);
	assert_int_equal(fclose(file), 0);
	for (size_t k = 0; k < 2; k++)
		for (int i = 0; i < 800; i++) { /* again from 400 on, and all of them `one`: the first time counts */
			const int unit = i % 400;
			const bool one = i >= 400 || (others[k].depends ? is_new(unit) : unit / 4 % 2);
			length += (size_t)snprintf(lines + length, sizeof lines - length,
						   "{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"%s\", "
						   "\"variant\": \"%s\", \"probability\": 0.5}\n",
						   i, unit, i + 1, others[k].name, one ? "one" : "two");
		}
	write_file("odd", lines);
	json_t *document = said_json("experiments analyze e --exposures odd --feedback feedback -o json");
	const json_t *overlaps = json_object_get(document, "overlaps"), *counts, *cell;
	assert_int_equal(json_array_size(overlaps), 2);
	for (size_t k = 0; k < 2; k++) {
		const json_t *table = json_array_get(overlaps, k);
		double of_new_one = -1;
		size_t i;
		assert_string_equal(json_string_value(json_object_get(table, "experiment")), others[k].name);
		assert_true(number_of(table, "units") == 400);
		assert_true(json_is_true(json_object_get(table, "dependent")) == others[k].depends);
		counts = json_object_get(table, "counts");
		json_array_foreach(counts, i, cell)
			if (strcmp(json_string_value(json_object_get(cell, "variant")), "new") == 0 &&
			    strcmp(json_string_value(json_object_get(cell, "other")), "one") == 0)
				of_new_one = number_of(cell, "units");
		assert_true(of_new_one == (others[k].depends ? 100 : 50)); /* of 100 units of `new` */
		assert_true(others[k].depends || fabs(number_of(table, "p") - 1) < 1e-12);
	}
	json_decref(document);
	struct said said = say_with(step_kinds, "experiments analyze e --exposures odd --feedback feedback");
	expect_words(said.out, "Overlap with g: 400 units in both, the choices depend on each other (p ");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e --exposures odd --feedback feedback -o html");
	expect_words(said.out, "<h2>Overlap with f</h2>");
	said_close(&said);
	document = said_json("experiments analyze e" FILES " -o json");
	assert_int_equal(json_array_size(json_object_get(document, "overlaps")), 0);
	json_decref(document);
}

/* By the pipeline's name, and by files that have the experiment. */
static void topics_of_a_pipeline_are_read(void **state)
{
	static const char *const exposures = "sluice.default.pipeline.shop.exposures",
		*const feedback = "sluice.default.pipeline.shop.feedback";
	static const char *const ways[] = {"--pipeline shop", "-f e.yaml"};
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	for (int i = 0; i < 6; i++) {
		(void)snprintf(line, sizeof line, "{\"id\":\"r%d\",\"experiment\":\"e\",\"variant\":\"%s\",\"probability\":0.5}", i,
			       i % 2 ? "a" : "b");
		mock_append(&mock, exposures, TEXT("k"), text_of(line));
		(void)snprintf(line, sizeof line, "{\"id\":\"r%d\",\"reward\":%d}", i, i);
		mock_append(&mock, feedback, TEXT("k"), text_of(line));
	}
	mock_append(&mock, exposures, TEXT("k"), TEXT("what nobody can read"));
	write_file("e.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: shop}\nspec:\n  steps:\n"
			     "  - {name: s, experiment: {name: e, candidates: [{name: a, weight: 1}, {name: b, weight: 1}]}}\n"
			     "  output: {steps: [s]}\n");
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		(void)snprintf(line, sizeof line, "experiments analyze e %s --brokers %s -o json", ways[i], mock.brokers);
		struct said said = say_with(step_kinds, line);
		if (said.code != 0)
			fail_msg("%s", said.err);
		expect_words(said.err, "1 record that cannot be read was left out");
		json_t *document = json_loads(said.out, 0, NULL);
		const json_t *health = json_object_get(document, "health");
		assert_true(number_of(health, "exposures") == 6 && number_of(health, "feedback") == 6);
		const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
		assert_string_equal(json_string_value(json_object_get(metric, "name")), "reward");
		json_decref(document);
		said_close(&said);
	}
	mock_close(&mock);
}

static void unit_write(const struct mock *mock, const char *pipeline, const char *experiment)
{
	char topic[128], line[256];
	(void)snprintf(topic, sizeof topic, "sluice.default.pipeline.%s.exposures", pipeline);
	(void)snprintf(line, sizeof line,
		       "{\"id\":\"%s1\",\"unit\":\"u\",\"experiment\":\"%s\",\"variant\":\"a\",\"probability\":0.5}", experiment,
		       experiment);
	mock_append(mock, topic, TEXT("k"), text_of(line));
	(void)snprintf(topic, sizeof topic, "sluice.default.pipeline.%s.feedback", pipeline);
	(void)snprintf(line, sizeof line, "{\"id\":\"%s1\",\"reward\":1}", experiment);
	mock_append(mock, topic, TEXT("k"), text_of(line));
}

/* The one in `shop` shares the pipeline of `e`; the one in `cart` has its metric and unit only. */
static void an_experiment_of_another_pipeline_is_not_tabulated(void **state)
{
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	unit_write(&mock, "shop", "e");
	unit_write(&mock, "shop", "f");
	unit_write(&mock, "cart", "g");
	(void)snprintf(line, sizeof line, "experiments analyze e --pipeline shop --pipeline cart --brokers %s -o json",
		       mock.brokers);
	json_t *document = said_json(line);
	const json_t *overlaps = json_object_get(document, "overlaps");
	assert_int_equal(json_array_size(overlaps), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(overlaps, 0), "experiment")), "f");
	json_decref(document);
	mock_close(&mock);
}

static void a_policy_is_estimated_from_the_records(void **state)
{
	(void)state;
	double of_new = 0, of_best = 0, count = 0;
	for (int i = 0; i < REQUESTS; i++) {
		if (is_new(i)) {
			of_new += reward(i);
			count++;
		}
		of_best += 10 + i / 8 % 5 + (feature(i) > 0 ? 1 : 0);
	}
	write_file("policy", "{\"always\": \"new\"}");
	json_t *document = said_json("experiments evaluate e --policy policy" FILES " -o json");
	assert_true(fabs(number_of(document, "snips") - of_new / count) < 1e-9);
	assert_true(fabs(number_of(document, "effective_sample_size") - count) < 1e-6);
	assert_int_equal(json_array_size(json_object_get(document, "refused")), 0);
	json_decref(document);
	/* By its feature a policy chooses better than either variant. */
	write_file("policy", "{\"features\": [\"x\"], \"scores\": {\"old\": [0, 0], \"new\": [0, 1]}, \"explore\": 0}");
	document = said_json("experiments evaluate e --policy policy" FILES " -o json");
	assert_true(fabs(number_of(document, "doubly_robust") - of_best / REQUESTS) <
		    4 * number_of(document, "doubly_robust_standard_error"));
	assert_true(number_of(document, "doubly_robust_low") > number_of(document, "recorded"));
	json_decref(document);
	write_file("policy", "{\"probabilities\": {\"old\": 0.75, \"new\": 0.25}}");
	document = said_json("experiments evaluate e --policy policy" FILES " -o json");
	assert_true(fabs(number_of(document, "ips") - number_of(document, "recorded")) < 1e-9);
	json_decref(document);
}

static void policies_that_are_none_are_refused(void **state)
{
	static const struct {
		const char *policy, *words;
	} wrong[] = {
		{"{", "not JSON"},
		{"{}", "none of `always`"},
		{"{\"always\": \"odl\"}", "did you mean `old`?"},
		{"{\"probabilities\": {\"old\": 0.5}}", "sum to 0.5"},
		{"{\"probabilities\": {\"old\": -1, \"new\": 2}}", "no number from 0 to 1"},
		{"{\"features\": [\"x\"], \"scores\": {\"old\": [1]}}", "must have 2 numbers"},
		{"{\"scores\": {\"old\": [1]}, \"explore\": 2}", "`explore`"},
		{"{\"features\": [\"xx\"], \"scores\": {\"old\": [1, 2]}}", "has the feature `xx`, and no exposure"},
		{"{\"scores\": {\"old\": [1]}, \"explor\": 0}", "no member `explor`; did you mean `explore`?"},
		{"{\"always\": \"new\", \"explore\": 0.1}", "`explore` without `scores`"},
		{"{\"always\": \"new\", \"probabilities\": {\"new\": 1}}", "both `always` and `probabilities`"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		write_file("policy", wrong[i].policy);
		expect_refused("experiments evaluate e --policy policy" FILES, 1, wrong[i].words);
	}
	/* Too few records are no recommendation. */
	write_file("policy", "{\"always\": \"new\"}");
	write_file("odd", "{\"id\": \"r0\", \"reward\": 1}\n{\"id\": \"r1\", \"reward\": 1}\n");
	struct said said = say_with(step_kinds, "experiments evaluate e --policy policy --exposures exposures --feedback odd");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "No recommendation");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_json_are_analysed),
		cmocka_unit_test(values_that_do_not_vary_or_are_too_large_are_named),
		cmocka_unit_test(a_rollout_is_explained),
		cmocka_unit_test(a_plan_says_that_a_probability_promotes_equal_candidates),
		cmocka_unit_test(records_of_avro_follow_one_another),
		cmocka_unit_test(data_that_are_none_are_refused_with_their_line),
		cmocka_unit_test(files_say_the_control_and_the_shares),
		cmocka_unit_test(the_default_of_an_experiment_of_pipelines_is_listed),
		cmocka_unit_test(latencies_are_a_metric_of_exposures),
		cmocka_unit_test(segments_are_read_by_a_share_of_alpha),
		cmocka_unit_test(few_segments_and_the_rest),
		cmocka_unit_test(units_of_two_experiments_are_tabulated),
		cmocka_unit_test(topics_of_a_pipeline_are_read),
		cmocka_unit_test(an_experiment_of_another_pipeline_is_not_tabulated),
		cmocka_unit_test(a_policy_is_estimated_from_the_records),
		cmocka_unit_test(policies_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
