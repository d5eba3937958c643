/* trees_parts.h: how trees are laid out; private to trees.c, which makes them,
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

struct trees {
	struct trees_form form;
	size_t slot_count; /* and one more, which is always minus infinity */
	const struct slot *slots;
	const struct predictor_node *nodes;
	size_t tree_count;
	const struct tree *trees; /* those by sets last, else by their depth */
	size_t plain_count;	  /* of trees without sets */
	const struct tree_set *sets;
	const double *vectors; /* of leaves */
	const float *covers;   /* of nodes; NULL: not all are known */
};

#endif
