/* learner.h: Learner of an experiment with bandits: turns its exposures and feedback into the record of a policy.
 *
 * Each reward counts once: it is joined to its exposure by the outcome join (experiments/outcomes/outcome_join.h), within the
  * window, by request id or origin. A policy chooses for each request, so the reward of a unit alone is that of its last request
   * before it. The reward of feedback is the metric `rewardMetric`, if the feedback has it, else its `reward`; of a metric that the
    * pipeline computes (engine/learn/computed_feedback.h) only the metric. Only exposures are learnt
 * from whose candidate was drawn: not those of an override, a header, a route, or a default that answered for another.
 *
 * With a context, features are standardised by the mean and deviation of the first exposures, LEARNER_SAMPLES at least. A feature
 * that was more often a text than a number then has the commonest of these texts as its classes: CONTEXT_CLASSES_MAX, or fewer, so
 * that x and the record stay within their limits. The scale then stays, so that all that was learnt has the same one. Rewards that
 * come before wait.
 *
 * A record has the state of the learner and the positions up to which it has read. A learner that goes on from a record is
 * given the records of the last window before those positions again, in learner_replay(): they open exposures and mark those
 * that have their reward, and teach nothing. First the exposures, then the feedback, so that no reward counts twice.
 *
 * Each record also has the candidates of the policy's versions (experiments/bandits/learner_records.h): an exposure names its
  * version, so that who could have been chosen is known of it.
 *
 * Pure. Time is that of the records. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_BANDITS_LEARNER_H
#define SLUICE_EXPERIMENTS_BANDITS_LEARNER_H

#include "methods/bandits/bandit.h"
#include "methods/bandits/context.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "message/records/policy_record.h"

#define LEARNER_SAMPLES 100	   /* exposures before features are standardised */
#define LEARNER_EARLY_MAX 10000	   /* rewards that wait for that; then the scale is that of the exposures so far */
#define LEARNER_MEMORY_BYTES ((size_t)64 << 20) /* for open exposures: 1.4 million without a context */

struct learner;

struct learner_config {
	const char *experiment;
	struct bandit_options options;
	const struct text *arms; /* of options.arms */
	const struct bandit_prior *priors; /* of each arm, for learner_warm(); NULL: it starts without */
	struct context_form context;
	struct text reward_metric; /* empty: the reward */
	bool computed; /* engines compute that metric: feedback without it has no reward yet */
	bool judges; /* feedback without either, whose truth is what the answer said, is a reward of 1; another truth is 0 */
	int64_t window_ms;
	size_t memory_bytes;
};

struct learner_counts {
	uint64_t exposures;	 /* that were opened */
	uint64_t rewards;	 /* that were learnt */
	uint64_t again;		 /* rewards of exposures that had one, and repeated exposures */
	uint64_t late, unknown;	 /* feedback after the window, or without an open exposure */
	uint64_t by_unit;	 /* feedback that names a unit alone, whatever became of it */
	uint64_t feedback_dropped; /* of it: beyond a limit of the join, see experiments/outcomes/outcome_join.h */
	uint64_t refused;	 /* feedback that is none, and rewards that the algorithm does not take */
	uint64_t others;	 /* exposures that are not learnt from; feedback without a reward, or for another experiment */
	uint64_t dropped;	 /* exposures that gave their place to newer ones within the window */
	uint64_t missing;	 /* features that were not there, and texts of no class */
	uint64_t uncomputed;	 /* exposures that are over without the metric that engines compute, though its feedback had come */
};

/* The configuration's texts are borrowed. NULL: CONFIG or SYSTEM. */
struct learner *learner_open(const struct learner_config *config, struct error *error);
void learner_close(struct learner *learner); /* NULL is fine */

/* Goes on from a record, whose candidates are known by their names: they may be in another order, and some may be none any more.
 * INPUT: it lacks a candidate, is of other features or options, or broken; the learner begins anew, with a later version. */
bool learner_restore(struct learner *learner, const struct policy_record *record, struct error *error);
/* It goes on with other candidates, or another order, or it started warm: record it at once. */
bool learner_is_due(const struct learner *learner);
void learner_replay(struct learner *learner, bool replays); /* from now on */

/* Starts warm, if it has priors: it is to be recorded at once. For a learner that goes on from no record, before it is given any:
 * what was learnt with the priors has them already. Their plays count among the rewards of records. With a context they are of a
 * request whose features are the means, and there is a policy as soon as there is a scale. INPUT: the algorithm does not take the
 * priors; it starts without. */
bool learner_warm(struct learner *learner, struct error *error);

void learner_expose(struct learner *learner, const struct exposure *exposure);
void learner_feedback(struct learner *learner, const struct feedback *feedback, int64_t time_ms); /* time of its record */

/* Counts feedback that cannot be read, and why, with the refused. */
void learner_refuse(struct learner *learner, const struct error *refused);

/* Whether feedback, which was given before, leaves an open exposure without the metric that engines compute. It counts nothing. */
struct open_request; /* experiments/outcomes/outcome_join.h */
bool learner_lacks(const struct learner *learner, const struct feedback *feedback, int64_t time_ms, struct open_request *found);

/* The features of an exposure, of all in the form: context_text() of a text; NaN: it has none of that name. */
void learner_context(const struct context_form *form, const struct exposure *exposure, double *features);

/* The record of what is learnt by now, without positions. Its version is higher than that of the last one if something was
 * learnt since. Bytes are the learner's until the next call. False: there is nothing to choose by yet; or SYSTEM. */
bool learner_record(struct learner *learner, int64_t now_ms, struct policy_record *record, struct error *error);

struct learner_counts learner_counts(const struct learner *learner);

/* Why the first of the refused feedback was; "": none was. */
const char *learner_refusal(const struct learner *learner);

#endif
