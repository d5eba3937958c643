/* trees.h: many decision trees over rows of numbers, laid out to be walked without a branch.
 *
 * Readers of model files give each tree as nodes; what is made of them is immutable, may
 * be shared by threads, and lives in the arena it was made in. Sums are in double.
 *
 * NaN is a number that is missing: where it goes is said by each split.
 */
#ifndef SLUICE_NUMERIC_TREES_H
#define SLUICE_NUMERIC_TREES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define TREE_DEPTH_MAX 1024		    /* deeper trees were learnt by mistake, and every row would pay for them */
#define TREE_NODES_MAX ((size_t)1 << 26)    /* of all trees: 1 GiB as laid out */
#define TREE_FEATURES_MAX ((size_t)1 << 20) /* columns of a row */
#define TREE_OUTPUTS_MAX ((size_t)1 << 16)  /* classes, or targets */

/* Where a split sends what is no usual number. */
enum tree_missing {
	TREE_NAN_LEFT,
	TREE_NAN_RIGHT,
	TREE_NAN_IS_ZERO,
	TREE_ZERO_LEFT, /* NaN, and what is nearer to 0 than 1e-35 */
	TREE_ZERO_RIGHT,
	TREE_CATEGORY, /* the split is by `set` */
	TREE_MISSING_COUNT
};

/* Categories that go one way while all others go the other. Those are no categories: NaN,
 * and numbers not above `above`. What stands behind the point is cut off. */
struct tree_set {
	const uint32_t *words; /* bit i of word j: category 32 j + i; copied */
	size_t count;
	bool inside_left;
	bool nan_left;
	double above;
};

#define TREE_LEAF (-1)

struct tree_node {
	int64_t left, right; /* places in the same tree; left TREE_LEAF: a leaf */
	double value;	     /* what is below it goes left; of a leaf: what it adds, or with leaves of vectors which one */
	uint32_t feature;
	enum tree_missing missing;
	const struct tree_set *set; /* TREE_CATEGORY */
	double cover;		    /* weight of the training rows that came here, at least 0; NaN: the file does not say */
};

/* The value of a split that sends left what is at most `threshold`. */
double tree_at_most(double threshold);

struct trees;
struct trees_builder;

struct trees_form {
	size_t features;
	size_t outputs; /* sums of a row */
	bool vectors;	/* a leaf adds a vector of trees_leaf() to all outputs, instead of its value to one */
	bool single;	/* numbers of rows are rounded to float first */
};

/* NULL: SYSTEM, or CONFIG: more features or outputs than a model may have. */
struct trees_builder *trees_begin(struct arena *arena, const struct trees_form *form, struct error *error);

/* Room for the `outputs` numbers of a leaf, to be written before the next is asked for, and
 * the value by which a leaf names it; NULL: memory ran out. */
double *trees_leaf(struct trees_builder *builder, double *value);

/* A tree that adds to `output`; its root is the first of `count` nodes. CONFIG: it is no
 * tree, or not of this form. */
bool trees_add(struct trees_builder *builder, const struct tree_node *nodes, size_t count, size_t output, struct error *error);

/* Ends the builder, whatever comes of it; NULL is then SYSTEM. */
const struct trees *trees_end(struct trees_builder *builder, struct error *error);
void trees_abandon(struct trees_builder *builder); /* NULL is fine */

/* How many doubles of working space trees_sum() needs for so many rows. */
size_t trees_scratch(const struct trees *trees, size_t rows);

/* Splits that a row passes. */
size_t trees_steps(const struct trees *trees);

/* `rows` are row-major, `width` numbers each, of which the first `features` count; `sums`
 * gets `outputs` numbers of each. */
void trees_sum(const struct trees *trees, const double *rows, size_t width, size_t count, double *sums, double *scratch);

/* ---- trees as laid out, for explanations, which walk them another way ---- */

struct trees_layout {
	struct trees_form form;
	size_t trees;
	size_t slots;	/* what splits compare of a row; see trees_slots() */
	size_t deepest; /* levels below a root */
	bool covers;	/* every node has its cover; kept as a float */
};

struct tree_branch {
	bool leaf;
	const double *value;	    /* of a leaf: 1 number, or `outputs` of them with leaves of vectors */
	uint32_t feature;	    /* of a split, as is all that follows */
	uint32_t slot;		    /* the row goes left if this slot is below `threshold` */
	double threshold;	    /* or, with a set, by tree_set_left() of the slot */
	const struct tree_set *set; /* NULL: none */
	uint32_t left, right;
	double cover; /* of leaves too; 0 without covers */
};

struct trees_layout trees_layout(const struct trees *trees);

/* The root of tree `index`, and the output to which its leaves add unless they are vectors. */
uint32_t trees_root(const struct trees *trees, size_t index, size_t *output);
struct tree_branch trees_branch(const struct trees *trees, uint32_t node);

/* Fills `slots` + 1 numbers with what splits compare of a row. */
void trees_slots(const struct trees *trees, const double *row, double *slots);
bool tree_set_left(const struct tree_set *set, double number);

#endif
