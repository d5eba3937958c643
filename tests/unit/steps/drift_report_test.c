/* drift_report_test.c: Tests of `sluice fit drift` and `sluice drift report`: references, reports, and refused rows and
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "base/number/random.h"
#include "steps/drift/drift_reference.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define YAML                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"        \
	"  - {name: watch, inputs: [m], drift: {tensors: [x, side], reference: ref.json, %s}}\n  output: {steps: [m]}\n"
#define USUAL "window: 100, falseAlarms: 0.1 per 1000"
#define ARENA_BYTES ((size_t)64 << 20)
#define DATA_BYTES 1000000

static char data[DATA_BYTES], mixed[DATA_BYTES];
static struct random chance;

/* Columns a, b and side; b is `beyond` a, and rows from `from` on are moved. */
static const char *rows_of(int rows, int from, double moved)
{
	size_t length = (size_t)snprintf(data, sizeof data, "a,b,side\n");
	chance = (struct random){9};
	for (int i = 0; i < rows; i++) {
		double a = i >= from ? moved : 0;
		for (int j = 0; j < 6; j++)
			a += (double)random_below(&chance, 1000) / 1000 - 0.5;
		length += (size_t)snprintf(data + length, sizeof data - length, "%.4f,%.4f,%s\n", a,
					   10 + (double)random_below(&chance, 1000) / 100, random_below(&chance, 3) ? "buy"
											 : "sell");
	}
	return data;
}

static struct said run(const char *command, const char *options, const char *rows, const char *more)
{
	char yaml[1024], line[256];
	snprintf(yaml, sizeof yaml, YAML, options);
	write_file("p.yaml", yaml);
	write_file("data", rows);
	snprintf(line, sizeof line, "%s data -f p.yaml --tensor x=a,b%s", command, more);
	return say_with(step_kinds, line);
}

static void reference_learn(void)
{
	struct said said = run("fit drift", USUAL, rows_of(400, 400, 0), " --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
}

static void expect_said(const char *command, const char *options, const char *rows, const char *words)
{
	struct said said = run(command, options, rows, "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, words);
	said_close(&said);
}

/* ---- learning ---- */

static void rows_are_learnt_in_their_order(void **state)
{
	(void)state;
	struct said said = run("fit drift", USUAL, rows_of(150, 150, 0), "");
	assert_int_equal(said.code, 0);
	json_t *file = json_loads(said.out, 0, NULL);
	json_t *list = json_object_get(file, "features"), *first = json_array_get(list, 0), *side = json_array_get(list, 2);
	double a, b;
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_integer_value(json_object_get(file, "rows")), 150);
	assert_int_equal(json_integer_value(json_object_get(file, "block")), 150);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "x.a");
	assert_string_equal(json_string_value(json_object_get(side, "name")), "side");
	assert_string_equal(json_string_value(json_object_get(side, "kind")), "categories");
	const char *line = strchr(data, '\n');
	for (size_t i = 0; i < 150; i++, line = strchr(line + 1, '\n')) {
		assert_int_equal(sscanf(line, "%lf,%lf", &a, &b), 2);
		assert_true(json_number_value(json_array_get(json_object_get(first, "values"), i)) == a);
	}
	json_decref(file);
	said_close(&said);
}

