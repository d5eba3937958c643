/* alert_value.h: Table of the figures of a pipeline that the condition of an alert can use, besides values of messages.
 *
 * A metric that the pipeline declares is one as well, known by its name.
 *
 * They are of the window `over` of the alert, except the latest ones, and those of steps `drift`, which are of the last window that
 * the observer closed. NaN: not known, so the condition is not judged.
 */
#pragma once

#include "message/records/drift_score.h"

#define ALERT_METRICS_MAX 8 /* of one condition */

struct alert_values {
	double requests, errors, error_rate;
	double latency_p50, latency_p95, latency_p99;
	double lag;
	double model_unreachable, model_slow;
	double drift_score, is_drift;
	double quality_alarm, missing_share, mistyped_share, outside_share, unseen_share;
	double messages_per_minute, newest_age_ms;
	double estimated_accuracy, estimated_precision, estimated_recall, estimated_auc, estimated_error;
	double outlier_rate;
	double mirror_disagreement_rate, mirror_left_out_rate;
	double rollout_paused, rollout_inconclusive, rollout_rolled_back;
	size_t metric_count;
	struct alert_metric {
		uint64_t name; /* its hash */
		double value;
	} metrics[ALERT_METRICS_MAX];
	char drift[DRIFT_CAUSE_WORDS_BYTES]; /* beside `drift_score` and `is_drift`: the feature that has moved most; empty: none */
};

/* Sets of figures that only pipelines with certain steps have. In any other, the name is a tensor or a mark of messages. */
enum alert_figures { FIGURES_OF_DRIFT = 1, FIGURES_OF_OUTLIERS = 2 };

struct alert_value_row {
	const char *name;
	size_t offset;	/* of a double in struct alert_values */
	unsigned needs; /* set of enum alert_figures; 0: any pipeline has it */
	bool is_share;	/* from 0 to 1; others have 0 or more */
	bool is_latest; /* not of the window `over`: what is known when it is judged, as those of drift are, too */
	const char *help;
};

extern const struct alert_value_row alert_value_rows[]; /* the last row has no name */

/* NULL: there is no such figure. */
const struct alert_value_row *alert_value_named(struct text name);

/* The value of a figure of the table, or of a metric. NaN: it is not known. */
double alert_value_get(const struct alert_values *values, struct text name);

/* Sets it. What is beyond ALERT_METRICS_MAX stays unknown. */
void alert_value_set(struct alert_values *values, struct text name, double value);

/* All are unknown. */
struct alert_values alert_values_unknown(void);
