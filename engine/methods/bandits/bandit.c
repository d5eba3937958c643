/* bandit.c: see bandit.h. */
#include "methods/bandits/bandit.h"

#include <math.h>

#include "methods/bandits/bandit_parts.h"

const char *const bandit_kind_names[BANDIT_KINDS] = {
	[BANDIT_EPSILON_GREEDY] = "epsilon-greedy",
	[BANDIT_UCB1] = "ucb1",
	[BANDIT_THOMPSON_BETA] = "thompson-beta",
	[BANDIT_THOMPSON_NORMAL] = "thompson-normal",
	[BANDIT_THOMPSON_STUDENT] = "thompson-student",
	[BANDIT_LINUCB] = "linucb",
	[BANDIT_EXP3] = "exp3",
};

/* ---- options ---- */

struct bandit_options bandit_defaults(enum bandit_kind kind, size_t arms, size_t features)
{
	return (struct bandit_options){
		.kind = kind,
		.arms = arms,
		.features = features,
		.explore = BANDIT_EXPLORE_DEFAULT,
		.epsilon = 0.1,
		.alpha = 1,
		.lambda = 1,
		.gamma = 0.1,
		.prior_alpha = 1,
		.prior_beta = 1,
		.prior_variance = 1,
		.noise_variance = 1,
		.prior_weight = 1,
	};
}

#define ABOVE_ZERO 1e-12 /* so that nothing is divided by what is as good as 0 */

/* Each option's domain, both ends among it, and which kind it matters to; BANDIT_KINDS: to all. */
static const struct {
	const char *name;
	size_t offset;
	double least, most;
	enum bandit_kind kind;
} domains[] = {
	{"explore", offsetof(struct bandit_options, explore), 0, 1, BANDIT_KINDS},
	{"epsilon", offsetof(struct bandit_options, epsilon), 0, 1, BANDIT_EPSILON_GREEDY},
	{"lambda", offsetof(struct bandit_options, lambda), ABOVE_ZERO, BANDIT_REWARD_MOST, BANDIT_EPSILON_GREEDY},
	{"alpha", offsetof(struct bandit_options, alpha), 0, BANDIT_REWARD_MOST, BANDIT_UCB1},
	{"alpha", offsetof(struct bandit_options, alpha), 0, BANDIT_REWARD_MOST, BANDIT_LINUCB},
	{"lambda", offsetof(struct bandit_options, lambda), ABOVE_ZERO, BANDIT_REWARD_MOST, BANDIT_LINUCB},
	{"gamma", offsetof(struct bandit_options, gamma), ABOVE_ZERO, 1, BANDIT_EXP3},
	{"prior_alpha", offsetof(struct bandit_options, prior_alpha), 1e-3, 1e8, BANDIT_THOMPSON_BETA},
	{"prior_beta", offsetof(struct bandit_options, prior_beta), 1e-3, 1e8, BANDIT_THOMPSON_BETA},
	{"prior_mean", offsetof(struct bandit_options, prior_mean), -BANDIT_REWARD_MOST, BANDIT_REWARD_MOST,
	 BANDIT_THOMPSON_NORMAL},
	{"prior_variance", offsetof(struct bandit_options, prior_variance), ABOVE_ZERO, BANDIT_REWARD_MOST, BANDIT_THOMPSON_NORMAL},
	{"noise_variance", offsetof(struct bandit_options, noise_variance), ABOVE_ZERO, BANDIT_REWARD_MOST, BANDIT_THOMPSON_NORMAL},
	{"prior_mean", offsetof(struct bandit_options, prior_mean), -BANDIT_REWARD_MOST, BANDIT_REWARD_MOST,
	 BANDIT_THOMPSON_STUDENT},
	{"prior_weight", offsetof(struct bandit_options, prior_weight), ABOVE_ZERO, BANDIT_REWARD_MOST, BANDIT_THOMPSON_STUDENT},
	{"prior_alpha", offsetof(struct bandit_options, prior_alpha), 1, 1e8, BANDIT_THOMPSON_STUDENT},
	{"prior_beta", offsetof(struct bandit_options, prior_beta), ABOVE_ZERO, BANDIT_REWARD_MOST, BANDIT_THOMPSON_STUDENT},
};

static double option_at(const struct bandit_options *options, size_t offset)
{
	double value;
	memcpy(&value, (const char *)options + offset, sizeof value);
	return value;
}

