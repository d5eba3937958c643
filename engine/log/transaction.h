/* transaction.h: producing exactly once: one transaction after the other, and the
 * committer that ends them.
 *
 * librdkafka's transactional calls block, and must not be resumed with short timeouts.
 * So the committer, a thread of its own, makes them with long ones: it starts the
 * producer, ends a transaction (offsets, commit) and begins the next, and rings the bell
 * when it has news. Meanwhile the worker goes on taking and computing; it only must not
 * produce, and keeps what is finished.
 *
 * Doubt. librdkafka sends the requests that end a transaction again by itself when a
 * connection was lost, and then reports success; the first copy may still be on its way
 * and end a later transaction, or move offsets back. So a transaction is in doubt as
 * soon as any connection of its producer closed between its begin and the end of its
 * commit, or any call failed. Then the committer destroys the producer, starts another
 * under the same id (which makes Kafka refuse what is late), reads the offsets that the
 * group has committed, and says NEWS_RESET: they alone tell what was committed.
 *
 * Being refused as "fenced" is handled alike: Kafka says it also to a producer that
 * merely slept longer than its transaction may last. Whoever was really replaced learns
 * it from the group (consumer_take() fails).
 *
 * All functions are for the worker's thread.
 */
#ifndef SLUICE_LOG_TRANSACTION_H
#define SLUICE_LOG_TRANSACTION_H

#include "log/consumer.h"
#include "log/record.h"

struct transaction;

struct transaction_config {
	const char *brokers;
	const char *id; /* transactional id: of this worker alone, the same after a restart */
	const char *const *topics;
	size_t topic_count;
	int timeout_ms; /* after which Kafka ends a transaction by itself; 0: TRANSACTION_TIMEOUT_MS */
	struct properties properties;
};

#define TRANSACTION_TIMEOUT_MS 10000 /* what a crash may hold back from readers, at most */

/* Borrows the configuration and the consumer as long as it lives. The first
 * transaction is being begun: NEWS_STARTED says when it is open. */
struct transaction *transaction_open(const struct transaction_config *config, const struct consumer *consumer,
				     struct error *error);

/* What is not committed is void. Waits for a call that the committer is in, at most
 * its timeout. NULL is fine. */
void transaction_close(struct transaction *transaction);

int transaction_bell(const struct transaction *transaction);

enum transaction_news {
	NEWS_NONE,
	NEWS_STARTED,   /* the first transaction is open; nothing of a predecessor is */
	NEWS_COMMITTED, /* what transaction_end() was given is; the next is open */
	NEWS_RESET,     /* it was in doubt: the positions say what is committed; the next is open */
	NEWS_BROKEN,    /* `error` says why no producer can be had: SYSTEM or CONFIG */
};

/* To be asked when the bell rang. The positions of a NEWS_RESET are those that were
 * given to transaction_end(), with the committed offsets; they stay until the next end. */
enum transaction_news transaction_news(struct transaction *transaction, struct positions *committed, struct error *error);

/* Whether produce and end may be called. */
bool transaction_is_open(const struct transaction *transaction);

enum produce_verdict transaction_produce(struct transaction *transaction, const struct outgoing *record, struct error *error);

/* Hands the open transaction to the committer, to be committed together with these
 * positions. Those of OFFSET_NONE are not committed, but told by a NEWS_RESET. Copied. */
bool transaction_end(struct transaction *transaction, struct positions positions, struct error *error);

/* How many resets there were, and the reason of the last, for whoever reports. */
uint64_t transaction_resets(const struct transaction *transaction, const char **reason);

/* How long the last end took, from transaction_end() to the news. */
int64_t transaction_commit_us(const struct transaction *transaction);

#endif
