/* group_mover.h: Mover of an engine's consumer groups: moves the offsets of pipelines whose group changes while the engine
 * runs, and then lets the new group read them. For `sluice run --control`.
 *
 * The change has two phases. First each engine follows a revision that holds these pipelines (revision->held): its workers
 * finish and commit what is in flight, and leave the former group. Then the mover of each engine waits until the coordinator
 * of the former group reports no member that reads their topics, moves the offsets in a fenced transaction, and releases the
 * pipelines (kafka/consume/offset_migration.h). So the barrier is Kafka's own: it needs no keeper, and an engine that was killed or
  * is frozen is waited for until its session ends. After that it cannot commit by the former group. If it joins that group again,
 * it does not read by it: the transaction marks the former group's commits.
 *
 * The waiting is in a task (net/loop_task.h), while the loop and all other pipelines continue. It has no end of its own,
 * because a second reader would answer requests twice. While it lasts the reason is in group_mover_waits(), and in the log
 * every GROUP_MOVER_SAY_MS. A revision that follows meanwhile begins the wait again, so a change back ends it.
 */
#pragma once

#include "engine/run/engine.h"

#define GROUP_MOVER_SAY_MS 5000
#define GROUP_MOVER_RETRY_MS 2000 /* after Kafka has refused, or has not answered */

struct group_mover;

/* Borrows the configuration and the engine, which outlive it. NULL: SYSTEM. */
struct group_mover *group_mover_open(const struct engine_config *config, struct engine *engine, struct error *error);
void group_mover_close(struct group_mover *mover); /* waits for the answer that the task waits for; NULL is fine */

/* Looks at the running revision: called in the engine's loop after each engine_reload(). */
void group_mover_follow(struct group_mover *mover);

/* Why pipelines are held; false: the running revision holds none. Called in the engine's loop. */
bool group_mover_waits(struct group_mover *mover, char *words, size_t size);
