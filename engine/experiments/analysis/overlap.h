/* overlap.h: Overlap of an experiment with others: the units that met both, by the variants of each, and whether these are
 * independent.
 *
 * Two experiments without a layer may have the same units. Where they share a pipeline and a metric, one may change what the
 * other measures. While the choices of one do not depend on those of the other, its comparison holds, for the mean over the
 * other's variants. A dependence is a fault of the split, for example of one experiment that only some candidates of the other
 * reach.
 *
 * They share a pipeline if exposures of both come before the same overlap_pipeline_end(). They share a metric if feedback of the
 * other's requests has one that our own join has too. A truth counts as the accuracy. Latencies do not count: all have them.
 *
 * Pure; the tables are in the arena. Only exposures that chance chose count, of each unit the first that comes.
 */
#pragma once

#include "experiments/analysis/unit_join.h"

#define OVERLAPS_MAX 63	  /* other experiments; further ones are not tabulated */
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

/* Takes feedback, after the exposures that it is for. False: SYSTEM. */
bool overlap_inform(struct overlap *overlap, const struct feedback *feedback, struct error *error);

/* Ends a pipeline: exposures that follow are of another one. */
void overlap_pipeline_end(struct overlap *overlap);

/* The tables of the experiments without a layer that share a unit, a pipeline and a joined metric with this one, in the order in
 * which they came; none if it has a layer. NULL: SYSTEM. */
const struct overlap_table *overlap_end(struct overlap *overlap, const struct joined *joined, size_t *count,
					struct error *error);
