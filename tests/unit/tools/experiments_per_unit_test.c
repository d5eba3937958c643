/* experiments_per_unit_test.c: Tests of `experiments analyze` where a metric declares what a unit counts as. The users of `new`
 * come twice as often as those of `old`, and each request of a user who pays earns about the same. */
#include <math.h>
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

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define USERS 400
#define VISITS 3 /* of each user of `old` */
#define FILES " --exposures exposures --feedback feedback -f e.yaml"

static char folder[] = "/tmp/sluice-per-unit-XXXXXX";
static char exposures[USERS * 2 * VISITS * 200], feedback[USERS * 2 * VISITS * 100];

/* In turns, so that all are there from the beginning; one user of five never pays. */
static void visits_write(const char *behind)
{
	size_t exposed = 0, paid = 0;
	for (int visit = 0; visit < 2 * VISITS; visit++)
		for (int i = 0; i < USERS; i++) {
			const bool is_new = i % 2;
			if (visit >= VISITS && !is_new)
				continue;
			exposed += (size_t)snprintf(exposures + exposed, sizeof exposures - exposed,
						    "{\"id\": \"r%d.%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": "
						    "\"e\", \"variant\": \"%s\", \"probability\": 0.5%s}\n",
						    i, visit, i, 1000 * (visit * USERS + i + 1), is_new ? "new" : "old", behind);
			if (i / 2 % 5 != 0)
				paid += (size_t)snprintf(feedback + paid, sizeof feedback - paid,
							 "{\"id\": \"r%d.%d\", \"metrics\": {\"revenue\": %d}}\n", i, visit,
							 8 + (i / 2 + visit) % 7);
		}
	write_file("exposures", exposures);
	write_file("feedback", feedback);
}

static void metric_write(const char *per_unit)
{
	char yaml[1024];
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		       "  candidates:\n  - {name: new, weight: 50}\n  - {name: old, weight: 50}\n---\n"
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		       "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
		       "  metrics: [{name: revenue, type: counter, value: reward, role: primary%s}]\n",
		       per_unit);
	write_file("e.yaml", yaml);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	visits_write("");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("exposures");
	(void)unlink("feedback");
	(void)unlink("e.yaml");
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

static json_t *analysed(const char *line)
{
	struct said said = say_with(step_kinds, line);
	assert_int_equal(said.code, 0);
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	said_close(&said);
	return document;
}

static const json_t *pair_of(const json_t *document)
{
	return json_array_get(json_object_get(json_array_get(json_object_get(document, "metrics"), 0), "pairs"), 0);
}

static void expect_state(const char *decision, const char *pair_state)
{
	json_t *document = analysed("experiments analyze e" FILES " -o json");
	assert_string_equal(json_string_value(json_object_get(document, "decision")), decision);
	assert_string_equal(json_string_value(json_object_get(pair_of(document), "state")), pair_state);
	json_decref(document);
}

static void a_mean_does_not_see_how_often_a_user_comes(void **state)
{
	(void)state;
	metric_write("");
	expect_state("keep", "equal");
}

static void a_sum_sees_how_often_a_user_comes(void **state)
{
	(void)state;
	metric_write(", perUnit: sum");
	expect_state("ship", "better");
	json_t *document = analysed("experiments analyze e" FILES " -o json");
	const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
	const json_t *variant = json_array_get(json_object_get(metric, "variants"), 0), *pair = pair_of(document);
	assert_string_equal(json_string_value(json_object_get(metric, "per_unit")), "sum");
	assert_int_equal(json_integer_value(json_object_get(variant, "units")), USERS / 2); /* those who never pay too */
	const double gained = json_number_value(json_object_get(pair, "difference")) * USERS / 2;
	const json_t *gain = json_object_get(pair, "gain");
	const json_t *last = json_array_get(gain, json_array_size(gain) - 1);
	assert_true(fabs(json_number_value(json_object_get(last, "estimate")) - gained) < 1e-6 * gained);
	json_decref(document);
	struct said said = say_with(step_kinds, "experiments analyze e" FILES);
	expect_words(said.out, "revenue (primary, higher is better, a unit counts as the sum of its values, 0 without one)\n");
	expect_words(said.out, "    last look     +");
	expect_words(said.out, " at every look; +");
	assert_null(strstr(said.out, "    every look    "));
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	expect_words(said.out, "; a unit counts as the sum of its values, 0 without one");
	expect_words(said.out, "the difference, times the units of the variant");
	expect_words(said.out, " <i>last look</i></td>");
	expect_words(said.out, "holds at that one alone; its p holds at every look.");
	expect_words(said.out, "; those of sums at the last look alone. ");
	said_close(&said);
}

/* Users of `new` pay as those of `old`: half of them 165 a request, the others 135. But those who pay more
 * come six times, and the others once. */
