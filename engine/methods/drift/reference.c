/* reference.c: see reference.h. */
#include "methods/drift/reference.h"

#include <math.h>

#include "methods/numeric/quantile.h"
#include "methods/statistics/distribution.h"

#define SURE 2.5		/* standard deviations from which on a dependence is believed */
#define SURE_FAR 4		/* the same of rows further apart: their root makes much of little */
#define CARRY_MOST 0.98 /* beyond, a reference says next to nothing */
#define FACTOR_MOST ((1 + CARRY_MOST) / (1 - CARRY_MOST))
#define LAG_MOST 4	 /* rows further apart say little of how alike neighbours are */
#define SUM_ROWS_LEAST 4 /* sums of two rows say no more than the carry */
#define SUMS_LEAST 10	 /* beside each other: fewer say too little of how they vary */
#define OVERLAP 1.5	 /* sums at each row say as much as so many times those beside each other */
#define CHANCE 0.0002	 /* that sums vary so much more by chance */
#define SPANS_LEAST                                                                                                                \
	1 /* of a dependence whose length sums show: of a longer one they have seen too little to say how much is to come */
#define SPANS_MOST 32
#define SPANS_WITHIN 0.01
#define SPREAD_PART 0.5	 /* of a share of numbers at one end, which varies half by how far they are from the middle */

/* Scores of rows in their order, 0 on the average; a row without one has 0, too. That of a category is a vector: the square of the
 * sum over some rows, divided by their number, is the chi-square of their categories. Two rows of a category that has the share p
 * of all rows have the product 1/p - 1, and of two categories -1. */
struct scores {
	const double *values; /* NaN: the row has none */
	const double *scores; /* of numbers */
	size_t count, block;
	double square;	   /* the mean of their squares */
	double dimensions; /* of a score */
	size_t categories; /* 0: of numbers */
	double *shares;	   /* of all rows, that each category has */
	double *held;	   /* rows of each category that are in a sum */
};

struct scores_sum {
	double sum;    /* of numbers; the number of rows of categories */
	double square; /* of categories: of the rows of each, divided by its share */
};

/* Twice the rank, ties in the middle. */
static double twice_rank_of(const double *sorted, size_t count, double value)
{
	return (double)(sorted_below(sorted, count, value) + sorted_until(sorted, count, value));
}

static double scores_product(const struct scores *of, size_t i, size_t j)
{
	if (of->categories == 0)
		return of->scores[i] * of->scores[j];
	return (of->values[i] == of->values[j] ? 1 / of->shares[(size_t)of->values[i]] : 0) - 1;
}

static void sum_begin(const struct scores *of, struct scores_sum *sum)
{
	*sum = (struct scores_sum){0};
	for (size_t i = 0; i < of->categories; i++)
		of->held[i] = 0;
}

/* Takes the row into the sum: `times` is 1; or out of it: -1. */
static void sum_take(const struct scores *of, struct scores_sum *sum, size_t row, double times)
{
	if (of->categories == 0) {
		sum->sum += times * of->scores[row];
		return;
	}
	if (isnan(of->values[row]))
		return;
	const size_t category = (size_t)of->values[row];
	sum->sum += times;
	sum->square += (2 * times * of->held[category] + 1) / of->shares[category];
	of->held[category] += times;
}

static double sum_square(const struct scores *of, const struct scores_sum *sum)
{
	const double squared = sum->sum * sum->sum;
	return of->categories > 0 ? sum->square - squared : squared;
}

/* What a row keeps of the one before it, as in an autoregression of first order in which rows `lag` apart are as alike as here, and
 * one standard deviation more. 0: it is not sure that it keeps anything. */
static double carry_of(const struct scores *of, size_t lag)
{
	double pairs = 0, product = 0, kept = 0;
	for (size_t i = 0; i < of->count; i++) {
		const bool paired = i % of->block >= lag && !isnan(of->values[i]) && !isnan(of->values[i - lag]);
		product += paired ? scores_product(of, i, i - lag) : 0;
		pairs += paired;
		kept += !isnan(of->values[i]);
	}
	if (pairs < 10)
		return 0;
	const double alike = product / pairs / (of->square * (double)of->count / kept);
	if (!(alike > (lag > 1 ? SURE_FAR : SURE) / sqrt(pairs * of->dimensions)))
		return 0;
	const double sure = alike + (1 + 3 * alike) / pairs + sqrt((1 - alike * alike) / pairs); /* the second is its bias */
	return fmin(pow(fmin(sure, 1), 1 / (double)lag), CARRY_MOST);
}

/* How many times as much as those of independent rows, sums of so many rows vary. */
static double sums_factor(const struct scores *of, size_t rows)
{
	struct scores_sum sum;
	double squares = 0, sums = 0;
	for (size_t i = 0; i < of->count; i++) {
		const size_t place = i % of->block;
		if (place == 0)
			sum_begin(of, &sum);
		sum_take(of, &sum, i, 1);
		if (place >= rows)
			sum_take(of, &sum, i - rows, -1);
		if (place + 1 < rows)
			continue;
		squares += sum_square(of, &sum);
		sums++;
	}
	return squares / sums / ((double)rows * of->square) / (1 - (double)rows / (double)of->count);
}

/* The same of an autoregression. */
static double carried_factor(double carry, double rows)
{
	return (1 + carry) / (1 - carry) - 2 * carry * (1 - pow(carry, rows)) / (rows * (1 - carry) * (1 - carry));
}

