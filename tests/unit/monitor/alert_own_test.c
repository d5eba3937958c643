/* alert_own_test.c: Tests of what an engine announces by itself: while it has no keeper, and without a control plane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/alerts/alert_parts.h"
#include "tests/unit/web_receiver.h"

#define FIRED_MS INT64_C(1767225600250)
#define STARTED_MS 100000 /* monotonic */

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};

/* The watch of the alert `gone` of the pipeline `p`, whose receiver is a webhook. */
struct engine_stand {
	struct engine_config config;
	struct alert_watch watch;
	struct judged_alert alert;
	struct alert_action action;
	struct alert_definition definition;
	char url[64];
	int64_t now_ms, silent_ms;
};

static bool post_nothing(void *context, const struct pipeline_plan *of, struct text key, struct text value)
{
	(void)context, (void)of, (void)key, (void)value;
	return true;
}

static int64_t keeper_silent_ms(void *context)
{
	return ((const struct engine_stand *)context)->silent_ms;
}

static struct engine_stand *engine_start(const struct web_receiver *receiver, bool is_shared)
{
	struct engine_stand *stand = calloc(1, sizeof *stand);
	struct error error = {0};
	assert_true(stand && network_read(TEXT("127.0.0.0/8"), &loopback));
	stand->now_ms = STARTED_MS;
	stand->config.instance = "one";
	(void)snprintf(stand->url, sizeof stand->url, "http://127.0.0.1:%d/", receiver->port);
	stand->action = (struct alert_action){.type = ALERT_WEBHOOK, .url = stand->url};
	stand->definition = (struct alert_definition){.namespace = "default",
						      .pipeline = "p",
						      .name = "gone",
						      .resolve_after_ms = 60000,
						      .actions = {1, &stand->action}};
	stand->alert.watched = (struct watched_alert){.namespace = "default", .pipeline = "p", .name = "gone", .is_present = true};
	stand->alert.condition_words = TEXT("x > 1");
	stand->watch = (struct alert_watch){.config = &stand->config,
					    .alerts = &stand->alert.watched,
					    .judging = arena_open((size_t)1 << 20),
					    .notifier = notifier_open(&settings, NULL, NULL, &error)};
	if (is_shared)
		stand->watch.outlet = (struct alert_outlet){stand, post_nothing, keeper_silent_ms};
	assert_true(stand->watch.notifier && alert_own_open(&stand->watch, &error));
	stand->watch.own.definitions = (struct alert_definitions){.count = 1, .items = &stand->definition};
	assert_true(alert_states_define(stand->watch.own.states, &stand->watch.own.definitions,
					(struct alert_time){STARTED_MS, FIRED_MS}, &error));
	return stand;
}

static void engine_end(struct engine_stand *stand)
{
	notifier_close(stand->watch.notifier);
	alert_own_close(&stand->watch.own);
	alert_groups_clear(&stand->alert.groups);
	arena_close(stand->watch.judging);
	free(stand);
}

/* The group fires since then, or not any more. */
static void group_set(struct engine_stand *stand, const char *name, enum alert_phase phase, int64_t since_ms)
{
	struct alert_group *group =
		alert_group_judge(&stand->alert.groups, text_of(name), (struct alert_judgement){.held = true});
	group->alert.phase = phase;
	group->alert.since_ms = since_ms;
	group->alert.fired_at_ms = FIRED_MS;
}

/* A look of the engine, after that time; the last beat of a keeper was so long ago. */
static void engine_look(struct engine_stand *stand, int64_t after_ms, int64_t silent_ms)
{
	stand->now_ms += after_ms;
	stand->silent_ms = silent_ms;
	const struct alert_time time = {stand->now_ms, FIRED_MS + stand->now_ms};
	alert_own_follow(&stand->watch, time);
	alert_report(&stand->watch, NULL, &stand->alert, stand->now_ms);
	alert_own_turn(&stand->watch, time);
}

static void expect_notice(const struct web_receiver *receiver, size_t number, const char *group, const char *status)
{
	char words[32];
	(void)snprintf(words, sizeof words, "\"group\": \"%s\"", group);
	assert_non_null(strstr(receiver->heard[number], words));
	assert_non_null(strstr(web_receiver_id(receiver, number), status));
}

static void an_engine_without_a_keeper_sends_what_has_begun_since_the_last_beat(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start(receiver, true);
	group_set(one, "before", ALERT_FIRING, STARTED_MS);
	engine_look(one, 1, 0);
	group_set(one, "since", ALERT_FIRING, STARTED_MS + 1000);
	engine_look(one, ALERT_ALONE_MS - 1, ALERT_ALONE_MS - 1);
	engine_look(one, 0, ALERT_ALONE_MS - 1);
	assert_int_equal(receiver->count, 0); /* a keeper may be about to follow */
	engine_look(one, ALERT_REPORT_MS, ALERT_ALONE_MS + ALERT_REPORT_MS - 1);
	engine_look(one, ALERT_TICK_MS, ALERT_ALONE_MS + ALERT_REPORT_MS + ALERT_TICK_MS);
	web_receiver_await(receiver, 1);
	expect_notice(receiver, 0, "since", "-firing");
	group_set(one, "short", ALERT_FIRING, one->now_ms);
	engine_look(one, ALERT_TICK_MS, ALERT_ALONE_MS + ALERT_TICK_MS);
	engine_look(one, ALERT_TICK_MS, ALERT_ALONE_MS + ALERT_TICK_MS);
	web_receiver_await(receiver, 2);
	expect_notice(receiver, 1, "short", "-firing");
	group_set(one, "short", ALERT_INACTIVE, one->now_ms);
	engine_look(one, ALERT_TICK_MS, ALERT_ALONE_MS + ALERT_TICK_MS);
	web_receiver_await(receiver, 3);
	expect_notice(receiver, 2, "short", "-resolved");
	engine_look(one, ALERT_TICK_MS, 0); /* a keeper is back */
	web_receiver_await(receiver, 4);
	expect_notice(receiver, 3, "since", "-resolved");
	assert_memory_equal(web_receiver_id(receiver, 0), web_receiver_id(receiver, 3), sizeof "Idempotency-Key: " - 1 + 16);
	engine_look(one, ALERT_REPORT_MS, 0);
	engine_look(one, ALERT_TICK_MS, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

static void an_engine_without_a_control_plane_sends_all(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start(receiver, false);
	group_set(one, "g", ALERT_FIRING, STARTED_MS);
	engine_look(one, 1, 0);
	engine_look(one, ALERT_TICK_MS, 0);
	web_receiver_await(receiver, 1);
	expect_notice(receiver, 0, "g", "-firing");
	assert_non_null(strstr(receiver->heard[0], "\"engine\": \"one\""));
	group_set(one, "g", ALERT_INACTIVE, one->now_ms);
	engine_look(one, ALERT_TICK_MS, 0);
	web_receiver_await(receiver, 2);
	expect_notice(receiver, 1, "g", "-resolved");
	engine_end(one);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_without_a_keeper_sends_what_has_begun_since_the_last_beat),
		cmocka_unit_test(an_engine_without_a_control_plane_sends_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
