/* arrival_tally.h: Arrival tally of a rollout: when the truths, and the other outcomes, of each variant came under one bucket
 * table: in time, or late. Private to the truth tally, whose counts it adds to.
 *
 * An outcome in time is joined, and counts as such. One that comes after the window is known by a sample of the exposures that are
 * over (experiments/outcomes/exposure_sample.h), once for each request; and of feedback that names a unit, once for each unit. Of a
  * sample that stands for more, TRUTH_SAMPLED_LEAST are known before they count as more than themselves: an estimate of fewer is
   * mostly error, and one truth would be a thousand.
 *
 * Outcomes may take longer than a stage. So one of a request, or a unit, of an earlier stage of the rollout counts too, as long as
 * the present stage has none of that variant in time. A late one counts as late; of those within their window only the first
 * counts, as in time: it says that truths come, and nothing of the present stage.
 *
 * Earlier stages are known in either of two ways. The samples of the tally before go on (struct truth_past). Or whoever has none
 * reads all exposures since the rollout began, and adds those of earlier stages, by whichever table: a new leader. Both are samples
 * of at most EXPOSURE_SAMPLE_MAX, so earlier stages take no more memory, however many requests they had. Adding one again changes
 * nothing, and an outcome of one counts once.
 *
 * An outcome that came before the present stage was counted under an earlier table. Whoever judges may not have been told: a new
 * leader does not know it, and the former tally's last ones of the stage were on their way. So of those that a new leader reads,
 * and if the former tally had a truth within TRUTH_REPORTED_MS before the stage, one counts: as it came, in time or late.
 *
 * Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_ROLLOUTS_ARRIVAL_TALLY_H
#define SLUICE_EXPERIMENTS_ROLLOUTS_ARRIVAL_TALLY_H

#include "experiments/rollouts/truth_tally.h"

/* What is judged of a request: its accuracy, then the metrics. */
#define JUDGED_MAX (1 + EXPERIMENT_METRICS_MAX)

/* Those of a sample, and what they stand for. */
struct sampled_number {
	int64_t count, sum;
};

struct arrival_tally { /* starts as {0} */
	int64_t since_ms, window_ms;
	size_t judged_count;
	struct truth_counts *counts;	    /* of each arm */
	struct exposure_sample *ended;	    /* by requests */
	struct exposure_sample *seen_units; /* the first exposure of each in this stage, over or not; else in an earlier one */
	uint8_t turn;			    /* of the exposures of this stage */
	struct sampled_number late[ASSIGNMENT_WAYS_MAX][JUDGED_MAX], of_units[ASSIGNMENT_WAYS_MAX][JUDGED_MAX]; /* in time */
	bool has_past[ASSIGNMENT_WAYS_MAX][JUDGED_MAX]; /* one that is counted as joined is of an earlier stage */
	int64_t feedback_ms;				/* time of the record of feedback that is counted now */
	struct past_truth last;				/* truth that was counted */
};

/* A request by its hash, that of its unit, or 0, and its exposure. */
struct arrived_exposure {
	uint64_t request, unit;
	int64_t time_ms;
	size_t arm;
	unsigned outcomes; /* a bit of each that it has */
	bool has_label;	   /* its answer said something that a truth can be held against */
};

/* Takes over the past. False: SYSTEM. */
bool arrival_tally_open(struct arrival_tally *tally, const struct truth_tally_config *config, struct truth_counts *counts,
			struct error *error);
void arrival_tally_close(struct arrival_tally *tally);

/* The samples, for the tally of the next stage; this one is only to be closed then. */
struct truth_past arrival_tally_give_past(struct arrival_tally *tally);

/* An exposure of the present stage: opened with a unit; and over. */
void arrival_tally_see_unit(struct arrival_tally *tally, const struct arrived_exposure *exposure);
void arrival_tally_end(struct arrival_tally *tally, const struct arrived_exposure *exposure);

/* An exposure of an earlier stage. */
void arrival_tally_add_past(struct arrival_tally *tally, const struct arrived_exposure *exposure);

/* An outcome of an exposure of the present stage came in time. */
void arrival_tally_join(struct arrival_tally *tally, size_t arm, size_t judged);

/* Outcomes, by their bits, of feedback that names a request. `has_label`: its truth says something, too. */
void arrival_tally_request(struct arrival_tally *tally, uint64_t request, unsigned outcomes, bool has_label);

/* Outcomes of feedback that names a unit alone, of that time, and which waits for the end of an exposure, or has none. */
void arrival_tally_unit(struct arrival_tally *tally, uint64_t unit, unsigned outcomes, int64_t time_ms, bool waits, bool missed);

#endif
