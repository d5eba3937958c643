/* keeper_alerts_test.c: Tests of the alerts of a keeper on a broker: reports of engines, the records of the feed, and notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "compiler/conditions/alert_feed.h"
#include "control/engine/applier.h"
#include "control/keeper/keeper_alerts.h"
#include "control/keeper/keeper_service.h"
#include "kafka/consume/reader.h"
#include "net/loop.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/web_receiver.h"

#define FIRED_MS INT64_C(1767225600250)
#define ABSENT_MS 400

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};
static const struct timespec moment = {.tv_nsec = 20 * NS_PER_MS};

static struct mock mock;
static struct arena *arena;
static struct control_topics topics;
static char lines[4000]; /* of the log */

/* The engine with the keeper. */
struct engine_stand {
	struct keeper_service_config config;
	struct notifier *notifier;
	struct keeper_service *service;
};

static void on_line(const struct log_sink *sink, const struct log_line *line)
{
	const size_t length = strlen(lines);
	(void)sink;
	(void)snprintf(lines + length, sizeof lines - length, "%s\n", line->message);
}

static const struct log_sink sink = {on_line};

static int broker_setup(void **state)
{
	struct error error = {0};
	(void)state;
	lines[0] = '\0';
	assert_true(network_read(TEXT("127.0.0.0/8"), &loopback));
	mock_open(&mock);
	arena = arena_open((size_t)1 << 20);
	assert_true(control_topics_name(&topics, "sluice", "default", arena, &error));
	const char *const names[] = {topics.control, topics.proposals, topics.status, topics.feed};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(mock.cluster, names[i], 1, 1);
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	mock_close(&mock);
	arena_close(arena);
	return 0;
}

static void engine_start(struct engine_stand *engine, const char *name, struct properties producer)
{
	struct error error = {0};
	*engine = (struct engine_stand){.config = {.brokers = mock.brokers,
						   .consumer = mock_quick,
						   .producer = producer,
						   .topics = topics,
						   .namespace = "default",
						   .engine = name,
						   .kinds = step_kinds,
						   .log = &sink,
						   .absent_ms = ABSENT_MS}};
	engine->config.notifier = engine->notifier = notifier_open(&settings, NULL, &sink, &error);
	engine->service = keeper_service_open(&engine->config, &error);
	assert_string_equal(error.text, "");
}

static void engine_end(struct engine_stand *engine)
{
	notifier_stop(engine->notifier);
	keeper_service_close(engine->service);
	notifier_close(engine->notifier);
}

/* A pipeline `p` whose alert `large` has groups, and the webhook as its receiver. */
static void pipeline_apply(const struct web_receiver *receiver)
{
	const struct applier_config config = {
		.brokers = mock.brokers, .consumer = mock_quick, .producer = mock_quick, .topics = topics, .namespace = "default"};
	const char *document = arena_print(
		arena,
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		"  - {name: s, expression: {set: {y: x * 2}}}\n  output: {steps: [s]}\n  alerts:\n"
		"  - {name: large, condition: y > 1, groupBy: request.g,\n"
		"     actions: [{type: webhook, url: 'http://127.0.0.1:%d/'}]}\n",
		receiver->port);
	const struct proposal_item item = {.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = text_of(document)};
	struct proposal proposal = {.author = TEXT("ann"), .items = {1, &item}};
	char id[APPLIER_ID_BYTES + 1];
	const struct control_verdict *verdict = NULL;
	struct error error = {0};
	struct applier *applier = applier_open(&config, &error);
	if (!applier || !applier_send(applier, &proposal, id, &error) ||
	    !applier_wait(applier, proposal.id, MOCK_WAIT_MS, &verdict, &error))
		fail_msg("%s", error.text);
	if (!verdict || verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("no verdict: %s", lines);
	applier_close(applier);
}

/* An engine reports. */
static void report(const char *group, const char *condition, bool fires)
{
	const struct alert_message message = {.status = fires ? "firing" : "resolved",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("large"),
					      .group = text_of(group),
					      .engine = TEXT("one"),
					      .condition = text_of(condition),
					      .fired_at_ms = FIRED_MS};
	struct error error = {0};
	struct buffer record;
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	mock_append(&mock, topics.status, text_of(group), buffer_view(&record));
	buffer_close(&record);
}

/* Until the receiver has so many notices: a report before the pipeline is active is left out. */
static void report_until(const struct web_receiver *receiver, size_t count, const char *group, const char *condition, bool fires)
{
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; receiver->count < count; nanosleep(&moment, NULL)) {
		if (clock_ms() > until_ms)
			fail_msg("no notice: %s", lines);
		report(group, condition, fires);
	}
}

static bool record_take(void *context, const struct record *record, struct error *error)
{
	(void)error;
	return alert_feed_take(context, record->key, record->value);
}

/* How many firings and notices the feed has. */
static void expect_fed(size_t firings, size_t notices)
{
	const struct reader_config config = {.brokers = mock.brokers,
					     .topic = topics.feed,
					     .from_beginning = true,
					     .uncommitted = true,
					     .properties = mock_quick};
	size_t count[ALERT_KEY_RECEIVERS + 1] = {0};
	struct error error = {0};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; clock_ms() < until_ms; nanosleep(&moment, NULL)) {
		struct alert_feed *feed = alert_feed_open();
		assert_true(topic_give_all(&config, record_take, feed, &error));
		memset(count, 0, sizeof count);
		for (const struct feed_alert *at = feed_alert_of(feed->alerts.first); at; at = feed_alert_of(at->node.next))
			count[at->kind]++;
		alert_feed_close(feed);
		if (count[ALERT_KEY_FIRING] == firings && count[ALERT_KEY_NOTICE] == notices)
			return;
	}
	fail_msg("%zu firings and %zu notices", count[ALERT_KEY_FIRING], count[ALERT_KEY_NOTICE]);
}

