/* bandits.c: Family `bandits`: state of learners after recorded rewards, their choices, and off-policy estimates. */
#include "methods/bandits/bandit.h"

#include <math.h>
#include <string.h>

#include "methods/bandits/off_policy.h"
#include "compute/bandit_run.h"
#include "compute/values.h"
#include "methods/numeric/cholesky.h"

static void put_integer(json_t *result, const char *key, size_t number, struct error *error)
{
	compute_put(result, key, json_integer((json_int_t)number), error);
}

/* ---- what was played ---- */

struct plays {
	struct compute_row arms, rewards;
	struct compute_table contexts; /* of no rows without them */
	size_t count;		       /* of arms */
};

static bool arms_sound(const struct compute_row *arms, size_t count, const char *key, struct error *error)
{
	for (size_t i = 0; i < arms->count; i++)
		if (!(arms->items[i] >= 0 && arms->items[i] < (double)count) || arms->items[i] != floor(arms->items[i]))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "`%s` has %g at index %zu, and there are %zu arms. Give integers from 0 to %zu.", key,
					 arms->items[i], i, count, count - 1);
	return true;
}

/* `k` of the parameters, or as many as `arms` names. */
static bool arms_count(const struct compute_case *one, const struct compute_row *arms, size_t *count, struct error *error)
{
	double most = 0;
	for (size_t i = 0; i < arms->count; i++)
		most = fmax(most, arms->items[i] + 1);
	const double k = compute_number_or(one->params, "k", most, error);
	if (!(k >= 1 && k <= BANDIT_ARMS_MOST) || k != floor(k))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`k` is %g. Give the number of arms, 1 to %d.", k,
				 BANDIT_ARMS_MOST);
	*count = (size_t)k;
	return true;
}

static bool plays_read(const struct compute_case *one, struct plays *plays, struct error *error)
{
	*plays = (struct plays){0};
	if (!compute_row(one, one->input, "arms", &plays->arms, error) ||
	    !compute_row(one, one->input, "rewards", &plays->rewards, error) ||
	    (compute_has(one->input, "contexts") && !compute_table(one, one->input, "contexts", &plays->contexts, error)))
		return false;
	if (plays->arms.count != plays->rewards.count)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`arms` has %zu numbers and `rewards` %zu. Give one reward for each play.", plays->arms.count,
				 plays->rewards.count);
	if (compute_has(one->input, "contexts") && plays->contexts.rows != plays->arms.count)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`contexts` has %zu rows and `arms` %zu numbers. Give one row for each play.",
				 plays->contexts.rows, plays->arms.count);
	return arms_count(one, &plays->arms, &plays->count, error) && arms_sound(&plays->arms, plays->count, "arms", error);
}

/* `before`, which may be NULL, gets the chances before the last play. */
static bool plays_learn(const struct plays *plays, struct bandit *bandit, double *before, struct error *error)
{
	const struct bandit_options *options = bandit_options(bandit);
	double chances[BANDIT_ARMS_MOST];
	for (size_t i = 0; i < plays->arms.count; i++) {
		struct bandit_reward reward = {.arm = (size_t)plays->arms.items[i], .reward = plays->rewards.items[i]};
		if (options->features > 0)
			reward.x = plays->contexts.items + i * plays->contexts.columns;
		if (options->kind == BANDIT_EXP3) {
			bandit_chances(bandit, chances);
			reward.probability = chances[reward.arm];
			if (before && i + 1 == plays->arms.count)
				memcpy(before, chances, options->arms * sizeof *before);
		}
		if (!bandit_reward(bandit, &reward, error))
			return false;
	}
	return true;
}

static struct bandit *plays_bandit(const struct compute_case *one, struct plays *plays, struct bandit_options *options,
				   double *before, struct error *error)
{
	if (!plays_read(one, plays, error))
		return NULL;
	options->arms = plays->count;
	options->features = plays->contexts.columns;
	struct bandit *bandit = bandit_open(one->arena, options, error);
	return bandit && plays_learn(plays, bandit, before, error) ? bandit : NULL;
}

/* One number of each arm. */
static void put_arms(json_t *result, const char *key, const struct bandit *bandit,
		     double (*number)(const struct bandit *bandit, size_t arm), struct error *error)
{
	double numbers[BANDIT_ARMS_MOST];
	const size_t arms = bandit_options(bandit)->arms;
	for (size_t i = 0; i < arms; i++)
		numbers[i] = number(bandit, i);
	compute_put(result, key, compute_write_row(numbers, arms), error);
}

