/* join_state.h: Join state of a stage and partition: the parts of requests that arrive from several stages of the
 * pipeline, or from several pipelines. Private to worker.
 *
 * A part that must wait is parked in the partition's store (parked_parts.h). Its record is finished, and its bytes
 * are in the changelog of the same transaction. A join that went on with some parts missing leaves a tombstone, for
 * as long as late parts may come.
 *
 * Exactly once, parts are deleted in the transaction of the answer. At least once there is no transaction. The record
 * that completes the join writes, with the answer, a tombstone that names the parts. They are deleted when its offset
 * is committed (pending_commit.h). A restore ignores everything that uncommitted records had written, so memory
 * equals the committed state, and those records do all their work again. worker/DELIVERY.md explains why nothing is
 * lost.
 *
 * A window closes by a record that the stage sends to itself, so the work that follows belongs to a record, as all
 * work does.
 */
#pragma once

#include "engine/worker/parts.h"

/* Opens the join state of a partition after its store was restored. The partition is read from the offset `begin`;
 * the group has committed all before `committed`, as far as is known (OFFSET_NONE: nothing). Does nothing for a stage
 * that does not join. */
bool join_state_open(struct partition_state *partition_state, int64_t begin, int64_t committed, struct error *error);
void join_state_close(struct join_state *join_state); /* NULL is fine */

/* Takes a record of that stage, whose partition has its join state. With `*enters` the record completes its request, and the
 * merged message enters the stage. Otherwise the part waits or is of no use, and the in-flight message has finished. False: the
 * caller answers the in-flight message with the error. */
bool join_state_take(struct worker *worker, struct inflight *inflight, bool *enters, struct error *error);

/* Deletes the parts that were pending until this commit of the stage's input. */
bool join_state_committed(struct join_state *join_state, const struct position *committed, struct error *error);

/* Called once a turn: sends a record for each join whose window has closed. The second returns when the next call is
 * due. */
bool join_states_advance(struct worker *worker, struct error *error);
int64_t join_states_due_ms(const struct worker *worker);