/* Of more rows than are kept, blocks are: the first row and the last are in, and neighbours are neighbours. */
static void of_many_rows_blocks_are_kept(void **state)
{
	(void)state;
	size_t length = (size_t)snprintf(data, sizeof data, "a,b,side\n");
	for (int i = 0; i < 10000; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%d,%d,%s\n", i, i % 7, i == 9999 ? "" : "buy");
	struct said said = run("fit drift", USUAL, data, "");
	assert_int_equal(said.code, 0);
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_reference reference;
	struct error error = {0};
	const struct name file = {"ref.json", {"p.yaml", 1, 1}};
	assert_true(drift_reference_read(&file, text_of(said.out), arena, &reference, &error));
	assert_int_equal(reference.all_rows, 10000);
	assert_int_equal(reference.rows, 4000);
	assert_int_equal(reference.block, 250);
	assert_true(reference.features[0].values[0] == 0 && reference.features[0].values[3999] == 9999);
	for (size_t i = 1; i < 4000; i++) {
		const double step = reference.features[0].values[i] - reference.features[0].values[i - 1];
		assert_true(i % 250 ? step == 1 : step >= 1);
	}
	assert_true(reference.features[0].least == 0 && reference.features[0].greatest == 9999);
	assert_int_equal(reference.features[2].missing, 1);
	assert_true(isnan(reference.features[2].values[3999]));
	arena_close(arena);
	said_close(&said);
}

static void rows_that_teach_nothing_are_refused(void **state)
{
	(void)state;
	expect_said("fit drift", USUAL, "a,b,side\n1,2,buy\n2,3,buy\n3,5,sell\n", "the reference has 3 rows, and 100 or more are "
	"needed");
	expect_said("fit drift", USUAL, "a,b,other\n1,2,buy\n", "tensor `side` is missing");
	snprintf(data, sizeof data, "a,b,side\n1,1e200,buy\n");
	expect_said("fit drift", USUAL, data, "`x.b` is 1e+200, which is too large to learn from");
}

/* Column b, and of column a the first values. */
static const char *rows_with_few(int values)
{
	size_t length = (size_t)snprintf(data, sizeof data, "a,b,side\n");
	for (int i = 0; i < 150; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%s,%d,%s\n",
					   i >= values ? "NaN"
					   : i % 2     ? "3"
						       : "4",
					   i % 7, i % 3 ? "buy" : "sell");
	return data;
}

/* No drift is found in what has next to no values, so this is said. */
static void features_with_few_values_are_named(void **state)
{
	static const char words[] = "1 of 3 features have fewer than 50 values in the reference: only their missing values are "
				    "judged, and no drift is found in them; the first is `x.a`";
	(void)state;
	struct said said = run("fit drift", USUAL, rows_with_few(50), "");
	assert_int_equal(said.code, 0);
	assert_string_equal(said.err, "");
	said_close(&said);
	said = run("fit drift", USUAL, rows_with_few(49), " --out ref.json");
	assert_int_equal(said.code, 0);
	expect_words(said.err, words);
	said_close(&said);
	said = run("drift report", USUAL, rows_with_few(150), "");
	assert_int_equal(said.code, 0);
	expect_words(said.err, words);
	expect_words(said.out, "2 windows: 0 with drift");
	said_close(&said);
	expect_said("fit drift", USUAL, "a,b,side\n", "the reference has 0 rows, and 100 or more are needed");
}

/* ---- reports ---- */

static void drift_is_told_by_window(void **state)
{
	(void)state;
	reference_learn();
	struct said said = run("drift report", USUAL, rows_of(450, 200, 2), "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0, 100 rows: no drift");
	expect_words(said.out, "window 1, 100 rows: no drift");
	expect_words(said.out, "window 2, 100 rows: drift, drift_score ");
	expect_words(said.out, " of `x.a` (effect ");
	expect_words(said.out, "window 4, 50 rows: drift"); /* the rest */
	expect_words(said.out, "5 windows: 3 with drift, ");
	said_close(&said);
}

static void the_json_has_all_tests(void **state)
{
	(void)state;
	reference_learn();
	struct said said = run("drift report", "methods: [ks, jensen-shannon], effect: 0.999, " USUAL, rows_of(100, 0, 2), " -o "
	"json");
	json_t *line = json_loads(said.out, JSON_DISABLE_EOF_CHECK, NULL), *list = json_object_get(line, "features");
	json_t *tests = json_object_get(json_array_get(list, 0), "tests"), *first = json_array_get(tests, 0);
	assert_int_equal(said.code, 0);
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_array_size(tests), 2);
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 2), "tests")), 1);
	assert_string_equal(json_string_value(json_object_get(first, "method")), "ks");
	assert_true(json_is_true(json_object_get(first, "established")));
	const double effect = json_number_value(json_object_get(first, "effect"));
	const double level = json_number_value(json_object_get(first, "level"));
	assert_true(effect == json_number_value(json_object_get(first, "statistic")) && effect > level && level > 0);
	assert_true(json_number_value(json_object_get(line, "drift_score")) >= effect - level);
	assert_true(json_is_false(json_object_get(line, "is_drift"))); /* the effect is too small */
	json_decref(line);
	line = json_loads(strchr(said.out, '\n') + 1, 0, NULL); /* and the last line is the whole report */
	assert_int_equal(json_integer_value(json_object_get(line, "windows")), 1);
	assert_int_equal(json_integer_value(json_object_get(line, "windows_with_drift")), 0);
	assert_int_equal(json_integer_value(json_object_get(line, "rows_compared")), 100);
	assert_int_equal(json_integer_value(json_object_get(line, "messages_without_segment")), 0);
	json_decref(line);
	said_close(&said);
}

