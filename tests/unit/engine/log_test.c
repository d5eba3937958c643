/* The log against librdkafka's own mock of a broker: what a consumer hands out, and when
 * a transaction is in doubt. (The mock keeps no transactions: that nothing is doubled is
 * shown on a real Kafka, by tests/kafka.) The committer's thread: pthread_create(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/client.h"
#include "kafka/produce/output.h"
#include "kafka/kafka_log.h"
#include "tests/unit/mock_broker.h"

static struct position assigned[] = {{0, 0, OFFSET_NONE}};

struct stand {
	struct mock mock;
	struct consumer_config consumer_config;
	struct transaction_config transaction_config;
	struct consumer *consumer;
	struct output *output;
};

static void wait_for(int bell)
{
	struct pollfd descriptor = {.fd = bell, .events = POLLIN};
	assert_int_equal(poll(&descriptor, 1, MOCK_WAIT_MS), 1);
}

static enum transaction_news wait_for_news(struct stand *stand, struct positions *committed)
{
	struct error error = {0};
	enum transaction_news news;
	while ((news = output_news(stand->output, committed, &error)) == NEWS_NONE)
		wait_for(output_bell(stand->output));
	assert_string_equal(error.text, "");
	return news;
}

static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){0};
	mock_open(&stand.mock);
	stand.consumer_config = (struct consumer_config){.brokers = stand.mock.brokers,
							 .group = "test",
							 .topics = mock_in,
							 .topic_count = 1,
							 .assigned = {1, assigned},
							 .properties = mock_quick};
	stand.transaction_config = (struct transaction_config){
		.brokers = stand.mock.brokers, .id = "test", .topics = mock_out, .topic_count = 1, .properties = mock_quick};
	struct error error = {0};
	stand.consumer = consumer_open(&stand.consumer_config, &error);
	assert_string_equal(error.text, "");
	*state = &stand;
	return 0;
}

static int set_up_with_transaction(void **state)
{
	set_up(state);
	struct stand *stand = *state;
	struct error error = {0};
	struct positions none;
	stand->output = output_open(&stand->transaction_config, stand->consumer, &error);
	assert_non_null(stand->output);
	assert_false(output_is_open(stand->output));
	assert_int_equal(wait_for_news(stand, &none), NEWS_STARTED);
	assert_true(output_is_open(stand->output));
	assert_true(consumer_accept(stand->consumer, &error));
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	output_close(stand->output);
	consumer_close(stand->consumer);
	mock_close(&stand->mock);
	return 0;
}

/* ---- consuming ---- */

static void write_records(struct stand *stand, int count)
{
	static const char *const values[] = {"zero", "one", "two"};
	for (int i = 0; i < count; i++)
		mock_write(&stand->mock, "k", values[i], "colour", "red");
}

static void take(struct stand *stand, struct record *records, size_t wanted)
{
	struct error error = {0};
	for (size_t have = 0, count; have < wanted; have += count) {
		assert_true(consumer_take(stand->consumer, records + have, wanted - have, &count, &error));
		if (count == 0)
			wait_for(consumer_bell(stand->consumer));
	}
}

static void a_record_says_where_it_stood_and_what_it_brought(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct positions changed;
	write_records(stand, 2);
	assert_int_equal(consumer_change(stand->consumer, &changed), ASSIGNMENT_GIVEN);
	assert_int_equal(changed.count, 1);
	assert_true(consumer_accept(stand->consumer, &error));
	assert_int_equal(consumer_change(stand->consumer, &changed), ASSIGNMENT_SAME);
	struct record records[2];
	take(stand, records, 2);
	assert_int_equal(records[1].topic, 0);
	assert_int_equal(records[1].partition, 0);
	assert_int_equal(records[1].offset, 1);
	assert_int_equal(records[1].time_ms, 1000);
	assert_true(text_is(records[1].key, "k"));
	assert_true(text_is(records[1].value, "one"));
	struct arena *arena = arena_open(4096);
	struct headers headers;
	assert_true(record_headers(&records[1], arena, &headers, &error));
	assert_int_equal(headers.count, 1);
	assert_true(text_is(headers_find(headers, TEXT("Colour"))->value, "red"));
	arena_close(arena);
	record_release(&records[0]);
	record_release(&records[1]);
}

