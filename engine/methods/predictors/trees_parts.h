/* trees_parts.h: Memory layout of trees. Private to trees.c and trees_complete.c, which make it, trees_sum.c, which
 * walks it, and trees_layout.c, which gives access to it.
 *
 * A row is first turned into slots: one for each feature and each way of treating missing numbers. In a slot a
 * missing number is already replaced (minus infinity goes left, plus infinity right). So a split is one comparison.
 * Children are adjacent, the left one first, in breadth-first order. A leaf compares a slot that is minus infinity,
 * and leads to itself. So all paths through a tree have the same length, and several trees, or rows, are walked in
 * step.
 */
#ifndef SLUICE_METHODS_PREDICTORS_TREES_PARTS_H
#define SLUICE_METHODS_PREDICTORS_TREES_PARTS_H

#include "methods/predictors/trees.h"

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

#endif
