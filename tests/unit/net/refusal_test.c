/* Batches that Kafka refuses, on librdkafka's mock of a broker: nobody is to blame for a batch that is too large, only a
 * record that had one to itself; and a wrong clock is no record's fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/number/number.h"
#include "kafka/client.h"
#include "kafka/kafka_log.h"
#include "kafka/produce/output.h"
#include "kafka/consume/reader.h"
#include "kafka/produce/sender.h"
#include "kafka/topics/topic_registry.h"
#include "tests/unit/mock_broker.h"

#define RECORDS 20
#define RECORD_BYTES 685
#define PRODUCE 0 /* Kafka's number of that request, and of others: */
#define COMMIT_OFFSETS 8
#define FETCH_OFFSETS 9
#define ADD_PARTITIONS 24

static struct position assigned[] = {{0, 0, OFFSET_NONE}};
static char value[RECORD_BYTES];

struct stand {
	struct mock mock;
	struct consumer_config consumer_config;
	struct transaction_config transaction_config;
	struct batch_limit batches;
	struct consumer *consumer;
	struct output *output;
};

/* A current librdkafka takes 30 s to believe that a topic is gone (topic.metadata.propagation.max.ms). */
static void wait_for(int bell)
{
	struct pollfd descriptor = {.fd = bell, .events = POLLIN};
	assert_int_equal(poll(&descriptor, 1, 3 * MOCK_WAIT_MS), 1);
}

static enum transaction_news wait_for_news(struct stand *stand, struct error *error)
{
	enum transaction_news news;
	struct positions committed;
	while ((news = output_news(stand->output, &committed, error)) == NEWS_NONE)
		wait_for(output_bell(stand->output));
	return news;
}

/* Id NULL: at least once. */
static struct stand *stand_open(const char *id, size_t batch_bytes)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){0};
	stand.batches.bytes = batch_bytes;
	memset(value, 'v', sizeof value);
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
							       .batches = &stand.batches,
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
	output_close(stand->output);
	consumer_close(stand->consumer);
	mock_close(&stand->mock);
}

static void mock_refuses(struct stand *stand, rd_kafka_resp_err_t code)
{
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, code);
}

static void produce(struct stand *stand, int64_t count)
{
	struct error error = {0};
	for (int64_t i = 0; i < count; i++) {
		const struct outgoing record = {
			.origin = {0, 0, i}, .key = TEXT("k"), .value = {value, sizeof value}};
		assert_int_equal(output_produce(stand->output, &record, &error), PRODUCED);
	}
}

/* As the worker does: what cannot leave is ended all the same. */
static enum transaction_news end(struct stand *stand, int64_t offset, struct error *error)
{
	struct position position = {0, 0, offset};
	(void)output_send(stand->output, error);
	assert_true(output_end(stand->output, (struct positions){1, &position}, error));
	*error = (struct error){0};
	return wait_for_news(stand, error);
}

static size_t said;
static const char *said_words;

static void count_said(const struct log_sink *sink, const struct log_line *said_line)
{
	const char *line = said_line->message;
	(void)sink;
	said += strstr(line, said_words) && strstr(line, "sent again");
}

static const struct log_sink count_said_sink = {count_said};

static void nobody_is_to_blame(const char *id, size_t batch_bytes, rd_kafka_resp_err_t code, size_t lowered)
{
	struct stand *stand = stand_open(id, batch_bytes);
	struct error error = {0};
	struct refusal refusal;
	said = 0;
	kafka_log_to(&count_said_sink);
	mock_refuses(stand, code);
	produce(stand, RECORDS);
	assert_int_equal(end(stand, RECORDS, &error), NEWS_RESET);
	assert_false(output_refused(stand->output, &refusal));
	assert_int_equal(stand->batches.bytes, lowered);
	assert_int_equal(said, 1);
	produce(stand, RECORDS);
	assert_int_equal(end(stand, RECORDS, &error), NEWS_COMMITTED);
	assert_false(output_refused(stand->output, &refusal));
	kafka_log_to(NULL);
	stand_close(stand);
}

static void nobody_is_to_blame_for_a_batch(const char *id, rd_kafka_resp_err_t code, size_t lowered)
{
	said_words = "topic out refused a batch of records";
	nobody_is_to_blame(id, 0, code, lowered);
}

