/* adwin.h: ADWIN (Bifet and Gavalda 2007): a window over a stream of numbers that ends where its mean has changed.
 *
 * The window is an exponential histogram: level i holds up to `buckets` sums of 2^i numbers. So n numbers take
 * 24 bytes * (buckets + 1) * log2(n / buckets); all levels there can be, ADWIN_LEVELS, are taken at the beginning
 * (6.9 KB with 5 buckets). A number costs a few additions; every `clock` numbers all boundaries between buckets are
 * looked at, oldest first. After an alarm the next number starts a window of its own, as in river 0.26.
 *
 * Pure; a detector belongs to one thread.
 */
#ifndef SLUICE_DRIFT_ADWIN_H
#define SLUICE_DRIFT_ADWIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define ADWIN_LEVELS 48 /* more numbers than ever come */

struct adwin_options {
	double delta;	    /* the chance of a false alarm at one look */
	unsigned clock;	    /* numbers between looks */
	unsigned buckets;   /* of a level, at least 1 */
	unsigned least;	    /* numbers on either side of a boundary */
	unsigned long grace; /* a window is looked at from more numbers than these on */
};

struct adwin;

/* NULL: the arena is full. */
struct adwin *adwin_open(struct arena *arena, const struct adwin_options *options);
bool adwin_add(struct adwin *adwin, double number); /* true: an alarm */

#endif
