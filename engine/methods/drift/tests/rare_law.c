/* rare_law.c: see rare_law.h. */
#include "methods/drift/tests/rare_law.h"

#include <math.h>

#include "base/number/random.h"
#include "methods/drift/tests/binned.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/special.h"

#define SEED 1
#define ALIKE 8 /* counts below it are told apart where bins are joined */
#define JOINED (ALIKE * ALIKE)
#define POOLED 0 /* place of all that are pooled: of the joined bins, none has no value in both samples */
#define OF_LEFT ALIKE /* joined bins that one sample lacks */
#define OF_RIGHT 1

struct rare_drawing {
	struct random chance;
	size_t bin_count;
	const bool *pooled;		      /* bins; NULL: none */
	size_t commonest;		      /* the bin that most values have */
	size_t common_count, common_left;     /* its values: all, and those in no sample; 0: they are drawn as others */
	size_t repeated;		      /* other values, of categories that came more than once */
	uint32_t *cells;		      /* the bin of each of these; first those that are in a sample */
	size_t taken_count;		      /* how many are in one */
	uint32_t *all, *others;		      /* of these values, by bin: all of them, and those that are in no sample */
	uint32_t *left, *right;		      /* the samples' values, by bin */
	double *left_singles, *right_singles; /* laws of how many other values are in each */
	double *joined;			      /* of both samples: bins that are joined, and behind them those that are not */
};

static size_t commonest_of(const struct rare_feature *feature)
{
	size_t bin = 0;
	for (size_t i = 1; i < feature->bin_count; i++)
		bin = feature->counts[i] > feature->counts[bin] ? i : bin;
	return bin;
}

/* Whether the others are so few that drawing these alone costs less than drawing all values. */
static bool is_apart(const struct rare_feature *feature, size_t commonest)
{
	return 2 * ((double)feature->count - feature->counts[commonest]) < (double)feature->right_rows;
}

/* ---- values of categories that came once ---- */

/* The distribution function of a binomial law, for 0 to `rows`. */
static void binomial_fill(double *until, size_t rows, double chance)
{
	const double n = (double)rows, odds = log(chance) - log1p(-chance);
	double sum = 0;
	for (size_t i = 0; i <= rows; i++) {
		const double k = (double)i;
		const double ways = log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1);
		sum += exp(ways + k * odds + n * log1p(-chance));
		until[i] = sum;
	}
	until[rows] = 1;
}

/* NULL: all values are of categories that came once, or none is; or the scratch is full. */
static double *singles_learn(size_t rows, double some, double all, struct arena *scratch)
{
	double *until = some > 0 && some < all ? ARENA_ARRAY(scratch, double, rows + 1) : NULL;
	if (until)
		binomial_fill(until, rows, some / all);
	return until;
}

static size_t singles_draw(struct rare_drawing *drawing, const double *until, size_t rows)
{
	if (!until)
		return drawing->repeated + drawing->common_count > 0 ? 0 : rows;
	return sorted_below(until, rows + 1, (double)(random_next(&drawing->chance) >> 11) * 0x1p-53);
}

/* ---- values of the other categories ---- */

static uint32_t cells_swap(uint32_t *cells, size_t one, size_t other)
{
	const uint32_t cell = cells[other];
	cells[other] = cells[one];
	cells[one] = cell;
	return cell;
}

/* Takes so many that are in no sample. */
static void values_take(struct rare_drawing *drawing, size_t count, uint32_t *sample)
{
	for (; count > 0; count--) {
		const size_t any = drawing->taken_count + random_below(&drawing->chance, drawing->repeated - drawing->taken_count);
		const uint32_t cell = cells_swap(drawing->cells, drawing->taken_count++, any);
		sample[cell]++;
		drawing->others[cell]--;
	}
}

/* Takes all that are in no sample, but so many. */
static void values_leave(struct rare_drawing *drawing, size_t count, uint32_t *sample)
{
	size_t end = drawing->repeated;
	for (size_t i = 0; i < drawing->bin_count; i++) {
		sample[i] += drawing->others[i];
		drawing->others[i] = 0;
	}
	for (; count > 0; count--) {
		const size_t any = drawing->taken_count + random_below(&drawing->chance, end - drawing->taken_count);
		const uint32_t cell = cells_swap(drawing->cells, --end, any);
		sample[cell]--;
		drawing->others[cell]++;
	}
	drawing->taken_count = end;
}

static void values_begin(struct rare_drawing *drawing)
{
	drawing->taken_count = 0;
	drawing->common_left = drawing->common_count;
	memcpy(drawing->others, drawing->all, drawing->bin_count * sizeof *drawing->others);
}

