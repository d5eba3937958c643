/* watching_log.h: Log lines about the steps of an engine that watch data: a step `drift` or `outlier` that is learning its
 * reference, that can use it, or cannot, or that has more segments than it watches. So whoever wonders why an alert on drift does
 * not fire finds the reason in the log.
 *
 * A step has a line when that changes, and at most one in WATCHING_LINE_MS. It is about what happens in this engine: a step whose
 * observer runs elsewhere has none.
 */
#ifndef SLUICE_RUNTIME_WATCHING_LOG_H
#define SLUICE_RUNTIME_WATCHING_LOG_H

#include "observe/log_sink.h"
#include "observe/verdict_board.h"
#include "plan/plan.h"

#define WATCHING_LINE_MS 10000

struct watching_log;

/* In the arena, which also gets an entry for each step. NULL: memory. The board is borrowed. */
struct watching_log *watching_log_open(struct verdict_board *board, const struct log_sink *log, struct arena *arena);

/* To be called about once a second with the plan that runs; `revision`: its number, from 1. */
void watching_log_look(struct watching_log *watching, const struct plan *plan, uint64_t revision, int64_t now_ms);

#endif
