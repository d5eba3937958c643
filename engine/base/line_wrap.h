/* line_wrap.h: Line wrap: breaks the lines of a printed page between words, at the width of a terminal.
 *
 * A continued line is indented to the last column of the line that begins in its left half: columns are separated by two
 * blanks or more. Without columns it is indented as the line itself, at least by LINE_WRAP_INDENT. A word that is longer
 * than the width is not broken, so that it can be copied. Escape sequences of colours have no width.
 */
#pragma once

#include "base/text.h"

#define LINE_WRAP_INDENT 2
#define LINE_WRAP_LEAST 40 /* columns: on a narrower terminal lines are wrapped at that width */

/* Appends the page to `out`, each line at most `columns` wide. 0: unchanged. */
void lines_wrap(struct text page, size_t columns, struct buffer *out);
