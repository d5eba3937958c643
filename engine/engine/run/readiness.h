/* readiness.h: Readiness of all pipelines of an engine's revision, for their conditions.
 *
 * One pass over the engine's groups finds it, as a namespace may have thousands of pipelines. Called from the thread of
 * engine_run().
 */
#pragma once

#include "engine/run/engine.h"

struct pipeline_readiness {
	bool has_followed;     /* all workers of its group run the latest revision */
	bool has_partitions;   /* its group has assigned partitions to them, which may be none */
	uint64_t version;      /* revision_version() of the one that new messages enter; 0: none */
	const char *waits_for; /* why it waits; NULL: it does not */
	struct topic_absence absent;
	size_t models_away;    /* number of unreachable models that it calls */
	uint64_t former;       /* requests that wait in versions that were replaced */
};

/* Of each pipeline of the revision's plan, in its order, in the arena. NULL: memory ran out. */
const struct pipeline_readiness *readiness_of_pipelines(const struct engine *engine, struct arena *arena);
