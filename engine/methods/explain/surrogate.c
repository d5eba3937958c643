/* surrogate.c: see surrogate.h. */
#include "methods/explain/surrogate.h"

#include <math.h>

#include "methods/numeric/cholesky.h"
#include "methods/explain/coalition.h"
#include "methods/numeric/legendre.h"

#define QUADRATURE_MAX ((size_t)64) /* points: exact up to 128 players, and by far exact enough above */
#define REACH_MAX 0.9		    /* below 1, where the process would only know coalitions that are alike */
#define JITTER_OF_ALL 1e-10	    /* of the coalition of all, which is known */
#define ROOT_FLOOR 0.01		    /* of a contribution, in parts of the mean: a player may yet take part in interactions */
#define RIDGE 1e-12		    /* in parts of the trace */
#define FREEDOM_ENOUGH 4	    /* points beyond the number of players by which slopes, and what they leave, are known */
#define PROCESS_SHARE 0.3	    /* of what was observed, which the process is taken to be where there are fewer */

static const double reaches[] = {0.03, 0.1, 0.3}, jitters[] = {1e-8, 1e-6, 1e-4, 1e-2}, changes[] = {1, 0.5, 2};

#define REACHES (sizeof reaches / sizeof *reaches)
#define JITTERS (sizeof jitters / sizeof *jitters)
#define CHANGES (sizeof changes / sizeof *changes)

/* A covariance, and the factor of its matrix over the points; `linear` are the rows of players, whitened by it. */
struct surrogate_factor {
	const double *reach; /* by player */
	double jitter;
	double *factor;
	double *linear; /* [players][points] */
	size_t points;
	bool good;
};

struct surrogate_grid {
	struct surrogate_factor cells[REACHES * JITTERS];
};

/* ---- the covariance ---- */

#define BYTES_MAX (COALITION_PLAYERS_MAX / 8)

/* prod over players of (1 - r) / (1 + r) where two coalitions differ, by bytes of how they differ. */
struct surrogate_table {
	size_t bytes;
	double products[BYTES_MAX][256];
};

static void surrogate_table_fill(struct surrogate_table *table, const double *reach, size_t players)
{
	table->bytes = (players + 7) / 8;
	for (size_t byte = 0; byte < table->bytes; byte++)
		for (size_t bits = 0; bits < 256; bits++) {
			double product = 1;
			for (size_t i = 0; i < 8 && byte * 8 + i < players; i++)
				if (bits >> i & 1)
					product *= (1 - reach[byte * 8 + i]) / (1 + reach[byte * 8 + i]);
			table->products[byte][bits] = product;
		}
}

static inline unsigned surrogate_byte(const uint64_t *bits, size_t byte)
{
	return bits[byte / 8] >> byte % 8 * 8 & 255;
}

/* Of two coalitions, in parts of that of a coalition with itself, but for its half that is of even order. */
static double surrogate_covariance(const struct surrogate_table *table, const uint64_t *left, const uint64_t *right)
{
	double alike = 1, unlike = 1;
	for (size_t byte = 0; byte < table->bytes; byte++) {
		const unsigned difference = surrogate_byte(left, byte) ^ surrogate_byte(right, byte);
		alike *= table->products[byte][difference];
		unlike *= table->products[byte][difference ^ 255];
	}
	return (alike - unlike) / 2;
}

static double surrogate_sign(const uint64_t *coalition, size_t player)
{
	return coalition_has(coalition, player) ? 1 : -1;
}

/* Room for a factor of `count` points. */
static bool surrogate_factor_take(struct surrogate_factor *cell, size_t count, size_t players, struct arena *arena)
{
	cell->points = count;
	cell->factor = ARENA_ARRAY(arena, double, cholesky_size(count));
	cell->linear = ARENA_ARRAY(arena, double, count *players);
	return cell->factor && cell->linear;
}

static void surrogate_factor_fill(struct surrogate_factor *cell, const struct surrogate_points *points,
				  struct surrogate_table *table)
{
	const size_t words = coalition_words(points->players), count = cell->points;
	surrogate_table_fill(table, cell->reach, points->players);
	for (size_t i = 0; i < count; i++) {
		double *row = cell->factor + cholesky_size(i);
		for (size_t j = 0; j <= i; j++)
			row[j] = surrogate_covariance(table, points->coalitions + i * words, points->coalitions + j * words);
		row[i] += i ? cell->jitter : JITTER_OF_ALL;
	}
	cell->good = cholesky_factor(cell->factor, count);
	for (size_t player = 0; cell->good && player < points->players; player++) {
		double *linear = cell->linear + player * count;
		for (size_t i = 0; i < count; i++)
			linear[i] = surrogate_sign(points->coalitions + i * words, player);
		cholesky_forward(cell->factor, count, linear);
	}
}

