/* alert_stand.c: see alert_stand.h. */
#include "tests/unit/alert_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kafka/consume/reader.h"
#include "monitor/alerts/alert_outline.h"

struct mock alert_mock;
static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};

static bool sends_now(void *context)
{
	return *(bool *)context;
}

static bool posts_nothing(void *context, const struct pipeline_plan *of, struct text key, struct text value)
{
	(void)context, (void)of, (void)key, (void)value;
	return true;
}

struct engine_stand *engine_start(const char *name, const struct web_receiver *receiver)
{
	struct engine_stand *stand = calloc(1, sizeof *stand);
	struct error error = {0};
	assert_non_null(stand);
	(void)snprintf(stand->url, sizeof stand->url, "http://127.0.0.1:%d/", receiver->port);
	stand->config = (struct engine_config){
		.instance = name, .brokers = alert_mock.brokers, .consumer = mock_quick, .producer = mock_quick};
	stand->action = (struct alert_action){.type = ALERT_WEBHOOK, .url = stand->url};
	stand->spec = (struct alert_spec){.name.text = "gone", .absent.text = "q for 1m", .actions = {1, &stand->action}};
	stand->pipeline.alerts = (struct item_list){1, &stand->spec};
	stand->graph = (struct graph){.name = "p", .spec = &stand->pipeline};
	stand->pipelines[0] = (struct pipeline_plan){.graph = &stand->graph, .namespace = "default"};
	stand->plan = (struct plan){.pipelines = stand->pipelines, .count = 1};
	stand->alert.watched = (struct watched_alert){.namespace = "default", .pipeline = "p", .name = "gone", .is_present = true};
	stand->watch = (struct alert_watch){.config = &stand->config, .settings = &settings, .alerts = &stand->alert.watched};
	stand->watch.judging = arena_open((size_t)1 << 20);
	stand->watch.notifier = notifier_open(&settings, NULL, NULL, &error);
	const struct alert_sharing sharing = {&stand->sends, posts_nothing, sends_now, FEED, NULL};
	assert_true(stand->watch.notifier && alert_watch_share(&stand->watch, sharing, &error));
	return stand;
}

void engine_end(struct engine_stand *stand)
{
	notifier_close(stand->watch.notifier);
	alert_takeover_close(&stand->watch.takeover);
	alert_groups_clear(&stand->alert.groups);
	alert_groups_clear(&stand->alert.shared);
	alert_reports_clear(&stand->alert.reports);
	alert_removed_drop(&stand->alert);
	arena_close(stand->watch.judging);
	free(stand);
}

void engine_take_over(struct engine_stand *stand)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	stand->sends = true;
	for (alert_takeover_turn(&stand->watch, 1); !stand->watch.takeover.is_done; alert_takeover_turn(&stand->watch, 1)) {
		assert_true(clock_ms() < until_ms);
		nanosleep(&pause, NULL);
	}
}

void engine_look(struct engine_stand *stand, int64_t now_ms)
{
	alerts_take_over(&stand->watch, &stand->plan, (struct alert_time){now_ms, time_of_day_ms()});
	alert_send_shared(&stand->watch, stand->pipelines, &stand->alert, &stand->spec, now_ms);
}

void engine_looks(struct engine_stand *stand, int64_t now_ms)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	bool owes = true;
	while (owes) {
		engine_look(stand, now_ms);
		owes = false;
		for (struct alert_group *group = stand->alert.shared.first; group; group = group->next)
			owes = owes || group->owed || (group->alert.is_announced && group->alert.phase != ALERT_FIRING);
		assert_true(clock_ms() < until_ms);
		nanosleep(&pause, NULL);
	}
}

struct alert_read report_of(const char *group, int64_t fired_at_ms)
{
	return (struct alert_read){.fires = fired_at_ms > 0,
				   .namespace = TEXT("default"),
				   .pipeline = TEXT("p"),
				   .alert = TEXT("gone"),
				   .engine = TEXT("e"),
				   .group = text_of(group),
				   .fired_at_ms = fired_at_ms};
}

void group_fires(struct engine_stand *stand, const char *group, int64_t fired_at_ms, int64_t now_ms)
{
	const struct alert_read report = report_of(group, fired_at_ms);
	alert_reports_take(&stand->alert.reports, &report, now_ms);
}

const struct alert_group *shared(const struct engine_stand *stand, const char *group)
{
	return alert_group_find(&stand->alert.shared, text_of(group));
}

void expect_firing(const struct engine_stand *stand, const char *group, int64_t fired_at_ms)
{
	assert_non_null(shared(stand, group));
	assert_int_equal(shared(stand, group)->alert.phase, ALERT_FIRING);
	assert_int_equal(shared(stand, group)->alert.fired_at_ms, fired_at_ms);
	assert_true(shared(stand, group)->alert.is_announced);
}

static struct alert_store *feed_open(void)
{
	static struct alert_store_config config; /* as long as the store, of which there is one at a time */
	struct error error = {0};
	config = (struct alert_store_config){
		.brokers = alert_mock.brokers, .feed = FEED, .consumer = mock_quick, .producer = mock_quick};
	struct alert_store *store = alert_store_open(&config, &error);
	assert_non_null(store);
	return store;
}

static struct kept_alerts *feed_ask(struct alert_store *store, int64_t until_ms)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	struct kept_alerts *kept;
	alert_store_ask(store);
	while (!(kept = alert_store_answer(store))) {
		assert_true(clock_ms() < until_ms);
		nanosleep(&pause, NULL);
	}
	return kept;
}

struct kept_alerts *feed_read(void)
{
	struct alert_store *store = feed_open();
	struct kept_alerts *kept = feed_ask(store, clock_ms() + MOCK_WAIT_MS);
	alert_store_close(store);
	return kept;
}

struct counted_records {
	const char *part;
	bool has_bytes;
	size_t count;
};

static bool record_count(void *context, const struct record *record, struct error *error)
{
	struct counted_records *counted = context;
	(void)error;
	counted->count += (record->value.bytes != NULL) == counted->has_bytes &&
			  memmem(record->key.bytes, record->key.length, counted->part, strlen(counted->part));
	return true;
}

size_t feed_count(const char *part, bool has_bytes)
{
	const struct reader_config config = {
		.brokers = alert_mock.brokers, .topic = FEED, .from_beginning = true, .properties = mock_quick};
	struct counted_records counted = {part, has_bytes, 0};
	struct error error = {0};
	assert_true(topic_give_all(&config, record_count, &counted, &error));
	return counted.count;
}

void expect_kept(size_t firings, size_t notices)
{
	struct alert_store *store = feed_open();
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	size_t found[2] = {0};
	do {
		struct kept_alerts *kept = feed_ask(store, until_ms);
		found[0] = found[1] = 0;
		for (struct kept_alert *at = kept_alert_of(kept->alerts.first); at; at = kept_alert_of(at->node.next))
			found[at->is_notice] += at->read != NULL;
		kept_alerts_free(kept);
		if (clock_ms() > until_ms)
			fail_msg("%zu firings and %zu notices are kept", found[0], found[1]);
	} while (found[0] != firings || found[1] != notices);
	alert_store_close(store);
}

int alert_stand_setup(void **state)
{
	(void)state;
	if (!network_read(TEXT("127.0.0.1"), &loopback))
		return -1;
	mock_open(&alert_mock);
	rd_kafka_mock_topic_create(alert_mock.cluster, FEED, 1, 1);
	return 0;
}

int alert_stand_teardown(void **state)
{
	(void)state;
	mock_close(&alert_mock);
	return 0;
}
