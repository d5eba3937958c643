/* alert_value.c: see alert_value.h. */
#include "observe/alert_value.h"

#include <math.h>

#include "base/hash.h"

#define FIGURE(member, ...) {.name = #member, .offset = offsetof(struct alert_values, member), __VA_ARGS__}
#define SHARE(member, ...) FIGURE(member, .is_share = true, __VA_ARGS__)

const struct alert_value_row alert_value_rows[] = {
	FIGURE(requests, .help = "Requests that ended in the window."),
	FIGURE(errors, .help = "Errors among their results."),
	SHARE(error_rate, .help = "Share of errors among all results; missing without results."),
	FIGURE(latency_p50, .help = "Median duration of requests, in milliseconds; missing without requests."),
	FIGURE(latency_p95, .help = "Duration in milliseconds that 95% of the requests do not exceed."),
	FIGURE(latency_p99, .help = "Duration in milliseconds that 99% of the requests do not exceed."),
	FIGURE(lag, .is_latest = true, .help = "Records that wait in Kafka, over all partitions, also those of other engines."),
	SHARE(model_unreachable, .is_latest = true,
	      .help = "1 if a model that the pipeline calls is unreachable from this engine, else 0."),
	SHARE(model_slow, .is_latest = true,
	      .help = "1 if a model that it calls is slow, as `sluice help slow` describes, else 0."),
	FIGURE(drift_score, .needs = FIGURES_OF_DRIFT,
	       .help = "Score of the last closed window of a step `drift`, the largest of several; missing while it is learning."),
	SHARE(is_drift, .needs = FIGURES_OF_DRIFT, .help = "1 if that window has drift, else 0."),
	SHARE(quality_alarm, .needs = FIGURES_OF_DRIFT,
	      .help = "1 if values of the last closed window are out of the bounds of quality, else 0."),
	SHARE(missing_share, .needs = FIGURES_OF_DRIFT,
	      .help = "Share of missing values in that window; the largest of the features."),
	SHARE(mistyped_share, .needs = FIGURES_OF_DRIFT,
	      .help = "Share of values of another type than the reference's, such as texts where it has numbers, likewise."),
	SHARE(outside_share, .needs = FIGURES_OF_DRIFT, .help = "Share of numbers outside the reference's range, likewise."),
	SHARE(unseen_share, .needs = FIGURES_OF_DRIFT, .help = "Share of categories that the reference does not have, likewise."),
	FIGURE(messages_per_minute, .needs = FIGURES_OF_DRIFT,
	       .help = "Messages a minute of event time in that window: the least of several steps, the sum of all segments. "
		       "Missing in the first window. A window closes when messages come: `absent` detects that none come."),
	FIGURE(newest_age_ms, .needs = FIGURES_OF_DRIFT,
	       .help = "The longest time in that window without a newer event, in milliseconds of event time; the longest of "
		       "several steps and segments. Missing in the first window."),
	SHARE(estimated_accuracy, .needs = FIGURES_OF_DRIFT,
	      .help = "Accuracy in that window, from the classifier's own probabilities; missing without `estimate`."),
	SHARE(estimated_precision, .needs = FIGURES_OF_DRIFT, .help = "Precision, likewise; of two classes only."),
	SHARE(estimated_recall, .needs = FIGURES_OF_DRIFT, .help = "Recall, likewise; of two classes only."),
	SHARE(estimated_auc, .needs = FIGURES_OF_DRIFT, .help = "Area under the ROC curve, likewise; of two classes only."),
	FIGURE(estimated_error, .needs = FIGURES_OF_DRIFT,
	       .help = "Mean absolute error of a regressor in that window, from errors that a second model expects; missing "
		       "without `estimateError`."),
	SHARE(outlier_rate, .needs = FIGURES_OF_OUTLIERS,
	      .help = "Share of outliers among the messages at steps `outlier`, or among their rows; missing without one of them."),
	SHARE(mirror_disagreement_rate,
	      .help = "Share of copies to mirrors, also to predictors with `shadow`, whose reply differed, among those that were "
		      "compared; missing without one."),
	SHARE(mirror_left_out_rate, .help = "Share of the copies to mirrors that were not compared; missing without a copy."),
	SHARE(rollout_paused, .is_latest = true,
	      .help = "1 if a rollout of the pipeline's experiments is paused, or waits for an approval, else 0; missing without "
		      "one, and without `--control`."),
	SHARE(rollout_inconclusive, .is_latest = true,
	      .help = "1 if one is inconclusive: its weights stay until someone decides. Likewise."),
	SHARE(rollout_rolled_back, .is_latest = true,
	      .help = "1 if one is rolled back: the default has all the traffic. Likewise."),
	{0},
};

const struct alert_value_row *alert_value_named(struct text name)
{
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++)
		if (text_is(name, row->name))
			return row;
	return NULL;
}

static double *value_at(struct alert_values *values, const struct alert_value_row *row)
{
	return (double *)(void *)((char *)values + row->offset);
}

static uint64_t name_hash(struct text name)
{
	return hash_bytes(name.bytes, name.length, 0);
}

double alert_value_get(const struct alert_values *values, struct text name)
{
	const struct alert_value_row *row = alert_value_named(name);
	const uint64_t hash = row ? 0 : name_hash(name);
	if (row)
		return *(const double *)(const void *)((const char *)values + row->offset);
	for (size_t i = 0; i < values->metric_count; i++)
		if (values->metrics[i].name == hash)
			return values->metrics[i].value;
	return (double)NAN;
}

void alert_value_set(struct alert_values *values, struct text name, double value)
{
	const struct alert_value_row *row = alert_value_named(name);
	if (row)
		*value_at(values, row) = value;
	else if (values->metric_count < ALERT_METRICS_MAX)
		values->metrics[values->metric_count++] = (struct alert_metric){name_hash(name), value};
}

struct alert_values alert_values_unknown(void)
{
	struct alert_values values = {.metric_count = 0};
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++)
		*value_at(&values, row) = (double)NAN;
	return values;
}
