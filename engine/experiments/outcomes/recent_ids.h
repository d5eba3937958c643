/* recent_ids.h: Hashes of feedback_ids of the last window, so that the same feedback counts once.
 *
 * An id is kept for one window at least, and for two at most. Memory is taken when ids come.
 *
 * Pure: time is that of the records. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_RECENT_IDS_H
#define SLUICE_EXPERIMENTS_OUTCOMES_RECENT_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define RECENT_IDS_MAX ((size_t)1 << 20) /* of a window: some 50 MB */

struct recent_ids {
	struct state_table *now, *before; /* of this window, and of the one before */
	int64_t window_ms, turned_ms;
};

/* Starts as {.window_ms = ...}. */
void recent_ids_close(struct recent_ids *ids);

/* Forgets what is older than a window by that time. */
void recent_ids_pass(struct recent_ids *ids, int64_t now_ms);

/* The hash of the feedback_id of a unit. */
uint64_t recent_id(struct text feedback_id, uint64_t unit);

bool recent_ids_have(const struct recent_ids *ids, uint64_t id);

/* False: there are RECENT_IDS_MAX, or memory ran out. */
bool recent_ids_put(struct recent_ids *ids, uint64_t id);

#endif
