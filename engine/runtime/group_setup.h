/* group_setup.h: what the workers of a group are given: the stages of its pipelines, by
 * the numbers of their topics, within the memory that the engine may have. The engine's own.
 */
#ifndef SLUICE_RUNTIME_GROUP_SETUP_H
#define SLUICE_RUNTIME_GROUP_SETUP_H

#include "runtime/engine.h"
#include "runtime/revision.h"
#include "worker/worker.h"

/* Topics by number: a name keeps its number as long as the engine runs, and a list that
 * was handed out stays as it is. */
struct topic_register {
	struct arena *arena;
	const char **names;
	size_t count, capacity;
};

/* What stays the same while setups come and go. */
struct group {
	const char *name;
	bool exactly_once;
	struct topic_register reads, writes, taps;
	struct served *served; /* the stages of its pipelines so far, with their counts */
	struct member *members;
	size_t worker_count;
	struct worker_setup *setup; /* the newest */
	struct group *next;
};

/* What a stage of a pipeline did since the engine began, in all its versions; or the calls of a
 * pipeline by others of the group. */
struct served {
	const char *name;
	const char *pipeline; /* of which it is one */
	enum served_kind { SERVED_FIRST, SERVED_LATER, SERVED_CALLS } kind;
	struct stage_counts *counts; /* one a worker */
	struct served *next;
};

/* One stage of a pipeline of the plan, as that group's workers serve it: who calls, within
 * which limits and in which version is not said yet. In the arena; false: memory ran out. */
bool stage_config_make(struct stage_config *stage, struct group *group, const struct plan *all, const struct pipeline_plan *plan,
		       size_t index, struct arena *arena);

/* The setup of that group, in `arena`, where it lives with its revision; counts and names
 * of topics in `lasting`, as long as the engine. `users` counts who has its stages open.
 * CONFIG: a stage that cannot be opened. NULL: `error` says why. */
struct worker_setup *group_setup_make(struct group *group, const struct revision *revision, const struct engine_config *config,
				      atomic_size_t *users, struct arena *arena, struct arena *lasting, struct error *error);

/* How much each of `workers` may hold, and what its clients are told of it. */
struct group_shares {
	struct worker_limits limits;
	struct properties consumer;
	struct properties producer;
};

bool group_shares_make(const struct engine_config *config, size_t workers, struct arena *arena, struct group_shares *shares,
		       struct error *error);

#endif
