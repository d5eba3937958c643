/* trees_complete.h: Complete form of shallow trees, for the fastest walk. Private to trees.c, which makes it, and
 * trees_sum.c, which walks it.
 *
 * The children of node i are 2 i and 2 i + 1, and the leaves take the position of the next level, so a node needs no
 * link. A level costs one comparison that is added to the index: no branch, and four instructions on a processor with
 * a carry flag. A leaf above the last level is repeated below it. Floats are compared as whole numbers of the same
 * order. So a row is first turned into keys: one set of keys for the features, and one more for each way in which
 * missing numbers are treated.
 *
 * Only for trees whose numbers are rounded to float, of one output, without sets and vectors.
 */
#ifndef SLUICE_METHODS_PREDICTORS_TREES_COMPLETE_H
#define SLUICE_METHODS_PREDICTORS_TREES_COMPLETE_H

#include "methods/predictors/trees_parts.h"

#define COMPLETE_GROWTH_MAX 4			/* limit of the growth in nodes, as a factor; beyond it too much is repeated */
#define COMPLETE_SPARSE_MAX 4			/* most features for each split; beyond it keys cost more than they save */
#define COMPLETE_NODES_MAX ((size_t)2 << 20) /* 16 MiB; the first caches are smaller */

/* Makes complete trees of the first of `trees`, which are sorted by depth; none if they are not suitable. False: the
 * arena is full. */
bool complete_make(struct trees *trees, struct arena *arena);

/* The number of keys for a row. */
size_t complete_key_count(const struct trees *trees);
void complete_keys(const struct trees *trees, const double *row, uint64_t *keys);

/* Adds the results of the complete trees for a row to `sum`, in their order. */
double complete_sum(const struct trees *trees, const uint64_t *keys, double sum);

#endif
