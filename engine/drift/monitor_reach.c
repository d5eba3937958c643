/* monitor_reach.c: Reach of a drift monitor: whether it can find any change of a feature, by each of its tests beside the largest
 * statistic that a window can have. */
#include <math.h>

#include "base/memory.h"
#include "drift/monitor_parts.h"
#include "numeric/quantile.h"

#define HOUR_MS 3600000.0

/* ---- usual windows ---- */

/* Rows of a window; of one by time as many as the arrivals of the reference let expect. 0: that is not known. */
static double window_rows(const struct monitor *monitor, const struct arrivals *arrivals)
{
	const struct monitor_settings *settings = &monitor->settings;
	const double all_ms = arrivals->count > 1 ? arrivals->times_ms[arrivals->count - 1] - arrivals->times_ms[0] : 0;
	const double share = settings->share > 0 ? settings->share : 1;
	if (settings->window_rows > 0)
		return (double)settings->window_rows;
	if (settings->segmented || all_ms < ARRIVAL_SPAN_MS)
		return 0;
	return floor((double)settings->window_ms / all_ms * (double)arrivals->rows * share);
}

/* How long a window by count takes; 0: the reference does not show it. */
static double window_duration_ms(const struct monitor *monitor, const struct arrivals *arrivals)
{
	const double all_ms = arrivals->count > 1 ? arrivals->times_ms[arrivals->count - 1] - arrivals->times_ms[0] : 0;
	return all_ms / (double)arrivals->rows * (double)monitor->settings.window_rows;
}

/* The level of each test in a window of so many rows. `is_supposed`: how long it takes is not known. */
static double usual_level(const struct monitor *monitor, const struct drift_reference *reference, double rows, bool *is_supposed)
{
	const struct monitor_settings *settings = &monitor->settings;
	*is_supposed = false;
	if (settings->rate.rows > 0)
		return monitor_test_level(monitor, settings->rate.alarms * rows / (double)settings->rate.rows);
	double window_ms = (double)settings->window_ms;
	if (settings->window_ms == 0 && reference->arrivals.rows > 0)
		window_ms = window_duration_ms(monitor, &reference->arrivals);
	*is_supposed = !(window_ms > 0);
	return monitor_test_level(monitor, settings->rate.alarms * (*is_supposed ? HOUR_MS : window_ms) /
						   (double)settings->rate.duration_ms);
}

/* ---- the largest change ---- */

/* The Jensen-Shannon distance, base 2, of the reference and a window with all values in the bin that is rarest there. */
static double binned_farthest(const struct watched_feature *watched)
{
	double least = (double)watched->count;
	for (size_t i = 0; i < watched->bin_count; i++)
		least = fmin(least, watched->counts[i]);
	const double share = least / (double)watched->count, middle = (1 + share) / 2;
	const double of_share = share > 0 ? share * log(share / middle) : 0;
	return sqrt((of_share + (1 - share) * M_LN2 - log(middle)) / 2 / M_LN2);
}

/* The part without tails of W1, divided by the deviation, of the reference and a window beyond one of its ends. */
static double settled_farthest(const struct watched_feature *watched)
{
	const struct sorted *all = &watched->sorted;
	const double below = all->values[0] - watched->deviation, above = all->values[all->count - 1] + watched->deviation;
	const struct sorted low = {1, (double *)(uintptr_t)&below}, high = {1, (double *)(uintptr_t)&above};
	return fmax(sample_distances_of(all, watched->tail, &low).settled, sample_distances_of(all, watched->tail, &high).settled) /
	       watched->deviation;
}

