/* truth_tally.h: Truth tally of a rollout: from exposures and feedback to the accuracy, and the other metrics that its criteria
 * name, of each variant under one bucket table.
 *
 * The accuracy of a request is the metric ROLLOUT_ACCURACY of its feedback, from 0 (wrong) to 1 (right); of feedback without
 * it, whether the truth is the label of the answer (message/records/answer_label.h). It is joined to its
 * exposure by the outcome join (experiments/outcomes/outcome_join.h), and counts when the window of the exposure has passed: so
  * outcomes that come early do not weigh more than others. Time is that of all exposures of the topic; where none comes, whoever
   * has read all of both topics lets it pass by the clock (truth_tally_pass()). The accuracy of a unit is the mean of its
 * requests, since they depend on each other. A request without a unit is one by itself. All of this holds for the other metrics
 * too, which are numbers of feedback, or FEEDBACK_REWARD. One with a cap has no counts before its cap is known.
 *
 * Of a ratio, a unit counts by its number of values: sums of units have its sum beside that number, of which
 * arm_sums_ratio_moments() is the ratio, with its variance by the delta method. A unit takes the same memory as of a mean.
 *
 * Feedback that names a unit and no request is one more value of the unit, and counts with its last exposure before it
 * (outcome_join_unit_find()). All such values count, unless the feedback has a feedback_id: the same one counts once.
 *
 * Truths that come after the window do not count. How many these are is known by samples of exposures
 * (experiments/rollouts/arrival_tally.h), also of those of earlier stages of the rollout: truths may take longer than a stage.
  * Feedback on requests that no stage of the rollout chose is unknown, and not late: nothing is known of its window.
 *
 * Only exposures of the table count, which a stage has chosen, and whose time is not before the table's. Exposures and feedback
 * that come again count once. Sums of accuracies are whole numbers: the same records give the same ones, whatever the order of
 * partitions; of other metrics they differ by rounding alone. So whoever reads the topics from the table's beginning has all
 * counts, and whoever reads them from the rollout's beginning knows the exposures of earlier stages too: nothing is to be handed
 * over. A tally may take over the samples of the one before, to read less.
 *
 * Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_ROLLOUTS_TRUTH_TALLY_H
#define SLUICE_EXPERIMENTS_ROLLOUTS_TRUTH_TALLY_H

#include "experiments/outcomes/exposure_sample.h"
#include "message/records/answer_label.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "methods/statistics/arm_sums.h"
#include "compiler/step/baseline.h"
#include "compiler/step/experiment.h"

#define ROLLOUT_ACCURACY ACCURACY_METRIC
#define TRUTH_SCALE 100000 /* an accuracy of 1 */
#define TRUTH_VALUE_MAX 1e100	 /* of another metric, above or below 0: the sum of squares has to be finite */
#define TRUTH_COUNT_MAX 10000000 /* units of an arm: the squares of 64 pipelines fit into 63 bits; further ones are left out */
#define TRUTH_ARRIVALS_MAX (INT64_C(1) << 53) /* requests by when their truths came: those of 64 pipelines fit into 63 bits */
#define TRUTH_SAMPLED_LEAST 10		      /* the estimate of all is then right within a third, two times of three */
#define TRUTH_REPORTED_MS 20000		      /* within this time a truth is read and counted, and the keeper has it */
#define TRUTH_EXPOSURE_BYTES 40	 /* of an open exposure; values of feedback take more (experiments/outcomes/outcome_values.h) */
#define TRUTH_MEMORY_BYTES ((size_t)64 << 20) /* for open exposures: 1,670,000 */
#define TRUTH_UNIT_VALUES_MAX ((size_t)1 << 20) /* of feedback that names units alone, which wait: some 30 MB */
#define TRUTH_UNITS_MAX ((size_t)1 << 20) /* further units are left out: of so many, an accuracy is known to 0.1% */

struct truth_tally;

/* Of one metric of one variant. */
struct metric_counts {
	int64_t requests; /* that have it */
	/* Units: the mean of each, beside 1; of a ratio the sum of the values of each, beside their number. */
	struct arm_sums units;
	int64_t joined; /* those whose value came in time, also where the window is not over; one may be of an earlier stage */
	int64_t late;	      /* those whose value came after the window; of many, an estimate */
	int64_t other_values; /* requests whose value is neither 0 nor 1 */
};

/* Of one variant: units with an accuracy, the sum of these and of their squares, and the requests of these units; and the other
 * metrics. */
struct truth_counts {
	int64_t units, sum, squares, requests;
	int64_t joined, late; /* as of a metric */
	struct metric_counts metrics[EXPERIMENT_METRICS_MAX];
};

/* A truth that came for a variant. */
struct past_truth {
	int64_t time_ms; /* 0: there was none */
	size_t arm;
	bool is_late;
};