/* Features are found by their names, in any order of columns. */
static void columns_may_stand_in_another_order(void **state)
{
	(void)state;
	reference_learn();
	struct said first = run("drift report", USUAL, rows_of(300, 100, 1), ""), other;
	char line[] = "drift report data -f p.yaml --tensor x=b,a";
	other = say_with(step_kinds, line);
	assert_string_equal(first.out, other.out);
	said_close(&first);
	said_close(&other);
}

static void quality_is_told(void **state)
{
	(void)state;
	reference_learn();
	size_t length = (size_t)snprintf(data, sizeof data, "a,b,side\n");
	for (int i = 0; i < 100; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%s,%d,%s\n", i % 2 ? "0.1" : "", 1000 + i,
					   i % 4 ? "buy" : "hold");
	struct said said = run("drift report", USUAL, data, "");
	expect_words(said.out, "x.a: 50 values missing");
	expect_words(said.out, "x.a: does not vary any more");
	expect_words(said.out, "x.b: 100 values outside of the range");
	expect_words(said.out, "side: 25 values never seen before");
	said_close(&said);
}

static void what_cannot_be_compared_is_refused(void **state)
{
	(void)state;
	reference_learn();
	const char *rows = rows_of(100, 0, 0);
	expect_said("drift report", "window: 1, falseAlarms: 0.1 per 1000", rows, "a window of 1 rows cannot be judged");
	expect_said("drift report", "window: 5m, falseAlarms: 0.1 per 1000", rows,
		    "and `window` is by a time; give --window 500, or read a topic");
	expect_said("drift report", "window: 100", rows,
		    "and `falseAlarms` is by a time; give --false-alarms \"0.5 per 1000\", or read a topic"); /* 1 per 30d */
	expect_said("drift report", "window: 5m", rows,
		    "and `window` and `falseAlarms` are by a time; give --window 500 and --false-alarms \"0.5 per 1000\"");
	expect_said("drift report", "methods: [mmd], window: 49, falseAlarms: 0.1 per 1000", rows,
		    "a window of 49 rows is too small for `mmd`");
	struct said said = run("drift report", USUAL, rows, "");
	said_close(&said);
	said = say_with(step_kinds, "drift report data -f p.yaml --tensor x=a,b,side");
	assert_int_not_equal(said.code, 0);
	said_close(&said);
	said = run("drift report", USUAL, "a,b\n1,2\n", "");
	expect_words(said.err,
		     "in the row of line 2: tensor `side` is missing; send it, or for a CSV name its columns by --tensor");
	said_close(&said);
	write_file("ref.json", "{\"format\": \"sluice_outlier/1\", \"by\": \"mahalanobis\"}");
	expect_said("drift report", USUAL, rows, "ref.json has the format `sluice_outlier/1`, and this step reads sluice_drift/1");
}

/* The joint test and the online methods are in the lines and in the JSON; what is too small for them is refused. */
static void joint_and_online_methods_are_reported(void **state)
{
	(void)state;
	reference_learn();
	struct said said = run("drift report", "methods: [mmd], " USUAL, rows_of(300, 100, 2), "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0, 100 rows: no drift\n");
	expect_words(said.out, "window 1, 100 rows: drift, drift_score 0.");
	expect_words(said.out, " by mmd of `*` (effect 0.");
	said_close(&said);
	said = run("drift report", "methods: [page-hinkley, cusum, adwin], " USUAL, rows_of(300, 100, 2), "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0, 100 rows: no drift\n");
	expect_words(said.out, " of `x.a` (effect ");
	said_close(&said);
	said = run("drift report", "methods: [mmd, cusum], " USUAL, rows_of(300, 100, 2), " -o json");
	assert_int_equal(said.code, 0);
	json_t *windows = json_loads(said.out, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *list = json_object_get(windows, "features"), *joint = json_array_get(list, 3);
	assert_int_equal(json_array_size(list), 4);
	assert_string_equal(json_string_value(json_object_get(joint, "name")), "*");
	const json_t *test = json_array_get(json_object_get(joint, "tests"), 0);
	assert_string_equal(json_string_value(json_object_get(test, "method")), "mmd");
	assert_true(json_is_false(json_object_get(test, "established")));
	assert_true(json_number_value(json_object_get(test, "level")) > json_number_value(json_object_get(test, "effect")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "tests")), 1);
	json_decref(windows);
	said_close(&said);
	said = run("fit drift", USUAL, rows_of(199, 199, 0), " --out ref.json");
	said_close(&said);
	expect_said("drift report", "methods: [mmd], " USUAL, rows_of(100, 100, 0),
		    "the reference has 199 rows, and `mmd` needs 200 or more to know how columns go together");
}

