/* namespace_load.h: Load of the namespaces that an engine serves, sampled every few seconds: lag, rates and processor
 * time, and the number of engines needed (monitor/namespace_load.h).
 *
 * Belongs to the engine's thread.
 */
#pragma once

#include "observe/metric.h"
#include "monitor/lag_watch.h"

/* Number of engines that a namespace needs, estimated from its lag, its rate and the processor time of one engine. */

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

#define LOAD_EVERY_MS 10000 /* two rounds of the lag watch */

struct namespace_loads;

/* Samples by a timer of the engine's loop. Borrows all arguments. NULL: `error` has the reason (SYSTEM). */
struct namespace_loads *namespace_loads_open(struct engine *engine, const struct engine_config *config, struct lag_watch *lags,
					     struct error *error);
void namespace_loads_close(struct namespace_loads *loads); /* NULL is fine */

/* State of a namespace at the last sample; NaN: not known yet. */
struct namespace_state namespace_load_state(const struct namespace_loads *loads, const char *namespace);