/* Lengths at which the one of the value takes another byte, with a header and without. */
static void a_record_has_the_headers_it_came_with_whatever_its_length(void **state)
{
	struct stand *stand = *state;
	static const size_t lengths[] = {0, 1, 63, 64, 200, 8191, 8192};
	enum { LENGTHS = sizeof lengths / sizeof lengths[0] };
	static char value[8193];
	struct record records[LENGTHS * 4];
	struct error error = {0};
	for (size_t i = 0; i < LENGTHS * 4; i++) {
		memset(value, 'x', lengths[i / 4]);
		value[lengths[i / 4]] = '\0';
		mock_write(&stand->mock, i & 1 ? "key" : NULL, value, i & 2 ? "colour" : NULL, "red");
	}
	assert_true(consumer_accept(stand->consumer, &error));
	take(stand, records, LENGTHS * 4);
	struct arena *arena = arena_open(4096);
	for (size_t i = 0; i < LENGTHS * 4; i++) {
		struct headers headers;
		assert_true(record_headers(&records[i], arena, &headers, &error));
		assert_int_equal(headers.count, i & 2 ? 1 : 0);
		record_release(&records[i]);
	}
	arena_close(arena);
}

/* Who holds it would be asked otherwise, and here there is nobody. */
static void a_record_whose_bytes_say_that_it_has_no_headers_is_not_asked_for_them(void **state)
{
	(void)state;
	enum { BEFORE = 6, KEY = 3, VALUE = 70, ALL = BEFORE + KEY + 2 + VALUE + 1 };
	/* lengths as varints of twice the number: 80 of what follows, attributes, time, offset; 3 of the key; 70 of the value */
	char fetched[ALL] = "\xa0\x01\0\0\0\x06key\x8c\x01";
	const struct record record = {
		.key = {fetched + BEFORE, KEY}, .value = {fetched + BEFORE + KEY + 2, VALUE}, .held = fetched};
	struct headers headers;
	struct error error = {0};
	assert_true(record_headers(&record, NULL, &headers, &error));
	assert_int_equal(headers.count, 0);
}

static void a_consumer_that_seeks_reads_again_from_there(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	write_records(stand, 3);
	assert_true(consumer_accept(stand->consumer, &error));
	struct record records[3];
	take(stand, records, 3);
	for (int i = 0; i < 3; i++)
		record_release(&records[i]);
	struct position back = {0, 0, 1};
	assert_true(consumer_seek(stand->consumer, (struct positions){1, &back}, &error));
	take(stand, records, 2);
	assert_true(text_is(records[0].value, "one"));
	assert_true(text_is(records[1].value, "two"));
	record_release(&records[0]);
	record_release(&records[1]);
}

/* A machine on which librdkafka's threads hardly ever have their turn. */
struct crowd {
	cpu_set_t before;
	pthread_t busy[2];
	atomic_bool over;
};

static void be_scheduled(int policy)
{
	assert_int_equal(sched_setscheduler(0, policy, &(struct sched_param){0}), 0);
}

static void *be_busy(void *context)
{
	struct crowd *crowd = context;
	while (!atomic_load(&crowd->over))
		;
	return NULL;
}

static void crowd_open(struct crowd *crowd)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	assert_int_equal(sched_getaffinity(0, sizeof crowd->before, &crowd->before), 0);
	for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &crowd->before))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	atomic_store(&crowd->over, false);
}

static void crowd_come(struct crowd *crowd)
{
	for (size_t i = 0; i < sizeof crowd->busy / sizeof *crowd->busy; i++)
		assert_int_equal(pthread_create(&crowd->busy[i], NULL, be_busy, crowd), 0);
}

static void crowd_leave(struct crowd *crowd)
{
	atomic_store(&crowd->over, true);
	for (size_t i = 0; i < sizeof crowd->busy / sizeof *crowd->busy; i++)
		pthread_join(crowd->busy[i], NULL);
	assert_int_equal(sched_setaffinity(0, sizeof crowd->before, &crowd->before), 0);
}

