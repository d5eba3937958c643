/* monitor_window.c: Verdict on one window of a drift monitor: its tests, and the bounds of quality. */
#include <float.h>
#include <math.h>

#include "methods/drift/mistyped.h"
#include "methods/drift/monitor_parts.h"
#include "methods/numeric/simd.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

#define PART_SORTED_MAX 48 /* values of a part that are sorted by insertion */
#define BINNED_EFFECT_LEAST (1 / sqrt(8 * M_LN2)) /* a Jensen-Shannon distance of nearly equal shares beside their chi-square one */
#define PIVOTS_BESIDE 16   /* each is compared with a value, without a branch that is guessed wrongly */

/* ---- sorting a window ---- */

/* The sums of four vectors. */
static inline void sums_make(const wide_mask of[WIDE], wide_mask *sums)
{
	const wide_mask first =
		__builtin_shufflevector(of[0], of[1], 0, 4, 2, 6) + __builtin_shufflevector(of[0], of[1], 1, 5, 3, 7);
	const wide_mask last =
		__builtin_shufflevector(of[2], of[3], 0, 4, 2, 6) + __builtin_shufflevector(of[2], of[3], 1, 5, 3, 7);
	*sums = __builtin_shufflevector(first, last, 0, 1, 4, 5) + __builtin_shufflevector(first, last, 2, 3, 6, 7);
}

/* How many pivots are below each of four values; below NaN, none is. A value is compared with every 16th pivot first, and then
 * with the 16 beside it. */
static inline void pivots_count(const double *pivots, const wide *values, wide_mask *below)
{
	_Static_assert(PIVOTS_BESIDE == 4 * WIDE && MONITOR_PIVOTS == PIVOTS_BESIDE * PIVOTS_BESIDE, "loops are unrolled by hand");
	wide_mask groups = {0}, beside[WIDE];
#pragma GCC unroll 16
	for (size_t i = PIVOTS_BESIDE - 1; i < MONITOR_PIVOTS; i += PIVOTS_BESIDE)
		groups -= pivots[i] < *values;
#pragma GCC unroll 4
	for (size_t i = 0; i < WIDE; i++) {
		const wide *group = (const wide *)(pivots + groups[i] * PIVOTS_BESIDE);
		beside[i] = -((group[0] < (*values)[i]) + (group[1] < (*values)[i]) + (group[2] < (*values)[i]) +
			      (group[3] < (*values)[i]));
	}
	sums_make(beside, below);
	*below += groups * PIVOTS_BESIDE;
}

static inline size_t four_part(const double *pivots, const double *values, size_t taken, double *present, uint32_t *parts)
{
	size_t count = 0;
	wide_mask below;
	pivots_count(pivots, (const wide *)values, &below);
#pragma GCC unroll 4
	for (size_t i = 0; i < taken; i++) {
		present[count] = values[i];
		parts[count] = (uint32_t)below[i];
		count += values[i] == values[i];
	}
	return count;
}

/* The values that are not NaN, and the part of each; how many they are. */
BUILT_TWICE
static size_t parts_find(const double *pivots, const double *values, size_t rows, double *present, uint32_t *parts)
{
	double rest[WIDE] = {0};
	const size_t whole = rows / WIDE * WIDE;
	size_t count = 0;
	for (size_t i = 0; i < whole; i += WIDE)
		count += four_part(pivots, values + i, WIDE, present + count, parts + count);
	memcpy(rest, values + whole, (rows - whole) * sizeof rest[0]);
	return count + four_part(pivots, rest, rows - whole, present + count, parts + count);
}

