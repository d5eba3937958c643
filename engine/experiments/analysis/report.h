/* report.h: Report of an experiment: the health of its split, the analysis of its metrics, and a recommendation.
 *
 * The split is tested first: a mismatch makes every other number doubtful. Then each metric is analysed by its role. A
 * recommendation is one sentence, its reasons, and what would change it.
 *
 * Pure; all of it is in the arena.
 */
#pragma once

#include "base/option.h"
#include "experiments/analysis/mirror_comparison.h"
#include "experiments/analysis/overlap.h"
#include "experiments/analysis/unit_join.h"
#include "methods/statistics/interval.h"
#include "methods/statistics/sample_ratio.h"

/* Requests of an experiment's variants, as exposures have them: how many there were, how many failed, and quantiles of their
 * latencies. Intervals take requests to be independent, and are for a single look. */
enum { VARIANT_QUANTILES = 3 };

struct latency_quantile {
	double ms;		  /* NaN: no latency is known */
	struct interval interval; /* an end is infinite where there are too few */
};

struct variant_requests {
	uint64_t requests;
	uint64_t errors;    /* they ended with an error, in the stage that chose */
	uint64_t fallbacks; /* the default answered, since the variant failed */
	uint64_t measured;  /* they have a latency, and the variant itself answered */
	struct latency_quantile latencies[VARIANT_QUANTILES];
};

extern const double variant_quantiles[VARIANT_QUANTILES]; /* 0.5, 0.95, 0.99 */

#define REPORT_SEGMENTS_MAX 16 /* of a feature; units with other values are one segment more */
#define REPORT_LINES_MAX 24 /* reasons of a recommendation, and of what would change it */

/* What files declare of a metric; an option of the command line is stronger. */
struct report_rule {
	const char *metric;
	enum analysis_role role;
	bool lower_is_better;
	double margin; /* its practical threshold, as a share of the control's mean; 0: that of all */
	double cap;    /* 0: none */
	enum per_unit per_unit;
};

struct report_options {
	const char *experiment;
	struct text control; /* a variant's name; empty: the one with the most units */
	struct text primary; /* a metric's name; empty: `reward`, else the first one by its name */
	struct name_list metrics;    /* others to analyse; with none, all of them */
	struct name_list guardrails; /* metrics that must not get worse by more than the practical threshold */
	struct name_list lower;	     /* metrics of which less is better */
	size_t rule_count;
	const struct report_rule *rules;
	double alpha, practical;
	const char *covariate; /* a feature of exposures that is a number (CUPED); NULL: none */
	const char *segment; /* a feature of exposures, by whose values the metrics are read too; NULL: none */
	uint64_t unjudged;   /* feedback of which a declared metric could not be computed */
	bool horizon; /* numbers for one look decide too */
	uint32_t stages;
	const struct mirror_result *mirror; /* how its replies agree with the answers; NULL: nothing was mirrored */
	size_t overlap_count;
	const struct overlap_table *overlaps; /* with other experiments that share a metric and a pipeline */
};

struct report_split {
	bool tested;	    /* false: a policy chose, or there is one variant, or probabilities are not known */
	bool mismatch;	    /* by the test that holds at every look, of which there is one after each unit */
	double p;	    /* of that test */
	uint64_t worst_units; /* after which it was the smallest, and when; 0: it is 1 */
	int64_t worst_ms;
	struct split_test chi_square; /* of one look */
	double counts[ANALYSIS_ARMS_MAX];   /* units at their first exposure; of a policy: of each version */
	double expected[ANALYSIS_ARMS_MAX]; /* NaN: not known: an epoch has no exposure of it, and others have not all */
	/* The share of units with a value of the first metric is not the same in all variants of an epoch, by a test that holds at
	 * every look. Then outcomes cannot be compared, unless a policy chose: its weights move with time, as the share may. */
	bool feedback_differs;
	double feedback_p;					 /* over all epochs; NaN: there is no metric */
	size_t feedback_epoch;					 /* in which they differ most */
	double heard[ANALYSIS_ARMS_MAX], due[ANALYSIS_ARMS_MAX]; /* units in it: with a value, and all whose window has passed */
};

struct report_metric {
	struct text name;
	struct text shown; /* the name in sentences and tables: the beginning of a long one */
	enum analysis_role role;
	bool lower_is_better;
	double practical; /* its threshold, as a share of the control's mean */
	enum per_unit per_unit; /* as it is declared; a policy has the mean (experiments/analysis/analysis.h) */
	uint64_t excess;  /* values that are too large, and left out */
	size_t value_count;
	const struct analysis_value *values; /* that were analysed; of sums the units enter among them */
	struct metric_analysis analysis;
};

/* Why a pair of it in the state PAIR_EARLY has no estimate although each variant has BURN_IN_UNITS units; NULL: it has fewer. */
const char *report_obstacle(const struct report_metric *metric, const struct pair_analysis *pair);

/* What a unit counts as, for those who read the report; NULL: the mean of its values, as usual. */
const char *report_per_unit(const struct report_metric *metric);

/* At which looks its intervals hold: "every look"; "last look" of sums (experiments/analysis/analysis.h), whose p-values hold at
 * every look.
 */
const char *report_look(const struct report_metric *metric);

/* What the cap of a metric did, likewise: "capped between 1 and 5, quantiles of 220 values of the burn-in: 12 values". NULL: it
 * has none, or the arena is full. */
