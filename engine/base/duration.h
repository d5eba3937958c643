/* duration.h: stretches of time as users write them.
 *
 * One or more `<number><unit>` behind each other: 250ms, 1h30m, 0.5s. Units are ms,
 * s, m (also min), h (also hour, hours) and d. A number without a unit is refused:
 * nobody can tell what it means. So is nothing at all: every duration is above 0.
 *
 * Nothing is kept or taken from the heap; any thread may call.
 */
#ifndef SLUICE_BASE_DURATION_H
#define SLUICE_BASE_DURATION_H

#include "base/text.h"

#define NS_PER_US 1000
#define NS_PER_MS 1000000
#define NS_PER_S 1000000000
#define US_PER_MS 1000
#define MS_PER_S 1000

/* NULL when `text` is a duration, then in nanoseconds in `duration_ns`; else what is
 * wrong with it, as the end of a sentence that begins with the text. */
const char *duration_read(struct text text, int64_t *duration_ns);

/* The same where nothing at all has a meaning: `0s`. */
const char *duration_read_or_none(struct text text, int64_t *duration_ns);

#define DURATION_TEXT_MAX 64

/* The shortest text that reads back as the same: 90 minutes are "1h30m". */
void duration_print(int64_t duration_ns, char out[DURATION_TEXT_MAX]);

#endif
