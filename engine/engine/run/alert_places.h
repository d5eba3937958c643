/* alert_places.h: Places of alerts among the counts of a stage (engine/worker/stage.h), at which workers count what they judge by
 * the values of messages.
 *
 * Messages that a former revision has taken are judged by its conditions until they have left. So an alert whose condition is
 * another one gets another place at a reload, and what is counted there is its own from the first message on. One that stays the
 * same stays at its place. Places are ALERT_PLACES_MAX: when each was used once, those that the former revision does not use come
 * again. Then what is there already may be another's (monitor/alerts/alert_watch.c).
 *
 * At a place of an alert with `groupBy` each worker has a large table of groups for each stage, which stays for as long as the
 * engine runs. So such an alert gets a place that has tables before one that was never used, if no open stage uses them and the
 * former revision has no alert there; they are cleared for it.
 */
#ifndef SLUICE_ENGINE_RUN_ALERT_PLACES_H
#define SLUICE_ENGINE_RUN_ALERT_PLACES_H

#include "engine/setup/group_setup.h"

/* Called from the engine's thread before anything is made of the plan of a revision. `before`: the plan that runs; NULL: none.
 * `groups`: the first of the list, if all workers run that plan, so that no stage of an older one opens any more; else NULL, and
 * no table is cleared. */
void alert_places_follow(struct plan *plan, const struct plan *before, const struct group *groups);

/* Hash of what an alert judges; `group_by`: of that by which it has groups, and of whatever else it is told apart by. */
uint64_t alert_meaning(const struct alert_spec *alert, uint64_t group_by);

#endif