/* Whether one of the tests establishes it, if so many values say as much as one independent one. */
static bool change_is_found(const struct watched_feature *watched, size_t rows, double dependence, double alpha)
{
	const double common = common_size((double)watched->count, (double)rows) / dependence;
	const double binned = fmin(common, watched->binned_common);
	if (watched->detectors && detectors_can_alarm(watched->detectors, rows, alpha))
		return true;
	if (watched->methods >> MONITOR_KS & 1 && ks_reach(alpha) / sqrt(common) < 1)
		return true;
	if (watched->methods & MONITOR_OF_BINS && null_law_distance(&watched->binned, alpha, binned) < binned_farthest(watched))
		return true;
	return watched->methods >> MONITOR_WASSERSTEIN & 1 &&
	       null_law_distance(&watched->settled, alpha, common) < settled_farthest(watched);
}

/* ---- trends ---- */

/* A straight line through ranks, by least squares. */
struct rank_line {
	double middle, mean, slope;
};

static struct rank_line line_through(const double *ranks, size_t rows)
{
	double count = 0, places = 0, sum = 0, squares = 0, products = 0;
	for (size_t i = 0; i < rows; i++) {
		count += !isnan(ranks[i]);
		places += isnan(ranks[i]) ? 0 : (double)i;
		sum += isnan(ranks[i]) ? 0 : ranks[i];
	}
	struct rank_line line = {.middle = places / count, .mean = sum / count};
	for (size_t i = 0; i < rows; i++) {
		const double apart = (double)i - line.middle;
		squares += isnan(ranks[i]) ? 0 : apart * apart;
		products += isnan(ranks[i]) ? 0 : apart * (ranks[i] - line.mean);
	}
	line.slope = squares > 0 ? products / squares : 0;
	return line;
}

/* The dependence of what the line leaves of ranks, which a trend of any form raises or lowers. `scratch`: 3 * rows numbers. */
static double dependence_without_trend(const struct drift_feature *feature, const struct drift_reference *reference,
				       double *scratch, struct rank_line *line)
{
	const size_t rows = reference->rows;
	double *ranks = scratch, *sorted = scratch + rows;
	for (size_t i = 0; i < rows; i++)
		sorted[i] = feature->values[i];
	const size_t kept = quantile_sort(sorted, rows);
	for (size_t i = 0; i < rows; i++) {
		const double value = feature->values[i];
		ranks[i] = isnan(value) ? value : (double)(sorted_below(sorted, kept, value) + sorted_until(sorted, kept, value));
	}
	*line = line_through(ranks, rows);
	for (size_t i = 0; i < rows; i++)
		ranks[i] -= line->mean + line->slope * ((double)i - line->middle);
	return drift_dependence(ranks, rows, reference->block, scratch + rows);
}

/* ---- a feature ---- */

struct monitor_reach monitor_reach_of(const struct monitor *monitor, const struct drift_reference *reference, size_t feature)
{
	const struct watched_feature *watched = &monitor->features[feature];
	const double all_rows = window_rows(monitor, &reference->arrivals);
	const size_t rows = (size_t)fmin(all_rows, monitor->settings.window_rows ? all_rows : MONITOR_ROWS_KEPT);
	struct monitor_reach reach = {.sight = MONITOR_SEES, .rows = (size_t)all_rows};
	if (monitor->blank || watched->methods == 0 || rows == 0)
		return reach;
	const double alpha = usual_level(monitor, reference, all_rows, &reach.spans_an_hour);
	reach.independent_values = fmax((double)watched->count / watched->dependence, 1);
	if (change_is_found(watched, rows, watched->dependence, alpha))
		return reach;
	reach.sight = change_is_found(watched, rows, 1, alpha) ? MONITOR_BLIND_BY_DEPENDENCE : MONITOR_BLIND_BY_SIZE;
	double *scratch = memory_take(3 * reference->rows, sizeof *scratch);
	if (scratch && reach.sight == MONITOR_BLIND_BY_DEPENDENCE && !watched->categories) {
		struct rank_line line;
		const double rest = dependence_without_trend(&reference->features[feature], reference, scratch, &line);
		if (change_is_found(watched, rows, rest, alpha))
			reach.sight = MONITOR_BLIND_BY_TREND;
		reach.falls = line.slope < 0;
	}
	memory_give(scratch);
	return reach;
}