/* Samples of the exposures of earlier stages; NULL: there are none. */
struct truth_past {
	struct exposure_sample *requests, *units;
	uint8_t turn; /* of the last of the stages */
	struct past_truth last;
};

struct truth_tally_config {
	const char *experiment;
	uint64_t table; /* version of the assignment, as exposures have it */
	int64_t since_ms; /* of the table */
	int64_t began_ms; /* the rollout, of which earlier exposures are none; 0: no exposure of an earlier stage is read */
	size_t arms;
	const char *const *names; /* of the arms; borrowed, as `experiment` */
	size_t paired;		  /* the arm of which only units of the baseline count; `arms`: none */
	struct baseline baseline;
	int64_t window_ms;
	size_t metric_count;		     /* at most EXPERIMENT_METRICS_MAX */
	const char *const *metrics;	     /* their names; borrowed */
	double caps[EXPERIMENT_METRICS_MAX]; /* of each: the quantile that caps it (experiments/rollouts/running_cap.h); 0: none */
	bool ratios[EXPERIMENT_METRICS_MAX]; /* of each: a unit counts by as many values as it has (`perUnit: ratio`) */
	bool computed; /* engines compute ROLLOUT_ACCURACY, which the pipeline declares: truth without it says nothing */
	size_t memory_bytes, units_max;
	struct truth_past past; /* of the tally of the stage before, which the tally takes over */
};

struct truth_tally_losses {
	uint64_t refused;  /* feedback that has an accuracy which is not from 0 to 1, too large a metric, or is none at all */
	uint64_t unjudged; /* feedback without an accuracy, whose truth or answer says nothing to compare, or that names a unit */
	uint64_t crowded;  /* values beyond the limits of units, and of what waits for them */
	uint64_t dropped;  /* exposures that gave their place to newer ones within the window: they counted early */
	uint64_t late, unknown; /* feedback after the window, or without an open exposure */
};

/* NULL: CONFIG or SYSTEM; the samples are taken over, too. */
struct truth_tally *truth_tally_open(const struct truth_tally_config *config, struct error *error);

/* The samples of all exposures of the tally, for that of the next stage. The tally is only to be closed then. */
struct truth_past truth_tally_give_past(struct truth_tally *tally);
void truth_past_close(struct truth_past *past);	   /* of which the members may be NULL */
void truth_tally_close(struct truth_tally *tally); /* NULL is fine */

void truth_tally_expose(struct truth_tally *tally, const struct exposure *exposure);

/* Time has passed, and all feedback up to then was told: counts what windows that are over by then have. It decides when a value
 * counts, and not which ones do: whoever reads the records again has the same counts, unless feedback came to its topic later than
 * the time passed. That is unknown here, and counts for a reader that has it in order. */
void truth_tally_pass(struct truth_tally *tally, int64_t time_ms);

void truth_tally_feedback(struct truth_tally *tally, const struct feedback *feedback, int64_t time_ms); /* time of its record */

/* Counts feedback that cannot be read, and why, with the refused. */
void truth_tally_refuse(struct truth_tally *tally, const struct error *refused);

/* Whether feedback, which was given before, leaves an open exposure without that metric: ROLLOUT_ACCURACY, or one of the
 * configuration. It counts nothing. */
struct open_request; /* experiments/outcomes/outcome_join.h */
bool truth_tally_lacks(const struct truth_tally *tally, const struct feedback *feedback, int64_t time_ms, const char *metric,
		       struct open_request *found);

/* The counts of the arms, which belong to the tally. */
const struct truth_counts *truth_tally_counts(const struct truth_tally *tally);
struct truth_tally_losses truth_tally_losses(const struct truth_tally *tally);

/* Why the first of the refused feedback was; "": none was. */
const char *truth_tally_refusal(const struct truth_tally *tally);

/* The metric of a feedback by which it is judged; NULL: it has none. */
const struct feedback_metric *truth_accuracy(const struct feedback *feedback);

/* Counts as moments of accuracies from 0 to 1. */
struct moments truth_moments(const struct truth_counts *counts);

/* The metrics of a feedback that are judged: at most EXPERIMENT_METRICS_MAX, each at its index. Returns a bit for each that it
 * has. */
unsigned truth_metrics(const struct feedback *feedback, const char *const *names, size_t count, double *values);

/* Adds a value of a unit, which had `requests` before it, whose values have that sum. */
void metric_counts_value(struct metric_counts *counts, bool is_ratio, double sum, uint32_t requests, double value);

/* Adds the counts of another pipeline. */
void truth_counts_add(struct truth_counts *into, const struct truth_counts *from);

/* Whether counts can be those of some units, and are of no fewer units and requests than `before`. Of those that came late there
 * may be fewer: whoever joins the feedback anew may have a longer window. */
bool truth_counts_rose(const struct truth_counts *before, const struct truth_counts *now);

#endif
