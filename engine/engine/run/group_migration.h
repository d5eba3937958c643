/* group_migration.h: Migration of consumer groups for the pipelines of a plan. A group that is new to a topic
 * continues from the offsets of a former group (kafka/consume/offset_migration.h). For `sluice run`.
 *
 * An engine that follows a control plane changes the groups of pipelines while it runs. It holds such a pipeline: no group
 * of this engine reads it. When every engine has done so, offsets move, and the new group reads it (engine/run/group_mover.h).
 */
#pragma once

#include "engine/run/engine.h"

#define GROUP_MIGRATION_PATIENCE_MS 1000 /* for members of former groups, before a pipeline is held instead */

/* Groups that may have to continue from others, with copies of all names. */
struct group_moves;

/* `chosen`: by pipelines of the plan; NULL: all of them. NULL: SYSTEM. */
struct group_moves *group_moves_open(const struct plan *plan, const bool *chosen, struct error *error);
void group_moves_close(struct group_moves *moves); /* NULL is fine */

/* Who is asked whether a migration goes on waiting: kafka/consume/offset_migration.h. */
struct group_waiting {
	bool (*waits)(void *context, const char *who, int64_t waited_ms); /* NULL: members are not waited for */
	void *context;
};

/* Migrates the groups; called before they read the topics. Logs a line for each group that continues from another. Waits
 * for Kafka. SYSTEM: Kafka refuses, does not answer, or a wait was ended. */
bool group_moves_carry_out(const struct group_moves *moves, const struct engine_config *config, struct group_waiting waiting,
			   struct error *error);

/* The same for all groups of a plan, before an engine starts. While engines still read with a former group it waits and
 * logs that; without `waits` it is an error. */
bool group_migration_carry_out(const struct engine_config *config, const struct plan *plan, bool waits, struct error *error);

/* The same for a revision of an engine that runs `before`. Pipelines whose group changes are held (revision->held), also new
 * ones of a group that still waits for members of a former group after GROUP_MIGRATION_PATIENCE_MS. Waits for Kafka.
 * CONFIG: a pipeline ceases to read topics of others, and joins them, so parts of requests may wait; or no version says that it
 * read them (control/keeper/state_labels.h), so its group is not one that goes on where the former is. */
bool group_migration_prepare(const struct engine_config *config, const struct plan *before, struct revision *revision,
			     struct error *error);

/* Settles which pipelines the revision holds, now that it follows `before`: those whose group changes, and those that
 * `before` holds; not those that their group reads already. Called in the engine's thread. SYSTEM: memory ran out. */
bool group_migration_hold(const struct revision *before, struct revision *revision, struct error *error);

/* Whether each pipeline that is in both plans keeps its group. CONFIG: its group changes, which needs a restart. */
bool group_migration_refuse(const struct plan *before, const struct plan *now, struct error *error);
