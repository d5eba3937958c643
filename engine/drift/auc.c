/* auc.c: Area under the ROC curve; see auc.h. */
#include "drift/auc.h"

#include <math.h>
#include <stddef.h>

static size_t bin_of(double probability)
{
	const double at = AUC_BINS / 2.0 + AUC_BINS_A_UNIT * log(probability / (1 - probability));
	return at >= AUC_BINS ? AUC_BINS - 1 : at > 0 ? (size_t)at : 0;
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

/* All of both classes, pairs that are in order, and the pairs of a row with itself that chances make up. */
struct auc_sums {
	double positives, negatives, ordered, own;
};

/* Chances of a bin's row to be positive times those to be negative, over its rows. */
static double bin_own(const struct auc *auc, size_t bin)
{
	const double rows = auc->positives[bin] + auc->negatives[bin];
	return rows > 0 ? auc->positives[bin] * auc->negatives[bin] / rows : 0;
}

static struct auc_sums auc_sum(const struct auc *auc)
{
	struct auc_sums sums = {0};
	for (size_t i = 0; i < AUC_BINS; i++) {
		sums.ordered += auc->positives[i] * (sums.negatives + auc->negatives[i] / 2);
		sums.positives += auc->positives[i];
		sums.negatives += auc->negatives[i];
		sums.own += bin_own(auc, i);
	}
	return sums;
}

/* The variance of the area: of each label, times the square of how much the area would move with it. */
static double auc_variance(const struct auc *auc, const struct auc_sums *sums, double pairs, double area)
{
	double variance = 0, below = 0, above = sums->positives; /* negatives before the bin; positives behind it */
	for (size_t i = 0; i < AUC_BINS; i++) {
		above -= auc->positives[i];
		const double ordered = below + auc->negatives[i] / 2 - above - auc->positives[i] / 2;
		const double moved = (ordered - area * (sums->negatives - sums->positives)) / pairs;
		variance += bin_own(auc, i) * moved * moved;
		below += auc->negatives[i];
	}
	return variance;
}

struct performance_estimate auc_estimate(const struct auc *auc, double level)
{
	const struct auc_sums sums = auc_sum(auc);
	const double pairs = sums.positives * sums.negatives - sums.own;
	const double area = pairs > 0 ? (sums.ordered - sums.own / 2) / pairs : (double)NAN;
	return performance_band(area, auc_variance(auc, &sums, pairs, area), level);
}

double auc_realised(const struct auc *auc)
{
	const struct auc_sums sums = auc_sum(auc);
	return sums.positives > 0 && sums.negatives > 0 ? sums.ordered / (sums.positives * sums.negatives) : (double)NAN;
}

double auc_rarer(const struct auc *auc)
{
	const struct auc_sums sums = auc_sum(auc);
	return fmin(sums.positives, sums.negatives);
}