/* ---- learners after recorded rewards ---- */

static double posterior_alpha(const struct bandit *bandit, size_t arm)
{
	return bandit_posterior(bandit, arm).alpha;
}

static double posterior_beta(const struct bandit *bandit, size_t arm)
{
	return bandit_posterior(bandit, arm).beta;
}

static double posterior_rate(const struct bandit *bandit, size_t arm)
{
	return posterior_alpha(bandit, arm) / (posterior_alpha(bandit, arm) + posterior_beta(bandit, arm));
}

static json_t *beta_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_THOMPSON_BETA, 0, 0);
	struct compute_row prior;
	struct plays plays;
	if (!compute_row(one, one->params, "prior", &prior, error))
		return NULL;
	if (prior.count != 2) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`prior` has %zu numbers. Give two, alpha and beta.", prior.count);
		return NULL;
	}
	options.prior_alpha = prior.items[0];
	options.prior_beta = prior.items[1];
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	json_t *result = json_object();
	put_arms(result, "alpha", bandit, posterior_alpha, error);
	put_arms(result, "beta", bandit, posterior_beta, error);
	put_arms(result, "posterior_mean", bandit, posterior_rate, error);
	return result;
}

static double rewards_count(const struct bandit *bandit, size_t arm)
{
	return (double)bandit_arm(bandit, arm)->moments.count;
}

static double confidence_of(const struct compute_case *one, struct error *error)
{
	return sqrt(compute_number_or(one->params, "c", 2, error) / 2);
}

static json_t *ucb1_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_UCB1, 0, 0);
	struct plays plays;
	double indexes[BANDIT_ARMS_MOST];
	options.alpha = confidence_of(one, error);
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	for (size_t i = 0; i < plays.count; i++)
		indexes[i] = bandit_index(bandit, i);
	json_t *result = json_object();
	put_arms(result, "mean", bandit, bandit_mean, error);
	put_arms(result, "count", bandit, rewards_count, error);
	put_arms(result, "ucb", bandit, bandit_index, error);
	put_integer(result, "next_arm", arm_of_greatest(indexes, plays.count), error);
	return result;
}

static double posterior_mean(const struct bandit *bandit, size_t arm)
{
	return bandit_posterior(bandit, arm).mean;
}

static double posterior_variance(const struct bandit *bandit, size_t arm)
{
	const double scale = bandit_posterior(bandit, arm).scale;
	return scale * scale;
}

static json_t *normal_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_THOMPSON_NORMAL, 0, 0);
	struct plays plays;
	options.prior_mean = compute_number_or(one->params, "prior_mean", options.prior_mean, error);
	options.prior_variance = compute_number_or(one->params, "prior_variance", options.prior_variance, error);
	options.noise_variance = compute_number_or(one->params, "noise_variance", options.noise_variance, error);
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	json_t *result = json_object();
	put_arms(result, "mean", bandit, posterior_mean, error);
	put_arms(result, "variance", bandit, posterior_variance, error);
	return result;
}

static json_t *normal_gamma_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_THOMPSON_STUDENT, 0, 0);
	struct plays plays;
	double numbers[4][BANDIT_ARMS_MOST];
	static const char *const keys[4] = {"mu", "kappa", "alpha", "beta"};
	options.prior_mean = compute_number_or(one->params, "mu0", options.prior_mean, error);
	options.prior_weight = compute_number_or(one->params, "kappa0", options.prior_weight, error);
	options.prior_alpha = compute_number_or(one->params, "alpha0", options.prior_alpha, error);
	options.prior_beta = compute_number_or(one->params, "beta0", options.prior_beta, error);
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	for (size_t i = 0; i < plays.count; i++) {
		const struct normal_gamma posterior = bandit_normal_gamma(bandit, i);
		numbers[0][i] = posterior.mean;
		numbers[1][i] = posterior.weight;
		numbers[2][i] = posterior.alpha;
		numbers[3][i] = posterior.beta;
	}
	json_t *result = json_object();
	for (size_t i = 0; i < 4; i++)
		compute_put(result, keys[i], compute_write_row(numbers[i], plays.count), error);
	return result;
}

