/* fenced_writer.h: Fenced writer: the only writer of some topics, by a transactional id.
 *
 * Opening takes the transactional id. From then on Kafka refuses the writer that had it before, and what that one had
 * not committed is aborted. Each write is one transaction: its records and the positions in the topics that led to them.
 * Readers that read committed records see all of them or none.
 *
 * Writers with different ids are fenced by the generation of their group: Kafka refuses positions that are committed with a former
 * membership, also of partitions that were never assigned, and so the whole transaction.
 *
 * Being replaced is an error of the next call, and no line of the log. Every failure is final: it is not known whether
 * the records were committed, or this writer was replaced. The caller then closes the writer, opens another one, and
 * reads the topic to its end (kafka/produce/transaction.h has the reasons).
 *
 * Belongs to one thread. Opening, writing and closing wait for Kafka.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/consume/lead_group.h"

/* Time for each of Kafka's answers, and after which Kafka aborts a transaction whose writer disappeared. */
#define FENCED_WRITER_WAIT_MS 10000
#define FENCED_WRITER_RECORD_BYTES_MAX ((size_t)2 << 20) /* the topic's max.message.bytes must be as large */

struct fenced_writer;

struct fenced_writer_config {
	const char *brokers;
	const char *id; /* transactional id; also the group of positions that are committed without a membership */
	size_t topic_count;
	const char *const *topics;
	struct properties properties;
	const atomic_bool *stopping; /* once it is set, opening and committing wait some seconds only; NULL: it never is */
};

/* Everything in the configuration is borrowed as long as the writer lives. NULL: CONFIG, a setting is wrong; SYSTEM,
 * Kafka does not answer or refuses. */
struct fenced_writer *fenced_writer_open(const struct fenced_writer_config *config, struct error *error);
void fenced_writer_close(struct fenced_writer *writer); /* NULL is fine */

/* Adds a record for the topic of that number to the transaction, which begins with its first record. A value with NULL bytes is a
 * tombstone. False: SYSTEM; LIMIT: it is too large. */
bool fenced_writer_add(struct fenced_writer *writer, size_t topic, struct text key, struct text value, struct error *error);

/* The same with the time of the record, in place of the clock's. */
bool fenced_writer_add_at(struct fenced_writer *writer, size_t topic, int64_t time_ms, struct text key, struct text value,
			  struct error *error);

/* Whether it has begun, and is not committed. */
bool fenced_writer_is_open(const struct fenced_writer *writer);

/* Commits the transaction, with the positions of the group: as of its last look, which must have assigned topics. `group` NULL: of
 * the group that has the name of the transactional id, and no members. False: SYSTEM; LIMIT: a record is too large. */
bool fenced_writer_commit(struct fenced_writer *writer, const struct fenced_position *positions, size_t count,
			  const struct lead_group *group, struct error *error);
