/* learner_records.h: Parts of a learner, as learner.c and learner_records.c share them; private to these. learner.c learns,
 * learner_records.c writes records and begins with one, or warm. */
#pragma once

#include "experiments/bandits/learner.h"
#include "experiments/bandits/text_classes.h"
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

/* A play, or what became of one. */
struct learner_event {
	enum { LEARNER_PLAY, LEARNER_REWARD, LEARNER_END } kind;
	size_t arm;
	double value, chance; /* of a reward */
	bool is_told;	      /* the play was one of those before */
};

struct learner {
	struct learner_config config;
	struct arena *arena; /* of the bandit and its policy */
	struct bandit *bandit;
	struct policy *policy;
	bool scaled;  /* the scale is known; always, without a context */
	bool is_warm; /* it started with the priors */
	struct moments moments[CONTEXT_FEATURES_MAX];
	struct context_scale scales[CONTEXT_FEATURES_MAX];
	struct text_classes *texts[CONTEXT_FEATURES_MAX]; /* of each feature that was a text, until the scale is known */
	struct learner_event *early;			  /* what waits for the scale */
	double *early_features;				  /* of each of them */
	size_t early_count, early_room, early_rewards;
	struct policy_feature features[CONTEXT_FEATURES_MAX]; /* of the last record */
	int64_t version, rewards, recorded_rewards; /* -1: its record is of other candidates, or of another order; or none is */
	struct candidate_history history;
	int64_t through_ms;
	int64_t before_ms, told_ms; /* exposures up to the one, and from the other on, were told */
	struct buffer policy_bytes, learner_bytes;
	struct learner_counts counts;
	struct error refusal; /* of the first */
};

/* The classes of a text are copied to the arena. False: memory ran out, and it is a number, which is missing. */
bool learner_classes_set(struct learner *learner, size_t feature, const struct text *texts, size_t count);

/* The bandit and its policy are of the scale's length; a new one is as warm as the one before. */
bool learner_bandit_fit(struct learner *learner, struct error *error);

/* The bandit, which has learnt nothing, learns the priors. INPUT: it does not take them. */
bool learner_priors_learn(struct learner *learner, struct error *error);

/* Takes the moments so far as the scale, and learns what waited for it. */
void learner_scale_set(struct learner *learner);
