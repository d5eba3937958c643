/* bandit_run.c: see bandit_run.h. */
#include "compute/bandit_run.h"

#include <math.h>
#include <string.h>

#include "comparison/bandits/posterior_draw.h"
#include "methods/bandits/policy.h"
#include "compute/values.h"

#define REGRET_RUNS 100
#define RUN_ARENA_BYTES ((size_t)64 << 20)
#define STEPS_MOST 10000000
#define SEED_MOST 1e15 /* whole numbers up to here are exact */
#define RUN_SEED_SALT UINT64_C(0x9e3779b97f4a7c15)

/* ---- a run ---- */

/* What a learner plays against. */
struct bandit_world {
	const void *context;
	const double *(*features)(const void *context, size_t step); /* NULL of a learner without features */
	double (*reward)(const void *context, size_t step, size_t arm, struct random *random);
	size_t steps;
	size_t delay; /* decisions between a choice and its reward */
	size_t warm;  /* the first choices, which go around all arms */
	uint64_t seed;
};

/* Of a step that waits for its reward. */
struct bandit_play {
	size_t arm;
	double reward, probability;
	double floor_share;
};

struct bandit_runner {
	const struct bandit_world *world;
	struct bandit *bandit;
	struct policy *policy;
	struct random random;
	struct bandit_play *plays;
};

static const double *run_features(const struct bandit_runner *runner, size_t step)
{
	return bandit_options(runner->bandit)->features > 0 ? runner->world->features(runner->world->context, step) : NULL;
}

/* Thompson's policy costs a quadrature, so what learns after each decision draws from the posteriors themselves. With `explore` the
 * quadrature is needed for the probability. */
static struct policy_choice run_draw(struct bandit_runner *runner, size_t step)
{
	const struct bandit_options *options = bandit_options(runner->bandit);
	const bool explores = uniform_draw(&runner->random) < options->explore;
	const size_t arm = explores ? random_below(&runner->random, options->arms) : bandit_draw(runner->bandit, &runner->random);
	if (!(options->explore > 0))
		return (struct policy_choice){arm, 1};
	policy_learn(runner->policy, runner->bandit, step);
	return (struct policy_choice){arm, runner->policy->chances[arm]};
}

static struct policy_choice run_choose(struct bandit_runner *runner, size_t step)
{
	const struct bandit_options *options = bandit_options(runner->bandit);
	if (step < runner->world->warm)
		return (struct policy_choice){step % options->arms, 1 / (double)options->arms};
	switch (options->kind) {
	case BANDIT_THOMPSON_BETA:
	case BANDIT_THOMPSON_NORMAL:
	case BANDIT_THOMPSON_STUDENT:
		return run_draw(runner, step);
	default:
		policy_learn(runner->policy, runner->bandit, step);
		return policy_choose(runner->policy, (struct text){(const char *)&step, sizeof step}, run_features(runner, step));
	}
}

static bool run_reward(struct bandit_runner *runner, size_t step, struct error *error)
{
	const struct bandit_play *play = &runner->plays[step];
	const struct bandit_reward reward = {play->arm,		run_features(runner, step), play->reward,
					     play->probability, runner->world->delay > 0,   play->floor_share};
	return bandit_reward(runner->bandit, &reward, error);
}

static bool run_step(struct bandit_runner *runner, size_t step, struct error *error)
{
	const struct bandit_world *world = runner->world;
	const struct policy_choice choice = run_choose(runner, step);
	const double reward = world->reward(world->context, step, choice.arm, &runner->random);
	const double share = step < world->warm ? 0 : bandit_floor_share(bandit_options(runner->bandit), choice.probability);
	runner->plays[step] = (struct bandit_play){choice.arm, reward, choice.probability, share};
	if (world->delay > 0 && !bandit_expose(runner->bandit, choice.arm, run_features(runner, step), error))
		return false;
	return step < world->delay || run_reward(runner, step - world->delay, error);
}

/* The arm of each step, in `chosen`. */
static bool run_all(const struct bandit_world *world, const struct bandit_options *options, struct arena *arena, size_t *chosen,
		    struct error *error)
{
	struct bandit_runner runner = {
		.world = world,
		.bandit = bandit_open(arena, options, error),
		.random = {world->seed},
		.plays = ARENA_ARRAY(arena, struct bandit_play, world->steps ? world->steps : 1),
	};
	if (!runner.bandit)
		return false;
	runner.policy = policy_open(arena, options, world->seed);
	if (!runner.policy || !runner.plays)
		return error_memory(error, ERROR_LIMIT, "running a bandit");
	for (size_t i = 0; i < world->steps; i++) {
		if (!run_step(&runner, i, error))
			return false;
		chosen[i] = runner.plays[i].arm;
	}
	return true;
}

