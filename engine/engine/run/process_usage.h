/* process_usage.h: Resource usage of this process, for its metrics: processor time, memory and file descriptors. */
#pragma once

#include "observe/metric.h"

/* Reads /proc, in some tens of microseconds. A value that cannot be read is NaN. Any thread may call. */
struct process_state process_usage(void);

/* Its resident memory; NaN: it cannot be read. */
double process_resident_bytes(void);
