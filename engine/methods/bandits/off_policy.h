/* off_policy.h: Estimates of what a policy would have earned, from recorded choices of another one.
 *
 * A record has the arm that was chosen, with which probability, its reward, and the probabilities that the new policy
 * gives to all arms; w = new / recorded probability. Perhaps also what a model expects of each arm's reward:
 *
 *   IPS       mean of w r                          SNIPS   sum of w r / sum of w
 *   clipped   mean of min(w, clip) r: where weights are above the clip it is biased, and its error does not say by how much
 *   DM        mean of what the model expects of the new policy's arms
 *   DR        mean of DM + w (r - model)           SNDR    mean of DM + sum of w (r - model) / sum of w
 *
 * Standard errors are sd / sqrt n (ddof 1), those of ratios by linearisation. They take clusters as independent: each record,
 * unless off_policy_continue() says that it is of the same unit as the one before. Then the sums of clusters have the errors.
 * Records of a policy that learnt from its own choices are not independent: for them there is an interval that holds at every look.
 * The error of DM is that of the model's mean alone. What the model says wrongly is not in it, so it gives no interval of the
 * truth; DR corrects the model by the records.
 *
 * An estimate is refused as a recommendation when the clusters are worth fewer than OFF_POLICY_LEAST (ESS, at most their
 * number; one cluster alone leaves the errors undefined), or when the new policy gives more than OFF_POLICY_OUTSIDE_MOST of its
 * choices to arms that the old one never chose, or could not choose as it chose another one with the probability 1.
 *
 * Pure data without pointers, O(1) for each record. One thread at a time.
 */
#pragma once

#include "methods/bandits/bandit.h"
#include "methods/statistics/arm_sums.h"
#include "methods/statistics/interval.h"

#define OFF_POLICY_LEAST 100	     /* of ESS */
#define OFF_POLICY_OUTSIDE_MOST 0.01 /* share of the new policy's choices */

struct off_policy_record {
	size_t arm;
	double reward;
	double probability;   /* of the arm when it was chosen; above 0 */
	const double *target; /* of each arm, by the new policy; their sum is 1 */
	const double *logged; /* of each arm, by the old one, where it was recorded; else NULL: arms without a record count as 0 */
	const double *expected; /* of each arm, by a model of rewards; NULL where there is none */
};

/* Sums of a cluster. */
struct off_policy_cluster {
	double records;
	double weights;
	double rewards, clipped; /* of w r; of min(w, clip) r */
	double direct, surplus;	 /* of DM's terms; of w (r - model) */
};

struct off_policy {
	size_t arms;
	double clip;
	bool modelled; /* all records had a model's expectations */
	bool continues; /* the next record is of the same cluster */
	uint64_t records, clipped_records; /* of these the weights are above the clip */
	struct sum outside;
	double never[BANDIT_ARMS_MOST]; /* the new policy's share of each arm, in records that do not say what the old one's was */
	bool chosen[BANDIT_ARMS_MOST];
	struct off_policy_cluster cluster; /* that of the last record */
	/* Of clusters that have ended: their weights, also squared, and sums, beside the records. */
	struct sum weights, squares;
	struct arm_sums rewards, clipped, direct, doubly;
	struct arm_sums rewards_weights; /* beside the weights */
	struct arm_sums surplus_weights;
	struct arm_sums direct_surplus, direct_weights; /* of DM's terms, beside the others */
	struct arm_sums records_surplus, records_weights;
};

/* `clip` above 0. False: CONFIG. */
bool off_policy_begin(struct off_policy *sums, size_t arms, double clip, struct error *error);

/* The next record is of the same unit as the one before, so that their rewards may depend on each other. */
void off_policy_continue(struct off_policy *sums);

/* False: INPUT, and the record is left out. */
bool off_policy_add(struct off_policy *sums, const struct off_policy_record *record, struct error *error);

struct off_policy_estimate {
	double value, error; /* NaN where the records leave it undefined */
};

struct off_policy_result {
	uint64_t records, clusters;
	struct off_policy_estimate ips, snips, clipped;
	struct off_policy_estimate direct, doubly, self_normalised_doubly; /* NaN without a model */
	double clipped_share; /* of the records: their weights are above the clip, so `clipped` is no estimate of the value */
	double effective;						   /* ESS: (sum of w)^2 / sum of w^2, w of clusters */
	double outside;		   /* share of the new policy's choices that the records say nothing of */
	bool too_few, unsupported; /* why it is no recommendation */
};

struct off_policy_result off_policy_result(const struct off_policy *open);

/* Of an estimate at 1 - alpha. `tau2` above 0: records of a policy that learnt meanwhile, the interval of the always-valid
 * sequence (methods/statistics/sequence.h) with that variance of effects; 0: independent records, the normal one. */
struct interval off_policy_interval(struct off_policy_estimate estimate, double tau2, double alpha);

/* ---- a model of rewards for DR ---- */

/* Ridge regression of each arm's rewards on the context, fitted in two folds by unit: what is expected of a unit's record
 * was learnt of the other fold alone. */
struct reward_model;

/* `features` at least 1; a context of the number 1 alone makes it the mean of each arm. NULL: the arena is full. */
struct reward_model *reward_model_open(struct arena *arena, size_t arms, size_t features, double lambda);
void reward_model_add(struct reward_model *model, struct text unit, size_t arm, const double *x, double reward);
void reward_model_expect(const struct reward_model *model, struct text unit, const double *x, double *expected);
