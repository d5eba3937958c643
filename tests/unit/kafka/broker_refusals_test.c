/* Records that a broker refuses though they are not at fault, on librdkafka's mock of a broker: they are sent again until it takes
 * them, at least once and exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/produce/broker_refusals.h"
#include "kafka/client.h"
#include "kafka/kafka_log.h"
#include "kafka/produce/output.h"
#include "tests/unit/mock_broker.h"

#define RECORDS 20
#define REFUSALS 3
#define PRODUCE 0 /* Kafka's number of that request */
#define TIMEOUT_MS 300

static struct position assigned[] = {{0, 0, OFFSET_NONE}};

struct stand {
	struct mock mock;
	struct consumer_config consumer_config;
	struct transaction_config transaction_config;
	struct consumer *consumer;
	struct output *output;
};

/* ---- the log ---- */

static _Atomic size_t warned, informed;
static const char *warning;

static void count_lines(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	warned += line->level == LOG_LEVEL_WARN && strstr(line->message, warning);
	informed += line->level == LOG_LEVEL_INFO && strstr(line->message, "take the records again that they refused");
}

static const struct log_sink counting = {count_lines};

static void await_warning(const char *words)
{
	warning = words;
	warned = informed = 0;
	kafka_log_to(&counting);
}

/* ---- an output ---- */

/* As a worker's loop does. */
static enum transaction_news wait_for_news(struct stand *stand, struct error *error)
{
	struct pollfd descriptor = {.fd = output_bell(stand->output), .events = POLLIN};
	enum transaction_news news;
	struct positions committed;
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; (news = output_news(stand->output, &committed, error)) == NEWS_NONE;) {
		assert_true(clock_ms() < until_ms);
		assert_true(output_check(stand->output, clock_ms(), error));
		while (poll(&descriptor, 1, 10) == 0)
			assert_true(output_check(stand->output, clock_ms(), error));
	}
	return news;
}

/* Id NULL: at least once. */
static struct stand *stand_open(const char *id, int timeout_ms)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){0};
	mock_open(&stand.mock);
	stand.consumer_config = (struct consumer_config){.brokers = stand.mock.brokers,
							 .group = "test",
							 .topics = mock_in,
							 .topic_count = 1,
							 .assigned = {1, assigned},
							 .properties = mock_quick};
	stand.transaction_config = (struct transaction_config){.brokers = stand.mock.brokers,
							       .id = id,
							       .topics = mock_out,
							       .topic_count = 1,
							       .timeout_ms = timeout_ms,
							       .properties = mock_quick};
	stand.consumer = consumer_open(&stand.consumer_config, &error);
	assert_non_null(stand.consumer);
	stand.output = output_open(&stand.transaction_config, stand.consumer, &error);
	assert_non_null(stand.output);
	assert_int_equal(wait_for_news(&stand, &error), NEWS_STARTED);
	assert_true(consumer_accept(stand.consumer, &error));
	return &stand;
}

static void stand_close(struct stand *stand)
{
	kafka_log_to(NULL);
	output_close(stand->output);
	consumer_close(stand->consumer);
	mock_close(&stand->mock);
}

static void mock_refuses(struct stand *stand, rd_kafka_resp_err_t code, size_t times)
{
	for (size_t i = 0; i < times; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, code);
}

/* As the worker does: what cannot leave is ended all the same. */
static void produce_and_end(struct stand *stand)
{
	struct position position = {0, 0, RECORDS};
	struct error error = {0};
	for (int64_t i = 0; i < RECORDS; i++) {
		const struct outgoing record = {.origin = {0, 0, i}, .key = TEXT("k"), .value = TEXT("value")};
		assert_int_equal(output_produce(stand->output, &record, &error), PRODUCED);
	}
	(void)output_send(stand->output, &error);
	assert_true(output_end(stand->output, (struct positions){1, &position}, &error));
}

/* Produces what is not committed until it is. The number of resets. */
static size_t produce_until_committed(struct stand *stand)
{
	struct error error = {0};
	struct refusal refusal;
	size_t resets = 0;
	for (enum transaction_news news = NEWS_RESET; news == NEWS_RESET; resets += news == NEWS_RESET) {
		produce_and_end(stand);
		news = wait_for_news(stand, &error);
		assert_false(output_refused(stand->output, &refusal)); /* no record is to blame, and no topic */
		if (news != NEWS_RESET && news != NEWS_COMMITTED)
			fail_msg("news %d: %s", (int)news, error.text);
	}
	return resets;
}

static void each_record_is_there_once(const struct stand *stand)
{
	int64_t low, high;
	assert_int_equal(rd_kafka_query_watermark_offsets(stand->mock.reader, "out", 0, &low, &high, MOCK_WAIT_MS), 0);
	assert_int_equal(high, RECORDS);
}

/* The clock and the topic are as they were: what a broker says of itself, or of a setting of its own, passes. */
static const rd_kafka_resp_err_t of_broker[] = {
	RD_KAFKA_RESP_ERR_UNKNOWN, /* first */
	RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
	RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
	RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
	RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
	RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
	RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE,
	RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
};

