/* experiments_rare_test.c: Tests of `experiments analyze` of rare outcomes: what the decision is by, and that all views say it. */
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

#define UNITS 24000
#define BYTES_MOST 140 /* of an exposure with its feedback */
#define COMMAND "experiments analyze e --exposures exposures --feedback feedback --metric crash --lower crash -f e.yaml"

static char folder[] = "/tmp/sluice-rare-XXXXXX";

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

/* So many units of `new` crashed, one of 1,000 as they came, and none of `old`. */
static void units_write(int crashed)
{
	char *exposures = malloc((size_t)UNITS * BYTES_MOST), *feedback = malloc((size_t)UNITS * BYTES_MOST);
	size_t exposed = 0, told = 0;
	assert_true(exposures && feedback);
	for (int i = 0; i < UNITS; i++) {
		exposed +=
			(size_t)snprintf(exposures + exposed, BYTES_MOST,
					 "{\"id\":\"r%d\",\"unit\":\"u%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\","
					 "\"probability\":0.5}\n",
					 i, i, 1000 * (i + 1), i % 2 ? "new" : "old");
		told += (size_t)snprintf(feedback + told, BYTES_MOST, "{\"id\":\"r%d\",\"metrics\":{\"crash\":%d}}\n", i,
					 i % 2 && i / 2 % 500 == 0 && i / 1000 < crashed);
	}
	write_file("exposures", exposures);
	write_file("feedback", feedback);
	free(exposures);
	free(feedback);
}

/* 12 of 24,000 crashed, each of them with `new`: by chance all have one variant in 1 of 2,048 experiments. */
static void rare_outcomes_decide_by_the_arm_that_they_came_from(void **state)
{
	(void)state;
	units_write(12);
	json_t *document = analysed(COMMAND " -o json");
	const json_t *pair = pair_of(document), *sequence = json_object_get(pair, "always_valid");
	assert_string_equal(json_string_value(json_object_get(sequence, "method")), "conditional binomial");
	const double p = json_number_value(json_object_get(sequence, "p"));
	const json_t *interval = json_object_get(sequence, "interval");
	assert_true(p < 0.05 && json_is_true(json_object_get(sequence, "decided")));
	assert_true(json_number_value(json_array_get(interval, 0)) > 0);
	assert_string_equal(json_string_value(json_object_get(pair, "state")), "worse");
	json_decref(document);
	struct said said = say_with(step_kinds, COMMAND);
	expect_words(said.out, " (conditional binomial)\n");
	said_close(&said);
	said = say_with(step_kinds, COMMAND " -o html");
	expect_words(said.out, "<td>conditional binomial</td>");
	said_close(&said);
}

static void others_decide_by_what_they_did(void **state)
{
	(void)state;
	units_write(3);
	json_t *document = analysed(COMMAND " -o json");
	const json_t *sequence = json_object_get(pair_of(document), "always_valid");
	assert_true(json_number_value(json_object_get(sequence, "p")) > 0.05);
	assert_true(json_number_value(json_array_get(json_object_get(sequence, "interval"), 0)) < 0);
	json_decref(document);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	write_file("e.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
			     "  candidates:\n  - {name: new, weight: 50}\n  - {name: old, weight: 50}\n");
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
		cmocka_unit_test(rare_outcomes_decide_by_the_arm_that_they_came_from),
		cmocka_unit_test(others_decide_by_what_they_did),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
