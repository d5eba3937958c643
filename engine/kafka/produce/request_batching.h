/* request_batching.h: Batching of the requests that a gateway produces, while Kafka is busy with earlier ones. Private to log.
 *
 * A record leaves at once while fewer than REQUEST_BATCHING_AHEAD records of the producer wait for Kafka's acknowledgement.
 * Further ones are batched. They leave together, in their order, when fewer than that many wait, and after REQUEST_BATCHING_MS at
 * the latest. So at a low rate no record waits, and at a high one there are few batches. All partitions count together.
 *
 * An idempotent producer of librdkafka (2.0.2) sends nothing to a partition for which five records are on their way. Its
 * thread does not sleep while others wait for that: it polls without a pause. That was half of all that a gateway cost at
 * 10,000 requests a second. A record that is batched does not wait there.
 *
 * librdkafka's thread lets the records leave, when it learns of the acknowledgement. So they are in one batch: it would send
 * records that come from another thread in parts. The other functions belong to the thread of the loop.
 */
#pragma once

#include "kafka/client.h"
#include "net/loop.h"

#define REQUEST_BATCHING_AHEAD ((size_t)4)
#define REQUEST_BATCHING_MS 5 /* a partition without a leader delays the records of others for so long */
#define REQUEST_BATCHING_RECORDS ((size_t)256) /* that are batched; further ones leave at once, after these; so do more bytes */
#define REQUEST_BATCHING_BYTES ((size_t)256 << 10)
#define REQUEST_BATCHING_HEADERS ((size_t)4096)
#define REQUEST_BATCHING_RECORD_BYTES ((size_t)16 << 10) /* larger records leave at once, after those that are batched */

struct request_batching;

/* Attaches itself to the configuration of a producer, whose client will have it. NULL: no memory. `refused` is called by
 * request_batching_report_refused() for each batched record that the producer did not take later. */
struct request_batching *request_batching_open(rd_kafka_conf_t *configuration, struct loop *loop,
					       void (*refused)(void *context, uint64_t number), void *context);

/* Drops what is batched. The client may be closed before or after. NULL is fine. */
void request_batching_close(struct request_batching *batching);

/* As client_produce() with `number` as opaque, but PRODUCED may also mean that the record is batched. */
enum produce_verdict request_batching_produce(struct request_batching *batching, rd_kafka_t *client, rd_kafka_topic_t *topic,
					      const struct outgoing *record, uint64_t number, struct error *error);

/* To be called for each report of the producer, in the thread of the loop. */
void request_batching_note_report(struct request_batching *batching, const rd_kafka_message_t *report);

/* Calls `refused`. To be called when the producer's reports have been read. */
void request_batching_report_refused(struct request_batching *batching);

/* Number of records that are batched now. */
size_t request_batching_count(const struct request_batching *batching);
