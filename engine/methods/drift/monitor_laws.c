/* monitor_laws.c: Laws of a monitor's distances without drift: how far apart two samples of the reference are by chance. Numbers
 * are drawn by their places, which are the same in all features with as many values: so these have the samples in common, and the
 * distance of their distribution functions at each place.
 *
 * A distance times the root of the common size has the same law at all sizes, if they are large. Rare categories keep samples
 * apart, however: one that came once in the reference is not in most windows. So a feature with some is drawn at the sizes that it
 * has, and both samples share the reference's values (rare_law.h). The window's is half of the reference at most. Larger windows
 * count as that one, which is on the safe side: hundreds of rare categories then hide a change that smaller windows show. */
#include <math.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/number/random.h"
#include "methods/drift/monitor_parts.h"
#include "methods/statistics/distribution.h"
#include "methods/drift/tests/rare_law.h"
#include "methods/numeric/quantile.h"

#define DRAWN_ROWS_MAX 400 /* of a sample that is drawn; larger ones have the law of the common size */
#define DRAWN_ROWS_MIN 10
#define DRAWN_RARE_ROWS_MAX DRIFT_REFERENCE_ROWS_MAX /* the same, of a feature with rare categories */
#define DRAWN_RARE 5 /* values of a category, expected in a sample of DRAWN_ROWS_MAX: with fewer, it is rare */
#define NEARLY_ALL 0.95 /* of the values in one bin: the others are too few for their shares to be known */
#define SEED 1
#define TOGETHER_MAX 32 /* features that are drawn together: with more, their gaps would not fit into the processor's caches */
#define SCRATCH_BYTES ((size_t)256 << 20)

#define PAIR 2 /* features whose sums are formed beside each other, by any processor with vectors */
typedef double pair __attribute__((vector_size(PAIR * sizeof(double)), aligned(alignof(double))));

struct drawn_feature {
	struct watched_feature *watched;
	uint32_t *bin_ends;		  /* of each bin: how many cells are in it and in those before it */
	size_t like;			  /* the first feature with the same bins, which has the same law of bins */
	double *binned, *moved, *settled; /* distances drawn, in the order of draws; NULL: no method needs them */
};

/* Features that are drawn together, and their samples: counts of cells, which are places in the sorted reference, or categories. */
struct drawing {
	size_t values, left_rows, right_rows; /* of the reference; of both samples */
	size_t cell_count;
	uint32_t *cells;	/* of the values */
	uint32_t *left, *right; /* of both samples: values in each cell and in those before it */
	double *leads;	/* distance of the distribution functions behind each cell, times left_rows * right_rows: whole numbers */
	pair *gaps;	/* between values of the reference: behind each cell those of PAIR features, then those of the next */
	double *counts; /* of bins, of both samples */
	double *largest; /* p of the Kolmogorov-Smirnov distances drawn; NULL: no feature has several tests with that one */
	size_t feature_count;
	struct drawn_feature features[TOGETHER_MAX];
};

static bool has_rare(const struct watched_feature *watched)
{
	const double rare = DRAWN_RARE * (double)watched->count / DRAWN_ROWS_MAX;
	bool some = watched->once > 0;
	for (size_t i = 0; watched->categories && i < watched->bin_count; i++)
		some = some || (watched->counts[i] > 0 && watched->counts[i] < rare);
	return some;
}

/* ---- one draw ---- */

static void cells_draw(struct random *chance, const struct drawing *drawing, size_t rows, uint32_t *drawn)
{
	uint32_t until = 0;
	memset(drawn, 0, drawing->cell_count * sizeof *drawn);
	for (size_t i = 0; i < rows; i++)
		drawn[drawing->cells[random_below(chance, drawing->values)]]++;
	for (size_t i = 0, count = drawing->cell_count; i < count; i++)
		drawn[i] = until += drawn[i];
}

/* Samples of DRAWN_ROWS_MAX keep the products in 32 bits. */
static void leads_find(const struct drawing *drawing)
{
	const int32_t left_rows = (int32_t)drawing->left_rows, right_rows = (int32_t)drawing->right_rows;
	const uint32_t *left = drawing->left, *right = drawing->right;
	double *leads = drawing->leads;
	for (size_t i = 0, count = drawing->cell_count; i < count; i++)
		leads[i] = abs((int32_t)left[i] * right_rows - (int32_t)right[i] * left_rows);
}

static double leads_largest(const struct drawing *drawing)
{
	double largest = 0;
	for (size_t i = 0; i < drawing->cell_count; i++)
		largest = drawing->leads[i] > largest ? drawing->leads[i] : largest;
	return largest;
}

