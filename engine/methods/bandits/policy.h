/* policy.h: Policy of a bandit: a copy of its learner, fixed until the next update, by which each unit gets an arm.
 *
 * The choice is a function of the unit, the context and the policy's version, so a unit keeps its arm until the next
 * update. It is a draw from the exact probabilities that are logged with it: the learner's, mixed with a share `explore`
 * that all arms share evenly. Of Thompson's they are the quadrature's (methods/bandits/best_arm.h), which the draw follows too.
 *
 * A policy is made once for its learner's form and then learns again and again; or it is read from the bytes in which it
 * travels to workers. A choice takes no memory: O(arms), with d features O(arms x d), LinUCB O(arms x d^2 / 2).
 *
 * Pure; memory is the arena's. While nobody changes it, any thread may choose by it.
 */
#pragma once

#include "methods/bandits/bandit.h"

struct policy {
	uint64_t seed;	  /* of the experiment */
	uint64_t version; /* goes up with each update */
	size_t arms;
	size_t features; /* of a context; 0: the probabilities do not depend on one */
	double greedy;	 /* with features: the share of choices that go to the greatest score; the rest is spread over all */
	double alpha;	 /* LinUCB: of the bound; 0 for others */
	double *chances; /* of each arm; without features */
	double *theta;	 /* [arms][features] */
	double *spread;	 /* LinUCB: of each arm what gives x' M x, in an order of its own; NULL for others */
};

/* A policy in the form of a learner; it knows nothing yet. NULL: the arena is full. */
struct policy *policy_open(struct arena *arena, const struct bandit_options *options, uint64_t seed);

/* Takes what the learner, of the options that it was opened with, has learnt by now. */
void policy_learn(struct policy *policy, const struct bandit *bandit, uint64_t version);

/* Version 0: the policy of a learner without features that knows its warm start and nothing else. NULL: the algorithm does not take
 * it (INPUT), or SYSTEM. */
struct policy *policy_begin_warm(struct arena *arena, const struct bandit_options *options, const struct bandit_prior *priors,
				 uint64_t seed, struct error *error);

/* The probability of each arm in a context, which is of finite numbers (without features: NULL). Their sum is 1. */
void policy_probabilities(const struct policy *policy, const double *x, double *probabilities);

struct policy_choice {
	size_t arm;
	double probability;
};

struct policy_choice policy_choose(const struct policy *policy, struct text unit, const double *x);

#define POLICY_VERSION 1

/* As bytes; the buffer's failure says whether they fitted. */
void policy_write(const struct policy *policy, struct buffer *out);

/* NULL: no policy, or of a version to come (INPUT); or SYSTEM when the arena is full. */
struct policy *policy_read(struct arena *arena, struct text bytes, struct error *error);
