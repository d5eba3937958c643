/* upstreams.h: Delay of join windows while sources are behind. Private to the worker.
 *
 * A stage that joins does not close a due window at once. It first asks whether the groups that lead to it have
 * passed all that they had when the window was due (kafka/consume/upstream.h). One question covers all windows of a stage that
 * are due when it begins. It is asked only while a window is due, and at most once in UPSTREAM_PAUSE_MS.
 */
#pragma once

#include "engine/worker/parts.h"

#define UPSTREAM_PAUSE_MS 500

/* Whether all that the stage's sources had at `due_ms`, a time in the past, has come to its topic. Asks if that is
 * not known yet. True if nothing is known of its sources. */
bool upstream_is_passed(struct worker *worker, struct worker_stage *stage, int64_t due_ms, bool *passed, struct error *error);

/* When to check again; INT64_MAX: when the answer comes. */
int64_t upstream_again_ms(const struct worker_stage *stage);

void upstreams_part(struct worker *worker, struct worker_stage *stage); /* called when the stage is closed */
void upstreams_close(struct worker *worker);
