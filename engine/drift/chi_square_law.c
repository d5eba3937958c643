/* chi_square_law.c: see chi_square_law.h. */
#include "drift/chi_square_law.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "drift/binned.h"
#include "drift/null_law.h"
#include "statistics/distribution.h"
#include "statistics/special.h"

#define SEED 1
#define UNLUCKY 0.5  /* rows that a category counts more than it came */
#define CROWDED 0.05 /* of the windows have more rows of some category than are drawn */
#define TRIES_MOST (2 * NULL_LAW_DRAWS)
#define LEAST_CHANCE 1e-14 /* beyond it, the law goes on as it ends */
#define RESTS 1024	   /* places of the law of all windows */
#define ROOT_BEGINS 8.0
#define ROOT_MOST 4096.0

struct law_drawing {
	struct random chance;
	size_t bins;		  /* that values can be in */
	double rows, window_rows; /* that both samples are worth */
	double *counts;		  /* of the reference, in these rows */
	double *weights;	  /* of the urn, by bin */
	double weight;		  /* their sum */
	double *kept;		  /* of the alias method (Walker 1977): the share of a place that its own bin has */
	uint32_t *others;
	uint32_t *drawn;     /* bins of the window's rows */
	double *window;	     /* its counts */
	double *most;	     /* of a window that is not crowded, by bin */
	double *all, *roomy; /* roots of the statistic: of all windows, and of those that are not crowded */
	struct null_law all_law, roomy_law;
	double freedom; /* degrees of it, of the statistic */
	double *rests;	/* chances that what the other bins have of the statistic is above a square, by its root */
	double rest_step;
};

/* ---- the urn ---- */

static void urn_fill(struct law_drawing *drawing, const struct chi_square_samples *samples)
{
	for (size_t i = 0; i < drawing->bins; i++) {
		drawing->counts[i] = samples->counts[i] / samples->dependence;
		drawing->weights[i] = drawing->counts[i] + UNLUCKY;
	}
	for (size_t i = 0; i < drawing->bins; i++)
		drawing->weight += drawing->weights[i];
}

/* Each place has as much weight as any other: of its own bin, and of another one. */
static bool alias_fill(struct law_drawing *drawing, struct arena *scratch)
{
	const size_t bins = drawing->bins;
	uint32_t *places = ARENA_ARRAY(scratch, uint32_t, bins);
	size_t light = 0, heavy = bins;
	if (!places)
		return false;
	for (size_t i = 0; i < bins; i++) {
		drawing->kept[i] = drawing->weights[i] * (double)bins / drawing->weight;
		drawing->others[i] = (uint32_t)i;
		places[drawing->kept[i] < 1 ? light++ : --heavy] = (uint32_t)i;
	}
	while (light > 0 && heavy < bins) {
		const uint32_t little = places[--light], much = places[heavy];
		drawing->others[little] = much;
		drawing->kept[much] -= 1 - drawing->kept[little];
		if (drawing->kept[much] < 1) {
			heavy++;
			places[light++] = much;
		}
	}
	return true;
}

static double chance_next(struct law_drawing *drawing)
{
	return (double)(random_next(&drawing->chance) >> 11) * 0x1p-53;
}

static void window_draw(struct law_drawing *drawing)
{
	const double places = (double)drawing->bins / drawing->weight;
	memset(drawing->window, 0, drawing->bins * sizeof *drawing->window);
	for (size_t row = 0; row < (size_t)drawing->window_rows; row++) {
		const double at = chance_next(drawing) * (drawing->weight + (double)row);
		uint32_t bin;
		if (at < (double)row) {
			bin = drawing->drawn[(size_t)at];
		} else {
			const double place = (at - (double)row) * places;
			const size_t whole = place < (double)drawing->bins ? (size_t)place : drawing->bins - 1;
			bin = place - (double)whole < drawing->kept[whole] ? (uint32_t)whole : drawing->others[whole];
		}
		drawing->drawn[row] = bin;
		drawing->window[bin]++;
	}
}

/* ---- windows that are drawn ---- */

static double root_of(const struct law_drawing *drawing)
{
	return sqrt(binned_homogeneity(&(struct binned){drawing->bins, drawing->counts, drawing->window}).statistic);
}

