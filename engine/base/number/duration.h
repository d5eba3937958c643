/* duration.h: Durations as users write them.
 *
 * One or more `<number><unit>` in a row: 250ms, 1h30m, 0.5s. Units are ms, s, m (also min), h (also hour,
 * hours) and d. A number without a unit is refused, because its meaning is ambiguous. An empty text is refused
 * too. Every duration is above 0.
 *
 * Nothing is stored or allocated; callable from any thread.
 */
#pragma once

#include "base/text.h"

#define NS_PER_US 1000
#define NS_PER_MS 1000000
#define NS_PER_S 1000000000
#define US_PER_MS 1000
#define MS_PER_S 1000

/* NULL: `text` is a duration, which `duration_ns` then has in nanoseconds. Else the reason why not, as the end
 * of a sentence that begins with the text. */
const char *duration_read(struct text text, int64_t *duration_ns);

/* The same, for durations that may be zero: `0s`. */
const char *duration_read_or_none(struct text text, int64_t *duration_ns);

#define DURATION_TEXT_MAX 64

/* The shortest text that reads back as the same duration: 90 minutes are "1h30m". */
void duration_print(int64_t duration_ns, char out[DURATION_TEXT_MAX]);
