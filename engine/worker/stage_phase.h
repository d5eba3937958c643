/* stage_phase.h: how a stage comes to its end while records come: a setup is followed that has
 * another in its place, or none. The worker's own. A stage's phase changes here and nowhere else.
 *
 *   phase    what enters                      beginning it gives away        until
 *   ACTIVE    what comes of its topics         -                              a setup has no stage of its
 *                                                                             name and version
 *   DRAINING   what earlier stages of its own   what it has in hand, to whom   no earlier stage of its version
 *             version sent, and all of a       its topics lead then           is at work, nothing is in flight
 *             topic that nobody else reads                                    or in hand, and for 10 s nothing
 *                                                                             has come
 *   CLOSING    nothing; what is in flight       the same; of topics that       nothing is in flight and nothing
 *             goes on to its end               lead nowhere, to nobody        is remembered for it: it is closed
 *
 * Only a later stage of a pipeline that remembers nothing lingers; all others leave at once.
 * What one remembers, and what a first stage reads, goes on in the stage that takes its place.
 *
 * What goes over, and where that is done:
 *
 *   topics      lead to the one that serves, else to one that lingers: follow.c, when a setup is
 *               followed and when somebody has lingered long enough. A topic that leads nowhere is
 *               read no more, and its partitions are taken as the group takes them: what is in
 *               flight there has a second to end, and what has not is left to whoever reads it next
 *   in hand     intake_pass_on(): records wait with the stage that reads their topic, also those
 *               that one that lingers will take, so that none overtakes another of its partition
 *   pauses      the same: partitions that the one before had paused are its successor's to let go on
 *   remembered  partition_states_advance(), partition by partition, when nothing of its topics is in flight
 *               and all is committed: the successor's is brought back from the changelog. What comes
 *               before that is skipped, and read again (partition_state_skip(), lane->skipped)
 */
#ifndef SLUICE_WORKER_STAGE_PHASE_H
#define SLUICE_WORKER_STAGE_PHASE_H

#include <stdbool.h>

struct record;
struct worker_stage;
struct stage_config;
struct worker;
struct worker_setup;

enum stage_phase { STAGE_ACTIVE, STAGE_DRAINING, STAGE_CLOSING };

/* Whether a stage serves that is the same as this one. */
bool stage_phase_has(const struct worker *worker, const struct stage_config *config);

/* That setup is followed: what it has not serves no more. */
void stage_phase_begin(struct worker *worker, const struct worker_setup *setup);

/* Who has lingered long enough leaves. False: nobody has; else topics lead elsewhere. */
bool stage_phase_advance(struct worker *worker);

/* Closes those that have left. */
void stage_phase_close(struct worker *worker);

/* Who takes a record that came for `stage`, which reads its topic now: a request that
 * crosses between stages stays in the version in which it began, while that lingers. */
struct worker_stage *stage_phase_taker(struct worker *worker, struct worker_stage *stage, const struct record *record);

#endif
