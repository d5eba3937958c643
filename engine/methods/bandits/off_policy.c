/* off_policy.c: see off_policy.h. */
#include "methods/bandits/off_policy.h"

#include "base/hash.h"
#include "methods/statistics/distribution.h"
#include "methods/statistics/sequence.h"

#define TARGET_ERROR 1e-3 /* of the sum of probabilities, which come rounded to a few digits */
#define CERTAIN (1 - 1e-9) /* a probability that leaves none to other arms */
#define FOLD_SEED 6	  /* so that folds have nothing to do with arms, which hashes of units decide too */

bool off_policy_begin(struct off_policy *sums, size_t arms, double clip, struct error *error)
{
	if (arms < 1 || arms > BANDIT_ARMS_MOST)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "The policy has %zu arms. Give it 1 to %d.", arms,
				 BANDIT_ARMS_MOST);
	if (!(clip > 0))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "`clip` is %g. Give a number above 0.", clip);
	*sums = (struct off_policy){.arms = arms, .clip = clip, .modelled = true};
	return true;
}

/* ---- records ---- */

static bool shares_sound(const double *shares, size_t arms, const char *whose, struct error *error)
{
	double sum = 0;
	for (size_t i = 0; i < arms; i++) {
		if (!(shares[i] >= 0))
			return error_set(error, ERROR_INPUT, PLACE_NONE, "The %s probability of arm %zu is %g. Give 0 to 1.", whose,
					 i, shares[i]);
		sum += shares[i];
	}
	return fabs(sum - 1) <= TARGET_ERROR ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "The %s probabilities of a record sum to %.6g. Give one for each arm, 1 together.", whose, sum);
}

static bool record_sound(const struct off_policy *sums, const struct off_policy_record *record, struct error *error)
{
	if (record->arm >= sums->arms)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "A record is of arm %zu, and the policy has %zu. Leave the record out.", record->arm, sums->arms);
	if (!(record->probability > 0 && record->probability <= 1))
		return error_set(
			error, ERROR_INPUT, PLACE_NONE,
			"A record was chosen with the probability %g. Give the one that was logged, above 0 and at most 1.",
			record->probability);
	if (!(fabs(record->reward) <= BANDIT_REWARD_MOST))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "The reward of a record is %g. Give a finite number up to %g.",
				 record->reward, BANDIT_REWARD_MOST);
	for (size_t i = 0; record->expected && i < sums->arms; i++)
		if (!(fabs(record->expected[i]) <= BANDIT_REWARD_MOST))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "The model expects %g of arm %zu. Give a finite number up to %g.", record->expected[i], i,
					 BANDIT_REWARD_MOST);
	return shares_sound(record->target, sums->arms, "new policy's", error) &&
	       (!record->logged || shares_sound(record->logged, sums->arms, "recorded", error));
}

static void support_add(struct off_policy *sums, const struct off_policy_record *record)
{
	double outside = 0;
	sums->chosen[record->arm] = true;
	for (size_t i = 0; i < sums->arms; i++) {
		const bool is_barred = record->logged ? record->logged[i] <= 0 : record->probability >= CERTAIN;
		if (i != record->arm && is_barred)
			outside += record->target[i];
		else if (!record->logged)
			sums->never[i] += record->target[i];
	}
	sum_add(&sums->outside, outside);
}

static void cluster_end(struct off_policy *sums)
{
	const struct off_policy_cluster *cluster = &sums->cluster;
	if (cluster->records == 0)
		return;
	arm_sums_add(&sums->rewards, cluster->rewards, cluster->records);
	arm_sums_add(&sums->clipped, cluster->clipped, cluster->records);
	arm_sums_add(&sums->rewards_weights, cluster->rewards, cluster->weights);
	arm_sums_add(&sums->direct, cluster->direct, cluster->records);
	arm_sums_add(&sums->doubly, cluster->direct + cluster->surplus, cluster->records);
	arm_sums_add(&sums->surplus_weights, cluster->surplus, cluster->weights);
	arm_sums_add(&sums->direct_surplus, cluster->direct, cluster->surplus);
	arm_sums_add(&sums->direct_weights, cluster->direct, cluster->weights);
	arm_sums_add(&sums->records_surplus, cluster->records, cluster->surplus);
	arm_sums_add(&sums->records_weights, cluster->records, cluster->weights);
	sum_add(&sums->weights, cluster->weights);
	sum_add(&sums->squares, cluster->weights * cluster->weights);
	sums->cluster = (struct off_policy_cluster){0};
}

void off_policy_continue(struct off_policy *sums)
{
	sums->continues = true;
}

static void cluster_add(struct off_policy *sums, const struct off_policy_record *record, double weight)
{
	struct off_policy_cluster *cluster = &sums->cluster;
	if (!sums->continues)
		cluster_end(sums);
	sums->continues = false;
	cluster->records++;
	cluster->weights += weight;
	cluster->rewards += weight * record->reward;
	cluster->clipped += fmin(weight, sums->clip) * record->reward;
	for (size_t i = 0; record->expected && i < sums->arms; i++)
		cluster->direct += record->target[i] * record->expected[i];
	if (record->expected)
		cluster->surplus += weight * (record->reward - record->expected[record->arm]);
}