static json_t *exp3_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_EXP3, 0, 0);
	struct plays plays;
	double before[BANDIT_ARMS_MOST], after[BANDIT_ARMS_MOST];
	options.gamma = compute_number_or(one->params, "gamma", options.gamma, error);
	const struct bandit *bandit = plays_bandit(one, &plays, &options, before, error);
	if (!bandit)
		return NULL;
	bandit_chances(bandit, after);
	json_t *result = json_object();
	compute_put(result, "probabilities_before_last", compute_write_row(plays.arms.count ? before : after, plays.count), error);
	compute_put(result, "probabilities_final", compute_write_row(after, plays.count), error);
	return result;
}

static json_t *epsilon_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_EPSILON_GREEDY, 0, 0);
	struct plays plays;
	double chances[BANDIT_ARMS_MOST];
	options.epsilon = compute_number_or(one->params, "epsilon", options.epsilon, error);
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	bandit_chances(bandit, chances);
	json_t *result = json_object();
	put_arms(result, "mean", bandit, bandit_mean, error);
	compute_put(result, "action_probabilities", compute_write_row(chances, plays.count), error);
	return result;
}

/* No learner of a pipeline: the reference has it beside the others. */
static json_t *softmax_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_EPSILON_GREEDY, 0, 0);
	struct plays plays;
	double shares[BANDIT_ARMS_MOST], most = -INFINITY, sum = 0;
	const double temperature = compute_number_or(one->params, "temperature", 1, error);
	if (!(temperature > 0)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`temperature` is %g. Give a number above 0.", temperature);
		return NULL;
	}
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	for (size_t i = 0; i < plays.count; i++)
		most = fmax(most, bandit_mean(bandit, i));
	for (size_t i = 0; i < plays.count; i++)
		sum += shares[i] = exp((bandit_mean(bandit, i) - most) / temperature);
	for (size_t i = 0; i < plays.count; i++)
		shares[i] /= sum;
	json_t *result = json_object();
	compute_put(result, "action_probabilities", compute_write_row(shares, plays.count), error);
	return result;
}

static json_t *thompson_run(const struct compute_case *one, struct error *error)
{
	struct compute_row alpha, beta;
	struct arm_posterior posteriors[BANDIT_ARMS_MOST];
	double chances[BANDIT_ARMS_MOST];
	if (!compute_row(one, one->input, "alpha", &alpha, error) || !compute_row(one, one->input, "beta", &beta, error))
		return NULL;
	if (alpha.count < 1 || alpha.count > BANDIT_ARMS_MOST || alpha.count != beta.count) {
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "`alpha` has %zu numbers and `beta` %zu. Give one of each for 1 to %d arms.", alpha.count, beta.count,
			  BANDIT_ARMS_MOST);
		return NULL;
	}
	for (size_t i = 0; i < alpha.count; i++) {
		posteriors[i] = (struct arm_posterior){.kind = POSTERIOR_BETA, .alpha = alpha.items[i], .beta = beta.items[i]};
		if (!(alpha.items[i] > 0 && beta.items[i] > 0 && alpha.items[i] < 1e8 && beta.items[i] < 1e8)) {
			error_set(error, ERROR_INPUT, PLACE_NONE,
				  "`alpha` and `beta` have %g and %g at index %zu. Give numbers above 0 and "
				  "below 1e8.",
				  alpha.items[i], beta.items[i], i);
			return NULL;
		}
	}
	best_arm_chances(posteriors, alpha.count, chances);
	json_t *result = json_object();
	compute_put(result, "p_best", compute_write_row(chances, alpha.count), error);
	return result;
}

/* ---- LinUCB ---- */

static void put_matrices(const struct compute_case *one, json_t *result, const struct bandit *bandit, struct error *error)
{
	const size_t arms = bandit_options(bandit)->arms, features = bandit_options(bandit)->features;
	json_t *thetas = json_array(), *inverses = json_array();
	double *matrix = ARENA_ARRAY(one->arena, double, features *features);
	if (!matrix)
		error_memory(error, ERROR_LIMIT, "writing matrices");
	for (size_t arm = 0; matrix && arm < arms; arm++) {
		const struct ridge *model = &bandit_arm(bandit, arm)->model;
		for (size_t i = 0; i < features; i++)
			for (size_t j = 0; j <= i; j++)
				matrix[i * features + j] = matrix[j * features + i] = model->inverse[cholesky_size(i) + j];
		json_array_append_new(thetas, compute_write_row(model->theta, features));
		json_array_append_new(inverses, compute_write_table(matrix, features, features));
	}
	compute_put(result, "theta", thetas, error);
	compute_put(result, "inverse_gram", inverses, error);
}

