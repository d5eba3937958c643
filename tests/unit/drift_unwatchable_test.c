/* drift_unwatchable_test.c: Tests of what is said of a reference by which a feature can never have drift: by `fit`, `lint` and
 * `drift report`, with its cause and the next step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "statistics/distribution.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define ROWS 400
#define YAML(options)                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {reference: ref.json, falseAlarms: 0.5 per 1000, " options "}}\n"                   \
	"  output: {steps: [m]}\n"
#define TREND                                                                                                                      \
	"1 of 2 features rise or fall over the reference, so no window of 50 rows can have drift in them, whatever its values "    \
	"are: `level` rises, and says there as much as "
#define NEXT                                                                                                                       \
	" independent values. Learn the reference from fewer rows, over which they are steady, or watch their change from one "    \
	"message to the next, as `x - lag(x, 1)` in a step `features`"

static struct random chance;

static double normal(void)
{
	return normal_quantile(((double)(random_next(&chance) >> 12) + 0.5) * 0x1p-52);
}

/* Rows of a level that rises by so many deviations, and of a column whose values follow from those before. */
static void csv_write(double rise)
{
	static char rows[ROWS * 40];
	size_t length = (size_t)snprintf(rows, sizeof rows, "level,carried\n");
	double carried = 0;
	chance.state = 5;
	for (int i = 0; i < ROWS; i++) {
		carried = 0.8 * carried + normal();
		length += (size_t)snprintf(rows + length, sizeof rows - length, "%.6f,%.6f\n", normal() + rise * i / ROWS, carried);
	}
	write_file("rows.csv", rows);
}

static void expect_said(const char *line, const char *words)
{
	struct said said = say_with(step_kinds, line);
	if (words) {
		expect_words(said.err, words);
		expect_words(said.err, NEXT);
	} else {
		assert_string_equal(said.err, "");
	}
	said_close(&said);
}

static void a_trend_is_named_with_its_cause_and_the_next_step(void **state)
{
	(void)state;
	csv_write(3);
	write_file("p.yaml", YAML("window: 50"));
	expect_said("fit drift rows.csv -f p.yaml --out ref.json", TREND);
	expect_said("drift report rows.csv -f p.yaml", TREND);
	struct said said = say_with(step_kinds, "lint p.yaml");
	expect_words(said.out, "SL0714");
	expect_words(said.out, "step `watch`: " TREND);
	expect_words(said.out, NEXT);
	said_close(&said);
}

static void steady_features_are_not(void **state)
{
	(void)state;
	csv_write(0);
	write_file("p.yaml", YAML("window: 50"));
	expect_said("fit drift rows.csv -f p.yaml --out ref.json", NULL);
	expect_said("drift report rows.csv -f p.yaml", NULL);
	struct said said = say_with(step_kinds, "lint p.yaml");
	assert_null(strstr(said.out, "SL0714"));
	said_close(&said);
}

static void mmd_is_named_where_the_feature_takes_its_rows(void **state)
{
	(void)state;
	csv_write(-3);
	write_file("p.yaml", YAML("window: 50, methods: [ks, mmd]"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	expect_words(said.err, "`level` falls, and says there as much as ");
	expect_words(said.err, NEXT ". Besides, mmd counts the rows of all features like those of the one that follows most from "
				    "rows before: leave such features out of `tensors`\n");
	said_close(&said);
}

static void a_window_of_an_hour_is_supposed_where_a_rate_is_by_time(void **state)
{
	(void)state;
	csv_write(3);
	write_file("p.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"
		   "  - {name: watch, inputs: [m], drift: {reference: ref.json, window: 50}}\n  output: {steps: [m]}\n");
	expect_said("fit drift rows.csv -f p.yaml --out ref.json",
		    "so no window of 50 rows, if it takes an hour at most, can have drift in them");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trend_is_named_with_its_cause_and_the_next_step),
		cmocka_unit_test(steady_features_are_not),
		cmocka_unit_test(mmd_is_named_where_the_feature_takes_its_rows),
		cmocka_unit_test(a_window_of_an_hour_is_supposed_where_a_rate_is_by_time),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
