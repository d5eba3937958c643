/* monitor_parts.h: State of the drift monitor for one feature: what is learnt from the reference (monitor_learn.c), and the
 * tests and the bounds of a window (monitor_window.c). */
#ifndef SLUICE_DRIFT_MONITOR_PARTS_H
#define SLUICE_DRIFT_MONITOR_PARTS_H

#include "drift/binned.h"
#include "drift/detectors.h"
#include "drift/joint.h"
#include "drift/monitor.h"
#include "drift/null_law.h"
#include "numeric/table.h"

#define MONITOR_BINS 10		  /* as usual for PSI */
#define MONITOR_SORTED_MAX 1024	  /* quantiles that stand for a longer reference */
#define MONITOR_TAIL 0.025	  /* a share of the reference */
#define MONITOR_PIVOTS 128	  /* they part a window's values before they are sorted */
#define MONITOR_QUALITY_SHARE 0.1 /* of the declared rate */
#define MONITOR_QUALITY_CHECKS 3  /* of a feature */

#define MONITOR_OF_BINS (1U << MONITOR_PSI | 1U << MONITOR_JENSEN_SHANNON | 1U << MONITOR_CHI_SQUARE)
#define MONITOR_OF_LAWS (MONITOR_OF_BINS | 1U << MONITOR_WASSERSTEIN) /* those whose law is drawn when a monitor opens */

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

/* Joint tests (monitor_joint.c). */
struct monitor_joints {
	size_t count;	  /* 0: there is none */
	struct joint_part {
		struct joint *joint;
		const double **columns; /* of the window */
	} *parts;
	struct monitor_joint *findings; /* of the window */
};

/* CONFIG: the window or the reference is too small for them, or a set has a feature that the reference lacks. */
bool monitor_joints_check_window(const struct monitor_settings *settings, struct error *error);
bool monitor_joints_check(const struct drift_reference *reference, const struct monitor_settings *settings, struct error *error);

/* Learns from the reference, of which the features have learnt. False: memory runs out. */
bool monitor_joints_learn(struct monitor_joints *joints, const struct drift_reference *reference,
			  const struct watched_feature *features, const struct monitor_settings *settings, struct arena *arena);

/* Tests a window, at the level `alpha` of each. How many tests there are: none, if it has too few rows. */
size_t monitor_joints_test(const struct monitor_joints *joints, size_t rows, double alpha);

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