/* Each set of `joint` has a test of its own; what the reference lacks is refused with its place. */
static void sets_of_features_are_compared_as_vectors(void **state)
{
	(void)state;
	reference_learn();
	struct said said =
		run("drift report", "methods: [ks], joint: [{name: one, features: [x.b]}, {name: all, features: [x]}], " USUAL,
		    rows_of(300, 100, 2), " -o json");
	assert_int_equal(said.code, 0);
	json_t *window = json_loads(strchr(said.out, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	const json_t *list = json_object_get(window, "features");
	assert_int_equal(json_array_size(list), 5);
	for (size_t i = 0; i < 2; i++) {
		const json_t *set = json_array_get(list, 3 + i), *test = json_array_get(json_object_get(set, "tests"), 0);
		assert_string_equal(json_string_value(json_object_get(set, "name")), i ? "*/all" : "*/one");
		assert_string_equal(json_string_value(json_object_get(test, "method")), "mmd");
		assert_int_equal(json_is_true(json_object_get(test, "established")), i);
	}
	json_decref(window);
	said_close(&said);
	expect_said("drift report", "joint: [{name: a, features: [x.c]}], " USUAL, rows_of(300, 100, 2),
		    "the reference has no feature `x.c` of set `a`; name a tensor, or TENSOR.COLUMN, that it has");
	expect_said("drift report", "joint: [{name: a, features: [x, side]}], " USUAL, rows_of(300, 100, 2),
		    "`side` has texts, and `mmd` compares numbers; leave it out of set `a`");
	expect_said("drift report", "joint: [{name: a, features: [x]}, {name: a, features: [x.a]}], " USUAL, rows_of(300, 100, 2),
		    "two sets of `joint` have the name `a`");
	expect_said("drift report", "joint: [{name: a, features: [x]}], window: 30, falseAlarms: 0.1 per 1000",
		    rows_of(300, 100, 2),
		    "a window of 30 rows is too small for `mmd`");
}

/* Columns that the reference lacks are not compared, and each form of the report says so. */
static void columns_that_the_reference_lacks_are_named(void **state)
{
	(void)state;
	reference_learn();
	struct said said = run("drift report", USUAL, rows_of(200, 200, 0), "");
	assert_null(strstr(said.out, "lacks"));
	said_close(&said);
	write_file("q.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			     "  - {name: m}\n  - {name: watch, inputs: [m], drift: {reference: ref.json, " USUAL "}}\n"
			     "  output: {steps: [m]}\n");
	for (int more = 0; more < 2; more++) {
		size_t length = (size_t)snprintf(data, sizeof data, more ? "a,b,c\n" : "a,b\n");
		for (int i = 0; i < 200; i++)
			length += (size_t)snprintf(data + length, sizeof data - length, more ? "0.%d,12,%d\n" : "0.%d,12\n",
						   i % 10, i);
		write_file(more ? "data" : "learnt", data);
	}
	said = say_with(step_kinds, "fit drift learnt -f q.yaml --tensor x=a,b --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
	said = say_with(step_kinds, "drift report data -f q.yaml --tensor x=a,b");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "columns that the reference lacks were not compared: `c`; learn the reference again to compare "
			       "them\n2 windows:");
	said_close(&said);
	said = say_with(step_kinds, "drift report data -f q.yaml --tensor x=a,b -o json");
	expect_words(said.out, "\"columns_not_compared\": [\"c\"], \"reference\"");
	said_close(&said);
	said = say_with(step_kinds, "drift report data -f q.yaml --tensor x=a,b -o html");
	expect_words(said.out, "<p>Columns that the reference lacks were not compared: c. Learn");
	said_close(&said);
}

/* Segments that take turns have online methods of their own. */
static void segments_have_online_methods_of_their_own(void **state)
{
	(void)state;
	reference_learn();
	(void)rows_of(400, 200, 2);
	size_t length = (size_t)snprintf(mixed, sizeof mixed, "a,b,side\n");
	const char *early = strchr(data, '\n') + 1, *late = early;
	for (int i = 0; i < 200; i++)
		late = strchr(late, '\n') + 1;
	for (int i = 0; i < 200; i++) { /* a row of each in turn */
		const char *const lines[] = {early, late};
		for (size_t j = 0; j < 2; j++) {
			const int bytes = (int)strcspn(lines[j], ",") + 1, more = (int)strcspn(lines[j] + bytes, ",") + 1;
			length += (size_t)snprintf(mixed + length, sizeof mixed - length, "%.*s%s\n", bytes + more, lines[j],
						   j ? "sell" : "buy");
		}
		early = strchr(early, '\n') + 1;
		late = strchr(late, '\n') + 1;
	}
	struct said said = run("drift report", "groupBy: side, methods: [cusum], window: 50, falseAlarms: 0.1 per 1000", mixed, "");
	assert_int_equal(said.code, 0);
	for (int window = 0; window < 4; window++) {
		char words[64];
		snprintf(words, sizeof words, "window %d of segment buy, 50 rows: no drift", window);
		expect_words(said.out, words);
		snprintf(words, sizeof words, "window %d of segment sell, 50 rows: drift", window);
		expect_words(said.out, words);
	}
	said_close(&said);
}

/* Both commands say how columns of a CSV become the tensor. */
static void a_csv_without_the_tensor_names_the_option(void **state)
{
	(void)state;
	static const char *const lines[] = {"fit drift data -f p.yaml --out other.json", "drift report data -f p.yaml"};
	reference_learn(); /* also writes p.yaml and data */
	for (size_t i = 0; i < 2; i++) {
		struct said said = say_with(step_kinds, lines[i]);
		assert_int_equal(said.code, 1);
		expect_words(said.err, "tensor `x` is missing; send it, or for a CSV name its columns by --tensor");
		said_close(&said);
	}
}

/* A reference may have nothing to compare with in some features. */
static void poor_references_are_used_or_refused(void **state)
{
	(void)state;
	static char rows[20000];
	size_t length = (size_t)snprintf(rows, sizeof rows, "a,b,side\n");
	for (int i = 0; i < 200; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "5,%s,buy\n", i % 2 ? "nan" : "7");
	struct said said = run("fit drift", USUAL, rows, " --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
	said = run("drift report", USUAL, rows, ""); /* constants, and as many missing values as ever */
	assert_int_equal(said.code, 0);
	expect_words(said.out, "2 windows: 0 with drift, 0 with data out of the bounds of quality");
	said_close(&said);
	said = run("drift report", USUAL, rows_of(200, 0, 0), "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "x.a: 100 values outside of the range");
	expect_words(said.out, "2 windows: 2 with drift");
	said_close(&said);
	length = (size_t)snprintf(rows, sizeof rows, "a,b,side\n");
	for (int i = 0; i < 200; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "nan,,\n");
	expect_said("fit drift", USUAL, rows, "all values of the reference are missing, so nothing can be compared with it");
	length = 0; /* a file of such rows, which came from elsewhere */
	for (int i = 0; i < 100; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "%s\"NaN\"", i > 0 ? ", " : "");
	static char file[3 * sizeof rows];
	static const char *const names[] = {"x.a", "x.b", "side"};
	length = (size_t)snprintf(file, sizeof file,
				  "{\"format\": \"sluice_drift/1\", \"rows\": 100, \"block\": 100, \"features\": [");
	for (size_t i = 0; i < 3; i++)
		length += (size_t)snprintf(file + length, sizeof file - length,
					   "%s{\"name\": \"%s\", \"kind\": \"numbers\", \"missing\": 100, \"least\": 0, "
					   "\"greatest\": 0, \"values\": [%s]}",
					   i > 0 ? ", " : "", names[i], rows);
	(void)snprintf(file + length, sizeof file - length, "]}");
	write_file("ref.json", file);
	said = say_with(step_kinds, "lint p.yaml");
	assert_int_equal(said.code, 1);
	expect_words(said.out, "all values of the reference are missing, so nothing can be compared with it");
	said_close(&said);
}

/* ---- files ---- */

static void files_that_do_not_hold_together_are_refused(void **state)
{
	(void)state;
	static const char *const wrong[][3] = {
		{"\"rows\": 100", "\"rows\": 99", "fewer `rows` than these"},
		{"\"rows\": 100", "\"rows\": 1e300", "`rows` is out of range"},
		{"\"block\": 100", "\"block\": 0", "`block` is out of range"},
		{"\"missing\": 0", "\"missing\": 101", "has a feature `f` whose `values` do not hold together"},
		{"\"least\": 0", "\"least\": 8", "do not hold together"},
		{"\"least\": 0", "\"least\": \"NaN\"", "do not hold together"},
		{"[1,", "[\"Infinity\",", "do not hold together"},
		{"\"numbers\"", "\"categories\"", "do not hold together"}, /* 1 is no place among none */
		{"\"name\": \"f\", ", "", "`name` is missing"},
		{"\"missing\"", "\"absent\"", "`absent` is not a field here"},
	};
	char content[4096] = "{\"format\": \"sluice_drift/1\", \"rows\": 100, \"block\": 100, \"features\": [{\"name\": \"f\", "
			     "\"kind\": \"numbers\", \"missing\": 0, \"least\": 0, \"greatest\": 7, \"values\": [1";
	const struct name file = {"ref.json", {"p.yaml", 6, 5}};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_reference reference;
	struct error error = {0};
	for (int i = 1; i < 100; i++)
		strncat(content, ",5", sizeof content - strlen(content) - 1);
	strncat(content, "]}]}", sizeof content - strlen(content) - 1);
	assert_true(drift_reference_read(&file, text_of(content), arena, &reference, &error));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char changed[4200];
		const char *at = strstr(content, wrong[i][0]);
		assert_non_null(at);
		snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - content), content, wrong[i][1], at + strlen(wrong[i][0]));
		error = (struct error){0};
		if (drift_reference_read(&file, text_of(changed), arena, &reference, &error))
			fail_msg("%s is taken", wrong[i][1]);
		expect_words(error.text, wrong[i][2]);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(error.place.line, 6);
	}
	arena_close(arena);
}

/* Each segment has windows of its own, and what is left of the last ones is said at the end. */
static void segments_have_windows_of_their_own(void **state)
{
	(void)state;
	reference_learn();
	struct said said = run("drift report", USUAL ", groupBy: side", rows_of(600, 600, 0), "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0 of segment buy, 100 rows: ");
	expect_words(said.out, "window 1 of segment sell, 100 rows: ");
	size_t rows = 0, windows = 0;
	for (const char *line = strstr(said.out, "window "); line; line = strstr(line + 1, "\nwindow ")) {
		rows += strtoul(strchr(line, ',') + 2, NULL, 10);
		windows++;
	}
	assert_int_equal(rows, 600);
	assert_in_range(windows, 6, 7); /* how many are of which side depends on the compiler */
	said_close(&said);
	said = run("drift report", USUAL ", groupBy: side", rows_of(600, 600, 0), " -o json");
	expect_words(said.out, "{\"window\": 0, \"segment\": \"sell\", \"rows\": 100");
	said_close(&said);
}

/* What a report could not compare is said in any form; if that is all, it fails. */
static void what_was_not_compared_is_told(void **state)
{
	(void)state;
	static char rows[20000];
	static const char *const forms[] = {"", " -o json"};
	reference_learn();
	for (size_t i = 0; i < 2; i++) {
		struct said said = run("drift report", USUAL ", groupBy: key", rows_of(600, 600, 0), forms[i]);
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, "no row was compared: all 600 messages have no segment");
		expect_words(said.err, "p.yaml");
		said_close(&said);
	}
	size_t length = (size_t)snprintf(rows, sizeof rows, "a,b,side\n");
	for (int i = 0; i < 110; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "0.%d,2,%0*d\n", i, i < 100 ? 4 : 300, 0);
	struct said said = run("drift report", USUAL ", groupBy: side", rows, forms[1]);
	assert_int_equal(said.code, 0);
	expect_words(said.out, "{\"windows\": 1, \"windows_with_drift\": ");
	expect_words(said.out, "\"rows_compared\": 100, \"rows_beyond_segments\": 0, \"messages_without_segment\": 10, "
			       "\"without_segment_since\": \"a segment has a name of 300 bytes, and 256 are the most");
	said_close(&said);
	said = run("drift report", USUAL ", groupBy: side", rows, forms[0]);
	assert_int_equal(said.code, 0);
	expect_words(said.out, "10 messages have no segment, and were not compared. Of the first: a segment has a name of 300 ");
	said_close(&said);
}

