/* monitor_parts.h: State of the drift monitor for one feature: what is learnt from the reference (monitor_learn.c), and the
 * tests and the bounds of a window (monitor_window.c). */
#ifndef SLUICE_DRIFT_MONITOR_PARTS_H
#define SLUICE_DRIFT_MONITOR_PARTS_H

#include "drift/binned.h"
#include "drift/detectors.h"
#include "drift/monitor.h"
#include "drift/null_law.h"
#include "numeric/table.h"

#define MONITOR_BINS 10		  /* as usual for PSI */
#define MONITOR_SORTED_MAX 1024	  /* quantiles that stand for a longer reference */
#define MONITOR_TAIL 0.025	  /* a share of the reference */
#define MONITOR_PIVOTS 128	  /* they part a window's values before they are sorted */
#define MONITOR_QUALITY_SHARE 0.1 /* of the declared rate */
#define MONITOR_QUALITY_CHECKS 3  /* of a feature */

struct watched_feature {
	struct text name;
	bool categories;
	unsigned methods;
	size_t count;	   /* values of the reference that are not missing */
	double dependence; /* drift_dependence() */
	struct sorted sorted;
	double deviation, least, greatest;
	double pivots[MONITOR_PIVOTS - 1];
	struct bins bins;
	size_t bin_count;	/* of categories one more than there are */
	double *counts;		/* of the reference, by bin */
	struct null_law binned; /* of the Jensen-Shannon distance */
	size_t tail;		/* places of `sorted` at either end that say too little of their law */
	struct null_law moved, settled; /* of W1 divided by the deviation: of all, and without both tails */
	size_t category_count;
	const struct text *category_names;
	double common_share; /* of the commonest value */
	uint64_t once;	     /* categories that came once */
	uint64_t all_rows, missing;
	struct detectors *detectors; /* NULL: none of the methods is online */
	double *values; /* of the window */
	double first;	/* of the window that closed last */
};

/* A row in the order of the online methods. */
struct monitor_place {
	struct monitor_moment moment;
	size_t row;
};

/* Memory of one window's tests. */
struct monitor_scratch {
	struct monitor_place *order; /* of the window's rows; NULL: no method is online */
	double *present, *sorted;
	uint32_t *parts;
	double *counts;
};

/* Learns from the reference: false if memory runs out. */
bool watched_learn(struct watched_feature *watched, const struct drift_reference *reference, size_t feature, size_t window_rows,
		   struct arena *arena);

/* Tests the values of a window at the level `alpha` of each test, and its quality at `quality_alpha` of each check. */
void watched_test(const struct watched_feature *watched, size_t rows, double alpha, double quality_alpha,
		  const struct monitor_scratch *scratch, struct monitor_feature *verdict);

/* Distances of two samples in rising order. */
struct sample_distances {
	double largest;	    /* of the distribution functions: Kolmogorov-Smirnov */
	double moved;	    /* W1; without infinite values */
	double settled;	    /* of it, the part without `tail` values at both ends of the reference */
};
struct sample_distances sample_distances_of(const struct sorted *reference, size_t tail, const struct sorted *current);

#endif
