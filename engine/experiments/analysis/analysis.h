/* analysis.h: Analysis of one metric of an experiment: each treatment compared with the control, per unit and epoch.
 *
 * A unit's number follows from its values in an epoch (experiments/analysis/unit_numbers.h). Comparisons are within an
 * epoch (methods/statistics/sequence.h), and are always valid: they hold however often one looks. All other numbers of a pair are
  * of the same epochs and weighed as its estimate is (experiments/analysis/epoch_strata.h): units, means, the practical threshold,
   * and those for a fixed horizon and Bayesian ones, which hold for one look only. Where no one difference fits all looks, only
    * epochs have one.
 *
 * A sum grows as long as its epoch lasts, and so does a difference of sums. So its interval is that of the last look alone, by a
 * practical threshold that grows along, and its numbers are of one epoch: of those that count, the one whose smaller arm has the
 * most units. Its p-value is over all looks and epochs, as any: without an effect there is no difference at any of them.
 *
 * Where a policy chose by what it had learnt (bandits), differences are means of AIPW scores
  * (experiments/analysis/policy_scores.h): what earlier rewards let expect of an arm, and the rest of a reward divided by the
   * probability of its choice. Requests for which an arm was no candidate say nothing of it, and a difference is that of requests
    * for which both were.
 *
 * Pure; the results are in the arena.
 */
#pragma once

#include "base/arena.h"
#include "experiments/rollouts/cap_limits.h"
#include "experiments/analysis/epoch_strata.h"
#include "methods/statistics/means.h"
#include "methods/statistics/rates.h"
#include "methods/statistics/sequence.h"

#define ANALYSIS_ARMS_MAX 64	 /* as many as an assignment has */
#define ANALYSIS_POINTS_MAX 120	 /* of a pair's history: as many as a chart can show */
#define ANALYSIS_LOOKS_MAX 50000 /* at one comparison: beyond, a look follows several values */
#define ANALYSIS_ALPHA 0.05
#define ANALYSIS_PRACTICAL 0.05 /* of the control's mean: a difference below it is not worth a change */
#define ANALYSIS_POWER 0.8

enum analysis_role { ROLE_PRIMARY, ROLE_GUARDRAIL, ROLE_OTHER };

/* What the values of a unit make it count as. */
enum per_unit { PER_UNIT_MEAN, PER_UNIT_SUM, PER_UNIT_RATIO };

struct analysis_unit {
	uint32_t epoch, arm;
	double covariate; /* known before the first assignment of the unit; NaN counts as the mean of those that are known */
	/* Of a policy, which chooses for each request: those of one unit and one version of the policy, and the arms that had a
	 * probability, which are the same for all of a cluster; 0: all. */
	uint32_t cluster;
	uint64_t candidates;
};

struct analysis_value {
	int64_t time_ms;
	uint32_t unit;
	double value;	    /* finite */
	double probability; /* of the choice; only for a policy */
	uint32_t exposure;  /* of the request, where the values come from a join; UINT32_MAX: of no request */
	bool enters;	    /* no value: the unit counts from here on, also without one; of sums alone */
};

struct analysis_input {
	size_t arms, control;
	size_t epochs;
	size_t unit_count;
	const struct analysis_unit *units;
	size_t cluster_count;		     /* clusters are below; only for a policy */
	uint64_t candidates; /* arms that may still be chosen, of which one is the best; 0: all; only for a policy */
	const struct analysis_value *values; /* by epoch, and then by time */
	size_t value_count;
};

struct analysis_options {
	enum analysis_role role;
	double alpha;	  /* of the metric; treatments share that of a primary one, and of a guardrail twice, as it is one-sided */
	double practical; /* share of the control's mean */
	bool lower_is_better;
	bool covariate; /* CUPED; not of a ratio */
	bool adaptive;	/* a policy chose */
	enum per_unit per_unit; /* of a policy the mean, as it chooses for each request */
	uint32_t stages; /* that are declared; the first epochs are theirs */
	/* Above .5 and below 1: values beyond this quantile, and below the opposite one, count as these (they are winsorised).
	 * Both are of the values until each variant has BURN_IN_UNITS units, and stay (experiments/rollouts/cap_limits.h). Rates
	  * are not capped. 0: off. */
	double cap;
};

/* What a cap has done. */
struct value_cap {
	bool asked;		  /* there are values to cap */
	struct cap_limits limits; /* of a cap that is not asked for: none */
	uint64_t burn_in;	  /* values that they are of */
	uint64_t capped;	  /* of all values */
};

/* Whether it has limits; else too few values differ from 0. */
static inline bool value_cap_applied(const struct value_cap *cap)
{
	return cap->asked && isfinite(cap->limits.high);
}

