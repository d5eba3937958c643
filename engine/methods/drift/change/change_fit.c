/* change_fit.c: Fit of the change detector to its reference: ranks, autocorrelation, levels; see change.h. */
#include <math.h>

#include "methods/drift/change/change_parts.h"
#include "methods/drift/change/level_crossing.h"
#include "methods/outliers/outlier.h"
#include "methods/drift/change/score_series.h"
#include "methods/numeric/simd.h"
#include "methods/numeric/ranks.h"

#define RATE_MAX 100 /* alarms a thousand rows: beyond it everything is one */

/* ---- columns ---- */

/* Correlation of each number with the one before it, of those that are there. */
static double autocorrelation(const double *numbers, size_t count, size_t step)
{
	double mean = 0, squares = 0, products = 0, present = 0, pairs = 0;
	for (size_t i = 0; i < count; i++) {
		if (isnan(numbers[i * step]))
			continue;
		mean += numbers[i * step];
		present++;
	}
	mean /= present;
	for (size_t i = 0; i < count; i++) {
		double apart = numbers[i * step] - mean, before = i > 0 ? numbers[(i - 1) * step] - mean : (double)NAN;
		squares += isnan(apart) ? 0 : apart * apart;
		products += isnan(apart * before) ? 0 : apart * before;
		pairs += !isnan(apart * before);
	}
	return squares > 0 && pairs > 0 ? products / pairs / (squares / present) : 0;
}

/* An autocorrelation: 0 where chance alone gives as much, else without the bias of its estimate, which is too low (Kendall 1954).
 * How unsure it is shows in the sums of what is left. One below 0 makes sums vary less, but their spread more, and so matters where
 * it is clear. */
#define SIGNIFICANT 1.5
#define SIGNIFICANT_BELOW (-3.0)
#define CARRY_MAX 0.97

static double autocorrelation_unbiased(double estimate, size_t rows)
{
	double n = (double)rows;
	if (estimate * sqrt(n) < SIGNIFICANT && estimate * sqrt(n) > SIGNIFICANT_BELOW)
		return 0;
	return fmin(estimate + (1 + 3 * estimate) / n, CARRY_MAX);
}

static bool column_varies(const struct sorted *values)
{
	return values->count >= CHANGE_ROWS_MIN && values->values[0] < values->values[values->count - 1];
}

/* Few values of a column, or of levels, are most of its rows. */
#define TIED 0.1 /* of the rows */

static bool levels_tie(const struct sorted *levels)
{
	size_t ties = 0;
	for (size_t i = 1; i < levels->count; i++)
		ties += levels->values[i] == levels->values[i - 1];
	return (double)ties > TIED * (double)levels->count;
}

#define REPEATS_SURE 3.3 /* standard deviations: of independent rows one column in 2,000 has as many */

/* Categories may come in runs without an order in which one follows from another. The variance is that of the rows beside each
 * other that are alike, where rows are independent and values have shares p: of n rows n (sum p^2 + 2 sum p^3 - 3 (sum p^2)^2). */
static bool values_repeat(const struct table *reference, size_t column, const struct sorted *values)
{
	double squares = 0, cubes = 0, pairs = 0, repeats = 0;
	const double count = (double)values->count;
	for (size_t i = 0, run = 1; i < values->count; i++, run++)
		if (i + 1 == values->count || values->values[i + 1] != values->values[i]) {
			const double share = (double)run / count;
			squares += share * share;
			cubes += share * share * share;
			run = 0;
		}
	for (size_t i = 1; i < reference->rows; i++) {
		const double number = reference->values[i * reference->columns + column];
		const double before = reference->values[(i - 1) * reference->columns + column];
		pairs += !isnan(number) && !isnan(before);
		repeats += number == before;
	}
	return repeats - pairs * squares > REPEATS_SURE * sqrt(pairs * (squares + 2 * cubes - 3 * squares * squares));
}

