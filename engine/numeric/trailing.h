/* trailing.h: the last values of one series, kept as plain bytes.
 *
 * A window holds the last so many values, in the order in which they were added; or
 * those of the last so many milliseconds, in the order of their times, equal times in
 * the order in which they were added. Beside the values stands what is tracked of them:
 * each value added or forgotten costs the same, however many there are, but for order,
 * which costs the logarithm and a move of two bytes a value, and for a value that is
 * older than others, which is put between them.
 *
 * The bytes have no pointers: they may be copied, kept and moved, aligned to 8. They
 * have room for `capacity` values; who owns them asks trailing_capacity() before each
 * value, and moves them when it is another. So what was seen once takes little.
 *
 * NaN is left out of all that is tracked, and counted: it takes a place among the
 * messages. Infinite values are counted too, so that all is as before once they have
 * left. What a window without values has is NaN; a sum is 0. Finite values whose sum or
 * squares overflow are gone through anew with each message while they are there; what is
 * made of them is infinite only where it lies beyond a double itself.
 *
 * Sums are compensated (Neumaier); spread is Welford's, with values taken off again, over
 * distances from one of them, so that a large offset costs no digits. Both are made anew
 * from the values every window length, and when most of what they held has left, so
 * errors do not pile up. Extremes are monotone queues; order is an array of places.
 *
 * Pure. Any thread may use windows of its own.
 */
#ifndef SLUICE_NUMERIC_TRAILING_H
#define SLUICE_NUMERIC_TRAILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In one window, at most: places are numbers of 16 bits, and what a key remembers is one
 * record of Kafka, of less than 1 MB. */
#define TRAILING_VALUES_MAX 32768

enum trailing_track {
	TRACK_SUM = 1,
	TRACK_SPREAD = 2,
	TRACK_LEAST = 4,
	TRACK_GREATEST = 8,
	TRACK_ORDER = 16,
};

struct trailing {
	uint32_t messages;   /* how many it spans; 0: it spans a duration */
	int64_t duration_ms; /* a value is in it while it is younger than that */
	unsigned tracks;     /* of trailing_track */
};

/* How many bytes a window of that capacity takes, a multiple of 8. All zero it is empty. */
size_t trailing_bytes(const struct trailing *form, uint32_t capacity);

/* The capacity that it must have to take another value when the newest time is
 * `newest_ms`; `window` NULL: it is not there yet. Above TRAILING_VALUES_MAX: it must not
 * take another one. */
uint32_t trailing_capacity(const struct trailing *form, const void *window, uint32_t capacity, int64_t newest_ms);

/* Writes at `to`, which is all zero, what `from` holds. */
void trailing_move(const struct trailing *form, const void *from, uint32_t from_capacity, void *to, uint32_t to_capacity);

/* Forgets what is too old at `newest_ms`, and adds a value, unless that is too old itself. */
void trailing_add(const struct trailing *form, void *window, uint32_t capacity, int64_t time_ms, int64_t newest_ms, double value);

/* Whether it has seen all the messages that it spans; one of a duration always has. */
bool trailing_warm(const struct trailing *form, const void *window);

/* Whether nothing is in it at that time, of all that was added: it is as good as new. */
bool trailing_spent(const struct trailing *form, const void *window, uint32_t capacity, int64_t newest_ms);

uint32_t trailing_messages(const void *window); /* in it */
uint32_t trailing_values(const void *window);	/* of them, not NaN */
uint32_t trailing_zeros(const void *window);	/* of them, 0 */

double trailing_sum(const struct trailing *form, const void *window, uint32_t capacity);
double trailing_mean(const struct trailing *form, const void *window, uint32_t capacity);

/* The mean and the sum of squared distances from it; both NaN where infinite values are. */
double trailing_squares(const struct trailing *form, const void *window, uint32_t capacity, double *mean);

/* The root of these squares over so many values less `freedom`: 1 of a sample, 0 of all there
 * is. NaN where that leaves none. */
double trailing_deviation(const struct trailing *form, const void *window, uint32_t capacity, unsigned freedom);

/* How far a value lies above that mean, also where an offset leaves the mean itself few digits. */
double trailing_above_mean(const struct trailing *form, const void *window, uint32_t capacity, double value);

double trailing_least(const struct trailing *form, const void *window, uint32_t capacity);
double trailing_greatest(const struct trailing *form, const void *window, uint32_t capacity);

/* Linear between order statistics (type 7). */
double trailing_quantile(const struct trailing *form, const void *window, uint32_t capacity, double q);
uint32_t trailing_distinct(const void *window);

/* Rests are what doubles leave of integers beyond 2^53: x - (double)x. They are a window beside that of the values, of the
 * same messages, extent and capacity, which tracks nothing: rests are added, and moved, when values are. */
struct trailing trailing_rests_form(const struct trailing *form);

/* Rests of 0 for all that a window has; `rests` is all zero. */
void trailing_rests_begin(const struct trailing *form, const void *window, uint32_t capacity, void *rests);

/* The rest of the least or the greatest of the integers. It goes through all of them. */
double trailing_rest_of_extreme(const struct trailing *form, const void *window, const void *rests, uint32_t capacity,
				bool greatest);

double trailing_first(const struct trailing *form, const void *window, uint32_t capacity);  /* that is not NaN */
double trailing_last(const struct trailing *form, const void *window, uint32_t capacity);   /* that is not NaN */
double trailing_oldest(const struct trailing *form, const void *window, uint32_t capacity); /* NaN too */

#endif
