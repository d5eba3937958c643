/* auc.c: Area under the ROC curve; see auc.h. */
#include "methods/drift/tests/auc.h"

#include <math.h>

#include "methods/statistics/distribution.h"

void performance_add_class(struct performance *performance, double probability)
{
	if (!(probability >= 0 && probability <= 1))
		return;
	performance->rows++;
	performance->right += probability;
	performance->right_variance += probability * (1 - probability);
}

void performance_add(struct performance *performance, double positive, bool predicted)
{
	if (!(positive >= 0 && positive <= 1))
		return;
	performance_add_class(performance, predicted ? positive : 1 - positive);
	performance->predicted += predicted;
	*(predicted ? &performance->found : &performance->missed) += positive;
	*(predicted ? &performance->found_variance : &performance->missed_variance) += positive * (1 - positive);
}

/* How far to both sides a share `level` reaches. */
static double reach_of(double level, double variance)
{
	return normal_critical((1 - level) / 2) * sqrt(variance);
}

static struct performance_estimate band_of(double value, double reach, double most)
{
	if (isnan(value))
		return (struct performance_estimate){(double)NAN, (double)NAN, (double)NAN};
	return (struct performance_estimate){value, fmax(0, value - reach), fmin(most, value + reach)};
}

/* The band of a share that has that variance. */
static struct performance_estimate performance_band(double value, double variance, double level)
{
	return band_of(value, reach_of(level, variance), 1);
}

/* Of a count among so many rows. Half a row more on both sides: the realised count is whole, and of few mistakes a band without it
 * misses one too often. */
static struct performance_estimate counted_band(double count, double variance, double rows, double level)
{
	return band_of(count / rows, (reach_of(level, variance) + 0.5) / rows, 1);
}

struct performance_estimate performance_accuracy(const struct performance *performance, double level)
{
	return counted_band(performance->right, performance->right_variance, (double)performance->rows, level);
}

struct performance_estimate performance_precision(const struct performance *performance, double level)
{
	return counted_band(performance->found, performance->found_variance, (double)performance->predicted, level);
}

/* A ratio of two sums: its variance to the first order of both. */
struct performance_estimate performance_recall(const struct performance *performance, double level)
{
	double found = performance->found, missed = performance->missed, positives = found + missed;
	double variance = missed * missed * performance->found_variance + found * found * performance->missed_variance;
	return performance_band(found / positives, variance / pow(positives, 4), level);
}

void expected_errors_add(struct expected_errors *errors, double expected)
{
	if (!(expected >= 0 && expected <= EXPECTED_ERROR_MAX))
		return;
	errors->rows++;
	errors->sum += expected;
	errors->variance += expected * expected;
}

struct performance_estimate expected_errors_mean(const struct expected_errors *errors, double level)
{
	double rows = (double)errors->rows;
	return band_of(errors->sum / rows, reach_of(level, errors->variance) / rows, (double)INFINITY);
}

/* ---- bins ---- */

#define BIN_OF_0 0
#define BIN_OPEN_LOW 1
#define BIN_OPEN_HIGH (AUC_BINS - 2)
#define BIN_OF_1 (AUC_BINS - 1)

static size_t bin_of(double probability)
{
	if (probability == 0)
		return BIN_OF_0;
	if (probability == 1)
		return BIN_OF_1;
	const double at = AUC_BINS / 2.0 + AUC_BINS_A_UNIT * log(probability / (1 - probability));
	return (size_t)fmin(fmax(at, BIN_OPEN_LOW), BIN_OPEN_HIGH);
}

void auc_add(struct auc *auc, double probability, double positive)
{
	if (!(probability >= 0 && probability <= 1))
		return;
	const size_t bin = bin_of(probability);
	auc->rows++;
	auc->positives[bin] += positive;
	auc->negatives[bin] += 1 - positive;
}

/* ---- sums ---- */

/* Pairs of a positive and a negative row. Chances make up a pair of each row with itself, too. */
struct auc_sums {
	double positives, negatives; /* rows */
	double ordered;		     /* pairs in order; of those in one bin, half */
	double self_pairs;	     /* of a row with itself */
	double within;		     /* pairs of two rows of one bin */
	double open, open_self;	     /* pairs within the open bins, and those of a row with itself */
};