static json_t *linucb_run(const struct compute_case *one, struct error *error)
{
	struct bandit_options options = bandit_defaults(BANDIT_LINUCB, 0, 0);
	struct plays plays;
	struct compute_row query;
	double scores[BANDIT_ARMS_MOST];
	options.alpha = compute_number_or(one->params, "alpha", options.alpha, error);
	options.lambda = compute_number_or(one->params, "ridge", options.lambda, error);
	options.epsilon = compute_number_or(one->params, "epsilon", options.epsilon, error);
	options.kind = compute_has(one->params, "epsilon") ? BANDIT_EPSILON_GREEDY : BANDIT_LINUCB;
	if (!compute_row(one, one->input, "query", &query, error))
		return NULL;
	const struct bandit *bandit = plays_bandit(one, &plays, &options, NULL, error);
	if (!bandit)
		return NULL;
	if (query.count != options.features) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`query` has %zu numbers, and a context %zu. Give as many.", query.count,
			  options.features);
		return NULL;
	}
	for (size_t i = 0; i < query.count; i++)
		if (!isfinite(query.items[i])) {
			error_set(error, ERROR_INPUT, PLACE_NONE, "`query` has %g at index %zu. Give finite numbers.",
				  query.items[i], i);
			return NULL;
		}
	for (size_t i = 0; i < plays.count; i++)
		scores[i] = bandit_score(bandit, i, query.items);
	json_t *result = json_object();
	put_matrices(one, result, bandit, error);
	compute_put(result, "scores", compute_write_row(scores, plays.count), error);
	put_integer(result, "next_arm", arm_of_greatest(scores, plays.count), error);
	return result;
}

/* ---- off-policy estimates ---- */

static bool records_read(const struct compute_case *one, struct off_policy *sums, struct error *error)
{
	struct compute_row actions, rewards, probabilities;
	struct compute_table target, expected = {0}, logged = {0};
	if (!compute_row(one, one->input, "actions", &actions, error) ||
	    !compute_row(one, one->input, "rewards", &rewards, error) ||
	    !compute_row(one, one->input, "propensities", &probabilities, error) ||
	    !compute_table(one, one->input, "target_probabilities", &target, error) ||
	    (compute_has(one->input, "reward_model") && !compute_table(one, one->input, "reward_model", &expected, error)) ||
	    (compute_has(one->input, "logged_probabilities") &&
	     !compute_table(one, one->input, "logged_probabilities", &logged, error)))
		return false;
	const size_t count = actions.count, arms = target.columns;
	const bool whole = rewards.count == count && probabilities.count == count && target.rows == count;
	const bool tables = (expected.rows == 0 || (expected.rows == count && expected.columns == arms)) &&
			    (logged.rows == 0 || (logged.rows == count && logged.columns == arms));
	if (!whole || !tables)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`actions`, `rewards`, `propensities`, `target_probabilities` and "
				 "`reward_model` differ in length. Give one of each for every record.");
	if (!off_policy_begin(sums, arms, compute_number_or(one->params, "clip", 10, error), error) ||
	    !arms_sound(&actions, arms, "actions", error))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct off_policy_record record = {
			.arm = (size_t)actions.items[i],
			.reward = rewards.items[i],
			.probability = probabilities.items[i],
			.target = target.items + i * arms,
			.logged = logged.rows ? logged.items + i * arms : NULL,
			.expected = expected.rows ? expected.items + i * arms : NULL,
		};
		if (!off_policy_add(sums, &record, error))
			return false;
	}
	return true;
}

static void put_estimate(json_t *result, const char *key, struct off_policy_estimate estimate, struct error *error)
{
	char of_error[64];
	(void)snprintf(of_error, sizeof of_error, "%s_standard_error", key);
	compute_put_number(result, key, estimate.value, error);
	compute_put_number(result, of_error, estimate.error, error);
}

