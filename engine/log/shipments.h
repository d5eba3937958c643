/* shipments.h: producing at least once: one batch of records after the other, each with
 * the offsets that its records answer.
 *
 * Records go out as they are produced, by an idempotent producer. When a batch is ended
 * its offsets wait until Kafka has acknowledged every record of it, and are committed
 * then; meanwhile the next batch is filled already. So a crash repeats what was not
 * committed, and loses nothing. Nothing here blocks, and there is no thread.
 *
 * A record that Kafka will not have for its own sake (too large) is told by
 * output_refused(), and its batch commits nothing. A producer that stops for good (what
 * librdkafka calls fatal: Kafka has lost track of it) is replaced, and what is not
 * committed is taken again. One that stops again and again ends the engine (NEWS_BROKEN),
 * and so does what forbids all records (no rights, no topic), with their offsets not
 * committed: a supervisor starts it again, and whoever reads why can mend it. What the
 * network does is tried again for as long as it takes.
 */
#ifndef SLUICE_LOG_SHIPMENTS_H
#define SLUICE_LOG_SHIPMENTS_H

#include "log/output.h"

/* The configuration's id and timeout play no part. Its news are NEWS_COMMITTED with the
 * positions that were committed, none of them when Kafka could not take them this time:
 * they are to be ended again; NEWS_VOID, with those that are others' by now; and NEWS_RESET,
 * whose offsets say nothing: what is committed knows who heard of it. */
struct output *shipments_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);

#endif
