/* performance.c: Estimated quality of a model; see performance.h. */
#include "methods/drift/tests/performance.h"

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

struct performance_estimate performance_band(double value, double variance, double level)
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
