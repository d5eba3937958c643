/* drift_past_report_test.c: `sluice drift report` of a step whose reference is the past of its stream: the windows that are in its
 * changelog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/past_stand.h"
#include "tests/unit/session.h"

static struct said report_by_past(const struct past_stand *self, const char *more)
{
	char line[512];
	snprintf(line, sizeof line, "drift report rows.csv -f p.yaml --tensor x=0,1 --brokers %s %s", self->mock.brokers, more);
	return say_with(step_kinds, line);
}

static void report_says(const struct past_stand *self, const char *more, const char *words)
{
	struct said said = report_by_past(self, more);
	expect_words(said.code ? said.err : said.out, words);
	said_close(&said);
}

/* The lines of the windows are those of a report by the file that `drift rebase` makes of the same windows. */
static void a_report_compares_with_the_past_of_the_changelog(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_windows(self, 10, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "10 windows with 1000 rows");
	past_stand_windows(self, 5, 0);
	past_stand_windows(self, 5, 1);
	past_stand_csv(self, 1000, 2000);
	char *by_file = past_stand_report("r.json");
	past_stand_yaml("drift: {tensors: [x], reference: {past: 30d}, window: 100, methods: [ks], falseAlarms: 0.1 per 1000}");
	struct said by_past = report_by_past(self, "-o json");
	assert_int_equal(by_past.code, 0);
	assert_string_equal(by_past.err, "");
	const char *sums = words_behind(by_file, "\n{\"windows\": 10");
	assert_memory_equal(by_past.out, by_file, (size_t)(sums - by_file));
	expect_words(by_past.out, "\"past\": {\"windows\": 10, \"rows\": 1000, \"values\": 1000, \"first_ms\": 8640000000, "
				  "\"last_ms\": 8640009000, \"windows_left_out\": 0}");
	assert_null(strstr(by_file, "\"past\""));
	assert_true(number_behind(by_past.out, "\"windows_with_drift\": ") == 5);
	said_close(&by_past);
	free(by_file);
	report_says(self, "",
		    "the reference: 10 windows of the past with 1000 rows, from 1970-04-11T00:00:00Z to 1970-04-11T00:00:09Z\n");
	report_says(self, "--to 1970-04-11T00:00:05Z", "the reference: 6 windows of the past with 600 rows");
	report_says(self, "-o html",
		    "The reference: 10 windows of the past with 1000 rows, from 1970-04-11T00:00:00Z to "
		    "1970-04-11T00:00:09Z.");
	past_stand_close(self);
}

static void windows_in_alarm_are_no_reference_unless_they_are_wanted(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_windows(self, 20, 0);
	past_stand_windows(self, 2, 3);
	past_stand_commit(self);
	past_stand_csv(self, 1900, 2200);
	past_stand_yaml(PAST_WATCH("{past: 30d}"));
	report_says(self, "",
		    "20 windows of the past with 2000 rows, from 1970-04-11T00:00:00Z to 1970-04-11T00:00:19Z; 2 windows in "
		    "alarm were left out, and `--alarms keep` takes them too\n3 windows: 2 with drift");
	report_says(self, "--alarms keep",
		    "22 windows of the past with 2200 rows, from 1970-04-11T00:00:00Z to "
		    "1970-04-11T00:00:21Z\n");
	report_says(self, "-o html", "2 windows in alarm were left out");
	past_stand_close(self);
}

static void a_report_without_a_past_is_refused(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_csv(self, 0, 0);
	report_says(self, "", "p.yaml:6:5: step `watch` has no past yet: no window of 20 rows or more has closed");
	past_stand_yaml(PAST_WATCH("r.json"));
	report_says(self, "--from 2d",
		    "--from, --to and --alarms choose windows of a past, and the reference of step `watch` is none");
	past_stand_close(self);
}

/* Nothing offers the model of the step. */
static void a_detector_that_is_built_in_is_a_step_of_the_kind(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open();
	past_stand_yaml("model: {name: drift-monitor, storageUri: \"s3://a/b\", "
			"modelSettings: {parameters: [{name: reference_window, value: \"7d\"}]}}");
	past_stand_csv(self, 0, 0);
	report_says(self, "", "p.yaml:6:5: step `watch` has no past yet: no window of 20 rows or more has closed");
	report_says(self, "--step watch", "step `watch` has no past yet");
	report_says(self, "--step other", "the files have no step `drift` called other");
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --tensor x=0,1");
	expect_words(said.err, "the reference has 0 rows, and 100 or more are needed");
	said_close(&said);
	past_stand_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_compares_with_the_past_of_the_changelog),
		cmocka_unit_test(windows_in_alarm_are_no_reference_unless_they_are_wanted),
		cmocka_unit_test(a_report_without_a_past_is_refused),
		cmocka_unit_test(a_detector_that_is_built_in_is_a_step_of_the_kind),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
