/* The notice of a command that follows Kafka: once when no broker answers, and once when one is back. */
#include "tools/client/kafka_silence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/kafka_log.h"

static char said[1024];

static void said_keep(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	const size_t length = strlen(said);
	(void)snprintf(said + length, sizeof said - length, "%s\n", line->message);
}

static const struct log_sink said_sink = {said_keep};

static int listen(void **state)
{
	(void)state;
	said[0] = '\0';
	kafka_log_to(&said_sink);
	return 0;
}

static int listen_no_more(void **state)
{
	(void)state;
	kafka_log_to(NULL);
	return 0;
}

static void expect_said(const char *lines)
{
	assert_string_equal(said, lines);
	said[0] = '\0';
}

static void silence_is_said_once_after_three_seconds(void **state)
{
	(void)state;
	struct kafka_silence silence = {0};
	kafka_silence_look(&silence, "kafka:9092", 0);
	kafka_silence_look(&silence, "kafka:9092", 2999);
	expect_said("");
	kafka_silence_look(&silence, "kafka:9092", 3000);
	expect_said("Kafka: no broker has answered at kafka:9092 for 3 s. "
		    "What was shown before may have changed; this command goes on asking\n");
	kafka_silence_look(&silence, "kafka:9092", 3500);
	kafka_silence_look(&silence, "kafka:9092", 60000);
	expect_said("");
}

static void the_end_of_a_silence_is_said_with_its_length(void **state)
{
	(void)state;
	struct kafka_silence silence = {0};
	kafka_silence_look(&silence, "kafka:9092", 3100);
	kafka_silence_look(&silence, "kafka:9092", 55900);
	said[0] = '\0';
	kafka_silence_look(&silence, "kafka:9092", 100);
	expect_said("Kafka: a broker answers again at kafka:9092, after 55 s\n");
	kafka_silence_look(&silence, "kafka:9092", 1100);
	expect_said("");
	kafka_silence_look(&silence, "kafka:9092", 3000); /* and the next one too */
	assert_non_null(strstr(said, "no broker has answered"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silence_is_said_once_after_three_seconds, listen, listen_no_more),
		cmocka_unit_test_setup_teardown(the_end_of_a_silence_is_said_with_its_length, listen, listen_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