/* A column's levels in the reference, less what follows from the level before where that is more than chance. Their
 * autocorrelation. */
static double column_fit_carry(struct change_column *column, const struct change_detector *self, const struct table *reference,
			       double *levels)
{
	for (size_t i = 0; i < reference->rows; i++) {
		double number = reference->values[i * reference->columns + column->place];
		levels[i] = isnan(number) ? (double)NAN : rank_normal_of(&self->normal, rank_share(&column->values, number));
	}
	const double alike = autocorrelation(levels, reference->rows, 1);
	column->carry = autocorrelation_unbiased(alike, reference->rows);
	double previous = 0;
	for (size_t i = 0; i < reference->rows; i++) {
		double level = levels[i];
		if (isnan(level))
			continue;
		levels[i] = level - column->carry * previous;
		previous = level;
	}
	return alike;
}

#define CARRY_CLEAR 6.25 /* the square of so many standard deviations, which one independent column in 160 has */

static bool carry_is_clear(const struct change_column *column, size_t rows)
{
	return column->carry * column->carry * (double)rows > CARRY_CLEAR;
}

/* Where numbers follow from one another and not their ranks, `levels` become what is left of numbers. False: the arena is full. */
static bool column_fit_linear(struct change_column *column, const struct change_detector *self, const struct table *reference,
			      double alike, double *levels, struct arena *arena)
{
	struct linear_carry linear;
	double *numbers = ARENA_ARRAY(arena, double, reference->rows);
	if (column->ties || column->values.count < reference->rows || !carry_is_clear(column, reference->rows))
		return !arena_failed(arena);
	for (size_t i = 0; numbers && i < reference->rows; i++)
		numbers[i] = reference->values[i * reference->columns + column->place];
	const struct linear_carry_fit fit = {numbers, reference->rows, &column->values, &self->normal, alike};
	if (!numbers || !linear_carry_fit(&fit, &linear, arena))
		return false;
	if (linear.carry == 0)
		return true;
	column->linear = linear;
	column->carry = linear.carry;
	for (size_t i = 0; i < reference->rows; i++)
		levels[i] = linear_carry_rest(&linear, numbers[i], i > 0 ? numbers[i - 1] : linear.origin);
	return true;
}

/* What is left of the levels beside a spread that lasts, and how it is distributed. */
static bool column_fit_rests(struct change_column *column, double *levels, size_t rows, struct arena *arena)
{
	lasting_spread_begin(&column->spread);
	for (size_t i = 0; column->lasts > 0 && i < rows; i++)
		levels[i] = isnan(levels[i]) ? levels[i] : lasting_spread_free(&column->spread, levels[i]);
	if (!change_column_rests(column))
		return true;
	column->rests = column_sorted(&(struct table){rows, 1, levels}, 0, arena);
	return column->rests.values != NULL;
}

/* What a number says that stands above so many halves of the reference's numbers. Each score has mean 0 and deviation 1
 * or less where nothing has changed. */
static void rank_scores(const struct change_detector *self, size_t halves, double *scores)
{
	double rows = (double)self->rows, share = ((double)halves + 1) / (2 * rows + 2), far = 2 * share - 1;
	scores[0] = self->normal.numbers[halves];
	scores[1] = normal_quantile((fabs((double)halves - rows) + 1) / (rows + 2)); /* of how far from the middle it is */
	/* Legendre's polynomials of degree 4, for tails and shoulders, and 3, for what leans to a side; and the middle. */
	scores[2] = (35 * pow(far, 4) - 30 * far * far + 3) * 3 / 8;
	scores[3] = M_SQRT2 * cos(2 * M_PI * share);
	scores[4] = sqrt(7) * (5 * far * far - 3) * far / 2;
}

/* What chance is given of the likelihood that a column's spread lasts, and that of any does: what costs little where it does not.
 * Columns of one stream are alike: where together they say clearly that it does, each needs less. */
