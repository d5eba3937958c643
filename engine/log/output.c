/* output.c: see output.h. */
#include "log/output.h"

#include "base/memory.h"
#include "log/shipments.h"

/* One of the two is there. */
struct output {
	struct transaction *transaction;
	struct shipments *shipments;
};

struct output *output_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	struct output *output = memory_take(1, sizeof *output);
	if (!output) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	if (config->id)
		output->transaction = transaction_open(config, consumer, error);
	else
		output->shipments = shipments_open(config, consumer, error);
	if (output->transaction || output->shipments)
		return output;
	memory_give(output);
	return NULL;
}

void output_close(struct output *output)
{
	if (!output)
		return;
	transaction_close(output->transaction);
	shipments_close(output->shipments);
	memory_give(output);
}

int output_bell(const struct output *output)
{
	return output->shipments ? shipments_bell(output->shipments) : transaction_bell(output->transaction);
}

enum transaction_news output_news(struct output *output, struct positions *committed, struct error *error)
{
	return output->shipments ? shipments_news(output->shipments, committed, error)
				 : transaction_news(output->transaction, committed, error);
}

bool output_is_open(const struct output *output)
{
	return output->shipments || transaction_is_open(output->transaction);
}

bool output_may_end(const struct output *output)
{
	return output->shipments ? shipments_may_end(output->shipments) : transaction_is_open(output->transaction);
}

enum produce_verdict output_produce(struct output *output, const struct outgoing *record, struct error *error)
{
	return output->shipments ? shipments_produce(output->shipments, record, error)
				 : transaction_produce(output->transaction, record, error);
}

bool output_end(struct output *output, struct positions positions, struct error *error)
{
	return output->shipments ? shipments_end(output->shipments, positions, error)
				 : transaction_end(output->transaction, positions, error);
}

uint64_t output_resets(const struct output *output, const char **reason)
{
	*reason = NULL;
	return output->shipments ? 0 : transaction_resets(output->transaction, reason);
}

int64_t output_commit_us(const struct output *output)
{
	return output->shipments ? shipments_commit_us(output->shipments) : transaction_commit_us(output->transaction);
}
