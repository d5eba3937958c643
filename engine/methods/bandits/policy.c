/* policy.c: see policy.h. */
#include "methods/bandits/policy.h"

#include <math.h>

#include "methods/bandits/stored_record.h"
#include "base/hash.h"
#include "methods/numeric/cholesky.h"

#define MARK UINT64_C(0x7963696c6f700000) /* "policy", and two bytes for the version */
#define SUM_ERROR 1e-9			  /* of stored probabilities */

/* Two numbers at once. */
typedef double policy_pair __attribute__((vector_size(2 * sizeof(double)), aligned(sizeof(double)), may_alias));

static size_t spread_row_length(size_t row, size_t features)
{
	const size_t even = (row | 1) + 1;
	return even < features ? even : features;
}

/* Numbers of an arm. */
static size_t spread_size(size_t features)
{
	const size_t pairs = features / 2;
	return 2 * pairs * (pairs + 1) + (features % 2 ? features : 0);
}

/* ---- of a learner ---- */

static struct policy *policy_take(struct arena *arena, size_t arms, size_t features, bool spread)
{
	struct policy *policy = ARENA_NEW(arena, struct policy);
	if (!policy)
		return NULL;
	*policy = (struct policy){.arms = arms, .features = features};
	if (features == 0)
		policy->chances = ARENA_ARRAY(arena, double, arms);
	else
		policy->theta = ARENA_ARRAY(arena, double, arms *features);
	if (spread)
		policy->spread = ARENA_ARRAY(arena, double, arms * spread_size(features));
	return (policy->chances || policy->theta) && (policy->spread || !spread) ? policy : NULL;
}

struct policy *policy_open(struct arena *arena, const struct bandit_options *options, uint64_t seed)
{
	struct policy *policy = policy_take(arena, options->arms, options->features, options->kind == BANDIT_LINUCB);
	if (!policy)
		return NULL;
	policy->seed = seed;
	for (size_t i = 0; policy->chances && i < policy->arms; i++)
		policy->chances[i] = 1 / (double)policy->arms;
	return policy;
}

/* Rows of the triangle two by two, both as long as the second; each number beside the diagonal stands for two. */
static void spread_learn(double *spread, const struct ridge *plays)
{
	for (size_t i = 0; i < plays->features; i++) {
		const size_t length = spread_row_length(i, plays->features);
		for (size_t j = 0; j < length; j++) {
			const double number = j <= i ? plays->inverse[cholesky_size(i) + j] : 0;
			*spread++ = (i == j ? 1 : 2) * number;
		}
	}
}

void policy_learn(struct policy *policy, const struct bandit *bandit, uint64_t version)
{
	const struct bandit_options *options = bandit_options(bandit);
	policy->version = version;
	if (policy->features == 0) {
		bandit_chances(bandit, policy->chances);
		for (size_t i = 0; i < policy->arms; i++)
			policy->chances[i] = (1 - options->explore) * policy->chances[i] + options->explore / (double)policy->arms;
		return;
	}
	policy->greedy = (1 - options->explore) * (options->kind == BANDIT_LINUCB ? 1 : 1 - options->epsilon);
	policy->alpha = options->kind == BANDIT_LINUCB ? options->alpha : 0;
	for (size_t i = 0; i < policy->arms; i++) {
		const struct bandit_arm *arm = bandit_arm(bandit, i);
		memcpy(policy->theta + i * policy->features, arm->model.theta, policy->features * sizeof *policy->theta);
		if (policy->spread)
			spread_learn(policy->spread + i * spread_size(policy->features), &arm->plays);
	}
}

struct policy *policy_begin_warm(struct arena *arena, const struct bandit_options *options, const struct bandit_prior *priors,
				 uint64_t seed, struct error *error)
{
	struct bandit *bandit = bandit_open(arena, options, error);
	if (!bandit || !bandit_warm(bandit, priors, NULL, error))
		return NULL;
	struct policy *policy = policy_open(arena, options, seed);
	if (policy)
		policy_learn(policy, bandit, 0);
	else
		(void)error_memory(error, ERROR_SYSTEM, "starting bandits");
	return policy;
}

/* ---- choices ---- */

static double pair_sum(policy_pair pair)
{
	return pair[0] + pair[1];
}

static double policy_mean(const double *theta, const double *x, size_t features)
{
	policy_pair sum = {0, 0};
	size_t i = 0;
	for (; i + 2 <= features; i += 2)
		sum += *(const policy_pair *)(theta + i) * *(const policy_pair *)(x + i);
	return pair_sum(sum) + (i < features ? theta[i] * x[i] : 0);
}

