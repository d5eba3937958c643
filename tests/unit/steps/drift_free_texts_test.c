/* drift_free_texts_test.c: Tests of the drift of free texts: `sluice fit drift` learns them as their commonest values and their
 * lengths, changes of either are found, and clean texts raise no more alarms than declared. */
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

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {tensors: [note], reference: ref.json, window: %d, falseAlarms: %s}}\n"             \
	"  output: {steps: [m]}\n"
#define DATA_BYTES ((size_t)4 << 20)
#define ARENA_BYTES ((size_t)64 << 20)

static char data[DATA_BYTES];
static struct random chance;
static int window;

/* How texts are drawn: shares of the common ones, and how many letters the others have. */
struct texts_drawn {
	int ok, retry;	/* of 100 */
	const char *as; /* what comes instead of `ok` */
	int letters;	/* of the others: so many to twice as many */
	int different;	/* of the others, which are as common as each other; 0: each comes once */
};
static const struct texts_drawn usual = {30, 15, "ok", 10, 0}, unique = {0, 0, "", 10, 0};

/* Appends to the data, which has enough memory. */
__attribute__((format(printf, 2, 3))) static size_t data_print(size_t length, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const int more = vsnprintf(data + length, sizeof data - length, format, arguments);
	va_end(arguments);
	assert_true(more >= 0 && (size_t)more < sizeof data - length);
	return length + (size_t)more;
}

static size_t text_draw(const struct texts_drawn *from, size_t length)
{
	const int kind = (int)random_below(&chance, 100);
	if (kind < from->ok)
		return data_print(length, "%s\n", from->as);
	if (kind < from->ok + from->retry)
		return data_print(length, "retry later\n");
	if (from->different)
		return data_print(length, "no %03d\n", (int)random_below(&chance, (uint64_t)from->different));
	const size_t end = length + (size_t)from->letters + random_below(&chance, (uint64_t)from->letters + 1);
	for (; length < end; length++)
		data[length] = (char)('a' + random_below(&chance, 26));
	return data_print(length, "\n");
}

static const char *texts_of(int rows, const struct texts_drawn *from)
{
	size_t length = data_print(0, "note\n");
	for (int i = 0; i < rows; i++)
		length = text_draw(from, length);
	return data;
}

static struct said run(const char *command, const char *rate, const char *rows, const char *more)
{
	char yaml[1024], line[256];
	snprintf(yaml, sizeof yaml, YAML, window, rate);
	write_file("p.yaml", yaml);
	write_file("data", rows);
	snprintf(line, sizeof line, "%s data -f p.yaml%s", command, more);
	return say_with(step_kinds, line);
}

static void reference_learn(int rows, const struct texts_drawn *from)
{
	struct said said = run("fit drift", "1 per 1000", texts_of(rows, from), " --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
}

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){41};
	window = 100;
	return 0;
}

/* ---- references ---- */

static void reference_open(struct said said, struct arena *arena, struct drift_reference *reference)
{
	const struct name file = {"ref.json", {"p.yaml", 1, 1}};
	struct error error = {0};
	assert_int_equal(said.code, 0);
	if (!drift_reference_read(&file, text_of(said.out), arena, reference, &error))
		fail_msg("%s", error.text);
}

static void more_than_a_thousand_texts_are_learnt(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_reference reference;
	struct said said = run("fit drift", "1 per 1000", texts_of(5000, &usual), "");
	reference_open(said, arena, &reference);
	assert_int_equal(reference.feature_count, 2);
	const struct drift_feature *note = &reference.features[0], *length = &reference.features[1];
	assert_true(text_is(note->name, "note") && note->categories && note->open);
	assert_int_equal(note->category_count, 3);
	assert_true(text_is(note->category_names[0], "ok") && text_is(note->category_names[1], "retry later"));
	assert_true(text_is(length->name, "length(note)") && !length->categories);
	assert_true(length->least == 2 && length->greatest == 20);
	size_t ok = 0, counted = 0;
	for (size_t i = 0; i < reference.rows; i++) {
		assert_true(length->values[i] >= 2);
		ok += note->values[i] == 0;
		counted += note->values[i] >= 0;
	}
	assert_int_equal(counted, reference.rows / 2);
	assert_true(fabs((double)ok / (double)counted - 0.3) < 0.05);
	arena_close(arena);
	said_close(&said);
}

