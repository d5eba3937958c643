/* broker_refusals.h: Records that Kafka refuses for a reason that is not theirs, as a broker that failed (UNKNOWN_SERVER_ERROR).
 * They are produced again after a pause, until Kafka takes them. Private to log.
 *
 * Each refusal in a row doubles the pause, up to a second. Whoever produces the records again takes them and all that came after
 * them, which costs calls of models. Refusals, and their end, are logged.
 *
 * Belongs to one thread at a time.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#define BROKER_REFUSALS_PAUSE_MS 100 /* after the first one; then twice as long, up to: */
#define BROKER_REFUSALS_PAUSE_MAX_MS 1000
#define BROKER_REFUSALS_CALM_MS 5000 /* without one, until Kafka is taken to accept the records: a commit may be of others */

/* Starts as {0}. */
struct broker_refusals {
	int64_t pause_ms; /* after the last one; 0: there is none */
	int64_t last_ms;
	bool is_noted; /* of the present producer */
};

/* Notes a refusal by its delivery report, once for each producer. Partition RD_KAFKA_PARTITION_UA: librdkafka took no record for
 * the topic, since a broker describes it by that error. */
void broker_refusals_note(struct broker_refusals *refusals, const rd_kafka_message_t *report, int64_t now_ms);

/* The time before another producer is opened in place of the present one, which was refused records; 0: it was not. */
int64_t broker_refusals_pause_ms(const struct broker_refusals *refusals);

/* When that time is over; 0: there is none. */
int64_t broker_refusals_due_ms(const struct broker_refusals *refusals);

/* Another producer is opened. */
void broker_refusals_renew(struct broker_refusals *refusals);

/* Something was committed. */
void broker_refusals_committed(struct broker_refusals *refusals, int64_t now_ms);
