/* join_state.h: a stage where what comes of one request by several ways is put together:
 * from stages of its pipeline that lie apart, or from other pipelines. The worker's own.
 *
 * A part that must wait is remembered as a step would remember it (parked_parts.h): its record
 * is finished, and its bytes are in the changelog of the same transaction. What has gone
 * on without all of its parts is remembered too, as long as another may come.
 *
 * Exactly once, the parts are forgotten in the transaction of the answer. At least once, there
 * is none: the record that brings the last part writes, beside its answer, a mark that names
 * the parts, and they are forgotten when its offset is committed (pending_commit.h). When a partition
 * is brought back, what records that come again had written counts for nothing, be it a part
 * or a mark; so what is in memory is what it was at the commit, and they do all of it again.
 * worker/DELIVERY.md says why that loses nothing.
 *
 * A window that closes does so by a record that the stage sends to itself: so what then
 * goes on is the work of a record, as everything is.
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
