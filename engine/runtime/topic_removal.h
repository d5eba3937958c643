/* topic_removal.h: the topics of pipelines that are not there any more, removed where they
 * said so (`dataflow.cleanTopicsOnDelete`). The engine's own.
 */
#ifndef SLUICE_RUNTIME_TOPIC_REMOVAL_H
#define SLUICE_RUNTIME_TOPIC_REMOVAL_H

#include "runtime/engine.h"

/* After a pipeline has nothing in flight any more: its last commit, and other engines. */
#define CLEAN_AFTER_MS 5000

struct topic_removal {
	const char *pipeline;
	const char **topics; /* sluice's own; those that are bound are left */
	size_t topic_count;
	int64_t since_ms;
	struct topic_removal *next;
};

/* Those that `before` had and `now` has not go to the list; in the arena, which lasts. What stands
 * there already keeps no topic that `now` uses. To be told of every revision. */
bool topic_removal_note(struct topic_removal **list, const struct revision *before, const struct revision *now, int64_t now_ms,
			struct arena *arena);

/* Removes the topics of those that are due, unless they are there again, and says so.
 * Waits for Kafka. */
void topic_removal_carry_out(struct topic_removal **list, const struct engine *engine, const struct engine_config *config,
			     int64_t now_ms);

#endif
