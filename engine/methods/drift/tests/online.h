/* online.h: Detectors of a change in a stream of numbers, one number at a time: Page-Hinkley and CUSUM.
 *
 * Each is a plain value of a few numbers, set up by its begin function, and costs the same for every number. A
 * detector that raised an alarm starts anew with the next number. What it watches should be standardised by the
 * reference first: thresholds are in the numbers' own unit. NaN is for the caller to leave out.
 *
 * Pure; a detector belongs to one thread. adwin.h has the one that keeps a window.
 */
#ifndef SLUICE_METHODS_DRIFT_TESTS_ONLINE_H
#define SLUICE_METHODS_DRIFT_TESTS_ONLINE_H

#include <stdbool.h>
#include <stdint.h>

enum online_verdict { ONLINE_STABLE, ONLINE_WARNING, ONLINE_ALARM };
enum online_sides { ONLINE_BOTH, ONLINE_UP, ONLINE_DOWN };

/* ---- Page-Hinkley: sums of deviations from the running mean, beside their extremes ---- */

struct page_hinkley_options {
	uint64_t least;	  /* numbers before the first alarm */
	double delta;	  /* a deviation that counts as none */
	double threshold; /* of a sum beside its extreme */
	double fading;	  /* what a sum keeps of itself with each number, near 1 */
	enum online_sides sides;
};

struct page_hinkley {
	struct page_hinkley_options options;
	uint64_t count;
	double mean, up, least_up, down, most_down;
	bool alarmed;
};

void page_hinkley_begin(struct page_hinkley *detector, const struct page_hinkley_options *options);
enum online_verdict page_hinkley_add(struct page_hinkley *detector, double number);

/* ---- CUSUM of standardised numbers: both sums restart at an alarm ---- */

struct cusum {
	double mean, deviation, slack, threshold; /* slack and threshold in deviations */
	double up, down;
};

/* Which side raised it; ONLINE_BOTH: neither. */
enum online_sides cusum_add(struct cusum *detector, double number);

#endif