static void gaps_add(const double *leads, const pair *gaps, size_t from, size_t to, pair *sum)
{
	pair even = {0}, odd = {0}; /* a single sum would wait for itself in each step */
	for (; to - from > 1; from += 2) {
		even += leads[from] * gaps[from];
		odd += leads[from + 1] * gaps[from + 1];
	}
	if (from < to)
		even += leads[from] * gaps[from];
	*sum += even + odd;
}

/* W1 of PAIR features without both tails, and the part of it that is of them. */
static void gaps_move(const struct drawing *drawing, const pair *gaps, size_t tail, pair *settled, pair *tails)
{
	const size_t end = drawing->cell_count - 1;
	gaps_add(drawing->leads, gaps, tail, end - tail, settled);
	gaps_add(drawing->leads, gaps, 0, tail, tails);
	gaps_add(drawing->leads, gaps, end - tail, end, tails);
}

/* `unit`: of leads. */
static void moved_draw(const struct drawing *drawing, double unit, size_t draw)
{
	for (size_t first = 0; first < drawing->feature_count; first += PAIR) {
		const size_t left = drawing->feature_count - first, count = left < PAIR ? left : PAIR;
		pair settled = {0}, tails = {0};
		gaps_move(drawing, &drawing->gaps[first / PAIR * drawing->cell_count], drawing->features[first].watched->tail,
			  &settled, &tails);
		for (size_t lane = 0; lane < count; lane++) {
			const struct drawn_feature *feature = &drawing->features[first + lane];
			if (!feature->moved)
				continue;
			feature->moved[draw] = unit * (settled[lane] + tails[lane]) / feature->watched->deviation;
			feature->settled[draw] = unit * settled[lane] / feature->watched->deviation;
		}
	}
}

/* Values in the cells before that one. */
static uint32_t values_before(const uint32_t *sample, uint32_t cell)
{
	return cell > 0 ? sample[cell - 1] : 0;
}

/* Cells of a bin follow one another. */
static double binned_distance(const struct drawing *drawing, const struct drawn_feature *feature)
{
	const size_t bins = feature->watched->bin_count;
	double *counts = drawing->counts;
	for (size_t i = 0; i < bins; i++) {
		const uint32_t begin = i > 0 ? feature->bin_ends[i - 1] : 0, end = feature->bin_ends[i];
		counts[i] = values_before(drawing->left, end) - values_before(drawing->left, begin);
		counts[bins + i] = values_before(drawing->right, end) - values_before(drawing->right, begin);
	}
	return binned_chi_square_distance(&(struct binned){bins, counts, counts + bins}, NULL);
}

/* ---- all draws ---- */

/* A copy of what was drawn, which stays in its order for the law of the least p. */
static bool law_fit(struct null_law *law, const double *drawn, struct arena *arena)
{
	double *kept = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
	if (!kept)
		return false;
	memcpy(kept, drawn, NULL_LAW_DRAWS * sizeof *kept);
	null_law_fit(law, kept);
	return true;
}

static bool has_ks(const struct watched_feature *watched)
{
	return watched->methods >> MONITOR_KS & 1;
}

/* Whether the feature has several tests, of which chance may exceed the level of one alone. */
static bool shares_level(const struct drawn_feature *feature)
{
	return has_ks(feature->watched) + (feature->binned != NULL) + (feature->moved != NULL) > 1;
}

/* Wasserstein's distance is established by both of its laws. */
static double least_p(const struct drawing *drawing, const struct drawn_feature *feature, size_t draw)
{
	const struct watched_feature *watched = feature->watched;
	double least = has_ks(watched) ? drawing->largest[draw] : 1;
	if (feature->binned)
		least = fmin(least, LEAST_WEIGHT *
					    null_law_p(&watched->binned, drawing->features[feature->like].binned[draw], 1));
	if (feature->moved)
		least = fmin(least, LEAST_WEIGHT * fmax(null_law_p(&watched->moved, feature->moved[draw], 1),
							null_law_p(&watched->settled, feature->settled[draw], 1)));
	return least;
}

/* `all`: NULL_LAW_DRAWS numbers. */
static bool least_learn(const struct drawing *drawing, const struct drawn_feature *feature, double *all, struct arena *arena)
{
	double *kept = ARENA_ARRAY(arena, double, LEAST_KEPT);
	if (!kept)
		return false;
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		all[i] = least_p(drawing, feature, i);
	quantile_sort(all, NULL_LAW_DRAWS);
	memcpy(kept, all, LEAST_KEPT * sizeof *kept);
	feature->watched->least_p = kept;
	return true;
}

