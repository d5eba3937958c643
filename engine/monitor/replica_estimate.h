/* replica_estimate.h: Number of engines that a namespace needs, estimated from its lag, its rate and the processor time of one
 * engine. Pure. */
#ifndef SLUICE_MONITOR_REPLICA_ESTIMATE_H
#define SLUICE_MONITOR_REPLICA_ESTIMATE_H

#include <stddef.h>

#define REPLICAS_CATCH_UP_S 30 /* target time for processing the lag */
#define REPLICAS_USE 0.8       /* target share of an engine's capacity */
#define REPLICAS_CPU_LEAST 0.05 /* minimum for extrapolation: a smaller share is taken as this one */

/* Load in the last few seconds. */
struct replica_load {
	double ended;	  /* records per second that this engine finished */
	double arrived;	  /* records per second that arrived for all engines */
	double lag;	  /* records that wait for all engines */
	double cpu_share; /* processor time of this engine, divided by that of all its workers' threads at full use */
	size_t busy_partitions;
};

/* Returns the number of engines needed. `capacity`: records per second that one engine can finish, kept by the caller
 * between two calls; 0: not known. It is the rate at which the engine finished records while more than one second's
 * records waited; otherwise that rate divided by its share of processor time. The number is the arrival rate, plus
 * the lag divided by REPLICAS_CATCH_UP_S, divided by REPLICAS_USE of the capacity, rounded up. It is at least 1, and
 * at most the number of busy partitions. So it is 0 when no partition has work. */
size_t replicas_wanted(const struct replica_load *load, double *capacity);

#endif
