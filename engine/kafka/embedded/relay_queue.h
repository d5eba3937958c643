/* relay_queue.h: Queue of one client's pending requests in the relay (relay.h): those whose answers have not left. It
 * is bounded in number and in bytes. While it is full, nothing more is read from the client.
 */
#pragma once

#include "kafka/embedded/relay_protocol.h"

/* Java's clients have 5 requests in flight, librdkafka's a few for each of its queues. */
#define RELAY_PENDING_MAX 1000
/* Bound of the requests and waiting answers that are kept; one more may exceed it. */
#define RELAY_PENDING_BYTES_MAX ((size_t)16 << 20)

struct relay_pending {
	struct relay_pending *next;
	struct relay_request request; /* its texts borrow from `bytes` */
	bool all;		      /* all topics were asked for */
	bool silent;		      /* the client expects no answer */
	bool here;		      /* `bytes` is the whole answer */
	size_t length;
	char bytes[];
};

struct relay_queue {
	struct relay_pending *first, **last;
	size_t count, bytes;
};

void relay_queue_open(struct relay_queue *queue); /* `last` points into it, so it must not move */
void relay_queue_close(struct relay_queue *queue);

/* Appends a request with a copy of the bytes. NULL: memory ran out. */
struct relay_pending *relay_queue_add(struct relay_queue *queue, const char *bytes, size_t length);
void relay_queue_drop(struct relay_queue *queue); /* drops the first request, of which there is one */

bool relay_queue_is_full(const struct relay_queue *queue);
