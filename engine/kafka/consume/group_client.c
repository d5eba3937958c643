/* group_client.c: see group_client.h. */
#include "kafka/consume/group_client.h"

rd_kafka_t *group_client_open(const char *brokers, struct properties properties, const char *group, enum group_client_reads reads,
			      bool is_quiet, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", brokers},
		{"group.id", group},
		{"isolation.level", reads == READS_ALL ? "read_uncommitted" : "read_committed"},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, properties, error);
	if (!configuration)
		return NULL;
	if (is_quiet)
		rd_kafka_conf_set_log_cb(configuration, NULL);
	return client_open(RD_KAFKA_CONSUMER, configuration, error);
}
