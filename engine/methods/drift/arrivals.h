/* arrivals.h: Arrivals of rows: how many came in a minute of a reference, how long its newest row stayed the newest, and the bounds
 * that follow for a window.
 *
 *   rate   rows a minute. The reference is cut into periods of about as many rows as a window; the cube root of their
 *          milliseconds a row is nearly normal (Wilson and Hilferty), so a window is bounded by Student's t. Periods that follow
 *          from one another count as fewer (drift_dependence()). A window with a gap so long as the tail of gaps has it once in a
 *          while is no slower one. Where rows follow from one another, as in bursts, the bounds are as far as those of a power
 *          through the slowest and the fastest spans of the reference, and as what lasted for a quarter of a window; so far is the
 *          upper bound, too, where quarters of a window vary by far more than independent rows, as with clusters of rows.
 *   age    the longest time for which no newer row came. The tail of the reference's gaps is taken to be a power (Hill), which is
 *          on the safe side of an exponential one.
 *
 * A reference teaches only what is in it: one of an hour knows no nights, and one with fewer than some twenty states or bursts does
 * not know how long they last. Pure; a law belongs to one thread.
 */
#pragma once

#include "base/arena.h"

#define MINUTE_MS 60000.0
#define ARRIVAL_TIMES_MAX 1001 /* of a reference, evenly spread over its rows */
#define ARRIVAL_GAPS_MAX 100   /* its longest */
#define ARRIVAL_SPAN_MS 60000  /* a reference of less says nothing of messages a minute */

/* Of a reference: plain data, borrowed from whoever made it. */
struct arrivals {
	uint64_t rows;
	size_t count;		/* 0: the reference has no times; else at least 2 */
	const double *times_ms; /* ascending, the first and the last among them */
	size_t gap_count;
	const double *gaps_ms; /* descending */
};

/* Learns from the times of at least two rows, which it sorts. False: the arena is full. */
bool arrivals_learn(int64_t *times_ms, size_t rows, struct arena *arena, struct arrivals *arrivals);

/* Why no window can be judged by it, in the words of a record; NULL: it can. */
const char *arrivals_trouble(const struct arrivals *arrivals);

/* A window: so many rows in so long, and the longest time without a newer one. */
struct arrival_window {
	double rows, duration_ms, age_ms;
	double usual_rows;	      /* of such a window; 0: as many as the reference's rate gives */
	double share;		      /* of the rows that came, that are in it */
	double rate_alpha, age_alpha; /* chances of a false alarm of each */
};

struct arrival_finding {
	double rate, rate_low, rate_high; /* rows a minute */
	double age_most_ms;
	bool rate_alarm, age_alarm;
};

struct arrival_law;

/* NULL: the arena is full. The arrivals are borrowed, and have no trouble. */
struct arrival_law *arrival_law_open(struct arena *arena, const struct arrivals *arrivals);

/* Judges a window of at least one row. */
struct arrival_finding arrival_judge(struct arrival_law *law, const struct arrival_window *window);
