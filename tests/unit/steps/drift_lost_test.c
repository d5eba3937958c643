/* drift_lost_test.c: Tests of what is said of the alarm on a feature that is lost, which no part of `falseAlarms` is for, where the
 * reference has a run of missing values: by `fit`, and by `drift report`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define ROWS 400
#define WINDOW 100
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {tensors: [x], reference: ref.json, window: 100, falseAlarms: 0.1 per 1000}}\n"     \
	"  output: {steps: [m]}\n"
#define REMARK                                                                                                                     \
	"1 of 1 features are missing in runs, too few to know how long these become. A window that lacks nine tenths of such a "   \
	"feature has an alarm of quality beyond `falseAlarms`: without a loss about one window in "

#define RUN_EVERY 100 /* rows */

/* Rows of one feature, with runs of so many that are missing; the first is at row `from`. */
static void csv_write(int from, int runs, int missing)
{
	static char rows[ROWS * 8];
	struct random chance = {5};
	size_t length = (size_t)snprintf(rows, sizeof rows, "x\n");
	for (int i = 0; i < ROWS; i++) {
		const unsigned value = (unsigned)random_below(&chance, 1000);
		const bool is_missing = i >= from && (i - from) / RUN_EVERY < runs && (i - from) % RUN_EVERY < missing;
		length += is_missing ? (size_t)snprintf(rows + length, sizeof rows - length, "nan\n")
				     : (size_t)snprintf(rows + length, sizeof rows - length, "%u\n", value);
	}
	write_file("rows.csv", rows);
}

static struct said lost_say(const char *line)
{
	write_file("p.yaml", YAML);
	return say_with(step_kinds, line);
}

static void expect_remark_of(const char *line, int runs, int missing, const char *words)
{
	csv_write(WINDOW, runs, missing);
	struct said said = lost_say(line);
	assert_int_equal(said.code, 0);
	if (words)
		expect_words(said.err, words);
	else
		assert_string_equal(said.err, "");
	said_close(&said);
}

static void expect_remark(const char *line, int missing, const char *words)
{
	expect_remark_of(line, 1, missing, words);
}

/* Three runs, so one of nine times their length is rare: 400 / 100 / 3 * 220. */
static void a_large_number_of_windows_has_no_exponent(void **state)
{
	(void)state;
	expect_remark_of("fit drift rows.csv -f p.yaml --out ref.json", 3, 10, REMARK "290 for `x`");
}

static void fit_says_how_often_the_rule_is_met_without_a_loss(void **state)
{
	(void)state;
	expect_remark("fit drift rows.csv -f p.yaml --out ref.json", 20,
		      REMARK "22 for `x`, which has the most");				       /* 400 / 100 * 5.5 */
	expect_remark("fit drift rows.csv -f p.yaml --out ref.json", 10, REMARK "40 for `x`"); /* 400 / 100 * 10 */
	expect_remark("fit drift rows.csv -f p.yaml --out ref.json", 30, NULL);		       /* no window is four times as long */
	expect_remark("fit drift rows.csv -f p.yaml --out ref.json", 0, NULL);
}

static void a_report_counts_such_alarms_apart(void **state)
{
	(void)state;
	expect_remark("fit drift rows.csv -f p.yaml --out ref.json", 20, REMARK);
	csv_write(WINDOW, 1, WINDOW);
	struct said said = lost_say("drift report rows.csv -f p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.err, REMARK "22 for `x`");
	expect_words(said.out, "window 1, 100 rows: ");
	expect_words(said.out, "; x: 100 values missing\n");
	expect_words(said.out,
		     "4 windows: 0 with drift, 1 with data out of the bounds of quality; of 1 the only alarm is that nearly "
		     "all values of a feature are missing, beyond `falseAlarms`\n");
	said_close(&said);
	said = lost_say("drift report rows.csv -f p.yaml -o html");
	expect_words(said.out, "<b>Alarms of lost features, not declared</b>1</li>");
	said_close(&said);
	said = lost_say("drift report rows.csv -f p.yaml -o json");
	expect_words(said.out, "\"missing\": 100, \"outside\": 0, \"unseen\": 0, \"lost\": true, ");
	expect_words(said.out, "\"alarms\": 1, \"false_alarms_declared\": 0.04, \"alarms_not_declared\": 1, ");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fit_says_how_often_the_rule_is_met_without_a_loss),
		cmocka_unit_test(a_large_number_of_windows_has_no_exponent),
		cmocka_unit_test(a_report_counts_such_alarms_apart),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
