/* monitor_learn.c: Learning of a drift monitor from one feature of its reference. */
#include <math.h>

#include "base/memory.h"
#include "methods/drift/monitor_parts.h"
#include "methods/drift/reference.h"
#include "methods/numeric/moments.h"

/* ---- season ---- */

#define SEASONS_LEAST 3 /* that a reference has to have one after another: fewer are no rule */

#define SEASON_LEAST 8	/* rows: dependence of nearer ones is that of neighbours */
#define ALIKE_LEAST 0.3 /* autocorrelation a season apart */
#define SEASON_NEAR 16 /* a part of a season, within which its length is looked for */
#define ALIKE_NEARLY 0.9 /* of the greatest one: several seasons are as far apart as one */

/* Of ranks so many rows apart, beside their variance. */
static double alikeness(const double *ranks, size_t count, size_t block, size_t lag)
{
	double products = 0, squares = 0;
	size_t pairs = 0;
	for (size_t begin = 0; begin < count; begin += block) {
		const size_t end = begin + block < count ? begin + block : count;
		for (size_t i = begin + lag; i < end; i++)
			products += ranks[i] * ranks[i - lag];
		pairs += end - begin > lag ? end - begin - lag : 0;
	}
	for (size_t i = 0; i < count; i++)
		squares += ranks[i] * ranks[i];
	return pairs > 0 && squares > 0 ? products / (double)pairs / (squares / (double)count) : 0;
}

/* How much of the variance the means of its places have, if a season has so many rows. */
static double season_variance(const double *ranks, size_t count, size_t season)
{
	double variance = 0;
	for (size_t place = 0; place < season && place < count; place++) {
		double sum = 0;
		size_t rows = 0;
		for (size_t i = place; i < count; i += season) {
			sum += ranks[i];
			rows++;
		}
		variance += sum * sum / (double)rows;
	}
	return variance;
}

/* All rows show its length more exactly than those that are one apart. */
static size_t season_refined(const double *ranks, size_t block, size_t season)
{
	const size_t within = season / SEASON_NEAR;
	size_t best = season;
	double most = 0;
	for (size_t tried = season - within; tried <= season + within; tried++) {
		const double variance = season_variance(ranks, block, tried);
		best = variance > most ? tried : best;
		most = fmax(most, variance);
	}
	return best;
}

/* The rows of a season, by the autocorrelation of ranks; 0: there is none. NaN: missing. `block`: rows that followed one another.
 * `scratch`: 2 * count numbers. */
static size_t drift_season(const double *values, size_t count, size_t block, double *scratch)
{
	const size_t whole = block < count ? block : count, most = whole / SEASONS_LEAST;
	double *ranks = scratch, *alike = scratch + count, greatest = ALIKE_LEAST;
	size_t first = 1, at;
	(void)drift_ranks(values, count, ranks, alike);
	while (first <= most && alikeness(ranks, count, block, first) > 0)
		first++;
	for (size_t lag = first; lag <= most; lag++) {
		alike[lag] = alikeness(ranks, count, block, lag);
		greatest = fmax(greatest, alike[lag]);
	}
	while (first <= most && alike[first] < ALIKE_NEARLY * greatest)
		first++;
	for (at = first; first <= most && alike[first] >= ALIKE_NEARLY * greatest; first++)
		at = alike[first] > alike[at] ? first : at;
	if (at < SEASON_LEAST || at >= most || alike[at] < ALIKE_LEAST)
		return 0;
	const size_t season = season_refined(ranks, whole, at);
	return alikeness(ranks, count, block, 2 * season) > ALIKE_LEAST ? season : 0;
}

/* How many of the values say as much as an independent one in windows of whole seasons, which have each place of the season equally
 * often: drift_dependence() of what the mean rank of each place leaves. `scratch`: 4 * count numbers. */
