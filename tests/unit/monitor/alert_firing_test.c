/* alert_firing_test.c: Tests of what reporters are given about alerts that fire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/moment.h"
#include "monitor/alerts/alert_parts.h"

#define ALERTS 8
#define FIRED_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

/* A pipeline with so many alerts, `a0` and so on, and one of another pipeline with the first name. */
struct firing_stand {
	struct alert_watch watch;
	struct alert_spec specs[ALERTS];
	struct judged_alert alerts[ALERTS], stranger;
	char names[ALERTS][4];
	struct pipeline_spec pipeline;
	struct graph graph;
	struct pipeline_plan plan;
};

static struct firing_stand *stand_open(void)
{
	struct firing_stand *stand = memory_take(1, sizeof *stand);
	assert_non_null(stand);
	struct watched_alert **end = &stand->watch.alerts;
	stand->stranger.watched = (struct watched_alert){.pipeline = "q", .name = "a0", .is_present = true};
	*end = &stand->stranger.watched;
	end = &stand->stranger.watched.next;
	for (int i = 0; i < ALERTS; i++) {
		(void)snprintf(stand->names[i], sizeof stand->names[i], "a%d", i);
		stand->specs[i].name.text = stand->names[i];
		stand->alerts[i].watched = (struct watched_alert){.pipeline = "p", .name = stand->names[i], .is_present = true};
		*end = &stand->alerts[i].watched;
		end = &stand->alerts[i].watched.next;
	}
	stand->pipeline.alerts = (struct item_list){ALERTS, stand->specs};
	stand->graph = (struct graph){.name = "p", .spec = &stand->pipeline};
	stand->plan = (struct pipeline_plan){.graph = &stand->graph, .namespace = "default"};
	return stand;
}

static void stand_close(struct firing_stand *stand)
{
	alert_groups_clear(&stand->stranger.groups);
	for (int i = 0; i < ALERTS; i++)
		alert_groups_clear(&stand->alerts[i].groups);
	memory_give(stand);
}

static void fire(struct alert_groups *groups, const char *name, enum alert_phase phase, int64_t fired_at_ms)
{
	struct alert_group *group = alert_group_judge(groups, text_of(name), (struct alert_judgement){.held = true});
	assert_non_null(group);
	group->alert.phase = phase;
	group->alert.fired_at_ms = fired_at_ms;
}

static void expect_written(const struct firing_stand *stand, const char *words)
{
	struct buffer out;
	buffer_open(&out, 4096);
	alert_watch_write_firing(&stand->watch, &stand->plan, &out);
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, words);
	buffer_close(&out);
}

static void what_fires_is_said_with_its_time(void **state)
{
	(void)state;
	struct firing_stand *stand = stand_open();
	fire(&stand->stranger.groups, "", ALERT_FIRING, FIRED_MS);
	fire(&stand->alerts[0].groups, "", ALERT_PENDING, FIRED_MS);
	fire(&stand->alerts[1].groups, "", ALERT_INACTIVE, FIRED_MS); /* it has ended */
	expect_written(stand, "");
	fire(&stand->alerts[3].groups, "", ALERT_FIRING, FIRED_MS + 60000);
	expect_written(stand, "the alert a3 has fired since 2026-01-01T00:01:00Z");
	fire(&stand->alerts[2].groups, "", ALERT_FIRING, FIRED_MS);
	expect_written(stand,
		       "the alert a2 has fired since 2026-01-01T00:00:00Z; the alert a3 has fired since 2026-01-01T00:01:00Z");
	stand->alerts[2].watched.is_present = false;
	expect_written(stand, "the alert a3 has fired since 2026-01-01T00:01:00Z");
	stand_close(stand);
}

static void groups_that_fire_are_named_and_counted(void **state)
{
	(void)state;
	struct firing_stand *stand = stand_open();
	struct judged_alert *alert = &stand->alerts[0];
	alert->group_by = 1;
	fire(&alert->groups, "EU\x1b", ALERT_FIRING, FIRED_MS + 5000);
	expect_written(stand, "the alert a0 has fired since 2026-01-01T00:00:05Z for 1 group (EU\\u001b)");
	fire(&alert->groups, "US", ALERT_PENDING, FIRED_MS - 5000);
	for (int i = 0; i < 3; i++)
		fire(&alert->groups, (const char *[]){"x", "y", "z"}[i], ALERT_FIRING, FIRED_MS + (i == 1 ? 0 : 7000));
	struct buffer out;
	buffer_open(&out, 4096);
	alert_watch_write_firing(&stand->watch, &stand->plan, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "the alert a0 has fired since 2026-01-01T00:00:00Z for 4 groups ("));
	assert_non_null(strstr(out.bytes, " and 1 more)"));
	assert_null(strstr(out.bytes, "US"));
	buffer_close(&out);
	stand_close(stand);
}

static void many_alerts_are_counted_and_a_silence_is_said(void **state)
{
	(void)state;
	struct firing_stand *stand = stand_open();
	char until[MOMENT_BYTES], words[1024];
	const int64_t until_ms = time_of_day_ms() + 3600000;
	for (int i = 0; i < ALERTS; i++)
		fire(&stand->alerts[i].groups, "", ALERT_FIRING, FIRED_MS);
	stand->alerts[0].watched.silenced_until_ms = until_ms;
	stand->alerts[1].watched.silenced_until_ms = FIRED_MS; /* it is over */
	moment_print(until_ms, until);
	(void)snprintf(words, sizeof words,
		       "the alert a0 has fired since 2026-01-01T00:00:00Z (silenced until %s); the alert a1 has fired since "
		       "2026-01-01T00:00:00Z; the alert a2 has fired since 2026-01-01T00:00:00Z; the alert a3 has fired since "
		       "2026-01-01T00:00:00Z; the alert a4 has fired since 2026-01-01T00:00:00Z; and 3 others",
		       until);
	expect_written(stand, words);
	stand_close(stand);
}

/* Of the last window by which its condition held: whoever looks minutes later finds it. */
static void an_alert_on_drift_names_the_feature(void **state)
{
	(void)state;
	struct firing_stand *stand = stand_open();
	for (int i = 0; i < 3; i++) {
		struct alert_groups *groups = &stand->alerts[i].groups;
		fire(groups, i == 1 ? "XNYS" : "", ALERT_FIRING, FIRED_MS);
		(void)snprintf(groups->first->values.drift, sizeof groups->first->values.drift, "feature x by ks: effect %d", i);
		stand->alerts[i].condition = (struct alert_condition){
			.name_count = 1, .names = {i == 2 ? TEXT("lag") : TEXT("drift_score")}, .of_figures = true};
	}
	stand->alerts[1].group_by = 1;
	expect_written(stand, "the alert a0 has fired since 2026-01-01T00:00:00Z: feature x by ks: effect 0; the alert a1 has "
			      "fired since 2026-01-01T00:00:00Z for 1 group (XNYS: feature x by ks: effect 1); the alert a2 has "
			      "fired since 2026-01-01T00:00:00Z");
	stand_close(stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fires_is_said_with_its_time),
		cmocka_unit_test(groups_that_fire_are_named_and_counted),
		cmocka_unit_test(many_alerts_are_counted_and_a_silence_is_said),
		cmocka_unit_test(an_alert_on_drift_names_the_feature),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
