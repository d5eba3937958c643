/* observer_outage.h: Outage of observers whose state cannot be restored, or be written to its changelog. No answer depends on that
 * state, so the worker goes on without them: their stage reads nothing, and its offsets stay where they are. The state is restored
 * again and again, until that succeeds; then the stage reads on. Private to the worker.
 *
 *   begun      a restore failed, or Kafka refuses a change for a reason that lasts: logged, and named in the counts of the stage
 *   due        after observers_look_ms: restored again; where the stage waits for its topic (write_denial.h), when that is there
 *   ended      restored, or the partition was taken away
 *
 * Other stages have no outage: without their state an answer would be wrong, so the worker ends.
 */
#pragma once

#include "engine/worker/parts.h"

/* Whether the stage has observers alone, and the worker goes on without their state. */
bool stage_may_be_out(const struct worker *worker, const struct worker_stage *stage);

/* Begins an outage, or continues one after an attempt in vain. False: the stage has none, and `why` ends the worker. */
bool observer_outage_begin(struct worker *worker, struct partition_state *partition_state, const struct error *why);

/* The same for all partitions of the stage. A reset follows. */
bool observer_outage_begin_all(struct worker *worker, const struct worker_stage *stage, const struct error *why);

/* The state is restored. */
void observer_outage_over(struct worker *worker, struct partition_state *partition_state);

/* Ends the outage without a word: the partition is taken away, or the stage closes. */
void observer_outage_end(struct worker *worker, struct partition_state *partition_state);

/* Whether a reset leaves the restore for later. */
bool observer_outage_holds(const struct worker *worker, struct partition_state *partition_state);

/* Whether the caller is to restore the state now. Asked once a turn. */
bool observer_outage_is_due(const struct worker *worker, struct partition_state *partition_state);

/* When the next one is due; INT64_MAX: none is. */
int64_t observer_outages_due_ms(const struct worker *worker);
