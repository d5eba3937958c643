/* linear_carry.h: Carry of numbers: the part of a number that comes back in the next one, where numbers follow from one another and
 * not their ranks. After a number far out those that follow it decay as it does, which ranks do not show.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_METHODS_DRIFT_CHANGE_LINEAR_CARRY_H
#define SLUICE_METHODS_DRIFT_CHANGE_LINEAR_CARRY_H

#include <math.h>

#include "base/arena.h"
#include "methods/drift/change/rank_score.h"

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

#endif
