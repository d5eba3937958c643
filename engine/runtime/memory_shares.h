/* memory_shares.h: Shares of the engine's memory: the limits of each worker, and the settings of its Kafka clients that follow. */
#ifndef SLUICE_RUNTIME_MEMORY_SHARES_H
#define SLUICE_RUNTIME_MEMORY_SHARES_H

#include "runtime/engine.h"
#include "worker/worker.h"

struct memory_shares {
	struct worker_limits limits;
	struct properties consumer;
	struct properties producer;
};

/* Those of each of `workers`. The user's own settings of librdkafka come after ours, and replace them. False: memory ran out. */
bool memory_shares_make(const struct engine_config *config, size_t workers, struct arena *arena, struct memory_shares *shares,
			struct error *error);

#endif