#define CHANCE_ALONE 2.0 /* and more, the more columns may have it by chance */
#define CHANCE_BESIDE 0.2
#define CHANCE_TOGETHER 4.0
#define CHANCE_EACH 0.5 /* what a column adds to that */

/* Not where there are ties: what few values say of spread is which of them it is. */
static void columns_fit_spread(struct change_detector *self, const double *levels)
{
	const double columns = (double)self->columns;
	double together = 0;
	for (size_t i = 0; i < self->columns; i++) {
		struct change_column *column = &self->watched[i];
		if (!column->ties && column->linear.carry == 0)
			column->lasts = lasting_spread_fit(&column->spread, levels + i * self->rows, self->rows);
		together += column->lasts;
	}
	self->spread_lasts = together > CHANCE_TOGETHER + CHANCE_EACH * columns;
	for (size_t i = 0; i < self->columns; i++)
		if (self->watched[i].lasts <= (self->spread_lasts ? CHANCE_BESIDE : CHANCE_ALONE + log(columns)))
			self->watched[i].lasts = 0;
}

/* Frees the columns of what follows from the rows before. */
static bool columns_fit_rests(struct change_detector *self, const struct table *reference, struct arena *arena)
{
	double *levels = ARENA_ARRAY(arena, double, self->columns * self->rows);
	if (!levels)
		return false;
	for (size_t i = 0; i < self->columns; i++) {
		double *of_column = levels + i * self->rows;
		const double alike = column_fit_carry(&self->watched[i], self, reference, of_column);
		if (!column_fit_linear(&self->watched[i], self, reference, alike, of_column, arena))
			return false;
	}
	columns_fit_spread(self, levels);
	for (size_t i = 0; i < self->columns; i++)
		if (!column_fit_rests(&self->watched[i], levels + i * self->rows, self->rows, arena))
			return false;
	return true;
}

static bool columns_fit(struct change_detector *self, const struct table *reference, struct arena *arena)
{
	self->watched = ARENA_ARRAY(arena, struct change_column, reference->columns);
	self->by_rank = ARENA_ARRAY(arena, double, CHANGE_OF_COLUMN * (2 * reference->rows + 1));
	if (!self->watched || !self->by_rank || !rank_normal_open(&self->normal, reference->rows, arena))
		return false;
	for (size_t k = 0; k <= 2 * reference->rows; k++)
		rank_scores(self, k, self->by_rank + CHANGE_OF_COLUMN * k);
	for (size_t i = 0; i < reference->columns; i++) {
		struct change_column column = {.place = i, .values = column_sorted(reference, i, arena)};
		if (!column.values.values)
			return false;
		column.ties = levels_tie(&column.values);
		column.repeats = column.ties && values_repeat(reference, i, &column.values);
		if (column_varies(&column.values))
			self->watched[self->columns++] = column;
	}
	return columns_fit_rests(self, reference, arena);
}

/* ---- pairs ---- */

/* The columns that are followed together: none of one column, of too many, or of so many for the reference's rows that
 * their correlations would be guesses, and false alarms more than declared. */
#define ROWS_OF_PAIRED 20 /* of the reference, for each column */

static size_t paired_columns(size_t columns, size_t rows)
{
	return columns < 2 || columns > CHANGE_PAIRED_MAX || columns * ROWS_OF_PAIRED > rows ? 0 : columns;
}

/* Raw scores of the reference's rows, in their order. */
static void reference_score(struct change_detector *self, const struct table *reference, const struct table *scores)
{
	for (size_t i = 0; i < self->columns; i++)
		change_column_begin(&self->watched[i]);
	for (size_t i = 0; i < reference->rows; i++)
		change_scores(self, reference->values + i * reference->columns, scores->values + i * scores->columns);
}

/* The inverse of Cholesky's factor of the levels' covariance. False: the arena is full. Columns that depend on each
 * other are followed one by one. */
