/* snapshot_schedule.c: Schedule of snapshots: the partition whose state gets the next one. */
#include "flow/state/store.h"
#include "engine/worker/partition_state.h"

/* Whether a snapshot is due: reading the changelog would take longer than reading the snapshot. */
static bool snapshot_is_due(const struct partition_state *partition_state, const struct partition_state_config *config,
			    int64_t now_ms)
{
	const int64_t since_ms = now_ms - partition_state->snapshot_begun_ms;
	return partition_state->store && partition_state->stage && partition_state->referred > 0 &&
	       since_ms >= config->snapshot_ms && partition_state->written >= config->snapshot_changes &&
	       partition_state->written >= store_count(partition_state->store) / 2;
}

struct partition_state *snapshot_schedule_due(const struct partition_states *partition_states,
					      const struct partition_state_config *config, int64_t now_ms)
{
	struct partition_state *due = NULL;
	for (struct partition_state *at = partition_states->first; at; at = at->next)
		if (snapshot_is_due(at, config, now_ms) && (!due || at->snapshot_begun_ms < due->snapshot_begun_ms))
			due = at;
	return due;
}
