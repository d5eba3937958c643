/* fetch_wake.h: Lets a consumer fetch again as soon as its queue is no longer full, or a partition resumed. Private to log.
 *
 * librdkafka stops fetching while the queue has `queued.min.messages` records, or `queued.max.messages.kbytes`. Since 2.2 it looks
 * again after `fetch.queue.backoff.ms`. In 2.0 and 2.1 a broker's thread sleeps then until it has anything else to do, at most a
 * second: a full queue was read in a tenth of that, and the consumer waited for the rest. A million and a half of records of 62
 * bytes took an engine 13.5 s, and take 1.9 s since the threads are woken; a message takes no more of a processor.
 *
 * No call is meant for that. The one that sets the credentials wakes the threads of all brokers; it is given those that the client
 * has. It is called whenever half of a full queue was taken: so at least once while the queue is less than half full; and when a
 * queue is empty from which librdkafka may have dropped records, since partitions were paused, revoked, or sought.
 *
 * No version wakes the thread of a partition that is resumed: one that had nothing else to fetch went on after a second.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

struct fetch_wake {
	rd_kafka_t *client;
	bool looks_itself;	       /* whether the queue has room again */
	size_t records, bytes;	       /* that were taken since the last waking */
	size_t records_due, bytes_due; /* with these it is due: half of a full queue */
	bool drops;		       /* librdkafka may drop records that are in the queue */
};

/* Value of `fetch.queue.backoff.ms`. NULL: this librdkafka does not know it, and must be woken when a full queue has room. */
const char *fetch_wake_backoff_ms(void);

/* Of a client that was just opened. Nothing has to be closed. */
void fetch_wake_begin(struct fetch_wake *wake, rd_kafka_t *client);

/* To be called when so many records were taken from the client's queue, with so many bytes together. `is_empty`: none is left. */
void fetch_wake_note(struct fetch_wake *wake, size_t records, size_t bytes, bool is_empty);

/* To be called when partitions were paused, resumed, sought, assigned, or revoked. */
void fetch_wake_change(struct fetch_wake *wake);
