/* client.h: what consumers and producers of librdkafka have in common. For the log's
 * own files; nothing outside engine/log sees librdkafka.
 */
#ifndef SLUICE_LOG_CLIENT_H
#define SLUICE_LOG_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "log/record.h"

#define LIBRARY_TEXT_MAX 256 /* of what librdkafka says about a setting */

/* A configuration with `own` settings and then the user's. NULL: a CONFIG error that
 * names the setting, or SYSTEM. The caller hands it to client_open(). */
rd_kafka_conf_t *client_configuration(struct properties own, struct properties users, struct error *error);

/* Takes the configuration, also when it fails. */
rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration, struct error *error);

/* An error of a client, as its callback hears it. False, with a SYSTEM error: Kafka does
 * not let it in, and will not; true for all else. */
bool client_is_let_in(int code, const char *words, struct error *error);

/* The end of a record that was taken and did not arrive. False, with a SYSTEM error: nor will
 * any other for its topic; true for what a new producer, or the next try, may get over. */
bool client_has_topic(const rd_kafka_message_t *record, struct error *error);

/* Copies the record into the producer's queue; `opaque` comes back with its report. */
enum produce_verdict client_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque,
				    struct error *error);

/* What the committer needs of a consumer: its client, and who it was in the group when
 * it was given its partitions. Borrowed; the membership changes only when a change of
 * the assignment is accepted. */
struct consumer;
rd_kafka_t *consumer_client(const struct consumer *consumer);
const rd_kafka_consumer_group_metadata_t *consumer_membership(const struct consumer *consumer);

/* Its topics by their names, as librdkafka wants lists of partitions. */
rd_kafka_topic_partition_list_t *consumer_list(const struct consumer *consumer, struct positions positions);

#endif
