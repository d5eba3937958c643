/* drift_rebase_test.c: `sluice drift rebase` on a changelog that an observer has written: the file is the one that
 * `sluice fit drift` makes of the rows themselves, a longer past is a sample as good as its page says, and what cannot be made is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "control/records.h"
#include "state/change.h"
#include "steps/drift_past_record.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/observed.h"
#include "tests/unit/session.h"

#define expect_near(number, wanted, by) assert_true(fabs((number) - (wanted)) <= (by))
#define CHANGELOG "sluice.default.pipeline.p.stage.watch.observer.state"
#define SCOPE "watch.observer"
#define ROWS 100 /* of a message, and of a window: one a second */
#define ROWS_MAX 60000
#define WATCH(reference) "drift: {tensors: [x], reference: " reference ", window: 100, falseAlarms: 0.1 per 1000}"
#define BYTES_MAX ((size_t)4 << 20)

/* A stream that was observed, with the rows that it had. */
struct rebased {
	struct observed observed;
	struct mock mock;
	double rows[ROWS_MAX][2];
	size_t count;
	bool blank; /* the second column is missing */
};

static struct rebased all;

static double draw(struct rebased *self, double middle)
{
	double sum = middle;
	for (int i = 0; i < 6; i++)
		sum += (double)random_below(&self->observed.chance, 1000) / 1000 - 0.5;
	return sum;
}

/* So many windows, whose first column is moved. */
static void windows(struct rebased *self, int count, double moved)
{
	const int64_t shape[] = {ROWS, 2};
	for (int i = 0; i < count; i++) {
		double(*rows)[2] = &self->rows[self->count];
		for (int row = 0; row < ROWS; row++) {
			rows[row][0] = draw(self, moved);
			rows[row][1] = self->blank ? NAN : draw(self, 0);
		}
		self->count += ROWS;
		observed_send(&self->observed, &(struct tensor){.name = TEXT("x"),
								.datatype = DATATYPE_FP64,
								.shape = shape,
								.rank = 2,
								.data = rows,
								.count = ROWS * 2});
		self->observed.count = 0;
	}
}

static void yaml_write(const char *watch)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		 "  - {name: watch, %s}\n  output: {steps: [watch]}\n",
		 watch);
	write_file("p.yaml", yaml);
}

static const char *changelog = CHANGELOG; /* to which the engine's store is written */

static void change_append(const struct rebased *self, struct text name, struct text stored)
{
	struct buffer key, value;
	buffer_open(&key, BYTES_MAX);
	buffer_open(&value, BYTES_MAX);
	change_write_key(&key, SCOPE, name);
	change_write_value(&value, stored);
	mock_append(&self->mock, changelog, buffer_view(&key), stored.bytes ? buffer_view(&value) : (struct text){0});
	buffer_close(&key);
	buffer_close(&value);
}

/* What the engine's store has changed goes to the changelog. */
static void changelog_write(const struct rebased *self)
{
	for (struct change change; store_change(self->observed.store, &change); store_change_written(self->observed.store))
		change_append(self, change.key, change.value);
}

static struct rebased *rebased_open_watch(const char *watch)
{
	struct rebased *self = &all;
	self->count = 0;
	self->blank = false;
	observed_open_watch(&self->observed, watch);
	mock_open(&self->mock);
	rd_kafka_mock_topic_create(self->mock.cluster, CHANGELOG, 1, 1); /* as an engine does */
	yaml_write(watch);
	return self;
}

static struct rebased *rebased_open(void)
{
	return rebased_open_watch(WATCH("{past: 30d}"));
}

static void rebased_close(struct rebased *self)
{
	mock_close(&self->mock);
	observed_close(&self->observed);
}

static struct said rebase(const struct rebased *self, const char *more)
{
	char line[512];
	snprintf(line, sizeof line, "drift rebase p/watch -f p.yaml --brokers %s --out r.json %s", self->mock.brokers, more);
	return say_with(step_kinds, line);
}

static void rebase_says(const struct rebased *self, const char *more, int code, const char *words)
{
	struct said said = rebase(self, more);
	expect_words(code ? said.err : said.out, words);
	assert_int_equal(said.code, code);
	said_close(&said);
}

