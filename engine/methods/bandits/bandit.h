/* bandit.h: Learner of a bandit: turns the rewards of the arms that were played into the numbers that the next choices use.
 *
 *   epsilon-greedy   the arm of the greatest mean reward; a share epsilon of choices is spread over all arms. With
 *                    features the mean is linear in the context: ridge regression for each arm
 *   UCB1             the greatest mean + alpha sqrt(2 ln t / n) (Auer, Cesa-Bianchi and Fischer, 2002)
 *   Thompson         each arm with the chance that it is the best: beta posteriors of rewards of 0..1; normal ones,
 *                    the variance of rewards known, or (normal-inverse-gamma) not
 *   LinUCB           the greatest x'theta + alpha sqrt(x' A^-1 x), a model for each arm (Li and others, 2010)
 *   EXP3             weights that grow by exp(gamma r / (p K)) (Auer and others, 2002)
 *
 * Ties go to the lowest arm. A mean of no reward is 0; UCB1 first plays the arms that were never played. Rewards may
 * come late, in any order and together. A play is reported when it happens (bandit_expose), its reward when it comes
 * (bandit_reward with `exposed`), or that none came (bandit_expire): UCB1 and LinUCB count plays that wait for their
 * reward, so they do not play one arm again and again meanwhile. A reward whose play was not reported counts as both.
 * Each call counts: what comes twice is the caller's to leave out. What was known before the first play is a warm start
 * (bandit_warm).
 *
 * Thompson counts what only `explore` has played for a short time alone (methods/bandits/floor_evidence.h). Others, which gain by
  * these plays also where means change, count all plays alike.
 *
 * What is learnt are sums. They merge: learners of parts of the traffic add up to the learner of all of it (but for
 * digits of rounding, and for floor evidence). As bytes they are the same on every machine. A call costs O(1), with d features
 * O(d^2).
 *
 * Pure; memory is the arena's. A learner belongs to one thread.
 */
#pragma once

#include "methods/bandits/best_arm.h"
#include "methods/bandits/floor_evidence.h"
#include "methods/bandits/ridge.h"
#include "base/error.h"
#include "base/text.h"
#include "methods/numeric/moments.h"

#define BANDIT_ARMS_MOST BEST_ARM_MOST
#define BANDIT_FEATURES_MOST 256	     /* 64 arms of these take 200 MB */
#define BANDIT_REWARD_MOST RIDGE_NUMBER_MOST /* of rewards and features, either sign */

/* Numbers stand in stored states: append only. */
enum bandit_kind {
	BANDIT_EPSILON_GREEDY,
	BANDIT_UCB1,
	BANDIT_THOMPSON_BETA,
	BANDIT_THOMPSON_NORMAL, /* the variance of rewards is known */
	BANDIT_THOMPSON_STUDENT,
	BANDIT_LINUCB,
	BANDIT_EXP3,
	BANDIT_KINDS
};

extern const char *const bandit_kind_names[BANDIT_KINDS]; /* "epsilon-greedy", "thompson-beta" */

struct bandit_options {
	enum bandit_kind kind;
	size_t arms;
	size_t features; /* of a context x; 0: choices do not depend on one. LinUCB needs them, epsilon-greedy may have them */
	double explore;	 /* share of choices spread over all arms, over whatever the learner says */
	double epsilon;	 /* epsilon-greedy */
	double alpha;	 /* UCB1, LinUCB: how much a bound counts */
	double lambda;	 /* of ridge regression */
	double gamma;	 /* EXP3 */
	/* Thompson: the prior of each arm, which is how it starts warm. */
	double prior_alpha, prior_beta;			   /* beta; normal-inverse-gamma */
	double prior_mean, prior_variance, noise_variance; /* normal; the mean of normal-inverse-gamma too */
	double prior_weight;				   /* normal-inverse-gamma: rewards that the prior's mean is worth */
};

#define BANDIT_EXPLORE_DEFAULT 0.02

/* What holds where nothing is said: explore .02, epsilon .1, alpha 1, lambda 1, gamma .1, priors Beta(1, 1), normal(0, 1) with
 * a noise of variance 1, normal-inverse-gamma(0, 1, 1, 1). */
struct bandit_options bandit_defaults(enum bandit_kind kind, size_t arms, size_t features);

/* Which of them is out of its domain, by name: CONFIG. */
bool bandit_check(const struct bandit_options *options, struct error *error);

