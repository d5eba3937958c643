/* rollout_rehearsal.h: Rehearsal of a rollout: what a plan would have done with requests that were recorded.
 *
 * It is given exposures, answers and feedback in any order, and then runs through them in the order of their times: a rollout that
 * begins with the first exposure, and is looked at every `checkEvery`, as by a keeper (experiments/rollouts/rollout.h). A request
  * counts when it is answered, an accuracy when its window has passed (experiments/rollouts/truth_tally.h). Each pipeline has a
   * tally of its own, as in an engine, so a cap is found by its own values.
 *
 * Nothing is split anew: each request keeps the choice that it had, whatever the percentage of the stage. So a stage is judged with
 * as much traffic as its candidates had when it was recorded. While a stage is at 100%, requests of the default do not count.
 * Approvals and webhooks are taken to be given at once.
 *
 * The latency of a request is from the time of its exposure to that of its answer. A pipeline with an event time of its own
 * (`input.time`) has other times in its exposures: rehearsal_leave_out_latency().
 *
 * Belongs to one thread; all of it is in the arena.
 */
#pragma once

#include "experiments/rollouts/rollout.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"

#define REHEARSAL_CHOICES_MAX (ROLLOUT_CANDIDATES_MAX + 1)
#define REHEARSAL_MOVES_MAX 1000 /* then it ends: each has its evidence */

struct rehearsal_config {
	const struct rollout_plan *plan;
	const char *experiment;
	size_t count;		  /* of choices: the candidates of the plan, in their order, and among them the default */
	const char *const *names; /* of the choices */
	size_t control;		  /* index of the default */
	int64_t window_ms;	  /* for feedback */
};

/* How the metrics of a pipeline's feedback are counted. */
struct rehearsed_pipeline {
	double caps[EXPERIMENT_METRICS_MAX]; /* of the plan's metrics; 0: none */
	bool ratios[EXPERIMENT_METRICS_MAX]; /* likewise (struct truth_tally_config) */
	bool computed;			     /* engines compute the accuracy (struct truth_tally_config) */
};

struct rehearsal_result {
	size_t move_count;
	const struct rollout_move *moves;
	struct rollout_state state;		  /* at the end */
	int64_t first_ms, last_ms;		  /* of what was recorded */
	uint64_t requests[REHEARSAL_CHOICES_MAX]; /* of each choice */
	uint64_t unanswered;			  /* requests without an answer, which do not count */
	uint64_t approvals;			  /* that were taken to be given */
	bool ended;				  /* before the records did: it was promoted or rolled back */
};

/* Makes the rules of latency need no proof, and roll back never. Returns how many. */
size_t rehearsal_leave_out_latency(struct rollout_plan *plan);

struct rehearsal;

struct rehearsal *rehearsal_open(const struct rehearsal_config *config, struct arena *arena,
				 struct error *error); /* NULL: SYSTEM */

/* Adds a record; what is of another experiment is left out. Everything is copied. SYSTEM. */
bool rehearsal_expose(struct rehearsal *rehearsal, const struct exposure *exposure, struct error *error);
bool rehearsal_answer(struct rehearsal *rehearsal, struct text id, int64_t time_ms, bool failed, struct error *error);
bool rehearsal_feedback(struct rehearsal *rehearsal, const struct feedback *feedback, int64_t time_ms, struct error *error);

/* What was added since the last end is of that pipeline. Without an end it is of one that declares no metrics. SYSTEM. */
bool rehearsal_pipeline_end(struct rehearsal *rehearsal, const struct rehearsed_pipeline *pipeline, struct error *error);

/* Once. INPUT: there is no exposure of the experiment. */
bool rehearsal_run(struct rehearsal *rehearsal, struct rehearsal_result *result, struct error *error);