static bool is_crowded(const struct law_drawing *drawing)
{
	for (size_t i = 0; i < drawing->bins; i++)
		if (drawing->window[i] > drawing->most[i])
			return true;
	return false;
}

/* Where most windows are crowded, the law of all of them is on the safe side. */
static void windows_draw(struct law_drawing *drawing)
{
	size_t count = 0, tries = 0;
	for (; tries < TRIES_MOST && (count < NULL_LAW_DRAWS || tries < NULL_LAW_DRAWS); tries++) {
		window_draw(drawing);
		const double root = root_of(drawing);
		if (tries < NULL_LAW_DRAWS)
			drawing->all[tries] = root;
		if (count < NULL_LAW_DRAWS && !is_crowded(drawing))
			drawing->roomy[count++] = root;
	}
	if (count < NULL_LAW_DRAWS)
		memcpy(drawing->roomy, drawing->all, NULL_LAW_DRAWS * sizeof *drawing->all);
	null_law_fit(&drawing->all_law, drawing->all);
	null_law_fit(&drawing->roomy_law, drawing->roomy);
}

/* ---- windows that are crowded ---- */

/* The chance that so many rows of a window are of a bin, which is of Beta and binomial; and that of one row more. */
static double rows_chance(const struct law_drawing *drawing, double weight, double rows)
{
	const double n = drawing->window_rows, a = weight, b = drawing->weight - weight;
	return exp(-log(n + 1) - log_beta(n - rows + 1, rows + 1) + log_beta(rows + a, n - rows + b) - log_beta(a, b));
}

static double chance_grows(const struct law_drawing *drawing, double weight, double rows)
{
	const double n = drawing->window_rows, b = drawing->weight - weight;
	return (n - rows) / (rows + 1) * (rows + weight) / (n - rows - 1 + b);
}

static void most_fill(struct law_drawing *drawing)
{
	const double crowded = CROWDED / (double)drawing->bins;
	for (size_t i = 0; i < drawing->bins; i++) {
		double rows = 0, chance = rows_chance(drawing, drawing->weights[i], 0), beyond = 1 - chance;
		while (beyond >= crowded && rows < drawing->window_rows) {
			chance *= chance_grows(drawing, drawing->weights[i], rows);
			beyond -= chance;
			rows++;
		}
		drawing->most[i] = rows;
	}
}

/* The statistic of the table of one bin and all others together: less than that of all bins by what the others have. */
static double bin_statistic(const struct law_drawing *drawing, double count, double rows)
{
	const double reference[] = {count, drawing->rows - count}, window[] = {rows, drawing->window_rows - rows};
	return binned_homogeneity(&(struct binned){2, reference, window}).statistic;
}

static double rest_chance(const struct law_drawing *drawing, double square)
{
	if (square < 0)
		return 1;
	const double place = sqrt(square) / drawing->rest_step;
	return place < RESTS - 1 ? drawing->rests[(size_t)place] : drawing->rests[RESTS - 1];
}

/* The others have one degree of freedom less: common ones by the law of large samples, rare ones by what all have for each. */
static void rests_fill(struct law_drawing *drawing, double most)
{
	const double freedom = drawing->freedom - 1;
	drawing->rest_step = most / (RESTS - 1);
	for (size_t i = 0; i < RESTS; i++) {
		const double root = drawing->rest_step * (double)i;
		drawing->rests[i] = freedom > 0 ? fmax(chi_square_sf(root * root, freedom),
						       null_law_p(&drawing->all_law, root * sqrt(drawing->freedom / freedom), 1))
						: 0;
	}
}

/* The bins with that count and weight; an earlier one counts for all of them. */
static size_t bins_alike(const struct law_drawing *drawing, size_t bin)
{
	size_t alike = 0;
	for (size_t i = 0; i < drawing->bins; i++) {
		if (drawing->counts[i] != drawing->counts[bin] || drawing->weights[i] != drawing->weights[bin])
			continue;
		if (i < bin)
			return 0;
		alike++;
	}
	return alike;
}