static json_t *off_policy_run(const struct compute_case *one, struct error *error)
{
	struct off_policy sums;
	if (!records_read(one, &sums, error))
		return NULL;
	const struct off_policy_result got = off_policy_result(&sums);
	json_t *result = json_object(), *refused = json_array();
	put_estimate(result, "ips", got.ips, error);
	put_estimate(result, "snips", got.snips, error);
	put_estimate(result, "clipped_ips", got.clipped, error);
	put_estimate(result, "direct_method", got.direct, error);
	put_estimate(result, "doubly_robust", got.doubly, error);
	put_estimate(result, "self_normalised_doubly_robust", got.self_normalised_doubly, error);
	compute_put_number(result, "effective_sample_size", got.effective, error);
	compute_put_number(result, "outside_support", got.outside, error);
	if (got.too_few)
		json_array_append_new(refused, json_pack("s", "effective_sample_size"));
	if (got.unsupported)
		json_array_append_new(refused, json_pack("s", "outside_support"));
	compute_put(result, "refused", refused, error);
	return result;
}

/* ---- which of these a case asks for, by a key of its input or parameters ---- */

static const struct {
	const char *input, *parameter; /* NULL: not looked at */
	json_t *(*run)(const struct compute_case *one, struct error *error);
} kinds[] = {
	{"arm_means", NULL, bandit_regret},
	{"reward_table", NULL, bandit_trajectory},
	{"target_probabilities", NULL, off_policy_run},
	{"contexts", NULL, linucb_run},
	{"alpha", NULL, thompson_run},
	{NULL, "prior", beta_run},
	{NULL, "c", ucb1_run},
	{NULL, "noise_variance", normal_run},
	{NULL, "kappa0", normal_gamma_run},
	{NULL, "gamma", exp3_run},
	{NULL, "epsilon", epsilon_run},
	{NULL, "temperature", softmax_run},
};

static json_t *bandits_run(const struct compute_case *one, struct error *error)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].input ? compute_has(one->input, kinds[i].input) : compute_has(one->params, kinds[i].parameter))
			return compute_made(kinds[i].run(one, error), error);
	error_set(error, ERROR_INPUT, PLACE_NONE,
		  "The case asks for nothing that `bandits` knows. Give one of these to `input`: `arm_means`, "
		  "`reward_table`, `target_probabilities`, `contexts`, `alpha`; or to `params`: `prior`, `c`, `noise_variance`, "
		  "`kappa0`, "
		  "`gamma`, `epsilon`, `temperature`.");
	return NULL;
}

static const struct compute_method methods[] = {
	{"beta_posterior", "Beta(prior + rewards, prior + failures) of each arm"},
	{"gaussian_posterior", "normal prior and noise of known variance"},
	{"normal_inverse_gamma", "mean and variance unknown"},
	{"thompson_selection_probability", "the chance of each arm to be the best, by quadrature"},
	{"ucb1", "mean + sqrt(c ln t / n), what was never played first, ties to the lowest arm"},
	{"epsilon_greedy", "explores over all arms; with contexts on x'theta, theta by ridge regression"},
	{"exp3", "w *= exp(gamma r / (p K)), p = (1 - gamma) w / sum w + gamma / K"},
	{"softmax", "shares proportional to exp(mean / temperature)"},
	{"linucb", "x'theta + alpha sqrt(x' A^-1 x), A = ridge I + sum x x', disjoint"},
	{"ope",
	 "IPS, SNIPS, clipped (min(w, clip)), DM, DR, SNDR, standard errors (ddof 1), ESS; refused below an ESS of 100 or with "
	 "more than 1% outside the support"},
	{"trajectory",
	 "the arms that learners choose on a table of rewards (`reward_table`, perhaps `contexts`), learning after each "
	 "decision or after `delay`"},
	{"regret", "pseudo-regret, the mean of 100 runs"},
	{NULL, NULL},
};

const struct compute_family compute_bandits = {
	.name = "bandits",
	.summary = "learners of bandits after recorded plays, their choices, and off-policy estimates",
	.methods = methods,
	.parameters = "algorithm alpha alpha0 beta0 c clip delay epsilon explore gamma k kappa0 learners mu0 noise_variance "
		      "prior prior_mean prior_variance ridge seed temperature warm",
	.run = bandits_run,
};
