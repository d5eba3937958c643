/* monitor_times.c: Times of a drift monitor's window: rows a minute, and the age of the newest row. */
#include <math.h>

#include "methods/drift/monitor_parts.h"

bool monitor_times_learn(struct monitor *self, const struct drift_reference *reference, struct arena *arena)
{
	self->unjudged = self->settings.segmented ? "the reference is not of one segment" : arrivals_trouble(&reference->arrivals);
	if (self->unjudged)
		return true;
	self->arrivals = arrival_law_open(arena, &reference->arrivals);
	return self->arrivals;
}

/* How long the window by count lasted, from the newest row before it; NaN: its times do not go on, or go back by more than they go
 * on. */
static double count_duration(const struct monitor_position *at)
{
	const int64_t on = at->most_ms - at->before_ms;
	return on > 0 && at->before_ms - at->least_ms <= on ? (double)on : (double)NAN;
}

struct monitor_times monitor_times_judge(const struct monitor *self, double alpha, bool ended)
{
	const struct monitor_position *at = &self->at;
	const int64_t window_ms = self->settings.window_ms;
	struct monitor_times times = {self->unjudged, (double)NAN, (double)NAN, (double)NAN,
				      (double)NAN,    (double)NAN, false,	false};
	if (at->before_ms == INT64_MIN) {
		times.unjudged = times.unjudged ? times.unjudged : "no window came before";
		return times;
	}
	const char *unordered = self->set_back				  ? "the clock was set back"
				: at->late > at->rows / MONITOR_LATE_PART ? "many rows came late"
									  : NULL;
	if (unordered) {
		times.unjudged = times.unjudged ? times.unjudged : unordered;
		return times;
	}
	const double duration_ms = window_ms == 0 ? count_duration(at) : ended ? (double)NAN : (double)window_ms;
	times.rate = (double)at->rows * MINUTE_MS / duration_ms;
	times.age_ms = (double)at->step_ms;
	if (!self->arrivals)
		return times;
	if (isnan(duration_ms)) {
		times.unjudged = window_ms ? "the window has not ended" : "the times of the window go back";
		return times;
	}
	const struct arrival_finding found = arrival_judge(
		self->arrivals, &(struct arrival_window){.rows = (double)at->rows,
							 .duration_ms = duration_ms,
							 .age_ms = times.age_ms,
							 .usual_rows = window_ms ? 0 : (double)self->settings.window_rows,
							 .share = self->settings.share > 0 ? self->settings.share : 1,
							 .rate_alpha = alpha,
							 .age_alpha = alpha});
	times.rate_low = found.rate_low;
	times.rate_high = found.rate_high;
	times.age_most_ms = found.age_most_ms;
	times.rate_alarm = found.rate_alarm;
	times.age_alarm = found.age_alarm;
	return times;
}