/* librdkafka's threads are as its opener is: idle, on a processor that others keep busy. */
static void a_seek_waits_for_a_client_that_has_no_turn(void **state)
{
	struct stand *stand = *state;
	static struct crowd crowd;
	struct error error = {0};
	consumer_close(stand->consumer);
	crowd_open(&crowd);
	be_scheduled(SCHED_IDLE);
	stand->consumer = consumer_open(&stand->consumer_config, &error);
	be_scheduled(SCHED_OTHER);
	assert_non_null(stand->consumer);
	write_records(stand, 1);
	assert_true(consumer_accept(stand->consumer, &error));
	struct record record;
	take(stand, &record, 1);
	record_release(&record);
	struct position back = {0, 0, 0};
	crowd_come(&crowd);
	bool good = true;
	for (int times = 0; times < 20 && good; times++)
		good = consumer_seek(stand->consumer, (struct positions){1, &back}, &error);
	crowd_leave(&crowd);
	assert_string_equal(error.text, "");
}

/* Another client takes its place, with settings that are read anew: secrets of before may be gone. */
static void a_consumer_that_cannot_be_replaced_when_it_was_fenced_says_why(void **state)
{
	static const struct property wrong = {"no.such.setting", "1"};
	struct stand *stand = *state;
	struct error error = {0};
	struct positions changed;
	struct record record;
	size_t count;
	assert_true(consumer_accept(stand->consumer, &error));
	assert_int_equal(rd_kafka_test_fatal_error(consumer_client(stand->consumer), RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "test"),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	while (consumer_change(stand->consumer, &changed) == ASSIGNMENT_SAME) {
		wait_for(consumer_bell(stand->consumer));
		assert_true(consumer_take(stand->consumer, &record, 1, &count, &error));
	}
	assert_int_equal(consumer_change(stand->consumer, &changed), ASSIGNMENT_LOST);
	stand->consumer_config.properties = (struct properties){1, &wrong};
	assert_false(consumer_accept(stand->consumer, &error));
	assert_non_null(strstr(error.text, "no.such.setting"));
}

/* ---- transactions ---- */

static void produce(struct stand *stand)
{
	struct error error = {0};
	const struct header header = {TEXT("a"), TEXT("b")};
	struct outgoing record = {.key = TEXT("k"), .value = TEXT("v")};
	assert_int_equal(output_produce(stand->output, &record, &error), PRODUCED);
	record.headers = (struct headers){1, &header};
	assert_int_equal(output_produce(stand->output, &record, &error), PRODUCED);
}

static enum transaction_news end_at(struct stand *stand, int64_t offset, struct positions *committed)
{
	struct error error = {0};
	struct position position = {0, 0, offset};
	assert_true(output_end(stand->output, (struct positions){1, &position}, &error));
	assert_false(output_is_open(stand->output));
	return wait_for_news(stand, committed);
}

static void an_end_commits_and_the_next_transaction_is_open(void **state)
{
	struct stand *stand = *state;
	struct positions committed;
	for (int64_t offset = 1; offset < 5; offset++) {
		produce(stand);
		assert_int_equal(end_at(stand, offset, &committed), NEWS_COMMITTED);
		assert_true(output_is_open(stand->output));
	}
	const char *reason;
	assert_int_equal(output_resets(stand->output, &reason), 0);
}

/* Fails when the committer does not count closed sockets: the commit itself succeeds. */
static void a_connection_closed_during_a_transaction_puts_it_in_doubt(void **state)
{
	struct stand *stand = *state;
	struct positions committed;
	const char *reason;
	produce(stand);
	assert_int_equal(end_at(stand, 1, &committed), NEWS_COMMITTED);
	mock_break_connections(&stand->mock);
	produce(stand);
	assert_int_equal(end_at(stand, 2, &committed), NEWS_RESET);
	assert_int_equal(output_resets(stand->output, &reason), 1);
	assert_non_null(strstr(reason, "closed"));
	assert_int_equal(committed.count, 1); /* the mock forgets what transactions commit: none is told */
	assert_int_equal(committed.items[0].offset, OFFSET_NONE);
	produce(stand);
	assert_int_equal(end_at(stand, 3, &committed), NEWS_COMMITTED);
	assert_int_equal(output_resets(stand->output, &reason), 1);
	assert_non_null(strstr(reason, "closed")); /* the last is not forgotten when all goes well again */
}

/* librdkafka makes no connection for a fenced consumer: to wait for an answer may be to wait for ever. */
static void a_doubt_of_a_fenced_consumer_is_settled_without_it(void **state)
{
	struct stand *stand = *state;
	struct positions committed;
	produce(stand);
	assert_int_equal(rd_kafka_test_fatal_error(consumer_client(stand->consumer), RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "test"),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	mock_break_connections(&stand->mock);
	assert_int_equal(end_at(stand, 1, &committed), NEWS_RESET);
	assert_int_equal(committed.count, 1);
	assert_int_equal(committed.items[0].offset, OFFSET_UNKNOWN);
	assert_true(consumer_has_lost(stand->consumer));
}

static void a_call_that_fails_puts_the_transaction_in_doubt(void **state)
{
	static const int16_t end_transaction = 26, commit_offsets = 28;
	const int16_t requests[] = {end_transaction, commit_offsets};
	struct stand *stand = *state;
	struct positions committed;
	for (size_t i = 0; i < 2; i++) {
		rd_kafka_mock_push_request_errors(stand->mock.cluster, requests[i], 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
		produce(stand);
		assert_int_equal(end_at(stand, 1, &committed), NEWS_RESET);
		produce(stand);
		assert_int_equal(end_at(stand, 1, &committed), NEWS_COMMITTED);
	}
}

static atomic_int hindrances_told;

static void count_hindrances(const struct log_sink *sink, const struct log_line *said_line)
{
	const char *line = said_line->message;
	(void)sink;
	if (strstr(line, "test: nothing is committed for now: opening a transactional producer: ") &&
	    strstr(line, "retrying"))
		atomic_fetch_add(&hindrances_told, 1);
}

static const struct log_sink count_hindrances_sink = {count_hindrances};

/* Id NULL: at least once. */
static int open_in_haste(void **state, const char *id)
{
	set_up(state);
	struct stand *stand = *state;
	struct error error = {0};
	struct positions none;
	stand->transaction_config.id = id;
	stand->transaction_config.timeout_ms = 1000;
	stand->output = output_open(&stand->transaction_config, stand->consumer, &error);
	assert_non_null(stand->output);
	assert_int_equal(wait_for_news(stand, &none), NEWS_STARTED);
	return 0;
}

static int set_up_in_haste(void **state)
{
	return open_in_haste(state, "test");
}

static int set_up_in_haste_at_least_once(void **state)
{
	return open_in_haste(state, NULL);
}

static void what_keeps_the_next_transaction_from_being_open_for_long_is_told(void **state)
{
	static const struct timespec moment = {.tv_nsec = 50000000};
	struct stand *stand = *state;
	struct position position = {0, 0, 1};
	struct positions committed;
	struct error error = {0};
	kafka_log_to(&count_hindrances_sink);
	produce(stand);
	assert_int_equal(rd_kafka_mock_broker_set_down(stand->mock.cluster, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_true(output_end(stand->output, (struct positions){1, &position}, &error));
	for (int moments = 0; atomic_load(&hindrances_told) == 0 && moments < MOCK_WAIT_MS / 50; moments++)
		(void)nanosleep(&moment, NULL);
	assert_true(atomic_load(&hindrances_told) > 0);
	assert_int_equal(rd_kafka_mock_broker_set_up(stand->mock.cluster, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(wait_for_news(stand, &committed), NEWS_RESET);
	kafka_log_to(NULL);
}

static atomic_int commits_told;

static void count_failed_commits(const struct log_sink *sink, const struct log_line *said_line)
{
	const char *line = said_line->message;
	(void)sink;
	if (strstr(line, "nothing is committed for now: committing offsets: ") && strstr(line, "retrying"))
		atomic_fetch_add(&commits_told, 1);
}

static const struct log_sink count_failed_commits_sink = {count_failed_commits};

static void offsets_that_the_group_does_not_take_for_long_are_told(void **state)
{
	enum { OFFSET_COMMIT = 8 };
	struct stand *stand = *state;
	struct positions committed;
	struct error error = {0};
	int64_t began_ms = clock_ms();
	kafka_log_to(&count_failed_commits_sink);
	for (int64_t offset = 1; atomic_load(&commits_told) == 0 && clock_ms() - began_ms < MOCK_WAIT_MS; offset++) {
		struct position position = {0, 0, offset};
		rd_kafka_mock_push_request_errors(stand->mock.cluster, OFFSET_COMMIT, 1,
						  RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE);
		assert_true(output_end(stand->output, (struct positions){1, &position}, &error));
		assert_int_equal(wait_for_news(stand, &committed), NEWS_COMMITTED);
		assert_int_equal(committed.count, 0);
	}
	kafka_log_to(NULL);
	assert_int_equal(atomic_load(&commits_told), 1);
	assert_in_range(clock_ms() - began_ms, 3 * stand->transaction_config.timeout_ms, MOCK_WAIT_MS);
}

/* librdkafka 2.0 to 2.12 give the words of a fatal error back when a producer is destroyed, and once more when the answer to
 * another request says it meanwhile. */
static void a_fenced_producer_is_closed_while_answers_are_on_their_way(void **state)
{
	enum { ROUNDS = 40, REQUESTS = 5, PRODUCE = 0 };
	static const struct property alone[] = {{"batch.num.messages", "1"}, {"linger.ms", "0"}};
	const struct outgoing record = {.value = TEXT("v")};
	struct stand *stand = *state;
	struct error error = {0};
	struct positions none;
	stand->transaction_config.properties = (struct properties){sizeof alone / sizeof alone[0], alone};
	for (int round = 0; round < ROUNDS; round++) {
		output_close(stand->output);
		rd_kafka_mock_clear_request_errors(stand->mock.cluster, PRODUCE);
		stand->output = output_open(&stand->transaction_config, stand->consumer, &error);
		assert_non_null(stand->output);
		assert_int_equal(wait_for_news(stand, &none), NEWS_STARTED);
		for (int i = 0; i < REQUESTS; i++)
			rd_kafka_mock_broker_push_request_error_rtts(stand->mock.cluster, 1, PRODUCE, (size_t)1,
								     RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, 1 + i);
		for (int i = 0; i < REQUESTS; i++)
			(void)output_produce(stand->output, &record, &error);
		usleep((useconds_t)(2000 + round * 200));
	}
}

static void a_record_that_is_too_long_is_refused_alone(void **state)
{
	static char much[2000000];
	struct stand *stand = *state;
	struct positions committed;
	struct error error = {0};
	const struct outgoing record = {.value = {much, sizeof much}};
	produce(stand);
	assert_int_equal(output_produce(stand->output, &record, &error), PRODUCE_REFUSED);
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "an answer has 2000000 bytes with its headers, and the producer of topic "));
	assert_non_null(strstr(error.text, " accepts 1048460 (message.max.bytes)."));
	assert_int_equal(end_at(stand, 1, &committed), NEWS_COMMITTED);
}

static void a_setting_that_librdkafka_refuses_is_named(void **state)
{
	struct stand *stand = *state;
	static const struct property wrong[] = {{"fetch.min.bytes", "many"}};
	struct consumer_config config = stand->consumer_config;
	config.properties = (struct properties){1, wrong};
	struct error error = {0};
	assert_null(consumer_open(&config, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "fetch.min.bytes"));
}

#define STORY(name, begin) cmocka_unit_test_setup_teardown(name, begin, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_record_says_where_it_stood_and_what_it_brought, set_up),
		STORY(a_record_has_the_headers_it_came_with_whatever_its_length, set_up),
		cmocka_unit_test(a_record_whose_bytes_say_that_it_has_no_headers_is_not_asked_for_them),
		STORY(a_consumer_that_seeks_reads_again_from_there, set_up),
		STORY(a_seek_waits_for_a_client_that_has_no_turn, set_up),
		STORY(a_consumer_that_cannot_be_replaced_when_it_was_fenced_says_why, set_up),
		STORY(an_end_commits_and_the_next_transaction_is_open, set_up_with_transaction),
		STORY(a_connection_closed_during_a_transaction_puts_it_in_doubt, set_up_with_transaction),
		STORY(a_doubt_of_a_fenced_consumer_is_settled_without_it, set_up_with_transaction),
		STORY(a_call_that_fails_puts_the_transaction_in_doubt, set_up_with_transaction),
		STORY(what_keeps_the_next_transaction_from_being_open_for_long_is_told, set_up_in_haste),
		STORY(offsets_that_the_group_does_not_take_for_long_are_told, set_up_in_haste_at_least_once),
		STORY(a_fenced_producer_is_closed_while_answers_are_on_their_way, set_up_with_transaction),
		STORY(a_record_that_is_too_long_is_refused_alone, set_up_with_transaction),
		STORY(a_setting_that_librdkafka_refuses_is_named, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
