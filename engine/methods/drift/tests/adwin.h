/* adwin.h: ADWIN (Bifet and Gavalda 2007): a window over a stream of numbers that ends where its mean has changed.
 *
 * The window is an exponential histogram: level i holds up to `buckets` sums of 2^i numbers. So n numbers take
 * 24 bytes * (buckets + 1) * log2(n / buckets); all levels there can be, ADWIN_LEVELS, are taken at the beginning
 * (6.9 KB with 5 buckets). A number costs a few additions; every `clock` numbers all boundaries between buckets are
 * looked at, oldest first. After an alarm the next number starts a window of its own, as in river 0.26.
 *
 * Its state may be stored as bytes between two numbers, if the last one raised no alarm.
 *
 * Pure; a detector belongs to one thread.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"

#define ADWIN_LEVELS 48 /* more numbers than ever come */

struct adwin_options {
	double delta;	    /* the chance of a false alarm at one look */
	unsigned clock;	    /* numbers between looks */
	unsigned buckets;   /* of a level, at least 1 */
	unsigned least;	    /* numbers on either side of a boundary */
	unsigned long grace; /* a window is looked at from more numbers than these on */
	double dependence;   /* so many numbers say as much as one of independent ones, at least 1 */
};

struct adwin;

/* NULL: the arena is full. */
struct adwin *adwin_open(struct arena *arena, const struct adwin_options *options);
bool adwin_add(struct adwin *adwin, double number); /* true: an alarm */

/* Keeps the window though the last number raised an alarm; forgets all numbers. */
void adwin_keep(struct adwin *adwin);
void adwin_begin(struct adwin *adwin);

/* The chance of a false alarm at one look, from the next number on. */
void adwin_tune(struct adwin *adwin, double delta);

/* The boundary at which the means are apart by most more than chance explains. Without one, all is 0. */
struct adwin_boundary {
	double apart, bound;
	double delta; /* the chance of a false alarm by which it would just raise one */
};
struct adwin_boundary adwin_boundary_best(const struct adwin *adwin);

/* The state, and how many bytes it has. adwin_read() takes it from the front of the bytes; false: it is none of these options. */
size_t adwin_bytes(const struct adwin *adwin);
void adwin_write(const struct adwin *adwin, char *bytes);
bool adwin_read(struct adwin *adwin, struct text *bytes);
