/* simulated_kafka.c: Simulated Kafka as a whole: its processes, and what serves each request; see simulated_kafka.h. */
#include "base/memory.h"
#include "tools/test/simulated/simulated_world.h"

#define ARENA_BYTES ((size_t)256 << 20) /* of one simulated run */

/* ---- opening ---- */

static enum simulated_answer request_serve(struct simulated_kafka *kafka, struct simulated_request *request)
{
	switch (request->kind) {
	case SIMULATED_PRODUCE:
		return simulated_partition_serve(kafka, request);
	case SIMULATED_INIT_PRODUCER:
		return simulated_transaction_init(kafka, request);
	case SIMULATED_SEND_OFFSETS:
		return simulated_group_pend(kafka, request);
	case SIMULATED_END_TRANSACTION:
		return simulated_transaction_end(kafka, request);
	case SIMULATED_READ_OFFSETS:
		return simulated_group_read(kafka, request);
	case SIMULATED_COMMIT_OFFSETS:
		return simulated_group_commit(kafka, request);
	case SIMULATED_REQUEST_KINDS:
		break;
	}
	return SIMULATED_GOOD;
}

struct simulated_kafka *simulated_open(const struct simulated_config *config)
{
	struct simulated_kafka *kafka = memory_take(1, sizeof *kafka);
	if (!kafka)
		return NULL;
	kafka->config = *config;
	kafka->serve = request_serve;
	kafka->random.state = config->seed;
	kafka->arena = arena_open(ARENA_BYTES);
	if (kafka->arena)
		return kafka;
	simulated_close(kafka);
	return NULL;
}

void simulated_close(struct simulated_kafka *kafka)
{
	if (!kafka)
		return;
	arena_close(kafka->arena);
	memory_give(kafka->events);
	memory_give(kafka);
}

bool simulated_failed(const struct simulated_kafka *kafka)
{
	return kafka->failed;
}

/* ---- faults ---- */

/* ---- processes ---- */

struct simulated_host *simulated_host_open(struct simulated_kafka *kafka, const char *name)
{
	struct simulated_host *host = simulated_take(kafka, 1, sizeof *host);
	if (!host)
		return NULL;
	*host = (struct simulated_host){.kafka = kafka, .name = name};
	size_t bytes = simulated_batch_bytes_max(kafka);
	if (kafka->config.batches.readable && bytes < BATCH_USUAL_BYTES)
		atomic_store(&host->batches.bytes, bytes);
	return host;
}

struct output *simulated_output_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
				     const struct consumer *consumer, struct error *error)
{
	return config->id ? simulated_transaction_open(host, loop, config, consumer, error)
			  : simulated_at_least_once_open(host, loop, config, consumer, error);
}