static bool laws_fit(const struct drawing *drawing, struct arena *scratch, struct arena *arena)
{
	double *all = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	bool good = all != NULL;
	for (size_t i = 0; good && i < drawing->feature_count; i++) {
		const struct drawn_feature *feature = &drawing->features[i];
		struct watched_feature *watched = feature->watched;
		watched->binned_common = (double)INFINITY;
		if (feature->binned && feature->like == i)
			good = law_fit(&watched->binned, feature->binned, arena);
		else if (feature->binned)
			watched->binned = drawing->features[feature->like].watched->binned;
		if (good && feature->moved)
			good = law_fit(&watched->moved, feature->moved, arena) &&
			       law_fit(&watched->settled, feature->settled, arena);
		if (good && shares_level(feature))
			good = least_learn(drawing, feature, all, arena);
	}
	return good;
}

#define LEAST_FAR 0.0125   /* 50 draws are beyond; further out, the share of the tests is extrapolated */
#define LEAST_GROWTH 0.05 /* further out, tests exceed their levels together less often: a power of the chance */

struct feature_levels watched_levels(const struct watched_feature *watched, double alpha)
{
	if (!watched->least_p)
		return (struct feature_levels){alpha, alpha};
	const size_t kept = LEAST_KEPT;
	const double far = fmax(alpha, LEAST_FAR), place = (far * NULL_LAW_DRAWS - 1) / (double)(kept - 1);
	const double drawn = quantile_sorted(watched->least_p, kept, fmin(place, 1), QUANTILE_LINEAR);
	const double share = drawn / far * pow(alpha / far, LEAST_GROWTH);
	const double level = alpha * fmin(fmax(share, 1.0 / LEAST_WEIGHT), 1); /* the least, if they never did so together */
	return (struct feature_levels){level, level / LEAST_WEIGHT};
}

static bool laws_draw(const struct drawing *drawing, struct arena *scratch, struct arena *arena)
{
	struct random chance = {SEED};
	const double left_rows = (double)drawing->left_rows, right_rows = (double)drawing->right_rows;
	const double root = sqrt(common_size(left_rows, right_rows));
	for (size_t draw = 0; draw < NULL_LAW_DRAWS; draw++) {
		cells_draw(&chance, drawing, drawing->left_rows, drawing->left);
		cells_draw(&chance, drawing, drawing->right_rows, drawing->right);
		for (size_t i = 0; i < drawing->feature_count; i++)
			if (drawing->features[i].binned && drawing->features[i].like == i)
				drawing->features[i].binned[draw] = root * binned_distance(drawing, &drawing->features[i]);
		if (drawing->gaps || drawing->largest)
			leads_find(drawing);
		if (drawing->gaps)
			moved_draw(drawing, root / (left_rows * right_rows), draw);
		if (drawing->largest)
			drawing->largest[draw] = kolmogorov_sf(root / (left_rows * right_rows) * leads_largest(drawing));
	}
	return laws_fit(drawing, scratch, arena);
}

/* ---- what is drawn together ---- */

static size_t drawn_rows(const struct watched_feature *watched, double rows)
{
	const size_t most = has_rare(watched) ? DRAWN_RARE_ROWS_MAX : DRAWN_ROWS_MAX;
	const double worth = rows / watched->dependence;
	return worth > (double)most ? most : worth < DRAWN_ROWS_MIN ? DRAWN_ROWS_MIN : (size_t)worth;
}

static size_t least_of(size_t one, size_t other)
{
	return one < other ? one : other;
}

static size_t left_rows_of(const struct watched_feature *watched)
{
	return drawn_rows(watched, (double)watched->count);
}

static bool has_laws(const struct watched_feature *watched)
{
	return watched->methods & MONITOR_OF_LAWS && watched->count > 0;
}

/* Whether samples of the drawing's first feature are samples of this one too. */
static bool is_drawn_with(const struct drawing *drawing, const struct watched_feature *watched, size_t window_rows)
{
	return drawing->feature_count < TOGETHER_MAX && has_laws(watched) && !watched->categories &&
	       !drawing->features[0].watched->categories && watched->count == drawing->values &&
	       left_rows_of(watched) == drawing->left_rows && drawn_rows(watched, (double)window_rows) == drawing->right_rows;
}