static bool whitening_fit(struct change_detector *self, const struct table *scores, struct arena *arena)
{
	struct covariance covariance;
	struct mahalanobis fitted;
	struct error error = {0};
	size_t columns = self->columns;
	double *levels = ARENA_ARRAY(arena, double, columns);
	self->whitening = ARENA_ARRAY(arena, double, columns * columns);
	if (!levels || !self->whitening || !covariance_open(&covariance, columns, arena))
		return false;
	for (size_t i = 0; i < scores->rows; i++) {
		bool missing = false;
		for (size_t j = 0; j < columns; j++) {
			levels[j] = scores->values[i * scores->columns + CHANGE_OF_COLUMN * j];
			missing |= isnan(levels[j]);
		}
		if (!missing)
			covariance_add(&covariance, levels);
	}
	if (covariance.rows < CHANGE_ROWS_MIN || !mahalanobis_fit(&fitted, &covariance, 1, 0, arena, &error)) {
		self->paired = 0;
		return !arena_failed(arena);
	}
	for (size_t i = 0; i < columns; i++)
		for (size_t j = 0; j <= i; j++)
			self->whitening[i * columns + j] = mahalanobis_inverse(&fitted, i, j);
	return true;
}

/* A level is what a column has left beside those before it, by weights that fit the reference better than what comes:
 * of a new row it is wider, and is narrowed to the same. Not where levels have ties, which a new row has to meet in place:
 * beside them it would have the rank of all or none. */
static void whitening_narrow(struct change_detector *self)
{
	double rows = (double)self->rows;
	for (size_t i = 0; i < self->paired; i++)
		for (size_t j = 0; j <= i && !levels_tie(&self->levels[i]); j++)
			self->whitening[i * self->paired + j] *= sqrt((rows - (double)i) / (rows + (double)i));
}

static size_t series_count(const struct change_detector *self)
{
	size_t pairs = self->paired ? self->paired * (self->paired - 1) / 2 : 0;
	return CHANGE_OF_COLUMN * self->columns + self->paired + pairs;
}

static bool scores_open(struct table *scores, const struct change_detector *self, struct arena *arena)
{
	*scores = (struct table){self->rows, self->series, ARENA_ARRAY(arena, double, self->rows * self->series)};
	return scores->values != NULL;
}

/* Ranks of the whitened levels, by which pairs are scored. */
static bool levels_rank(struct change_detector *self, const struct table *scores, struct arena *arena)
{
	struct sorted *levels = ARENA_ARRAY(arena, struct sorted, self->paired);
	for (size_t i = 0; levels && i < self->paired; i++) {
		levels[i] = column_sorted(scores, CHANGE_OF_COLUMN * self->columns + i, arena);
		if (!levels[i].values)
			return false;
	}
	self->levels = levels;
	return levels != NULL;
}

/* Learns how columns go together, and scores the reference by all that was learnt. */
static bool pairs_fit(struct change_detector *self, const struct table *reference, struct table *scores, struct arena *arena)
{
	self->series = CHANGE_OF_COLUMN * self->columns;
	if (!scores_open(scores, self, arena))
		return false;
	reference_score(self, reference, scores);
	self->paired = paired_columns(self->columns, reference->rows);
	if (self->paired && !whitening_fit(self, scores, arena))
		return false;
	if (self->paired == 0)
		return true;
	self->series = series_count(self);
	if (!scores_open(scores, self, arena))
		return false;
	reference_score(self, reference, scores);
	if (!levels_rank(self, scores, arena))
		return false;
	reference_score(self, reference, scores);
	whitening_narrow(self);
	return true;
}

/* ---- levels ---- */

/* The part of the declared rate that a statistic has, and its shortest window: shorter ones say nothing of it. Windows
 * overlap, so together they raise fewer alarms than each alone, by as much more as alarms are frequent: `overlap` is how
 * much more each may have where the series has one alarm a thousand rows. Found by simulation at .01 to 3. */