const char *report_cap(const struct report_metric *metric, struct arena *arena);

#define REPORT_CAP 0.99 /* of the figure beside a skewed metric that has no cap */

/* Units of each variant whose mean is about normal, by the skewness of the pair, where the smaller variant has fewer. 0: it has
 * enough, or nothing is known of that. */
double report_units_skewed(const struct pair_analysis *pair);

/* Sets what REPORT_CAP would find of pairs that have too few units for their skewness, where no cap is asked for: a part of
 * report_make(), after the analysis by that input and those options. False: the arena is full. */
bool report_cap_beside(struct metric_analysis *analysis, const struct analysis_input *input, struct analysis_options options,
		       struct arena *arena);

/* What the interval of such a pair assumes, for those who read the report; and what a cap would find. NULL: nothing, or the arena
 * is full. */
const char *report_skewness(const struct pair_analysis *pair, struct arena *arena);
const char *report_capped(const struct pair_analysis *pair, struct arena *arena);

/* Gain of a pair over time: what the values of its treatment brought more than with the control. A unit with many values, as of
 * its requests, gains by each; of sums a unit gains once, in the epoch of the point. Costs are in it as far as they are in the
 * metric. */
struct pair_gain {
	size_t count; /* one more than the pair has points: the end is added; 0: it has none */
	const struct pair_point *points;
	const uint64_t *values; /* of the treatment by each point, over all epochs; of sums its units in that of the point */
};

/* Units with one value of a feature. */
struct report_segment {
	struct text value; /* empty: the feature was not sent */
	bool rest;	   /* of all values that are no segment of their own */
	uint64_t units;
	struct report_metric *metrics; /* those of the report, in its order */
};

enum report_decision { DECISION_STOP, DECISION_WAIT, DECISION_KEEP, DECISION_SHIP };

const char *report_decision_name(enum report_decision decision); /* "ship" */

struct recommendation {
	enum report_decision decision;
	struct text variant; /* that is recommended; empty: none */
	const char *sentence;
	size_t reason_count, change_count;
	const char *reasons[REPORT_LINES_MAX];
	const char *changes[REPORT_LINES_MAX]; /* what would change it */
};

struct report {
	const struct report_options *options;
	const struct joined *joined;
	size_t control;
	struct report_split split;
	const struct variant_requests *requests; /* of each variant; NULL: there is no exposure */
	struct text absent; /* the metric that is declared primary and has no values; empty: it has some, or none is declared */
	size_t unmet_count;
	const struct text *unmet; /* guardrails that are declared and have no values, so it is not known whether they are kept */
	size_t metric_count;
	struct report_metric *metrics; /* the primary one first, then guardrails */
	struct pair_gain *gains; /* of the first metric's pairs; NULL: it has rates, or a policy chose */
	double segment_alpha; /* of each segment: they share that of the report */
	size_t segment_count;
	struct report_segment *segments; /* the one with the most units first, of a policy that with the most requests */
	struct recommendation recommendation;
};

/* Borrows what was joined. Without exposures the report is of the mirror alone. CONFIG: the control or a metric is none of
 * them. INPUT: there is neither an exposure nor a mirror's reply. */
bool report_make(const struct joined *joined, const struct report_options *options, struct arena *arena, struct report *report,
		 struct error *error);

/* Tests its split: a part of report_make(). False: the arena is full. */
bool report_test_split(struct report *report, struct arena *arena);

/* Tests whether the units of all variants have values of the metric alike, likewise. */
bool report_test_feedback(struct report *report, const struct joined_metric *metric, struct arena *arena);

/* Sets the values of a metric: those that joined, and of sums each unit, when it enters, where an exposure of it has had its
 * window. A part of report_make(). False: the arena is full. */
bool report_values(const struct joined *joined, const struct joined_metric *metric, struct arena *arena,
		   struct report_metric *made);

/* The others of the metrics share one rate of false discoveries, alpha (e-BH): one that is no discovery is neither better nor
 * worse. A part of report_make(), for the metrics of the report and for those of each segment. False: the arena is full. */
bool report_correct_others(const struct report_metric *metrics, size_t count, double alpha, struct arena *arena);

/* What is said after a pair's state: whether it is a discovery, where its own alpha would call it different. "": nothing. */
const char *report_discovery(const struct report_metric *metric, const struct pair_analysis *pair);

/* Its recommendation, from everything else: a part of report_make(). False: the arena is full. */
bool report_recommend(struct report *report, struct arena *arena);

/* The gains of its first metric, after its metrics: a part of report_make(). False: the arena is full. */
bool report_sum_gains(struct report *report, struct arena *arena);

/* Its segments, after its metrics: a part of report_make(). CONFIG: no exposure has the feature. */
bool report_segment(struct report *report, struct arena *arena, struct error *error);

/* Checks the covariate: a part of report_make(). CONFIG: no exposure has it, or it is a text. */
bool report_covariate(const struct report *report, struct error *error);

/* Why the split was not tested, as it is shown; it was not. */
const char *report_split_obstacle(const struct joined *joined);

/* How many times units came back in a later epoch. */
size_t report_returns(const struct joined *joined);

/* Whether a metric has sums per unit, whose intervals hold at the last look alone. */
bool report_has_sums(const struct report *report);

/* Days until so many more units have come, at the rate of the time so far; NaN: the rate is not known. */
double report_days(const struct joined *joined, double units);
