/* moment.h: Points in time as text: ISO 8601, in UTC. Callable from any thread. */
#pragma once

#include "base/text.h"

#define MOMENT_BYTES 24
#define MOMENT_MS_MOST 253402300799999 /* of the year 9999 */

/* Whether the milliseconds are of the calendar: those that a stranger wrote need not be, and times are added and subtracted. */
static inline bool moment_is_known(int64_t ms)
{
	return ms >= 0 && ms <= MOMENT_MS_MOST;
}

/* "2026-01-31T23:59:59Z", from milliseconds since 1970; "never" for values outside the calendar. */
void moment_print(int64_t ms, char moment[MOMENT_BYTES]);

#define MOMENT_MS_BYTES 28

/* The same with its milliseconds: "2026-01-31T23:59:59.250Z". */
void moment_print_ms(int64_t ms, char moment[MOMENT_MS_BYTES]);

/* Reads 2026-01-31, 2026-01-31T09:30Z or 2026-01-31 09:30:15.250+01:00: a date, or a date and a time after `T`,
 * `t` or a space, in years 0000 to 9999. Without an offset it is UTC. Fractions of a millisecond are ignored.
 * False: the text is not a point in time, and `ms` is unchanged. */
bool moment_read(struct text text, int64_t *ms);
