/* process_usage.h: What this process uses of its machine: processor time, memory and descriptors, for its metrics. */
#ifndef SLUICE_RUNTIME_PROCESS_USAGE_H
#define SLUICE_RUNTIME_PROCESS_USAGE_H

#include "observe/metric.h"

/* Reads /proc; takes some tens of microseconds. What cannot be read is NaN. Any thread. */
struct process_state process_usage(void);

#endif
