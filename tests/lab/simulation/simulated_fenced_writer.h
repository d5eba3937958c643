/* simulated_fenced_writer.h: Fenced writer of the simulated Kafka (kafka/produce/fenced_writer.h): the only writer of a topic, by a
 * transactional id. Nothing waits: each call is a request, and the state says what has come of it.
 *
 * As on Kafka, every failure is final. So is a connection that closed during a transaction, because a late copy of a request
 * could end a later one.
 */
#pragma once

#include "tools/test/simulated/simulated_kafka.h"

struct simulated_fenced_writer;

enum simulated_writer_state {
	SIMULATED_WRITER_WAITS, /* for Kafka: the id is being taken, or a transaction ends */
	SIMULATED_WRITER_READY,
	SIMULATED_WRITER_FAILED
};

/* Begins to take the id. `id` and `topic` are borrowed as long as the simulated Kafka lives. `wakes` is counted up when the
 * state changes. NULL: memory. */
struct simulated_fenced_writer *simulated_fenced_writer_open(struct simulated_host *host, const char *id, const char *topic,
							     uint64_t *wakes);
void simulated_fenced_writer_close(struct simulated_fenced_writer *writer); /* NULL is fine */

enum simulated_writer_state simulated_fenced_writer_state(const struct simulated_fenced_writer *writer);

/* Adds a record to the transaction, and ends the transaction. To be called while it is ready. A value with NULL bytes is a
 * tombstone. */
void simulated_fenced_writer_add(struct simulated_fenced_writer *writer, struct text key, struct text value);
void simulated_fenced_writer_commit(struct simulated_fenced_writer *writer);
