/* drift_unwatchable_test.c: Tests of what is said of a reference by which a feature can never have drift: by `fit`, `lint` and
 * `drift report`, with its cause and the next step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/number/random.h"
#include "methods/statistics/distribution.h"
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
	expect_words(said.err, words);
	expect_words(said.err, NEXT);
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
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	assert_null(strstr(said.err, "rise or fall"));
	assert_null(strstr(said.err, "`level`"));
	said_close(&said);
}

/* And windows without an independent value in each few rows find large changes alone, which is said with each test. */
static void tests_that_find_large_changes_alone_are_named_with_the_smallest(void **state)
{
	static const char words[] =
		"In windows of 50 rows, tests of 1 of 2 features find large changes alone, of more than a standard deviation or of "
		"more than half of the values. The smallest change that each of these finds: `carried` (ks ";
	(void)state;
	csv_write(0);
	write_file("p.yaml", YAML("window: 50"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	expect_words(said.err, words);
	expect_words(said.err, " standard deviations");
	expect_words(said.err, "). Take larger windows, or a reference of a longer time");
	said_close(&said);
	said = say_with(step_kinds, "drift report rows.csv -f p.yaml");
	expect_words(said.err, words);
	said_close(&said);
	said = say_with(step_kinds, "lint p.yaml");
	expect_words(said.out, "SL0714");
	expect_words(said.out, words);
	said_close(&said);
}

/* A daily load, and windows of less than a day. */
static void a_season_is_named_with_the_window_that_holds_it(void **state)
{
	static char rows[3000 * 20];
	static const char words[] =
		"`load` repeats about every 300 rows: take a window of a whole season, `window: 300`, or of several";
	size_t length = (size_t)snprintf(rows, sizeof rows, "load,price\n");
	(void)state;
	chance.state = 6;
	for (int i = 0; i < 3000; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "%.3f,%.3f\n",
					   sin(2 * M_PI * i / 300) + 0.3 * normal(), normal());
	write_file("rows.csv", rows);
	write_file("p.yaml", YAML("window: 200"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	expect_words(said.err, words);
	said_close(&said);
	said = say_with(step_kinds, "drift report rows.csv -f p.yaml");
	expect_words(said.err, words);
	said_close(&said);
	said = say_with(step_kinds, "lint p.yaml");
	expect_words(said.out, words);
	said_close(&said);
	write_file("p.yaml", YAML("window: 350"));
	said = say_with(step_kinds, "lint p.yaml"); /* a smaller window would find less */
	expect_words(said.out, "`load` repeats about every 300 rows: take a window of whole seasons, `window: 600`, or of more");
	said_close(&said);
	write_file("p.yaml", YAML("window: 300"));
	said = say_with(step_kinds, "lint p.yaml");
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
				    "rows before: leave such features out of `tensors`. In windows of 50 rows, ");
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

#define LONG "_with_a_name_that_is_as_long_as_few_names_are_but_may_be"
#define STEP "watch-of-all-the-features-that-the-model-of-prices-is-given-by-u"

/* Three that rise, three of states that last, and three with few values. */
static void mixed_write(void)
{
	static char rows[ROWS * 100];
	size_t length = 0;
	static const char *const kinds[] = {"level", "state", "rare"};
	chance.state = 5;
	for (int i = 0; i < 9; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "%s%d" LONG "%s", kinds[i / 3], i % 3,
					   i < 8 ? "," : "\n");
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < 9; j++) {
			const double moved = j < 3 ? 3.0 * i / ROWS : j < 6 ? i / 100 % 2 * 10 : 0;
			const double value = normal() + moved;
			if (j < 6 || i % 7 == 0)
				length += (size_t)snprintf(rows + length, sizeof rows - length, "%.4f", value);
			length += (size_t)snprintf(rows + length, sizeof rows - length, j < 8 ? "," : "\n");
		}
	write_file("rows.csv", rows);
}

/* With each cause, long names, and a rate by time. */
static void the_longest_remark_is_whole(void **state)
{
	static const char *const parts[] = {
		"3 of 9 features rise or fall over the reference, so no window of 200 rows, if it takes an hour at most, can have "
		"drift in them, whatever its values are: `level0_with_a_name_that_is_as_...` rises, and says there as much as ",
		" independent values; and 2 more. Learn the reference from fewer rows",
		"Nor can it in 3 that follow closely from the rows before, as in a season or in states that last: "
		"`state0_with_a_name_that_is_as_...`; and 2 more. Take larger windows, or a reference of a longer time. ",
		"Nor can it in 3 at this rate of false alarms: `rare0_with_a_name_that_is_as_l...`; and 2 more. Take larger "
		"windows, "
		"fewer features or methods, or a higher rate. Besides, mmd counts ",
		"before: leave such features out of `tensors`"};
	(void)state;
	mixed_write();
	write_file("p.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"
		   "  - {name: " STEP ", inputs: [m], drift: {reference: ref.json, falseAlarms: 1e-36 per 30d, window: 200, "
		   "methods: [ks, mmd]}}\n  output: {steps: [m]}\n");
	struct said fit = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	struct said lint = say_with(step_kinds, "lint p.yaml");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		expect_words(fit.err, parts[i]);
		expect_words(lint.out, parts[i]);
	}
	expect_words(lint.out, "out of `tensors` [SL0714");
	said_close(&fit);
	said_close(&lint);
}

/* Its laws take seconds to draw: only lint asks, and nothing that starts or reloads pipelines. */
static void only_lint_asks(void **state)
{
	(void)state;
	csv_write(3);
	write_file("p.yaml", YAML("window: 50"));
	expect_said("fit drift rows.csv -f p.yaml --out ref.json", TREND);
	struct said said = say_with(step_kinds, "plan p.yaml");
	assert_null(strstr(said.out, "SL0714"));
	assert_null(strstr(said.err, "SL0714"));
	assert_null(strstr(said.out, "rise or fall"));
	said_close(&said);
}

/* Several features of one cause are named. */
static void three_of_one_cause_are_named(void **state)
{
	(void)state;
	write_file("p.yaml", YAML("window: 50"));
	static char rows[ROWS * 60];
	size_t length = (size_t)snprintf(rows, sizeof rows, "a,b,c,d\n");
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < 4; j++)
			length += (size_t)snprintf(rows + length, sizeof rows - length, "%.4f%s", normal() + 3.0 * i / ROWS,
						   j < 3 ? "," : "\n");
	write_file("rows.csv", rows);
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	expect_words(said.err, "4 of 4 features rise or fall over the reference");
	expect_words(said.err, "`c` rises, and says there as much as ");
	expect_words(said.err, "; and 1 more. Learn");
	expect_words(said.err, "as `x - lag(x, 1)` in a step `features`\n");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trend_is_named_with_its_cause_and_the_next_step),
		cmocka_unit_test(steady_features_are_not),
		cmocka_unit_test(tests_that_find_large_changes_alone_are_named_with_the_smallest),
		cmocka_unit_test(a_season_is_named_with_the_window_that_holds_it),
		cmocka_unit_test(mmd_is_named_where_the_feature_takes_its_rows),
		cmocka_unit_test(the_longest_remark_is_whole),
		cmocka_unit_test(only_lint_asks),
		cmocka_unit_test(three_of_one_cause_are_named),
		cmocka_unit_test(a_window_of_an_hour_is_supposed_where_a_rate_is_by_time),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
