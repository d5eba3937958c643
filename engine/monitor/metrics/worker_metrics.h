/* worker_metrics.h: Metrics of an engine's workers, and of the Kafka clients of each. */
#ifndef SLUICE_MONITOR_METRICS_WORKER_METRICS_H
#define SLUICE_MONITOR_METRICS_WORKER_METRICS_H

#include "engine/setup/group_setup.h"

/* Writes those of the groups' workers. `now_ms` is of the loop's clock. Scratch memory is in the arena, whose failure means that
 * some are missing. */
void worker_metrics_write(const struct group *groups, int64_t now_ms, struct arena *arena, struct exposition *exposition);

#endif
