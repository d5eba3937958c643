/* fenced_writer.h: Fenced writer: the only writer of a topic, by a transactional id.
 *
 * Opening takes the transactional id. From then on Kafka refuses the writer that had it before, and what that one had
 * not committed is aborted. Each write is one transaction: its records and the offset of the topic that led to them.
 * Readers that read committed records see all of them or none.
 *
 * Being replaced is an error of the next call, and no line of the log. Every failure is final: it is not known whether
 * the records were committed, or this writer was replaced. The caller then closes the writer, opens another one, and
 * reads the topic to its end (log/transaction.h has the reasons).
 *
 * Belongs to one thread. Opening, writing and closing wait for Kafka.
 */
#ifndef SLUICE_LOG_FENCED_WRITER_H
#define SLUICE_LOG_FENCED_WRITER_H

#include <stdatomic.h>

#include "log/record.h"

/* Time for each of Kafka's answers, and after which Kafka aborts a transaction whose writer disappeared. */
#define FENCED_WRITER_WAIT_MS 10000
#define FENCED_WRITER_RECORD_BYTES_MAX ((size_t)2 << 20) /* the topic's max.message.bytes must be as large */

struct fenced_writer;

struct fenced_writer_config {
	const char *brokers;
	const char *id;	    /* transactional id; also the group that commits the offset */
	const char *topic;  /* has one partition */
	const char *source; /* has one partition; its offset is committed. NULL: records are all that is committed */
	struct properties properties;
	const atomic_bool *stopping; /* once it is set, opening and committing wait some seconds only; NULL: it never is */
};

/* Everything in the configuration is borrowed as long as the writer lives. NULL: CONFIG, a setting is wrong; SYSTEM,
 * Kafka does not answer or refuses. */
struct fenced_writer *fenced_writer_open(const struct fenced_writer_config *config, struct error *error);
void fenced_writer_close(struct fenced_writer *writer); /* NULL is fine */

/* Adds a record to the transaction, which begins with its first record. A value with NULL bytes is a tombstone. */
bool fenced_writer_add(struct fenced_writer *writer, struct text key, struct text value, struct error *error);

/* Commits the transaction, with the next offset to read of `source`, if there is one. False: SYSTEM. */
bool fenced_writer_commit(struct fenced_writer *writer, int64_t next_offset, struct error *error);

#endif
