/* crew_clean.h: the topics of pipelines that are not there any more, removed where they
 * said so (`dataflow.cleanTopicsOnDelete`). The crew's own.
 */
#ifndef SLUICE_CLI_CREW_CLEAN_H
#define SLUICE_CLI_CREW_CLEAN_H

#include "cli/crew.h"

/* After a pipeline has nothing in flight any more: its last commit, and other engines. */
#define CLEAN_AFTER_MS 5000

struct cleaning {
	const char *pipeline;
	const char **topics; /* sluice's own; those that are bound are left */
	size_t topic_count;
	int64_t since_ms;
	struct cleaning *next;
};

/* Those that `before` had and `now` has not go to the list; in the arena, which lasts. What stands
 * there already keeps no topic that `now` uses. To be told of every deployment. */
bool cleaning_note(struct cleaning **list, const struct deployment *before, const struct deployment *now, int64_t now_ms,
		   struct arena *arena);

/* Removes the topics of those that are due, unless they are there again, and says so.
 * Waits for Kafka. */
void cleaning_carry_out(struct cleaning **list, const struct crew *crew, const struct crew_config *config, int64_t now_ms);

#endif
