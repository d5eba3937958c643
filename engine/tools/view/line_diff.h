/* line_diff.h: Differences between two texts, line by line, as `diff -u` prints them. */
#pragma once

#include "base/text.h"

#define LINE_DIFF_CONTEXT 3
/* Pairs of lines that are compared; texts that differ in more are printed as removed and added as a whole. */
#define LINE_DIFF_PAIRS_MAX ((size_t)16 << 20)

/* Appends the differences, or nothing if the texts are the same. Lines are escaped for terminals. False: memory ran
 * out. */
bool line_diff(struct text before, struct text after, const char *before_name, const char *after_name, struct buffer *out);
