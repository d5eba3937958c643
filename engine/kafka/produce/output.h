/* output.h: Output of results to Kafka, at least once (at_least_once.h) or exactly once (transaction.h). The worker uses
 * only this interface.
 *
 * Results are produced into the open transaction or batch. Ending it passes it on for commit, together with the
 * offsets that its results answer. The result of the commit comes later, as news. Exactly once, nothing can be
 * produced while a transaction is being ended; at least once, it can.
 *
 * An output is a table of operations, as a consumer is. All functions are for the worker's thread.
 */
#pragma once

#include "kafka/topics/batch_limit.h"
#include "kafka/consume/consumer.h"
#include "kafka/record.h"

struct transaction_config {
	const char *brokers;
	const char *id; /* transactional id: of this worker alone, and the same after a restart */
	const char *const *topics;
	size_t topic_count;
	int timeout_ms; /* after which Kafka ends a transaction by itself; 0: TRANSACTION_TIMEOUT_MS */
	struct batch_limit *batches; /* kafka/topics/batch_limit.h: shared with other producers; NULL: its own */
	struct properties properties;
	struct client_counts *statistics; /* of the producer, set at intervals (kafka/client_statistics.h); NULL: not wanted */
	bool observes;			  /* of observers: a changelog that is gone is waited for, as other topics are */
};

#define TRANSACTION_TIMEOUT_MS 10000 /* upper bound of the time for which a crash may hold back records from readers */

enum transaction_news {
	NEWS_NONE,
	NEWS_STARTED,	/* the first transaction is open, and none of a predecessor is */
	NEWS_COMMITTED, /* the positions of output_end() are committed; the next transaction or batch is open */
	NEWS_VOID,	/* at least once: the group has assigned its partitions to other members; their commits are not known */
	NEWS_RESET,	/* the transaction was in doubt: the positions have the committed offsets; the next one is open */
	NEWS_BROKEN,	/* no producer can be opened; `error` has the reason: SYSTEM or CONFIG */
};

/* Operations of one kind of output, called by the functions below. Its own struct begins with this one. */
struct output {
	const struct output_operations *operations;
	bool has_records; /* output_has_records() */
};

struct output_operations {
	void (*close)(struct output *output);
	int (*bell)(const struct output *output);
	enum transaction_news (*news)(struct output *output, struct positions *committed, struct error *error);
	bool (*is_open)(const struct output *output);
	bool (*may_end)(const struct output *output);
	enum produce_verdict (*produce)(struct output *output, const struct outgoing *record, struct error *error);
	enum produce_verdict (*send)(struct output *output, struct error *error); /* NULL: produced records leave by themselves */
	bool (*end)(struct output *output, struct positions positions, struct error *error);
	uint64_t (*resets)(const struct output *output, const char **reason);
	int64_t (*commit_us)(const struct output *output);
	bool (*check)(struct output *output, int64_t now_ms, struct error *error); /* NULL: nothing can take too long */
	bool (*topics)(struct output *output, const char *const *names, size_t count, struct error *error);
	bool (*refused)(struct output *output, struct refusal *refusal);
	bool (*may_write)(struct output *output, uint32_t topic); /* NULL: no topic is denied */
	void (*forget_denials)(struct output *output);		  /* likewise */
};

/* Output to Kafka: exactly once if the configuration has a transactional id, else at least once. Borrows the
 * configuration and the consumer as long as it lives. It is open when NEWS_STARTED comes. */
struct output *output_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);

/* Closes the output. What is not committed is void, or produced again by the next engine. May wait some seconds
 * for a call to Kafka. NULL is fine. */
static inline void output_close(struct output *output)
{
	if (output)
		output->operations->close(output);
}

static inline int output_bell(const struct output *output)
{
	return output->operations->bell(output);
}

/* The next news, to be called after a ring of the bell. The positions of a NEWS_RESET are those of output_end(),
 * with the committed offsets; they stay valid until the next end. */
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
	const enum produce_verdict verdict = output->operations->produce(output, record, error);
	output->has_records |= verdict == PRODUCED;
	return verdict;
}

/* Whether a record was produced since the last output_end(). */
static inline bool output_has_records(const struct output *output)
{
	return output->has_records;
}

/* Sends the produced records, which may have been kept for a moment so that many leave together. PRODUCE_FULL: to
 * be called again in a moment. PRODUCE_SPOILT: some cannot leave, and nothing of the open transaction or batch
 * will be committed. */
static inline enum produce_verdict output_send(struct output *output, struct error *error)
{
	return output->operations->send ? output->operations->send(output, error) : PRODUCED;
}

/* Ends the open transaction or batch, if output_may_end(), all of which was sent, and commits it together with these
 * positions. Positions of OFFSET_NONE are not committed, but a NEWS_RESET reports them. Copied. */
static inline bool output_end(struct output *output, struct positions positions, struct error *error)
{
	output->has_records = false;
	return output->operations->end(output, positions, error);
}

/* Number of resets, and the reason of the last one, for reports. */
static inline uint64_t output_resets(const struct output *output, const char **reason)
{
	return output->operations->resets(output, reason);
}

/* Duration of the last end, from output_end() to the news. */
static inline int64_t output_commit_us(const struct output *output)
{
	return output->operations->commit_us(output);
}

/* Whether the end in progress goes on; to be called at least once a second, with clock_ms(). What takes far too long is logged;
 * false: a call of Kafka's client hangs, and `error` has the call and what to do. */
static inline bool output_check(struct output *output, int64_t now_ms, struct error *error)
{
	return !output->operations->check || output->operations->check(output, now_ms, error);
}

/* Sets the topics that records name by number from now on: the former ones, at their indexes, then new ones. Only
 * while output_may_end(). Borrowed as long as the output lives. */
static inline bool output_topics(struct output *output, const char *const *names, size_t count, struct error *error)
{
	return output->operations->topics(output, names, count, error);
}

/* The next record that Kafka refused although it was alone in its batch (kafka/topics/batch_limit.h); false: there is none.
 * To be called until then together with output_news(), before the news are processed. Nothing of the record's
 * batch or transaction is committed, as the news report. A caller that takes that record again and produces
 * something else in its place continues. If its topic is denied, a NEWS_RESET comes, too, and the caller produces
 * nothing to it until output_may_write(). */
static inline bool output_refused(struct output *output, struct refusal *refusal)
{
	return output->operations->refused(output, refusal);
}

/* Whether a topic that was denied may be written again. False: not as far as is known yet, and Kafka is asked; to be called
 * now and then. It may wait a moment for Kafka when the right is back. */
static inline bool output_may_write(struct output *output, uint32_t topic)
{
	return output->operations->may_write(output, topic);
}

/* No topic is waited for any more: forgets what Kafka was asked about. */
static inline void output_forget_denials(struct output *output)
{
	output->operations->forget_denials(output);
}
