/* at_least_once.h: At-least-once output: one batch of records after the other, each with the offsets that its records
 * answer.
 *
 * Records leave as they are produced, by an idempotent producer. When a batch is ended, its offsets wait until Kafka
 * has acknowledged every record of it, and are then committed. Meanwhile the next batch is filled. So a crash repeats
 * what was not committed, and loses nothing. Nothing here blocks, and there is no thread.
 *
 * A record that Kafka refuses for its own sake (too large) is reported by output_refused(), and its batch commits
 * nothing. A producer that fails for good (a fatal error of librdkafka: Kafka has lost track of it) is replaced, and
 * uncommitted records are taken again.
 *
 * A topic that the login may not write any more is reported by output_refused(), too: the producer is replaced, and the
 * caller produces nothing to that topic until output_may_write().
 *
 * Records that a broker refuses for a reason that is not theirs, as UNKNOWN_SERVER_ERROR, are produced again by another producer
 * after a pause (kafka/produce/broker_refusals.h), without limit. So are network errors.
 *
 * Three kinds of errors end the engine (NEWS_BROKEN) with uncommitted offsets: repeated fatal errors of producers, a changelog that
 * is gone, and a wrong clock. A supervisor restarts the engine, and an operator can fix the reported cause.
 */
#pragma once

#include "kafka/produce/output.h"

/* The id of the configuration is ignored. Its news are NEWS_COMMITTED, NEWS_VOID and NEWS_RESET.
 * NEWS_COMMITTED has the committed positions; there are none if Kafka could not commit this time, and then they
 * are to be ended again. NEWS_VOID has the positions of partitions that now belong to other members. The offsets
 * of NEWS_RESET mean nothing: the caller knows from former news what is committed. */
struct output *at_least_once_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);
