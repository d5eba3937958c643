/* replica_estimate.h: Number of engines that a namespace needs, estimated from its lag, its rate and the processor time of one
 * engine. Pure. */
#ifndef SLUICE_RUNTIME_REPLICA_ESTIMATE_H
#define SLUICE_RUNTIME_REPLICA_ESTIMATE_H

#include <stddef.h>

#define REPLICAS_CATCH_UP_S 30 /* time in which what waits is to be gone */
#define REPLICAS_USE 0.8       /* share of its capacity that an engine is to use */
#define REPLICAS_CPU_LEAST 0.05 /* an engine that uses less is not extrapolated further */

/* Of the last seconds. */
struct replica_load {
	double ended;	  /* records per second that this engine has ended */
	double arrived;	  /* records per second that have come for all engines */
	double lag;	  /* records that wait for all engines */
	double cpu_share; /* processor time of this engine, as a share of that of its workers' threads */
	size_t busy_partitions;
};

/* `capacity`: records per second that one engine can end, kept between two calls; 0: not known. It is what the engine
 * has ended while more than a second's records waited, else what it has ended over its share of processor time. The
 * number is what comes, and what waits over REPLICAS_CATCH_UP_S, over REPLICAS_USE of the capacity, rounded up: at
 * least 1, and at most the busy partitions. So it is 0 when no partition has work. */
size_t replicas_wanted(const struct replica_load *load, double *capacity);

#endif
