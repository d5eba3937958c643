/* replica_estimate.c: see replica_estimate.h. */
#include "monitor/replica_estimate.h"

#include <math.h>

static double capacity_seen(const struct replica_load *load)
{
	double share = fmin(fmax(load->cpu_share, REPLICAS_CPU_LEAST), 1);
	return load->lag > load->ended ? load->ended : load->ended / share;
}

size_t replicas_wanted(const struct replica_load *load, double *capacity)
{
	if (load->ended > 0)
		*capacity = capacity_seen(load);
	if (load->busy_partitions == 0)
		return 0;
	double work = load->arrived + load->lag / REPLICAS_CATCH_UP_S;
	double wanted = *capacity > 0 ? ceil(work / (REPLICAS_USE * *capacity)) : 1;
	wanted = fmin(fmax(wanted, 1), (double)load->busy_partitions);
	return (size_t)wanted;
}
