/* correction.h: Corrections of p-values for testing several hypotheses at once.
 *
 * Bonferroni and Holm bound the chance of any false rejection; Benjamini-Hochberg and Benjamini-Yekutieli the share of
 * false ones among rejections, the latter under any dependence. A hypothesis is rejected where its adjusted p-value
 * is at most the level.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum correction { CORRECTION_BONFERRONI, CORRECTION_HOLM, CORRECTION_BH, CORRECTION_BY, CORRECTION_COUNT };

extern const char *const correction_names[CORRECTION_COUNT]; /* "bonferroni" */

/* Adjusted p-values in the order of `p`; may be written over it. False: the arena is full. */
bool correction_adjust(enum correction correction, const double *p, size_t count, double *adjusted, struct arena *arena);
