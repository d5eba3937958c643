/* learner.h: Learner of an experiment with bandits: turns its exposures and their outcomes into the record of a policy.
 *
 * A play is told when its exposure is read, and what became of it when its outcome is (message/records/outcome.h). Each reward
 * counts once, since the outcomes topic has it once. The reward is the metric `rewardMetric`, or else the outcome's reward. Only
 * exposures are learnt from whose candidate was drawn: not those of an override, a header, a route, or a default that answered for
 * another. Of exposures that were not told, since they were over before the learner began, outcomes say all: a reward counts as a
 * play too.
 *
 * With a context, features are standardised by the mean and deviation of the first exposures, LEARNER_SAMPLES at least. A feature
 * that was more often a text than a number then has the commonest of these texts as its classes: CONTEXT_CLASSES_MAX, or fewer, so
 * that x and the record stay within their limits. The scale then stays, so that all that was learnt has the same one. What comes
 * before it waits.
 *
 * A record has the state of the learner. Whoever writes it adds the positions up to which exposures and outcomes were given to the
 * learner, and one that goes on from the record is given what follows these.
 *
 * Each record also has the candidates of the policy's versions (experiments/bandits/learner_records.h): an exposure names its
 * version, so that who could have been chosen is known of it.
 *
 * Pure. Time is that of the records. Belongs to one thread.
 */
#pragma once

#include "methods/bandits/bandit.h"
#include "methods/bandits/context.h"
#include "message/records/outcome.h"
#include "message/records/policy_record.h"

#define LEARNER_SAMPLES 100	   /* exposures before features are standardised */
#define LEARNER_EARLY_REWARDS 10000	     /* that wait for that; then the scale is that of the exposures so far */
#define LEARNER_EARLY_MOST ((size_t)1 << 18) /* likewise, of plays and what became of them: 32 features take 75 MB */

struct learner;

struct learner_config {
	const char *experiment;
	struct bandit_options options;
	const struct text *arms; /* of options.arms */
	const struct bandit_prior *priors; /* of each arm, for learner_warm(); NULL: it starts without */
	struct context_form context;
	struct text reward_metric; /* empty: the reward */
};

struct learner_counts {
	uint64_t exposures; /* by which features are scaled */
	uint64_t rewards;   /* that were learnt */
	uint64_t refused;   /* rewards that the algorithm does not take */
	uint64_t missing;   /* features that were not there, and texts of no class */
	uint64_t uncomputed; /* rewards that could not be computed, though feedback came */
};

/* The configuration's texts are borrowed. NULL: CONFIG or SYSTEM. */
struct learner *learner_open(const struct learner_config *config, struct error *error);
void learner_close(struct learner *learner); /* NULL is fine */

/* Goes on from a record, whose candidates are known by their names: they may be in another order, and some may be none any more.
 * INPUT: it lacks a candidate, is of other features or options, or broken; the learner begins anew, with a later version. */
bool learner_restore(struct learner *learner, const struct policy_record *record, struct error *error);
/* It goes on with other candidates, or another order, or it started warm: record it at once. */
bool learner_is_due(const struct learner *learner);

/* Starts warm, if it has priors: it is to be recorded at once. For a learner that goes on from no record, before it is given any:
 * what was learnt with the priors has them already. Their plays count among the rewards of records. With a context they are of a
 * request whose features are the means, and there is a policy as soon as there is a scale. INPUT: the algorithm does not take the
 * priors; it starts without. */
bool learner_warm(struct learner *learner, struct error *error);

void learner_expose(struct learner *learner, const struct exposure *exposure); /* once */
void learner_outcome(struct learner *learner, const struct outcome *outcome);

/* The features of an exposure, of all in the form: context_text() of a text; NaN: it has none of that name. */
void learner_context(const struct context_form *form, const struct exposure *exposure, double *features);

/* The record of what is learnt by now, without positions. Its version is higher than that of the last one if something was
 * learnt since. Bytes are the learner's until the next call. False: there is nothing to choose by yet; or SYSTEM. */
bool learner_record(struct learner *learner, int64_t now_ms, struct policy_record *record, struct error *error);

struct learner_counts learner_counts(const struct learner *learner);

/* Why the first of the refused rewards was; "": none was. */
const char *learner_refusal(const struct learner *learner);
