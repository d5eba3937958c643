/* output.h: where results leave, by whichever delivery: at least once (shipments.h) or
 * exactly once (transaction.h). The worker knows only this.
 *
 * The calls mean what transaction.h says of them. Exactly once, nothing can be produced
 * while a transaction is being ended; at least once, it can.
 */
#ifndef SLUICE_LOG_OUTPUT_H
#define SLUICE_LOG_OUTPUT_H

#include "log/transaction.h"

struct output;

/* A configuration with a transactional id means exactly once, without one at least once. */
struct output *output_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error);
void output_close(struct output *output); /* NULL is fine */

int output_bell(const struct output *output);
enum transaction_news output_news(struct output *output, struct positions *committed, struct error *error);
bool output_is_open(const struct output *output); /* whether output_produce() may be called */
bool output_may_end(const struct output *output); /* whether output_end() may be called: nothing is being ended */
enum produce_verdict output_produce(struct output *output, const struct outgoing *record, struct error *error);
bool output_end(struct output *output, struct positions positions, struct error *error);
uint64_t output_resets(const struct output *output, const char **reason);
int64_t output_commit_us(const struct output *output);

#endif
