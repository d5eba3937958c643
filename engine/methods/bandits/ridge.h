/* ridge.h: Ridge regression of one arm's rewards on a context x, learnt one reward at a time.
 *
 * It keeps the sums G of x x' and b of reward * x, and from them M = (lambda I + G)^-1 and theta = M b. A reward costs
 * O(d^2) by the formula of Sherman and Morrison; M is made anew from the sums by Cholesky every RIDGE_REFRESH rewards,
 * so that errors of rounding do not add up. The sums are the state: they are stored and merged, the rest follows.
 *
 * Matrices are the rows of a lower triangle (methods/numeric/cholesky.h). Memory is the arena's. Numbers are at most
 * RIDGE_NUMBER_MOST, which the caller has checked.
 */
#pragma once

#include "base/arena.h"

#define RIDGE_REFRESH 1000
#define RIDGE_NUMBER_MOST 1e50 /* squares of these can be summed a billion times */

struct ridge {
	size_t features; /* d */
	double lambda;	 /* above 0 */
	double *gram;	 /* G */
	double *moments; /* b */
	double *inverse; /* M */
	double *theta;
	double *scratch;  /* a triangle and two rows */
	unsigned updates; /* since M was made anew */
};

/* False: the arena is full. */
bool ridge_open(struct ridge *ridge, struct arena *arena, size_t features, double lambda);

/* A reward that was given in a context. */
void ridge_add(struct ridge *ridge, const double *x, double reward);

/* So many rewards of that mean, all given in one context. M is made anew: O(d^3). */
void ridge_add_many(struct ridge *ridge, const double *x, double mean, double count);

/* A context whose reward was 0 is taken out again. */
void ridge_remove(struct ridge *ridge, const double *x);

/* The sums of `from` are added; both have the same features and lambda. */
void ridge_merge(struct ridge *into, const struct ridge *from);

/* Makes M and theta from the sums. Where rounding has left them no positive matrix, what it takes is added to the diagonal.
 * False: the sums are none of contexts, and nothing has changed. */
bool ridge_refresh(struct ridge *ridge);

/* x' theta, and x' M x. */
double ridge_mean(const struct ridge *ridge, const double *x);
double ridge_variance(const struct ridge *ridge, const double *x);
