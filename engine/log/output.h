/* output.h: where results leave, by whichever delivery: at least once (shipments.h) or
 * exactly once (transaction.h). The worker knows only this.
 *
 * Results are produced into what is open: a transaction, or a batch. Ending it hands it
 * over together with the offsets that its results answer, and what became of it comes
 * later, as news. Exactly once, nothing can be produced while a transaction is being
 * ended; at least once, it can.
 *
 * What stands behind an output is a table of operations, as behind a consumer. All
 * functions are for the worker's thread.
 */
#ifndef SLUICE_LOG_OUTPUT_H
#define SLUICE_LOG_OUTPUT_H

#include "log/batch_limit.h"
#include "log/consumer.h"
#include "log/record.h"

struct transaction_config {
	const char *brokers;
	const char *id; /* transactional id: of this worker alone, the same after a restart */
	const char *const *topics;
	size_t topic_count;
	int timeout_ms; /* after which Kafka ends a transaction by itself; 0: TRANSACTION_TIMEOUT_MS */
	struct batch_limit *batches; /* log/batch_limit.h: shared with other producers; NULL: its own */
	struct properties properties;
};

#define TRANSACTION_TIMEOUT_MS 10000 /* what a crash may hold back from readers, at most */

enum transaction_news {
	NEWS_NONE,
	NEWS_STARTED,	/* the first transaction is open; nothing of a predecessor is */
	NEWS_COMMITTED, /* what output_end() was given is; the next is open */
	NEWS_VOID,	/* at least once: the group has given its partitions to others; what they commit is not known */
	NEWS_RESET,	/* it was in doubt: the positions say what is committed; the next is open */
	NEWS_BROKEN,	/* `error` says why no producer can be had: SYSTEM or CONFIG */
};

/* What a kind of output does for the functions below; its own struct begins with this. */
struct output {
	const struct output_operations *operations;
};

struct output_operations {
	void (*close)(struct output *output);
	int (*bell)(const struct output *output);
	enum transaction_news (*news)(struct output *output, struct positions *committed, struct error *error);
	bool (*is_open)(const struct output *output);
	bool (*may_end)(const struct output *output);
	enum produce_verdict (*produce)(struct output *output, const struct outgoing *record, struct error *error);
	enum produce_verdict (*send)(struct output *output, struct error *error); /* NULL: what is produced is on its way */
	bool (*end)(struct output *output, struct positions positions, struct error *error);
	uint64_t (*resets)(const struct output *output, const char **reason);
	int64_t (*commit_us)(const struct output *output);
	bool (*topics)(struct output *output, const char *const *names, size_t count, struct error *error);
	bool (*refused)(struct output *output, struct refusal *refusal);
};

/* Kafka's: a configuration with a transactional id means exactly once, without one at
 * least once. Borrows the configuration and the consumer as long as it lives.
 * NEWS_STARTED says when it is open. */
struct output *output_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);

/* What is not committed is void, or comes again from the next engine. May wait for a
 * call to Kafka, at most its timeout. NULL is fine. */
static inline void output_close(struct output *output)
{
	if (output)
		output->operations->close(output);
}

static inline int output_bell(const struct output *output)
{
	return output->operations->bell(output);
}

/* To be asked when the bell rang. The positions of a NEWS_RESET are those that were
 * given to output_end(), with the committed offsets; they stay until the next end. */
static inline enum transaction_news output_news(struct output *output, struct positions *committed, struct error *error)
{
	return output->operations->news(output, committed, error);
}

/* Whether output_produce() may be called. */
static inline bool output_is_open(const struct output *output)
{
	return output->operations->is_open(output);
}

/* Whether output_end() may be called: it is open, and nothing is being ended. */
static inline bool output_may_end(const struct output *output)
{
	return output->operations->may_end(output);
}

static inline enum produce_verdict output_produce(struct output *output, const struct outgoing *record, struct error *error)
{
	return output->operations->produce(output, record, error);
}

/* What was produced may be kept for a moment, so that many records leave together: now they
 * do. PRODUCE_FULL: to be called again in a moment; PRODUCE_SPOILT: some cannot leave, and
 * nothing of what is open will be committed. */
static inline enum produce_verdict output_send(struct output *output, struct error *error)
{
	return output->operations->send ? output->operations->send(output, error) : PRODUCED;
}

/* Hands over what is open, all of which was sent, to be committed together with these positions. Those of
 * OFFSET_NONE are not committed, but told by a NEWS_RESET. Copied. */
static inline bool output_end(struct output *output, struct positions positions, struct error *error)
{
	return output->operations->end(output, positions, error);
}

/* How many resets there were, and the reason of the last, for whoever reports. */
static inline uint64_t output_resets(const struct output *output, const char **reason)
{
	return output->operations->resets(output, reason);
}

/* How long the last end took, from output_end() to the news. */
static inline int64_t output_commit_us(const struct output *output)
{
	return output->operations->commit_us(output);
}

/* The topics that records name by number from now on: those before, in their places, and
 * new ones behind. While output_may_end(). Borrowed as long as the output lives. */
static inline bool output_topics(struct output *output, const char *const *names, size_t count, struct error *error)
{
	return output->operations->topics(output, names, count, error);
}

/* To be asked whenever the news are, before they are acted upon, until there is none: what
 * Kafka would not have though it had a batch to itself (log/batch_limit.h). Nothing of its
 * batch or transaction is committed: the news say so.
 * Who takes that record again and produces something else in its place goes on. */
static inline bool output_refused(struct output *output, struct refusal *refusal)
{
	return output->operations->refused(output, refusal);
}

#endif
