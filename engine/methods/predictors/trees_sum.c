/* trees_sum.c: Walk of trees over rows, several in step, so that others continue while one waits for memory; see
 * trees.h and trees_complete.h. */
#include <float.h>
#include <math.h>

#include "methods/predictors/trees_complete.h"

#define LANES 8
#define BLOCK_DOUBLES 4096 /* slots of the rows that are walked together: they stay in the nearest cache */
#define BLOCK_ROWS_MAX 64
#define NEAR_ZERO 1e-35 /* LightGBM's kZeroThreshold, a float there */

/* ---- rows into slots ---- */

static double trees_sum_value(double given, enum tree_missing missing)
{
	/* Only what is missing is as far away as that: a threshold may be infinite, and what is
	 * there goes to its left. */
	double number = given > DBL_MAX ? DBL_MAX : given;
	switch (missing) {
	case TREE_NAN_LEFT:
		return isnan(number) ? -INFINITY : number;
	case TREE_NAN_RIGHT:
		return isnan(number) ? INFINITY : number;
	case TREE_NAN_IS_ZERO:
		return isnan(number) ? 0 : number;
	case TREE_ZERO_LEFT:
		return isnan(number) || fabs(number) <= (double)(float)NEAR_ZERO ? -INFINITY : number;
	case TREE_ZERO_RIGHT:
		return isnan(number) || fabs(number) <= (double)(float)NEAR_ZERO ? INFINITY : number;
	case TREE_CATEGORY:
	case TREE_MISSING_COUNT:
		break;
	}
	return number;
}

void trees_slots(const struct trees *trees, const double *row, double *slots)
{
	for (size_t i = 0; i < trees->slot_count; i++) {
		double number = row[trees->slots[i].feature];
		slots[i] = trees_sum_value(trees->form.single ? (double)(float)number : number, trees->slots[i].missing);
	}
	slots[trees->slot_count] = -INFINITY;
}

/* ---- leaves ---- */

static void leaf_add(const struct trees *trees, const struct tree *tree, uint32_t leaf, double *sums)
{
	double value = trees->nodes[leaf].value;
	if (!trees->form.vectors) {
		sums[tree->output] += value;
		return;
	}
	const double *vector = &trees->vectors[(size_t)value * trees->form.outputs];
	for (size_t i = 0; i < trees->form.outputs; i++)
		sums[i] += vector[i];
}

/* ---- walking ---- */

static inline uint32_t step(const struct predictor_node *nodes, uint32_t at, const double *slots)
{
	return nodes[at].child + (slots[nodes[at].slot] >= nodes[at].value);
}

/* LANES trees over one row. */
static void walk_trees(const struct trees *trees, const struct tree *some, const double *slots, double *sums)
{
	const struct predictor_node *nodes = trees->nodes;
	uint32_t at[LANES], depth = some[LANES - 1].depth;
	for (size_t i = 0; i < LANES; i++)
		at[i] = some[i].root;
	for (uint32_t level = 0; level < depth; level++)
		for (size_t i = 0; i < LANES; i++)
			at[i] = step(nodes, at[i], slots);
	for (size_t i = 0; i < LANES; i++)
		leaf_add(trees, &some[i], at[i], sums);
}

/* One tree over LANES rows, `stride` apart. */
static void walk_rows(const struct trees *trees, const struct tree *tree, const double *slots, size_t stride, double *sums)
{
	const struct predictor_node *nodes = trees->nodes;
	uint32_t at[LANES];
	for (size_t i = 0; i < LANES; i++)
		at[i] = tree->root;
	for (uint32_t level = 0; level < tree->depth; level++)
		for (size_t i = 0; i < LANES; i++)
			at[i] = step(nodes, at[i], slots + i * stride);
	for (size_t i = 0; i < LANES; i++)
		leaf_add(trees, tree, at[i], sums + i * trees->form.outputs);
}

bool tree_set_left(const struct tree_set *set, double number)
{
	if (isnan(number))
		return set->nan_left;
	bool inside = false;
	if (number > set->above && number < 32.0 * (double)set->count) {
		uint32_t category = number > 0 ? (uint32_t)number : 0;
		inside = set->words[category / 32] >> category % 32 & 1;
	}
	return inside == set->inside_left;
}

