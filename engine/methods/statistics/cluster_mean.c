/* cluster_mean.c: see cluster_mean.h. */
#include "methods/statistics/cluster_mean.h"

#include <math.h>

void cluster_mean_add(struct cluster_mean *mean, double number, double sum, uint64_t size)
{
	const double before = (double)size;
	mean->count++;
	mean->clusters += size == 0;
	mean->sum += number;
	mean->squares += number * (2 * sum + number);
	mean->products += sum + number * (before + 1);
	mean->sizes += 2 * before + 1;
}

void cluster_mean_add_whole(struct cluster_mean *mean, double sum, uint64_t size)
{
	mean->count += size;
	mean->clusters++;
	mean->sum += sum;
	mean->squares += sum * sum;
	mean->products += sum * (double)size;
	mean->sizes += (double)size * (double)size;
}

void cluster_mean_add_alone(struct cluster_mean *mean, double number, uint64_t clusters)
{
	const double times = (double)clusters;
	mean->count += clusters;
	mean->clusters += clusters;
	mean->sum += times * number;
	mean->squares += times * number * number;
	mean->products += times * number;
	mean->sizes += times;
}

struct moments cluster_mean_moments(const struct cluster_mean *mean)
{
	if (mean->count == 0)
		return (struct moments){0};
	const double count = (double)mean->count, clusters = (double)mean->clusters, middle = mean->sum / count;
	const double away = mean->squares - 2 * middle * mean->products + middle * middle * mean->sizes;
	const double share = clusters / count;
	return (struct moments){mean->clusters, middle, share * share * fmax(0, away)};
}