/* What is known of one arm. */
struct bandit_arm {
	uint64_t pending;	     /* plays that wait for their reward */
	struct sum rewards;	     /* exact for whole rewards, so that ties are ties */
	struct moments moments;	     /* of rewards */
	double log_weight;	     /* EXP3 */
	struct ridge model;	     /* with features */
	struct ridge plays;	     /* LinUCB: contexts of all plays, also of those that wait */
	struct floor_evidence floor; /* Thompson */
};

struct bandit;

/* NULL: CONFIG, or SYSTEM when the arena is full. */
struct bandit *bandit_open(struct arena *arena, const struct bandit_options *options, struct error *error);
const struct bandit_options *bandit_options(const struct bandit *bandit);
const struct bandit_arm *bandit_arm(const struct bandit *bandit, size_t arm);

/* A reward and the play that it is for. */
struct bandit_reward {
	size_t arm;
	const double *x;    /* of the play; NULL without features */
	double reward;	    /* Thompson's beta and EXP3: 0..1 */
	double probability; /* EXP3: with which the arm was chosen; 0 < p <= 1 */
	bool exposed;	    /* the play was reported */
	double floor_share; /* Thompson: of the play, what is owed to `explore`; 0..1 */
};

/* Whether algorithms of the kind take such a reward. */
bool bandit_takes(enum bandit_kind kind, double reward);

/* The floor share of a play that a policy of these options chose with that probability, above 0; 0: the kind has none. */
double bandit_floor_share(const struct bandit_options *options, double probability);

/* Each returns false and changes nothing for an arm that is none, or numbers that are none or out of range: INPUT. */
bool bandit_expose(struct bandit *bandit, size_t arm, const double *x, struct error *error);
bool bandit_reward(struct bandit *bandit, const struct bandit_reward *reward, struct error *error);
bool bandit_expire(struct bandit *bandit, size_t arm, const double *x, struct error *error);

/* What was known of an arm before its first play: so many plays with rewards of that mean. */
struct bandit_prior {
	uint64_t plays; /* 0: nothing */
	double mean;
	double deviation; /* of single rewards, ddof 1; Thompson's of a variance that is not known */
};

#define BANDIT_PRIOR_PLAYS_MOST 1000000000

/* Whether algorithms of the kind need the deviation of a prior: without one, rewards would count as all equal. */
bool bandit_needs_deviation(enum bandit_kind kind);

/* A warm start: what is known of each arm is learnt, as plays whose rewards have come. Rewards that come later weigh against it
 * as against rewards. With features the plays are of the context x: the one in which the means were seen; without them NULL. For
 * EXP3 an arm gains mean x T / K, as in T = sum of all plays that were drawn among K arms by any known chances; so it needs a
 * prior of each arm. The learner has learnt nothing yet. INPUT, and nothing changes: a prior is out of range, or EXP3 lacks one. */
bool bandit_warm(struct bandit *bandit, const struct bandit_prior *priors, const double *x, struct error *error);

/* The same of a learner of other arms: `places` has of each arm of `from` which one it is in `into`, or SIZE_MAX: none, and what
 * was learnt of it is left out. */
bool bandit_merge_arms(struct bandit *into, const struct bandit *from, const size_t *places, struct error *error);

/* ---- what follows from it ---- */

double bandit_mean(const struct bandit *bandit, size_t arm);			/* of rewards; 0 of none */
double bandit_index(const struct bandit *bandit, size_t arm);			/* UCB1; infinite before the first play */
double bandit_score(const struct bandit *bandit, size_t arm, const double *x);	/* of a linear learner, LinUCB's with its bound */
struct arm_posterior bandit_posterior(const struct bandit *bandit, size_t arm); /* Thompson */

/* The parameters of the normal-inverse-gamma posterior of an arm. */
struct normal_gamma {
	double mean, weight, alpha, beta;
};

struct normal_gamma bandit_normal_gamma(const struct bandit *bandit, size_t arm);

/* The greatest of `count` numbers, the lowest of equal ones; NaN is never it, but of NaN alone 0. */
size_t arm_of_greatest(const double *scores, size_t count);

/* The chances of all arms without features, by what was learnt, before `explore`. */
void bandit_chances(const struct bandit *bandit, double *chances);

/* ---- as bytes ---- */

#define BANDIT_VERSION 2

/* Appends the state, of version 1 if no arm has floor evidence; the buffer's failure says whether it fitted. */
void bandit_write(const struct bandit *bandit, struct buffer *out);

/* The options of a learner that was written, without its memory. False: as below. */
bool bandit_read_options(struct text bytes, struct bandit_options *options, struct error *error);

/* The learner that was written. NULL: no such bytes, or of a version to come (INPUT); or SYSTEM when the arena is full. */
struct bandit *bandit_read(struct arena *arena, struct text bytes, struct error *error);
