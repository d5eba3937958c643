/* stage_phase.h: Phase of a stage after a reload: it stays active, drains, or closes when the new setup has another stage
 * in its place, or none. Private to worker. The phase of a stage changes here and nowhere else.
 *
 *   phase      what enters                      what it passes on             until
 *   ACTIVE     all records of its topics        -                             a setup has no stage of its
 *                                                                             name and version, or renews it
 *   DRAINING   records of earlier stages of     queued records, to the        no earlier stage of its version
 *              its own version, and all of a    stage that its topics lead    is at work, nothing is in flight
 *              topic that nobody else reads     to then                       or queued, and for 10 s nothing
 *                                                                             has come
 *   CLOSING    nothing; what is in flight       the same; records of topics   nothing is in flight and no state
 *              is finished                      that lead nowhere: to nobody  is held for it: it is closed
 *
 * Only a later stage of a pipeline without state drains, if its successor has another version; all others close at once. The
 * state of a stage, and what a first stage reads, continue in its successor.
 *
 * What is handed over, and where that is done:
 *
 *   topics    lead to the active stage, else to a draining one: setup_changes.c, when a setup is followed and when a stage has
 *             drained long enough. A topic that leads nowhere is read no more, and its partitions are treated as
 *             revoked ones: what is in flight has a second to finish, and the rest is left to the next reader
 *   waiting   waiting_requests_advance(): requests that wait for a model begin again in the successor. With state, all of their
 *             partition do, by being read again
 *   queued    intake_pass_on(): records wait with the stage that reads their topic, also those for a draining stage,
 *             so that no record overtakes another of its partition
 *   pauses    the same: the successor resumes partitions that its predecessor had paused
 *   state     partition_states_advance(), partition by partition, when nothing of its topics is in flight and all is
 *             committed: the successor restores it from the changelog. Records that come before that are skipped and
 *             read again (partition_state_skip(), queue->skipped)
 */
#pragma once

#include <stdbool.h>

struct record;
struct worker_stage;
struct stage_config;
struct worker;
struct worker_setup;

enum stage_phase { STAGE_ACTIVE, STAGE_DRAINING, STAGE_CLOSING };

/* Whether there is an active stage with the name and version of this configuration. */
bool stage_phase_has(const struct worker *worker, const struct stage_config *config);

/* Begins the phases for a new setup: active stages that it does not contain start to drain or to close. */
void stage_phase_begin(struct worker *worker, const struct worker_setup *setup);

/* Closes draining stages whose time is over. False: there was none. True: topics then lead to other stages. */
bool stage_phase_advance(struct worker *worker);

/* Frees the closing stages that have finished. */
void stage_phase_close(struct worker *worker);

/* Stage that takes a record which came for `stage`, the current reader of its topic. A stage link goes to the
 * draining stage of the version in which its request began, if there is one. */
struct worker_stage *stage_phase_taker(struct worker *worker, struct worker_stage *stage, const struct record *record);
