/* monitor_learn.c: Learning of a drift monitor from one feature of its reference. */
#include <math.h>

#include "base/random.h"
#include "drift/monitor_parts.h"
#include "numeric/moments.h"
#include "numeric/quantile.h"

#define DRAWN_ROWS_MAX 400 /* of a sample that is drawn; larger ones have the law of the common size */
#define DRAWN_ROWS_MIN 10
#define SEED 1

/* ---- laws without drift ---- */

/* A sample of cells: counts of places in the sorted reference, or of categories. */
static void cells_draw(struct random *chance, const uint32_t *cells, size_t count, size_t rows, uint32_t *drawn, size_t cell_count)
{
	memset(drawn, 0, cell_count * sizeof *drawn);
	for (size_t i = 0; i < rows; i++)
		drawn[cells[random_below(chance, count)]]++;
}

/* Shares of counts up to that many in a sample. A division for each place of each draw would take most of the time. */
struct drawn_shares {
	double left[DRAWN_ROWS_MAX + 1], right[DRAWN_ROWS_MAX + 1];
};

static void shares_fill(struct drawn_shares *shares, size_t lefts, size_t rights)
{
	for (size_t i = 0; i <= DRAWN_ROWS_MAX; i++) {
		shares->left[i] = (double)i / (double)lefts;
		shares->right[i] = (double)i / (double)rights;
	}
}

static double drawn_moved(const struct watched_feature *watched, const uint32_t *left, const uint32_t *right,
			  const struct drawn_shares *shares, double *settled)
{
	const size_t count = watched->sorted.count;
	double lead = 0, moved = 0, tails = 0;
	for (size_t i = 0; i + 1 < count; i++) {
		lead += shares->left[left[i]] - shares->right[right[i]];
		const double one = fabs(lead) * (watched->sorted.values[i + 1] - watched->sorted.values[i]);
		moved += one;
		tails += i < watched->tail || i >= count - 1 - watched->tail ? one : 0;
	}
	*settled = (moved - tails) / watched->deviation;
	return moved / watched->deviation;
}

/* Cells of a bin follow one another, and their counts are added before the bin's are changed, which would be slow. */
static double drawn_binned(const struct watched_feature *watched, const uint32_t *bin_of, size_t cell_count, const uint32_t *left,
			   const uint32_t *right, double *counts)
{
	memset(counts, 0, 2 * watched->bin_count * sizeof *counts);
	for (size_t i = 0, end; i < cell_count; i = end) {
		uint32_t lefts = 0, rights = 0;
		for (end = i; end < cell_count && bin_of[end] == bin_of[i]; end++) {
			lefts += left[end];
			rights += right[end];
		}
		counts[bin_of[i]] += lefts;
		counts[watched->bin_count + bin_of[i]] += rights;
	}
	return binned_jensen_shannon(&(struct binned){watched->bin_count, counts, counts + watched->bin_count}) / sqrt(M_LN2);
}

static size_t drawn_rows(double rows, double dependence)
{
	const double worth = rows / dependence;
	return worth > DRAWN_ROWS_MAX ? DRAWN_ROWS_MAX : worth < DRAWN_ROWS_MIN ? DRAWN_ROWS_MIN : (size_t)worth;
}

/* `cells` are those of the reference's values: places in `sorted`, or categories. */
static bool laws_learn(struct watched_feature *watched, const uint32_t *cells, size_t cell_count, const uint32_t *bin_of,
		       size_t window_rows, struct arena *arena)
{
	if (!(watched->methods & MONITOR_OF_LAWS))
		return true;
	struct random chance = {SEED};
	const size_t lefts = drawn_rows((double)watched->count, watched->dependence);
	const size_t rights = drawn_rows((double)window_rows, watched->dependence);
	const double root = sqrt(common_size((double)lefts, (double)rights));
	uint32_t *left = ARENA_ARRAY(arena, uint32_t, cell_count), *right = ARENA_ARRAY(arena, uint32_t, cell_count);
	double *counts = ARENA_ARRAY(arena, double, 2 * watched->bin_count);
	double *binned = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS), *moved = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
	double *settled = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
	struct drawn_shares shares;
	if (!left || !right || !counts || !binned || !moved || !settled)
		return false;
	shares_fill(&shares, lefts, rights);
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++) {
		cells_draw(&chance, cells, watched->count, lefts, left, cell_count);
		cells_draw(&chance, cells, watched->count, rights, right, cell_count);
		binned[i] = root * drawn_binned(watched, bin_of, cell_count, left, right, counts);
		if (!(watched->methods >> MONITOR_WASSERSTEIN & 1))
			continue;
		moved[i] = root * drawn_moved(watched, left, right, &shares, &settled[i]);
		settled[i] *= root;
	}
	null_law_fit(&watched->binned, binned);
	null_law_fit(&watched->moved, moved);
	null_law_fit(&watched->settled, settled);
	return true;
}

