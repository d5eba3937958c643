/* What librdkafka says by itself, as a user sees it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "kafka/client.h"
#include "kafka/kafka_log.h"
#include "engine/run/log_writer.h"
#include "tests/unit/session.h"

#define SAID_MOST 4096

/* What stands on standard error when a broker is looked for where none is. */
static void look_for_nobody(char said[SAID_MOST])
{
	char file[] = "/tmp/sluice-client-XXXXXX";
	int log = mkstemp(file), before = dup(STDERR_FILENO);
	struct error error = {0};
	const struct property own[] = {{"bootstrap.servers", "127.0.0.1:1"}};
	rd_kafka_conf_t *configuration = client_configuration((struct properties){1, own}, (struct properties){0}, &error);
	dup2(log, STDERR_FILENO);
	rd_kafka_t *client = client_open(RD_KAFKA_PRODUCER, configuration, &error);
	for (int i = 0; i < 100 && lseek(log, 0, SEEK_END) == 0; i++)
		usleep(100000);
	rd_kafka_destroy(client);
	dup2(before, STDERR_FILENO);
	memset(said, 0, SAID_MOST);
	assert_true(pread(log, said, SAID_MOST - 1, 0) > 0);
	close(before);
	close(log);
	unlink(file);
}

#define REFUSED "Kafka: 127.0.0.1:1/bootstrap: Connect to "

static void a_broker_that_is_not_there_is_told_in_a_line_without_threads_and_clocks(void **state)
{
	(void)state;
	char said[SAID_MOST];
	look_for_nobody(said);
	assert_memory_equal(said, REFUSED, strlen(REFUSED));
	expect_words(said, "Connection refused");
}

static void a_log_of_objects_has_it_as_an_object_until_it_is_taken_away(void **state)
{
	(void)state;
	char text[SAID_MOST];
	struct log_writer lines;
	log_writer_open(&lines, stderr, true, LOG_LEVEL_INFO);
	kafka_log_to(&lines.sink);
	look_for_nobody(text);
	*strchrnul(text, '\n') = 0;
	json_t *line = json_loads(text, 0, NULL);
	const char *message = json_string_value(json_object_get(line, "message"));
	assert_non_null(message);
	assert_memory_equal(message, REFUSED, strlen(REFUSED));
	assert_non_null(json_object_get(line, "time"));
	json_decref(line);
	kafka_log_to(NULL);
	log_writer_close(&lines);
	look_for_nobody(text);
	assert_memory_equal(text, REFUSED, strlen(REFUSED));
}

static char heard_line[SAID_MOST];
static enum log_level heard_level;

static void keep_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)snprintf(heard_line, sizeof heard_line, "%s", line->message);
	heard_level = line->level;
}

static const struct log_sink keep_line_sink = {keep_line};

/* As of librdkafka 2.12, of a broker that is stopped. */
static void a_broker_that_hangs_is_not_taken_for_an_old_one(void **state)
{
	(void)state;
	kafka_log_to(&keep_line_sink);
	client_on_log_line(
		NULL, 4, "FAIL",
		"[thrd:b/1]: b/1: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 (see "
		"api.version.request configuration) (after 10049ms in state APIVERSION_QUERY)");
	assert_string_equal(heard_line, "Kafka: b/1: ApiVersionRequest failed: Local: Timed out: the broker does not answer (after "
					"10049ms in state APIVERSION_QUERY)");
	client_on_log_line(NULL, 4, "FAIL", "b/1: Disconnected");
	assert_string_equal(heard_line, "Kafka: b/1: Disconnected");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	client_on_log_line(NULL, 4, "REQTMOUT",
			   "b/1: Timed out 1 in-flight, 0 retry-queued, 0 out-queue, 0 partially-sent requests");
	assert_string_equal(heard_line,
			    "Kafka: b/1: Timed out 1 in-flight, 0 retry-queued, 0 out-queue, 0 partially-sent requests");
	assert_int_equal(heard_level, LOG_LEVEL_DEBUG);
	kafka_log_to(NULL);
}

/* The engine goes on by another producer; one that was replaced says so with an error of its own. */
static void a_transaction_that_failed_is_a_warning(void **state)
{
	(void)state;
	kafka_log_to(&keep_line_sink);
	client_on_log_line(NULL, 3, "TXNERR", "Fatal transaction error: ProducerId 1 was fenced by a newer instance (_FENCED)");
	assert_string_equal(heard_line, "Kafka: Fatal transaction error: ProducerId 1 was fenced by a newer instance (_FENCED)");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	client_on_log_line(NULL, 3, "ADDOFFSETS",
			   "TxnCoordinator/1: Failed to add offsets: Local: This instance has been fenced by a newer instance");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	client_on_log_line(NULL, 3, "TXNERR", "Current transaction failed in state InTransaction: 2 message(s) timed out");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	client_on_log_line(NULL, 3, "ADDOFFSETS", "TxnCoordinator/1: Failed to add offsets: Broker: Group authorization failed");
	assert_int_equal(heard_level, LOG_LEVEL_ERROR);
	client_on_log_line(NULL, 7, "TXNERR", "Current transaction failed: it was fenced (_FENCED)");
	assert_int_equal(heard_level, LOG_LEVEL_DEBUG);
	kafka_log_to(NULL);
}

/* Other clients tell it too: at level debug, and by their number. */
static void a_fact_that_was_told_is_counted(void **state)
{
	(void)state;
	kafka_log_to(&keep_line_sink);
	client_on_log_line(NULL, 4, "FAIL", "b:1/1: Disconnected (after 10ms in state UP)");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	client_on_log_line(NULL, 4, "FAIL", "GroupCoordinator: b:1: Disconnected (after 12ms in state UP)");
	assert_string_equal(heard_line, "Kafka: GroupCoordinator: b:1: Disconnected (after 12ms in state UP)");
	assert_int_equal(heard_level, LOG_LEVEL_DEBUG);
	kafka_log_recover();
	assert_string_equal(heard_line, "Kafka: 1 more lines of its clients reported the same; --log-level debug logs them");
	assert_int_equal(heard_level, LOG_LEVEL_INFO);
	client_on_log_line(NULL, 4, "FAIL", "b:1/1: Disconnected (after 10ms in state UP)");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	heard_line[0] = 0;
	kafka_log_recover();
	assert_string_equal(heard_line, "");
	kafka_log_to(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broker_that_hangs_is_not_taken_for_an_old_one),
		cmocka_unit_test(a_transaction_that_failed_is_a_warning),
		cmocka_unit_test(a_fact_that_was_told_is_counted),
		cmocka_unit_test(a_broker_that_is_not_there_is_told_in_a_line_without_threads_and_clocks),
		cmocka_unit_test(a_log_of_objects_has_it_as_an_object_until_it_is_taken_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
