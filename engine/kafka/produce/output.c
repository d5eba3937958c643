/* output.c: Kafka's two outputs; see output.h. */
#include "kafka/produce/output.h"

#include <assert.h>

#include "kafka/produce/at_least_once.h"
#include "kafka/produce/transaction.h"

struct output *output_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	assert(config->brokers && consumer);
	return config->id ? transaction_open(config, consumer, error) : at_least_once_open(config, consumer, error);
}