/* Lengths are in characters, and a text without any is missing in both features. */
static void lengths_are_in_characters(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_reference reference;
	size_t length = data_print(0, "other,note\n");
	for (int i = 0; i < 400; i++)
		length = i % 4 ? data_print(length, "1,\xC3\xA4%03d\n", i) : data_print(length, "1,\n");
	struct said said = run("fit drift", "1 per 1000", data, "");
	reference_open(said, arena, &reference);
	assert_int_equal(reference.feature_count, 2);
	assert_true(reference.features[1].least == 4 && reference.features[1].greatest == 4);
	assert_int_equal(reference.features[0].missing, 100);
	assert_int_equal(reference.features[1].missing, 100);
	arena_close(arena);
	write_file("ref.json", said.out);
	said_close(&said);
	said = run("drift report", "0.1 per 1000", data, "");
	expect_words(said.out, "4 windows: 0 with drift, 0 with data out of the bounds of quality");
	said_close(&said);
}

static void a_file_that_does_not_hold_together_is_refused(void **state)
{
	static const char *const files[] = {
		"{\"name\": \"note\", \"kind\": \"texts\", \"values\": [%s, 1]}", /* 0 would be all of the others */
		"{\"name\": \"note\", \"kind\": \"texts\", \"categories\": [\"a\"], \"values\": [%s, 2]}",
	};
	static char values[2 * 99], file[1024], features[512];
	(void)state;
	memset(values, '0', sizeof values);
	for (size_t i = 1; i < sizeof values; i += 2)
		values[i] = ',';
	values[sizeof values - 1] = '\0';
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(features, sizeof features, files[i], values);
		snprintf(file, sizeof file, "{\"format\": \"sluice_drift/1\", \"rows\": 100, \"block\": 100, \"features\": [%s]}\n",
			 features);
		write_file("ref.json", file);
		struct said said = run("drift report", "1 per 1000", texts_of(100, &usual), "");
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, "`values` do not hold together");
		said_close(&said);
	}
}

/* ---- changes ---- */

/* A CSV may not tell an empty cell from an empty text, so JSON does not either. */
static void a_text_without_characters_is_missing(void **state)
{
	(void)state;
	reference_learn(400, &usual);
	size_t csv = data_print(0, "note\n");
	for (int i = 0; i < 100; i++)
		csv = data_print(csv, i % 10 ? "ok\n" : "\"\"\n");
	struct said said = run("drift report", "0.1 per 1000", data, " -o json");
	expect_words(said.out, "\"missing\": 10");
	said_close(&said);
	size_t json = 0;
	for (int i = 0; i < 100; i++)
		json = data_print(json,
				  "{\"inputs\": [{\"name\": \"note\", \"shape\": [1, 1], \"datatype\": \"BYTES\", \"data\": "
				  "[\"%s\"]}]}\n",
				  i % 10 ? "ok" : "");
	said = run("drift report", "0.1 per 1000", data, " -o json");
	expect_words(said.out, "\"missing\": 10");
	said_close(&said);
	said = say_with(step_kinds, "help drift");
	expect_words(said.out, "A text without characters is a");
	said_close(&said);
}

