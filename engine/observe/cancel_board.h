/* cancel_board.h: Board of cancelled requests that is known in a process: CANCELLATIONS_MAX of them at most, and mostly the newest.
 *
 * A gateway cancels a request by a record of the namespace's topic of cancellations. Its key is the token of the request: the value
 * of its header `sluice-submitted`, or of `sluice-reply` if its caller has disconnected (message/records/reply.h). Its value is the
 * pipeline: others that read the same requests answer them. Engines read the topic (engine/run/cancel_relay.h) and put what it has
  * on this board; a worker looks there for a request that it is about to enter, and for those in flight when something
 * was added (engine/worker/cancellation.h).
 *
 * A topic beside the requests is the simplest design that reaches a request before its turn. A record in the topic of the requests
 * would be read after the request that it cancels, and a tombstone there cannot replace a record that was written. Each token is
 * random, or has a random epoch, so a cancellation may be on the board long before its request comes.
 *
 * One thread adds; any thread looks, without a lock. The board has a hash of 64 bits of each cancellation, in sets of CANCEL_WAYS;
 * a new one replaces the oldest of its set. A request is processed if so many came between.
 */
#pragma once

#include "message/message.h"

#define CANCELLATIONS_MAX ((size_t)65536)
#define CANCEL_WAYS ((size_t)8)
#define CANCEL_KEPT_MS ((int64_t)24 * 3600 * 1000) /* in the topic: engines that start know no older ones */
#define CANCEL_TOKEN_BYTES_MAX ((size_t)320) /* of a reply address, the longer one */

struct cancel_board;

struct cancel_board *cancel_board_open(void); /* NULL: memory ran out */
void cancel_board_close(struct cancel_board *board); /* NULL is fine */

/* Adds a cancellation. Only one thread at a time. */
void cancel_board_add(struct cancel_board *board, struct text token, struct text pipeline);

/* How many were added, those of other workers' requests too; 0: the board is NULL. A request of one that is counted is found. */
uint64_t cancel_board_added(const struct cancel_board *board);

/* Whether a request of that pipeline with those headers is cancelled. While the board is empty, or NULL, no header is looked at. */
bool cancel_board_has(const struct cancel_board *board, struct headers headers, struct text pipeline);
