/* importance.c: see importance.h. */
#include "methods/explain/importance.h"

#include <math.h>

double *importance_means(struct importance *importance)
{
	return (double *)(importance + 1);
}

void importance_add(struct importance *importance, const double *contributions, size_t features)
{
	double *means = importance_means(importance), total = 0;
	for (size_t i = 0; i < features; i++)
		total += fabs(contributions[i]);
	if (!isfinite(total))
		return;
	const double share = 1 / (double)++importance->records;
	importance->total += share * (total - importance->total);
	for (size_t i = 0; i < features; i++)
		means[i] += share * (fabs(contributions[i]) - means[i]);
}

void importance_merge(struct importance *into, struct importance *from, size_t features)
{
	double *means = importance_means(into), *others = importance_means(from);
	into->records += from->records;
	const double share = into->records ? (double)from->records / (double)into->records : 0;
	into->total += share * (from->total - into->total);
	for (size_t i = 0; i < features; i++)
		means[i] += share * (others[i] - means[i]);
}

double importance_shift(struct importance *left, struct importance *right, size_t features)
{
	double sum = 0;
	if (!(left->total > 0 && right->total > 0))
		return (double)NAN;
	for (size_t i = 0; i < features; i++)
		sum += fabs(importance_means(left)[i] / left->total - importance_means(right)[i] / right->total);
	return sum / 2;
}
