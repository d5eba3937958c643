/* detectors.h: Online detectors of a drift monitor, of one feature: CUSUM, Page-Hinkley and ADWIN.
 *
 * They follow the feature from window to window, number by number. A number counts by its place in the reference alone: ADWIN
 * takes the share of the reference below it, the sums its normal score, with mean 0 and deviation 1 in the reference. So the
 * rate of false alarms does not depend on how the feature is distributed.
 *
 *   cusum          sums of deviations from the reference's mean; it raises an alarm in each window while the change stays
 *   page-hinkley   the same from the stream's own mean since its last alarm, so a change raises one alarm and becomes usual
 *   adwin          the window of latest numbers that have one mean; after an alarm it begins anew
 *
 * A detector that raised an alarm goes on to the end of the window, by which the size of the change is known, and then begins
 * anew. Levels are by cusum_law.h, and those of ADWIN by its own bound.
 *
 * Memory: 16 KB for the normal scores, and 6 KB for ADWIN. The state may be stored: 96 bytes, and of ADWIN 40 and 88 for each
 * doubling of the numbers in its window.
 */
#pragma once

#include "base/text.h"
#include "methods/numeric/table.h"

/* Detectors of a change in a stream of numbers, one number at a time: Page-Hinkley and CUSUM.
 *
 * Each is a plain value of a few numbers, set up by its begin function, and costs the same for every number. A
 * detector that raised an alarm starts anew with the next number. What it watches should be standardised by the
 * reference first: thresholds are in the numbers' own unit. NaN is for the caller to leave out.
 *
 * Pure; a detector belongs to one thread. adwin.h has the one that keeps a window.
 */
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

enum detector { DETECTOR_PAGE_HINKLEY, DETECTOR_CUSUM, DETECTOR_ADWIN, DETECTORS };

/* What is known of the feature by its reference. */
struct detectors_usual {
	const struct sorted *sorted; /* borrowed; two values or more that differ */
	double count;		     /* of the values that it stands for */
	double dependence;	     /* drift_dependence() */
};

/* What one found in a window: a change of `effect`, where chance explains one of `level`; `p`: how often chance explains it. The
 * change of a sum is over the rows since it began if that is an alarm, and otherwise over the rows of the window at least. */
struct detector_finding {
	double statistic, effect, level, p;
	bool alarm;
};

struct detectors;

/* Those of the set `wanted`, a bit for each. NULL: the arena is full. */
struct detectors *detectors_open(struct arena *arena, const struct detectors_usual *usual, unsigned wanted);

/* Takes the numbers of a window in their order, at the chance `alpha` of a false alarm of each detector in it. NaN is left out.
 * The first `looked` of them are not read: detectors_look() has taken them, in the same order. 0: it is to have taken none. */
void detectors_take(struct detectors *detectors, const double *numbers, size_t count, size_t looked, double alpha,
		    struct detector_finding findings[DETECTORS]);

/* Whether detectors_take() of so many numbers may follow the looks of the window: the result is that of taking them all. */
bool detectors_may_follow(const struct detectors *detectors, size_t count, double alpha);

/* The same of some numbers of a window that has not ended, at the chance `rate` of a false alarm of each detector at a number; 0:
 * it is not known, and none raises one. What is found is of all numbers of the window so far; `places`: where among these numbers
 * an alarm was raised. None is raised twice. Where detectors_may_follow() forbids
 * it, the window's end has to be taken from the state before its first number. */
void detectors_look(struct detectors *detectors, const double *numbers, size_t count, double rate,
		    struct detector_finding findings[DETECTORS], size_t places[DETECTORS]);

/* Whether some numbers can raise an alarm, in windows of so many at the chance `alpha`. */
bool detectors_can_alarm(const struct detectors *detectors, size_t count, double alpha);

/* Forgets all numbers. */
void detectors_begin(struct detectors *detectors);

/* The state between windows as bytes: how many, and the bytes. */
size_t detectors_bytes(const struct detectors *detectors);
void detectors_write(const struct detectors *detectors, char *bytes);

/* Takes the state from the front of the bytes, and leaves the rest. False: it is none. */
bool detectors_read(struct detectors *detectors, struct text *bytes);
