/* topic_removal.h: Removal of the topics of pipelines that are gone, if they request it
 * (`dataflow.cleanTopicsOnDelete`). Private to the engine. */
#pragma once

#include "engine/run/engine.h"

/* Time after a pipeline is gone, for its last commit and for other engines. It must also have nothing in flight. */
#define CLEAN_AFTER_MS 5000

struct topic_removal {
	const char *pipeline;
	const char **topics; /* that sluice named; bound ones are kept */
	size_t topic_count;
	int64_t since_ms;
	struct topic_removal *next;
};

/* Adds the topics of pipelines that `before` had and `now` has not. In the arena, which must outlive the list. Takes
 * topics that `now` uses off the list. Called for every revision. */
bool topic_removal_note(struct topic_removal **list, const struct revision *before, const struct revision *now, int64_t now_ms,
			struct arena *arena);

/* Whether a pipeline that is gone has nothing in flight. */
typedef bool topic_removal_idle(const struct engine *engine, const char *pipeline);

/* Removes the topics that are due, unless the plan in force has their pipeline again, and logs that. Waits for Kafka. */
void topic_removal_carry_out(struct topic_removal **list, const struct plan *plan, const struct engine_config *config,
			     const struct engine *engine, topic_removal_idle *is_idle, int64_t now_ms);
