/* experiments_skewed_test.c: Tests of `experiments analyze` of a small variant of skewed values: equal variants are not decided,
 * and all views say what the interval assumes and what a cap would find. */
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

#include "methods/bandits/best_arm.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define UNITS 6000
#define BYTES_MOST 160 /* of an exposure with its feedback */
#define COMMAND "experiments analyze e --exposures exposures --feedback feedback --metric spent -f e.yaml"
#define EXPERIMENT                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"                     \
	"  candidates:\n  - {name: new, weight: 5}\n  - {name: old, weight: 95}\n"

static char folder[] = "/tmp/sluice-skewed-XXXXXX";

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

static double number_of(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

/* A twentieth of the units get `new`, which is equal. Of twenty users one spends something; or all do, alike. */
static void units_write(uint64_t seed, bool is_skewed)
{
	char *exposures = malloc((size_t)UNITS * BYTES_MOST), *feedback = malloc((size_t)UNITS * BYTES_MOST);
	size_t exposed = 0, told = 0;
	struct random chance = {seed};
	assert_true(exposures && feedback);
	for (int i = 0; i < UNITS; i++) {
		const bool is_new = uniform_draw(&chance) < 0.05;
		const double spent = !is_skewed				 ? 10 + normal_draw(&chance)
				     : uniform_draw(&chance) < 0.05 ? exp(1.5 * normal_draw(&chance))
								    : 0;
		exposed +=
			(size_t)snprintf(exposures + exposed, BYTES_MOST,
					 "{\"id\":\"r%d\",\"unit\":\"u%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\","
					 "\"probability\":%s}\n",
					 i, i, 1000 * (i + 1), is_new ? "new" : "old", is_new ? "0.05" : "0.95");
		told += (size_t)snprintf(feedback + told, BYTES_MOST, "{\"id\":\"r%d\",\"metrics\":{\"spent\":%.6f}}\n", i, spent);
	}
	write_file("exposures", exposures);
	write_file("feedback", feedback);
	free(exposures);
	free(feedback);
}

/* Of this seed the 300 users of `new` spent little so far; by their own variance alone that was certain. */
static void an_equal_small_variant_is_not_called_worse(void **state)
{
	(void)state;
	units_write(38, true);
	json_t *document = analysed(COMMAND " -o json");
	const json_t *pair = pair_of(document), *sequence = json_object_get(pair, "always_valid");
	assert_true(json_is_false(json_object_get(sequence, "decided")));
	assert_string_equal(json_string_value(json_object_get(pair, "state")), "open");
	const double better = number_of(json_object_get(pair, "bayes"), "p_better");
	assert_true(better > 0.01 && better < 0.5); /* by its own variance, one of millions */
	const json_t *skewness = json_object_get(pair, "skewness"), *capped = json_object_get(skewness, "capped");
	const double value = number_of(skewness, "value");
	assert_true(value > 5);
	assert_true(number_of(skewness, "units_of_each_needed") == ceil(355 * value * value));
	assert_true(number_of(capped, "cap") == 0.99 && number_of(capped, "low") > 0 && number_of(capped, "p") <= 1);
	const json_t *interval = json_object_get(capped, "interval"), *whole = json_object_get(sequence, "interval");
	assert_true(number_of(capped, "difference") > json_number_value(json_array_get(interval, 0)));
	assert_true(json_number_value(json_array_get(interval, 1)) - json_number_value(json_array_get(interval, 0)) <
		    json_number_value(json_array_get(whole, 1)) - json_number_value(json_array_get(whole, 0)));
	json_decref(document);
}

static void all_views_say_what_is_assumed_and_what_a_cap_finds(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, COMMAND);
	expect_words(said.out, "    skewed        the smaller variant has ");
	expect_words(said.out, "because `spent` of `new` is skewed: the smaller variant has ");
	expect_words(said.out, "    capped        ");
	expect_words(said.out, "; `cap: 0.99` decides by it\n");
	said_close(&said);
	said = say_with(step_kinds, COMMAND " -o html");
	expect_words(said.out, "; new, skewed: the smaller variant has ");
	expect_words(said.out, "; capped: ");
	said_close(&said);
}

static void values_that_are_not_skewed_need_no_words(void **state)
{
	(void)state;
	units_write(1, false);
	struct said said = say_with(step_kinds, COMMAND);
	assert_null(strstr(said.out, "skewed"));
	assert_null(strstr(said.out, "capped"));
	said_close(&said);
}

/* What is asked for is what decides; nothing stands beside it. */
static void a_cap_of_the_metric_has_no_figure_beside_it(void **state)
{
	(void)state;
	units_write(38, true);
	write_file("e.yaml", EXPERIMENT "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
					"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
					"  metrics: [{name: spent, type: gauge, value: reward, cap: 0.99}]\n");
	struct said said = say_with(step_kinds, COMMAND);
	expect_words(said.out, "  capped between ");
	assert_null(strstr(said.out, "decides by it"));
	said_close(&said);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	write_file("e.yaml", EXPERIMENT);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_equal_small_variant_is_not_called_worse),
		cmocka_unit_test(all_views_say_what_is_assumed_and_what_a_cap_finds),
		cmocka_unit_test(values_that_are_not_skewed_need_no_words),
		cmocka_unit_test(a_cap_of_the_metric_has_no_figure_beside_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
