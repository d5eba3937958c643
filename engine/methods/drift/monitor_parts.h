/* monitor_parts.h: State of the drift monitor, and for one feature what is learnt from the reference (monitor_learn.c;
 * monitor_laws.c for all features), and the tests and the bounds of a window (monitor_window.c). */
#pragma once

#include <math.h>

#include "methods/drift/tests/binned.h"
#include "methods/drift/detectors.h"
#include "methods/drift/tests/joint.h"
#include "methods/drift/missing_runs.h"
#include "methods/drift/monitor.h"
#include "methods/drift/tests/null_law.h"
#include "methods/numeric/table.h"

#define MONITOR_BINS 10		  /* as usual for PSI */
#define MONITOR_SORTED_MAX 1024	  /* values that stand for a longer reference */
#define MONITOR_TAIL 0.025	  /* a share of the reference */
#define MONITOR_PIVOTS 256	  /* they part a window's values before they are sorted */
#define MONITOR_QUALITY_SHARE 0.1 /* of the declared rate */
#define MONITOR_QUALITY_FIGURES 7 /* missing, mistyped, outside, unseen, still, rate and age: each has an equal part of that */
#define MONITOR_ALPHA_MOST 0.25	  /* of a window: a larger share of alarms is no verdict */
#define MONITOR_ALPHA_LEAST 1e-300

#define MONITOR_OF_BINS (1U << MONITOR_PSI | 1U << MONITOR_JENSEN_SHANNON | 1U << MONITOR_CHI_SQUARE)
#define MONITOR_OF_LAWS (MONITOR_OF_BINS | 1U << MONITOR_WASSERSTEIN) /* those whose law is drawn when a monitor opens */

struct watched_feature {
	struct text name;
	bool categories;
	unsigned methods;
	size_t count;	   /* values of the reference that are not missing */
	size_t season; /* rows after which values repeat (monitor_learn.c); 0: they do not, or the values follow from few before */
	bool whole_seasons; /* a window has some, and `dependence` is that of such windows */
	double dependence, missing_dependence; /* drift_dependence(): of values, and of whether one is missing */
	struct missing_runs missing_runs;      /* of the reference */
	struct sorted sorted;
	double deviation, least, greatest;
	double pivots[MONITOR_PIVOTS]; /* the last is infinite */
	struct bins bins;
	size_t bin_count;	/* of categories one more than there are */
	double *counts;		/* of the reference, by bin */
	double *current;	/* of the window, likewise */
	bool *pooled;		/* rare bins, which count as one; NULL: none is rare */
	struct null_law binned; /* of the chi-square distance */
	double binned_common;	/* the largest common size that it holds for */
	size_t tail;		/* places of `sorted` at either end that say too little of their law */
	double *least_p; /* of its tests, the least p by chance, rising: LEAST_KEPT of NULL_LAW_DRAWS; NULL: it has one test */
	struct null_law moved, settled; /* of W1 divided by the deviation: of all, and without both tails */
	size_t category_count;
	bool open; /* the last category is of all other texts */
	const struct text *category_names;
	const double *fingerprints; /* of the named ones; NULL: values are indices */
	double common_share; /* of the commonest value */
	uint64_t once;	     /* categories that came once; 0 where none can be new */
	uint64_t all_rows, missing, mistyped;
	struct detectors *detectors; /* NULL: none of the methods is online */
	double *values; /* of the window */
	double first;	/* of the window that closed last */
};

/* The chance that so many of a window's values are beyond both ends of `seen` values of the reference. A new value is with the
 * chance Beta(2, seen - 1), whatever their law; of dependent values, as many count as are independent. */
double watched_outside_sf(double many, double rows, double seen, double dependence);

/* Whether the bin is of all texts that are none of the others: so these differ among themselves. */
static inline bool watched_bin_is_mixed(const struct watched_feature *watched, size_t bin)
{
	return watched->open && bin + 1 == watched->category_count;
}

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
};

/* Joint tests (monitor_joint.c). */
struct monitor_joints {
	size_t count;	  /* 0: there is none */
	bool fits;	  /* else they are counted alone, and test nothing */
	struct joint_part {
		struct joint *joint;
		struct monitor_change *change; /* instead of it */
		const double **columns; /* of the window */
	} *parts;
	struct monitor_joint *findings; /* of the window */
};

/* CONFIG: the window or the reference is too small for them, or a set has a feature that the reference lacks. */
bool monitor_joints_check_window(const struct monitor_settings *settings, struct error *error);
bool monitor_joints_check(const struct drift_reference *reference, const struct monitor_settings *settings, struct error *error);

/* Learns from the reference, of which the features have learnt. False: memory runs out. */
bool monitor_joints_learn(struct monitor_joints *joints, const struct drift_reference *reference,
			  const struct watched_feature *features, const struct monitor_settings *settings, bool fits,
			  struct arena *arena);

/* Tests a window, at the level `alpha` of each. How many tests there are: none, if it has too few rows. */
size_t monitor_joints_test(const struct monitor_joints *joints, size_t rows, double alpha);

/* The change detector of all numeric features, as a joint test (monitor_change.c). CONFIG: windows or the rate are not by rows, or
 * the window is too small. */
bool monitor_change_check(const struct monitor_settings *settings, struct error *error);

/* Adds it to the joint tests, without what it learns. False: memory runs out. */
bool monitor_change_add(struct monitor_joints *joints, const struct drift_reference *reference,
			const struct watched_feature *features, struct arena *arena);

/* Lets it learn, now that the number of tests is known. False: memory runs out. */
bool monitor_change_open(struct monitor *self, const struct drift_reference *reference, struct arena *arena);

/* Looks at the rows of a window from the first one on. */
void monitor_change_test(const struct joint_part *part, size_t rows, struct monitor_joint *finding);

