/* bandit_rehearsal.h: Rehearsal of an experiment's bandits with recorded choices and rewards: the policies that they would have
 * had.
 *
 * The learner (experiments/bandits/learner.h) gets exposures and rewards in the order of their times, and makes a policy at the end
  * of each interval, as that of an engine does. So it learns of what was chosen then. Choices of its own would have given it other
   * rewards to learn from: more of the variants that it prefers, fewer of the others. What the policies would have earned is left
    * to estimates that weigh each record by the policy's probability and the recorded one (methods/bandits/off_policy.h): a policy
     * is made of earlier records alone, so the estimates are those of any policy that is fixed before its records.
 *
 * Pure. All of it is in the arena, but the learner, which is closed.
 */
#pragma once

#include "methods/bandits/bandit.h"
#include "methods/bandits/context.h"
#include "experiments/analysis/unit_join.h"

struct bandit_rehearsal_config {
	const char *experiment;
	struct bandit_options options;
	const struct text *arms; /* of options.arms */
	const struct bandit_prior *priors; /* of each arm: the warm start; NULL: none */
	const double *weights;	 /* of each arm: the chances until there is a policy */
	struct context_form context;
	int64_t interval_ms;
	int64_t window_ms; /* a reward counts that long after its choice */
};

/* A policy that was in force for a recorded request or more. */
struct rehearsed_policy {
	int64_t from_ms; /* the end of the interval before; of the first one the first request */
	int64_t rewards; /* that it was learnt from, with the plays of a warm start; 0: there was no policy, and weights chose */
	uint64_t requests;
	double *chances;    /* of each arm: the mean over these requests */
	uint64_t *recorded; /* of each arm: how many of them got it */
};

struct bandit_rehearsal {
	size_t arms;
	struct text *names; /* of arms */
	size_t count;
	struct rehearsed_policy *policies; /* by time */
	double *chances;		   /* [exposure][arm of joined]; an arm that the experiment has not: 0 */
	uint64_t rewards;		   /* that were learnt */
	uint64_t refused;		   /* rewards that the algorithm does not take */
	uint64_t late;			   /* after the window */
};

/* Rehearses with what was joined, and the rewards of the metric. The rehearsal is of the arena alone. False: SYSTEM; or CONFIG of
 * the options. */
bool bandit_rehearse(const struct bandit_rehearsal_config *config, const struct joined *joined, const struct joined_metric *metric,
		     struct arena *arena, struct bandit_rehearsal *rehearsal, struct error *error);
