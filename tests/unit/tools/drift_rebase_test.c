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

#include "control/records/records.h"
#include "steps/drift/state/drift_past_record.h"
#include "steps/kinds.h"
#include "tests/unit/past_stand.h"
#include "tests/unit/session.h"

#define expect_near(number, wanted, by) assert_true(fabs((number) - (wanted)) <= (by))
/* ---- the same file ---- */

/* Windows 5 to 14 of 30. */
static void a_reference_of_past_windows_is_that_of_their_rows(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_windows(self, 30, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "--from 1970-04-11T00:00:05Z --to 1970-04-11T00:00:14Z", 0,
			  "r.json: the reference of 10 windows with 1000 rows of step `watch`, from 1970-04-11T00:00:05Z to "
			  "1970-04-11T00:00:14Z; 1000 rows are in it\n");
	past_stand_csv(self, 500, 1500);
	past_stand_yaml(PAST_WATCH("f.json"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --tensor x=0,1 --out f.json");
	assert_string_equal(said.err, "");
	said_close(&said);
	const char *fitted = past_stand_file("f.json"), *rebased = past_stand_file("r.json");
	expect_words(rebased, "\"rows\": 1000, \"block\": 20,");
	expect_words(fitted, "\"rows\": 1000, \"block\": 1000,");
	assert_string_equal(words_behind(rebased, "\"block\": 20,"), words_behind(fitted, "\"block\": 1000,"));
	past_stand_close(self);
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

static void its_verdicts_are_those_of_a_fitted_one(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	double reference[1000], judged[100];
	past_stand_windows(self, 10, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "10 windows with 1000 rows");
	past_stand_csv(self, 0, 1000);
	past_stand_yaml(PAST_WATCH("f.json"));
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --tensor x=0,1 --out f.json");
	said_close(&said);
	past_stand_windows(self, 5, 0);
	past_stand_windows(self, 5, 1);
	past_stand_csv(self, 1000, 2000);
	char *by_past = past_stand_report("r.json"), *by_fit = past_stand_report("f.json");
	const char *past = by_past, *fit = by_fit;
	for (size_t i = 0; i < 1000; i++)
		reference[i] = self->rows[i][0];
	for (size_t window = 0; window < 10; window++) {
		for (size_t i = 0; i < 100; i++)
			judged[i] = self->rows[1000 + window * 100 + i][0];
		past = words_behind(past, "\"window\"");
		fit = words_behind(fit, "\"window\"");
		const bool drifts = number_behind(past, "\"drift_score\":") > 0;
		assert_int_equal(drifts, window >= 5);
		assert_true(drifts == (number_behind(fit, "\"drift_score\":") > 0));
		const double statistic = number_behind(past, "\"statistic\":");
		expect_near(statistic, distance_of(reference, 1000, judged, 100), 1e-12);
		expect_near(statistic, number_behind(fit, "\"statistic\":"), 1e-15);
	}
	free(by_past);
	free(by_fit);
	past_stand_close(self);
}

/* ---- a sample of a longer past ---- */

/* The numbers of a feature in the file. */
static size_t values_read(const char *text, double *values)
{
	size_t count = 0;
	const char *at = words_behind(text, "\"values\": [");
	for (char *end; *at != ']'; at = *end == ',' ? end + 1 : end)
		values[count++] = strtod(at, &end);
	return count;
}

/* The first rows are of another kind than the last, and each have their share. */
static void a_longer_past_is_a_sample_within_the_error_that_is_said(void **state)
{
	(void)state;
	static double sample[DRIFT_REFERENCE_ROWS_MAX], rows[PAST_ROWS_MAX];
	struct past_stand *self = past_stand_open();
	for (int i = 0; i < 60; i++) {
		self->blank = i == 59; /* the last windows, whose blocks merge when the file is made */
		past_stand_windows(self, 10, i < 30 ? 0 : 0.25);
	}
	past_stand_commit(self);
	past_stand_rebase(self, "--alarms keep", 0, "600 windows with 60000 rows");
	const char *text = past_stand_file("r.json");
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
	expect_near(number_behind(words_behind(text, "x.1"), "\"missing\": "), 1000, 0);
	expect_near(number_behind(text, "\"least\": "), rows[0], 0);
	expect_near(number_behind(text, "\"greatest\": "), rows[self->count - 1], 0);
	past_stand_close(self);
}

/* ---- alarms ---- */

static void windows_in_alarm_are_left_out_unless_they_are_wanted(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_windows(self, 20, 0);
	past_stand_windows(self, 2, 3);
	past_stand_windows(self, 1, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "21 windows with 2100 rows");
	past_stand_rebase(self, "", 0, "left out: 2 windows with 200 rows, for an alarm; `--alarms keep` takes them too\n");
	assert_true(number_behind(past_stand_file("r.json"), "\"greatest\": ") < 3); /* the sum of six has the middle 0 */
	past_stand_rebase(self, "--alarms keep -o json", 0,
			  "\"windows\": 23, \"rows\": 2300, \"values\": 2300, \"left_out\": {\"windows\": 0, \"rows\": 0}}");
	past_stand_rebase(
		self, "--from 1970-04-11T00:00:20Z --to 1970-04-11T00:00:21Z", 1,
		"give 0 rows to learn from, and 100 or more are needed, since windows in alarm are left out; give a longer "
		"time, or "
		"take these too by `--alarms keep`");
	past_stand_rebase(self, "--from 1970-04-11T00:00:20Z --to 1970-04-11T00:00:21Z --alarms keep", 0,
			  "2 windows with 200 rows");
	past_stand_close(self);
}

/* ---- refusals ---- */

static void a_time_without_windows_is_refused_with_those_that_there_are(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_rebase(self, "", 1, "p.yaml:6:5: step `watch` has no past yet: no window of 20 rows or more has closed");
	past_stand_windows(self, 3, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "--from 1d", 1, "has no window from 2");
	past_stand_rebase(self, "--from 1d", 1,
			  "it has windows from 1970-04-11T00:00:00Z to 1970-04-11T00:00:02Z: give a time within");
	past_stand_rebase(self, "--to 1970-04-11T00:00:00Z", 0, ": the reference of 1 window with 100 rows");
	past_stand_rebase(self, "--from 1970-04-12 --to 1970-04-11", 2, "--from is after --to");
	past_stand_rebase(self, "--from yesterday", 2,
			  "--from is `yesterday`; write a time as 2026-01-31T09:30Z, or how long ago it was, as 7d");
	past_stand_close(self);
}

static void too_few_rows_are_refused(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_yaml("drift: {tensors: [x], reference: {past: 30d}, window: 80, falseAlarms: 0.1 per 1000}");
	observed_close(&self->observed);
	observed_open_watch(&self->observed,
			    "drift: {tensors: [x], reference: {past: 30d}, window: 80, falseAlarms: 0.1 per 1000}");
	observed_rows(&self->observed, 1, 80, 0);
	past_stand_commit(self);
	past_stand_rebase(
		self, "", 1,
		"p.yaml:6:5: the windows of that time give 80 rows to learn from, and 100 or more are needed; give a longer time");
	observed_rows(&self->observed, 1, 80, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "2 windows with 160 rows");
	past_stand_close(self);
}

static void a_step_without_a_past_is_refused(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_windows(self, 3, 0);
	past_stand_commit(self);
	past_stand_yaml(PAST_WATCH("f.json"));
	past_stand_rebase(self, "", 1, "step `watch` keeps no past: its reference is a file; learn another by `sluice fit drift`");
	past_stand_yaml("drift: {tensors: [x, y], reference: {past: 30d}, window: 100}");
	past_stand_rebase(self, "", 1,
			  "the past of step `watch` is of other `tensors` than its file names; give the file that runs");
	struct said said = say_with(step_kinds, "drift rebase p -f p.yaml --brokers localhost:1");
	assert_int_equal(said.code, 2);
	expect_words(said.err, "`p` names no step; write PIPELINE/STEP, as in fraud/watch");
	said_close(&said);
	said = say_with(step_kinds, "drift rebase p/other -f p.yaml --brokers localhost:1");
	assert_int_equal(said.code, 2);
	expect_words(said.err, "pipeline `p` has no step `other` that watches for drift");
	said_close(&said);
	past_stand_close(self);
}

/* A block is in the list, and its rows are not: at least once, the changelog may be read between the two. */
static void a_past_that_is_not_whole_is_refused(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_windows(self, 3, 0);
	past_stand_commit(self);
	past_stand_append(self, TEXT("past/block/7"), (struct text){0});
	past_stand_rebase(self, "", 1, "the past of step `watch` changed while it was read; do it again");
	past_stand_close(self);
}

/* ---- a control plane ---- */

#define OTHER_CHANGELOG "sluice.default.pipeline.p.stage.watch.observer.form-0a1b2c3d.state"
#define CONTROL "sluice.default.control"

static void control_append(const struct past_stand *self, const struct record_form *form, const void *record, struct text key)
{
	struct error error = {0};
	struct buffer bytes;
	buffer_open(&bytes, BYTES_MAX);
	assert_true(record_encode(form, record, &bytes, &error));
	mock_append(&self->mock, CONTROL, key, buffer_view(&bytes));
	buffer_close(&bytes);
}

/* A version of the pipeline in that phase, whose observer has the form "0a1b2c3d" or the first one. */
static void version_append(const struct past_stand *self, int64_t version, const char *form, enum change_phase phase)
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
	struct past_stand *self = past_stand_open();
	rd_kafka_mock_topic_create(self->mock.cluster, OTHER_CHANGELOG, 1, 1);
	rd_kafka_mock_topic_create(self->mock.cluster, CONTROL, 1, 1);
	past_stand_rebase(self, "", 1, "step `watch` has no past yet");
	past_stand_windows(self, 12, 0);
	self->changelog = OTHER_CHANGELOG;
	past_stand_commit(self);
	self->changelog = PAST_CHANGELOG;
	version_append(self, 1, "- watch.observer=drift", CHANGE_ACTIVE);
	past_stand_rebase(self, "", 1, "step `watch` has no past yet");
	version_append(self, 2, "0a1b2c3d watch.observer=drift", CHANGE_ACTIVE);
	past_stand_rebase(self, "", 0, "12 windows with 1200 rows");
	version_append(self, 3, "ffffffff watch.observer=drift", CHANGE_ACCEPTED);
	past_stand_rebase(self, "", 0, "12 windows with 1200 rows");
	past_stand_close(self);
}

/* ---- texts ---- */

#define WATCH_NOTES(reference) "drift: {tensors: [note], reference: " reference ", window: 100, falseAlarms: 0.1 per 1000}"

static const char *notes_once; /* in place of texts that come once; NULL: these */

/* Half of the texts are `ok`, a quarter is `down`, and each other one comes once; or `ok` is called something else. */
static void notes_draw(struct past_stand *self, const char *ok, char bytes[PAST_ROWS][16], struct text texts[PAST_ROWS])
{
	for (int i = 0; i < PAST_ROWS; i++) {
		snprintf(bytes[i], sizeof bytes[i], "no %d", (int)random_below(&self->observed.chance, 1000000));
		const uint64_t kind = random_below(&self->observed.chance, 4);
		texts[i] = text_of(kind < 2 ? ok : kind == 2 ? "down" : notes_once ? notes_once : bytes[i]);
	}
}

static void note_windows(struct past_stand *self, const char *ok, int count)
{
	static char bytes[PAST_ROWS][16];
	struct text texts[PAST_ROWS];
	const int64_t shape[] = {PAST_ROWS, 1};
	for (int i = 0; i < count; i++) {
		notes_draw(self, ok, bytes, texts);
		observed_send(&self->observed, &(struct tensor){.name = TEXT("note"),
								.datatype = DATATYPE_BYTES,
								.shape = shape,
								.rank = 2,
								.data = texts,
								.count = PAST_ROWS});
		self->observed.count = 0;
	}
}

/* Rows of such texts as a CSV. */
static void notes_csv_write(struct past_stand *self, const char *ok, size_t windows_count)
{
	static char bytes[PAST_ROWS][16];
	struct text texts[PAST_ROWS];
	FILE *file = fopen("notes.csv", "w");
	assert_non_null(file);
	fputs("note\n", file);
	for (size_t i = 0; i < windows_count; i++) {
		notes_draw(self, ok, bytes, texts);
		for (size_t row = 0; row < PAST_ROWS; row++)
			fprintf(file, TEXT_FORMAT "\n", TEXT_ARGUMENTS(texts[row]));
	}
	fclose(file);
}

static void notes_expect(struct past_stand *self, const char *ok, bool drifts)
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
	struct past_stand *self = past_stand_open_watch(WATCH_NOTES("{past: 30d}"));
	note_windows(self, "ok", 12);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "12 windows with 1200 rows");
	const char *file = past_stand_file("r.json");
	expect_words(file, "\"name\": \"note\", \"kind\": \"texts\"");
	expect_words(file, "\"categories\": [\"ok\", \"down\"]");
	expect_words(file, "\"name\": \"length(note)\", \"kind\": \"numbers\"");
	past_stand_yaml(WATCH_NOTES("r.json"));
	notes_expect(self, "ok", false);
	notes_expect(self, "failed", true);
	past_stand_close(self);
}

