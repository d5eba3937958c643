/* overlap.h: Overlap of an experiment with others: the units that met both, by the variants of each, and whether these are
 * independent.
 *
 * Two experiments of one pipeline that share no layer may have the same units. While the choices of one do not depend on those of
 * the other, its comparison holds, for the mean over the other's variants. A dependence is a fault of the split, for example of one
 * experiment that only some candidates of the other reach.
 *
 * Pure; the tables are in the arena. Only exposures that chance chose count, of each unit the first that comes.
 */
#ifndef SLUICE_EXPERIMENTS_OVERLAP_H
#define SLUICE_EXPERIMENTS_OVERLAP_H

#include "message/exposure.h"

#define OVERLAPS_MAX 64	  /* other experiments; further ones are not tabulated */
#define OVERLAP_WAYS_MAX 64 /* variants of one */

struct overlap;

struct overlap_table {
	struct text experiment; /* the other one */
	size_t ways, other_ways;
	const struct text *names, *other_names;
	const double *counts; /* units: of each variant of ours a row with those of the other */
	double units;
	double p;	 /* chi-square of independence; NaN: there is nothing to test */
	bool dependent; /* p is below SPLIT_ALPHA */
};

/* NULL: memory ran out. Borrows the name. */
struct overlap *overlap_open(struct arena *arena, const char *experiment);
void overlap_close(struct overlap *overlap); /* NULL is fine */

/* Takes an exposure of any experiment. False: SYSTEM. */
bool overlap_expose(struct overlap *overlap, const struct exposure *exposure, struct error *error);

/* The tables of the experiments that share a unit with this one, in the order in which they came. NULL: SYSTEM. */
const struct overlap_table *overlap_end(struct overlap *overlap, size_t *count, struct error *error);

#endif
