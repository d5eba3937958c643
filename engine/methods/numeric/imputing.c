/* imputing.c: see imputing.h. */
#include "methods/numeric/imputing.h"

#include <math.h>

#include "methods/numeric/quantile.h"

static double mean_of(const struct sorted *sorted)
{
	double sum = 0, rest = 0;
	for (size_t i = 0; i < sorted->count; i++) {
		const double value = sorted->values[i], next = sum + value;
		rest += fabs(sum) >= fabs(value) ? (sum - next) + value : (value - next) + sum;
		sum = next;
	}
	return sorted->count ? (sum + rest) / (double)sorted->count : NAN;
}

static double most_frequent(const struct sorted *sorted)
{
	double best = NAN;
	size_t best_count = 0;
	for (size_t first = 0, next; first < sorted->count; first = next) {
		for (next = first + 1; next < sorted->count && sorted->values[next] == sorted->values[first]; next++)
			;
		if (next - first > best_count) {
			best_count = next - first;
			best = sorted->values[first];
		}
	}
	return best;
}

bool imputing_fit(const struct table *table, enum imputing by, double *values, struct arena *arena)
{
	for (size_t i = 0; i < table->columns; i++) {
		const struct sorted sorted = column_sorted(table, i, arena);
		if (!sorted.values)
			return false;
		values[i] = by == IMPUTE_MEAN	  ? mean_of(&sorted)
			    : by == IMPUTE_MEDIAN ? quantile_sorted(sorted.values, sorted.count, 0.5, QUANTILE_LINEAR)
						  : most_frequent(&sorted);
	}
	return true;
}

void imputing_apply(const struct table *table, const double *values, bool each)
{
	double *at = table->values;
	for (size_t row = 0; row < table->rows; row++, at += table->columns)
		for (size_t i = 0; i < table->columns; i++)
			at[i] = at[i] != at[i] ? values[each ? i : 0] : at[i];
}
