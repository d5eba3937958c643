/* alert_lines_test.c: Tests of the lines that the log has of an alert with many groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alert_stand.h"

#define GROUPS 1000

static size_t line_counts[LOG_LEVEL_ERROR + 1];
static char last[LOG_LEVEL_ERROR + 1][LOG_MESSAGE_BYTES];

static void on_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	line_counts[line->level]++;
	(void)snprintf(last[line->level], sizeof last[0], "%s", line->message);
}

static void groups_set(struct engine_stand *stand, enum alert_phase phase, size_t count)
{
	char name[24];
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "g%zu", i);
		struct alert_group *group =
			alert_group_judge(&stand->alert.groups, text_of(name), (struct alert_judgement){.held = true});
		assert_non_null(group);
		group->alert.phase = phase;
	}
}

static void look_and_expect(struct engine_stand *stand, size_t warned, size_t informed, size_t debugged)
{
	memset(line_counts, 0, sizeof line_counts);
	alert_report_own(&stand->watch, stand->pipelines, &stand->alert, 1);
	assert_int_equal(line_counts[LOG_LEVEL_WARN], warned);
	assert_int_equal(line_counts[LOG_LEVEL_INFO], informed);
	assert_int_equal(line_counts[LOG_LEVEL_DEBUG], debugged);
}

static void a_thousand_groups_that_fire_or_end_at_once_write_few_lines(void **state)
{
	(void)state;
	static const struct log_sink sink = {on_line};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	one->config.log = &sink;
	one->alert.is_grouped = true;
	one->alert.condition_words = TEXT("x > 1");
	groups_set(one, ALERT_FIRING, GROUPS);
	look_and_expect(one, ALERT_LINES_MAX + 1, 0, GROUPS - ALERT_LINES_MAX);
	assert_string_equal(
		last[LOG_LEVEL_WARN],
		"p: the alert gone is firing for 990 further groups; 1000 fire now. Its notices name each of them, and so "
		"does --log-level debug");
	look_and_expect(one, 0, 0, 0);
	groups_set(one, ALERT_INACTIVE, 15);
	look_and_expect(one, 0, ALERT_LINES_MAX + 1, 5);
	assert_string_equal(
		last[LOG_LEVEL_INFO],
		"p: the alert gone is resolved for 5 further groups; 985 fire now. Its notices name each of them, and so "
		"does --log-level debug");
	groups_set(one, ALERT_FIRING, ALERT_LINES_MAX);
	look_and_expect(one, ALERT_LINES_MAX, 0, 0);
	engine_end(one);
	web_receiver_close(receiver);
}

#define REPORTS 2
static char report_keys[REPORTS][64];
static size_t report_lengths[REPORTS], reports;

static bool key_take(void *context, const struct pipeline_plan *of, struct text key, struct text value)
{
	(void)context, (void)of, (void)value;
	assert_true(reports < REPORTS && key.length <= sizeof report_keys[0]);
	memcpy(report_keys[reports], key.bytes, key.length);
	report_lengths[reports++] = key.length;
	return true;
}

/* A value of `groupBy` may be any bytes, as of a key. Reports of one key replace each other. */
static void groups_that_differ_after_a_nul_are_reported_apart(void **state)
{
	(void)state;
	static const struct text names[REPORTS] = {{"a\0b", 3}, {"a\0c", 3}};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	one->watch.sharing.post = key_take;
	one->alert.is_grouped = true;
	one->alert.condition_words = TEXT("x > 1");
	for (size_t i = 0; i < REPORTS; i++)
		alert_group_judge(&one->alert.groups, names[i], (struct alert_judgement){.held = true})->alert.phase = ALERT_FIRING;
	alert_report_own(&one->watch, one->pipelines, &one->alert, 1);
	assert_int_equal(reports, REPORTS);
	assert_int_equal(report_lengths[0], report_lengths[1]);
	assert_memory_not_equal(report_keys[0], report_keys[1], report_lengths[0]);
	engine_end(one);
	web_receiver_close(receiver);
}

static void what_no_group_is_judged_by_is_said_once_with_its_cause(void **state)
{
	(void)state;
	static const struct log_sink sink = {on_line};
	struct error error = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	struct missed_groups missed = {{0}};
	one->config.log = &sink;
	one->spec.group_by = expression_compile(arena, TEXT("symbol"), (struct place){"p.yaml", 7, 12}, USE_MESSAGE, &error);
	assert_non_null(one->spec.group_by);
	memset(line_counts, 0, sizeof line_counts);
	alert_missed_look(&one->watch, &one->spec, &one->alert, &missed);
	assert_int_equal(line_counts[LOG_LEVEL_WARN], 0);
	missed.of[GROUP_MISS_LONG] = 2;
	for (int i = 0; i < 2; i++, missed.of[GROUP_MISS_LONG]++)
		alert_missed_look(&one->watch, &one->spec, &one->alert, &missed);
	assert_int_equal(line_counts[LOG_LEVEL_WARN], 1);
	assert_int_equal(one->alert.watched.beyond, 3);
	assert_string_equal(
		last[LOG_LEVEL_WARN],
		"p: the alert gone (p.yaml:7:12) has messages whose value of `groupBy` is longer than 256 bytes: it does not "
		"judge them, and sluice_alert_beyond_groups_total counts them; use a `groupBy` with shorter values, as "
		"`text(hash(...))` of a long text");
	missed.of[GROUP_MISS_FULL] = 1;
	alert_missed_look(&one->watch, &one->spec, &one->alert, &missed);
	assert_int_equal(line_counts[LOG_LEVEL_WARN], 2);
	assert_string_equal(last[LOG_LEVEL_WARN],
			    "p: the alert gone (p.yaml:7:12) has 1000 groups, and more have come: it does not judge them, and "
			    "sluice_alert_beyond_groups_total counts them; use a `groupBy` with fewer values");
	one->spec.group_by = NULL;
	engine_end(one);
	web_receiver_close(receiver);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_groups_that_fire_or_end_at_once_write_few_lines, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(groups_that_differ_after_a_nul_are_reported_apart, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(what_no_group_is_judged_by_is_said_once_with_its_cause, alert_stand_setup,
						alert_stand_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