static void clean_texts_are_quiet(void **state)
{
	(void)state;
	reference_learn(2000, &usual);
	struct said said = run("drift report", "0.1 per 1000", texts_of(500, &usual), "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "5 windows: 0 with drift, 0 with data out of the bounds of quality");
	said_close(&said);
	reference_learn(400, &unique);
	said = run("drift report", "0.1 per 1000", texts_of(500, &unique), "");
	expect_words(said.out, "5 windows: 0 with drift, 0 with data out of the bounds of quality");
	said_close(&said);
	said = run("drift report", "0.1 per 1000", data, " -o json");
	expect_words(said.out, "\"quality_alarm\": false, \"tests\": [], \"picture\""); /* no text is common, so none can move */
	said_close(&said);
}

static void other_lengths_are_found(void **state)
{
	const struct texts_drawn longer = {30, 15, "ok", 15, 0};
	(void)state;
	reference_learn(2000, &usual);
	struct said said = run("drift report", "0.1 per 1000", texts_of(500, &longer), "");
	expect_words(said.out, "5 windows: 5 with drift");
	expect_words(said.out, " of `length(note)` (effect ");
	said_close(&said);
}

/* What comes instead is as long, so that only the share of the common text has changed. */
static void other_common_texts_are_found(void **state)
{
	const struct texts_drawn changed = {30, 15, "no", 10, 0};
	(void)state;
	reference_learn(2000, &usual);
	struct said said = run("drift report", "0.1 per 1000", texts_of(500, &changed), "");
	expect_words(said.out, "5 windows: 5 with drift");
	expect_words(said.out, " by chi-square of `note` (effect ");
	said_close(&said);
}

/* Texts that are all of the rest are not one text; a single one is. */
static void only_one_text_alone_no_longer_varies(void **state)
{
	const struct texts_drawn streams[] = {unique, {100, 0, "ok", 10, 0}, {100, 0, "new", 10, 0}};
	(void)state;
	reference_learn(2000, &usual);
	for (size_t i = 0; i < 3; i++) {
		struct said said = run("drift report", "0.1 per 1000", texts_of(100, &streams[i]), "");
		assert_true((strstr(said.out, "; note: does not vary any more") != NULL) == (i == 1));
		assert_true((strstr(said.out, "; length(note): does not vary any more") != NULL) == (i > 0));
		assert_null(strstr(said.out, "never seen"));
		said_close(&said);
	}
}

/* Also one that is rare in the reference, where the rest are others. */
static void a_rare_text_alone_no_longer_varies(void **state)
{
	const struct texts_drawn rare = {4, 0, "ok", 10, 0}, stuck = {100, 0, "ok", 10, 0};
	(void)state;
	reference_learn(2000, &rare);
	struct said said = run("drift report", "0.1 per 1000", texts_of(100, &stuck), "");
	expect_words(said.out, "; note: does not vary any more");
	said_close(&said);
}

/* Next to many categories, of which each is rare or comes once, a change of the common ones is found. */
static void changes_beside_rare_categories_are_found(void **state)
{
	static const struct {
		struct texts_drawn before, after;
		int window;
	} changes[] = {
		{{80, 12, "ok", 10, 0}, {60, 32, "ok", 10, 0}, 500},
		{{80, 12, "ok", 10, 0}, {60, 32, "ok", 10, 0}, 5000},
		{{50, 20, "ok", 10, 500}, {30, 40, "ok", 10, 500}, 500},
	};
	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		window = changes[i].window;
		reference_learn(4000, &changes[i].before);
		struct said said = run("drift report", "0.01 per 1000", texts_of(5 * window, &changes[i].after), "");
		expect_words(said.out, "5 windows: 5 with drift");
		expect_words(said.out, " by chi-square of `note` (effect ");
		said_close(&said);
	}
}

/* A field that is not a number makes a whole column texts, which are then not watched. */
static void columns_that_are_not_watched_are_named(void **state)
{
	(void)state;
	size_t length = data_print(0, "bid,ask,venue\n");
	for (int i = 0; i < 200; i++)
		length = data_print(length, "%d,%s%d,XNYS\n", i % 17, i == 150 ? "USD " : "", i % 13);
	write_file("plain.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
				 "  - {name: watch, drift: {reference: ref.json}}\n  output: {steps: [watch]}\n");
	write_file("data", data);
	struct said said = say_with(step_kinds, "fit drift data -f plain.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	expect_words(said.err,
		     "tensors with texts are not watched unless `tensors` names them, here 2: the first is `ask`; a column of a "
		     "CSV has texts if one of its fields is not a number\n");
	said_close(&said);
	reference_learn(200, &usual); /* which names them */
}

/* ---- false alarms ---- */