struct arm_analysis {
	uint64_t units;	   /* that count, of the epochs that count in its pair, or of the control's pairs; of a policy: clusters */
	uint64_t valued;   /* units that count, of all epochs */
	uint64_t requests; /* of a policy: with a value; else 0 */
	double mean, sd;   /* of the same units; of the control: with the mean shares of epochs of its pairs. NaN: it has changed */
	double best;	   /* chance to be the best of all arms; NaN: a difference has changed */
};

enum pair_state {
	PAIR_EARLY,	   /* burn-in is not over */
	PAIR_OPEN,	   /* the interval allows more than one answer */
	PAIR_BETTER,	   /* better; whether by more than the practical threshold is open or certain */
	PAIR_BETTER_SLIGHTLY, /* better, and certainly by less than the threshold */
	PAIR_EQUAL,	   /* certainly within the threshold on either side */
	PAIR_WORSE,
	PAIR_CHANGED	   /* no one difference fits all looks: it has changed */
};

const char *pair_state_name(enum pair_state state); /* "better" */

static inline bool pair_state_differs(enum pair_state state)
{
	return state == PAIR_BETTER || state == PAIR_BETTER_SLIGHTLY || state == PAIR_WORSE;
}

const char *per_unit_name(enum per_unit per_unit);  /* "sum" */

struct pair_point {
	int64_t time_ms;
	uint32_t epoch;
	uint64_t units; /* of both arms in that epoch */
	double estimate;
	struct interval interval; /* over all looks so far */
};

/* What a cap that nobody asked for would find. */
struct capped_figure {
	double cap; /* its quantile; 0: there is none */
	double estimate, p;
	struct interval interval;
	struct cap_limits limits;
};

struct pair_analysis {
	size_t treatment;
	enum pair_state state; /* by its share of alpha; of ROLE_OTHER in a report, it differs only as a discovery */
	double alpha; /* its share */
	struct sequence sequence;
	double estimate;	   /* of the difference; NaN before the first look, and if it has changed */
	size_t strata;		   /* epochs that its numbers are of */
	struct pair_epoch *epochs; /* all of the input; NULL: of a policy */
	struct arm_numbers control_numbers, treatment_numbers;
	double threshold; /* the practical one, as a difference */
	struct improvement improvement; /* at every look, as the sequence */
	bool discovered; /* of ROLE_OTHER: by e-BH over all of them */
	struct t_test welch; /* with `effect`, `rates` and `power`: not of a policy, whose choices have no fixed horizon */
	struct effect_size effect;
	bool has_rates;
	struct rate_test rates;
	double power; /* to find the practical threshold with the units that there are, at one look */
	double better, loss_treatment, loss_control; /* chance to be better; expected loss of choosing either */
	double units_horizon; /* of both arms, for one look, to find the threshold with a chance of ANALYSIS_POWER */
	double units_needed;  /* the same, for looks at any time */
	double units_had;     /* of both arms, in the epochs that count */
	double units_now;     /* likewise, in the last epoch, whose units decide now */
	double theta, reduction; /* CUPED: the slope, and the share of the variance that it takes off */
	double skewness;	 /* of the units of both arms; NaN: of rates, of a policy, or they do not vary */
	struct capped_figure capped; /* beside what is not capped (experiments/analysis/report.h) */
	uint64_t units_lacking;	 /* CUPED: units with a value, of both arms and all epochs, that have no covariate */
	size_t point_count;
	struct pair_point *points;
};

struct metric_analysis {
	bool rates; /* values are 0 and 1, and units count as their mean or by as many as they have */
	enum per_unit per_unit;
	struct value_cap cap;
	size_t arm_count, pair_count;
	struct arm_analysis *arms;
	struct pair_analysis *pairs; /* one for each arm but the control */
};

/* False: the arena is full. */
bool metric_analyse(const struct analysis_input *input, const struct analysis_options *options, struct arena *arena,
		    struct metric_analysis *analysis);

/* The interval of a difference; NaN: no one difference fits all looks. */
struct interval pair_interval(const struct pair_analysis *pair);

/* That of the sequence, turned so that more is better. */
struct interval pair_gain(const struct pair_analysis *pair, bool lower_is_better);

/* Units until it is decided; 0: it is; NaN: not known. */
double pair_units_still(const struct pair_analysis *pair);

enum guardrail_state { GUARDRAIL_OPEN, GUARDRAIL_KEPT, GUARDRAIL_BROKEN };

/* One-sided: whether the treatment is worse by more than the threshold. */
enum guardrail_state pair_guardrail(const struct pair_analysis *pair, bool lower_is_better);

/* Units of both arms with which a sequence of the weight alpha decides a difference, with a chance of ANALYSIS_POWER. The
 * shares are those of the arms among these units. */
double units_to_decide(const struct moments *control, const struct moments *treatment, bool rates, double tau2, double alpha,
		       double difference);
