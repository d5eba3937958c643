/* transaction_stall_test.c: Tests of transactions that make no progress: what is logged, and when the output gives up a call of
 * librdkafka that does not return. On librdkafka's mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/kafka_log.h"
#include "kafka/produce/output.h"
#include "tests/unit/mock_broker.h"

#define TIMEOUT_MS 1000
#define COMMIT_OFFSETS 28
#define CHECK_MS 1000
#define HUNG_MOST 5 /* transaction.c */

static struct mock mock;
static struct consumer_config consumer_config;
static struct transaction_config transaction_config;
static struct consumer *consumer;
static struct output *output;
static struct position assigned[] = {{0, 0, 0}};

static atomic_bool hangs;
static sem_t begun, released;
static const char *awaited;
static atomic_int lines;

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
						       const rd_kafka_consumer_group_metadata_t *cgmetadata, int timeout_ms)
{
	rd_kafka_error_t *(*send)(rd_kafka_t *, const rd_kafka_topic_partition_list_t *, const rd_kafka_consumer_group_metadata_t *,
				  int);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_send_offsets_to_transaction");
	memcpy(&send, &found, sizeof send);
	if (!atomic_load(&hangs))
		return send(rk, offsets, cgmetadata, timeout_ms);
	sem_post(&begun);
	sem_wait(&released);
	return NULL;
}

static void count_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	atomic_fetch_add(&lines, strstr(line->message, awaited) != NULL);
}

static const struct log_sink count_line_sink = {count_line};

static enum transaction_news news_wait(struct positions *committed)
{
	struct error error = {0};
	enum transaction_news news;
	while ((news = output_news(output, committed, &error)) == NEWS_NONE) {
		struct pollfd bell = {.fd = output_bell(output), .events = POLLIN};
		assert_int_equal(poll(&bell, 1, MOCK_WAIT_MS), 1);
	}
	assert_string_equal(error.text, "");
	return news;
}

static int stand_begin(void **state)
{
	struct error error = {0};
	struct positions none;
	(void)state;
	atomic_store(&hangs, false);
	atomic_store(&lines, 0);
	mock_open(&mock);
	consumer_config = (struct consumer_config){.brokers = mock.brokers,
						   .group = "g",
						   .topics = mock_in,
						   .topic_count = 1,
						   .assigned = {1, assigned},
						   .properties = mock_quick};
	transaction_config = (struct transaction_config){.brokers = mock.brokers,
							 .id = "test",
							 .topics = mock_out,
							 .topic_count = 1,
							 .timeout_ms = TIMEOUT_MS,
							 .properties = mock_quick};
	consumer = consumer_open(&consumer_config, &error);
	assert_non_null(consumer);
	output = output_open(&transaction_config, consumer, &error);
	assert_non_null(output);
	assert_int_equal(news_wait(&none), NEWS_STARTED);
	assert_true(consumer_accept(consumer, &error));
	return 0;
}

static int stand_end(void **state)
{
	(void)state;
	output_close(output);
	consumer_close(consumer);
	mock_close(&mock);
	kafka_log_to(NULL);
	return 0;
}

static void transaction_end(int64_t offset)
{
	struct position position = {0, 0, offset};
	struct error error = {0};
	assert_true(output_end(output, (struct positions){1, &position}, &error));
}

/* Checks each second of a clock of its own, for so many; how many of them went well. */
static int check_for(int64_t *now_ms, int seconds, struct error *error)
{
	int good = 0;
	while (good < seconds && output_check(output, *now_ms += CHECK_MS, error))
		good++;
	return good;
}

static void hang_begin(void)
{
	kafka_log_to(&count_line_sink);
	atomic_store(&hangs, true);
	transaction_end(1);
	while (sem_wait(&begun) != 0)
		continue;
}

static void a_call_that_returns_late_is_logged(void **state)
{
	struct error error = {0};
	struct positions committed;
	int64_t now_ms = 1000000;
	(void)state;
	awaited = "test: nothing is committed for now: sending offsets has not returned for 3 s; waiting";
	hang_begin();
	assert_int_equal(check_for(&now_ms, 3, &error), 3);
	assert_int_equal(atomic_load(&lines), 0);
	assert_int_equal(check_for(&now_ms, 2, &error), 2);
	assert_int_equal(atomic_load(&lines), 1);
	sem_post(&released);
	assert_int_equal(news_wait(&committed), NEWS_COMMITTED);
	assert_int_equal(check_for(&now_ms, 60, &error), 60);
	assert_int_equal(atomic_load(&lines), 1);
}

