/* alert_places.h: Places of alerts among the counts of a stage (worker/stage.h), at which workers count what they judge by the
 * values of messages.
 *
 * Messages that a former revision has taken are judged by its conditions until they have left. So an alert whose condition is
 * another one gets another place at a reload, and what is counted there is its own from the first message on. One that stays the
 * same stays at its place. Places are ALERT_PLACES_MAX: when each was used once, those that the former revision does not use come
 * again. Then what is there already may be another's (runtime/alert_watch.c).
 */
#ifndef SLUICE_RUNTIME_ALERT_PLACES_H
#define SLUICE_RUNTIME_ALERT_PLACES_H

#include "plan/plan.h"
#include "worker/stage.h"

/* Called from the engine's thread before anything is made of the plan of a revision. `before`: the plan that runs; NULL: none. */
void alert_places_follow(struct plan *plan, const struct plan *before);

#endif
