/* stage_phase.h: Phase of a stage after a reload: it stays active, drains, or closes when the new setup has another stage
 * in its place, or none. Private to worker. The phase of a stage changes here and nowhere else.
 *
 *   phase      what enters                      what it passes on             until
 *   ACTIVE     all records of its topics        -                             a setup has no stage of its
 *                                                                             name and version
 *   DRAINING   records of earlier stages of     queued records, to the        no earlier stage of its version
 *              its own version, and all of a    stage that its topics lead    is at work, nothing is in flight
 *              topic that nobody else reads     to then                       or queued, and for 10 s nothing
 *                                                                             has come
 *   CLOSING    nothing; what is in flight       the same; records of topics   nothing is in flight and no state
 *              is finished                      that lead nowhere: to nobody  is held for it: it is closed
 *
 * Only a later stage of a pipeline without state drains; all others close at once. The state of a stage, and what a
 * first stage reads, continue in its successor.
 *
 * What is handed over, and where that is done:
 *
 *   topics    lead to the active stage, else to a draining one: follow.c, when a setup is followed and when a stage has
 *             drained long enough. A topic that leads nowhere is read no more, and its partitions are treated as
 *             revoked ones: what is in flight has a second to finish, and the rest is left to the next reader
 *   queued    intake_pass_on(): records wait with the stage that reads their topic, also those for a draining stage,
 *             so that no record overtakes another of its partition
 *   pauses    the same: the successor resumes partitions that its predecessor had paused
 *   state     partition_states_advance(), partition by partition, when nothing of its topics is in flight and all is
 *             committed: the successor restores it from the changelog. Records that come before that are skipped and
 *             read again (partition_state_skip(), lane->skipped)
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