/* How many of so many values, of those that are in no sample, are not of the commonest bin: each of these is one of them with the
 * chance that any of the values is that are left. */
static size_t others_draw(struct rare_drawing *drawing, size_t count)
{
	const size_t others = drawing->repeated - drawing->taken_count;
	size_t left = others + drawing->common_left, drawn = 0;
	if (drawing->common_left == 0 || count == left)
		return count - (count == left ? drawing->common_left : 0);
	for (size_t i = 0; i < others; i++, left--)
		drawn += random_below(&drawing->chance, left) < count - drawn;
	return drawn;
}

static void values_draw(struct rare_drawing *drawing, size_t count, uint32_t *sample)
{
	memset(sample, 0, drawing->bin_count * sizeof *sample);
	while (count > 0) {
		if (drawing->taken_count == drawing->repeated && drawing->common_left == 0)
			values_begin(drawing);
		const size_t left = drawing->repeated - drawing->taken_count, all = left + drawing->common_left;
		const size_t taken = count < all ? count : all, others = others_draw(drawing, taken);
		if (others > left / 2)
			values_leave(drawing, left - others, sample);
		else
			values_take(drawing, others, sample);
		drawing->common_left -= taken - others;
		sample[drawing->commonest] += (uint32_t)(taken - others);
		count -= taken;
	}
}

/* ---- distances ---- */

/* Where counts have the same ratio, the statistic of two bins is that of both together. So bins with the same small counts are
 * joined, and those that one sample lacks. */
static double samples_distance(const struct rare_drawing *drawing, size_t left_singles, size_t right_singles)
{
	double *left_counts = drawing->joined, *right_counts = left_counts + JOINED + drawing->bin_count;
	size_t bins = JOINED;
	memset(left_counts, 0, JOINED * sizeof *left_counts);
	memset(right_counts, 0, JOINED * sizeof *right_counts);
	left_counts[drawing->pooled ? POOLED : OF_LEFT] = (double)left_singles;
	right_counts[drawing->pooled ? POOLED : OF_RIGHT] = (double)right_singles;
	for (size_t i = 0; i < drawing->bin_count; i++) {
		const uint32_t left = drawing->left[i], right = drawing->right[i];
		if (drawing->pooled && drawing->pooled[i]) {
			left_counts[POOLED] += left;
			right_counts[POOLED] += right;
		} else if (right == 0) {
			left_counts[OF_LEFT] += left;
		} else if (left == 0) {
			right_counts[OF_RIGHT] += right;
		} else if (left < ALIKE && right < ALIKE) {
			left_counts[left * ALIKE + right] += left;
			right_counts[left * ALIKE + right] += right;
		} else {
			left_counts[bins] = left;
			right_counts[bins++] = right;
		}
	}
	return binned_chi_square_distance(&(struct binned){bins, left_counts, right_counts}, NULL);
}

/* ---- all draws ---- */

static bool drawing_begin(struct rare_drawing *drawing, const struct rare_feature *feature, struct arena *scratch)
{
	const size_t bins = feature->bin_count;
	const double once = (double)feature->once, once_deviation = ceil(sqrt(once)), count = (double)feature->count;
	*drawing = (struct rare_drawing){
		.chance = {SEED},
		.bin_count = bins,
		.pooled = feature->pooled,
		.cells = ARENA_ARRAY(scratch, uint32_t, feature->count),
		.all = ARENA_ARRAY(scratch, uint32_t, bins),
		.others = ARENA_ARRAY(scratch, uint32_t, bins),
		.left = ARENA_ARRAY(scratch, uint32_t, bins),
		.right = ARENA_ARRAY(scratch, uint32_t, bins),
		.left_singles = singles_learn(feature->left_rows, once, count, scratch),
		.right_singles = singles_learn(feature->right_rows, once + once_deviation, count + once_deviation, scratch),
		.joined = ARENA_ARRAY(scratch, double, 2 * (JOINED + bins))};
	if (arena_failed(scratch))
		return false;
	const bool apart = is_apart(feature, drawing->commonest = commonest_of(feature));
	for (size_t i = 0; i < feature->rows; i++) {
		if (isnan(feature->values[i]))
			continue;
		const size_t bin = (size_t)feature->values[i];
		if (feature->once > 0 && feature->counts[bin] == 1)
			continue;
		if (apart && bin == drawing->commonest) {
			drawing->common_count++;
			continue;
		}
		drawing->cells[drawing->repeated++] = (uint32_t)bin;
		drawing->all[bin]++;
	}
	return true;
}