/* ---- runs on a table of rewards ---- */

static bool kind_named(const char *name, enum bandit_kind *kind, struct error *error)
{
	for (size_t i = 0; i < BANDIT_KINDS; i++)
		if (strcmp(name, bandit_kind_names[i]) == 0)
			return *kind = (enum bandit_kind)i, true;
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "`algorithm` is %s. Use epsilon-greedy, ucb1, thompson-beta, thompson-normal, "
			 "thompson-student, linucb or exp3.",
			 name);
}

static const double *table_features(const void *context, size_t step)
{
	const struct compute_table *const *tables = context;
	return tables[1]->items + step * tables[1]->columns;
}

static double table_reward(const void *context, size_t step, size_t arm, struct random *random)
{
	const struct compute_table *const *tables = context;
	(void)random;
	return tables[0]->items[step * tables[0]->columns + arm];
}

static bool learner_read(const json_t *params, size_t arms, size_t features, struct bandit_options *options, struct error *error)
{
	enum bandit_kind kind = BANDIT_UCB1;
	if (!kind_named(compute_text_or(params, "algorithm", "ucb1", error), &kind, error))
		return false;
	const bool contextual = kind == BANDIT_LINUCB || (kind == BANDIT_EPSILON_GREEDY && features > 0);
	*options = bandit_defaults(kind, arms, contextual ? features : 0);
	options->explore = compute_number_or(params, "explore", 0, error);
	options->epsilon = compute_number_or(params, "epsilon", options->epsilon, error);
	options->alpha = compute_number_or(params, "alpha", sqrt(compute_number_or(params, "c", 2, error) / 2), error);
	options->lambda = compute_number_or(params, "ridge", options->lambda, error);
	options->gamma = compute_number_or(params, "gamma", options->gamma, error);
	options->prior_variance = compute_number_or(params, "prior_variance", options->prior_variance, error);
	options->noise_variance = compute_number_or(params, "noise_variance", options->noise_variance, error);
	return error->kind == ERROR_NONE;
}

/* A parameter of 0 to `most`. */
static bool number_within(const json_t *params, const char *key, double otherwise, double most, double *number, struct error *error)
{
	*number = compute_number_or(params, key, otherwise, error);
	return (*number >= 0 && *number <= most) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is %g. Give a number from 0 to %g.", key, *number, most);
}

/* A run of one learner: the arms it chose, or NULL. */
static json_t *trajectory_of(const struct compute_case *one, const json_t *params, const struct compute_table *const tables[2],
			     size_t *chosen, struct error *error)
{
	struct bandit_options options;
	double delay, warm, seed;
	if (!number_within(params, "delay", 0, STEPS_MOST, &delay, error) ||
	    !number_within(params, "warm", 0, STEPS_MOST, &warm, error) ||
	    !number_within(params, "seed", 1, SEED_MOST, &seed, error))
		return NULL;
	const struct bandit_world world = {.context = tables,
					   .features = table_features,
					   .reward = table_reward,
					   .steps = tables[0]->rows,
					   .delay = (size_t)delay,
					   .warm = (size_t)warm,
					   .seed = (uint64_t)seed * RUN_SEED_SALT};
	if (!learner_read(params, tables[0]->columns, tables[1]->columns, &options, error) ||
	    !run_all(&world, &options, one->arena, chosen, error))
		return NULL;
	json_t *list = json_array();
	for (size_t i = 0; i < world.steps; i++)
		json_array_append_new(list, json_integer((json_int_t)chosen[i]));
	return list;
}

