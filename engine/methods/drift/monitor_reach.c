/* monitor_reach.c: Reach of a drift monitor: whether it can find any change of a feature, by each of its tests beside the largest
 * statistic that a window can have. */
#include <math.h>

#include "base/memory.h"
#include "methods/drift/monitor_parts.h"

#define HOUR_MS 3600000.0
#define CHANGE_WITHIN 0.005 /* of a smallest change */

/* ---- usual windows ---- */

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

/* The chi-square distance of the reference and so many values that are all in the bin that is rarest there; rare bins are one. */
static double binned_farthest(const struct watched_feature *watched, double rows)
{
	const double count = (double)watched->count;
	double least = count, pooled = 0;
	for (size_t i = 0; i < watched->bin_count; i++) {
		const bool is_pooled = watched->pooled && watched->pooled[i];
		pooled += is_pooled ? watched->counts[i] : 0;
		least = is_pooled ? least : fmin(least, watched->counts[i]);
	}
	least = watched->pooled ? fmin(least, pooled) : least;
	const double others = 1 - least / count;
	return sqrt(others * (count + rows) * (1 / count + others / (least + rows)));
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
	const struct feature_levels levels = watched_levels(watched, alpha);
	if (watched->detectors && detectors_can_alarm(watched->detectors, rows, alpha))
		return true;
	if (watched->methods >> MONITOR_KS & 1 && ks_reach(levels.ks) / sqrt(common) < 1)
		return true;
	if (watched->methods & MONITOR_OF_BINS &&
	    null_law_distance(&watched->binned, levels.others, binned) < binned_farthest(watched, (double)rows))
		return true;
	return watched->methods >> MONITOR_WASSERSTEIN & 1 &&
	       null_law_distance(&watched->settled, levels.others, common) < settled_farthest(watched);
}

/* ---- the smallest change ---- */

/* A feature, and a window of it. `scratch`: as many numbers as the feature has, and twice as many as bins. */
struct change_search {
	const struct watched_feature *watched;
	struct feature_levels levels;
	double rows, common;
	double *scratch;
};

/* Whether the shares of a window, by `current` of the same total as the reference, are far enough from it. */
static bool bins_are_found(const struct change_search *search, double *current)
{
	const struct watched_feature *watched = search->watched;
	const double common = fmin(search->common, watched->binned_common);
	for (size_t i = 0; i < watched->bin_count; i++)
		current[i] *= search->rows / (double)watched->count;
	return binned_chi_square_distance(&(struct binned){watched->bin_count, watched->counts, current}, watched->pooled) >
	       null_law_distance(&watched->binned, search->levels.others, common);
}

static bool shift_is_found(const struct change_search *search, enum monitor_method method, double shift)
{
	const struct watched_feature *watched = search->watched;
	const struct sorted moved = {watched->sorted.count, search->scratch};
	for (size_t i = 0; i < moved.count; i++)
		search->scratch[i] = watched->sorted.values[i] + shift * watched->deviation;
	if (1U << method & MONITOR_OF_BINS) {
		double *counts = search->scratch + moved.count;
		watched_bins_count(watched, &moved, counts);
		for (size_t i = 0; i < watched->bin_count; i++)
			counts[i] *= (double)watched->count / (double)moved.count;
		return bins_are_found(search, counts);
	}
	const struct sample_distances distances = sample_distances_of(&watched->sorted, watched->tail, &moved);
	if (method == MONITOR_KS)
		return distances.largest > ks_reach(search->levels.ks) / sqrt(search->common);
	return distances.moved / watched->deviation > null_law_distance(&watched->moved, search->levels.others, search->common) &&
	       distances.settled / watched->deviation > null_law_distance(&watched->settled, search->levels.others, search->common);
}

static bool share_is_found(const struct change_search *search, double share)
{
	const struct watched_feature *watched = search->watched;
	size_t rarest = 0;
	for (size_t i = 1; i < watched->bin_count; i++)
		rarest = watched->counts[i] < watched->counts[rarest] ? i : rarest;
	for (size_t i = 0; i < watched->bin_count; i++)
		search->scratch[i] = watched->counts[i] * (1 - share) + (i == rarest ? share * (double)watched->count : 0);
	return bins_are_found(search, search->scratch);
}

static bool change_is_established(const struct change_search *search, enum monitor_method method, double change)
{
	return search->watched->categories
		       ? share_is_found(search, change)
		       : shift_is_found(search, method, change) || shift_is_found(search, method, -change);
}

static double smallest_change(const struct change_search *search, enum monitor_method method)
{
	double low = 0, high = search->watched->categories ? 1 : MONITOR_FARTHEST;
	if (!change_is_established(search, method, high))
		return (double)INFINITY;
	while (high - low > CHANGE_WITHIN) {
		const double middle = (low + high) / 2;
		*(change_is_established(search, method, middle) ? &high : &low) = middle;
	}
	return high;
}

static void changes_find(const struct watched_feature *watched, size_t rows, double alpha, struct monitor_reach *reach)
{
	double *scratch = memory_take(watched->sorted.count + 2 * watched->bin_count, sizeof *scratch);
	const struct change_search search = {watched, watched_levels(watched, alpha), (double)rows,
					     common_size((double)watched->count, (double)rows) / watched->dependence, scratch};
	const bool varies = watched->categories || watched->deviation > 0;
	const unsigned methods = scratch && varies ? watched->methods & ~MONITOR_ONLINE : 0;
	for (int method = 0; method < MONITOR_MMD; method++)
		if (methods >> method & 1)
			reach->changes[method] = smallest_change(&search, (enum monitor_method)method);
	memory_give(scratch);
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
	double *ranks = scratch;
	const double kept = (double)drift_ranks(feature->values, rows, ranks, scratch + rows);
	for (size_t i = 0; i < rows; i++)
		ranks[i] = isnan(feature->values[i]) ? feature->values[i] : ranks[i] + kept;
	*line = line_through(ranks, rows);
	for (size_t i = 0; i < rows; i++)
		ranks[i] -= line->mean + line->slope * ((double)i - line->middle);
	return drift_dependence(ranks, rows, reference->block, scratch + rows);
}

/* ---- a feature ---- */

struct monitor_reach monitor_reach_of(const struct monitor *monitor, const struct drift_reference *reference, size_t feature)
{
	const struct watched_feature *watched = &monitor->features[feature];
	const double all_rows = monitor_window_rows(&monitor->settings, &reference->arrivals);
	const size_t rows = (size_t)fmin(all_rows, monitor->settings.window_rows ? all_rows : MONITOR_ROWS_KEPT);
	struct monitor_reach reach = {.sight = MONITOR_SEES,
				      .categories = watched->categories,
				      .season = watched->whole_seasons ? 0 : watched->season,
				      .rows = (size_t)all_rows};
	for (int method = 0; method < MONITOR_METHODS; method++)
		reach.changes[method] = (double)NAN;
	if (monitor->blank || watched->methods == 0 || rows == 0)
		return reach;
	const double alpha = usual_level(monitor, reference, all_rows, &reach.spans_an_hour);
	reach.values = watched->count;
	reach.independent_values = fmax((double)watched->count / watched->dependence, 1);
	if (change_is_found(watched, rows, watched->dependence, alpha)) {
		changes_find(watched, rows, alpha, &reach);
		return reach;
	}
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