/* The first feature, and those after it that are drawn with it. `learnt`: those that another drawing has. */
static void drawing_gather(struct drawing *drawing, const struct monitor *self, size_t first, size_t window_rows, bool *learnt)
{
	struct watched_feature *watched = &self->features[first];
	*drawing = (struct drawing){.values = watched->count,
				    .left_rows = left_rows_of(watched),
				    .right_rows = drawn_rows(watched, (double)window_rows),
				    .cell_count = watched->categories ? watched->bin_count : watched->sorted.count,
				    .feature_count = 1,
				    .features = {{.watched = watched}}};
	for (size_t i = first + 1; i < self->feature_count; i++)
		if (!learnt[i] && is_drawn_with(drawing, &self->features[i], window_rows)) {
			learnt[i] = true;
			drawing->features[drawing->feature_count++].watched = &self->features[i];
		}
}

/* ---- memory ---- */

static bool cells_fill(struct drawing *drawing, const double *values, size_t rows, struct arena *scratch)
{
	const bool categories = drawing->features[0].watched->categories;
	size_t count = 0;
	drawing->cells = ARENA_ARRAY(scratch, uint32_t, drawing->values);
	if (!drawing->cells)
		return false;
	for (size_t i = 0; !categories && i < drawing->values; i++)
		drawing->cells[i] = (uint32_t)(i * drawing->cell_count / drawing->values);
	for (size_t i = 0; categories && i < rows; i++)
		if (!isnan(values[i]))
			drawing->cells[count++] = (uint32_t)values[i];
	return true;
}

static size_t cell_bin(const struct watched_feature *watched, size_t cell)
{
	return watched->categories ? cell : bins_find(&watched->bins, watched->sorted.values[cell]);
}

static bool bins_fill(struct drawing *drawing, size_t index, struct arena *scratch)
{
	struct drawn_feature *feature = &drawing->features[index];
	const struct watched_feature *watched = feature->watched;
	const size_t bytes = watched->bin_count * sizeof(uint32_t);
	feature->bin_ends = ARENA_ARRAY(scratch, uint32_t, watched->bin_count);
	if (!feature->bin_ends)
		return false;
	for (size_t i = 0, end = 0; i < watched->bin_count; i++) {
		while (end < drawing->cell_count && cell_bin(watched, end) == i)
			end++;
		feature->bin_ends[i] = (uint32_t)end;
	}
	feature->like = 0;
	while (feature->like < index && (!drawing->features[feature->like].binned ||
					 drawing->features[feature->like].watched->bin_count != watched->bin_count ||
					 memcmp(drawing->features[feature->like].bin_ends, feature->bin_ends, bytes) != 0))
		feature->like++;
	return true;
}

static void gaps_fill(struct drawing *drawing, size_t index)
{
	const struct sorted *sorted = &drawing->features[index].watched->sorted;
	pair *gaps = &drawing->gaps[index / PAIR * drawing->cell_count];
	for (size_t i = 0; i + 1 < sorted->count; i++)
		gaps[i][index % PAIR] = sorted->values[i + 1] - sorted->values[i];
}

static bool feature_begin(struct drawing *drawing, size_t index, struct arena *scratch)
{
	struct drawn_feature *feature = &drawing->features[index];
	const bool moves = feature->watched->methods >> MONITOR_WASSERSTEIN & 1;
	const bool is_binned = feature->watched->methods & MONITOR_OF_BINS;
	const size_t groups = (drawing->feature_count + PAIR - 1) / PAIR;
	if (is_binned && !bins_fill(drawing, index, scratch))
		return false;
	if (is_binned)
		feature->binned = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	if ((is_binned || moves) && has_ks(feature->watched) && !drawing->largest)
		drawing->largest = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	if (!moves)
		return !arena_failed(scratch);
	feature->moved = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	feature->settled = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	if (!drawing->gaps)
		drawing->gaps = ARENA_ARRAY(scratch, pair, groups * drawing->cell_count);
	if (arena_failed(scratch))
		return false;
	gaps_fill(drawing, index);
	return true;
}

static bool drawing_begin(struct drawing *drawing, const double *values, size_t rows, struct arena *scratch)
{
	size_t bins = 0;
	for (size_t i = 0; i < drawing->feature_count; i++) {
		if (!feature_begin(drawing, i, scratch))
			return false;
		bins = drawing->features[i].watched->bin_count > bins ? drawing->features[i].watched->bin_count : bins;
	}
	drawing->left = ARENA_ARRAY(scratch, uint32_t, drawing->cell_count);
	drawing->right = ARENA_ARRAY(scratch, uint32_t, drawing->cell_count);
	drawing->leads = ARENA_ARRAY(scratch, double, drawing->cell_count);
	drawing->counts = ARENA_ARRAY(scratch, double, 2 * bins);
	return cells_fill(drawing, values, rows, scratch) && !arena_failed(scratch);
}

