/* trees_complete.c: Construction and walk of complete trees; see trees_complete.h. */
#include "methods/predictors/trees_complete.h"

#include <math.h>

#define WIDTH 4 /* numbers that are made into keys at once */
#define ALWAYS_INLINE inline __attribute__((always_inline)) /* what is known of its arguments decides what is compiled */

typedef float complete_floats __attribute__((vector_size(WIDTH * sizeof(float))));
typedef int32_t complete_ints __attribute__((vector_size(WIDTH * sizeof(int32_t))));
typedef uint32_t complete_orders __attribute__((vector_size(WIDTH * sizeof(uint32_t))));
typedef double complete_doubles __attribute__((vector_size(WIDTH * sizeof(double)), aligned(sizeof(double))));
typedef uint64_t complete_words __attribute__((vector_size(2 * sizeof(uint64_t)), aligned(sizeof(uint64_t))));

/* ---- words ---- */

#define ORDER_BITS 32	     /* of a word, the upper ones; below them a node has the number of its key */
#define ORDER_LEFT 0	     /* below all thresholds */
#define ORDER_RIGHT (-1)     /* as unsigned above all of them */
#define ORDER_ZERO INT32_MIN /* as of 0 */

/* Numbers in the order of floats, -0 as 0; `missing` for those that are NaN. */
static ALWAYS_INLINE complete_orders orders_of(complete_floats numbers, int32_t missing)
{
	const complete_ints absent = ~(numbers >= -INFINITY);
	const complete_ints bits = (complete_ints)(numbers + 0.0F);
	return (complete_orders)(((bits ^ ((bits < 0) | INT32_MIN)) & ~absent) | (absent & missing));
}

/* The greatest order that goes left: of what is below the value. Where that is infinite, infinity goes left too. */
static uint32_t threshold_of(double value)
{
	float threshold = (float)value;
	if ((double)threshold < value)
		threshold = nextafterf(threshold, INFINITY);
	return orders_of((complete_floats){threshold}, ORDER_RIGHT)[0] - (value != (double)INFINITY);
}

/* ---- keys ---- */

static ALWAYS_INLINE void keys_put(complete_floats numbers, int32_t missing, uint64_t *keys)
{
	const complete_orders orders = orders_of(numbers, missing), none = {0};
	*(complete_words *)keys = (complete_words)__builtin_shufflevector(none, orders, 0, 4, 1, 5);
	*(complete_words *)(keys + 2) = (complete_words)__builtin_shufflevector(none, orders, 2, 6, 3, 7);
}

static size_t keys_of_one_way(const struct trees *trees)
{
	return (trees->form.features + WIDTH - 1) / WIDTH * WIDTH;
}

size_t complete_key_count(const struct trees *trees)
{
	return trees->complete_ways * keys_of_one_way(trees);
}

void complete_keys(const struct trees *trees, const double *row, uint64_t *keys)
{
	const size_t features = trees->form.features, whole = features / WIDTH * WIDTH;
	for (size_t way = 0; way < trees->complete_ways; way++, keys += keys_of_one_way(trees)) {
		const int32_t missing = trees->complete_missing[way];
		for (size_t i = 0; i < whole; i += WIDTH)
			keys_put(__builtin_convertvector(*(const complete_doubles *)(row + i), complete_floats), missing, keys + i);
		complete_floats rest = {0};
		for (size_t i = whole; i < features; i++)
			rest[i - whole] = (float)row[i];
		if (whole < features)
			keys_put(rest, missing, keys + whole);
	}
}

/* ---- making ---- */

/* Sorts out in which ways features may be missing. False: in one that keys do not know. */
static bool ways_find(struct trees *trees, size_t way_of[TREE_MISSING_COUNT])
{
	static const int32_t orders[TREE_MISSING_COUNT] = {
		[TREE_NAN_LEFT] = ORDER_LEFT, [TREE_NAN_RIGHT] = ORDER_RIGHT, [TREE_NAN_IS_ZERO] = ORDER_ZERO};
	for (size_t i = 0; i < TREE_MISSING_COUNT; i++)
		way_of[i] = COMPLETE_WAYS_MAX;
	for (size_t i = 0; i < trees->slot_count; i++) {
		const enum tree_missing missing = trees->slots[i].missing;
		if (missing > TREE_NAN_IS_ZERO)
			return false;
		if (way_of[missing] < COMPLETE_WAYS_MAX)
			continue;
		way_of[missing] = trees->complete_ways++;
		trees->complete_missing[way_of[missing]] = orders[missing];
	}
	return true;
}

static void complete_fill(const struct trees *trees, const struct tree *tree, const size_t way_of[TREE_MISSING_COUNT],
			  uint64_t *to)
{
	const size_t leaves = (size_t)1 << tree->depth;
	uint32_t from[2 << COMPLETE_DEPTH_MAX];
	from[1] = tree->root;
	to[0] = 0;
	for (size_t i = 1; i < leaves; i++) {
		const struct predictor_node *node = &trees->nodes[from[i]];
		const bool leaf = node->child == from[i];
		from[2 * i] = node->child;
		from[2 * i + 1] = node->child + !leaf;
		const struct slot *slot = &trees->slots[leaf ? 0 : node->slot];
		const uint64_t key = way_of[slot->missing] * keys_of_one_way(trees) + slot->feature;
		to[i] = (uint64_t)threshold_of(node->value) << ORDER_BITS | key;
	}
	for (size_t i = leaves; i < 2 * leaves; i++)
		memcpy(&to[i], &trees->nodes[from[i]].value, sizeof to[i]);
}