/* ---- numbers ---- */

/* The quantiles that stand for a long reference. */
static bool sorted_thin(struct watched_feature *watched, const struct sorted *all, struct arena *arena)
{
	const size_t count = all->count < MONITOR_SORTED_MAX ? all->count : MONITOR_SORTED_MAX;
	double *values = ARENA_ARRAY(arena, double, count);
	if (!values)
		return false;
	for (size_t i = 0; i < count; i++)
		values[i] = all->values[(2 * i + 1) * all->count / (2 * count)];
	values[0] = all->values[0];
	values[count - 1] = all->values[all->count - 1];
	watched->sorted = (struct sorted){count, values};
	watched->tail = (size_t)((double)count * MONITOR_TAIL);
	for (size_t i = 0; i + 1 < MONITOR_PIVOTS; i++)
		watched->pivots[i] = values[(i + 1) * count / MONITOR_PIVOTS];
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

static bool numbers_learn(struct watched_feature *watched, const struct drift_feature *feature, size_t rows, size_t window_rows,
			  struct arena *arena)
{
	const struct sorted all = column_sorted(&(struct table){rows, 1, (double *)(uintptr_t)feature->values}, 0, arena);
	struct moments moments = {0};
	if (!all.values)
		return false;
	watched->count = all.count;
	if (all.count == 0)
		return true;
	for (size_t i = 0; i < all.count; i++)
		moments_add(&moments, all.values[i]);
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
	uint32_t *cells = ARENA_ARRAY(arena, uint32_t, all.count), *bin_of = ARENA_ARRAY(arena, uint32_t, watched->sorted.count);
	if (!cells || !bin_of)
		return false;
	for (size_t i = 0; i < all.count; i++)
		cells[i] = (uint32_t)(i * watched->sorted.count / all.count);
	for (size_t i = 0; i < watched->sorted.count; i++)
		bin_of[i] = (uint32_t)bins_find(&watched->bins, watched->sorted.values[i]);
	return laws_learn(watched, cells, watched->sorted.count, bin_of, window_rows, arena);
}

/* ---- categories ---- */

static bool categories_learn(struct watched_feature *watched, const struct drift_feature *feature, size_t rows, size_t window_rows,
			     struct arena *arena)
{
	uint32_t *cells = ARENA_ARRAY(arena, uint32_t, rows);
	uint32_t *bin_of = ARENA_ARRAY(arena, uint32_t, feature->category_count + 1);
	double most = 0;
	watched->category_count = feature->category_count;
	watched->category_names = feature->category_names;
	watched->bin_count = feature->category_count + 1;
	watched->counts = ARENA_ARRAY(arena, double, watched->bin_count);
	if (!cells || !bin_of || !watched->counts)
		return false;
	for (size_t i = 0; i < rows; i++)
		if (!isnan(feature->values[i])) {
			watched->counts[(size_t)feature->values[i]]++;
			cells[watched->count++] = (uint32_t)feature->values[i];
		}
	for (size_t i = 0; i < watched->bin_count; i++) {
		bin_of[i] = (uint32_t)i;
		watched->once += watched->counts[i] == 1;
		most = watched->counts[i] > most ? watched->counts[i] : most;
	}
	watched->common_share = watched->count ? most / (double)watched->count : 1;
	return watched->count == 0 || laws_learn(watched, cells, watched->bin_count, bin_of, window_rows, arena);
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
	double *scratch = ARENA_ARRAY(arena, double, reference->rows);
	watched->name = from->name;
	watched->categories = from->categories;
	watched->methods = watched->methods ? watched->methods & possible : usual;
	watched->all_rows = reference->all_rows;
	watched->missing = from->missing;
	watched->least = from->least;
	watched->greatest = from->greatest;
	watched->dependence = scratch ? drift_dependence(from->values, reference->rows, reference->block, scratch) : 1;
	if (!scratch || !(from->categories ? categories_learn(watched, from, reference->rows, window_rows, arena)
					   : numbers_learn(watched, from, reference->rows, window_rows, arena)))
		return false;
	if (watched->count < DRIFT_VALUES_MIN)
		watched->methods = 0; /* nearly all is missing: only its quality is judged */
	return true;
}
