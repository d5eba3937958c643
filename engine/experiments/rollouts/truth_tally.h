/* truth_tally.h: Truth tally of a rollout: from outcomes to the accuracy, and the other metrics that its criteria name, of each
 * variant under one bucket table.
 *
 * The accuracy of a request is the metric ROLLOUT_ACCURACY of its outcome (message/records/outcome.h), from 0 (wrong) to 1
 * (right). It counts when the window of the exposure has passed: so outcomes that come early do not weigh more than others. Time
 * is what truth_tally_pass() says. The accuracy of a unit is the mean of its requests, since they depend on each other. A request
 * without a unit is one by itself. All of this holds for the other metrics too. One with a cap has no counts before its cap is
 * known.
 *
 * Of a ratio, a unit counts by its number of values: sums of units have its sum beside that number, of which
 * arm_sums_ratio_moments() is the ratio, with its variance by the delta method. A unit takes the same memory as of a mean.
 *
 * Feedback that names a unit and no request is one more value of the unit, and counts with the exposure that its outcome is of.
 *
 * An outcome in time is counted as such when it is read; of feedback that names a unit, once for each unit. One after its window
 * counts as late, and for as many as it stands for: of fewer than TRUTH_SAMPLED_LEAST it counts for itself, since an estimate of
 * few is mostly error, and one truth would be a thousand.
 *
 * Outcomes may take longer than a stage. So one of an earlier stage of the rollout counts too, as long as the present stage has
 * none of that variant in time. A late one counts as late; of those within their window only the first counts, as in time: it says
 * that truths come, and nothing of the present stage. Of those that were written before the present stage one counts: whoever
 * judges may not have been told of it.
 *
 * Only exposures of the table count, which a stage has chosen, and whose time is not before the table's. Sums of accuracies are
 * whole numbers: the same outcomes give the same ones, whatever their order; of other metrics they differ by rounding alone. So
 * whoever reads the outcomes of the table's time has all counts, and nothing is to be handed over.
 *
 * Pure. Belongs to one thread.
 */
#pragma once

#include "message/records/answer_label.h"
#include "message/records/feedback.h"
#include "message/records/outcome.h"
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
#define TRUTH_WAITING_MAX ((size_t)1 << 21) /* values that wait for the end of their window, 64 MiB: beyond, the oldest count */
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

struct truth_tally_config {
	const char *experiment;
	uint64_t table; /* version of the assignment, as exposures have it */
	int64_t since_ms; /* of the table */
	int64_t began_ms; /* the rollout, of which earlier exposures are none; 0: outcomes of earlier stages do not count */
	size_t arms;
	const char *const *names; /* of the arms; borrowed, as `experiment` */
	size_t paired;		  /* the arm of which only units of the baseline count; `arms`: none */
	struct baseline baseline;
	int64_t window_ms;
	size_t metric_count;		     /* at most EXPERIMENT_METRICS_MAX */
	const char *const *metrics;	     /* their names; borrowed */
	double caps[EXPERIMENT_METRICS_MAX]; /* of each: the quantile that caps it (experiments/rollouts/running_cap.h); 0: none */
	bool ratios[EXPERIMENT_METRICS_MAX]; /* of each: a unit counts by as many values as it has (`perUnit: ratio`) */
	size_t waiting_max, units_max;
};

struct truth_tally_losses {
	uint64_t refused;  /* values: an accuracy that is not from 0 to 1, or too large a metric */
	uint64_t unjudged; /* feedback without an accuracy, whose truth or answer says nothing to compare, or that names a unit */
	uint64_t crowded;  /* values beyond the limits of units */
	uint64_t early;	   /* values that counted before the end of their window, since too many waited */
};

/* NULL: CONFIG or SYSTEM. */
struct truth_tally *truth_tally_open(const struct truth_tally_config *config, struct error *error);
void truth_tally_close(struct truth_tally *tally); /* NULL is fine */

void truth_tally_outcome(struct truth_tally *tally, const struct outcome *outcome);

/* Time has passed, and all outcomes up to then were given: counts what windows that are over by then have. It decides when a value
 * counts, and not which ones do. */
void truth_tally_pass(struct truth_tally *tally, int64_t time_ms);

/* Whether an accuracy of feedback is from 0 to 1, and no other value beyond TRUTH_VALUE_MAX: INPUT. To be called before feedback is
 * joined, so that it can be sent again. */
bool truth_values_check(const struct feedback *feedback, struct error *error);

/* The counts of the arms, which belong to the tally. */
const struct truth_counts *truth_tally_counts(const struct truth_tally *tally);
struct truth_tally_losses truth_tally_losses(const struct truth_tally *tally);

/* Counts as moments of accuracies from 0 to 1. */
struct moments truth_moments(const struct truth_counts *counts);

/* Adds a value of a unit, which had `requests` before it, whose values have that sum. */
void metric_counts_value(struct metric_counts *counts, bool is_ratio, double sum, uint32_t requests, double value);

/* Adds the counts of another pipeline. */
void truth_counts_add(struct truth_counts *into, const struct truth_counts *from);

/* Whether counts can be those of some units, and are of no fewer units and requests than `before`. Of those that came late there
 * may be fewer: whoever joins the feedback anew may have a longer window. */
bool truth_counts_rose(const struct truth_counts *before, const struct truth_counts *now);
