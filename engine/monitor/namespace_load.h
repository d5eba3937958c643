/* namespace_load.h: Load of the namespaces that an engine serves, sampled every few seconds: lag, rates and processor
 * time, and the number of engines needed (monitor/replica_estimate.h).
 *
 * Belongs to the engine's thread.
 */
#ifndef SLUICE_MONITOR_NAMESPACE_LOAD_H
#define SLUICE_MONITOR_NAMESPACE_LOAD_H

#include "observe/metric.h"
#include "monitor/lag_watch.h"

#define LOAD_EVERY_MS 10000 /* two rounds of the lag watch */

struct namespace_loads;

/* Samples by a timer of the engine's loop. Borrows all arguments. NULL: `error` has the reason (SYSTEM). */
struct namespace_loads *namespace_loads_open(struct engine *engine, const struct engine_config *config, struct lag_watch *lags,
					     struct error *error);
void namespace_loads_close(struct namespace_loads *loads); /* NULL is fine */

/* State of a namespace at the last sample; NaN: not known yet. */
struct namespace_state namespace_load_state(const struct namespace_loads *loads, const char *namespace);

#endif
