/* status_turns.h: Which pipelines of an engine report in a second.
 *
 * Where nobody looks, a report of each pipeline and second would be most of what a namespace writes: of 1,000 pipelines on three
 * engines 3,000 records a second. So a pipeline reports when its state has changed, each second while it does not run well, and
 * otherwise in turn: at least one pipeline a second, and each within STATUS_QUIET_MS. While somebody watches (`sluice top`), all
 * report each second.
 *
 * Pure.
 */
#ifndef SLUICE_MONITOR_METRICS_STATUS_TURNS_H
#define SLUICE_MONITOR_METRICS_STATUS_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/status.h"

/* What a report says of a pipeline, without its figures. */
struct status_facts {
	bool ready;
	const char *state; /* of a static text */
	uint64_t version;
};

struct status_turns {
	size_t next; /* the pipeline whose turn is next */
};

/* The turns of a second. */
struct status_turn {
	size_t first, count; /* `count` pipelines from `first` on; after the last comes the first */
	size_t pipelines;
	bool watched;
	int64_t at_ms;
};

/* Begins the second of that time. `pipelines`: how many there are. */
struct status_turn status_turn_begin(struct status_turns *turns, size_t pipelines, bool watched, int64_t at_ms);

/* Whether the pipeline of that index reports. `reported` is what it reported last, at `reported_ms`; without a state: nothing. */
bool status_is_due(const struct status_turn *turn, size_t index, const struct status_facts *now,
		   const struct status_facts *reported, int64_t reported_ms);

#endif