json_t *bandit_trajectory(const struct compute_case *one, struct error *error)
{
	struct compute_table rewards, contexts = {0};
	const struct compute_table *const tables[2] = {&rewards, &contexts};
	if (!compute_table(one, one->input, "reward_table", &rewards, error) ||
	    (compute_has(one->input, "contexts") && !compute_table(one, one->input, "contexts", &contexts, error)))
		return NULL;
	if (contexts.columns > 0 && contexts.rows != rewards.rows) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`contexts` has %zu rows and `reward_table` %zu. Give one for each step.",
			  contexts.rows, rewards.rows);
		return NULL;
	}
	size_t *chosen = ARENA_ARRAY(one->arena, size_t, rewards.rows ? rewards.rows : 1);
	if (!chosen) {
		error_memory(error, ERROR_LIMIT, "running a bandit");
		return NULL;
	}
	const json_t *learners = json_object_get(one->params, "learners");
	json_t *result = json_object(), *lists = learners ? json_array() : NULL;
	for (size_t i = 0; i < json_array_size(learners) && error->kind == ERROR_NONE; i++)
		json_array_append_new(lists, trajectory_of(one, json_array_get(learners, i), tables, chosen, error));
	compute_put(result, "chosen", lists ? lists : trajectory_of(one, one->params, tables, chosen, error), error);
	return result;
}

/* ---- regret over runs ---- */

static double bernoulli_reward(const void *context, size_t step, size_t arm, struct random *random)
{
	const struct compute_row *means = context;
	(void)step;
	return uniform_draw(random) < means->items[arm];
}

/* The mean over runs of what was lost to the best arm; NaN after an error. */
static double regret_mean(const struct compute_case *one, const struct compute_row *means, size_t steps, enum bandit_kind kind,
			  double best, struct error *error)
{
	struct arena *arena = arena_open(RUN_ARENA_BYTES);
	struct bandit_options options = bandit_defaults(kind, means->count, 0);
	size_t *chosen = ARENA_ARRAY(one->arena, size_t, steps);
	double sum = 0;
	options.explore = 0;
	if (!arena || !chosen)
		error_memory(error, ERROR_LIMIT, "running a bandit");
	for (uint64_t run = 0; run < REGRET_RUNS && error->kind == ERROR_NONE; run++) {
		const struct bandit_world world = {
			.context = means, .reward = bernoulli_reward, .steps = steps, .seed = (run + 1) * RUN_SEED_SALT};
		arena_reset(arena);
		if (run_all(&world, &options, arena, chosen, error))
			for (size_t i = 0; i < steps; i++)
				sum += best - means->items[chosen[i]];
	}
	arena_close(arena);
	return sum / REGRET_RUNS;
}

static double relative_entropy(double p, double q)
{
	return (p > 0 ? p * log(p / q) : 0) + (p < 1 ? (1 - p) * log((1 - p) / (1 - q)) : 0);
}

json_t *bandit_regret(const struct compute_case *one, struct error *error)
{
	static const struct {
		const char *name;
		enum bandit_kind kind;
	} learners[] = {{"epsilon_greedy_0.1", BANDIT_EPSILON_GREEDY},
			{"ucb1", BANDIT_UCB1},
			{"thompson_beta", BANDIT_THOMPSON_BETA},
			{"exp3_0.1", BANDIT_EXP3}};
	struct compute_row means;
	int64_t steps;
	double best = 0, coefficient = 0;
	if (!compute_row(one, one->input, "arm_means", &means, error) || !compute_integer(one->input, "horizon", &steps, error))
		return NULL;
	for (size_t i = 0; i < means.count; i++) {
		best = fmax(best, means.items[i]);
		if (!(means.items[i] >= 0 && means.items[i] <= 1)) {
			error_set(error, ERROR_INPUT, PLACE_NONE, "`arm_means` has %g at index %zu. Give rates from 0 to 1.",
				  means.items[i], i);
			return NULL;
		}
	}
	if (steps < 1 || steps > STEPS_MOST) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`horizon` is %lld. Give 1 to %d.", (long long)steps, STEPS_MOST);
		return NULL;
	}
	json_t *result = json_object(), *all = json_object();
	for (size_t i = 0; i < sizeof learners / sizeof *learners; i++) {
		const double mean = regret_mean(one, &means, (size_t)steps, learners[i].kind, best, error);
		compute_put(all, learners[i].name, json_pack("{s:o}", "mean_of_100_runs", compute_write(mean)), error);
	}
	for (size_t i = 0; i < means.count; i++)
		if (means.items[i] < best)
			coefficient += (best - means.items[i]) / relative_entropy(means.items[i], best);
	compute_put(result, "algorithms", all, error);
	compute_put(result, "lai_robbins_log_coefficient", compute_write(coefficient), error);
	return result;
}
