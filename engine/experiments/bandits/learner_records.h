/* learner_records.h: Parts of a learner, as learner.c and learner_records.c share them; private to these. learner.c learns,
 * learner_records.c writes records and begins with one, or warm. */
#ifndef SLUICE_EXPERIMENTS_BANDITS_LEARNER_RECORDS_H
#define SLUICE_EXPERIMENTS_BANDITS_LEARNER_RECORDS_H

#include "base/arena.h"
#include "experiments/bandits/learner.h"
#include "experiments/bandits/text_classes.h"
#include "experiments/outcomes/outcome_join.h"
#include "message/records/policy_record.h"
#include "methods/bandits/policy.h"

/* History of the candidates of a policy: among whom each of its versions chose, for its record.
 *
 * A candidate is known by its name: files may be read again with others, or with the same ones in another order.
 *
 * Private to learner.c. Pure; names that are kept are in the arena.
 */
struct candidate_history {
	size_t count;
	struct policy_candidates lists[POLICY_CANDIDATES_MAX];
};

struct early_reward {
	size_t arm;
	double reward;
};

struct learner {
	struct learner_config config;
	struct arena *arena; /* of the bandit and its policy */
	struct bandit *bandit;
	struct policy *policy;
	struct outcome_join *join;
	size_t stride; /* numbers of an open exposure: its chance and its features */
	double *open;  /* of each entry of the join */
	bool replays;
	bool scaled;  /* the scale is known; always, without a context */
	bool is_warm; /* it started with the priors */
	struct moments moments[CONTEXT_FEATURES_MAX];
	struct context_scale scales[CONTEXT_FEATURES_MAX];
	struct text_classes *texts[CONTEXT_FEATURES_MAX]; /* of each feature that was a text, until the scale is known */
	struct early_reward *early;			  /* LEARNER_EARLY_MAX */
	double *early_open;				  /* numbers of their exposures */
	size_t early_count;
	struct policy_feature features[CONTEXT_FEATURES_MAX]; /* of the last record */
	int64_t version, rewards, recorded_rewards; /* -1: its record is of other candidates, or of another order; or none is */
	struct candidate_history history;
	int64_t through_ms;
	struct buffer policy_bytes, learner_bytes;
	struct learner_counts counts;
	struct outcome_join_counts of_causes; /* of the join's counts: by feedback that has no reward yet */
	struct error refusal;		      /* of the first */
};

/* The classes of a text are copied to the arena. False: memory ran out, and it is a number, which is missing. */
bool learner_classes_set(struct learner *learner, size_t feature, const struct text *texts, size_t count);

/* The bandit and its policy are of the scale's length; a new one is as warm as the one before. */
bool learner_bandit_fit(struct learner *learner, struct error *error);

/* The bandit, which has learnt nothing, learns the priors. INPUT: it does not take them. */
bool learner_priors_learn(struct learner *learner, struct error *error);

/* Takes the moments so far as the scale, and learns the rewards that waited for it. */
void learner_scale_set(struct learner *learner);

#endif