static double policy_variance(const double *row, const double *x, size_t features)
{
	policy_pair sum = {0, 0};
	size_t i = 0;
	for (; i + 2 <= features; i += 2) {
		policy_pair first = {0, 0}, second = {0, 0};
		for (size_t j = 0; j <= i; j += 2) {
			const policy_pair beside = *(const policy_pair *)(x + j);
			first += *(const policy_pair *)(row + j) * beside;
			second += *(const policy_pair *)(row + i + 2 + j) * beside;
		}
		sum += first * x[i] + second * x[i + 1];
		row += 2 * (i + 2);
	}
	return pair_sum(sum) + (i < features ? policy_mean(row, x, features) * x[i] : 0);
}

static double policy_score(const struct policy *policy, size_t arm, const double *x)
{
	const double mean = policy_mean(policy->theta + arm * policy->features, x, policy->features);
	if (!policy->spread)
		return mean;
	const double variance = policy_variance(policy->spread + arm * spread_size(policy->features), x, policy->features);
	return mean + policy->alpha * sqrt(fmax(0, variance));
}

void policy_probabilities(const struct policy *policy, const double *x, double *probabilities)
{
	double scores[BANDIT_ARMS_MOST];
	if (policy->features == 0) {
		memcpy(probabilities, policy->chances, policy->arms * sizeof *probabilities);
		return;
	}
	for (size_t i = 0; i < policy->arms; i++) {
		scores[i] = policy_score(policy, i, x);
		probabilities[i] = (1 - policy->greedy) / (double)policy->arms;
	}
	probabilities[arm_of_greatest(scores, policy->arms)] += policy->greedy;
}

struct policy_choice policy_choose(const struct policy *policy, struct text unit, const double *x)
{
	double probabilities[BANDIT_ARMS_MOST];
	const uint64_t salt = policy->seed ^ policy->version * UINT64_C(0x9e3779b97f4a7c15);
	double left = (double)(hash_bytes(unit.bytes, unit.length, salt) >> 11) * 0x1p-53;
	size_t arm = 0, last = 0;
	policy_probabilities(policy, x, probabilities);
	for (; arm < policy->arms && left >= probabilities[arm]; arm++) {
		left -= probabilities[arm];
		if (probabilities[arm] > 0)
			last = arm;
	}
	if (arm == policy->arms) /* the sum is 1 but for its last digits */
		arm = last;
	return (struct policy_choice){arm, probabilities[arm]};
}

/* ---- as bytes ---- */

void policy_write(const struct policy *policy, struct buffer *out)
{
	const size_t begin = out->length;
	stored_put(out, MARK | POLICY_VERSION);
	stored_put(out, policy->seed);
	stored_put(out, policy->version);
	stored_put(out, policy->arms);
	stored_put(out, policy->features);
	stored_put(out, policy->spread != NULL);
	stored_put_numbers(out, (const double[]){policy->greedy, policy->alpha}, 2);
	if (policy->features == 0)
		stored_put_numbers(out, policy->chances, policy->arms);
	else
		stored_put_numbers(out, policy->theta, policy->arms * policy->features);
	if (policy->spread)
		stored_put_numbers(out, policy->spread, policy->arms * spread_size(policy->features));
	stored_end(out, begin);
}

static bool policy_sound(const struct policy *policy)
{
	double sum = 0;
	if (policy->features > 0)
		return policy->greedy >= 0 && policy->greedy <= 1 && policy->alpha >= 0;
	for (size_t i = 0; i < policy->arms; i++) {
		if (!(policy->chances[i] >= 0))
			return false;
		sum += policy->chances[i];
	}
	return fabs(sum - 1) <= SUM_ERROR;
}

struct policy *policy_read(struct arena *arena, struct text bytes, struct error *error)
{
	struct stored record = {"policy", MARK, POLICY_VERSION, bytes, 0, true, NULL};
	if (!stored_begin(&record, error))
		return NULL;
	const uint64_t seed = stored_take(&record), version = stored_take(&record);
	const uint64_t arms = stored_take(&record), features = stored_take(&record), spread = stored_take(&record);
	if (arms < 1 || arms > BANDIT_ARMS_MOST || features > BANDIT_FEATURES_MOST || spread > (features > 0) ||
	    !stored_has(&record, arms * (features ? features : 1) + spread * arms * spread_size(features)))
		return stored_damaged(&record, error), NULL;
	struct policy *policy = policy_take(arena, arms, features, spread);
	if (!policy)
		return error_memory(error, ERROR_SYSTEM, "reading a policy"), NULL;
	policy->seed = seed;
	policy->version = version;
	policy->greedy = stored_take_number(&record);
	policy->alpha = stored_take_number(&record);
	if (features == 0)
		stored_take_numbers(&record, policy->chances, arms);
	else
		stored_take_numbers(&record, policy->theta, arms * features);
	if (spread)
		stored_take_numbers(&record, policy->spread, arms * spread_size(features));
	if (!stored_ended(&record) || !policy_sound(policy))
		return stored_damaged(&record, error), NULL;
	return policy;
}
