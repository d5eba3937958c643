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
#pragma once

#include "methods/predictors/trees.h"

/* Memory layout of trees. Private to trees.c and trees_complete.c, which make it, trees_sum.c, which
 * walks it, and trees_layout.c, which gives access to it.
 *
 * A row is first turned into slots: one for each feature and each way of treating missing numbers. In a slot a
 * missing number is already replaced (minus infinity goes left, plus infinity right). So a split is one comparison.
 * Children are adjacent, the left one first, in breadth-first order. A leaf compares a slot that is minus infinity,
 * and leads to itself. So all paths through a tree have the same length, and several trees, or rows, are walked in
 * step.
 */
#define COMPLETE_DEPTH_MAX 8 /* 4 KiB for a tree: some trees and a row fit in the first cache */
#define COMPLETE_WAYS_MAX 3 /* ways in which a missing number becomes a key */
#define SLOT_OF_SET UINT32_C(0x80000000) /* flag of a node's slot: its value is the number of a set */

struct predictor_node {
	double value; /* numbers below it go left; for a leaf: its addend */
	uint32_t slot;
	uint32_t child; /* the left one; for a leaf: itself */
};

struct slot {
	uint32_t feature;
	enum tree_missing missing;
};

struct tree {
	uint32_t root;
	uint32_t depth; /* of its deepest leaf; 0: the root is a leaf */
	uint32_t output;
	bool sets; /* some of its splits are by sets */
};

/* Complete trees of one depth, contiguous. */
struct complete_run {
	const uint64_t *nodes;
	size_t count;
	uint32_t depth;
};

struct trees {
	struct trees_form form;
	size_t slot_count; /* without the last one, which is always minus infinity */
	const struct slot *slots;
	const struct predictor_node *nodes;
	size_t node_count;
	size_t tree_count;
	const struct tree *trees; /* trees with sets last, the others sorted by depth */
	size_t plain_count;	  /* of trees without sets */
	const struct tree_set *sets;
	const double *vectors; /* of leaves */
	const float *covers;   /* of nodes; NULL: not all are in the file */
	/* The complete form of the first trees; see trees_complete.h. */
	struct complete_run complete_runs[COMPLETE_DEPTH_MAX + 1];
	size_t complete_run_count, complete_count;
	size_t complete_ways;
	int32_t complete_missing[COMPLETE_WAYS_MAX];
};

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
