/* trees_complete.h: shallow trees filled up to complete ones, for the fastest walk; private to trees.c, which has them
 * made, and trees_sum.c, which walks them.
 *
 * The children of node i are 2 i and 2 i + 1, and the leaves stand where the next level would, so a node needs no link.
 * A level costs a comparison that is added to the place: no branch, and four instructions where the processor has a
 * carry. A leaf above the last level is repeated below it. Numbers are compared as whole numbers in the order of floats,
 * so a row is first made into keys: one for each feature, and again for each way in which it may be missing.
 *
 * Only trees of numbers that are rounded to float, of one output, without sets and vectors.
 */
#ifndef SLUICE_NUMERIC_TREES_COMPLETE_H
#define SLUICE_NUMERIC_TREES_COMPLETE_H

#include "numeric/trees_parts.h"

#define COMPLETE_GROWTH_MAX 4			/* times the nodes that were given; else too much is repeated */
#define COMPLETE_SPARSE_MAX 4			/* features of which a split asks for one; else keys cost more than they save */
#define COMPLETE_NODES_MAX ((size_t)2 << 20) /* 16 MiB; the nearer caches hold less */

/* Makes complete trees of the first of `trees`, which are sorted by depth; none where they do not fit. False: the arena
 * is full. */
bool complete_make(struct trees *trees, struct arena *arena);

/* How many keys a row has. */
size_t complete_key_count(const struct trees *trees);
void complete_keys(const struct trees *trees, const double *row, uint64_t *keys);

/* `sum` and what the complete trees add to it for a row, in their order. */
double complete_sum(const struct trees *trees, const uint64_t *keys, double sum);

#endif
