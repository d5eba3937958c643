/* figure_window.c: see figure_window.h. */
#include "compiler/conditions/figure_window.h"

#include <math.h>

#define US_PER_MS_EXACT 1000.0
#define SLOTS (FIGURE_SAMPLES + 1)

static struct figure_sample *sample_at(struct figure_window *window, size_t age)
{
	return &window->samples[(window->oldest + age) % SLOTS];
}

/* Drops samples of which a later one also is at least `over` old. */
static void window_advance(struct figure_window *window, int64_t now_ms)
{
	while (window->count > 1 && now_ms - sample_at(window, 1)->now_ms >= window->over_ms) {
		window->oldest = (window->oldest + 1) % SLOTS;
		window->count--;
	}
}

static void window_keep(struct figure_window *window, const struct figure_sample *sample)
{
	int64_t apart_ms = window->over_ms / FIGURE_SAMPLES;
	if (window->count > 0 && sample->now_ms - sample_at(window, window->count - 1)->now_ms < apart_ms)
		return;
	if (window->count == SLOTS) {
		window->oldest = (window->oldest + 1) % SLOTS;
		window->count--;
	}
	*sample_at(window, window->count++) = *sample;
}

static double quantile_ms(const struct histogram *latency, double share)
{
	return latency->count ? (double)histogram_quantile(latency, share) / US_PER_MS_EXACT : (double)NAN;
}

/* A metric that has another form counts from 0 again. */
static double metric_value(const struct figure_metric *now, const struct figure_metric *before)
{
	const bool goes_on = now->type == before->type && now->count >= before->count;
	const uint64_t count = now->count - (goes_on ? before->count : 0);
	const double sum = now->sum - (goes_on ? before->sum : 0);
	if (now->type == SERIES_GAUGE)
		return now->count ? now->last : (double)NAN;
	return now->type == SERIES_COUNTER ? sum : count ? sum / (double)count : (double)NAN;
}

static double share_of(double part, double whole)
{
	return whole > 0 ? part / whole : (double)NAN;
}

void figure_window_add(struct figure_window *window, const struct figure_sample *sample, struct alert_values *values)
{
	struct histogram latency;
	window_advance(window, sample->now_ms);
	const struct figure_sample *first = window->count ? sample_at(window, 0) : sample;
	const double errors = (double)(sample->failed - first->failed);
	const double results = errors + (double)(sample->succeeded - first->succeeded);
	const double flagged = (double)(sample->flagged - first->flagged);
	const double looked_at = flagged + (double)(sample->unflagged - first->unflagged);
	const double different = (double)(sample->different - first->different);
	const double compared = different + (double)(sample->alike - first->alike);
	const double left_out = (double)(sample->left_out - first->left_out);
	histogram_since(&sample->latency, &first->latency, &latency);
	*values = alert_values_unknown();
	values->requests = (double)latency.count;
	values->errors = errors;
	values->error_rate = share_of(errors, results);
	values->latency_p50 = quantile_ms(&latency, 0.5);
	values->latency_p95 = quantile_ms(&latency, 0.95);
	values->latency_p99 = quantile_ms(&latency, 0.99);
	values->outlier_rate = share_of(flagged, looked_at);
	values->mirror_disagreement_rate = share_of(different, compared);
	values->mirror_left_out_rate = share_of(left_out, left_out + compared);
	for (size_t i = 0; i < sample->metric_count; i++)
		alert_value_set(values, sample->metrics[i].name, metric_value(&sample->metrics[i], &first->metrics[i]));
	window_keep(window, sample);
}