static const struct change_part {
	double share;
	unsigned least;
	double overlap;
} change_parts[CHANGE_KINDS] = {
	[CHANGE_LOCATION] = {0.75, 3, 2.55},   [CHANGE_SCALE] = {0.04, 6, 2.55}, [CHANGE_SHAPE] = {0.12, 16, 4.2},
	[CHANGE_DEPENDENCE] = {0.05, 11, 2.2}, [CHANGE_JOINT] = {0.04, 3, 1},
};

/* The part of the declared rate that one series of a kind has in one window. */
static double kind_rate(const struct change_detector *self, enum change_kind kind, double rate)
{
	double used = 0, windows = 0, series = kind == CHANGE_JOINT ? 1 : (double)self->columns;
	for (enum change_kind each = 0; each < CHANGE_KINDS; each++)
		used += self->paired || each < CHANGE_DEPENDENCE ? change_parts[each].share : 0;
	for (size_t i = 0; i < CHANGE_WINDOWS; i++)
		windows += change_windows[i] >= change_parts[kind].least;
	if (kind == CHANGE_SHAPE)
		series *= CHANGE_OF_COLUMN - CHANGE_SHAPE;
	if (kind == CHANGE_DEPENDENCE)
		series = (double)(self->paired * (self->paired - 1)) / 2;
	double part = rate * change_parts[kind].share / used / series;
	return part * fmax(1, change_parts[kind].overlap * pow(1000 * part, 0.11)) / windows;
}

static enum change_kind series_kind(const struct change_detector *self, size_t series)
{
	size_t of_columns = CHANGE_OF_COLUMN * self->columns;
	if (series < of_columns)
		return change_column_kinds[series % CHANGE_OF_COLUMN];
	return series < of_columns + self->paired ? CHANGE_JOINT : CHANGE_DEPENDENCE;
}

/* The jump towards a level on the side of the skewness given: a shifted Poisson's law has its jump for skewness, and the
 * jump's square for tails. Heavy tails without as much skewness jump both ways. */
#define TAILS_CLEAR 1.0
#define ONE_SIDED 0.5 /* of the tails' jump is skewness: below, the other side has jumps too */

static double traits_jump(const struct score_traits *traits, double skewness)
{
	double both = traits->tails > TAILS_CLEAR ? sqrt(traits->tails) : 0;
	return skewness < 0 && -skewness >= ONE_SIDED * both ? skewness : fmax(skewness, both);
}

static bool windows_open(struct change_detector *self, struct arena *arena)
{
	size_t stride = self->stride = (self->series + WIDE - 1) / WIDE * WIDE;
	self->means = ARENA_ARRAY(arena, double, stride);
	self->learnt = ARENA_ARRAY(arena, double, stride);
	self->factors = ARENA_ARRAY(arena, double, stride);
	self->scores = ARENA_ARRAY(arena, double, stride);
	self->sums = ARENA_ARRAY(arena, double, stride);
	self->ring = ARENA_ARRAY(arena, double, CHANGE_RING * stride);
	self->unseen = ARENA_ARRAY(arena, uint64_t, self->columns);
	self->unseen_ring = ARENA_ARRAY(arena, uint64_t, CHANGE_RING * self->columns);
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		struct change_window *window = &self->windows[i];
		window->least = ARENA_ARRAY(arena, double, stride);
		window->most = ARENA_ARRAY(arena, double, stride);
		window->least_with_unseen = ARENA_ARRAY(arena, double, stride);
		window->most_with_unseen = ARENA_ARRAY(arena, double, stride);
		for (size_t s = self->series; window->least && window->most && s < stride; s++) {
			window->least[s] = (double)-INFINITY;
			window->most[s] = (double)INFINITY;
		}
	}
	return !arena_failed(arena);
}

/* What a level counts among others. Where the columns before it tell nearly all of one, most of what is left is what
 * ranks are off by, which has longer tails and is more beside some numbers than others. */
#define RANKS_OFF 0.005 /* of a column's variance */