/* ---- a fit ---- */

/* What was observed, under a factor: its points may be fewer than the factor has. */
struct surrogate_fit {
	const struct surrogate_factor *cell;
	size_t points;
	double *rest;	   /* whitened, without the linear part */
	double *slopes;	   /* of the linear part */
	double *normal;	   /* factor of its normal equations */
	double ridge;	   /* likewise */
	double variance;   /* of the process */
	double likelihood; /* restricted; without a constant */
};

static bool surrogate_fit_take(struct surrogate_fit *fit, size_t points, size_t players, struct arena *arena)
{
	fit->rest = ARENA_ARRAY(arena, double, points);
	fit->slopes = ARENA_ARRAY(arena, double, players);
	fit->normal = ARENA_ARRAY(arena, double, cholesky_size(players));
	return fit->rest && fit->slopes && fit->normal;
}

static double surrogate_dot(const double *left, const double *right, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += left[i] * right[i];
	return sum;
}

/* Few points determine slopes badly, and leave little by which to know an error. So slopes are held near an even split, with a
 * variance of their own: such that the process is a share of what is observed. It has half of its variance at a coalition, where
 * slopes have theirs times the players. */
static bool surrogate_is_few(size_t points, size_t players)
{
	return points < players + FREEDOM_ENOUGH;
}

static double surrogate_ridge(size_t points, size_t players, double trace)
{
	return surrogate_is_few(points, players) ? 2 * PROCESS_SHARE * (double)players : trace * RIDGE / (double)players;
}

/* Takes an even split away from what was observed. */
static void surrogate_split_take(struct surrogate_fit *fit, const struct surrogate_points *points, const double *observed)
{
	const size_t players = points->players, words = coalition_words(players);
	const double each = observed[0] / (double)players; /* of the coalition of all */
	for (size_t i = 0; i < points->count; i++) {
		double signs = 0;
		for (size_t j = 0; j < players; j++)
			signs += surrogate_sign(points->coalitions + i * words, j);
		fit->rest[i] = observed[i] - each * signs;
	}
}

static bool surrogate_slopes_fit(struct surrogate_fit *fit, size_t players)
{
	const size_t count = fit->points, stride = fit->cell->points;
	const double *linear = fit->cell->linear;
	double trace = 0;
	for (size_t i = 0; i < players; i++) {
		for (size_t j = 0; j <= i; j++)
			fit->normal[cholesky_size(i) + j] = surrogate_dot(linear + i * stride, linear + j * stride, count);
		trace += fit->normal[cholesky_size(i) + i];
		fit->slopes[i] = surrogate_dot(linear + i * stride, fit->rest, count);
	}
	fit->ridge = surrogate_ridge(count, players, trace);
	for (size_t i = 0; i < players; i++)
		fit->normal[cholesky_size(i) + i] += fit->ridge;
	if (!cholesky_factor(fit->normal, players))
		return false;
	cholesky_forward(fit->normal, players, fit->slopes);
	cholesky_backward(fit->normal, players, fit->slopes);
	return true;
}

/* False: the matrices are not positive in double. */
static bool surrogate_fit_run(struct surrogate_fit *fit, const struct surrogate_factor *cell, const double *observed,
			      const struct surrogate_points *points)
{
	const size_t players = points->players, count = points->count;
	const bool few = surrogate_is_few(count, players);
	const double freedom = (double)(few ? count - 1 : count - players); /* few: the first point has an even split */
	fit->cell = cell;
	fit->points = count;
	if (!cell->good)
		return false;
	surrogate_split_take(fit, points, observed);
	cholesky_forward(cell->factor, count, fit->rest);
	if (!surrogate_slopes_fit(fit, players))
		return false;
	for (size_t player = 0; player < players; player++)
		for (size_t i = 0; i < count; i++)
			fit->rest[i] -= fit->slopes[player] * cell->linear[player * cell->points + i];
	const double held = few ? fit->ridge * surrogate_dot(fit->slopes, fit->slopes, players) : 0;
	fit->variance = (surrogate_dot(fit->rest, fit->rest, count) + held) / freedom;
	fit->likelihood = -cholesky_log(cell->factor, count) - cholesky_log(fit->normal, players) -
			  freedom / 2 * log(fmax(fit->variance, 1e-300));
	for (size_t player = 0; player < players; player++)
		fit->slopes[player] += observed[0] / (double)players;
	return true;
}

