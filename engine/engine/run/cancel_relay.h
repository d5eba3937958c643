/* cancel_relay.h: Relay of a namespace's cancellations in an engine: reads the records that gateways write, and puts them on a
 * board. By that board workers know cancelled requests (observe/cancel_board.h).
 *
 * It begins with the cancellations of the last CANCEL_KEPT_MS, so an engine that starts skips what was cancelled while none ran.
 * Nothing waits for it: a request that a worker enters before its cancellation is read is processed. One is on the board about
 * 50 ms after Kafka has it.
 *
 * It reads in a loop (kafka/consume/loop_reader.h), and tries again every CANCEL_RETRY_MS while there is no such topic: a gateway
  * creates it when it starts. Without one it looks for the topic for a moment only: a client that waits for a topic asks ten times
   * a second.
 */
#pragma once

#include "kafka/record.h"
#include "net/loop.h"
#include "observe/cancel_board.h"
#include "observe/log_sink.h"

#define CANCEL_RETRY_MS 10000

struct cancel_relay;

struct cancel_relay_config {
	const char *brokers;
	const char *topic;
	struct properties consumer;
	const struct log_sink *log;
	struct cancel_board *board;
};

/* Starts to read in the loop. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct cancel_relay *cancel_relay_open(const struct cancel_relay_config *config, struct loop *loop, struct error *error);
void cancel_relay_close(struct cancel_relay *relay); /* NULL is fine; waits some seconds if no broker answers */
