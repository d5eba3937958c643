/* upstreams.h: Windows of joins across topics while their sources are behind: a stage that joins asks whether the groups
 * that lead to it have passed what they had when a window was due, before it closes the window (log/upstream.h). The
 * worker's own.
 *
 * One question covers all windows of a stage that are due when it begins. It is asked only while a window is due, and at
 * most once in UPSTREAM_PAUSE_MS.
 */
#ifndef SLUICE_WORKER_UPSTREAMS_H
#define SLUICE_WORKER_UPSTREAMS_H

#include "worker/parts.h"

#define UPSTREAM_PAUSE_MS 500

/* Whether all that the stage's sources had at `due_ms`, which is over, has come to its topic. Where that is not known it
 * is asked. True where nothing is known of its sources. */
bool upstream_is_passed(struct worker *worker, struct worker_stage *stage, int64_t due_ms, bool *passed, struct error *error);

/* When it is to be looked at again; INT64_MAX: when the answer comes. */
int64_t upstream_again_ms(const struct worker_stage *stage);

void upstreams_part(struct worker *worker, struct worker_stage *stage); /* the stage is closed */
void upstreams_close(struct worker *worker);

#endif