/* ---- reading Shapley values from a fit ---- */

/* The mean of a player's contribution over all orders, as an integral over t from -1 to 1. */
struct surrogate_reading {
	size_t points;
	double at[QUADRATURE_MAX], weights[QUADRATURE_MAX];
};

static void surrogate_reading_make(struct surrogate_reading *reading, size_t players)
{
	const size_t exact = (players + 1) / 2;
	reading->points = exact < QUADRATURE_MAX ? exact : QUADRATURE_MAX;
	legendre_rule(reading->points, reading->at, reading->weights);
	for (size_t q = 0; q < reading->points; q++) {
		reading->at[q] = 2 * reading->at[q] - 1;
		reading->weights[q] *= 2;
	}
}

/* Fills in, for each player, the covariance of its contribution and the process at a coalition, `stride` apart. */
static void surrogate_read(const struct surrogate_reading *reading, const double *reach, size_t players, const uint64_t *coalition,
			   double *covariances, size_t stride)
{
	double products[QUADRATURE_MAX];
	for (size_t q = 0; q < reading->points; q++) {
		products[q] = reading->weights[q];
		for (size_t j = 0; j < players; j++)
			products[q] *= (1 + reach[j] * surrogate_sign(coalition, j) * reading->at[q]) / (1 + reach[j]);
	}
	for (size_t i = 0; i < players; i++) {
		const double signed_reach = reach[i] * surrogate_sign(coalition, i);
		double sum = 0;
		for (size_t q = 0; q < reading->points; q++)
			sum += products[q] / (1 + signed_reach * reading->at[q]);
		covariances[i * stride] = signed_reach * sum;
	}
}

/* The variance of each player's contribution before anything was observed. */
static void surrogate_read_prior(const struct surrogate_reading *reading, const double *reach, size_t players, double *variances)
{
	memset(variances, 0, players * sizeof *variances);
	for (size_t q = 0; q < reading->points; q++)
		for (size_t p = 0; p < reading->points; p++) {
			const double at = reading->at[q] * reading->at[p];
			double product = reading->weights[q] * reading->weights[p];
			for (size_t j = 0; j < players; j++)
				product *= (1 + reach[j] * at) / (1 + reach[j]);
			for (size_t i = 0; i < players; i++)
				variances[i] += reach[i] * product / (1 + reach[i] * at);
		}
}

/* The variance that the slopes bring in: of 2 slope - what the whitened covariances have of it. */
static double surrogate_slope_variance(const struct surrogate_fit *fit, size_t players, size_t player, const double *whitened,
				       double *working)
{
	const size_t stride = fit->cell->points;
	for (size_t j = 0; j < players; j++)
		working[j] = (j == player ? 2 : 0) - surrogate_dot(fit->cell->linear + j * stride, whitened, fit->points);
	cholesky_forward(fit->normal, players, working);
	return surrogate_dot(working, working, players);
}

static bool surrogate_fit_read(const struct surrogate_fit *fit, const struct surrogate_points *points, double *contributions,
			       double *errors, struct arena *working)
{
	const size_t players = points->players, count = fit->points, words = coalition_words(players);
	struct surrogate_reading *reading = ARENA_NEW(working, struct surrogate_reading);
	double *covariances = ARENA_ARRAY(working, double, players *count);
	double *prior = ARENA_ARRAY(working, double, players), *room = ARENA_ARRAY(working, double, players);
	if (!reading || !covariances || !prior || !room)
		return false;
	surrogate_reading_make(reading, players);
	for (size_t i = 0; i < count; i++)
		surrogate_read(reading, fit->cell->reach, players, points->coalitions + i * words, covariances + i, count);
	if (errors)
		surrogate_read_prior(reading, fit->cell->reach, players, prior);
	for (size_t i = 0; i < players; i++) {
		double *whitened = covariances + i * count;
		cholesky_forward(fit->cell->factor, count, whitened);
		contributions[i] = 2 * fit->slopes[i] + surrogate_dot(whitened, fit->rest, count);
		if (!errors)
			continue;
		const double variance = prior[i] - surrogate_dot(whitened, whitened, count) +
					surrogate_slope_variance(fit, players, i, whitened, room);
		errors[i] = sqrt(fit->variance * fmax(variance, 0));
	}
	return true;
}

/* ---- choosing ---- */

/* One cell after the other, so that whatever they take is taken once. */
struct surrogate_choice {
	const struct surrogate_points *points;
	const double *observed;
	struct surrogate_fit fit, best;
	struct surrogate_table *table;
};