static double drift_dependence_within(const double *values, size_t count, size_t season, double *scratch)
{
	double *ranks = scratch, *rest = scratch + 2 * count;
	(void)drift_ranks(values, count, ranks, rest);
	for (size_t place = 0; place < season; place++) {
		double sum = 0, rows = 0;
		for (size_t i = place; i < count; i += season) {
			sum += ranks[i];
			rows += !isnan(values[i]);
		}
		for (size_t i = place; i < count; i += season)
			ranks[i] = isnan(values[i]) ? values[i] : ranks[i] - sum / rows;
	}
	const double seasons = (double)count / (double)season; /* whose mean hides some of how they differ */
	return fmax(drift_dependence(ranks, count, count, rest) * seasons / (seasons - 1), 1);
}

/* ---- numbers ---- */

/* The mean of the i-th of `count` equal parts of the values: exactly their value if all are alike, as values of a window may be
 * equal to it. A value at the edge of two parts belongs to both, by its shares. */
static double part_mean(const struct sorted *all, size_t count, size_t i)
{
	const size_t begin = i * all->count, end = begin + all->count; /* in shares of a value, of which it has `count` */
	const double least = all->values[begin / count], greatest = all->values[(end - 1) / count];
	double sum = 0;
	if (!(least < greatest))
		return least;
	for (size_t place = begin / count; place * count < end; place++) {
		const size_t from = place * count > begin ? place * count : begin;
		const size_t until = (place + 1) * count < end ? (place + 1) * count : end;
		sum += all->values[place] * ((double)(until - from) / (double)all->count);
	}
	return fmin(fmax(sum, least), greatest);
}

/* Each of the fewer values stands for an equal part of a long reference: by the middle one, which keeps the distances of
 * distribution functions; and in both tails, where values lie far apart, by the mean, which keeps Wasserstein's. */
static bool sorted_thin(struct watched_feature *watched, const struct sorted *all, struct arena *arena)
{
	const size_t count = all->count < MONITOR_SORTED_MAX ? all->count : MONITOR_SORTED_MAX;
	double *values = ARENA_ARRAY(arena, double, count);
	if (!values)
		return false;
	watched->tail = (size_t)((double)count * MONITOR_TAIL);
	for (size_t i = 0; i < count; i++) {
		const bool is_far = i < watched->tail || i >= count - watched->tail;
		values[i] = is_far ? part_mean(all, count, i) : all->values[(2 * i + 1) * all->count / (2 * count)];
	}
	watched->sorted = (struct sorted){count, values};
	for (size_t i = 0; i + 1 < MONITOR_PIVOTS; i++)
		watched->pivots[i] = values[(i + 1) * count / MONITOR_PIVOTS];
	watched->pivots[MONITOR_PIVOTS - 1] = INFINITY;
	return true;
}

static void commonest_find(struct watched_feature *watched, const struct sorted *all)
{
	size_t most = 0, run = 0;
	for (size_t i = 0; i < all->count; i++) {
		run = i > 0 && all->values[i] == all->values[i - 1] ? run + 1 : 1;
		most = run > most ? run : most;
	}
	watched->common_share = (double)most / (double)all->count;
}

_Static_assert(MONITOR_PAGE_HINKLEY + DETECTOR_CUSUM == MONITOR_CUSUM && MONITOR_PAGE_HINKLEY + DETECTOR_ADWIN == MONITOR_ADWIN,
	       "the online methods have the order of the detectors");

static bool detectors_learn(struct watched_feature *watched, struct arena *arena)
{
	const struct detectors_usual usual = {&watched->sorted, (double)watched->count, watched->dependence};
	const unsigned wanted = (watched->methods & MONITOR_ONLINE) >> MONITOR_PAGE_HINKLEY;
	if (wanted == 0 || watched->count < DRIFT_VALUES_MIN)
		return true;
	watched->detectors = detectors_open(arena, &usual, wanted);
	return watched->detectors;
}

