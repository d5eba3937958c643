/* transaction.h: Exactly-once output: one transaction after the other, and the committer that ends them.
 *
 * librdkafka's transactional calls block, and must not be resumed with short timeouts. So the committer, a thread of
 * its own, makes them with long ones. It starts the producer, ends a transaction (offsets, commit), begins the next
 * one, and rings the bell when it has news. Meanwhile the worker takes and computes records as before. It must not
 * produce, and keeps finished results until the news.
 *
 * Doubt. When a connection was lost, librdkafka itself resends the requests that end a transaction, and then reports
 * success. The first copy may still be in flight, and end a later transaction or move offsets back. So a transaction
 * is in doubt as soon as any call failed. It is also in doubt when any connection of its producer closed between its
 * begin and the end of its commit. The committer then destroys the producer and starts another one under the same id,
 * which makes Kafka refuse late requests. It reads the group's committed offsets and reports NEWS_RESET. Only those
 * offsets show what was committed.
 *
 * A "fenced" error is handled in the same way: Kafka also returns it to a producer that merely slept longer than its
 * transaction may last. An engine that was really replaced learns that from the group (consumer_take() fails).
 *
 * A transaction that makes no progress is logged after three timeouts: a call that fails again and again, transactions that fail
 * one after the other, and a call that does not return. After six timeouts such a call hangs. Another committer takes its place,
 * and its transactional id: the transaction is in doubt, as after a call that failed. output_check() fails when that has not helped
 * before, and when it is the consumer's client that hangs, by which the committed offsets are read.
 */
#pragma once

#include "kafka/produce/output.h"

/* Opens the output. Closing it waits some seconds for the committer's current call. */
struct output *transaction_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);