/* ---- features with rare categories ---- */

/* Bins that a window is expected to have less than once, that came once, or that the reference lacks. */
static bool rare_pool(struct watched_feature *watched, size_t window_rows, struct arena *arena)
{
	const double least = fmax((double)watched->count / (double)window_rows, watched->once > 0 ? 2 : 1);
	watched->pooled = ARENA_ARRAY(arena, bool, watched->bin_count);
	for (size_t i = 0; watched->pooled && i < watched->bin_count; i++)
		watched->pooled[i] = watched->counts[i] < least;
	return watched->pooled;
}

static bool rare_learn(struct watched_feature *watched, const double *values, size_t rows, size_t window_rows,
		       struct arena *scratch, struct arena *arena)
{
	if (!rare_pool(watched, window_rows, arena))
		return false;
	const size_t right_rows = least_of(drawn_rows(watched, (double)window_rows), watched->count / 2);
	const struct rare_feature feature = {.rows = rows,
					     .values = values,
					     .count = watched->count,
					     .bin_count = watched->bin_count,
					     .counts = watched->counts,
					     .once = watched->once,
					     .pooled = watched->pooled,
					     .left_rows = least_of(left_rows_of(watched), watched->count - right_rows),
					     .right_rows = right_rows};
	double *drawn = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
	if (!drawn || !rare_law_draw(&feature, scratch, drawn))
		return false;
	const double rows_held = (double)right_rows * watched->dependence; /* of a window */
	watched->binned_common = common_size((double)watched->count, rows_held) / watched->dependence;
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		drawn[i] *= sqrt(common_size((double)feature.left_rows, (double)feature.right_rows));
	null_law_fit(&watched->binned, drawn);
	return true;
}

/* ---- features that nearly always have the same value ---- */

static bool is_nearly_constant(const struct watched_feature *watched)
{
	double most = 0;
	for (size_t i = 0; i < watched->bin_count; i++)
		most = fmax(most, watched->counts[i]);
	return watched->methods & MONITOR_OF_BINS && most >= NEARLY_ALL * (double)watched->count;
}

static size_t rows_worth(const struct watched_feature *watched, double rows)
{
	return (size_t)fmin(fmax(rows / watched->dependence, DRAWN_ROWS_MIN), DRAWN_RARE_ROWS_MAX);
}

/* At each chance the larger of the level that was drawn and of the one that the few other values let expect. */
static bool predicted_learn(struct watched_feature *watched, size_t window_rows, struct arena *scratch, struct arena *arena)
{
	const struct rare_feature feature = {.count = watched->count,
					     .bin_count = watched->bin_count,
					     .counts = watched->counts,
					     .pooled = watched->pooled,
					     .left_rows = rows_worth(watched, (double)watched->count),
					     .right_rows = rows_worth(watched, (double)window_rows)};
	double *drawn = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
	if (!drawn || !rare_law_predict(&feature, scratch, drawn))
		return false;
	quantile_sort(drawn, NULL_LAW_DRAWS);
	watched->binned_common = fmin(watched->binned_common, common_size((double)feature.left_rows, (double)feature.right_rows));
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		drawn[i] = fmax(drawn[i] * sqrt(watched->binned_common), watched->binned.drawn[i]);
	null_law_fit(&watched->binned, drawn);
	return true;
}

/* ---- the whole monitor ---- */

bool monitor_laws_learn(struct monitor *self, const struct drift_reference *reference, size_t window_rows, struct arena *arena)
{
	bool learnt[DRIFT_FEATURES_MAX] = {false};
	struct drawing drawing;
	struct arena *scratch = arena_open(SCRATCH_BYTES);
	bool good = scratch != NULL;
	for (size_t i = 0; good && i < self->feature_count; i++) {
		const double *values = reference->features[i].values;
		if (learnt[i] || !has_laws(&self->features[i]))
			continue;
		if (has_rare(&self->features[i])) {
			good = rare_learn(&self->features[i], values, reference->rows, window_rows, scratch, arena);
		} else {
			drawing_gather(&drawing, self, i, window_rows, learnt);
			good = drawing_begin(&drawing, values, reference->rows, scratch);
			good = good && laws_draw(&drawing, scratch, arena);
		}
		arena_reset(scratch);
	}
	for (size_t i = 0; good && i < self->feature_count; i++) {
		if (has_laws(&self->features[i]) && is_nearly_constant(&self->features[i]))
			good = predicted_learn(&self->features[i], window_rows, scratch, arena);
		arena_reset(scratch);
	}
	arena_close(scratch);
	return good;
}