bool bandit_check(const struct bandit_options *options, struct error *error)
{
	if ((unsigned)options->kind >= BANDIT_KINDS)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "The bandit has no algorithm of the number %d. Use epsilon-greedy, ucb1, "
				 "thompson, linucb or exp3.",
				 (int)options->kind);
	const char *name = bandit_kind_names[options->kind];
	if (options->arms < 1 || options->arms > BANDIT_ARMS_MOST)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "The bandit has %zu arms. Give it 1 to %d.", options->arms,
				 BANDIT_ARMS_MOST);
	if (options->features > BANDIT_FEATURES_MOST)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "The bandit's context has %zu features. Give it at most %d.",
				 options->features, BANDIT_FEATURES_MOST);
	if (options->kind == BANDIT_LINUCB && options->features == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "linucb has no features of a context. Name some, or use ucb1.");
	if (options->features > 0 && options->kind != BANDIT_LINUCB && options->kind != BANDIT_EPSILON_GREEDY)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s does not use features of a context. Remove them, or use linucb or epsilon-greedy.", name);
	for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
		const double value = option_at(options, domains[i].offset);
		const bool matters = domains[i].kind == BANDIT_KINDS || domains[i].kind == options->kind;
		if (matters && !(value >= domains[i].least && value <= domains[i].most))
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` of %s is %g. Give a number from %g to %g.",
					 domains[i].name, name, value, domains[i].least, domains[i].most);
	}
	return true;
}

/* ---- opening ---- */

struct bandit *bandit_open(struct arena *arena, const struct bandit_options *options, struct error *error)
{
	if (!bandit_check(options, error))
		return NULL;
	struct bandit *bandit = ARENA_NEW(arena, struct bandit);
	struct bandit_arm *arms = ARENA_ARRAY(arena, struct bandit_arm, options->arms);
	bool sound = bandit && arms;
	for (size_t i = 0; sound && options->features > 0 && i < options->arms; i++)
		sound = ridge_open(&arms[i].model, arena, options->features, options->lambda) &&
			(options->kind != BANDIT_LINUCB || ridge_open(&arms[i].plays, arena, options->features, options->lambda));
	if (!sound)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a bandit"));
	bandit->options = *options;
	bandit->arms = arms;
	return bandit;
}

const struct bandit_options *bandit_options(const struct bandit *bandit)
{
	return &bandit->options;
}

const struct bandit_arm *bandit_arm(const struct bandit *bandit, size_t arm)
{
	return &bandit->arms[arm];
}

/* ---- plays and rewards ---- */

static bool play_sound(const struct bandit *bandit, size_t arm, const double *x, struct error *error)
{
	if (arm >= bandit->options.arms)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "A play is of arm %zu, and the bandit has %zu. Leave the play out.", arm, bandit->options.arms);
	for (size_t i = 0; i < bandit->options.features; i++)
		if (!(fabs(x[i]) <= BANDIT_REWARD_MOST))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "Feature %zu of a play is %g. Give a finite number up to %g.", i, x[i],
					 BANDIT_REWARD_MOST);
	return true;
}

static bool kind_takes_shares(enum bandit_kind kind)
{
	return kind == BANDIT_THOMPSON_BETA || kind == BANDIT_EXP3;
}

bool bandit_takes(enum bandit_kind kind, double reward)
{
	return fabs(reward) <= BANDIT_REWARD_MOST && (!kind_takes_shares(kind) || (reward >= 0 && reward <= 1));
}

static bool kind_is_thompson(enum bandit_kind kind)
{
	return kind == BANDIT_THOMPSON_BETA || kind == BANDIT_THOMPSON_NORMAL || kind == BANDIT_THOMPSON_STUDENT;
}

double bandit_floor_share(const struct bandit_options *options, double probability)
{
	return kind_is_thompson(options->kind) ? floor_share(options->explore, options->arms, probability) : 0;
}

static bool reward_sound(const struct bandit *bandit, const struct bandit_reward *reward, struct error *error)
{
	const enum bandit_kind kind = bandit->options.kind;
	if (!play_sound(bandit, reward->arm, reward->x, error))
		return false;
	if (!(fabs(reward->reward) <= BANDIT_REWARD_MOST))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "A reward is %g. Give a finite number up to %g.", reward->reward,
				 BANDIT_REWARD_MOST);
	if (!bandit_takes(kind, reward->reward))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "A reward is %g, and %s takes 0 to 1. Scale the reward, or use another algorithm.", reward->reward,
				 bandit_kind_names[kind]);
	if (kind == BANDIT_EXP3 && !(reward->probability > 0 && reward->probability <= 1))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The probability of a play is %g. exp3 needs the one that its choice was "
				 "made with, above 0 and at most 1.",
				 reward->probability);
	if (!(reward->floor_share >= 0 && reward->floor_share <= 1))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The share of a play that is owed to `explore` is %g. Give a number from 0 to 1.",
				 reward->floor_share);
	return true;
}

bool bandit_expose(struct bandit *bandit, size_t arm, const double *x, struct error *error)
{
	if (!play_sound(bandit, arm, x, error))
		return false;
	bandit->arms[arm].pending++;
	if (bandit->options.kind == BANDIT_LINUCB)
		ridge_add(&bandit->arms[arm].plays, x, 0);
	return true;
}

bool bandit_expire(struct bandit *bandit, size_t arm, const double *x, struct error *error)
{
	if (!play_sound(bandit, arm, x, error))
		return false;
	if (bandit->arms[arm].pending == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "A play of arm %zu expires, and none waits. Leave the play out.",
				 arm);
	bandit->arms[arm].pending--;
	if (bandit->options.kind == BANDIT_LINUCB)
		ridge_remove(&bandit->arms[arm].plays, x);
	return true;
}

bool bandit_reward(struct bandit *bandit, const struct bandit_reward *reward, struct error *error)
{
	const struct bandit_options *options = &bandit->options;
	if (!reward_sound(bandit, reward, error))
		return false;
	struct bandit_arm *arm = &bandit->arms[reward->arm];
	if (reward->exposed && arm->pending == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "A reward is for a play of arm %zu, and none waits. Leave the reward out.", reward->arm);
	sum_add(&arm->rewards, reward->reward);
	moments_add(&arm->moments, reward->reward);
	if (reward->exposed)
		arm->pending--;
	if (kind_is_thompson(options->kind) && reward->floor_share > 0)
		floor_evidence_add(&arm->floor, reward->reward, reward->floor_share);
	if (options->kind == BANDIT_EXP3)
		arm->log_weight += options->gamma * reward->reward / reward->probability / (double)options->arms;
	if (options->features > 0)
		ridge_add(&arm->model, reward->x, reward->reward);
	if (options->kind == BANDIT_LINUCB && !reward->exposed)
		ridge_add(&arm->plays, reward->x, 0);
	return true;
}

static void arm_merge(const struct bandit_options *options, struct bandit_arm *arm, const struct bandit_arm *other)
{
	arm->pending += other->pending;
	sum_add(&arm->rewards, other->rewards.total);
	sum_add(&arm->rewards, other->rewards.rest);
	moments_merge(&arm->moments, &other->moments);
	arm->log_weight += other->log_weight;
	floor_evidence_merge(&arm->floor, &other->floor);
	if (options->features > 0)
		ridge_merge(&arm->model, &other->model);
	if (options->kind == BANDIT_LINUCB)
		ridge_merge(&arm->plays, &other->plays);
}

static bool options_check(const struct bandit_options *into, const struct bandit_options *from, struct error *error)
{
	return bandit_options_equal(into, from) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "Two bandits of different options cannot be merged. Learn again from the recorded rewards.");
}

bool bandit_merge_arms(struct bandit *into, const struct bandit *from, const size_t *places, struct error *error)
{
	struct bandit_options options = into->options;
	options.arms = from->options.arms;
	if (!options_check(&options, &from->options, error))
		return false;
	for (size_t i = 0; i < from->options.arms; i++)
		if (places[i] < into->options.arms)
			arm_merge(&into->options, &into->arms[places[i]], &from->arms[i]);
	return true;
}

/* ---- what follows ---- */

double bandit_mean(const struct bandit *bandit, size_t arm)
{
	const struct bandit_arm *one = &bandit->arms[arm];
	return one->moments.count > 0 ? sum_value(&one->rewards) / (double)one->moments.count : 0;
}

static uint64_t arm_plays(const struct bandit_arm *arm)
{
	return arm->moments.count + arm->pending;
}

double bandit_index(const struct bandit *bandit, size_t arm)
{
	uint64_t total = 0;
	const uint64_t plays = arm_plays(&bandit->arms[arm]);
	for (size_t i = 0; i < bandit->options.arms; i++)
		total += arm_plays(&bandit->arms[i]);
	if (plays == 0)
		return INFINITY;
	return bandit_mean(bandit, arm) + bandit->options.alpha * sqrt(2 * log((double)total) / (double)plays);
}

double bandit_score(const struct bandit *bandit, size_t arm, const double *x)
{
	const struct bandit_arm *one = &bandit->arms[arm];
	const double mean = ridge_mean(&one->model, x);
	return bandit->options.kind == BANDIT_LINUCB ? mean + bandit->options.alpha * sqrt(fmax(0, ridge_variance(&one->plays, x)))
						     : mean;
}

/* What Thompson counts of an arm: all rewards but those of floor evidence that has faded. */
struct arm_counted {
	double count, sum;
	double squares; /* of deviations from their mean */
};

static struct arm_counted arm_counted(const struct bandit_arm *arm)
{
	const struct weighted_moments *faded = &arm->floor.faded;
	const double all = (double)arm->moments.count, left = fmax(0, all - faded->weight);
	const double sum = sum_value(&arm->rewards) - faded->weight * faded->mean;
	double squares = arm->moments.squares;
	if (faded->weight > 0) {
		/* Chan's sum of two parts, of which one is taken away again. */
		const double away = left > 0 ? sum / left - faded->mean : 0;
		squares = fmax(0, squares - faded->squares - away * away * faded->weight * left / all);
	}
	return (struct arm_counted){left, sum, squares};
}

struct normal_gamma bandit_normal_gamma(const struct bandit *bandit, size_t arm)
{
	const struct bandit_options *options = &bandit->options;
	const struct arm_counted counted = arm_counted(&bandit->arms[arm]);
	const double count = counted.count, weight = options->prior_weight + count;
	const double away = (count > 0 ? counted.sum / count : 0) - options->prior_mean;
	return (struct normal_gamma){
		.mean = (options->prior_weight * options->prior_mean + counted.sum) / weight,
		.weight = weight,
		.alpha = options->prior_alpha + count / 2,
		.beta = options->prior_beta + counted.squares / 2 + options->prior_weight * count * away * away / (2 * weight),
	};
}

struct arm_posterior bandit_posterior(const struct bandit *bandit, size_t arm)
{
	const struct bandit_options *options = &bandit->options;
	const struct arm_counted counted = arm_counted(&bandit->arms[arm]);
	const double sum = counted.sum, count = counted.count;
	if (options->kind == BANDIT_THOMPSON_BETA)
		return (struct arm_posterior){
			.kind = POSTERIOR_BETA, .alpha = options->prior_alpha + sum, .beta = options->prior_beta + count - sum};
	if (options->kind == BANDIT_THOMPSON_NORMAL) {
		const double precision = 1 / options->prior_variance + count / options->noise_variance;
		const double mean = (options->prior_mean / options->prior_variance + sum / options->noise_variance) / precision;
		return (struct arm_posterior){.kind = POSTERIOR_NORMAL, .mean = mean, .scale = sqrt(1 / precision)};
	}
	const struct normal_gamma posterior = bandit_normal_gamma(bandit, arm);
	return (struct arm_posterior){.kind = POSTERIOR_STUDENT,
				      .mean = posterior.mean,
				      .scale = sqrt(posterior.beta / (posterior.alpha * posterior.weight)),
				      .freedom = 2 * posterior.alpha};
}

size_t arm_of_greatest(const double *scores, size_t count)
{
	size_t best = 0;
	for (size_t i = 1; i < count; i++)
		if (scores[i] > scores[best] || (isnan(scores[best]) && !isnan(scores[i])))
			best = i;
	return best;
}

static void exp3_chances(const struct bandit *bandit, double *chances)
{
	const size_t arms = bandit->options.arms;
	double most = -INFINITY, sum = 0;
	for (size_t i = 0; i < arms; i++)
		most = fmax(most, bandit->arms[i].log_weight);
	for (size_t i = 0; i < arms; i++)
		sum += chances[i] = exp(bandit->arms[i].log_weight - most);
	for (size_t i = 0; i < arms; i++)
		chances[i] = (1 - bandit->options.gamma) * chances[i] / sum + bandit->options.gamma / (double)arms;
}

static void thompson_chances(const struct bandit *bandit, double *chances)
{
	struct arm_posterior posteriors[BANDIT_ARMS_MOST];
	for (size_t i = 0; i < bandit->options.arms; i++)
		posteriors[i] = bandit_posterior(bandit, i);
	best_arm_chances(posteriors, bandit->options.arms, chances);
}

/* All on the greatest score, but for `epsilon`, which all arms share. */
static void greedy_chances(const struct bandit *bandit, double (*score)(const struct bandit *bandit, size_t arm), double epsilon,
			   double *chances)
{
	const size_t arms = bandit->options.arms;
	double scores[BANDIT_ARMS_MOST];
	for (size_t i = 0; i < arms; i++) {
		scores[i] = score(bandit, i);
		chances[i] = epsilon / (double)arms;
	}
	chances[arm_of_greatest(scores, arms)] += 1 - epsilon;
}

void bandit_chances(const struct bandit *bandit, double *chances)
{
	switch (bandit->options.kind) {
	case BANDIT_EPSILON_GREEDY:
		greedy_chances(bandit, bandit_mean, bandit->options.epsilon, chances);
		break;
	case BANDIT_UCB1:
		greedy_chances(bandit, bandit_index, 0, chances);
		break;
	case BANDIT_EXP3:
		exp3_chances(bandit, chances);
		break;
	default:
		thompson_chances(bandit, chances);
	}
}
