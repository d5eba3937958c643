/* moments.c: Compensated sums and running moments; see moments.h. */
#include "methods/numeric/moments.h"

#include <math.h>

void sum_add(struct sum *sum, double number)
{
	double total = sum->total + number;
	if (isfinite(total))
		sum->rest += fabs(sum->total) >= fabs(number) ? sum->total - total + number : number - total + sum->total;
	sum->total = total;
}

double sum_value(const struct sum *sum)
{
	return sum->total + sum->rest;
}

void moments_add(struct moments *moments, double number)
{
	double away = number - moments->mean;
	moments->count++;
	moments->mean += away / (double)moments->count;
	moments->squares += away * (number - moments->mean);
}

void moments_merge(struct moments *into, const struct moments *from)
{
	if (from->count == 0)
		return;
	double count = (double)into->count + (double)from->count;
	double away = from->mean - into->mean;
	double share = (double)from->count / count;
	into->squares += from->squares + away * away * (double)into->count * share;
	into->mean += away * share;
	into->count += from->count;
}

double moments_variance(const struct moments *moments, unsigned freedom)
{
	return moments->count > freedom ? moments->squares / (double)(moments->count - freedom) : (double)NAN;
}
