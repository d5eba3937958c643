/* watching_log.h: State of the steps of an engine that watch data, and log lines about it: a step `drift` or `outlier` that is
 * learning its reference, that can use it, or cannot, or that has more segments than it watches. So whoever wonders why an alert on
 * drift does not fire finds the reason in the log, and while it lasts in the status of the pipeline.
 *
 * A step has a line when that changes, and at most one in WATCHING_LINE_MS. It is about what happens in this engine: a step whose
 * observer runs elsewhere has none.
 */
#pragma once

#include "observe/log_sink.h"
#include "observe/verdict_board.h"
#include "compiler/plan/plan.h"

#define WATCHING_LINE_MS 10000

struct watching_log;

/* In the arena, which also gets an entry for each step. NULL: memory. The board is borrowed. */
struct watching_log *watching_log_open(struct verdict_board *board, const struct log_sink *log, struct arena *arena);

#define BLIND_WHY_BYTES 512 /* may be cut off */

/* Whether a step of the pipeline watches nothing that comes, as of the last look, and why: one whose reference cannot be learnt, or
 * used, or that cannot use messages. A step that is learning may have nothing to watch by yet; that is as it should be. */
bool watching_log_is_blind(const struct watching_log *watching, const char *pipeline, char why[BLIND_WHY_BYTES]);

/* Writes which of the pipeline's steps `drift` have drift in the last window of this engine, as of the last look, and in which
 * feature most: "step watch has found drift: feature x.a by ks: effect 0.31, p 2.1e-09". Nothing: none has. */
void watching_log_write_drift(const struct watching_log *watching, const char *pipeline, struct buffer *out);

/* To be called about once a second with the plan that runs; `revision`: its number, from 1. */
void watching_log_look(struct watching_log *watching, const struct plan *plan, uint64_t revision, int64_t now_ms);