static bool numbers_learn(struct watched_feature *watched, const struct drift_feature *feature, size_t rows, struct arena *arena)
{
	const struct sorted all = column_sorted(&(struct table){rows, 1, (double *)(uintptr_t)feature->values}, 0, arena);
	struct moments moments = {0};
	if (!all.values)
		return false;
	watched->count = all.count;
	if (all.count == 0)
		return true;
	const double middle = all.values[all.count / 2]; /* a mean near 0 has no rounding error that counts */
	for (size_t i = 0; i < all.count; i++)
		moments_add(&moments, all.values[i] - middle);
	watched->deviation = sqrt(moments_variance(&moments, 1));
	watched->bins = bins_of_quantiles(&all, MONITOR_BINS, arena);
	watched->bin_count = watched->bins.count + 1;
	watched->counts = ARENA_ARRAY(arena, double, watched->bin_count);
	commonest_find(watched, &all);
	if (!watched->bins.edges || !watched->counts || !sorted_thin(watched, &all, arena))
		return false;
	if (!(watched->deviation > 0))
		watched->methods &= ~(1U << MONITOR_WASSERSTEIN | MONITOR_ONLINE);
	if (!detectors_learn(watched, arena))
		return false;
	for (size_t i = 0; i < all.count; i++)
		watched->counts[bins_find(&watched->bins, all.values[i])]++;
	return true;
}

/* ---- categories ---- */

static bool categories_learn(struct watched_feature *watched, const struct drift_feature *feature, size_t rows, struct arena *arena)
{
	double most = 0;
	watched->category_count = feature->category_count;
	watched->open = feature->open;
	watched->category_names = feature->category_names;
	watched->fingerprints = feature->fingerprints;
	watched->bin_count = feature->category_count + 1;
	watched->counts = ARENA_ARRAY(arena, double, watched->bin_count);
	if (!watched->counts)
		return false;
	for (size_t i = 0; i < rows; i++)
		if (!isnan(feature->values[i])) {
			watched->counts[(size_t)feature->values[i]]++;
			watched->count++;
		}
	for (size_t i = 0; i < watched->bin_count; i++) {
		if (watched_bin_is_mixed(watched, i))
			continue;
		watched->once += !watched->open && watched->counts[i] == 1;
		most = watched->counts[i] > most ? watched->counts[i] : most;
	}
	watched->common_share = watched->count ? most / (double)watched->count : 1;
	if (watched->open && watched->category_count == 1) /* no text is common: nothing can move */
		watched->methods = 0;
	return true;
}

/* Of free texts, the rows of a file before the first that has a value only chose the common ones; whole blocks. */
static size_t rows_without_values(const struct drift_feature *from, size_t rows, size_t block)
{
	size_t first = 0;
	while (from->open && first < rows && isnan(from->values[first]))
		first++;
	const size_t until = (first + block - 1) / block * block;
	return block < rows && until < rows ? until : first;
}

static void missing_learn(struct watched_feature *watched, const struct drift_reference *reference,
			  const struct drift_feature *from, double *scratch)
{
	const size_t first = rows_without_values(from, reference->rows, reference->block), rows = reference->rows - first;
	double *is_missing = scratch + 2 * reference->rows;
	for (size_t i = 0; i < rows; i++)
		is_missing[i] = isnan(from->values[first + i]);
	watched->missing_dependence = drift_dependence(is_missing, rows, reference->block, scratch);
	watched->missing_runs = missing_runs_of(from->values + first, rows);
}

double monitor_lost_chance(const struct drift_reference *reference, size_t feature, const struct monitor_settings *settings)
{
	const struct drift_feature *from = &reference->features[feature];
	struct watched_feature watched = {0};
	if (from->missing == 0)
		return 0;
	double *scratch = memory_take(3 * reference->rows, sizeof *scratch);
	if (!scratch)
		return (double)NAN;
	missing_learn(&watched, reference, from, scratch);
	memory_give(scratch);
	return watched.missing_dependence > 1 ? missing_runs_lost_chance(&watched.missing_runs, (size_t)settings->window_rows) : 0;
}

#define SEASON_DEPENDENCE 4 /* from here on a season is looked for */
#define WHOLE_WITHIN 0.02   /* of a season: so much may be missing of a whole number of them, or beyond it */