/* Adds to the chances at each place those of crowded windows. */
static void crowded_add(const struct law_drawing *drawing, size_t bin, double step, double *chances)
{
	const double weight = drawing->weights[bin], alike = (double)bins_alike(drawing, bin);
	if (alike == 0)
		return;
	double rows = drawing->most[bin] + 1, chance = rows_chance(drawing, weight, rows);
	for (; rows <= drawing->window_rows && chance * alike > LEAST_CHANCE / 100; rows++) {
		const double square = bin_statistic(drawing, drawing->counts[bin], rows);
		for (size_t i = 0; i < CHI_SQUARE_LAW_PLACES; i++) {
			const double root = step * (double)i;
			chances[i] += alike * chance * rest_chance(drawing, root * root - square);
		}
		if (rows < drawing->window_rows)
			chance *= chance_grows(drawing, weight, rows);
	}
}

/* ---- the law ---- */

static void chances_fill(struct law_drawing *drawing, double most, struct chi_square_law *law)
{
	law->step = most / (CHI_SQUARE_LAW_PLACES - 1);
	rests_fill(drawing, most);
	for (size_t i = 0; i < CHI_SQUARE_LAW_PLACES; i++)
		law->chances[i] = null_law_p(&drawing->roomy_law, law->step * (double)i, 1);
	for (size_t bin = 0; bin < drawing->bins; bin++)
		crowded_add(drawing, bin, law->step, law->chances);
}

static void law_fill(struct law_drawing *drawing, struct chi_square_law *law)
{
	double most = ROOT_BEGINS;
	chances_fill(drawing, most, law);
	while (law->chances[CHI_SQUARE_LAW_PLACES - 1] > LEAST_CHANCE && most < ROOT_MOST)
		chances_fill(drawing, most *= 2, law);
	for (size_t i = 0; i < CHI_SQUARE_LAW_PLACES; i++)
		law->chances[i] = log(fmax(fmin(law->chances[i], 1), LEAST_CHANCE / 100));
}

static bool drawing_begin(struct law_drawing *drawing, const struct chi_square_samples *samples, struct arena *scratch)
{
	const size_t bins = samples->bin_count;
	size_t present = 0;
	double count = 0;
	for (size_t i = 0; i < bins; i++) {
		count += samples->counts[i];
		present += samples->counts[i] > 0;
	}
	const double window_rows = floor(fmin(samples->window_rows / samples->dependence, samples->rows_most));
	*drawing = (struct law_drawing){.chance = {SEED},
					.bins = bins,
					.rows = count / samples->dependence,
					.window_rows = fmax(window_rows, 1),
					.freedom = (double)present - 1};
	drawing->counts = ARENA_ARRAY(scratch, double, bins);
	drawing->weights = ARENA_ARRAY(scratch, double, bins);
	drawing->kept = ARENA_ARRAY(scratch, double, bins);
	drawing->others = ARENA_ARRAY(scratch, uint32_t, bins);
	drawing->drawn = ARENA_ARRAY(scratch, uint32_t, (size_t)drawing->window_rows);
	drawing->window = ARENA_ARRAY(scratch, double, bins);
	drawing->most = ARENA_ARRAY(scratch, double, bins);
	drawing->all = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	drawing->roomy = ARENA_ARRAY(scratch, double, NULL_LAW_DRAWS);
	drawing->rests = ARENA_ARRAY(scratch, double, RESTS);
	if (arena_failed(scratch))
		return false;
	urn_fill(drawing, samples);
	return alias_fill(drawing, scratch);
}

bool chi_square_law_learn(struct chi_square_law *law, const struct chi_square_samples *samples, struct arena *scratch)
{
	struct law_drawing drawing;
	*law = (struct chi_square_law){.window_rows = samples->window_rows, .common = (double)INFINITY};
	if (samples->bin_count < 2)
		return true;
	if (!drawing_begin(&drawing, samples, scratch))
		return false;
	most_fill(&drawing);
	windows_draw(&drawing);
	law_fill(&drawing, law);
	law->common = common_size(drawing.rows, drawing.window_rows);
	return true;
}

/* A place, and not between two: the chance falls by jumps. Beyond its end, the law is on the safe side that of an exponential
 * tail. */
double chi_square_law_root(const struct chi_square_law *law, double p)
{
	const double chance = log(p);
	const size_t last = CHI_SQUARE_LAW_PLACES - 1;
	size_t place = 0;
	while (place < last && law->chances[place] > chance)
		place++;
	const double root = law->step * (double)place;
	return root > 0 && law->chances[place] > chance ? root * chance / law->chances[place] : root;
}
