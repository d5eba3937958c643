/* full_line.h: Spell in which a model's line is full: the model has as many calls as it takes at once, and others wait. So a line
 * of the model's own making is told from one that works off a backlog.
 *
 * Requests that were written before the spell began are a backlog: of an outage of Kafka, or of a restart. They are taken at once,
 * and all calls wait for them until the line has room again. A model that is loaded to 90% by what comes catches up in nine times
 * as long as the oldest of them had waited for the engine. One that has no room after FULL_LINE_CATCHES_UP times as long cannot
 * take what comes, and what calls wait from then on is its own making. Without a backlog, so is what they wait after a peak's
 * time. What was written during the spell is no backlog, however late the engine takes it: it takes no more while the line is as
 * long as it may be.
 *
 * Pure: the clock is an argument.
 */
#ifndef SLUICE_MODELS_CALLS_FULL_LINE_H
#define SLUICE_MODELS_CALLS_FULL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define FULL_LINE_CATCHES_UP 10
#define FULL_LINE_PEAK_US ((int64_t)5000000) /* a line that is full for a shorter time is one of a moment */

struct full_line { /* zeroed: it has room */
	bool is_full;
	int64_t since_us;   /* while it is full */
	int64_t backlog_us; /* how long the oldest request in it had been written when the spell began, or when it came */
};

/* A call joins the line, whose request was written so long ago. */
static inline void full_line_join(struct full_line *line, int64_t age_us, int64_t now_us)
{
	const int64_t before_us = line->is_full ? age_us - (now_us - line->since_us) : age_us;
	line->backlog_us = before_us > line->backlog_us ? before_us : line->backlog_us;
}

/* Calls have been sent as far as the model takes them. */
static inline void full_line_note(struct full_line *line, bool is_full, int64_t now_us)
{
	if (!is_full)
		line->backlog_us = 0;
	else if (!line->is_full)
		line->since_us = now_us;
	line->is_full = is_full;
}

/* How much of the time in line since `from_us` is of the model's own making. */
static inline int64_t full_line_own_us(const struct full_line *line, int64_t from_us, int64_t now_us)
{
	const int64_t catch_up_us = FULL_LINE_CATCHES_UP * line->backlog_us,
		      caught_up_us = line->since_us + (catch_up_us > FULL_LINE_PEAK_US ? catch_up_us : FULL_LINE_PEAK_US),
		      own_us = now_us - (from_us > caught_up_us ? from_us : caught_up_us);
	return line->is_full && own_us > 0 ? own_us : 0;
}

#endif
