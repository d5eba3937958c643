/* output.c: Kafka's two outputs; see output.h. */
#include "log/output.h"

#include <assert.h>

#include "log/at_least_once.h"
#include "log/transaction.h"

struct output *output_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	assert(config->brokers && consumer);
	return config->id ? transaction_open(config, consumer, error) : at_least_once_open(config, consumer, error);
}