/* The call that hangs may have been done or not: the group tells. What it does when it returns after all is nobody's. */
static void another_client_takes_the_place_of_one_that_hangs(void **state)
{
	struct error error = {0};
	struct positions committed;
	int64_t now_ms = 1000000;
	const int bell = output_bell(output);
	const char *reason;
	(void)state;
	mock_commit(&mock, "g", 1);
	awaited = "Kafka's client hangs: sending offsets has not returned for 6 s; another one takes its place";
	hang_begin();
	atomic_store(&hangs, false);
	assert_int_equal(check_for(&now_ms, 7, &error), 7);
	assert_int_equal(atomic_load(&lines), 1);
	assert_int_equal(output_bell(output), bell);
	assert_int_equal(news_wait(&committed), NEWS_RESET);
	assert_int_equal(committed.count, 1);
	assert_int_equal(committed.items[0].offset, 1);
	assert_int_equal(output_resets(output, &reason), 1);
	assert_string_equal(reason, "sending offsets has not returned");
	transaction_end(2);
	assert_int_equal(news_wait(&committed), NEWS_COMMITTED);
	sem_post(&released);
	transaction_end(3);
	assert_int_equal(news_wait(&committed), NEWS_COMMITTED);
	assert_int_equal(check_for(&now_ms, 60, &error), 60);
	assert_int_equal(atomic_load(&lines), 1);
}

/* Each leaves its client and its thread behind, so there is an end. */
static void clients_that_hang_one_after_the_other_are_given_up(void **state)
{
	struct error error = {0};
	struct positions committed;
	int64_t now_ms = 1000000;
	(void)state;
	awaited = "another one takes its place";
	for (int i = 1; i <= HUNG_MOST; i++) {
		hang_begin();
		assert_int_equal(check_for(&now_ms, 7, &error), 7);
		assert_int_equal(atomic_load(&lines), i);
		assert_int_equal(news_wait(&committed), NEWS_RESET);
	}
	hang_begin();
	assert_in_range(check_for(&now_ms, 60, &error), 5, 7);
	assert_non_null(
		strstr(error.text, "Kafka's client hangs: test: sending offsets has not returned for 6 s, and may take 1 s"));
	assert_non_null(strstr(error.text, "start the engine again"));
	assert_int_equal(atomic_load(&lines), HUNG_MOST);
	output_close(output);
	output = NULL;
	for (int i = 0; i <= HUNG_MOST; i++)
		sem_post(&released);
}

/* As one that was stopped with SIGSTOP: no call is blamed for that. */
static void a_pause_of_the_process_is_no_call(void **state)
{
	struct error error = {0};
	int64_t now_ms = 1000000;
	(void)state;
	awaited = "sending offsets has not returned";
	hang_begin();
	assert_int_equal(check_for(&now_ms, 1, &error), 1);
	now_ms += 600000;
	assert_int_equal(check_for(&now_ms, 1, &error), 1);
	assert_int_equal(atomic_load(&lines), 0);
	sem_post(&released);
}

static void transactions_that_fail_one_after_the_other_are_logged(void **state)
{
	struct positions committed;
	const int64_t begun_ms = clock_ms();
	(void)state;
	awaited = "test: nothing is committed for now: each transaction fails: sending offsets: ";
	kafka_log_to(&count_line_sink);
	for (int64_t offset = 1; atomic_load(&lines) == 0; offset++) {
		rd_kafka_mock_push_request_errors(mock.cluster, COMMIT_OFFSETS, 1, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
		transaction_end(offset);
		assert_int_equal(news_wait(&committed), NEWS_RESET);
		assert_true(clock_ms() - begun_ms < MOCK_WAIT_MS);
	}
	assert_int_equal(atomic_load(&lines), 1);
	assert_in_range(clock_ms() - begun_ms, 3 * TIMEOUT_MS, MOCK_WAIT_MS);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_begin, stand_end)

int main(void)
{
	sem_init(&begun, 0, 0);
	sem_init(&released, 0, 0);
	const struct CMUnitTest tests[] = {
		STORY(a_call_that_returns_late_is_logged),
		STORY(another_client_takes_the_place_of_one_that_hangs),
		STORY(clients_that_hang_one_after_the_other_are_given_up),
		STORY(a_pause_of_the_process_is_no_call),
		STORY(transactions_that_fail_one_after_the_other_are_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
