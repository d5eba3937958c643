/* embedded_broker.c: see embedded_broker.h. */
#include "kafka/embedded/embedded_broker.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <time.h>

#include "base/memory.h"
#include "kafka/client.h"

#define BROKERS 1
#define REPLICAS 1
#define PAUSE_NS 1000000

/* Missing metadata and lost connections are retried at once. The mock does not end a fetch when a record arrives, and looks at each
 * partition at each fetch: what it waits is the time of a message, and what an idle process costs. */
static const struct property consumer_settings[] = {
	{"topic.metadata.refresh.fast.interval.ms", "20"},
	{"reconnect.backoff.ms", "10"},
	{"fetch.wait.max.ms", "40"},
};
static const struct property producer_settings[] = {
	{"topic.metadata.refresh.fast.interval.ms", "20"},
	{"reconnect.backoff.ms", "10"},
};
const struct properties embedded_consumer_settings = {sizeof consumer_settings / sizeof *consumer_settings, consumer_settings};
const struct properties embedded_producer_settings = {sizeof producer_settings / sizeof *producer_settings, producer_settings};

struct embedded_broker {
	rd_kafka_t *holder; /* the mock runs in its threads */
	rd_kafka_mock_cluster_t *mock;
};

struct embedded_broker *embedded_broker_open(struct error *error)
{
	struct embedded_broker *cluster = memory_take(1, sizeof *cluster);
	if (!cluster) {
		error_memory(error, ERROR_SYSTEM, "opening the embedded broker");
		return NULL;
	}
	/* It has no broker to connect to, and would log that. */
	static const struct property quiet[] = {{"log_level", "0"}};
	rd_kafka_conf_t *configuration = client_configuration((struct properties){1, quiet}, (struct properties){0}, error);
	cluster->holder = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	cluster->mock = cluster->holder ? rd_kafka_mock_cluster_new(cluster->holder, BROKERS) : NULL;
	if (cluster->mock)
		return cluster;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "the embedded broker cannot listen; are there ports left on the loopback?");
	embedded_broker_close(cluster);
	return NULL;
}

void embedded_broker_close(struct embedded_broker *cluster)
{
	if (!cluster)
		return;
	if (cluster->mock)
		rd_kafka_mock_cluster_destroy(cluster->mock);
	if (cluster->holder)
		rd_kafka_destroy(cluster->holder);
	memory_give(cluster);
}

const char *embedded_broker_brokers(const struct embedded_broker *cluster)
{
	return rd_kafka_mock_cluster_bootstraps(cluster->mock);
}

static rd_kafka_resp_err_t topic_create(struct embedded_broker *cluster, const char *name, int partitions)
{
	/* The mock's thread misses a call directly after another one, and then notices it only after a second. */
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	nanosleep(&pause, NULL);
	return rd_kafka_mock_topic_create(cluster->mock, name, partitions, REPLICAS);
}

int16_t embedded_broker_make(struct embedded_broker *cluster, const char *name, int partitions)
{
	return (int16_t)topic_create(cluster, name, partitions);
}

bool embedded_broker_topic(struct embedded_broker *cluster, const char *name, int partitions, struct error *error)
{
	assert(name && partitions > 0);
	rd_kafka_resp_err_t code = topic_create(cluster, name, partitions);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "the embedded broker cannot make the topic %s: %s", name,
			 rd_kafka_err2str(code));
}
