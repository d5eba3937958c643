/* rollout_plan.h: Plan of a rollout: the stages by which the candidates of an experiment get traffic, and the rules of each.
 *
 * A rule is a bound that every candidate must keep: of its rate of errors, of a percentile of its latency, of its
 * accuracy or its mean of another metric of feedback, or of these beside those of the default. A stage passes only when all of
 * its rules are shown to be kept. A rule that is a trigger is also watched for a change (methods/statistics/rate_sequence.h).
 *
 * A `promotionPolicy` without stages is one stage, at the candidates' own weights, of the policy's interval: it passes only at
 * the end of the first or the second interval. Beside stages the policy adds to their rules. A promotion that is not automatic
 * is an approval at the end of the last stage. `promotionThreshold` is a rule too: the probability that a candidate is better
 * than the default, by the counts of the stage. It is no bound of false promotions (experiments/analysis/promotion_rate.h). With
 * `gate: threshold` it decides alone where the default has traffic, and the other rules there only roll back.
 *
 * Candidates divide the traffic of a stage by their weights (compiler/step/experiment.h). One whose weight is 0 beside others gets
  * none at any stage, so it is no candidate of the plan: nothing can be shown of it.
 *
 * A plan has no pointers. It is made from `progressiveDeployment`, `promotionPolicy`, `successCriteria` and `onInconclusive`.
 */
#pragma once

#include "compiler/step/experiment.h"

#define ROLLOUT_STAGES_MAX 32	 /* a record of a move names one; a schedule by single percents would need a month of looks */
#define ROLLOUT_RULES_MAX 16	 /* of a stage, its triggers among them; each is evidence in every record of a move */
#define ROLLOUT_CANDIDATES_MAX 8 /* beside the default: each must be shown to keep each rule */
#define ROLLOUT_METRIC_BYTES_MAX 64 /* of the name of a metric of feedback */
#define ROLLOUT_DURATION_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)

#define ROLLOUT_ALPHA 0.05	       /* of each rule in each stage */
#define ROLLOUT_CHECK_MS 30000
#define ROLLOUT_CHECK_MS_LEAST 1000 /* engines tell their counts as often */
#define ROLLOUT_EVERY_MS (30 * 60 * 1000) /* of a schedule */
#define ROLLOUT_ERROR_RATE 0.01	       /* triggers */
#define ROLLOUT_LATENCY_MS 200
#define ROLLOUT_ACCURACY_DROP 0.05     /* relative to the default's */
#define ROLLOUT_INTERVAL_MS (60 * 60 * 1000) /* of a promotion policy */
#define ROLLOUT_BETTER_REQUESTS 100	     /* of each of two variants, before a probability of their rates is given */

enum rollout_rule_kind {
	RULE_ERROR_RATE,      /* at most `limit` */
	RULE_LATENCY,	      /* the `percentile` is at most `limit` ms */
	RULE_ACCURACY,	      /* at least `limit` */
	RULE_ACCURACY_BESIDE, /* at least (1 - `limit`) times the default's */
	RULE_BETTER,	      /* the probability is at least `limit` that the metric of rule `of` is better than the default's */
	RULE_MEAN,	      /* the mean of units in a metric of feedback is above `limit`; or below it */
	RULE_MEAN_BESIDE,     /* that mean is above the default's; or below it */
	ROLLOUT_RULE_KINDS
};

#define ROLLOUT_RULE_NAME_BYTES 24

struct rollout_rule {
	enum rollout_rule_kind kind;
	bool trigger;
	bool implied; /* not written by the user: one of truth is left out as long as no truth has come, in time or late */
	double limit;
	unsigned percentile;  /* of RULE_LATENCY, from 1 to 99 */
	bool only_rolls_back; /* it need not be shown to hold */
	size_t of;	      /* of RULE_BETTER: another rule of the stage */
	size_t metric;	      /* of RULE_MEAN and RULE_MEAN_BESIDE: index in the plan */
	bool below;	      /* of these: less is better */
};

struct planned_stage {
	double percent; /* of the traffic, for all candidates together; above 0 */
	int64_t duration_ms;
	bool approve; /* it ends only when it is approved */
	bool confirm; /* and a webhook is asked */
	bool at_ends; /* it passes only when a multiple of its duration is over */
	size_t rule_count;
	struct rollout_rule rules[ROLLOUT_RULES_MAX];
};

struct rollout_plan {
	size_t candidates;
	uint64_t names; /* hash of the default and all candidates, in their order, and of their parts where these differ */
	size_t metric_count;
	char metrics[EXPERIMENT_METRICS_MAX][ROLLOUT_METRIC_BYTES_MAX + 1]; /* of feedback, beside accuracy */
	size_t stage_count;
	struct planned_stage stages[ROLLOUT_STAGES_MAX];
	int64_t check_every_ms;
	enum rollout_inconclusive on_inconclusive;
	bool has_baseline; /* the default's counts are those of its baseline */
	int64_t outcome_window_ms; /* for what is said of late truths; a plan with another one is the same */
};

/* The plan of an experiment with `progressiveDeployment` or `promotionPolicy`. CONFIG: a field at its place, with
 * its cause and what to do. */
bool rollout_plan_make(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error);

/* The choices of a rollout: the default and all candidates, in the order of the experiment's shares, whose names they borrow. */
struct rollout_choices {
	size_t count, control; /* control: index of the default */
	struct share shares[ROLLOUT_CANDIDATES_MAX + 1]; /* in percent, when the candidates have all the traffic */
	size_t candidates[ROLLOUT_CANDIDATES_MAX]; /* index of each candidate of the plan, in its order */
};

/* False: the experiment has other candidates than the plan. */
bool rollout_choices_find(const struct experiment_spec *experiment, const struct rollout_plan *plan,
			  struct rollout_choices *choices);

/* A number that differs where plans differ: a state is only of the plan by which it began. */
uint64_t rollout_plan_hash(const struct rollout_plan *plan);

/* It is judged by truths or metrics, which come as feedback. */
bool rollout_rule_is_of_truth(const struct planned_stage *stage, const struct rollout_rule *rule);

/* The share of requests that may be above the limit of a rule of latency. */
static inline double rollout_rule_slow_share(const struct rollout_rule *rule)
{
	return (100 - rule->percentile) / 100.0;
}

/* "errorRate"; "latency" of the 95th percentile, and "latency_p99" of another. Borrows from `room`, or lasts. */
const char *rollout_rule_name(const struct rollout_rule *rule, char room[ROLLOUT_RULE_NAME_BYTES]);

/* It compares the candidate with the default by a confidence sequence. */
static inline bool rollout_rule_compares(const struct rollout_rule *rule)
{
	return rule->kind == RULE_ACCURACY_BESIDE || rule->kind == RULE_MEAN_BESIDE;
}

/* The metric of feedback by which it judges; NULL: it judges by another one. */
const char *rollout_rule_metric(const struct rollout_plan *plan, const struct rollout_rule *rule);

/* The names of the plan's metrics, as a list. */
const char *const *rollout_plan_metrics(const struct rollout_plan *plan, const char *names[EXPERIMENT_METRICS_MAX]);

/* The index of that metric in the plan; `metric_count`: it is none of the plan's. */
size_t rollout_plan_metric(const struct rollout_plan *plan, struct text name);

/* A stage has no traffic of the default beside it. */
static inline bool planned_stage_is_whole(const struct planned_stage *stage)
{
	return stage->percent >= 100;
}
