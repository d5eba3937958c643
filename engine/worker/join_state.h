/* join_state.h: Join state of a stage and partition: the parts of requests that arrive from several stages of the
 * pipeline, or from several pipelines. Private to worker.
 *
 * A part that must wait is parked in the partition's store (parked_parts.h): its record is finished, and its bytes
 * are in the changelog of the same transaction. A join that went on with some parts missing leaves a tombstone,
 * for as long as late parts may come.
 *
 * Exactly once, parts are deleted in the transaction of the answer. At least once there is no transaction: the
 * record that completes the join writes, beside the answer, a tombstone that names the parts, and they are deleted
 * when its offset is committed (pending_commit.h). A restore ignores everything that uncommitted records had
 * written, so memory equals the committed state, and those records do all their work again. worker/DELIVERY.md
 * explains why nothing is lost.
 *
 * A window closes by a record that the stage sends to itself, so the work that follows belongs to a record, as all
 * work does.
 */
#ifndef SLUICE_WORKER_JOIN_STATE_H
#define SLUICE_WORKER_JOIN_STATE_H

#include "worker/parts.h"

/* Of a partition that has been brought back, which is read on from the offset `begin`, and of which
 * the group has committed what is before `committed`, as far as is known (OFFSET_NONE: nothing is).
 * Nothing where its stage joins nothing. */
bool join_state_open(struct partition_state *partition_state, int64_t begin, int64_t committed, struct error *error);
void join_state_close(struct join_state *join_state); /* NULL is fine */

/* A record of that stage came. It enters the stage, as the whole of its request; or it
 * waits or is of no use, and has finished. False: it is to be answered with the error. */
bool join_state_take(struct worker *worker, struct flight *flight, bool *enters, struct error *error);

/* What the group has committed of the stage's input. */
bool join_state_committed(struct join_state *join_state, const struct position *committed, struct error *error);

/* Once a turn: windows that have closed are told; when that is needed next. */
bool join_states_advance(struct worker *worker, struct error *error);
int64_t join_states_due_ms(const struct worker *worker);

#endif