static void rich_visits_write(void)
{
	size_t length = 0;
	for (int i = 0; i < USERS; i++) {
		const bool is_rich = i / 2 % 2;
		for (int visit = 0; visit < (i % 2 == 0 ? VISITS : is_rich ? 2 * VISITS : 1); visit++)
			length += (size_t)snprintf(feedback + length, sizeof feedback - length,
						   "{\"id\": \"r%d.%d\", \"metrics\": {\"revenue\": %d}}\n", i, visit,
						   (is_rich ? 165 : 135) + 10 * ((i / 2 + visit) % 3 - 1));
	}
	write_file("feedback", feedback);
}

static void a_ratio_is_of_requests(void **state)
{
	(void)state;
	rich_visits_write();
	metric_write("");
	expect_state("keep", "equal");
	metric_write(", perUnit: ratio");
	expect_state("ship", "better");
	json_t *document = analysed("experiments analyze e" FILES " -o json");
	const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
	const json_t *variants = json_object_get(metric, "variants");
	assert_string_equal(json_string_value(json_object_get(metric, "per_unit")), "ratio");
	for (size_t i = 0; i < 2; i++) {
		const json_t *variant = json_array_get(variants, i);
		const bool is_new = strcmp(json_string_value(json_object_get(variant, "name")), "new") == 0;
		const double mean = json_number_value(json_object_get(variant, "mean"));
		assert_true(fabs(mean - (is_new ? 1125.0 / 7 : 150)) < 1);
	}
	json_decref(document);
	struct said said = say_with(step_kinds, "experiments analyze e" FILES);
	expect_words(said.out, "higher is better, the sum of all values by their number)\n");
	expect_words(said.out, "    every look    ");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	assert_null(strstr(said.out, "last look</i>"));
	said_close(&said);
	visits_write("");
}

/* It says so, rather than that the covariate explains nothing. */
static void a_ratio_has_no_covariate(void **state)
{
	(void)state;
	visits_write(", \"context\": {\"age\": 7}");
	metric_write(", perUnit: ratio");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " --covariate age");
	expect_words(said.out, "    CUPED         not of a ratio\n");
	assert_null(strstr(said.out, "slope"));
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " --covariate age -o html");
	expect_words(said.out, "revenue: new</th><td colspan=\"3\">not of a ratio</td>");
	said_close(&said);
	json_t *document = analysed("experiments analyze e" FILES " --covariate age -o json");
	assert_null(json_object_get(pair_of(document), "cuped"));
	json_decref(document);
	metric_write(", perUnit: sum");
	said = say_with(step_kinds, "experiments analyze e" FILES " --covariate age");
	expect_words(said.out, "    CUPED         slope ");
	said_close(&said);
	visits_write("");
}

/* A user enters with the first request whose window has passed; what is not over yet is not in the sum. */
static void a_sum_has_requests_whose_window_has_passed(void **state)
{
	(void)state;
	metric_write(", perUnit: sum");
	json_t *document = analysed("experiments analyze e" FILES " --window 2100s -o json");
	const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
	const json_t *variant = json_array_get(json_object_get(metric, "variants"), 0);
	assert_int_equal(json_integer_value(json_object_get(variant, "units")), 150);
	json_decref(document);
}

/* A policy chooses for each request, so a sum of a unit is of no one choice. */
static void a_policy_has_no_sums(void **state)
{
	(void)state;
	metric_write(", perUnit: sum");
	visits_write(", \"reason\": \"policy\"");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES);
	expect_words(said.out, "each request counts by itself, as a policy chose for it)\n");
	said_close(&said);
}

static void another_word_is_refused(void **state)
{
	(void)state;
	metric_write(", perUnit: total");
	struct said said = say_with(step_kinds, "lint e.yaml");
	expect_words(said.out, "perUnit");
	said_close(&said);
}

/* Of 1,800 requests 90 have a profit: too few for a quantile of theirs. */
static void a_cap_of_rare_values_says_that_it_waits(void **state)
{
	size_t length = 0;
	(void)state;
	metric_write(", cap: 99%");
	for (int i = 0; i < USERS; i++)
		for (int visit = 0; visit < VISITS * (1 + i % 2); visit++)
			length += (size_t)snprintf(feedback + length, sizeof feedback - length,
						   "{\"id\": \"r%d.%d\", \"metrics\": {\"revenue\": %d}}\n", i, visit,
						   i / 2 % 20 == 0 ? 8 + visit : 0);
	write_file("feedback", feedback);
	struct said said = say_with(step_kinds, "experiments analyze e" FILES);
	expect_words(said.out, "  not capped: of the first 1800 values 90 are not 0, and 100 such values are needed\n");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	expect_words(said.out, "; not capped: of the first 1800 values 90 are not 0");
	said_close(&said);
	visits_write("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mean_does_not_see_how_often_a_user_comes),
		cmocka_unit_test(a_sum_sees_how_often_a_user_comes),
		cmocka_unit_test(a_ratio_is_of_requests),
		cmocka_unit_test(a_ratio_has_no_covariate),
		cmocka_unit_test(a_sum_has_requests_whose_window_has_passed),
		cmocka_unit_test(a_policy_has_no_sums),
		cmocka_unit_test(another_word_is_refused),
		cmocka_unit_test(a_cap_of_rare_values_says_that_it_waits),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