bool off_policy_add(struct off_policy *sums, const struct off_policy_record *record, struct error *error)
{
	if (!record_sound(sums, record, error))
		return false;
	const double weight = record->target[record->arm] / record->probability;
	sums->records++;
	sums->clipped_records += weight > sums->clip;
	support_add(sums, record);
	cluster_add(sums, record, weight);
	sums->modelled = sums->modelled && record->expected;
	return true;
}

/* ---- estimates ---- */

static double mean_error(const struct moments *moments)
{
	return sqrt(moments_variance(moments, 1) / (double)moments->count);
}

/* The ratio of both sums, and the error of its terms (value - ratio x beside) / mean of those beside. */
static struct off_policy_estimate ratio_estimate(const struct arm_sums *sums)
{
	if (!(sums->beside_mean > 0))
		return (struct off_policy_estimate){(double)NAN, (double)NAN};
	const double ratio = arm_sums_ratio(sums);
	const struct moments terms = arm_sums_linearised(sums, ratio);
	return (struct off_policy_estimate){ratio, mean_error(&terms) / sums->beside_mean};
}

/* The sum of DM and of the ratio of w (r - model) to w: the variance of its terms is that of both, and twice how they go
 * together. */
static struct off_policy_estimate self_normalised_estimate(const struct off_policy *sums)
{
	const struct off_policy_estimate surplus = ratio_estimate(&sums->surplus_weights), direct = ratio_estimate(&sums->direct);
	const double count = (double)sums->direct.count, records = sums->direct.beside_mean,
		     weights = sums->direct_weights.beside_mean;
	const double products = sums->direct_surplus.products - surplus.value * sums->direct_weights.products -
				direct.value * (sums->records_surplus.products - surplus.value * sums->records_weights.products);
	const double together = products / records / weights / (count - 1) / count;
	const double variance = direct.error * direct.error + surplus.error * surplus.error + 2 * together;
	return (struct off_policy_estimate){direct.value + surplus.value, sqrt(fmax(0, variance))};
}

struct off_policy_result off_policy_result(const struct off_policy *open)
{
	struct off_policy ended = *open;
	const struct off_policy *sums = &ended;
	cluster_end(&ended);
	const struct off_policy_estimate none = {(double)NAN, (double)NAN};
	const double records = (double)sums->records, total = sum_value(&sums->weights);
	double outside = sum_value(&sums->outside);
	for (size_t i = 0; i < sums->arms; i++)
		outside += sums->chosen[i] ? 0 : sums->never[i];
	struct off_policy_result result = {
		.records = sums->records,
		.clusters = sums->rewards.count,
		.ips = ratio_estimate(&sums->rewards),
		.snips = ratio_estimate(&sums->rewards_weights),
		.clipped = ratio_estimate(&sums->clipped),
		.direct = sums->modelled ? ratio_estimate(&sums->direct) : none,
		.doubly = sums->modelled ? ratio_estimate(&sums->doubly) : none,
		.self_normalised_doubly = sums->modelled ? self_normalised_estimate(sums) : none,
		.clipped_share = records > 0 ? (double)sums->clipped_records / records : 0,
		.effective = total > 0 ? total * total / sum_value(&sums->squares) : 0,
		.outside = records > 0 ? outside / records : 0,
	};
	result.too_few = !(result.effective >= OFF_POLICY_LEAST);
	result.unsupported = result.outside > OFF_POLICY_OUTSIDE_MOST;
	return result;
}

struct interval off_policy_interval(struct off_policy_estimate estimate, double tau2, double alpha)
{
	const double half = tau2 > 0 ? sequence_half_width(estimate.error * estimate.error, tau2, alpha)
				     : normal_critical(alpha / 2) * estimate.error;
	return interval_around(estimate.value, half);
}

/* ---- a model of rewards ---- */

struct reward_model {
	size_t arms;
	struct ridge *folds[2]; /* a model for each arm */
};

struct reward_model *reward_model_open(struct arena *arena, size_t arms, size_t features, double lambda)
{
	struct reward_model *model = ARENA_NEW(arena, struct reward_model);
	if (!model)
		return NULL;
	model->arms = arms;
	for (size_t fold = 0; fold < 2; fold++) {
		model->folds[fold] = ARENA_ARRAY(arena, struct ridge, arms);
		for (size_t i = 0; model->folds[fold] && i < arms; i++)
			if (!ridge_open(&model->folds[fold][i], arena, features, lambda))
				return NULL;
	}
	return model->folds[0] && model->folds[1] ? model : NULL;
}

static size_t fold_of(struct text unit)
{
	return hash_bytes(unit.bytes, unit.length, FOLD_SEED) & 1;
}

void reward_model_add(struct reward_model *model, struct text unit, size_t arm, const double *x, double reward)
{
	ridge_add(&model->folds[fold_of(unit)][arm], x, reward);
}

void reward_model_expect(const struct reward_model *model, struct text unit, const double *x, double *expected)
{
	const struct ridge *other = model->folds[1 - fold_of(unit)];
	for (size_t i = 0; i < model->arms; i++)
		expected[i] = ridge_mean(&other[i], x);
}