bool rare_law_draw(const struct rare_feature *feature, struct arena *scratch, double *drawn)
{
	struct rare_drawing drawing;
	if (!drawing_begin(&drawing, feature, scratch))
		return false;
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++) {
		values_begin(&drawing);
		const size_t right_singles = singles_draw(&drawing, drawing.right_singles, feature->right_rows);
		values_draw(&drawing, feature->right_rows - right_singles, drawing.right);
		const size_t left_singles = singles_draw(&drawing, drawing.left_singles, feature->left_rows);
		values_draw(&drawing, feature->left_rows - left_singles, drawing.left);
		drawn[i] = samples_distance(&drawing, left_singles, right_singles);
	}
	return true;
}

/* ---- the urn ---- */

/* Rows of the urn that are not in the commonest bin. */
struct rare_urn {
	struct random chance;
	size_t bin_count, commonest;
	size_t others;	/* of the reference */
	uint32_t *bins; /* of these, and behind them of the window's rows */
};

/* So many rows of the reference have its shares. */
static void urn_fill(const struct rare_feature *feature, struct rare_urn *urn)
{
	double until = 0;
	size_t row = 0;
	for (size_t bin = 0; bin < feature->bin_count; bin++) {
		until += feature->counts[bin] * (double)feature->left_rows / (double)feature->count;
		for (; row < feature->left_rows && (double)row + 0.5 < until; row++)
			if (bin != urn->commonest)
				urn->bins[urn->others++] = (uint32_t)bin;
	}
}

/* The distribution function of how many of the window's rows are not in the commonest bin. */
static void others_fill(const struct rare_feature *feature, const struct rare_urn *urn, double *until)
{
	const double n = (double)feature->right_rows, share = 1 / (double)feature->bin_count;
	const double a = (double)urn->others + 1 - share, b = (double)(feature->left_rows - urn->others) + share;
	double term = log_beta(a, n + b) - log_beta(a, b), sum = 0;
	for (size_t i = 0; i <= feature->right_rows; i++) {
		const double k = (double)i;
		sum += exp(term);
		until[i] = sum;
		term += log((n - k) / (k + 1) * (k + a) / (n - k - 1 + b));
	}
	until[feature->right_rows] = 1;
}

/* Draws so many rows of the window, all of them in other bins. Each bin has one ticket, and each row as many as there are bins. */
static void others_add(struct rare_urn *urn, size_t rows, double *window)
{
	const size_t bins = urn->bin_count;
	for (size_t row = 0; row < rows; row++) {
		const size_t ticket = random_below(&urn->chance, bins - 1 + bins * (urn->others + row));
		const size_t bin = ticket >= bins - 1	     ? urn->bins[(ticket - (bins - 1)) / bins]
				   : ticket < urn->commonest ? ticket
							     : ticket + 1;
		urn->bins[urn->others + row] = (uint32_t)bin;
		window[bin]++;
	}
}

static double window_draw(const struct rare_feature *feature, struct rare_urn *urn, size_t others, double *window)
{
	memset(window, 0, feature->bin_count * sizeof *window);
	window[urn->commonest] = (double)(feature->right_rows - others);
	others_add(urn, others, window);
	return binned_chi_square_distance(&(struct binned){feature->bin_count, feature->counts, window}, feature->pooled);
}

bool rare_law_predict(const struct rare_feature *feature, struct arena *scratch, double *drawn)
{
	const size_t rows = feature->right_rows;
	struct rare_urn urn = {.chance = {SEED},
			       .bin_count = feature->bin_count,
			       .commonest = commonest_of(feature),
			       .bins = ARENA_ARRAY(scratch, uint32_t, feature->left_rows + rows)};
	double *window = ARENA_ARRAY(scratch, double, feature->bin_count), *until = ARENA_ARRAY(scratch, double, rows + 1);
	if (!urn.bins || !window || !until)
		return false;
	if (feature->bin_count == 1) { /* no row can be in another one, and the law of how many are has no parameters */
		memset(drawn, 0, NULL_LAW_DRAWS * sizeof *drawn);
		return true;
	}
	urn_fill(feature, &urn);
	others_fill(feature, &urn, until);
	for (size_t i = 0, others = 0; i < NULL_LAW_DRAWS; i++) {
		const size_t before = others;
		while (until[others] < ((double)i + 0.5) / NULL_LAW_DRAWS)
			others++;
		const bool same = i > 0 && others == before && feature->bin_count == 2;
		drawn[i] = same ? drawn[i - 1] : window_draw(feature, &urn, others, window);
	}
	return true;
}
