/* alert_lines_test.c: Tests of the lines that the log has of an alert with many groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/alerts/alert_parts.h"

#define GROUPS 1000

static size_t line_counts[LOG_LEVEL_ERROR + 1];
static char last[LOG_LEVEL_ERROR + 1][LOG_MESSAGE_BYTES];

static void on_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	line_counts[line->level]++;
	(void)snprintf(last[line->level], sizeof last[0], "%s", line->message);
}

/* The watch of one alert, `gone` of the pipeline `p`, whose reports go nowhere. */
struct engine_stand {
	struct engine_config config;
	struct alert_watch watch;
	struct judged_alert alert;
	struct alert_spec spec;
};

static bool post_nothing(void *context, const struct pipeline_plan *of, struct text key, struct text value)
{
	(void)context, (void)of, (void)key, (void)value;
	return true;
}

static struct engine_stand *engine_start(void)
{
	struct engine_stand *stand = calloc(1, sizeof *stand);
	assert_non_null(stand);
	stand->config.instance = "one";
	stand->spec.name.text = "gone";
	stand->alert.watched = (struct watched_alert){.namespace = "default", .pipeline = "p", .name = "gone", .is_present = true};
	stand->watch = (struct alert_watch){.config = &stand->config, .alerts = &stand->alert.watched, .outlet.post = post_nothing};
	stand->watch.judging = arena_open((size_t)1 << 20);
	return stand;
}

static void engine_end(struct engine_stand *stand)
{
	alert_groups_clear(&stand->alert.groups);
	alert_formers_clear(&stand->watch);
	arena_close(stand->watch.judging);
	free(stand);
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
	alert_report(&stand->watch, NULL, &stand->alert, 1);
	assert_int_equal(line_counts[LOG_LEVEL_WARN], warned);
	assert_int_equal(line_counts[LOG_LEVEL_INFO], informed);
	assert_int_equal(line_counts[LOG_LEVEL_DEBUG], debugged);
}

static void a_thousand_groups_that_fire_or_end_at_once_write_few_lines(void **state)
{
	(void)state;
	static const struct log_sink sink = {on_line};
	struct engine_stand *one = engine_start();
	one->config.log = &sink;
	one->alert.group_by = 1;
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
	struct engine_stand *one = engine_start();
	one->watch.outlet.post = key_take;
	one->alert.group_by = 1;
	one->alert.condition_words = TEXT("x > 1");
	for (size_t i = 0; i < REPORTS; i++)
		alert_group_judge(&one->alert.groups, names[i], (struct alert_judgement){.held = true})->alert.phase = ALERT_FIRING;
	alert_report(&one->watch, NULL, &one->alert, 1);
	assert_int_equal(reports, REPORTS);
	assert_int_equal(report_lengths[0], report_lengths[1]);
	assert_memory_not_equal(report_keys[0], report_keys[1], report_lengths[0]);
	engine_end(one);
}

static void what_no_group_is_judged_by_is_said_once_with_its_cause(void **state)
{
	(void)state;
	static const struct log_sink sink = {on_line};
	struct error error = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct engine_stand *one = engine_start();
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
	arena_close(arena);
}

/* The feed had the firing of `g` when this engine began to read it. */
static void an_alert_that_was_firing_does_so_again_without_its_for(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 60000, .resolve_after_ms = 1000};
	const int64_t fired_ms = INT64_C(1767225600250);
	struct engine_stand *one = engine_start();
	struct alert_message message = {.status = "firing",
					.namespace = TEXT("default"),
					.pipeline = TEXT("p"),
					.alert = TEXT("gone"),
					.is_shared = true,
					.fired_at_ms = fired_ms};
	struct error error = {0};
	char keys[2][ALERT_KEY_BYTES];
	for (size_t i = 0; i < 2; i++) {
		struct buffer record;
		const char *name = i == 0 ? "g" : "h";
		struct alert_group *own =
			alert_group_judge(&one->alert.groups, text_of(name), (struct alert_judgement){.held = true});
		alert_judge(&own->alert, &rule, own->judged, (struct alert_time){10, fired_ms + 5000});
		message.group = text_of(name);
		alert_firing_key(&message, keys[i]);
		buffer_open(&record, NOTICE_BYTES_MAX);
		assert_true(alert_record_encode(&message, &record, &error));
		alert_watch_take_firing(&one->watch, text_of(keys[i]), buffer_view(&record), i == 0);
		buffer_close(&record);
	}
	alert_resume_former(&one->watch, &one->alert, (struct alert_time){11, fired_ms + 6000});
	struct alert_group *own = alert_group_find(&one->alert.groups, TEXT("g"));
	assert_int_equal(own->alert.phase, ALERT_FIRING);
	assert_int_equal(own->alert.fired_at_ms, fired_ms);
	assert_int_equal(alert_notice_due(&own->alert), NOTICE_NONE);
	assert_int_equal(alert_groups_in(&one->alert.groups, ALERT_PENDING), 1); /* another engine's, not one from before */
	alert_watch_take_firing(&one->watch, text_of(keys[0]), (struct text){0}, false);
	assert_null(one->watch.formers);
	alert_judge(&own->alert, &rule, (struct alert_judgement){.broken = true}, (struct alert_time){1010, fired_ms});
	assert_int_equal(own->alert.phase, ALERT_FIRING);
	alert_judge(&own->alert, &rule, (struct alert_judgement){.broken = true}, (struct alert_time){1011, fired_ms});
	assert_int_equal(alert_notice_due(&own->alert), NOTICE_RESOLVED);
	engine_end(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_groups_that_fire_or_end_at_once_write_few_lines),
		cmocka_unit_test(groups_that_differ_after_a_nul_are_reported_apart),
		cmocka_unit_test(what_no_group_is_judged_by_is_said_once_with_its_cause),
		cmocka_unit_test(an_alert_that_was_firing_does_so_again_without_its_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