struct alarms {
	double raised, declared;
	int rows;
};

/* Each has references of so many rows, and rows that are as they are. */
struct alarms_tried {
	int references, reference_rows, live_rows;
	const char *rate;
};

static void alarms_count(const struct alarms_tried *tried, const struct texts_drawn *from, struct alarms *sum)
{
	reference_learn(tried->reference_rows, from);
	struct said said = run("drift report", tried->rate, texts_of(tried->live_rows, from), " -o json");
	assert_int_equal(said.code, 0);
	const char *last = said.out + strlen(said.out) - 1;
	while (last > said.out && last[-1] != '\n')
		last--;
	json_t *report = json_loads(last, 0, NULL);
	assert_non_null(report);
	sum->raised += json_number_value(json_object_get(report, "alarms"));
	sum->declared += json_number_value(json_object_get(report, "false_alarms_declared"));
	sum->rows += tried->live_rows;
	json_decref(report);
	said_close(&said);
}

static void expect_declared_alarms(const struct alarms_tried *tried, const struct texts_drawn *from)
{
	struct alarms sum = {0};
	for (int i = 0; i < tried->references; i++)
		alarms_count(tried, from, &sum);
	print_message("texts %d, %d, %d, windows of %d: %.0f alarms in %d rows of %d references, %.0f declared\n", from->ok,
		      from->retry, from->different, window, sum.raised, sum.rows, tried->references, sum.declared);
	assert_true(sum.raised <= sum.declared + 3 * sqrt(sum.declared));
}

/* Free texts with and without common ones; and categories of which one in 50 values, or in 12, is a new one. */
static void clean_texts_raise_no_more_alarms_than_declared(void **state)
{
	static const struct texts_drawn kinds[] = {
		{30, 15, "ok", 10, 0}, {0, 0, "", 10, 0}, {60, 38, "ok", 10, 0}, {80, 12, "ok", 10, 0}};
	const struct alarms_tried tried = {UNIT_REPETITIONS(130), 400, 1600, "1 per 1000"};
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		expect_declared_alarms(&tried, &kinds[i]);
}

/* Categories with new ones, or with many rare ones, of larger samples: such categories keep these apart, whatever their size. */
static void rare_categories_of_large_samples_raise_no_more_alarms(void **state)
{
	static const struct texts_drawn kinds[] = {{60, 38, "ok", 10, 0},   {80, 12, "ok", 10, 0}, {0, 0, "", 10, 500},
						   {50, 20, "ok", 10, 500}, {0, 0, "", 10, 250},   {80, 0, "ok", 10, 60}};
	static const int windows[] = {500, 8000};
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i += UNIT_IS_SHORT ? 3 : 1)
		for (size_t j = 0; j < 2; j++) {
			const struct alarms_tried tried = {4, 4000, 16000, "0.1 per 1000"}; /* of one alone, alarms come together */
			window = windows[j];
			expect_declared_alarms(&tried, &kinds[i]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(more_than_a_thousand_texts_are_learnt, set_up),
		cmocka_unit_test_setup(lengths_are_in_characters, set_up),
		cmocka_unit_test_setup(a_file_that_does_not_hold_together_is_refused, set_up),
		cmocka_unit_test_setup(a_text_without_characters_is_missing, set_up),
		cmocka_unit_test_setup(clean_texts_are_quiet, set_up),
		cmocka_unit_test_setup(other_lengths_are_found, set_up),
		cmocka_unit_test_setup(other_common_texts_are_found, set_up),
		cmocka_unit_test_setup(only_one_text_alone_no_longer_varies, set_up),
		cmocka_unit_test_setup(a_rare_text_alone_no_longer_varies, set_up),
		cmocka_unit_test_setup(changes_beside_rare_categories_are_found, set_up),
		cmocka_unit_test_setup(columns_that_are_not_watched_are_named, set_up),
		cmocka_unit_test_setup(clean_texts_raise_no_more_alarms_than_declared, set_up),
		cmocka_unit_test_setup(rare_categories_of_large_samples_raise_no_more_alarms, set_up),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