/* Windows that have each place of a season equally often do not vary with it. */
static void season_learn(struct watched_feature *watched, const struct drift_reference *reference,
			 const struct drift_feature *from, size_t window_rows, double *scratch)
{
	const size_t rows = reference->rows;
	if (from->categories || watched->dependence < SEASON_DEPENDENCE)
		return;
	watched->season = drift_season(from->values, rows, reference->block, scratch);
	const double seasons = watched->season > 0 ? (double)window_rows / (double)watched->season : 0;
	watched->whole_seasons =
		reference->block >= rows && seasons > 1 - WHOLE_WITHIN && fabs(seasons - round(seasons)) <= WHOLE_WITHIN;
	if (watched->whole_seasons)
		watched->dependence =
			fmin(watched->dependence, drift_dependence_within(from->values, rows, watched->season, scratch));
}

/* How values follow from those before, and whether one is missing. */
static bool dependence_learn(struct watched_feature *watched, const struct drift_reference *reference,
			     const struct drift_feature *from, size_t window_rows)
{
	const size_t rows = reference->rows;
	double *scratch = memory_take(4 * rows + 2 * from->category_count, sizeof *scratch);
	if (!scratch)
		return false;
	watched->dependence = from->categories ? drift_dependence_of_categories(from->values, rows, reference->block,
										from->category_count, scratch)
					       : drift_dependence(from->values, rows, reference->block, scratch);
	season_learn(watched, reference, from, window_rows, scratch);
	missing_learn(watched, reference, from, scratch);
	memory_give(scratch);
	return true;
}

struct monitor_levels monitor_levels_of(const struct monitor *self, double alpha)
{
	const double part = alpha * MONITOR_QUALITY_SHARE / MONITOR_QUALITY_FIGURES;
	return (struct monitor_levels){.test = alpha * (1 - MONITOR_QUALITY_SHARE) / (double)self->test_count,
				       .feature = part / (double)self->feature_count,
				       .numbers = part / (double)self->number_count,
				       .categories = part / (double)(self->feature_count - self->number_count),
				       .times = part};
}

double monitor_test_level(const struct monitor *self, double alpha)
{
	return monitor_levels_of(self, monitor_alpha_bounded(alpha)).test;
}

double monitor_window_rows(const struct monitor_settings *settings, const struct arrivals *arrivals)
{
	const double all_ms = arrivals->count > 1 ? arrivals->times_ms[arrivals->count - 1] - arrivals->times_ms[0] : 0;
	const double share = settings->share > 0 ? settings->share : 1;
	if (settings->window_rows > 0)
		return (double)settings->window_rows;
	if (settings->segmented || all_ms < ARRIVAL_SPAN_MS)
		return 0;
	return floor((double)settings->window_ms / all_ms * (double)arrivals->rows * share);
}

#define OF_NUMBERS (1U << MONITOR_KS | 1U << MONITOR_PSI | 1U << MONITOR_WASSERSTEIN)
#define OF_CATEGORIES (1U << MONITOR_CHI_SQUARE)

bool watched_learn(struct watched_feature *watched, const struct drift_reference *reference, size_t feature, size_t window_rows,
		   struct arena *arena)
{
	const struct drift_feature *from = &reference->features[feature];
	const unsigned usual = from->categories ? OF_CATEGORIES : OF_NUMBERS;
	const unsigned own = from->categories ? OF_CATEGORIES | 1U << MONITOR_PSI : OF_NUMBERS | MONITOR_ONLINE;
	const unsigned possible = own | 1U << MONITOR_JENSEN_SHANNON;
	watched->name = from->name;
	watched->categories = from->categories;
	watched->methods = watched->methods ? watched->methods & possible : usual;
	watched->all_rows = reference->all_rows;
	watched->missing = from->missing;
	watched->mistyped = from->mistyped;
	watched->least = from->least;
	watched->greatest = from->greatest;
	if (!dependence_learn(watched, reference, from, window_rows) ||
	    !(from->categories ? categories_learn(watched, from, reference->rows, arena)
			       : numbers_learn(watched, from, reference->rows, arena)))
		return false;
	if (watched->count < DRIFT_VALUES_MIN)
		watched->methods = 0; /* nearly all is missing: only its quality is judged */
	return true;
}
