/* alert_failing_test.c: Tests of what reporters are given about receivers that take no notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor/alerts/alert_parts.h"
#include "tests/unit/web_receiver.h"

#define AWAIT_MS 5000
#define REPORT_BYTES 4096
#define URL_BYTES 64

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};

/* A pipeline with the alerts `slow`, which has two webhooks of one host, and `wrong`, which has the second of them. */
struct failing_stand {
	struct alert_watch watch;
	char urls[2][URL_BYTES];
	struct alert_action actions[2];
	struct alert_spec alerts[2];
	struct pipeline_spec pipeline;
	struct graph graph;
	struct pipeline_plan plan;
};

static void stand_begin(struct failing_stand *stand, const struct web_receiver *receiver)
{
	struct error error = {0};
	*stand = (struct failing_stand){.watch.settings = &settings};
	for (int i = 0; i < 2; i++) {
		(void)snprintf(stand->urls[i], URL_BYTES, "http://127.0.0.1:%d/secret-%d", receiver->port, i);
		stand->actions[i] = (struct alert_action){.type = ALERT_WEBHOOK, .url = stand->urls[i]};
	}
	stand->alerts[0] = (struct alert_spec){.name.text = "slow", .actions = {2, stand->actions}};
	stand->alerts[1] = (struct alert_spec){.name.text = "wrong", .actions = {1, &stand->actions[1]}};
	stand->pipeline.alerts = (struct item_list){2, stand->alerts};
	stand->graph = (struct graph){.name = "p", .spec = &stand->pipeline};
	stand->plan = (struct pipeline_plan){.graph = &stand->graph, .namespace = "default"};
	stand->watch.notifier = notifier_open(&settings, NULL, NULL, &error);
	stand->watch.failing.arena = arena_open((size_t)1 << 20);
	assert_true(stand->watch.notifier && stand->watch.failing.arena);
}

static void stand_end(struct failing_stand *stand)
{
	notifier_close(stand->watch.notifier);
	arena_close(stand->watch.failing.arena);
}

static void notice_refused(struct failing_stand *stand, const struct alert_action *action)
{
	const struct alert_message message = {.status = "firing",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("slow"),
					      .fired_at_ms = INT64_C(1767225600250)};
	static struct notice_counts counts; /* as long as the notifier */
	struct error error = {0};
	assert_true(notifier_notify(stand->watch.notifier, action, &message, &counts, NULL, &error));
}

static void report_await(struct failing_stand *stand, struct buffer *out)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (const int64_t until_ms = clock_ms() + AWAIT_MS; out->length == 0; nanosleep(&pause, NULL)) {
		assert_true(clock_ms() < until_ms);
		stand->watch.failing.looked_ms = 0;
		alert_watch_write_failing(&stand->watch, &stand->plan, out);
	}
}

static void two_webhooks_of_one_host_are_told_apart_without_their_paths(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(REFUSES);
	struct failing_stand stand;
	struct buffer out;
	char first[128], second[128];
	buffer_open(&out, REPORT_BYTES);
	stand_begin(&stand, receiver);
	notice_refused(&stand, &stand.actions[1]);
	report_await(&stand, &out);
	(void)snprintf(first, sizeof first, "the webhook at 127.0.0.1:%d (action 1 of the alert slow) has", receiver->port);
	(void)snprintf(second, sizeof second,
		       "the webhook at 127.0.0.1:%d (action 2 of the alert slow and 1 other) has refused notices since",
		       receiver->port);
	buffer_byte(&out, 0);
	assert_non_null(strstr(out.bytes, second));
	assert_null(strstr(out.bytes, first));
	assert_null(strstr(out.bytes, "secret"));
	buffer_clear(&out);
	stand.actions[1].url = "http://127.0.0.1:9/"; /* not of this pipeline any more */
	notice_refused(&stand, &stand.actions[0]);
	report_await(&stand, &out);
	buffer_byte(&out, 0);
	assert_non_null(strstr(out.bytes, first));
	assert_null(strstr(out.bytes, "action 2"));
	buffer_close(&out);
	stand_end(&stand);
	web_receiver_close(receiver);
}

/* The series of /metrics; an action that the files have no more, or that no alert has, is not named. */
static void series_of_two_webhooks_of_one_host_have_their_first_actions(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(REFUSES);
	struct arena *arena = arena_open((size_t)1 << 20);
	struct failing_stand stand;
	stand_begin(&stand, receiver);
	const struct plan plan = {.pipelines = &stand.plan, .count = 1};
	notice_refused(&stand, &stand.actions[1]);
	notice_refused(&stand, &stand.actions[0]);
	struct receiver_reports reports = alert_watch_receivers(&stand.watch, &plan, arena);
	assert_int_equal(reports.count, 2);
	assert_string_equal(reports.items[0].name, reports.items[1].name);
	assert_string_equal(reports.items[0].action, "p/slow/2"); /* the alert `wrong` has it, too */
	assert_string_equal(reports.items[1].action, "p/slow/1");
	stand.pipeline.alerts.count = 0;
	reports = alert_watch_receivers(&stand.watch, &plan, arena);
	assert_int_equal(reports.count, 1);
	assert_string_equal(reports.items[0].action, "");
	arena_close(arena);
	stand_end(&stand);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_webhooks_of_one_host_are_told_apart_without_their_paths),
		cmocka_unit_test(series_of_two_webhooks_of_one_host_have_their_first_actions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