static double level_surety(const struct change_detector *self, size_t level)
{
	double inverse = self->whitening[level * self->paired + level];
	return 1 / sqrt(1 + RANKS_OFF * inverse * inverse);
}

/* Rows that follow from rows before by more than a column was freed of: a sum of several sources, senders in turns, states that
 * last. They show in the level or the spread of what was left. To take a column for one whose spread does costs more of what is
 * seen of its level. */
static void columns_depend(struct change_detector *self, const struct table *scores)
{
	for (size_t i = 0; i < self->columns; i++) {
		struct change_column *column = &self->watched[i];
		const double tails = score_moments(scores, CHANGE_OF_COLUMN * i).tails;
		const bool clear = column->carry * column->carry * (double)self->rows > CARRY_CLEAR + scores_chance_of_tails(tails);
		column->bursts = scores_depend(scores, CHANGE_OF_COLUMN * i + CHANGE_SCALE, SCORES_SURER);
		column->depends = clear || column->bursts || column->repeats ||
				  scores_depend(scores, CHANGE_OF_COLUMN * i, SCORES_SURE) ||
				  (self->spread_lasts && column->lasts > 0);
	}
}

/* Deviations by which the variances of sums are taken for more than the reference's where a spread lasts. A few hundred rows hold
 * few of the calm times and the wild ones, so what is left of their spread, and looks like another shape, is the least sure. */
#define CAUTION_SPREAD 2.0
#define CAUTION_BESIDE 0.5 /* what is not of the spread itself */

static bool any_column_depends(const struct change_detector *self)
{
	bool depends = false;
	for (size_t i = 0; i < self->columns; i++)
		depends |= self->watched[i].depends;
	return depends;
}

static struct score_dependence series_dependence(const struct change_detector *self, size_t series)
{
	const struct change_column *column =
		series < CHANGE_OF_COLUMN * self->columns ? &self->watched[series / CHANGE_OF_COLUMN] : NULL;
	struct score_dependence dependence = {.depends = column ? column->depends : any_column_depends(self)};
	if (column && self->spread_lasts && column->lasts > 0 && series_kind(self, series) != CHANGE_LOCATION)
		dependence.caution = CAUTION_SPREAD;
	else if (self->spread_lasts && dependence.depends)
		dependence.caution = CAUTION_BESIDE;
	return dependence;
}

/* How far beyond a row's deviation a value would be that the reference lacks, upwards and downwards. 0: not so far that a sum,
 * which is taken for normal or for one of values that the reference has, would be beside it. */
#define UNSEEN_CLEAR                                                                                                               \
	1.15 /* times what a score is at most in a column without ties: normal quantile, polynomials of degree 4, pairs */
#define SCORE_MOST 3.0

struct unseen_scores {
	double up, down;
};

static struct unseen_scores column_unseen(const struct change_detector *self, const struct change_column *column, size_t of_column)
{
	const struct sorted *values = change_column_rests(column) ? &column->rests : &column->values;
	struct unseen_scores unseen = {0};
	for (size_t below = 0; below <= values->count; below++) {
		if (below > 0 && below < values->count && values->values[below - 1] == values->values[below])
			continue;
		double scores[CHANGE_OF_COLUMN];
		change_column_score(self, (double)(2 * below + 1) / (double)(2 * values->count + 2), scores);
		unseen.up = fmax(unseen.up, scores[of_column]);
		unseen.down = fmin(unseen.down, scores[of_column]);
	}
	return unseen;
}

static struct unseen_scores series_unseen(const struct change_detector *self, size_t series)
{
	const double clear = UNSEEN_CLEAR * fmax(SCORE_MOST, self->normal.numbers[2 * self->rows]);
	struct unseen_scores unseen = {SCORE_MOST, -SCORE_MOST};
	if (series < CHANGE_OF_COLUMN * self->columns) {
		const struct change_column *column = &self->watched[series / CHANGE_OF_COLUMN];
		if (!column->ties)
			return (struct unseen_scores){0};
		unseen = column_unseen(self, column, series % CHANGE_OF_COLUMN);
	}
	unseen.up = (unseen.up - self->means[series]) * self->factors[series];
	unseen.down = (self->means[series] - unseen.down) * self->factors[series];
	return (struct unseen_scores){unseen.up > clear ? unseen.up : 0, unseen.down > clear ? unseen.down : 0};
}