/* The reference has three features, so that each row of each of 1000 segments has 40 bytes. */
static void much_memory_is_warned_of(void **state)
{
	static const struct {
		const char *options, *warning;
	} cases[] = {{"window: 6249, groupBy: side", NULL},
		     {"window: 6250, groupBy: side", "with 1000 segments its state may need 0.25 GB"},
		     {"window: 100000, groupBy: side", "with 1000 segments its state may need 4.00 GB"},
		     {"window: 6250", NULL}};
	(void)state;
	reference_learn();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char yaml[1024];
		snprintf(yaml, sizeof yaml, YAML, cases[i].options);
		write_file("p.yaml", yaml);
		struct said said = say_with(step_kinds, "lint p.yaml");
		if (cases[i].warning)
			expect_words(said.out, cases[i].warning);
		assert_int_equal(strstr(said.out, "SL0710") != NULL, cases[i].warning != NULL);
		said_close(&said);
	}
}

/* Whoever may send a message names segments. */
static void names_cannot_control_a_terminal(void **state)
{
	(void)state;
	static const char control[] = "\033]0;title\007\033[2J";
	reference_learn();
	size_t length = (size_t)snprintf(data, sizeof data, "a,b,side\n");
	for (int i = 0; i < 100; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%d,2,%s\n", i, control);
	struct said said = run("drift report", USUAL ", groupBy: side", data, "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "of segment \\u001b]0;title\\u0007\\u001b[2J, 100 rows: ");
	assert_null(strchr(said.out, '\033'));
	said_close(&said);
}

/* The verdict on a segment is that of its rows alone. */
static void a_segment_is_judged_by_its_rows(void **state)
{
	(void)state;
	static char some[DATA_BYTES];
	reference_learn();
	const char *all = rows_of(400, 100, 3);
	size_t length = 0;
	for (const char *line = all, *end; (end = strchr(line, '\n')); line = end + 1)
		if (line == all || memcmp(end - 4, ",buy", 4) == 0)
			length += (size_t)snprintf(some + length, sizeof some - length, "%.*s", (int)(end + 1 - line), line);
	struct said grouped = run("drift report", USUAL ", groupBy: side", all, "");
	struct said alone = run("drift report", USUAL, some, "");
	const char *line = strstr(alone.out, "window 1, 100 rows: ");
	const char *same = strstr(grouped.out, "window 1 of segment buy, 100 rows: ");
	assert_non_null(line);
	assert_non_null(same);
	line = strchr(line, ':');
	same = strchr(same, ':');
	assert_memory_equal(line, same, (size_t)(strchr(line, '\n') - line));
	said_close(&grouped);
	said_close(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_learnt_in_their_order),
		cmocka_unit_test(of_many_rows_blocks_are_kept),
		cmocka_unit_test(rows_that_teach_nothing_are_refused),
		cmocka_unit_test(features_with_few_values_are_named),
		cmocka_unit_test(drift_is_told_by_window),
		cmocka_unit_test(the_json_has_all_tests),
		cmocka_unit_test(columns_may_stand_in_another_order),
		cmocka_unit_test(quality_is_told),
		cmocka_unit_test(what_cannot_be_compared_is_refused),
		cmocka_unit_test(joint_and_online_methods_are_reported),
		cmocka_unit_test(columns_that_the_reference_lacks_are_named),
		cmocka_unit_test(sets_of_features_are_compared_as_vectors),
		cmocka_unit_test(segments_have_online_methods_of_their_own),
		cmocka_unit_test(a_csv_without_the_tensor_names_the_option),
		cmocka_unit_test(poor_references_are_used_or_refused),
		cmocka_unit_test(files_that_do_not_hold_together_are_refused),
		cmocka_unit_test(segments_have_windows_of_their_own),
		cmocka_unit_test(what_was_not_compared_is_told),
		cmocka_unit_test(much_memory_is_warned_of),
		cmocka_unit_test(names_cannot_control_a_terminal),
		cmocka_unit_test(a_segment_is_judged_by_its_rows),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