bool complete_make(struct trees *trees, struct arena *arena)
{
	const struct trees_form *form = &trees->form;
	size_t count = 0, total = 0, way_of[TREE_MISSING_COUNT];
	if (!form->single || form->outputs != 1 || form->vectors || form->features > COMPLETE_SPARSE_MAX * (trees->slot_count + 1))
		return true;
	while (count < trees->plain_count && trees->trees[count].depth <= COMPLETE_DEPTH_MAX &&
	       total + ((size_t)2 << COMPLETE_DEPTH_MAX) <= COMPLETE_NODES_MAX)
		total += (size_t)2 << trees->trees[count++].depth;
	if (count == 0 || total > COMPLETE_GROWTH_MAX * trees->node_count || !ways_find(trees, way_of))
		return true;
	uint64_t *nodes = ARENA_ARRAY(arena, uint64_t, total);
	if (!nodes)
		return false;
	trees->complete_count = count;
	for (size_t i = 0; i < count; i++) {
		const uint32_t depth = trees->trees[i].depth;
		if (i == 0 || depth != trees->trees[i - 1].depth)
			trees->complete_runs[trees->complete_run_count++] = (struct complete_run){nodes, 0, depth};
		trees->complete_runs[trees->complete_run_count - 1].count++;
		complete_fill(trees, &trees->trees[i], way_of, nodes);
		nodes += (size_t)2 << depth;
	}
	return true;
}

/* ---- walking ---- */

/* Goes right where the node's word is below the key. Compilers do not find the carry by themselves. */
static ALWAYS_INLINE size_t complete_step(const uint64_t *nodes, const uint64_t *keys, size_t at)
{
	const uint64_t word = nodes[at], *key = &keys[(uint32_t)word];
#ifdef __x86_64__
	__asm__("cmp %2, %1\n\tadc %0, %0" : "+r"(at) : "r"(word), "m"(*key) : "cc");
	return at;
#else
	return at + at + (word < *key);
#endif
}

static ALWAYS_INLINE size_t complete_two(const uint64_t *nodes, const uint64_t *keys, size_t at)
{
	return complete_step(nodes, keys, complete_step(nodes, keys, at));
}

static ALWAYS_INLINE size_t complete_four(const uint64_t *nodes, const uint64_t *keys, size_t at)
{
	return complete_two(nodes, keys, complete_two(nodes, keys, at));
}

/* What a tree adds; its depth is known where this is compiled, so that all levels stand in a row. */
static ALWAYS_INLINE double complete_leaf(const uint64_t *nodes, const uint64_t *keys, uint32_t depth)
{
	size_t at = 1;
	double leaf;
	at = depth & 8 ? complete_four(nodes, keys, complete_four(nodes, keys, at)) : at;
	at = depth & 4 ? complete_four(nodes, keys, at) : at;
	at = depth & 2 ? complete_two(nodes, keys, at) : at;
	at = depth & 1 ? complete_step(nodes, keys, at) : at;
	memcpy(&leaf, &nodes[at], sizeof leaf);
	return leaf;
}

/* Adds the trees of one depth, most of them by fours. */
static ALWAYS_INLINE double complete_run(const uint64_t *tree, size_t count, uint32_t depth, const uint64_t *keys, double sum)
{
	const size_t stride = (size_t)2 << depth;
	const uint64_t *end = tree + count * stride;
	for (size_t odd = count % 4; odd > 0; odd--, tree += stride)
		sum += complete_leaf(tree, keys, depth);
	for (; tree != end; tree += 4 * stride) {
		sum += complete_leaf(tree, keys, depth);
		sum += complete_leaf(tree + stride, keys, depth);
		sum += complete_leaf(tree + 2 * stride, keys, depth);
		sum += complete_leaf(tree + 3 * stride, keys, depth);
	}
	return sum;
}

static double complete_add(const struct complete_run *run, const uint64_t *keys, double sum)
{
	switch (run->depth) {
	case 0:
		return complete_run(run->nodes, run->count, 0, keys, sum);
	case 1:
		return complete_run(run->nodes, run->count, 1, keys, sum);
	case 2:
		return complete_run(run->nodes, run->count, 2, keys, sum);
	case 3:
		return complete_run(run->nodes, run->count, 3, keys, sum);
	case 4:
		return complete_run(run->nodes, run->count, 4, keys, sum);
	case 5:
		return complete_run(run->nodes, run->count, 5, keys, sum);
	case 6:
		return complete_run(run->nodes, run->count, 6, keys, sum);
	case 7:
		return complete_run(run->nodes, run->count, 7, keys, sum);
	default:
		return complete_run(run->nodes, run->count, COMPLETE_DEPTH_MAX, keys, sum);
	}
}

double complete_sum(const struct trees *trees, const uint64_t *keys, double sum)
{
	for (size_t i = 0; i < trees->complete_run_count; i++)
		sum = complete_add(&trees->complete_runs[i], keys, sum);
	return sum;
}