/* A text that became common after the reference was made, and before the next: it takes the place of those that come once, and is
 * as long, so no window is in alarm. The state has its name. */
static void a_text_that_is_common_since_the_reference_has_its_name(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open_watch(WATCH_NOTES("{past: 30d}"));
	note_windows(self, "ok", 10);
	notes_once = "no-warned";
	note_windows(self, "ok", 2);
	past_stand_commit(self);
	past_stand_rebase(self, "--from 1970-04-11T00:00:10Z", 0, "2 windows with 200 rows");
	const char *file = past_stand_file("r.json");
	expect_words(file, "\"no-warned\"");
	expect_words(file, "\"ok\"");
	expect_words(file, "\"down\"");
	notes_once = NULL;
	past_stand_close(self);
}

/* Texts of windows in alarm are counted apart. Categories are the commonest texts of the first half of the rows, in which 850 are
 * `ok`, 625 `down` and, in the windows in alarm, 400 `failed`, but for chance. */
static void texts_of_windows_in_alarm_are_rebased_if_they_are_wanted(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open_watch(WATCH_NOTES("{past: 30d}"));
	note_windows(self, "ok", 12);
	note_windows(self, "failed", 8);
	note_windows(self, "ok", 30);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "left out: 8 windows with 800 rows, for an alarm");
	expect_words(past_stand_file("r.json"), "\"categories\": [\"ok\", \"down\"]");
	past_stand_rebase(self, "--alarms keep", 0, "50 windows with 5000 rows");
	expect_words(past_stand_file("r.json"), "\"categories\": [\"ok\", \"down\", \"failed\"]");
	past_stand_yaml(WATCH_NOTES("r.json"));
	notes_expect(self, "lost", true);
	past_stand_close(self);
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
		cmocka_unit_test(the_changelog_is_that_of_the_form_in_force),
		cmocka_unit_test(texts_of_the_past_are_rebased),
		cmocka_unit_test(a_text_that_is_common_since_the_reference_has_its_name),
		cmocka_unit_test(texts_of_windows_in_alarm_are_rebased_if_they_are_wanted),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
