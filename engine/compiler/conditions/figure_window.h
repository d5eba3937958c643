/* figure_window.h: Sliding window over the counts of a pipeline, for the figures of an alert (observe/alert_value.h). Pure.
 *
 * It keeps FIGURE_SAMPLES samples of the counts, whatever its length. So its begin is exact to a sixtieth of `over`.
 */
#pragma once

#include "observe/alert_value.h"
#include "observe/histogram.h"
#include "observe/series.h"

#define FIGURE_SAMPLES 60
#define FIGURE_OVER_MS 60000 /* default of `over` */

/* What a declared metric has counted, over all its series. */
struct figure_metric {
	struct text name;
	enum series_type type;
	uint64_t count; /* of values */
	double sum, last;
};

/* Counts since the engine began. */
struct figure_sample {
	int64_t now_ms; /* monotonic */
	uint64_t succeeded, failed;
	uint64_t flagged, unflagged; /* messages, or rows, at steps that flag outliers */
	uint64_t alike, different, left_out; /* copies to mirrors: compared with the answers, or not */
	struct histogram latency;
	size_t metric_count; /* those that the condition uses, in the same order in each sample */
	struct figure_metric metrics[ALERT_METRICS_MAX];
};

struct figure_window { /* some 100 KiB; starts zeroed, with `over_ms` */
	int64_t over_ms;
	size_t count, oldest;
	struct figure_sample samples[FIGURE_SAMPLES + 1];
};

/* Sets the figures of the time since `over` before the sample, or since the first sample if that is later, and keeps the
 * sample. The figures that counts do not give are NaN. A metric is its latest value if it is a gauge, the sum of its values if it
 * is a counter, else their mean. */
void figure_window_add(struct figure_window *window, const struct figure_sample *sample, struct alert_values *values);