/* Chances of a bin's row to be positive times those to be negative, over its rows. */
static double bin_self_pairs(const struct auc *auc, size_t bin)
{
	const double rows = auc->positives[bin] + auc->negatives[bin];
	return rows > 0 ? auc->positives[bin] * auc->negatives[bin] / rows : 0;
}

/* Pairs of two rows of a bin. */
static double bin_pairs(const struct auc *auc, size_t bin)
{
	return auc->positives[bin] * auc->negatives[bin] - bin_self_pairs(auc, bin);
}

static struct auc_sums auc_sum(const struct auc *auc)
{
	struct auc_sums sums = {0};
	for (size_t i = 0; i < AUC_BINS; i++) {
		sums.within += bin_pairs(auc, i);
		sums.ordered += auc->positives[i] * (sums.negatives + auc->negatives[i] / 2);
		sums.positives += auc->positives[i];
		sums.negatives += auc->negatives[i];
		sums.self_pairs += bin_self_pairs(auc, i);
		if (i == BIN_OPEN_LOW || i == BIN_OPEN_HIGH) {
			sums.open += auc->positives[i] * auc->negatives[i];
			sums.open_self += bin_self_pairs(auc, i);
		}
	}
	return sums;
}

/* The share of the pairs that are in order. NaN: there is no pair, or the order of too many is not known. */
static double share_ordered(double ordered, double pairs, double open)
{
	return pairs > 0 && open <= AUC_OPEN_SHARE * pairs ? ordered / pairs : (double)NAN;
}

/* The variance of how many pairs of a bin are in order: of ranks in any order (Mann and Whitney 1947). */
static double bin_order_variance(const struct auc *auc, size_t bin)
{
	return bin_pairs(auc, bin) * (auc->positives[bin] + auc->negatives[bin] + 1) / 12;
}

/* The variance of the area: of each label, times the square of how much the area would move with it; and of the order of rows
 * of one bin, which count as equal. */
static double auc_variance(const struct auc *auc, const struct auc_sums *sums, double pairs, double area)
{
	double variance = 0, below = 0, above = sums->positives; /* negatives before the bin; positives after it */
	for (size_t i = 0; i < AUC_BINS; i++) {
		above -= auc->positives[i];
		const double ordered = below + auc->negatives[i] / 2 - above - auc->positives[i] / 2;
		const double moved = (ordered - area * (sums->negatives - sums->positives)) / pairs;
		variance += bin_self_pairs(auc, i) * moved * moved + bin_order_variance(auc, i) / (pairs * pairs);
		below += auc->negatives[i];
	}
	return variance;
}

/* ---- areas ---- */

/* What the area of a bin's rows is above 1/2 at most: half of the pairs are from end to end of it, and the larger one of these is
 * positive, of both, with the chance 1/2 and a quarter of the width. */
#define WITHIN_MOST (1.0 / (8 * AUC_BINS_A_UNIT))

struct performance_estimate auc_estimate(const struct auc *auc, double level)
{
	const struct auc_sums sums = auc_sum(auc);
	const double pairs = sums.positives * sums.negatives - sums.self_pairs;
	const double area = share_ordered(sums.ordered - sums.self_pairs / 2, pairs, sums.open - sums.open_self);
	struct performance_estimate estimate = performance_band(area, auc_variance(auc, &sums, pairs, area), level);
	if (isnan(area))
		return estimate;
	const double unknown = WITHIN_MOST * sums.within / pairs;
	estimate.low = fmax(estimate.low - unknown, 0);
	estimate.high = fmin(estimate.high + unknown, 1);
	return estimate;
}

double auc_realised(const struct auc *auc)
{
	const struct auc_sums sums = auc_sum(auc);
	return share_ordered(sums.ordered, sums.positives * sums.negatives, sums.open);
}

double auc_rarer(const struct auc *auc)
{
	const struct auc_sums sums = auc_sum(auc);
	return fmin(sums.positives, sums.negatives);
}