static void a_batch_that_is_too_large_is_sent_again_in_smaller_ones(void **state)
{
	(void)state;
	nobody_is_to_blame_for_a_batch(NULL, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, BATCH_USUAL_BYTES / BATCH_LOWER_BY);
	nobody_is_to_blame_for_a_batch("test", RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, BATCH_USUAL_BYTES / BATCH_LOWER_BY);
}

/* Which one is invalid shows when each is sent by itself. */
static void a_batch_with_an_invalid_record_is_sent_again_record_by_record(void **state)
{
	(void)state;
	nobody_is_to_blame_for_a_batch(NULL, RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
	nobody_is_to_blame_for_a_batch("test", RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
}

/* Since 2.4 librdkafka sends it again by itself. */
static void a_batch_that_arrives_damaged_is_sent_again_and_no_record_is_to_blame(void **state)
{
	(void)state;
	if (rd_kafka_version() >= 0x02040000)
		skip();
	said_words = "a batch of records for topic out arrived damaged, and is sent again";
	for (size_t bytes = 0; bytes <= 1; bytes++) { /* also where each record has a batch to itself */
		nobody_is_to_blame(NULL, bytes, RD_KAFKA_RESP_ERR_INVALID_MSG, bytes);
		nobody_is_to_blame("test", bytes, RD_KAFKA_RESP_ERR_INVALID_MSG, bytes);
	}
}

static void one_with_a_batch_to_itself_is_to_blame(const char *id, size_t batch_bytes, rd_kafka_resp_err_t code,
						   const char *advice)
{
	struct stand *stand = stand_open(id, batch_bytes);
	struct error error = {0};
	struct refusal refusal;
	mock_refuses(stand, code);
	produce(stand, 1);
	(void)end(stand, 1, &error);
	assert_true(output_refused(stand->output, &refusal));
	assert_int_equal(refusal.origin.offset, 0);
	assert_non_null(strstr(refusal.reason, "686 bytes"));
	assert_non_null(strstr(refusal.reason, advice));
	assert_false(output_refused(stand->output, &refusal));
	assert_int_equal(stand->batches.bytes, batch_bytes);
	stand_close(stand);
}

static void a_record_is_to_blame_that_had_a_batch_to_itself(void **state)
{
	(void)state;
	const rd_kafka_resp_err_t large = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, invalid = RD_KAFKA_RESP_ERR_INVALID_RECORD;
	one_with_a_batch_to_itself_is_to_blame(NULL, 1, large, "; raise max.message.bytes of the topic");
	one_with_a_batch_to_itself_is_to_blame("test", 1, large, "; raise max.message.bytes of the topic");
	one_with_a_batch_to_itself_is_to_blame(NULL, RECORD_BYTES + 1 + BATCH_OVERHEAD_BYTES - 1, large,
					       "; raise max.message.bytes of the topic");
	one_with_a_batch_to_itself_is_to_blame(NULL, 1, invalid, "; a compacted topic takes no record without a key");
	one_with_a_batch_to_itself_is_to_blame("test", 1, invalid, "; a compacted topic takes no record without a key");
}

static void topic_is_named_once(struct stand *stand, const struct refusal *refusal, bool is_gone)
{
	struct refusal another;
	assert_true(refusal->is_denied);
	assert_int_equal(refusal->is_gone, is_gone);
	assert_int_equal(refusal->topic, 0);
	assert_false(output_refused(stand->output, &another));
}

static void all_comes_again(struct stand *stand)
{
	struct error error = {0};
	struct refusal refusal;
	produce(stand, RECORDS);
	assert_int_equal(end(stand, RECORDS, &error), NEWS_COMMITTED);
	assert_false(output_refused(stand->output, &refusal));
	stand_close(stand);
}

/* The topic is named once, whatever the number of its records; what is not committed comes again. */
static void a_denied_topic_is_named_and_all_comes_again(const char *id)
{
	struct stand *stand = stand_open(id, 0);
	struct error error = {0};
	struct refusal refusal;
	mock_refuses(stand, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	if (id) /* it asks which topic, since librdkafka does not always say it */
		mock_refuses(stand, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	produce(stand, RECORDS);
	assert_int_equal(end(stand, RECORDS, &error), NEWS_RESET);
	assert_true(output_refused(stand->output, &refusal));
	topic_is_named_once(stand, &refusal, false);
	/* It is allowed again, also where librdkafka said which topic it was, so that nothing was asked. */
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, PRODUCE);
	all_comes_again(stand);
}

static void a_topic_that_is_denied_ends_no_engine(void **state)
{
	(void)state;
	a_denied_topic_is_named_and_all_comes_again(NULL);
	a_denied_topic_is_named_and_all_comes_again("test");
}

/* The topic is deleted after the first record, and made again. Exactly once, librdkafka may hold the records of the first
 * transaction until it times out: those of the next one are refused. */
static void a_topic_that_is_gone_is_named_and_all_comes_again(const char *id)
{
	struct stand *stand = stand_open(id, 0);
	struct error error = {0};
	struct refusal refusal = {0};
	bool is_named = false;
	produce(stand, 1);
	assert_int_equal(end(stand, 1, &error), NEWS_COMMITTED);
	rd_kafka_mock_topic_set_error(stand->mock.cluster, "out", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	for (int i = 0; i < 1000; i++)
		mock_refuses(stand, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	for (size_t tries = id ? 2 : 1; !is_named && tries > 0; tries--) {
		produce(stand, RECORDS);
		assert_int_equal(end(stand, RECORDS, &error), NEWS_RESET);
		is_named = output_refused(stand->output, &refusal);
	}
	assert_true(is_named);
	topic_is_named_once(stand, &refusal, true);
	rd_kafka_mock_topic_set_error(stand->mock.cluster, "out", RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, PRODUCE);
	all_comes_again(stand);
}

static void a_topic_that_is_gone_ends_no_engine(void **state)
{
	(void)state;
	if (mock_error_of_topic_crashes())
		skip();
	a_topic_that_is_gone_is_named_and_all_comes_again(NULL);
	a_topic_that_is_gone_is_named_and_all_comes_again("test");
}

/* librdkafka takes no record for a topic that it knows to be denied. */
static void a_record_that_is_not_taken_for_want_of_a_right_ends_no_engine(void **state)
{
	(void)state;
	struct stand *stand = stand_open(NULL, 0);
	struct error error = {0};
	struct refusal refusal;
	mock_refuses(stand, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	produce(stand, 1);
	assert_int_equal(output_send(stand->output, &error), PRODUCED);
	wait_for(output_bell(stand->output)); /* the refusal, which is not read yet */
	produce(stand, 1);
	assert_int_equal(output_send(stand->output, &error), PRODUCE_SPOILT);
	assert_int_equal(end(stand, 1, &error), NEWS_RESET);
	assert_true(output_refused(stand->output, &refusal));
	assert_true(refusal.is_denied);
	stand_close(stand);
}

/* The refusal is read after the news. A record of the key must not overtake those that are purged. */
static void a_record_after_a_refusal_is_not_taken(void **state)
{
	(void)state;
	struct stand *stand = stand_open(NULL, 0);
	struct error error = {0};
	struct refusal refusal;
	mock_refuses(stand, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	produce(stand, RECORDS);
	assert_int_equal(output_send(stand->output, &error), PRODUCED);
	for (int waited_ms = 0; stand->batches.bytes == 0; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		assert_false(output_refused(stand->output, &refusal));
		(void)poll(NULL, 0, 10);
	}
	struct header header = {TEXT("name"), TEXT("value")}; /* so that it goes to the producer at once */
	const struct outgoing with_headers = {
		.origin = {0, 0, 1}, .key = TEXT("k"), .value = {value, sizeof value}, .headers = {1, &header}};
	assert_int_equal(output_produce(stand->output, &with_headers, &error), PRODUCE_SPOILT);
	assert_int_equal(end(stand, RECORDS, &error), NEWS_RESET);
	stand_close(stand);
}

/* Asks until there is an answer of this kind. */
static void await_right(struct topic_member *member, enum topic_right_answer right)
{
	for (int waited_ms = 0; topic_member_right(member, RIGHT_TO_WRITE, "out") != right; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)poll(NULL, 0, 10);
	}
}

/* Kafka looks at the right before it looks at the number of acknowledgements, which no broker accepts. */
static void the_registry_reads_the_right_from_the_refusal(void **state)
{
	(void)state;
	struct stand *stand = stand_open(NULL, 0);
	struct error error = {0};
	const atomic_bool stopping = false;
	const struct topic_member_config config = {
		.brokers = stand->mock.brokers, .properties = stand->transaction_config.properties, .bell = -1};
	struct topic_member *member = topic_member_open(&config, &error);
	assert_non_null(member);
	topic_member_await(member, MOCK_WAIT_MS, &stopping); /* nothing is asked */
	mock_refuses(stand, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(topic_member_right(member, RIGHT_TO_WRITE, "out"), RIGHT_UNKNOWN);
	topic_member_await(member, MOCK_WAIT_MS, &stopping);
	assert_int_equal(topic_member_right(member, RIGHT_TO_WRITE, "out"), RIGHT_MISSING);
	mock_refuses(stand, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS);
	await_right(member, RIGHT_GIVEN);
	assert_int_equal(topic_member_right(member, RIGHT_TO_WRITE, "out"), RIGHT_UNKNOWN); /* it is told once */
	topic_member_close(member);
	stand_close(stand);
}

/* An output asks again until the right is there, and then forgets the topic. */
static void a_topic_may_be_written_when_kafka_says_so(void **state)
{
	(void)state;
	struct stand *stand = stand_open(NULL, 0);
	size_t asked = 0;
	mock_refuses(stand, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	for (; !output_may_write(stand->output, 0); asked++) {
		assert_true(asked < MOCK_WAIT_MS / 100);
		if (asked == 1)
			mock_refuses(stand, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS);
		(void)poll(NULL, 0, 100);
	}
	assert_true(asked > 1);
	assert_false(output_may_write(stand->output, 0));
	stand_close(stand);
}

/* Records without key and value in the topic: questions for the right, which a mock keeps. */
static size_t questions_count(const struct stand *stand)
{
	struct error error = {0};
	size_t count = 0;
	const struct reader_config config = {.brokers = stand->mock.brokers,
					     .topic = "out",
					     .from_beginning = true,
					     .uncommitted = true,
					     .properties = mock_quick};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	while (!reader_has_caught_up(reader)) {
		struct record record;
		assert_true(reader_next(reader, 100, &record, &error));
		count += record.held && record.value.length == 0;
		if (record.held)
			record_release(&record);
	}
	reader_close(reader);
	return count;
}

/* Kafka refuses to add the topic to each transaction, and yet does not refuse a record for want of the right. */
static void rights_that_are_asked_in_vain_are_asked_less_often(void **state)
{
	(void)state;
	struct stand *stand = stand_open("test", 0);
	struct error error = {0};
	struct refusal refusal;
	const int64_t began_ms = clock_ms();
	for (size_t i = 0; i < 10; i++) {
		rd_kafka_mock_push_request_errors(stand->mock.cluster, ADD_PARTITIONS, 1,
						  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
		produce(stand, RECORDS);
		(void)output_send(stand->output, &error);
		(void)poll(NULL, 0, 50); /* the refusal comes: else librdkafka has another error for the end */
		assert_int_equal(end(stand, RECORDS, &error), NEWS_RESET);
		assert_false(output_refused(stand->output, &refusal));
	}
	size_t most = 1;
	for (int64_t pause_ms = 250, took_ms = clock_ms() - began_ms; took_ms >= pause_ms; took_ms -= pause_ms, pause_ms *= 2)
		most++;
	assert_in_range(questions_count(stand), 1, most);
	stand_close(stand);
}

static size_t lost, had_again; /* lines that tell of the right to the group */

static void count_rights(const struct log_sink *sink, const struct log_line *said_line)
{
	(void)sink;
	lost += strstr(said_line->message, "group test may not be used by this login any more") != NULL;
	had_again += strstr(said_line->message, "group test may be used again") != NULL;
}

/* At least once, the offsets are committed with the next ones; exactly once, nothing goes on until what is committed is known. */
static void a_lost_right_to_the_group_ends_no_engine(void **state)
{
	static const struct log_sink sink = {count_rights};
	static const struct {
		const char *id;
		int16_t request;
		enum transaction_news news;
		size_t refusals; /* the consumer may take one, when it begins at what is committed */
	} rows[] = {{NULL, COMMIT_OFFSETS, NEWS_COMMITTED, 1}, {"test", FETCH_OFFSETS, NEWS_RESET, 2}};
	(void)state;
	kafka_log_to(&sink);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stand *stand = stand_open(rows[i].id, 0);
		struct error error = {0};
		lost = had_again = 0;
		if (rows[i].id) /* a doubt, after which the offsets are read */
			rd_kafka_mock_push_request_errors(stand->mock.cluster, ADD_PARTITIONS, 1,
							  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
		for (size_t k = 0; k < rows[i].refusals; k++)
			rd_kafka_mock_push_request_errors(stand->mock.cluster, rows[i].request, 1,
							  RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
		produce(stand, RECORDS);
		assert_int_equal(end(stand, RECORDS, &error), rows[i].news);
		assert_int_equal(lost, 1);
		produce(stand, RECORDS);
		assert_int_equal(end(stand, RECORDS, &error), NEWS_COMMITTED);
		assert_int_equal(had_again, 1);
		stand_close(stand);
	}
	kafka_log_to(NULL);
}

static void ends_naming_the_clock(const char *id)
{
	struct stand *stand = stand_open(id, 0);
	struct error error = {0};
	struct refusal refusal;
	mock_refuses(stand, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP);
	produce(stand, RECORDS);
	assert_int_equal(end(stand, RECORDS, &error), NEWS_BROKEN);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "clock of this machine shows 2"));
	assert_null(strstr(error.text, "max.message.bytes"));
	assert_false(output_refused(stand->output, &refusal));
	stand_close(stand);
}

static void a_wrong_clock_ends_the_engine_and_no_request_is_blamed(void **state)
{
	(void)state;
	ends_naming_the_clock(NULL);
	ends_naming_the_clock("test");
}

/* ---- commands ---- */

static void count_refused(void *context, uint64_t number, const char *reason)
{
	(void)number;
	(void)reason;
	++*(size_t *)context;
}

static void a_command_sends_a_batch_that_is_too_large_again_and_in_its_order(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	size_t refused = 0;
	mock_open(&mock);
	const struct sender_config config = {.brokers = mock.brokers,
					     .topic = "out",
					     .timeout_ms = MOCK_WAIT_MS,
					     .properties = mock_quick,
					     .refused = count_refused,
					     .context = &refused};
	struct sender *sender = sender_open(&config, &error);
	assert_non_null(sender);
	rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	for (uint64_t i = 0; i < RECORDS; i++) {
		const char number = (char)('a' + i);
		const struct outgoing record = {.value = {&number, 1}};
		assert_true(sender_send(sender, &record, i, &error));
	}
	while (!sender_settled(sender, 100))
		;
	assert_int_equal(sender_acknowledged(sender), RECORDS);
	assert_int_equal(refused, 0);
	sender_close(sender);
	for (uint64_t i = 0; i < RECORDS; i++) {
		const rd_kafka_message_t *message = mock_read(&mock);
		assert_int_equal(*(const char *)message->payload, 'a' + i);
	}
	mock_close(&mock);
}

/* ---- the bound ---- */

static void a_record_shares_its_batch_up_to_what_kafka_adds_to_it(void **state)
{
	(void)state;
	assert_false(batch_limit_isolates(1000, 1000 - BATCH_OVERHEAD_BYTES));
	assert_true(batch_limit_isolates(1000, 1000 - BATCH_OVERHEAD_BYTES + 1));
	assert_true(batch_limit_isolates(1, 0));
}

static void the_bound_falls_to_one_record_and_never_rises_by_a_refusal(void **state)
{
	(void)state;
	struct batch_limit limit = {0};
	assert_int_equal(batch_limit_lower(&limit, 1000000, false), 250000);
	assert_int_equal(batch_limit_lower(&limit, 1000000, false), 250000); /* of a producer that was opened before */
	assert_int_equal(batch_limit_lower(&limit, 250000, false), 62500);
	assert_int_equal(batch_limit_lower(&limit, 62500, true), 1);
	assert_int_equal(batch_limit_lower(&limit, 62500, false), 1);
	assert_int_equal(batch_limit_lower(&limit, 1, false), 1);
	limit.bytes = 65536; /* as the files were read again */
	assert_int_equal(batch_limit_lower(&limit, 1000000, false), 65536);
}

static size_t bounds_of(size_t limit_bytes, const char *batch, const char *message, size_t *record_bytes)
{
	char words[LIBRARY_TEXT_MAX];
	const struct batch_limit limit = {.bytes = limit_bytes};
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	const struct property users = {"message.max.bytes", message};
	size_t room = sizeof words;
	if (batch)
		assert_int_equal(rd_kafka_conf_set(configuration, "batch.size", batch, words, sizeof words), 0);
	if (message)
		assert_int_equal(rd_kafka_conf_set(configuration, users.name, message, words, sizeof words), 0);
	size_t bytes = client_limit_batches(configuration, (struct properties){message != NULL, &users}, &limit);
	if (record_bytes) {
		uint64_t number;
		assert_int_equal(rd_kafka_conf_get(configuration, users.name, words, &room), RD_KAFKA_CONF_OK);
		assert_true(number_read_uint64(text_of(words), &number));
		*record_bytes = (size_t)number;
	}
	rd_kafka_conf_destroy(configuration);
	return bytes;
}

static size_t bound_of(size_t limit_bytes, const char *batch, const char *message)
{
	return bounds_of(limit_bytes, batch, message, NULL);
}

static size_t record_bound_of(size_t limit_bytes, const char *message)
{
	size_t bytes;
	(void)bounds_of(limit_bytes, NULL, message, &bytes);
	return bytes;
}

static void the_smallest_of_all_bounds_is_in_force(void **state)
{
	(void)state;
	assert_int_equal(bound_of(0, NULL, NULL), BATCH_USUAL_BYTES);
	assert_int_equal(bound_of(1048588, NULL, NULL), BATCH_USUAL_BYTES);
	assert_int_equal(bound_of(65536, NULL, NULL), 65536);
	assert_int_equal(bound_of(65536, "1000", NULL), 1000);
	assert_int_equal(bound_of(65536, NULL, "2000"), 2000);
}

/* A gateway takes a body of 4096 bytes less than its topic's limit, so an answer as long as the longest request must fit. */
static void a_producer_takes_records_as_long_as_its_topics_do(void **state)
{
	(void)state;
	const size_t frame = 128;
	assert_int_equal(record_bound_of(0, NULL), 1048588 - frame);
	assert_int_equal(record_bound_of(1048588, NULL), 1048588 - frame);
	assert_int_equal(record_bound_of(20000000, NULL), 20000000 - frame);
	assert_int_equal(record_bound_of(2000000000, NULL), 1000000000);
	assert_int_equal(record_bound_of(65536, NULL), 1000000); /* one of its topics takes less; others may take more */
	assert_int_equal(record_bound_of(1000100, NULL), 1000000);
	assert_int_equal(record_bound_of(20000000, "2000"), 2000);
	assert_int_equal(record_bound_of(20000000, "1000000"), 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_that_is_too_large_is_sent_again_in_smaller_ones),
		cmocka_unit_test(a_batch_with_an_invalid_record_is_sent_again_record_by_record),
		cmocka_unit_test(a_batch_that_arrives_damaged_is_sent_again_and_no_record_is_to_blame),
		cmocka_unit_test(a_record_is_to_blame_that_had_a_batch_to_itself),
		cmocka_unit_test(a_topic_that_is_denied_ends_no_engine),
		cmocka_unit_test(a_topic_that_is_gone_ends_no_engine),
		cmocka_unit_test(a_record_that_is_not_taken_for_want_of_a_right_ends_no_engine),
		cmocka_unit_test(a_record_after_a_refusal_is_not_taken),
		cmocka_unit_test(the_registry_reads_the_right_from_the_refusal),
		cmocka_unit_test(a_topic_may_be_written_when_kafka_says_so),
		cmocka_unit_test(rights_that_are_asked_in_vain_are_asked_less_often),
		cmocka_unit_test(a_lost_right_to_the_group_ends_no_engine),
		cmocka_unit_test(a_wrong_clock_ends_the_engine_and_no_request_is_blamed),
		cmocka_unit_test(a_command_sends_a_batch_that_is_too_large_again_and_in_its_order),
		cmocka_unit_test(a_record_shares_its_batch_up_to_what_kafka_adds_to_it),
		cmocka_unit_test(a_producer_takes_records_as_long_as_its_topics_do),
		cmocka_unit_test(the_bound_falls_to_one_record_and_never_rises_by_a_refusal),
		cmocka_unit_test(the_smallest_of_all_bounds_is_in_force),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
