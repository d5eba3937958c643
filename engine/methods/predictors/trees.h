/* trees.h: Decision tree ensemble over rows of numbers, with a layout that is walked without branches.
 *
 * Readers of model files pass each tree as nodes. The resulting ensemble is immutable, may be shared by threads, and
 * lives in the arena in which it was made. Sums are in double.
 *
 * NaN is a missing number: each split decides where it goes.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define TREE_DEPTH_MAX 1024		    /* deeper trees are a mistake of the training, and slow for every row */
#define TREE_NODES_MAX ((size_t)1 << 26)    /* of all trees: 1 GiB in memory */
#define TREE_FEATURES_MAX ((size_t)1 << 20) /* features of a row */
#define TREE_OUTPUTS_MAX ((size_t)1 << 16)  /* classes, or targets */

/* Direction of missing numbers at a split. */
enum tree_missing {
	TREE_NAN_LEFT,
	TREE_NAN_RIGHT,
	TREE_NAN_IS_ZERO,
	TREE_ZERO_LEFT, /* NaN, and numbers nearer to 0 than 1e-35 */
	TREE_ZERO_RIGHT,
	TREE_CATEGORY, /* the split is by `set` */
	TREE_MISSING_COUNT
};

/* Set of categories that go to one side of a split while all others go to the other. NaN, and numbers not above
 * `above`, are no categories. Digits after the decimal point are cut off. */
struct tree_set {
	const uint32_t *words; /* bit i of word j: category 32 j + i; copied */
	size_t count;
	bool inside_left;
	bool nan_left;
	double above;
};

#define TREE_LEAF (-1)

struct tree_node {
	int64_t left, right; /* indexes in the same tree; left TREE_LEAF: a leaf */
	double value;	     /* threshold: numbers below go left. Leaf: its addend, or with vectors the value from trees_leaf() */
	uint32_t feature;
	enum tree_missing missing;
	const struct tree_set *set; /* TREE_CATEGORY */
	double cover;		    /* weight of the training rows at this node, at least 0; NaN: not in the file */
};

/* The value of a split that sends numbers of at most `threshold` left. */
double tree_at_most(double threshold);

struct trees;
struct trees_builder;

struct trees_form {
	size_t features;
	size_t outputs; /* number of sums for a row */
	bool vectors;	/* a leaf adds a vector of trees_leaf() to all outputs, instead of its value to one */
	bool single;	/* numbers of rows are rounded to float first */
};

/* NULL: SYSTEM, or CONFIG: more features or outputs than the limit. */
struct trees_builder *trees_begin(struct arena *arena, const struct trees_form *form, struct error *error);

/* Memory for the `outputs` numbers of a leaf, to be written before the next call, and the value by which a leaf
 * refers to it. NULL: memory ran out. */
double *trees_leaf(struct trees_builder *builder, double *value);

/* Adds a tree for `output`; its root is the first of `count` nodes. CONFIG: it is no tree, or not of this form. */
bool trees_add(struct trees_builder *builder, const struct tree_node *nodes, size_t count, size_t output, struct error *error);

/* Ends the builder in any case, and returns the ensemble; NULL: SYSTEM. */
const struct trees *trees_end(struct trees_builder *builder, struct error *error);
void trees_abandon(struct trees_builder *builder); /* NULL is fine */

/* The number of doubles of working memory that trees_sum() needs for that many rows. */
size_t trees_scratch(const struct trees *trees, size_t rows);

/* The number of splits that a row passes. */
size_t trees_steps(const struct trees *trees);

/* Sums the trees. `rows` are row-major, `width` numbers each, of which the first `features` are used; `sums` gets
 * `outputs` numbers for each row. */
void trees_sum(const struct trees *trees, const double *rows, size_t width, size_t count, double *sums, double *scratch);

/* ---- access to the layout, for explanations, which walk the trees in another way ---- */

struct trees_layout {
	struct trees_form form;
	size_t trees;
	size_t slots;	/* the values of a row that splits compare; see trees_slots() */
	size_t deepest; /* levels below a root */
	bool covers;	/* every node has a cover; stored as a float */
};

struct tree_branch {
	bool leaf;
	const double *value;	    /* for a leaf: 1 number, or `outputs` numbers with vectors */
	uint32_t feature;	    /* for a split, as are the following members */
	uint32_t slot;		    /* the row goes left if this slot is below `threshold` */
	double threshold;	    /* or, with a set, by tree_set_left() of the slot */
	const struct tree_set *set; /* NULL: none */
	uint32_t left, right;
	double cover; /* for leaves too; 0 without covers */
};

struct trees_layout trees_layout(const struct trees *trees);

/* The root of tree `index`, and the output to which its leaves add, unless they have vectors. */
uint32_t trees_root(const struct trees *trees, size_t index, size_t *output);
struct tree_branch trees_branch(const struct trees *trees, uint32_t node);

/* Writes the `slots` + 1 values of a row that splits compare. */
void trees_slots(const struct trees *trees, const double *row, double *slots);
bool tree_set_left(const struct tree_set *set, double number);
