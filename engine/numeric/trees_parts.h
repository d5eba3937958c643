/* trees_parts.h: how trees are laid out; private to trees.c, trees_complete.c, which make them,
 * trees_sum.c, which walks them, and trees_layout.c, which shows them.
 *
 * Of a row is first made what splits see of it: a slot for each feature and each way in
 * which it may be missing, in which that way has been gone (minus infinity goes left,
 * plus infinity right). So a split is one comparison. Children stand side by side, the
 * left one first, in the order of breadth. A leaf compares a slot that is minus infinity,
 * and leads to itself: all ways through a tree are equally long, and several trees, or
 * rows, are walked in step.
 */
#ifndef SLUICE_NUMERIC_TREES_PARTS_H
#define SLUICE_NUMERIC_TREES_PARTS_H

#include "numeric/trees.h"

#define COMPLETE_DEPTH_MAX 8 /* 4 KiB a tree: some of them and a row stay in the nearest cache */
#define COMPLETE_WAYS_MAX 3 /* in which what is missing becomes a key */
#define SLOT_OF_SET UINT32_C(0x80000000) /* of a node: its value is the number of a set */

struct predictor_node {
	double value; /* what is below it goes left; of a leaf what it adds */
	uint32_t slot;
	uint32_t child; /* the left one; of a leaf itself */
};

struct slot {
	uint32_t feature;
	enum tree_missing missing;
};

struct tree {
	uint32_t root;
	uint32_t depth; /* of its deepest leaf; 0: the root is one */
	uint32_t output;
	bool sets; /* some of its splits are by sets */
};

/* Complete trees of one depth, one behind the other. */
struct complete_run {
	const uint64_t *nodes;
	size_t count;
	uint32_t depth;
};

struct trees {
	struct trees_form form;
	size_t slot_count; /* and one more, which is always minus infinity */
	const struct slot *slots;
	const struct predictor_node *nodes;
	size_t node_count;
	size_t tree_count;
	const struct tree *trees; /* those by sets last, else by their depth */
	size_t plain_count;	  /* of trees without sets */
	const struct tree_set *sets;
	const double *vectors; /* of leaves */
	const float *covers;   /* of nodes; NULL: not all are known */
	/* The first trees once more; see trees_complete.h. */
	struct complete_run complete_runs[COMPLETE_DEPTH_MAX + 1];
	size_t complete_run_count, complete_count;
	size_t complete_ways;
	int32_t complete_missing[COMPLETE_WAYS_MAX];
};

#endif