static void series_fit(struct change_detector *self, size_t series, const struct table *scores,
		       double levels[][CHANGE_WINDOWS], double *sums)
{
	struct score_traits traits;
	enum change_kind kind = series_kind(self, series);
	score_traits_fit(&traits, scores, series, series_dependence(self, series), sums);
	const bool bursts = kind == CHANGE_LOCATION && self->watched[series / CHANGE_OF_COLUMN].bursts;
	const double inflation = bursts ? scores_burst(scores, series, sums) : 1;
	self->means[series] = self->learnt[series] = traits.mean;
	self->factors[series] = traits.deviation > 1e-9 ? 1 / traits.deviation : 0;
	if (kind == CHANGE_JOINT)
		self->factors[series] *=
			traits.tails > TAILS_CLEAR ? 0 : level_surety(self, series - CHANGE_OF_COLUMN * self->columns);
	double jump_up = traits_jump(&traits, traits.skewness), jump_down = traits_jump(&traits, -traits.skewness);
	const struct unseen_scores unseen = series_unseen(self, series);
	const bool lacks = series < CHANGE_OF_COLUMN * self->columns && (unseen.up > 0 || unseen.down > 0);
	if (lacks)
		self->any_lacks = self->watched[series / CHANGE_OF_COLUMN].lacks = true;
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		struct change_window *window = &self->windows[i];
		bool counts = kind != CHANGE_JOINT && change_windows[i] >= change_parts[kind].least && self->factors[series] > 0;
		double square = levels[kind][i], rows = change_windows[i];
		const double wider = sqrt(fmax(traits.inflations[i], inflation)) * crossing_unsure(square, traits.freedoms[i]);
		const double lean = traits.jumps[i]; /* jumps on the other side are not smaller for it */
		const double up = lean > 0 ? fmax(jump_up * wider, lean) : jump_up * wider;
		const double down = lean < 0 ? fmax(jump_down * wider, -lean) : jump_down * wider;
		window->most[series] = counts ? wider * crossing_sum(square, up, rows, (double)self->rows) : (double)INFINITY;
		window->least[series] = counts ? -wider * crossing_sum(square, down, rows, (double)self->rows) : (double)-INFINITY;
		window->most_with_unseen[series] = window->most[series];
		window->least_with_unseen[series] = window->least[series];
		if (counts && unseen.up > 0)
			window->most_with_unseen[series] =
				wider * crossing_sum_unseen(square, up, unseen.up * wider, rows, (double)self->rows);
		if (counts && unseen.down > 0)
			window->least_with_unseen[series] =
				-wider * crossing_sum_unseen(square, down, unseen.down * wider, rows, (double)self->rows);
		if (kind == CHANGE_JOINT && self->factors[series] > 0)
			window->joint += traits.inflations[i];
	}
}

/* The sum of squares of levels has a level of its own only for those that are near to normal ones: how many are. A rare
 * value, and what is left of a column that another tells nearly all of, have tails too heavy, and are followed one by one. */
static size_t joint_count(const struct change_detector *self)
{
	size_t count = 0;
	for (size_t s = CHANGE_OF_COLUMN * self->columns; s < CHANGE_OF_COLUMN * self->columns + self->paired; s++)
		count += self->factors[s] > 0;
	return count;
}

/* How much more the squares of a row's levels together vary than those of independent normal levels; 1 at the least. Levels
 * without correlation may be far out in the same rows: a product beside its factors, or columns that share their scale. */
