/* moment.h: a point in time as people read it: ISO 8601, in UTC. Any thread. */
#ifndef SLUICE_BASE_MOMENT_H
#define SLUICE_BASE_MOMENT_H

#include <stdint.h>

#define MOMENT_BYTES 24

/* "2026-01-31T23:59:59Z", of milliseconds since 1970; "never" for what no calendar has. */
void moment_print(int64_t ms, char moment[MOMENT_BYTES]);

#define MOMENT_MS_BYTES 28

/* The same with its milliseconds: "2026-01-31T23:59:59.250Z". */
void moment_print_ms(int64_t ms, char moment[MOMENT_MS_BYTES]);

#endif
