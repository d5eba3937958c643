/* linear_carry.h: Carry of numbers: the part of a number that comes back in the next one, where numbers follow from one another and
 * not their ranks. After a number far out those that follow it decay as it does, which ranks do not show.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <math.h>

#include "methods/numeric/table.h"

/* Scores of numbers by their rank in a reference: the share of the reference below a number, and the normal
 * quantile of that share.
 *
 * Pure; what was learnt may be shared by threads.
 */

/* The share, above 0 and below 1, at which a number stands among a reference that it joins; in the middle of those
 * equal to it. */
double rank_share(const struct sorted *reference, double number);

/* Whether the reference has this very number. */
bool rank_has(const struct sorted *reference, double number);

/* normal_quantile() of such shares, from a table. */
struct rank_normal {
	size_t count;	       /* of the reference */
	const double *numbers; /* of the shares (k + 1)/(2 count + 2), k from 0 */
};

bool rank_normal_open(struct rank_normal *table, size_t count, struct arena *arena);

static inline double rank_normal_of(const struct rank_normal *table, double share)
{
	return table->numbers[(size_t)(share * (double)(2 * table->count + 2) - 0.5)];
}

/* Numbers of rows in their order, none of which is missing. */
struct linear_carry_fit {
	const double *numbers;
	size_t count;
	const struct sorted *sorted;	  /* the same */
	const struct rank_normal *normal; /* of as many */
	double carry;			  /* what the normal scores of their ranks keep of the one before */
};

struct linear_carry {
	double carry;  /* 0: ranks tell as much */
	double origin; /* the number in the middle */
	double reach;  /* of a number further from that, the carry is not known well enough to say what is left of the next one */
};

/* What is left of a number beside the one before. NaN: not known. */
static inline double linear_carry_rest(const struct linear_carry *linear, double number, double before)
{
	const double apart = before - linear->origin;
	return fabs(apart) > linear->reach ? (double)NAN : number - linear->origin - linear->carry * apart;
}

/* Least absolute deviations, whose error is smallest where innovations have heavy tails. It is taken where it foretells the next
 * rank clearly better than the ranks do. False: the arena is full. */
bool linear_carry_fit(const struct linear_carry_fit *fit, struct linear_carry *linear, struct arena *arena);
