/* committer.h: the thread that owns a transactional producer and makes the calls that
 * block; the worker's side of it is transaction.c, and nobody else's business.
 *
 * One request at a time goes to the thread and one answer comes back, under a lock that
 * no message passes: a start (the first, by itself), then one end after the other. While
 * it is at one, the worker leaves the producer alone.
 */
#ifndef SLUICE_LOG_COMMITTER_H
#define SLUICE_LOG_COMMITTER_H

#include "log/client.h"
#include "log/output.h"

struct committer;

struct committer *committer_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);
void committer_close(struct committer *committer);
int committer_bell(const struct committer *committer);

/* NEWS_NONE: no answer yet. */
enum transaction_news committer_answer(struct committer *committer, struct error *error);

/* The positions are the committer's until its answer; a reset writes the offsets into
 * them. With `lost`, something that belongs to the transaction is not in it: it is given up. */
void committer_end(struct committer *committer, struct positions positions, bool lost);

/* Between an answer and the next end. */
rd_kafka_t *committer_producer(struct committer *committer, const struct topic_handles **topics);
bool committer_topics(struct committer *committer, const char *const *names, size_t count, struct error *error);

/* At any time. */
bool committer_refused(struct committer *committer, struct refusal *refusal);
const char *committer_reason(const struct committer *committer);

#endif
