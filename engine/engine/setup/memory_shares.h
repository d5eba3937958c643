/* memory_shares.h: Shares of the engine's memory: the limits of each worker, and the settings of its Kafka clients that follow. */
#pragma once

#include "engine/run/engine.h"
#include "engine/worker/worker.h"

struct memory_shares {
	struct worker_limits limits;
	struct properties consumer;
	struct properties producer;
};

/* Workers of an engine. One that only watches has a quarter of the memory of another: no answer waits for its records, and they
 * have few bytes. */
struct group_workers {
	size_t answering, watching;
};

/* Those of each worker that answers, or, `watches`, that watches. The user's own settings of librdkafka come after ours, and
 * replace them. False: memory ran out. */
bool memory_shares_make(const struct engine_config *config, const struct group_workers *workers, bool watches, struct arena *arena,
			struct memory_shares *shares, struct error *error);
