/* drift_waiting.h: Rows of a step `drift` that wait at its observer until no partition can bring older ones
 * (methods/drift/watermarks.h), so that they come to the windows in the order of their times, then of their partitions, then as
  * they came.
 *
 * A stream of one partition, or whose reader is behind in none, has no rows that wait, and nothing is stored of them. Else a
 * message stores its rows that wait, and where each partition is. At most WAITING_ROWS_MAX rows and WAITING_BYTES_MAX wait: beyond
 * that the oldest go on. A message lets go WAITING_RELEASED_MOST of them at most, the next one the rest.
 *
 * Rows are kept in memory, too. What the state has is read again if it is not what this engine wrote last.
 */
#ifndef SLUICE_STEPS_DRIFT_STATE_DRIFT_WAITING_H
#define SLUICE_STEPS_DRIFT_STATE_DRIFT_WAITING_H

#include "methods/drift/monitor.h"
#include "methods/drift/watermarks.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_estimates.h"

#define WAITING_ROWS_MAX 65536
#define WAITING_BYTES_MAX ((size_t)16 << 20)
#define WAITING_RELEASED_MOST 8192

/* Which request a row is of, by the hash of its id, and the row's number in it. */
struct drift_request {
	uint64_t request, row;
};

/* Rows of one segment, in their order. */
struct drift_rows {
	struct text segment;
	size_t count;
	size_t numbers; /* of a row */
	const double *values;
	const struct monitor_moment *moments;
	struct drift_chances chances;
	size_t chance; /* the first row's number among those of the chances */
	const struct drift_request *requests; /* NULL: the step waits for no truths */
};

struct drift_waiting;

/* NULL: memory. Closing NULL is fine. */
struct drift_waiting *drift_waiting_open(void);
void drift_waiting_close(struct drift_waiting *waiting);

/* Brings it to the state of a step with that identity; where there is none, it begins. LIMIT: memory. */
bool drift_waiting_bring(struct drift_waiting *waiting, struct visit *visit, uint64_t identity, int64_t window_ms,
			 struct error *error);

/* The partitions, which the observer tells of rows before it adds these. */
struct watermarks *drift_waiting_watermarks(struct drift_waiting *waiting);

/* Whether no row waits. */
bool drift_waiting_is_empty(const struct drift_waiting *waiting);

/* Adds rows, which are copied. LIMIT: memory. */
bool drift_waiting_add(struct drift_waiting *waiting, const struct drift_rows *rows, struct error *error);

/* Takes the next rows that are in their place, at most `most`: those before the horizon, and before rows that were taken. They are
 * in the arena. False: there are none, or memory ran out (LIMIT). */
bool drift_waiting_take(struct drift_waiting *waiting, int64_t horizon_ms, size_t most, struct arena *arena,
			const struct drift_estimate_options *estimate, struct drift_rows *rows, struct error *error);

/* How many must go on although they are not in their place. */
size_t drift_waiting_excess(const struct drift_waiting *waiting);

/* Stores what has changed. LIMIT. */
bool drift_waiting_keep(struct drift_waiting *waiting, struct visit *visit, struct error *error);

/* Memory may be ahead of the state, which is read again. */
void drift_waiting_doubt(struct drift_waiting *waiting);

#endif
