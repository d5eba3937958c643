/* tree_shap_parts.h: Trees laid out for explanations; private to tree_shap*.c. */
#pragma once

#include "methods/explain/tree_shap.h"
#include "methods/predictors/trees.h"

/* A split stands in front of its left subtree, and that in front of the right one. */
struct shap_node {
	double threshold;   /* of a split by numbers; of a leaf its value, or the number of its vector */
	double left_share;  /* of the training rows; a leaf's 0 */
	double right_share; /* likewise */
	uint32_t slot;	    /* with SHAP_SET: the threshold is the number of a set; SHAP_LEAF: a leaf */
	uint32_t right;	    /* place of the right child; the left one is the next node */
};

#define SHAP_SET UINT32_C(0x80000000)
#define SHAP_LEAF UINT32_MAX

struct shap_tree {
	uint32_t root;
	uint32_t points; /* of the rule that integrates its paths exactly, rounded up to what is compiled */
	size_t output;
};

/* Rules by their number of points, rounded up as shap_points() does. */
struct shap_rule {
	size_t points;
	const double *at, *weights;
};

struct tree_shap {
	const struct trees *trees;
	struct trees_layout layout;
	double share;
	struct tree_shap_size size;
	const double *base;
	const struct shap_node *nodes;
	const struct shap_tree *items;
	const double *const *vectors; /* of leaves */
	const struct tree_set *const *sets;
	const uint32_t *features;      /* of slots */
	size_t deepest;		       /* levels below a root */
	size_t longest;		       /* different features of a path, at the most */
	const struct shap_rule *rules; /* for each tree */
	/* Interventional. */
	size_t background_rows;
	const double *background; /* slots of each row */
	const double *weights;	  /* [longest + 1][longest + 1]: see shap_weights_make() */
};

/* What a leaf adds to the output. */
static inline double shap_leaf(const struct tree_shap *shap, const struct shap_node *leaf, size_t output)
{
	return shap->layout.form.vectors ? shap->vectors[(size_t)leaf->threshold][output] : leaf->threshold;
}

static inline bool shap_left(const struct tree_shap *shap, const struct shap_node *node, const double *slots)
{
	if (__builtin_expect(node->slot & SHAP_SET, 0))
		return tree_set_left(shap->sets[(size_t)node->threshold], slots[node->slot & ~SHAP_SET]);
	return slots[node->slot] < node->threshold;
}

/* How many points a rule has for paths of so many different features. */
size_t shap_points(size_t features);

/* Adds the path-dependent values of one tree's output to `contributions`. */
void shap_tree_explain(const struct tree_shap *shap, size_t tree, size_t output, const double *slots, double *contributions,
		       double *scratch);
size_t shap_tree_scratch(const struct tree_shap *shap);

/* Adds the interventional values of one tree's output against one background row, times `share`. */
void shap_pair_explain(const struct tree_shap *shap, size_t tree, size_t output, const double *slots, const double *against,
		       double share, double *contributions, double *scratch);
