/* figure_window.c: see figure_window.h. */
#include "alerts/figure_window.h"

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

void figure_window_add(struct figure_window *window, const struct figure_sample *sample, struct alert_values *values)
{
	struct histogram latency;
	window_advance(window, sample->now_ms);
	const struct figure_sample *first = window->count ? sample_at(window, 0) : sample;
	const double errors = (double)(sample->failed - first->failed);
	const double results = errors + (double)(sample->succeeded - first->succeeded);
	const double flagged = (double)(sample->flagged - first->flagged);
	const double looked_at = flagged + (double)(sample->unflagged - first->unflagged);
	histogram_since(&sample->latency, &first->latency, &latency);
	*values = (struct alert_values){
		.requests = (double)latency.count,
		.errors = errors,
		.error_rate = results > 0 ? errors / results : (double)NAN,
		.latency_p50 = quantile_ms(&latency, 0.5),
		.latency_p95 = quantile_ms(&latency, 0.95),
		.latency_p99 = quantile_ms(&latency, 0.99),
		.lag = NAN,
		.model_unreachable = NAN,
		.model_slow = NAN,
		.drift_score = NAN,
		.is_drift = NAN,
		.quality_alarm = NAN,
		.missing_share = NAN,
		.outside_share = NAN,
		.unseen_share = NAN,
		.messages_per_minute = NAN,
		.newest_age_ms = NAN,
		.estimated_accuracy = NAN,
		.estimated_precision = NAN,
		.estimated_recall = NAN,
		.rollout_paused = NAN,
		.rollout_inconclusive = NAN,
		.rollout_rolled_back = NAN,
		.outlier_rate = looked_at > 0 ? flagged / looked_at : (double)NAN,
	};
	window_keep(window, sample);
}