static void part_sort(double *values, size_t count)
{
	if (count > PART_SORTED_MAX) {
		quantile_sort(values, count);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		const double value = values[i];
		size_t at = i;
		for (; at > 0 && values[at - 1] > value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
}

/* Values are parted by the reference's quantiles first, so that each part has few. */
static struct sorted window_sort(const struct watched_feature *watched, size_t rows, const struct monitor_scratch *scratch)
{
	uint32_t ends[MONITOR_PIVOTS + 1] = {0};
	const size_t count = parts_find(watched->pivots, watched->values, rows, scratch->present, scratch->parts);
	for (size_t i = 0; i < count; i++)
		ends[scratch->parts[i] + 1]++;
	for (size_t i = 0; i < MONITOR_PIVOTS; i++)
		ends[i + 1] += ends[i];
	for (size_t i = 0; i < count; i++)
		scratch->sorted[ends[scratch->parts[i]]++] = scratch->present[i];
	for (size_t i = 0, begin = 0; i < MONITOR_PIVOTS; begin = ends[i++])
		part_sort(scratch->sorted + begin, ends[i] - begin);
	return (struct sorted){count, scratch->sorted};
}

/* ---- distances ---- */

/* Beyond the ends of the reference its distribution function is 0 or 1, so a value moves by its own distance. */
static double moved_beyond(const struct sorted *reference, const struct sorted *current)
{
	const double least = reference->values[0], greatest = reference->values[reference->count - 1];
	double moved = 0;
	for (size_t i = 0; i < current->count && current->values[i] < least; i++)
		moved += isinf(current->values[i]) ? 0 : least - current->values[i];
	for (size_t i = current->count; i > 0 && current->values[i - 1] > greatest; i--)
		moved += isinf(current->values[i - 1]) ? 0 : current->values[i - 1] - greatest;
	return moved / (double)current->count;
}

/* One pass over both for both distances: a window's tests are to cost less than its messages. The lead is the difference of
 * the distribution functions times both counts; values that are equal step together. */
struct sample_distances sample_distances_of(const struct sorted *reference, size_t tail, const struct sorted *current)
{
	const int64_t n = (int64_t)reference->count, m = (int64_t)current->count;
	const double *left = reference->values, *right = current->values, *left_end = left + n, *right_end = right + m;
	const double low = left[tail], high = left[n - 1 - (int64_t)tail];
	int64_t lead = 0;
	double within = 0, settled = 0, last = left[0];
	while (right < right_end && *right < last) {
		right++;
		lead -= n;
	}
	int64_t most = -lead;
	while (left < left_end) {
		const bool reference_next = right == right_end || *left <= *right;
		const double value = reference_next ? *left : *right;
		const int64_t size = lead < 0 ? -lead : lead;
		if (value > last) {
			most = size > most ? size : most;
			const double moved = (double)size * (value - last);
			within += moved;
			settled += last >= low && value <= high ? moved : 0;
			last = value;
		}
		lead += reference_next ? m : -n;
		left += reference_next;
		right += !reference_next;
	}
	while (right < right_end && *right == last) {
		right++;
		lead -= n;
	}
	most = lead > most ? lead : -lead > most ? -lead : most;
	const double all = (double)n * (double)m;
	return (struct sample_distances){(double)most / all, fmin(within / all + moved_beyond(reference, current), DBL_MAX),
					 settled / all};
}

/* ---- tests ---- */

void watched_bins_count(const struct watched_feature *watched, const struct sorted *current, double *counts)
{
	size_t before = 0;
	for (size_t i = 0; i < watched->bins.count; i++) {
		const size_t more =
			sorted_until(current->values + before, current->count - before, watched->bins.edges[i]);
		counts[i] = (double)more;
		before += more;
	}
	counts[watched->bins.count] = (double)(current->count - before);
}

/* The index of a value of the window. */
static size_t category_of(const struct watched_feature *watched, double value)
{
	const size_t named = watched->category_count - watched->open;
	size_t at = 0;
	if (!watched->fingerprints)
		return (size_t)value;
	while (at < named && watched->fingerprints[at] != value)
		at++;
	return at;
}

static size_t count_categories(const struct watched_feature *watched, size_t rows)
{
	double *counts = watched->current;
	size_t count = 0;
	for (size_t i = 0; i < watched->bin_count; i++)
		counts[i] = 0;
	for (size_t i = 0; i < rows; i++)
		if (!isnan(watched->values[i])) {
			counts[category_of(watched, watched->values[i])]++;
			count++;
		}
	return count;
}

static void test_put(struct monitor_feature *verdict, struct monitor_test test, double established_effect)
{
	test.established = established_effect > test.level;
	verdict->tests[verdict->test_count++] = test;
}

/* All three are established by the law of the chi-square distance. Their effect is the Jensen-Shannon distance; its level is what
 * it would be if the same difference of shares were as small as chance allows. */
static void test_binned(const struct watched_feature *watched, double common, double alpha, struct monitor_feature *verdict)
{
	const struct binned binned = {watched->bin_count, watched->counts, watched->current};
	const double effect = binned_jensen_shannon(&binned) / sqrt(M_LN2);
	const double distance = binned_chi_square_distance(&binned, watched->pooled);
	const double allowed = null_law_distance(&watched->binned, alpha, common);
	struct monitor_test test = {.p = null_law_p(&watched->binned, distance, common),
				    .effect = effect,
				    .level = allowed * (effect > 0 ? effect / distance : BINNED_EFFECT_LEAST)};
	for (int method = 0; method < MONITOR_METHODS; method++) {
		if (!(watched->methods >> method & MONITOR_OF_BINS >> method & 1))
			continue;
		test.method = (enum monitor_method)method;
		test.statistic = method == MONITOR_PSI		? binned_psi(&binned, BINNED_SHARE_LEAST)
				 : method == MONITOR_CHI_SQUARE ? binned_homogeneity(&binned).statistic
								: effect;
		test_put(verdict, test, effect);
	}
}

static void test_numbers(const struct watched_feature *watched, const struct sorted *current, double common,
			 struct feature_levels levels, struct monitor_feature *verdict)
{
	const struct sample_distances distances = sample_distances_of(&watched->sorted, watched->tail, current);
	const double settled = distances.settled / watched->deviation;
	const double moved = fmin(distances.moved / watched->deviation, DBL_MAX); /* records and alerts have no infinite score */
	if (watched->methods >> MONITOR_KS & 1)
		test_put(verdict,
			 (struct monitor_test){.method = MONITOR_KS,
					       .statistic = distances.largest,
					       .p = kolmogorov_sf(sqrt(common) * distances.largest),
					       .effect = distances.largest,
					       .level = ks_reach(levels.ks) / sqrt(common)},
			 distances.largest);
	if (watched->methods >> MONITOR_WASSERSTEIN & 1)
		test_put(verdict,
			 (struct monitor_test){.method = MONITOR_WASSERSTEIN,
					       .statistic = distances.moved,
					       .p = null_law_p(&watched->settled, settled, common),
					       .effect = moved,
					       .level = null_law_distance(&watched->moved, levels.others, common)},
			 settled > null_law_distance(&watched->settled, levels.others, common) ? moved : 0);
}

/* The numbers pass in the order of the rows' times. */
static void test_online(const struct watched_feature *watched, size_t rows, size_t looked, double alpha,
			const struct monitor_scratch *scratch, struct monitor_feature *verdict)
{
	struct detector_finding findings[DETECTORS];
	for (size_t i = looked; i < rows; i++)
		scratch->present[i] = watched->values[scratch->order[i].row];
	detectors_take(watched->detectors, scratch->present, rows, looked, alpha, findings);
	for (int i = 0; i < DETECTORS; i++) {
		const enum monitor_method method = (enum monitor_method)(MONITOR_PAGE_HINKLEY + i);
		if (watched->methods >> method & 1)
			test_put(verdict,
				 (struct monitor_test){.method = method,
						       .statistic = findings[i].statistic,
						       .p = findings[i].p,
						       .effect = findings[i].effect,
						       .level = findings[i].level},
				 findings[i].alarm ? (double)INFINITY : 0);
	}
}

/* ---- quality ---- */

/* The chance of `k` or more of `m`, where each has a chance that is itself Beta(a, b). */
static double predicted_sf(double k, double m, double a, double b)
{
	if (k < 1)
		return 1;
	double term = exp(-log(m + 1) - log_beta(m - k + 1, k + 1) + log_beta(k + a, m - k + b) - log_beta(a, b)), total = 0;
	double j = k;
	while (j <= m && term > total * 1e-12) {
		total += term;
		term *= (m - j) / (j + 1) * (j + a) / (m - j - 1 + b);
		j++;
	}
	return total;
}

/* Whether so many of the window are more than `usual` of `of` in the reference explain. So many rows as `dependence` says count as
 * one. */
static bool is_unusual(double many, double rows, double usual, double of, double dependence, double alpha)
{
	if (many / rows <= usual / of)
		return false;
	return predicted_sf(floor(many / dependence), floor(rows / dependence), usual / dependence + 0.5,
			    (of - usual) / dependence + 0.5) < alpha;
}

double watched_outside_sf(double many, double rows, double seen, double dependence)
{
	return predicted_sf(floor(many / dependence), floor(rows / dependence), 2, fmax(seen / dependence - 1, 1));
}

/* Runs of values that are missing or of another type; an alarm is of what there is more of. */
static void runs_judge(const struct watched_feature *watched, size_t rows, double alpha, struct monitor_quality *quality)
{
	if (quality->missing_alarm || quality->mistyped_alarm || watched->missing_dependence == 1 || rows < MONITOR_ROWS_MIN)
		return;
	const struct missing_runs window = missing_runs_of(watched->values, rows);
	const bool unusual = missing_runs_are_unusual(&watched->missing_runs, &window, alpha);
	quality->lost = !unusual && missing_runs_are_lost(&watched->missing_runs, &window);
	*(quality->mistyped > quality->missing ? &quality->mistyped_alarm : &quality->missing_alarm) = unusual || quality->lost;
}

static void missing_judge(const struct watched_feature *watched, size_t rows, double alpha, struct monitor_quality *quality)
{
	const double of = (double)watched->all_rows;
	for (size_t i = 0; i < rows && quality->missing > 0; i++)
		if (mistyped_is(watched->values[i])) {
			quality->mistyped++;
			quality->missing--;
		}
	quality->missing_alarm = is_unusual((double)quality->missing, (double)rows, (double)watched->missing, of,
					    watched->missing_dependence, alpha);
	quality->mistyped_alarm = is_unusual((double)quality->mistyped, (double)rows, (double)watched->mistyped, of,
					     watched->mistyped > 0 ? watched->missing_dependence : 1, alpha);
	runs_judge(watched, rows, alpha, quality);
}

static void quality_judge(const struct watched_feature *watched, size_t rows, const struct sorted *current,
			  const struct monitor_levels *levels, struct monitor_feature *verdict)
{
	const double *counts = watched->current;
	struct monitor_quality *quality = &verdict->quality;
	const double all = (double)watched->all_rows, count = (double)verdict->count, seen = all - (double)watched->missing;
	quality->missing = rows - verdict->count;
	missing_judge(watched, rows, levels->feature, quality);
	if (verdict->count == 0 || watched->count < DRIFT_VALUES_MIN) /* so few values do not tell what is usual */
		return;
	if (watched->categories) {
		quality->unseen = (uint64_t)counts[watched->category_count];
		quality->unseen_alarm = is_unusual((double)quality->unseen, count, (double)watched->once, seen, watched->dependence,
						   levels->categories);
		for (size_t i = 0; i < watched->category_count; i++) /* those that are unseen may differ */
			quality->still = quality->still || (counts[i] == count && !watched_bin_is_mixed(watched, i));
	} else {
		for (size_t i = 0; i < current->count && current->values[i] < watched->least; i++)
			quality->outside++;
		for (size_t i = current->count; i > 0 && current->values[i - 1] > watched->greatest; i--)
			quality->outside++;
		quality->outside_alarm =
			watched_outside_sf((double)quality->outside, count, seen, watched->dependence) < levels->numbers;
		quality->still = current->values[0] == current->values[current->count - 1];
	}
	quality->still = quality->still && watched->common_share < 1;
	quality->still_alarm = quality->still && verdict->count >= MONITOR_ROWS_MIN &&
			       pow(watched->common_share, count / watched->dependence - 1) < levels->feature;
}

void watched_test(const struct watched_feature *watched, size_t rows, size_t looked, const struct monitor_levels *levels,
		  const struct monitor_scratch *scratch, struct monitor_feature *verdict)
{
	const struct feature_levels own = watched_levels(watched, levels->test);
	struct sorted current = {0};
	*verdict = (struct monitor_feature){
		.name = watched->name,
		.picture = {watched->bin_count, watched->bins.edges, watched->category_names, watched->counts, watched->current}};
	if (watched->categories) {
		verdict->count = count_categories(watched, rows);
	} else {
		current = window_sort(watched, rows, scratch);
		watched_bins_count(watched, &current, watched->current);
		verdict->count = current.count;
	}
	quality_judge(watched, rows, &current, levels, verdict);
	if (watched->detectors)
		test_online(watched, rows, looked, levels->test, scratch, verdict);
	if (verdict->count < MONITOR_ROWS_MIN || (watched->methods & ~MONITOR_ONLINE) == 0)
		return;
	const double common = common_size((double)watched->count, (double)verdict->count) / watched->dependence;
	if (!watched->categories)
		test_numbers(watched, &current, common, own, verdict);
	if (watched->methods & MONITOR_OF_BINS)
		test_binned(watched, fmin(common, watched->binned_common), own.others, verdict);
}
