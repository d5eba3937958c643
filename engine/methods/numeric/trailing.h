/* trailing.h: Trailing window over the last values of one series, stored as plain bytes.
 *
 * A window contains the last values by count, in the order of addition. Or it contains the values of the last
 * milliseconds, in the order of their times, equal times in the order of addition. In addition to the values it
 * contains tracked results. The cost of adding or removing a value does not depend on their number, with two
 * exceptions. Order costs the logarithm, and a move of two bytes for each value. A value older than others is
 * inserted between them.
 *
 * The bytes have no pointers: they may be copied, stored and moved, aligned to 8. They have space for `capacity`
 * values. Their owner calls trailing_capacity() before each value, and moves them when it returns another capacity.
 * So a rarely seen key needs little memory.
 *
 * NaN is ignored by all tracked results, but counts as a message. Infinite values are counted separately, so that the
 * results recover after they have left. The results of a window without values are NaN; a sum is 0. While there are
 * finite values whose sum or squares overflow, the results are computed again from all values with each message. Such
 * a result is infinite only if it exceeds the range of a double itself.
 *
 * Sums are compensated (Neumaier). Spread is Welford's, with removal of values, over distances from one of them, so
 * that a large offset costs no digits. Both are computed again from the values every window length, and when most of
 * their content has left, so that errors do not accumulate. Extremes are monotone queues; order is an array of
 * positions.
 *
 * Pure. Any thread may use windows of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most values of one window: positions are numbers of 16 bits, and the state of a key is one record of Kafka, of
 * less than 1 MB. */
#define TRAILING_VALUES_MAX 32768

enum trailing_track {
	TRACK_SUM = 1,
	TRACK_SPREAD = 2,
	TRACK_LEAST = 4,
	TRACK_GREATEST = 8,
	TRACK_ORDER = 16,
};

struct trailing {
	uint32_t messages;   /* number of messages that it spans; 0: it spans a duration */
	int64_t duration_ms; /* values younger than that are in it */
	unsigned tracks;     /* set of trailing_track */
};

/* The size in bytes of a window of that capacity, a multiple of 8. All zero it is empty. */
size_t trailing_bytes(const struct trailing *form, uint32_t capacity);

/* The capacity needed for another value when the newest time is `newest_ms`; `window` NULL: there is none yet. Above
 * TRAILING_VALUES_MAX: no other value may be added. */
uint32_t trailing_capacity(const struct trailing *form, const void *window, uint32_t capacity, int64_t newest_ms);

/* Copies the window `from` to `to`, which is all zero. */
void trailing_move(const struct trailing *form, const void *from, uint32_t from_capacity, void *to, uint32_t to_capacity);

/* Removes values that are too old at `newest_ms`, and adds a value, unless it is too old itself. */
void trailing_add(const struct trailing *form, void *window, uint32_t capacity, int64_t time_ms, int64_t newest_ms, double value);

/* Whether as many messages as it spans were added; always true for a duration. */
bool trailing_warm(const struct trailing *form, const void *window);

/* Whether all values have left at that time, so that it equals a new window. */
bool trailing_spent(const struct trailing *form, const void *window, uint32_t capacity, int64_t newest_ms);

uint32_t trailing_values(const void *window); /* messages in it that are not NaN */
uint32_t trailing_zeros(const void *window);  /* of them, 0 */

double trailing_sum(const struct trailing *form, const void *window, uint32_t capacity);
double trailing_mean(const struct trailing *form, const void *window, uint32_t capacity);

/* The mean and the sum of squared distances from it; both NaN if there are infinite values. */
double trailing_squares(const struct trailing *form, const void *window, uint32_t capacity, double *mean);

/* The square root of these squares divided by the number of values less `freedom`: 1 for a sample, 0 for a
 * population. NaN if the divisor is not above 0. */
double trailing_deviation(const struct trailing *form, const void *window, uint32_t capacity, unsigned freedom);

/* The distance of a value above that mean, exact also where a large offset leaves the mean few digits. */
double trailing_above_mean(const struct trailing *form, const void *window, uint32_t capacity, double value);

double trailing_least(const struct trailing *form, const void *window, uint32_t capacity);
double trailing_greatest(const struct trailing *form, const void *window, uint32_t capacity);

/* Interpolated linearly between order statistics (type 7). */
double trailing_quantile(const struct trailing *form, const void *window, uint32_t capacity, double q);
uint32_t trailing_distinct(const void *window);

/* Rests are the parts of integers beyond 2^53 that a double cannot hold: x - (double)x. They have a window of their
 * own beside that of the values, with the same messages, extent and capacity, and no tracks. Rests are added and
 * moved together with values. */
struct trailing trailing_rests_form(const struct trailing *form);

/* Adds rests of 0 for all values of a window; `rests` is all zero. */
void trailing_rests_begin(const struct trailing *form, const void *window, uint32_t capacity, void *rests);

/* The rest of the least or the greatest integer. It visits all of them. */
double trailing_rest_of_extreme(const struct trailing *form, const void *window, const void *rests, uint32_t capacity,
				bool greatest);

double trailing_first(const struct trailing *form, const void *window, uint32_t capacity);  /* the first or last that is not NaN */
double trailing_last(const struct trailing *form, const void *window, uint32_t capacity);   /* the first or last that is not NaN */
double trailing_oldest(const struct trailing *form, const void *window, uint32_t capacity); /* may be NaN */
