/* drift_row_order.h: Order of the rows of several partitions at the observer of a step `drift`: rows wait until no partition can
 * bring older ones (methods/drift/watermarks.h), so that they come to the windows in the order of their times, then of their
 * partitions, then as they came.
 *
 * A stream of one partition, or whose reader is behind in none, has no rows that wait, and nothing is stored of them. Else a
 * message stores its rows that wait, and where each partition is. At most ROW_ORDER_MAX rows and ROW_ORDER_BYTES_MAX wait: beyond
 * that the oldest go on. A message lets go ROW_ORDER_RELEASED_MOST of them at most, the next one the rest.
 *
 * Rows are kept in memory, too. What the state has is read again if it is not what this engine wrote last.
 */
#pragma once

#include "methods/drift/monitor.h"
#include "methods/drift/watermarks.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_estimates.h"

#define ROW_ORDER_MAX 65536
#define ROW_ORDER_BYTES_MAX ((size_t)16 << 20)
#define ROW_ORDER_RELEASED_MOST 8192

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

struct drift_row_order;

/* NULL: memory. Closing NULL is fine. */
struct drift_row_order *row_order_open(void);
void row_order_close(struct drift_row_order *order);

/* Brings it to the state of a step with that identity; where there is none, it begins. LIMIT: memory. */
bool row_order_bring(struct drift_row_order *order, struct visit *visit, uint64_t identity, int64_t window_ms, struct error *error);

/* The partitions, which the observer tells of rows before it adds these. */
struct watermarks *row_order_watermarks(struct drift_row_order *order);

/* Whether no row waits. */
bool row_order_is_empty(const struct drift_row_order *order);

/* Adds rows, which are copied. LIMIT: memory. */
bool row_order_add(struct drift_row_order *order, const struct drift_rows *rows, struct error *error);

/* Takes the next rows that are in their place, at most `most`: those before the horizon, and before rows that were taken. They are
 * in the arena. False: there are none, or memory ran out (LIMIT). */
bool row_order_take(struct drift_row_order *order, int64_t horizon_ms, size_t most, struct arena *arena,
		    const struct drift_estimate_options *estimate, struct drift_rows *rows, struct error *error);

/* How many must go on although they are not in their place. */
size_t row_order_excess(const struct drift_row_order *order);

/* Stores what has changed. LIMIT. */
bool row_order_store(struct drift_row_order *order, struct visit *visit, struct error *error);

/* Memory may be ahead of the state, which is read again. */
void row_order_doubt(struct drift_row_order *order);