static void surrogate_choose(struct surrogate_choice *choice, const struct surrogate_factor *cell)
{
	if (!surrogate_fit_run(&choice->fit, cell, choice->observed, choice->points) ||
	    (choice->best.cell && choice->fit.likelihood <= choice->best.likelihood))
		return;
	const struct surrogate_fit other = choice->best;
	choice->best = choice->fit;
	choice->fit = other;
}

static const struct surrogate_grid *surrogate_grid_make(const struct surrogate_points *points, struct surrogate_table *table,
							struct arena *arena)
{
	struct surrogate_grid *grid = ARENA_NEW(arena, struct surrogate_grid);
	if (!grid)
		return NULL;
	for (size_t i = 0; i < REACHES; i++) {
		double *reach = ARENA_ARRAY(arena, double, points->players);
		for (size_t j = 0; reach && j < points->players; j++)
			reach[j] = reaches[i];
		for (size_t j = 0; reach && j < JITTERS; j++) {
			struct surrogate_factor *cell = &grid->cells[i * JITTERS + j];
			*cell = (struct surrogate_factor){.reach = reach, .jitter = jitters[j]};
			if (!surrogate_factor_take(cell, points->count, points->players, arena))
				return NULL;
			surrogate_factor_fill(cell, points, table);
		}
	}
	return arena_failed(arena) ? NULL : grid;
}

const struct surrogate_grid *surrogate_prepare(const struct surrogate_points *points, struct arena *arena)
{
	struct surrogate_table *table = ARENA_NEW(arena, struct surrogate_table);
	return table ? surrogate_grid_make(points, table, arena) : NULL;
}

/* Reaches that grow with the root of what a player contributes, of a mean of 1. */
static bool surrogate_roots(const double *contributions, size_t players, double *roots)
{
	double mean = 0, sum = 0;
	for (size_t i = 0; i < players; i++)
		mean += fabs(contributions[i]) / (double)players;
	if (!(mean > 0 && isfinite(mean)))
		return false;
	for (size_t i = 0; i < players; i++)
		sum += roots[i] = sqrt(fabs(contributions[i]) / mean + ROOT_FLOOR);
	for (size_t i = 0; i < players; i++)
		roots[i] *= (double)players / sum;
	return true;
}

/* Beside the best of the grid, covariances of unequal reaches. */
static bool surrogate_refine(struct surrogate_choice *choice, struct surrogate_factor cells[CHANGES], double *contributions,
			     struct arena *working)
{
	const size_t players = choice->points->players;
	const struct surrogate_factor *first = choice->best.cell;
	double *roots = ARENA_ARRAY(working, double, players);
	if (!roots || !surrogate_fit_read(&choice->best, choice->points, contributions, NULL, working))
		return false;
	if (surrogate_is_few(choice->points->count, players) || !surrogate_roots(contributions, players, roots))
		return true;
	for (size_t i = 0; i < CHANGES; i++) {
		double *reach = ARENA_ARRAY(working, double, players);
		cells[i] = (struct surrogate_factor){.reach = reach, .jitter = first->jitter};
		if (!reach || !surrogate_factor_take(&cells[i], choice->points->count, players, working))
			return false;
		for (size_t j = 0; j < players; j++)
			reach[j] = fmin(first->reach[0] * changes[i] * roots[j], REACH_MAX);
		surrogate_factor_fill(&cells[i], choice->points, choice->table);
		surrogate_choose(choice, &cells[i]);
		if (i == 1 && choice->best.cell == &cells[i])
			break; /* shorter reaches are likelier, so longer ones are not */
	}
	return true;
}

bool surrogate_explain(const struct surrogate_points *points, const struct surrogate_grid *grid, const double *observed,
		       double *contributions, double *errors, struct arena *working)
{
	struct surrogate_choice choice = {
		.points = points,
		.observed = observed,
		.table = ARENA_NEW(working, struct surrogate_table),
	};
	struct surrogate_factor cells[CHANGES];
	if (!choice.table || !surrogate_fit_take(&choice.fit, points->count, points->players, working) ||
	    !surrogate_fit_take(&choice.best, points->count, points->players, working))
		return false;
	if (!grid)
		grid = surrogate_grid_make(points, choice.table, working);
	if (!grid)
		return false;
	for (size_t i = 0; i < REACHES * JITTERS; i++)
		surrogate_choose(&choice, &grid->cells[i]);
	return choice.best.cell && surrogate_refine(&choice, cells, contributions, working) &&
	       surrogate_fit_read(&choice.best, points, contributions, errors, working);
}