static char *file_text(const char *path)
{
	static char texts[2][BYTES_MAX];
	static int turn;
	char *text = texts[turn++ % 2];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, BYTES_MAX - 1, file)] = 0;
	fclose(file);
	return text;
}

/* The rows from one to another as a CSV. */
static void csv_write(const struct rebased *self, size_t from, size_t end)
{
	FILE *file = fopen("rows.csv", "w");
	assert_non_null(file);
	fputs("0,1\n", file);
	for (size_t i = from; i < end; i++)
		fprintf(file, "%.17g,%.17g\n", self->rows[i][0], self->rows[i][1]);
	fclose(file);
}

/* ---- the same file ---- */

static const char *past_words(const char *text, const char *words)
{
	const char *found = strstr(text, words);
	assert_non_null(found);
	return found + strlen(words);
}

/* Windows 5 to 14 of 30. */
static void a_reference_of_past_windows_is_that_of_their_rows(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	windows(self, 30, 0);
	changelog_write(self);
	rebase_says(self, "--from 1970-04-11T00:00:05Z --to 1970-04-11T00:00:14Z", 0,
		    "r.json: the reference of 10 windows with 1000 rows of step `watch`, from 1970-04-11T00:00:05Z to "
		    "1970-04-11T00:00:14Z; 1000 rows are in it\n");
	csv_write(self, 500, 1500);
	yaml_write(WATCH("f.json"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --tensor x=0,1 --out f.json");
	assert_string_equal(said.err, "");
	said_close(&said);
	const char *fitted = file_text("f.json"), *rebased = file_text("r.json");
	expect_words(rebased, "\"rows\": 1000, \"block\": 20,");
	expect_words(fitted, "\"rows\": 1000, \"block\": 1000,");
	assert_string_equal(past_words(rebased, "\"block\": 20,"), past_words(fitted, "\"block\": 1000,"));
	rebased_close(self);
}

/* ---- the same verdicts ---- */

static int numbers_compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The Kolmogorov-Smirnov distance of two samples of the first column, each from its definition. */
static double distance_of(const double *left, size_t left_count, const double *right, size_t right_count)
{
	double most = 0;
	for (size_t i = 0; i < left_count + right_count; i++) {
		const double at = i < left_count ? left[i] : right[i - left_count];
		size_t below_left = 0, below_right = 0;
		for (size_t j = 0; j < left_count; j++)
			below_left += left[j] <= at;
		for (size_t j = 0; j < right_count; j++)
			below_right += right[j] <= at;
		most = fmax(most, fabs((double)below_left / (double)left_count - (double)below_right / (double)right_count));
	}
	return most;
}

/* The report on windows by a reference file, without the levels. */
static char *report_of(const char *reference)
{
	char watch[256];
	snprintf(watch, sizeof watch, "drift: {tensors: [x], reference: %s, window: 100, methods: [ks], falseAlarms: 0.1 per 1000}",
		 reference);
	yaml_write(watch);
	struct said said = say_with(step_kinds, "drift report rows.csv -f p.yaml --tensor x=0,1 -o json");
	assert_string_equal(said.err, "");
	free(said.err);
	return said.out;
}

static double number_behind(const char *text, const char *words)
{
	return strtod(past_words(text, words), NULL);
}

static void its_verdicts_are_those_of_a_fitted_one(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	double reference[1000], judged[100];
	windows(self, 10, 0);
	changelog_write(self);
	rebase_says(self, "", 0, "10 windows with 1000 rows");
	csv_write(self, 0, 1000);
	yaml_write(WATCH("f.json"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --tensor x=0,1 --out f.json");
	said_close(&said);
	windows(self, 5, 0);
	windows(self, 5, 1);
	csv_write(self, 1000, 2000);
	char *by_past = report_of("r.json"), *by_fit = report_of("f.json");
	const char *past = by_past, *fit = by_fit;
	for (size_t i = 0; i < 1000; i++)
		reference[i] = self->rows[i][0];
	for (size_t window = 0; window < 10; window++) {
		for (size_t i = 0; i < 100; i++)
			judged[i] = self->rows[1000 + window * 100 + i][0];
		past = past_words(past, "\"window\"");
		fit = past_words(fit, "\"window\"");
		const bool drifts = number_behind(past, "\"drift_score\":") > 0;
		assert_int_equal(drifts, window >= 5);
		assert_true(drifts == (number_behind(fit, "\"drift_score\":") > 0));
		const double statistic = number_behind(past, "\"statistic\":");
		expect_near(statistic, distance_of(reference, 1000, judged, 100), 1e-12);
		expect_near(statistic, number_behind(fit, "\"statistic\":"), 1e-15);
	}
	free(by_past);
	free(by_fit);
	rebased_close(self);
}

/* ---- a sample of a longer past ---- */

/* The numbers of a feature in the file. */
static size_t values_read(const char *text, double *values)
{
	size_t count = 0;
	const char *at = past_words(text, "\"values\": [");
	for (char *end; *at != ']'; at = *end == ',' ? end + 1 : end)
		values[count++] = strtod(at, &end);
	return count;
}

/* The first rows are of another kind than the last, and each have their share. */
static void a_longer_past_is_a_sample_within_the_error_that_is_said(void **state)
{
	(void)state;
	static double sample[DRIFT_REFERENCE_ROWS_MAX], rows[ROWS_MAX];
	struct rebased *self = rebased_open();
	for (int i = 0; i < 60; i++) {
		self->blank = i == 59; /* the last windows, whose blocks merge when the file is made */
		windows(self, 10, i < 30 ? 0 : 0.25);
	}
	changelog_write(self);
	rebase_says(self, "--alarms keep", 0, "600 windows with 60000 rows");
	const char *text = file_text("r.json");
	const size_t count = values_read(text, sample);
	assert_true(count >= 3000 && count <= DRIFT_REFERENCE_ROWS_MAX);
	for (size_t i = 0; i < self->count; i++)
		rows[i] = self->rows[i][0];
	qsort(rows, self->count, sizeof *rows, numbers_compare);
	qsort(sample, count, sizeof *sample, numbers_compare);
	double most = 0;
	for (size_t i = 0, below = 0; i < count; i++) {
		while (below < self->count && rows[below] <= sample[i])
			below++;
		most = fmax(most, fabs((double)(i + 1) / (double)count - (double)below / (double)self->count));
	}
	assert_true(most < 1.4 / sqrt((double)count));
	expect_near(number_behind(past_words(text, "x.1"), "\"missing\": "), 1000, 0);
	expect_near(number_behind(text, "\"least\": "), rows[0], 0);
	expect_near(number_behind(text, "\"greatest\": "), rows[self->count - 1], 0);
	rebased_close(self);
}

/* ---- alarms ---- */

static void windows_in_alarm_are_left_out_unless_they_are_wanted(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	windows(self, 20, 0);
	windows(self, 2, 3);
	windows(self, 1, 0);
	changelog_write(self);
	rebase_says(self, "", 0, "21 windows with 2100 rows");
	rebase_says(self, "", 0, "left out: 2 windows with 200 rows, for an alarm; `--alarms keep` takes them too\n");
	assert_true(number_behind(file_text("r.json"), "\"greatest\": ") < 3); /* the sum of six has the middle 0 */
	rebase_says(self, "--alarms keep -o json", 0,
		    "\"windows\": 23, \"rows\": 2300, \"values\": 2300, \"left_out\": {\"windows\": 0, \"rows\": 0}}");
	rebase_says(self, "--from 1970-04-11T00:00:20Z --to 1970-04-11T00:00:21Z", 1,
		    "give 0 rows to learn from, and 100 or more are needed, since windows in alarm are left out; give a longer "
		    "time, or "
		    "take these too by `--alarms keep`");
	rebase_says(self, "--from 1970-04-11T00:00:20Z --to 1970-04-11T00:00:21Z --alarms keep", 0, "2 windows with 200 rows");
	rebased_close(self);
}

/* ---- refusals ---- */

static void a_time_without_windows_is_refused_with_those_that_there_are(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	rebase_says(self, "", 1, "p.yaml:6:5: step `watch` has no past yet: no window of 20 rows or more has closed");
	windows(self, 3, 0);
	changelog_write(self);
	rebase_says(self, "--from 1d", 1, "has no window from 2");
	rebase_says(self, "--from 1d", 1, "it has windows from 1970-04-11T00:00:00Z to 1970-04-11T00:00:02Z: give a time within");
	rebase_says(self, "--to 1970-04-11T00:00:00Z", 0, "1 windows with 100 rows");
	rebase_says(self, "--from 1970-04-12 --to 1970-04-11", 2, "--from is after --to");
	rebase_says(self, "--from yesterday", 2,
		    "--from is `yesterday`; write a time as 2026-01-31T09:30Z, or how long ago it was, as 7d");
	rebased_close(self);
}

static void too_few_rows_are_refused(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	yaml_write("drift: {tensors: [x], reference: {past: 30d}, window: 80, falseAlarms: 0.1 per 1000}");
	observed_close(&self->observed);
	observed_open_watch(&self->observed,
			    "drift: {tensors: [x], reference: {past: 30d}, window: 80, falseAlarms: 0.1 per 1000}");
	observed_rows(&self->observed, 1, 80, 0);
	changelog_write(self);
	rebase_says(
		self, "", 1,
		"p.yaml:6:5: the windows of that time give 80 rows to learn from, and 100 or more are needed; give a longer time");
	observed_rows(&self->observed, 1, 80, 0);
	changelog_write(self);
	rebase_says(self, "", 0, "2 windows with 160 rows");
	rebased_close(self);
}

static void a_step_without_a_past_is_refused(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	windows(self, 3, 0);
	changelog_write(self);
	yaml_write(WATCH("f.json"));
	rebase_says(self, "", 1, "step `watch` keeps no past: its reference is a file; learn another by `sluice fit drift`");
	yaml_write("drift: {tensors: [x, y], reference: {past: 30d}, window: 100}");
	rebase_says(self, "", 1, "the past of step `watch` is of other `tensors` than its file names; give the file that runs");
	struct said said = say_with(step_kinds, "drift rebase p -f p.yaml --brokers localhost:1");
	assert_int_equal(said.code, 2);
	expect_words(said.err, "`p` names no step; write PIPELINE/STEP, as in fraud/watch");
	said_close(&said);
	said = say_with(step_kinds, "drift rebase p/other -f p.yaml --brokers localhost:1");
	assert_int_equal(said.code, 2);
	expect_words(said.err, "pipeline `p` has no step `other` that watches for drift");
	said_close(&said);
	rebased_close(self);
}

/* A block is in the list, and its rows are not: at least once, the changelog may be read between the two. */
static void a_past_that_is_not_whole_is_refused(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	windows(self, 3, 0);
	changelog_write(self);
	change_append(self, TEXT("past/block/7"), (struct text){0});
	rebase_says(self, "", 1, "the past of step `watch` changed while it was read; do it again");
	rebased_close(self);
}

/* ---- what a former version has stored ---- */

static void the_list_of_a_former_version_is_read(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	struct text stored;
	char former[8192];
	uint32_t scope;
	windows(self, 12, 0);
	assert_true(store_scope_find(self->observed.store, TEXT(SCOPE), &scope));
	assert_true(store_read(self->observed.store, scope, TEXT(PAST_LIST_KEY), &stored));
	const struct past_list *list = (const void *)stored.bytes;
	const size_t head = past_list_bytes(0), count = list->past.count;
	memcpy(former, stored.bytes, head);
	memcpy(former, &(uint64_t){2}, sizeof(uint64_t));
	for (size_t i = 0; i < count; i++) /* number, rows and time */
		memcpy(former + head + i * 24, &list->past.blocks[i], 24);
	changelog_write(self);
	change_append(self, TEXT(PAST_LIST_KEY), (struct text){former, head + count * 24});
	rebase_says(self, "", 0, "12 windows with 1200 rows");
	struct error error = {0};
	assert_true(
		store_restore(self->observed.store, scope, TEXT(PAST_LIST_KEY), (struct text){former, head + count * 24}, &error));
	observed_engine_close(&self->observed);
	observed_engine_open(&self->observed);
	observed_rows(&self->observed, 1, 100, 0); /* the past goes on */
	assert_int_equal(self->observed.seen[0].verdict, DRIFT_STEADY);
	assert_int_equal(self->observed.seen[0].reference_rows, 1000);
	changelog_write(self);
	rebase_says(self, "", 0, "13 windows with 1300 rows");
	rebased_close(self);
}

/* ---- a control plane ---- */

#define OTHER_CHANGELOG "sluice.default.pipeline.p.stage.watch.observer.form-0a1b2c3d.state"
#define CONTROL "sluice.default.control"

static void control_append(const struct rebased *self, const struct record_form *form, const void *record, struct text key)
{
	struct error error = {0};
	struct buffer bytes;
	buffer_open(&bytes, BYTES_MAX);
	assert_true(record_encode(form, record, &bytes, &error));
	mock_append(&self->mock, CONTROL, key, buffer_view(&bytes));
	buffer_close(&bytes);
}

/* A version of the pipeline in that phase, whose observer has the form "0a1b2c3d" or the first one. */
static void version_append(const struct rebased *self, int64_t version, const char *form, enum change_phase phase)
{
	const struct control_label label = {TEXT("sluice.io/state/p/watch.observer"), text_of(form)};
	const struct resource_version resource = {TEXT("Pipeline"), TEXT("p"), version};
	const struct control_keeper keeper = {.namespace = TEXT("default"), .epoch = 1, .keeper = TEXT("k"), .time_ms = 1};
	const struct control_version accepted = {.kind = resource.kind,
						 .name = resource.name,
						 .namespace = TEXT("default"),
						 .version = version,
						 .document = TEXT("{}"),
						 .author = TEXT("me"),
						 .proposal = TEXT("id"),
						 .time_ms = 1,
						 .keeper = TEXT("k"),
						 .labels = {1, &label},
						 .change = version,
						 .epoch = 1};
	const struct control_change change = {.namespace = TEXT("default"),
					      .number = version,
					      .phase = (int)phase,
					      .versions = {1, &resource},
					      .author = TEXT("me"),
					      .proposal = TEXT("id"),
					      .time_ms = 1,
					      .keeper = TEXT("k"),
					      .epoch = 1};
	struct buffer keys[2];
	buffer_open(&keys[0], BYTES_MAX);
	buffer_open(&keys[1], BYTES_MAX);
	version_key(accepted.kind, accepted.name, version, &keys[0]);
	change_key(version, &keys[1]);
	if (version == 1)
		control_append(self, &keeper_form, &keeper, KEEPER_KEY);
	control_append(self, &version_form, &accepted, buffer_view(&keys[0]));
	control_append(self, &change_form, &change, buffer_view(&keys[1]));
	buffer_close(&keys[0]);
	buffer_close(&keys[1]);
}

/* The first version in force has the first form, the second another one; a third is not in force. */
static void the_changelog_is_that_of_the_form_in_force(void **state)
{
	(void)state;
	struct rebased *self = rebased_open();
	rd_kafka_mock_topic_create(self->mock.cluster, OTHER_CHANGELOG, 1, 1);
	rd_kafka_mock_topic_create(self->mock.cluster, CONTROL, 1, 1);
	rebase_says(self, "", 1, "step `watch` has no past yet");
	windows(self, 12, 0);
	changelog = OTHER_CHANGELOG;
	changelog_write(self);
	changelog = CHANGELOG;
	version_append(self, 1, "- watch.observer=drift", CHANGE_ACTIVE);
	rebase_says(self, "", 1, "step `watch` has no past yet");
	version_append(self, 2, "0a1b2c3d watch.observer=drift", CHANGE_ACTIVE);
	rebase_says(self, "", 0, "12 windows with 1200 rows");
	version_append(self, 3, "ffffffff watch.observer=drift", CHANGE_ACCEPTED);
	rebase_says(self, "", 0, "12 windows with 1200 rows");
	rebased_close(self);
}

/* ---- texts ---- */

#define WATCH_NOTES(reference) "drift: {tensors: [note], reference: " reference ", window: 100, falseAlarms: 0.1 per 1000}"

/* Half of the texts are `ok`, a quarter is `down`, and each other one comes once; or `ok` is called something else. */
static void notes_draw(struct rebased *self, const char *ok, char bytes[ROWS][16], struct text texts[ROWS])
{
	for (int i = 0; i < ROWS; i++) {
		snprintf(bytes[i], sizeof bytes[i], "no %d", (int)random_below(&self->observed.chance, 1000000));
		const uint64_t kind = random_below(&self->observed.chance, 4);
		texts[i] = text_of(kind < 2 ? ok : kind == 2 ? "down" : bytes[i]);
	}
}

static void note_windows(struct rebased *self, int count)
{
	static char bytes[ROWS][16];
	struct text texts[ROWS];
	const int64_t shape[] = {ROWS, 1};
	for (int i = 0; i < count; i++) {
		notes_draw(self, "ok", bytes, texts);
		observed_send(&self->observed, &(struct tensor){.name = TEXT("note"),
								.datatype = DATATYPE_BYTES,
								.shape = shape,
								.rank = 2,
								.data = texts,
								.count = ROWS});
		self->observed.count = 0;
	}
}

/* Rows of such texts as a CSV. */
static void notes_csv_write(struct rebased *self, const char *ok, size_t windows_count)
{
	static char bytes[ROWS][16];
	struct text texts[ROWS];
	FILE *file = fopen("notes.csv", "w");
	assert_non_null(file);
	fputs("note\n", file);
	for (size_t i = 0; i < windows_count; i++) {
		notes_draw(self, ok, bytes, texts);
		for (size_t row = 0; row < ROWS; row++)
			fprintf(file, TEXT_FORMAT "\n", TEXT_ARGUMENTS(texts[row]));
	}
	fclose(file);
}

static void notes_expect(struct rebased *self, const char *ok, bool drifts)
{
	notes_csv_write(self, ok, 1);
	struct said said = say_with(step_kinds, "drift report notes.csv -f p.yaml -o json");
	assert_string_equal(said.err, "");
	assert_true((number_behind(said.out, "\"drift_score\":") > 0) == drifts);
	said_close(&said);
}

/* The commonest texts have their names in the file, and their lengths are numbers: reports use it as any other. */
static void texts_of_the_past_are_rebased(void **state)
{
	(void)state;
	struct rebased *self = rebased_open_watch(WATCH_NOTES("{past: 30d}"));
	note_windows(self, 12);
	changelog_write(self);
	rebase_says(self, "", 0, "12 windows with 1200 rows");
	const char *file = file_text("r.json");
	expect_words(file, "\"name\": \"note\", \"kind\": \"texts\"");
	expect_words(file, "\"categories\": [\"ok\", \"down\"]");
	expect_words(file, "\"name\": \"length(note)\", \"kind\": \"numbers\"");
	yaml_write(WATCH_NOTES("r.json"));
	notes_expect(self, "ok", false);
	notes_expect(self, "failed", true);
	rebased_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_of_past_windows_is_that_of_their_rows),
		cmocka_unit_test(its_verdicts_are_those_of_a_fitted_one),
		cmocka_unit_test(a_longer_past_is_a_sample_within_the_error_that_is_said),
		cmocka_unit_test(windows_in_alarm_are_left_out_unless_they_are_wanted),
		cmocka_unit_test(a_time_without_windows_is_refused_with_those_that_there_are),
		cmocka_unit_test(too_few_rows_are_refused),
		cmocka_unit_test(a_step_without_a_past_is_refused),
		cmocka_unit_test(a_past_that_is_not_whole_is_refused),
		cmocka_unit_test(the_list_of_a_former_version_is_read),
		cmocka_unit_test(the_changelog_is_that_of_the_form_in_force),
		cmocka_unit_test(texts_of_the_past_are_rebased),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
