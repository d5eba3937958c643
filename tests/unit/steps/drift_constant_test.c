/* drift_constant_test.c: Tests of what is said of features that have a single value in the reference: by `fit`, `lint` and `drift
 * report`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define ROWS 200
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {tensors: [x, y, side], reference: ref.json, window: 100, falseAlarms: 0.1 per "    \
	"1000}}\n  output: {steps: [m]}\n"
#define JUDGED                                                                                                                     \
	" features have a single value in the reference: a window is judged by how many of its values are another one, however "   \
	"near that is; the first is "

/* Rows whose `x` and `side` are these, but for those of the last `others` rows. `side` NULL: another one in each row. */
static void csv_write(const char *x, const char *side, int others)
{
	static char rows[ROWS * 64];
	struct random chance = {5};
	size_t length = (size_t)snprintf(rows, sizeof rows, "x,y,side\n");
	for (int i = 0; i < ROWS; i++) {
		char own[16];
		snprintf(own, sizeof own, "%03d", i);
		length += (size_t)snprintf(rows + length, sizeof rows - length, "%s,%u,%s\n", i < ROWS - others ? x : "5.001",
					   (unsigned)random_below(&chance, 1000),
					   i >= ROWS - others ? "none"
					   : side	      ? side
							      : own);
	}
	write_file("rows.csv", rows);
}

static struct said constant_say(const char *line)
{
	write_file("p.yaml", YAML);
	return say_with(step_kinds, line);
}

/* `words` NULL: none are said. */
static void expect_fit(const char *x, const char *side, int others, const char *words)
{
	csv_write(x, side, others);
	struct said said = constant_say("fit drift rows.csv -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	if (words)
		expect_words(said.err, words);
	else
		assert_null(strstr(said.err, "single value"));
	said_close(&said);
}

static void features_that_do_not_vary_are_named(void **state)
{
	(void)state;
	expect_fit("5", "buy", 0, "2 of 3" JUDGED "`x`, always 5");
	expect_fit("5", "buy", 1, NULL);
	expect_fit("nan", "buy", 0, "1 of 3" JUDGED "`side`, always buy");
	expect_fit("nan", "buy", 40, NULL); /* all but 40 values of `x` are missing: it is not compared */
	expect_fit("nan", NULL, 0, "1 of 4" JUDGED "`length(side)`, always 3");
}

static void lint_and_the_report_say_so_too(void **state)
{
	(void)state;
	expect_fit("5", "buy", 0, "2 of 3" JUDGED);
	struct said said = constant_say("lint p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "SL0712");
	expect_words(said.out, "2 of 3" JUDGED "`x`, always 5");
	said_close(&said);
	csv_write("5", "buy", 100);
	said = constant_say("drift report rows.csv -f p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.err, "2 of 3" JUDGED "`x`, always 5");
	expect_words(said.out, "window 0, 100 rows: no drift\n");
	expect_words(said.out, "window 1, 100 rows: drift");
	expect_words(said.out, "; x: 100 values outside of the range; side: 100 values never seen before\n");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_that_do_not_vary_are_named),
		cmocka_unit_test(lint_and_the_report_say_so_too),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