static double joint_excess(const struct change_detector *self, const struct table *scores, double joined)
{
	size_t begin = CHANGE_OF_COLUMN * self->columns;
	double sum = 0, squares = 0, count = 0;
	for (size_t i = 0; i < scores->rows; i++) {
		double total = 0;
		for (size_t s = begin; s < begin + self->paired; s++) {
			double level = (scores->values[i * scores->columns + s] - self->means[s]) * self->factors[s];
			total += level * level;
		}
		sum += isnan(total) ? 0 : total;
		squares += isnan(total) ? 0 : total * total;
		count += !isnan(total);
	}
	return fmax(1, (squares - sum * sum / count) / count / (2 * joined));
}

/* The level of the sum of squares over a window, which is like a square of fewer levels, each wider by as much. */
static double joint_level(const struct change_detector *self, double joined, double excess, double window, double rate)
{
	double wider = 1 + (excess - 1) / window;
	return wider * crossing_level(kind_rate(self, CHANGE_JOINT, rate), joined / wider, window, (double)self->rows);
}

/* `sums` is room for one more number than the reference has rows. */
static void levels_fit(struct change_detector *self, const struct table *scores, double rate, double *sums)
{
	double levels[CHANGE_KINDS][CHANGE_WINDOWS], rows = (double)self->rows;
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		double window = change_windows[i];
		self->windows[i].deviation = sqrt(window + window * window / rows);
		for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++)
			levels[kind][i] = crossing_level(kind_rate(self, kind, rate), 1, window, rows);
	}
	columns_depend(self, scores);
	for (size_t s = 0; s < self->series; s++)
		series_fit(self, s, scores, levels, sums);
	double joined = (double)joint_count(self), excess = joined > 0 ? joint_excess(self, scores, joined) : 1;
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		double window = change_windows[i], square = self->windows[i].deviation * self->windows[i].deviation;
		bool counts = joined > 0 && change_windows[i] >= change_parts[CHANGE_JOINT].least;
		double level = counts ? joint_level(self, joined, excess, window, rate) : 0;
		double wider = counts ? self->windows[i].joint / joined : 1; /* the mean of the levels' inflations, until here */
		self->windows[i].joint = counts ? wider * square * level : (double)INFINITY;
	}
}

/* ---- opening ---- */

static bool reference_check(const struct table *reference, double false_alarms, struct error *error)
{
	if (reference->rows < CHANGE_ROWS_MIN)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a reference has %d rows or more, and this one has %zu; take "
				 "more rows",
				 CHANGE_ROWS_MIN, reference->rows);
	if (reference->columns == 0 || reference->columns > CHANGE_COLUMNS_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a reference has 1 to %d columns, and this one has %zu; choose those that matter",
					 CHANGE_COLUMNS_MAX,
				 reference->columns);
	if (!(false_alarms > 0 && false_alarms <= RATE_MAX))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%g false alarms a thousand rows is no rate to declare; give one above 0 and up to %d",
					 false_alarms,
				 RATE_MAX);
	return true;
}

struct change_detector *change_open(struct arena *arena, const struct table *reference, double false_alarms, struct error *error)
{
	struct table scores;
	if (!reference_check(reference, false_alarms, error))
		return NULL;
	struct change_detector *self = ARENA_NEW(arena, struct change_detector);
	if (!self)
		return error_null(error_memory(error, ERROR_SYSTEM, "learning a reference"));
	self->rows = reference->rows;
	bool done = columns_fit(self, reference, arena);
	if (done && self->columns == 0)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "no column of the reference varies, so nothing can be seen to change; take a reference "
					    "of live data"));
	double *sums = ARENA_ARRAY(arena, double, reference->rows + 1);
	if (!done || !sums || !pairs_fit(self, reference, &scores, arena) || !windows_open(self, arena))
		return error_null(error_memory(error, ERROR_SYSTEM, "learning a reference"));
	levels_fit(self, &scores, false_alarms / 1000, sums);
	return self;
}