/* Learns from the reference, all but laws, for windows of so many rows (0: not known): false if memory runs out. */
bool watched_learn(struct watched_feature *watched, const struct drift_reference *reference, size_t feature, size_t window_rows,
		   struct arena *arena);

/* Rows of a window; of one by time as many as the arrivals of the reference let expect. 0: that is not known. */
double monitor_window_rows(const struct monitor_settings *settings, const struct arrivals *arrivals);

/* A feature's tests share one level by the law of the least of their p. The p of the other two counts double: a change that the
 * Kolmogorov-Smirnov test sees is then found about as often as by that test alone. */
#define LEAST_KEPT (NULL_LAW_DRAWS / 4) /* up to MONITOR_ALPHA_MOST */
#define LEAST_WEIGHT 2

/* Levels of the tests of one feature. */
struct feature_levels {
	double ks, others; /* of bins, and of W1 */
};
struct feature_levels watched_levels(const struct watched_feature *watched, double alpha);

/* Levels of a window. */
struct monitor_levels {
	double test;	/* of the tests of one feature together, and of each other test */
	double feature; /* of each figure of quality that all features have */
	double numbers, categories; /* of those that one of numbers, or of categories, has */
	double times; /* of each figure of times */
};

/* The root of the common size times what the Kolmogorov-Smirnov distance exceeds so rarely: the first term of its series,
 * the others are smaller than 1e-8 of it. */
static inline double ks_reach(double alpha)
{
	return sqrt(-log(alpha / 2) / 2);
}

/* Tests the values of a window, of which the online methods have `looked` at the first ones in their order. */
void watched_test(const struct watched_feature *watched, size_t rows, size_t looked, const struct monitor_levels *levels,
		  const struct monitor_scratch *scratch, struct monitor_feature *verdict);

/* ---- the whole monitor ---- */

/* What a window that takes `alpha` of the declared rate gives each of its tests and figures. */
struct monitor_levels monitor_levels_of(const struct monitor *self, double alpha);

/* The level of each of `test_count` in such a window. */
double monitor_test_level(const struct monitor *self, double alpha);

/* Draws the laws of the features, which have learnt, for windows of so many rows. False: memory runs out. */
bool monitor_laws_learn(struct monitor *self, const struct drift_reference *reference, size_t window_rows, struct arena *arena);

/* Online methods in the open window (monitor_online.c). */
struct monitor_looks {
	bool possible;	/* the window has all its rows in memory */
	size_t looked;	/* rows that the methods have seen */
	bool in_order;	/* as the order of the whole window has them */
	struct monitor_place latest; /* of these, in that order */
	int64_t most_ms; /* of these */
	uint64_t alarm_row;
	int64_t alarm_ms;
	char *begun; /* the state at the beginning of the window */
	size_t begun_bytes;
	bool due; /* `early` is of the row that was added last */
	struct monitor_verdict early;
	struct monitor_feature *features;
};

struct monitor {
	struct monitor_settings settings;
	size_t room; /* rows of the window that are kept */
	size_t feature_count, number_count; /* of features, and features of numbers */
	size_t test_count; /* that have a level of their own: those of one feature together, each online method, each joint test */
	struct watched_feature *features;
	struct monitor_scratch scratch;
	struct monitor_feature *verdicts;
	struct monitor_verdict verdict;
	struct monitor_position at; /* rows, late, stride and times: of the open window */
	size_t kept;
	size_t closed; /* rows that were kept of the window before */
	uint64_t sharers; /* windows that share the declared rate */
	bool blank; /* the reference has no rows */
	bool set_back; /* the clock was, and the window is open still; or is it that closes */
	struct monitor_joints joints;
	struct monitor_moment *moments; /* of the rows that are kept; NULL: no method is online */
	struct monitor_looks looks;
	struct arrival_law *arrivals; /* NULL: times are not judged */
	const char *unjudged;	      /* why */
};

/* What a window takes of the declared rate, within bounds. */
static inline double monitor_alpha_bounded(double alpha)
{
	return alpha > MONITOR_ALPHA_MOST ? MONITOR_ALPHA_MOST : alpha < MONITOR_ALPHA_LEAST ? MONITOR_ALPHA_LEAST : alpha;
}

/* Takes memory for the order of rows and the looks. False: it runs out. */
bool monitor_online_open(struct monitor *self, struct arena *arena);

/* A window begins; a row was kept, which may be the last before a look, and is told whether it is new (`fresh`). */
void monitor_looks_begin(struct monitor *self);
void monitor_looks_take(struct monitor *self, bool fresh);

/* Orders the rows of the window at its end, where each test has the level `alpha`: all of them, with the methods at the window's
 * beginning; or those after the looks, if the methods can go on from there. */
void monitor_looks_end(struct monitor *self, double alpha);

/* Learns from the times of the reference (monitor_times.c). False: memory runs out. */
bool monitor_times_learn(struct monitor *self, const struct drift_reference *reference, struct arena *arena);

/* Judges the open window at the level `alpha` of each figure. `ended`: nothing shows how long it lasts, as at the end of a file. */
struct monitor_times monitor_times_judge(const struct monitor *self, double alpha, bool ended);

/* Counts numbers in rising order by the bins of the feature. */
void watched_bins_count(const struct watched_feature *watched, const struct sorted *current, double *counts);

/* Distances of two samples in rising order. */
struct sample_distances {
	double largest;	    /* of the distribution functions: Kolmogorov-Smirnov */
	double moved;	    /* W1; without infinite values, and DBL_MAX at most */
	double settled;	    /* of it, the part without `tail` values at both ends of the reference */
};
struct sample_distances sample_distances_of(const struct sorted *reference, size_t tail, const struct sorted *current);
