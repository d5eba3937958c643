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
 */
#ifndef SLUICE_LOG_TRANSACTION_H
#define SLUICE_LOG_TRANSACTION_H

#include "log/output.h"

/* Closing it waits for a call that the committer is in. */
struct output *transaction_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);

#endif
