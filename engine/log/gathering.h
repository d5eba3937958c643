/* gathering.h: Batching of a producer's records while Kafka is busy with earlier ones. Private to log.
 *
 * A record leaves at once while fewer than GATHERING_AHEAD records of the producer wait for Kafka's acknowledgement. Further
 * ones are gathered. They leave together, in their order, when fewer than that many wait, and after GATHERING_MS at the latest.
 * So at a low rate no record waits, and at a high one there are few batches. All partitions count together.
 *
 * An idempotent producer of librdkafka (2.0.2) sends nothing to a partition for which five records are on their way. Its
 * thread does not sleep while others wait for that: it polls without a pause. That was half of all that a gateway cost at
 * 10,000 requests a second. A record that is gathered does not wait there.
 *
 * librdkafka's thread lets the records leave, when it learns of the acknowledgement. So they are in one batch: it would send
 * records that come from another thread in parts. The other functions belong to the thread of the loop.
 */
#ifndef SLUICE_LOG_GATHERING_H
#define SLUICE_LOG_GATHERING_H

#include "log/client.h"
#include "net/loop.h"

#define GATHERING_AHEAD ((size_t)4)
#define GATHERING_MS 5		      /* a partition without a leader delays the records of others for so long */
#define GATHERING_RECORDS ((size_t)256) /* that are gathered; further ones leave at once, after these, as do more bytes */
#define GATHERING_BYTES ((size_t)256 << 10)
#define GATHERING_HEADERS ((size_t)4096)
#define GATHERING_RECORD_BYTES ((size_t)16 << 10) /* larger records leave at once, after those that are gathered */

struct gathering;

/* Attaches itself to the configuration of a producer, whose client will have it. NULL: no memory. `refused` is called by
 * gathering_tell() for each gathered record that the producer did not take later. */
struct gathering *gathering_open(rd_kafka_conf_t *configuration, struct loop *loop,
				 void (*refused)(void *context, uint64_t number), void *context);

/* Drops what is gathered. The client may be closed before or after. NULL is fine. */
void gathering_close(struct gathering *gathering);

/* As client_produce() with `number` as opaque, but PRODUCED may also mean that the record is gathered. */
enum produce_verdict gathering_produce(struct gathering *gathering, rd_kafka_t *client, rd_kafka_topic_t *topic,
				       const struct outgoing *record, uint64_t number, struct error *error);

/* To be called for each report of the producer, in the thread of the loop. */
void gathering_report(struct gathering *gathering, const rd_kafka_message_t *report);

/* Calls `refused`. To be called when the producer's reports have been read. */
void gathering_tell(struct gathering *gathering);

/* Number of records that are gathered now. */
size_t gathering_count(const struct gathering *gathering);

#endif