/* Rows are the less alike the further apart they are. What sums vary more than those of independent rows grows until they are far
 * longer than that: the part of all of it that sums of so many lengths have. */
static double grown_part(double spans)
{
	return 1 - (1 - exp(-spans)) / spans;
}

/* All that sums vary more, from what those of so many rows do, and those of half as many. */
static double grown_whole(double half, double whole)
{
	double low = SPANS_LEAST, high = SPANS_MOST;
	while (high - low > SPANS_WITHIN) {
		const double middle = (low + high) / 2;
		if (whole * grown_part(middle / 2) > half * grown_part(middle))
			high = middle;
		else
			low = middle;
	}
	return whole / grown_part(low);
}

/* Below noise, or where one category covers many numbers, rows further apart are more alike than neighbours let expect; but none
 * more than neighbours are: those follow from one another in turns. */
static double carry_most(const struct scores *of, double of_neighbours)
{
	double most = of_neighbours, nearer = of_neighbours;
	for (size_t lag = 2; lag <= LAG_MOST; lag *= 2) {
		const double carry = carry_of(of, lag), alike = pow(carry, (double)lag);
		if (alike > nearer)
			break;
		most = fmax(most, carry);
		nearer = alike;
	}
	return most;
}

/* How many rows say as much as an independent one. Where sums of many rows vary more than an autoregression explains, rows follow
 * from others further back: those of a season, of the same sender, of several sources in turns, or of a state that lasts. Sums of a
 * tenth of the rows are the longest. Where these still grow, longer ones are expected to vary more. */
static double scores_dependence(const struct scores *of)
{
	if (!(of->square > 0))
		return 1;
	const double carry = carry_of(of, 1), most = carry_most(of, carry);
	double factor = (1 + most) / (1 - most), before = 0, whole = 0;
	for (size_t rows = SUM_ROWS_LEAST; rows * SUMS_LEAST <= of->count && rows <= of->block; rows *= 2) {
		const double freedom = OVERLAP * (double)of->count / (double)rows, sums = sums_factor(of, rows);
		const bool more = sums > carried_factor(carry, (double)rows) * chi_square_critical(CHANCE, freedom) / freedom;
		if (more)
			factor = fmax(factor, sums * (1 + sqrt(2 / freedom)));
		whole = more && before > 1 ? grown_whole(before - 1, sums - 1) : 0;
		before = sums;
	}
	return fmin(fmax(factor, 1 + whole), FACTOR_MOST);
}

/* Instead of the ranks, how far they are from the middle. */
static void scores_fold(double *scores, const double *values, size_t count, size_t kept)
{
	double mean = 0;
	for (size_t i = 0; i < count; i++)
		mean += fabs(scores[i]) / (double)kept;
	for (size_t i = 0; i < count; i++)
		scores[i] = isnan(values[i]) ? 0 : fabs(scores[i]) - mean;
}

static double mean_square(const double *scores, size_t count)
{
	double square = 0;
	for (size_t i = 0; i < count; i++)
		square += scores[i] * scores[i];
	return square / (double)count;
}

size_t drift_ranks(const double *values, size_t count, double *ranks, double *sorted)
{
	for (size_t i = 0; i < count; i++)
		sorted[i] = values[i];
	const size_t kept = quantile_sort(sorted, count);
	for (size_t i = 0; i < count; i++)
		ranks[i] = isnan(values[i]) ? 0 : twice_rank_of(sorted, kept, values[i]) - (double)kept;
	return kept;
}

double drift_dependence(const double *values, size_t count, size_t block, double *scratch)
{
	double *scores = scratch + count;
	const size_t kept = drift_ranks(values, count, scores, scratch);
	struct scores of = {.values = values,
			    .scores = scores,
			    .count = count,
			    .block = block,
			    .square = mean_square(scores, count),
			    .dimensions = 1};
	const double of_ranks = scores_dependence(&of);
	scores_fold(scores, values, count, kept);
	of.square = mean_square(scores, count);
	return fmax(of_ranks, 1 + SPREAD_PART * (scores_dependence(&of) - 1));
}

bool drift_feature_is_compared(const struct drift_feature *feature, size_t rows)
{
	size_t count = 0;
	for (size_t i = 0; i < rows && count < DRIFT_VALUES_MIN; i++)
		count += isnan(feature->values[i]) ? 0 : 1;
	return count == DRIFT_VALUES_MIN;
}

bool drift_reference_compares(const struct drift_reference *reference)
{
	for (size_t i = 0; i < reference->feature_count; i++)
		if (drift_feature_is_compared(&reference->features[i], reference->rows))
			return true;
	return false;
}

double drift_dependence_of_categories(const double *values, size_t count, size_t block, size_t categories, double *scratch)
{
	struct scores of = {.values = values,
			    .count = count,
			    .block = block,
			    .categories = categories,
			    .shares = scratch,
			    .held = scratch + categories,
			    .dimensions = -1};
	double kept = 0;
	for (size_t i = 0; i < categories; i++)
		of.shares[i] = 0;
	for (size_t i = 0; i < count; i++)
		if (!isnan(values[i])) {
			of.shares[(size_t)values[i]]++;
			kept++;
		}
	for (size_t i = 0; i < categories; i++) {
		of.shares[i] /= kept;
		of.square += of.shares[i] > 0 ? (1 - of.shares[i]) * kept / (double)count : 0;
		of.dimensions += of.shares[i] > 0;
	}
	return scores_dependence(&of);
}
