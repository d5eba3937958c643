/* bandit_bench.c: choices of an experiment for one message: by weights, and by policies of bandits.
 *
 *   bandit_bench weights|table|linucb|learn|nothing ROUNDS
 *
 * `weights`: the bucket table of three ways; `table`: a policy of three arms without features; `linucb`: 8 features and
 * 3 arms; `learn`: a reward of that LinUCB. `nothing` is the loop around them. All is drawn from a seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "methods/bandits/policy.h"
#include "compiler/step/assignment.h"

#define ARMS 3
#define FEATURES 8
#define ROWS 512
#define KEY_BYTES 16
#define SEED 7

static struct random chance = {SEED};
static double rows[ROWS][FEATURES];
static char keys[ROWS][KEY_BYTES + 1];

static struct text key_of(long round)
{
	return (struct text){keys[round % ROWS], KEY_BYTES};
}

static bool learn_one(struct bandit *bandit, long round)
{
	struct error error;
	error.kind = ERROR_NONE;
	const struct bandit_reward reward = {.arm = (size_t)round % ARMS,
					     .x = rows[round % ROWS],
					     .reward = rows[round % ROWS][round % ARMS],
					     .probability = 0.5};
	return bandit_reward(bandit, &reward, &error);
}

static struct bandit *learner_open(struct arena *arena, enum bandit_kind kind)
{
	struct error error = {0};
	const struct bandit_options options = bandit_defaults(kind, ARMS, kind == BANDIT_LINUCB ? FEATURES : 0);
	struct bandit *bandit = bandit_open(arena, &options, &error);
	for (long i = 0; bandit && i < ROWS; i++)
		if (!learn_one(bandit, i))
			return NULL;
	return bandit;
}

static double run_policy(struct arena *arena, enum bandit_kind kind, long rounds)
{
	struct bandit *bandit = learner_open(arena, kind);
	struct policy *policy = bandit ? policy_open(arena, bandit_options(bandit), SEED) : NULL;
	double total = 1;
	if (!policy)
		return 0;
	policy_learn(policy, bandit, 1);
	for (long i = 0; i < rounds; i++)
		total += policy_choose(policy, key_of(i), rows[i % ROWS]).probability;
	return total;
}

/* ---- what is measured: the sum of what it says, so that nothing is left out ---- */

static double run_weights(struct arena *arena, long rounds)
{
	static const struct share shares[ARMS] = {{"a", 50}, {"b", 30}, {"c", 20}};
	const struct assignment *assignment = assignment_make(arena, "bench", shares, ARMS);
	struct message message = {0};
	double total = 1;
	for (long i = 0; assignment && i < rounds; i++) {
		message.key = key_of(i);
		total += (double)assignment_of_message(assignment, &message);
	}
	return assignment ? total : 0;
}

static double run_table(struct arena *arena, long rounds)
{
	return run_policy(arena, BANDIT_UCB1, rounds);
}

static double run_linucb(struct arena *arena, long rounds)
{
	return run_policy(arena, BANDIT_LINUCB, rounds);
}

static double run_learn(struct arena *arena, long rounds)
{
	struct bandit *bandit = learner_open(arena, BANDIT_LINUCB);
	double total = 1;
	for (long i = 0; bandit && i < rounds; i++)
		total += learn_one(bandit, i);
	return bandit ? total : 0;
}

static double run_nothing(struct arena *arena, long rounds)
{
	double total = 1;
	(void)arena;
	for (long i = 0; i < rounds; i++)
		total += rows[i % ROWS][0] + (double)key_of(i).length;
	return total;
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		double (*run)(struct arena *arena, long rounds);
	} runs[] = {{"weights", run_weights},
		    {"table", run_table},
		    {"linucb", run_linucb},
		    {"learn", run_learn},
		    {"nothing", run_nothing}};
	struct arena *arena = arena_open((size_t)64 << 20);
	double total = 0;
	for (size_t i = 0; i < ROWS; i++) {
		(void)snprintf(keys[i], sizeof keys[i], "%016llx", (unsigned long long)random_next(&chance));
		for (size_t j = 0; j < FEATURES; j++)
			rows[i][j] = normal_draw(&chance);
	}
	for (size_t i = 0; arena && count == 3 && i < sizeof runs / sizeof *runs; i++)
		if (strcmp(arguments[1], runs[i].name) == 0)
			total = runs[i].run(arena, strtol(arguments[2], NULL, 10));
	arena_close(arena);
	if (total == 0)
		fprintf(stderr, "usage: bandit_bench weights|table|linucb|learn|nothing ROUNDS\n");
	return total == 0;
}
