/* topic_facts_test.c: Tests of what is read about topics: on librdkafka's mock, which shows partitions and no settings. */
#include "kafka/topics/topic_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/embedded/embedded_broker.h" /* its settings */
#include "kafka/kafka_log.h"
#include "kafka/topics/topic_settings.h"
#include "net/listen.h"
#include "tests/unit/mock_broker.h"

static void facts_are_those_of_kafka_and_the_rest_is_unknown(void **state)
{
	struct topic_facts facts[] = {
		{.name = "out", .is_own = true, .partitions = 7}, {.name = "gone", .is_own = true}, {.name = "three"}};
	const atomic_bool stopping = false;
	struct error error = {0};
	struct mock mock;
	(void)state;
	mock_open(&mock);
	assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, "three", 3, 1), 0);
	assert_true(topic_facts_read(mock.brokers, embedded_producer_settings, facts, 3, &stopping, &error));
	assert_int_equal(facts[0].partitions, 1);
	assert_int_equal(facts[1].partitions, 0);
	assert_int_equal(facts[2].partitions, 3);
	assert_string_equal(facts[0].policy, ""); /* the mock does not describe settings */
	assert_false(facts[0].has_retention);
	mock_close(&mock);
}

/* A Kafka that accepts connections and never answers. */
static int silent_open(char *brokers, size_t size)
{
	struct error error = {0};
	int port = 0, listener = listen_open(NULL, &port, &error);
	assert_true(listener >= 0);
	snprintf(brokers, size, "127.0.0.1:%d", port);
	return listener;
}

static void a_stop_ends_the_wait_for_a_silent_kafka(void **state)
{
	char brokers[40];
	struct topic_facts facts[] = {{.name = "in", .is_own = true}};
	const atomic_bool stopping = true;
	struct error error = {0};
	(void)state;
	int listener = silent_open(brokers, sizeof brokers);
	const int64_t begun_ms = clock_ms();
	assert_false(topic_facts_read(brokers, embedded_producer_settings, facts, 1, &stopping, &error));
	assert_true(clock_ms() - begun_ms < TOPIC_SETTINGS_STOP_MS);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	close(listener);
}

static char said[2048];

static void said_keep(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	const size_t length = strlen(said);
	(void)snprintf(said + length, sizeof said - length, "%s\n", line->message);
}

/* As every command that waits for Kafka: one line after 3 s, in place of librdkafka's own. */
static void a_list_of_topics_says_after_three_seconds_that_no_broker_answers(void **state)
{
	static const struct log_sink sink = {said_keep};
	char brokers[40];
	struct topic_names list;
	struct error error = {0};
	struct arena *arena = arena_open(1 << 16);
	(void)state;
	close(silent_open(brokers, sizeof brokers)); /* from now on it refuses connections */
	kafka_log_to(&sink);
	const bool good = topic_names_read(brokers, (struct properties){0}, "", arena, &list, &error);
	kafka_log_to(NULL);
	assert_false(good);
	assert_non_null(strstr(error.text, "Kafka did not list its topics: "));
	char *notice = strstr(said, "Kafka: no broker has answered at 127.0.0.1:");
	assert_ptr_equal(notice, said);
	assert_non_null(strstr(said, " for 3 s: "));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_those_of_kafka_and_the_rest_is_unknown),
		cmocka_unit_test(a_stop_ends_the_wait_for_a_silent_kafka),
		cmocka_unit_test(a_list_of_topics_says_after_three_seconds_that_no_broker_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