static void a_keeper_sends_a_firing_and_the_next_one_its_end(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand engine;
	engine_start(&engine, "one", mock_quick);
	pipeline_apply(receiver);
	report_until(receiver, 1, "g", "y > 1", true);
	assert_non_null(strstr(receiver->heard[0], "\"group\": \"g\""));
	assert_non_null(strstr(web_receiver_id(receiver, 0), "-firing"));
	expect_fed(1, 0);
	engine_end(&engine);
	engine_start(&engine, "two", mock_quick);
	report_until(receiver, 2, "g", "y > 1", false);
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	assert_memory_equal(web_receiver_id(receiver, 0), web_receiver_id(receiver, 1), sizeof "Idempotency-Key: " - 1 + 16);
	expect_fed(0, 0);
	engine_end(&engine);
	assert_int_equal(receiver->count, 2);
	assert_non_null(strstr(lines, "notices of alerts now; by sluice.default.feed, 1 fire, and 0 notices wait"));
	web_receiver_close(receiver);
}

/* What was delivered while the engine stops has ended in the feed: the next keeper does not send it again. */
static void a_notice_that_waits_is_sent_once_by_the_next_keeper(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(HANGS_ONCE);
	struct engine_stand engine;
	engine_start(&engine, "one", mock_quick);
	pipeline_apply(receiver);
	report_until(receiver, 1, "g", "y > 1", true); /* it does not answer */
	expect_fed(1, 1);
	engine_end(&engine);
	assert_non_null(strstr(lines, "the namespace's feed has them, and the engine that sends next delivers them"));
	atomic_store(&receiver->released, true);
	engine_start(&engine, "two", mock_quick);
	web_receiver_await(receiver, 2);
	engine_end(&engine);
	expect_fed(1, 0);
	assert_int_equal(receiver->count, 2);
	assert_memory_equal(web_receiver_id(receiver, 0), web_receiver_id(receiver, 1), sizeof "Idempotency-Key: " - 1 + 16);
	web_receiver_close(receiver);
}

/* By the producer, or by Kafka: then a record of its own shows which one it is. */
static void a_record_that_is_too_large_is_counted_and_blocks_no_other(void **state)
{
	static char long_condition[3000];
	const struct property small[] = {{"message.max.bytes", "2500"}, {"linger.ms", "0"}};
	(void)state;
	memset(long_condition, 'q', sizeof long_condition - 1);
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand engine;
	engine_start(&engine, "one", (struct properties){2, small});
	pipeline_apply(receiver);
	report_until(receiver, 1, "g", long_condition, true);
	assert_non_null(strstr(lines, "p: a record of the alert large of "));
	assert_non_null(strstr(lines, "cannot be written to sluice.default.feed, and is left out. The alert's notices are sent"));
	report_until(receiver, 2, "h", "y > 1", true);
	expect_fed(1, 0);
	assert_int_equal(count_read(&notifier_counts(engine.notifier, TEXT("p"), TEXT("large"))->rejected), 2); /* and its notice */
	engine_end(&engine);
	web_receiver_close(receiver);
}

static void a_record_that_kafka_refuses_is_counted_and_blocks_no_other(void **state)
{
	static char long_condition[3000];
	enum { PRODUCE = 0 };
	(void)state;
	memset(long_condition, 'q', sizeof long_condition - 1);
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand engine;
	engine_start(&engine, "one", mock_quick);
	pipeline_apply(receiver);
	report_until(receiver, 1, "f", "y > 1", true);
	expect_fed(1, 0);
	for (int i = 0; i < 2; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	report_until(receiver, 2, "g", long_condition, true);
	report_until(receiver, 3, "h", "y > 1", true);
	engine_end(&engine);
	web_receiver_close(receiver);
}

/* The keeper decides all else. */
static void a_feed_that_cannot_be_read_holds_up_alerts_alone(void **state)
{
	struct error error = {0};
	(void)state;
	struct loop *loop = loop_open(&error);
	rd_kafka_mock_topic_set_error(mock.cluster, topics.feed, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	const struct keeper_alerts_config config = {.brokers = mock.brokers,
						    .feed = topics.feed,
						    .namespace = "default",
						    .prefix = "sluice",
						    .engine = "one",
						    .consumer = mock_quick,
						    .log = &sink,
						    .loop = loop};
	struct keeper_alerts *alerts = keeper_alerts_open(&config, &error);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !strstr(lines, "no notices of alerts are sent, as");) {
		const int64_t before_ms = clock_ms();
		assert_true(keeper_alerts_turn(alerts, NULL, NULL, false, &error));
		assert_true(clock_ms() - before_ms < 1000 && clock_ms() < until_ms);
		assert_true(loop_turn(loop, 20, &error));
	}
	assert_true(keeper_alerts_due_ms(alerts) > clock_ms());
	keeper_alerts_close(alerts);
	loop_close(loop);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, broker_setup, broker_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_keeper_sends_a_firing_and_the_next_one_its_end),
		STORY(a_notice_that_waits_is_sent_once_by_the_next_keeper),
		STORY(a_record_that_is_too_large_is_counted_and_blocks_no_other),
		STORY(a_record_that_kafka_refuses_is_counted_and_blocks_no_other),
		STORY(a_feed_that_cannot_be_read_holds_up_alerts_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
