/* distance.c: Distances between samples in their own unit; see distance.h. */
#include "comparison/drift/distance.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int weighed_compare(const void *left, const void *right)
{
	const struct weighed *a = left, *b = right;
	return (a->value > b->value) - (a->value < b->value);
}

void weighed_sort(struct weighed *values, size_t count)
{
	qsort(values, count, sizeof *values, weighed_compare);
}

static double weighed_total(const struct weighed *values, size_t count)
{
	double total = 0;
	for (size_t i = 0; i < count; i++)
		total += values[i].weight;
	return total;
}

struct distances distances_of(const struct weighed *reference, size_t references, const struct weighed *current, size_t currents)
{
	double all_reference = weighed_total(reference, references), all_current = weighed_total(current, currents);
	double below_reference = 0, below_current = 0, last = 0, linear = 0, square = 0;
	size_t i = 0, j = 0;
	while (i < references || j < currents) {
		bool first = i + j == 0, of_reference = j == currents || (i < references && reference[i].value <= current[j].value);
		double value = of_reference ? reference[i].value : current[j].value;
		double apart = below_reference / all_reference - below_current / all_current;
		if (!first) {
			linear += fabs(apart) * (value - last);
			square += apart * apart * (value - last);
		}
		last = value;
		if (of_reference)
			below_reference += reference[i++].weight;
		else
			below_current += current[j++].weight;
	}
	return (struct distances){linear, sqrt(2 * square)};
}
