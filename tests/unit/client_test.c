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

#include "log/client.h"
#include "tests/unit/session.h"

static void a_broker_that_is_not_there_is_told_in_a_line_without_threads_and_clocks(void **state)
{
	(void)state;
	char file[] = "/tmp/sluice-client-XXXXXX", said[4096] = "";
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
	assert_true(pread(log, said, sizeof said - 1, 0) > 0);
	assert_memory_equal(said, "Kafka: 127.0.0.1:1/bootstrap: Connect to ", strlen("Kafka: 127.0.0.1:1/bootstrap: Connect to "));
	expect_words(said, "Connection refused");
	close(before);
	close(log);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broker_that_is_not_there_is_told_in_a_line_without_threads_and_clocks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
