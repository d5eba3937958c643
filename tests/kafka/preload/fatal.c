/* fatal.c: a producer that stops for good, as when Kafka has lost track of it: while the
 * file that SLUICE_TEST_FATAL names is there, the next batch that an idempotent producer
 * is given makes librdkafka call it fatal, and the file is taken away.
 *
 * Preloaded into an engine by faults.sh.
 */
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rd_kafka_t *last; /* of the idempotent producers that were opened */

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *configuration, char *words, size_t size)
{
	rd_kafka_t *(*real)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t) = dlsym(RTLD_NEXT, "rd_kafka_new");
	char value[8] = "";
	size_t length = sizeof value;
	rd_kafka_conf_get(configuration, "enable.idempotence", value, &length);
	rd_kafka_t *client = real(type, configuration, words, size);
	if (client && type == RD_KAFKA_PRODUCER && strcmp(value, "true") == 0)
		last = client;
	return client;
}

int rd_kafka_produce_batch(rd_kafka_topic_t *topic, int32_t partition, int flags, rd_kafka_message_t *messages, int count)
{
	int (*real)(rd_kafka_topic_t *, int32_t, int, rd_kafka_message_t *, int) = dlsym(RTLD_NEXT, "rd_kafka_produce_batch");
	const char *file = getenv("SLUICE_TEST_FATAL");
	if (last && file && unlink(file) == 0)
		rd_kafka_test_fatal_error(last, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "a test says so");
	return real(topic, partition, flags, messages, count);
}