/* One tree over one row, with splits of either sort. */
static void walk_alone(const struct trees *trees, const struct tree *tree, const double *slots, double *sums)
{
	const struct predictor_node *nodes = trees->nodes;
	uint32_t at = tree->root;
	while (nodes[at].child != at) {
		const struct predictor_node *node = &nodes[at];
		if (node->slot & SLOT_OF_SET)
			at = node->child + !tree_set_left(&trees->sets[(size_t)node->value], slots[node->slot & ~SLOT_OF_SET]);
		else
			at = step(nodes, at, slots);
	}
	leaf_add(trees, tree, at, sums);
}

/* ---- sums ---- */

/* Those that are not complete. */
static void sum_row(const struct trees *trees, const double *slots, double *sums)
{
	size_t i = trees->complete_count;
	for (; i + LANES <= trees->plain_count; i += LANES)
		walk_trees(trees, &trees->trees[i], slots, sums);
	for (; i < trees->tree_count; i++)
		walk_alone(trees, &trees->trees[i], slots, sums);
}

static size_t stride_of(const struct trees *trees)
{
	return trees->slot_count + 1;
}

/* A multiple of LANES. */
static size_t block_rows(const struct trees *trees)
{
	size_t rows = BLOCK_DOUBLES / stride_of(trees) / LANES * LANES;
	if (rows < LANES)
		return LANES;
	return rows < BLOCK_ROWS_MAX ? rows : BLOCK_ROWS_MAX;
}

/* Blocks of whole lanes, each tree over all of them while it is near. */
static void sum_block(const struct trees *trees, const double *slots, size_t rows, double *sums)
{
	size_t stride = stride_of(trees);
	for (size_t t = trees->complete_count; t < trees->plain_count; t++)
		for (size_t row = 0; row < rows; row += LANES)
			walk_rows(trees, &trees->trees[t], slots + row * stride, stride, sums + row * trees->form.outputs);
	for (size_t t = trees->plain_count; t < trees->tree_count; t++)
		for (size_t row = 0; row < rows; row++)
			walk_alone(trees, &trees->trees[t], slots + row * stride, sums + row * trees->form.outputs);
}

size_t trees_steps(const struct trees *trees)
{
	size_t steps = 0;
	for (size_t i = 0; i < trees->tree_count; i++)
		steps += trees->trees[i].depth + 1;
	return steps;
}

size_t trees_scratch(const struct trees *trees, size_t rows)
{
	const size_t slots = stride_of(trees) * (rows < LANES ? 1 : block_rows(trees));
	const size_t keys = complete_key_count(trees);
	return slots > keys ? slots : keys;
}

/* As trees_sum(), of the others, and added to the sums. */
static void sum_other(const struct trees *trees, const double *rows, size_t width, size_t count, double *sums, double *scratch)
{
	size_t outputs = trees->form.outputs, stride = stride_of(trees), done = 0;
	while (count - done >= LANES) {
		size_t block = (count - done) / LANES * LANES;
		block = block < block_rows(trees) ? block : block_rows(trees);
		for (size_t i = 0; i < block; i++)
			trees_slots(trees, rows + (done + i) * width, scratch + i * stride);
		sum_block(trees, scratch, block, sums + done * outputs);
		done += block;
	}
	for (; done < count; done++) {
		trees_slots(trees, rows + done * width, scratch);
		sum_row(trees, scratch, sums + done * outputs);
	}
}

/* As trees_sum(), of the trees that are complete. */
static void sum_complete(const struct trees *trees, const double *rows, size_t width, size_t count, double *sums, double *scratch)
{
	void *bytes = scratch; /* its bytes, of which keys take as many as numbers do */
	uint64_t *keys = bytes;
	for (size_t i = 0; i < count; i++) {
		complete_keys(trees, rows + i * width, keys);
		sums[i] = complete_sum(trees, keys, 0);
	}
}

void trees_sum(const struct trees *trees, const double *rows, size_t width, size_t count, double *sums, double *scratch)
{
	if (trees->complete_count > 0)
		sum_complete(trees, rows, width, count, sums, scratch);
	else
		memset(sums, 0, count * trees->form.outputs * sizeof *sums);
	if (trees->complete_count < trees->tree_count)
		sum_other(trees, rows, width, count, sums, scratch);
}