static void a_broker_that_fails_is_asked_again(const char *id, rd_kafka_resp_err_t code, size_t refusals)
{
	struct stand *stand = stand_open(id, 0);
	await_warning("a broker refuses records for topic out: ");
	mock_refuses(stand, code, refusals);
	const int64_t begun_ms = clock_ms();
	const size_t resets = produce_until_committed(stand);
	/* Some of these librdkafka may send again by itself. */
	assert_true(resets == refusals || (resets == 0 && code != RD_KAFKA_RESP_ERR_UNKNOWN));
	assert_int_equal(warned, resets > 0);
	if (resets > 0) /* without a pause, models would be called many times a second */
		assert_true(clock_ms() - begun_ms >= (refusals > 1 ? 1 + 2 + 4 : 1) * BROKER_REFUSALS_PAUSE_MS);
	each_record_is_there_once(stand);
	stand_close(stand);
}

static void a_broker_that_fails_is_asked_again_until_it_takes_the_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof of_broker / sizeof *of_broker; i++) {
		a_broker_that_fails_is_asked_again(NULL, of_broker[i], i == 0 ? REFUSALS : 1);
		a_broker_that_fails_is_asked_again("test", of_broker[i], i == 0 ? REFUSALS : 1);
	}
}

/* By librdkafka, in the same transaction. */
static void a_broker_that_is_not_ready_is_asked_again_without_a_reset(void **state)
{
	(void)state;
	static const rd_kafka_resp_err_t codes[] = {
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,	 RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
		RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,	 RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
		RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
	};
	for (size_t i = 0; i < 2 * sizeof codes / sizeof *codes; i++) {
		struct stand *stand = stand_open(i % 2 ? "test" : NULL, 0);
		mock_refuses(stand, codes[i / 2], 1);
		assert_int_equal(produce_until_committed(stand), 0);
		each_record_is_there_once(stand);
		stand_close(stand);
	}
}

/* librdkafka repeats them without a word. */
static void records_that_are_not_acknowledged_for_long_are_logged(void **state)
{
	(void)state;
	struct stand *stand = stand_open(NULL, TIMEOUT_MS);
	struct error error = {0};
	await_warning(
		"Kafka: nothing is committed for now: waiting for acknowledgements of records: a broker is down, or a topic has "
		"fewer replicas in sync than its min.insync.replicas; retrying");
	mock_refuses(stand, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 1000);
	const int64_t begun_ms = clock_ms();
	produce_and_end(stand);
	while (warned == 0) {
		struct positions committed;
		assert_true(clock_ms() - begun_ms < MOCK_WAIT_MS);
		assert_int_equal(output_news(stand->output, &committed, &error), NEWS_NONE);
		assert_true(output_check(stand->output, clock_ms(), &error));
		(void)poll(NULL, 0, 10);
	}
	assert_true(clock_ms() - begun_ms >= 3 * TIMEOUT_MS);
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, PRODUCE);
	assert_int_equal(wait_for_news(stand, &error), NEWS_COMMITTED);
	const size_t lines = warned;
	(void)poll(NULL, 0, 4 * TIMEOUT_MS);
	assert_true(output_check(stand->output, clock_ms(), &error));
	assert_int_equal(warned, lines); /* nothing waits any more */
	stand_close(stand);
}

/* ---- pauses ---- */

static void pauses_grow_until_kafka_has_taken_the_records_for_a_while(void **state)
{
	(void)state;
	struct mock mock;
	struct broker_refusals refusals = {0};
	mock_open(&mock);
	const rd_kafka_message_t report = {.rkt = mock.in, .err = RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED};
	await_warning(
		"for topic in: Broker: Cluster authorization failed; they are sent again until it takes them, and nothing of their "
		"partitions is committed before; give its login the right that `sluice plan --acls` lists. If that lasts");
	int64_t now_ms = 1000000;
	static const int64_t pauses_ms[] = {100, 200, 400, 800, 1000, 1000};
	for (size_t i = 0; i < sizeof pauses_ms / sizeof *pauses_ms; i++) {
		assert_int_equal(broker_refusals_pause_ms(&refusals), 0); /* this producer was not refused anything */
		for (int record = 0; record < 5; record++)
			broker_refusals_note(&refusals, &report, now_ms);
		assert_int_equal(broker_refusals_pause_ms(&refusals), pauses_ms[i]);
		broker_refusals_renew(&refusals);
		now_ms += 1000;
		broker_refusals_committed(&refusals, now_ms); /* perhaps of other records */
	}
	assert_int_equal(warned, 1); /* the others are counted */
	assert_int_equal(informed, 0);
	broker_refusals_committed(&refusals, now_ms + BROKER_REFUSALS_CALM_MS);
	assert_int_equal(informed, 1);
	broker_refusals_committed(&refusals, now_ms + 2 * BROKER_REFUSALS_CALM_MS);
	assert_int_equal(informed, 1);
	broker_refusals_note(&refusals, &report, now_ms);
	assert_int_equal(broker_refusals_pause_ms(&refusals), BROKER_REFUSALS_PAUSE_MS);
	kafka_log_to(NULL);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broker_that_fails_is_asked_again_until_it_takes_the_records),
		cmocka_unit_test(a_broker_that_is_not_ready_is_asked_again_without_a_reset),
		cmocka_unit_test(records_that_are_not_acknowledged_for_long_are_logged),
		cmocka_unit_test(pauses_grow_until_kafka_has_taken_the_records_for_a_while),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
