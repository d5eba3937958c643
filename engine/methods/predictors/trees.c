/* trees.c: Builder of the tree layout, which rejects invalid trees; see trees.h and trees_complete.h. */
#include "methods/predictors/trees.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "methods/predictors/trees_complete.h"

struct trees_builder {
	struct arena *arena;
	struct trees_form form;
	uint32_t *slot_of; /* by feature and way of missing, counted from 1; 0: none yet */
	struct buffer slots, nodes, trees, sets, vectors, covers;
	bool uncovered;	     /* some node's cover is not known */
	struct buffer order; /* of one tree: which given node stands at each place */
};

double tree_at_most(double threshold)
{
	return nextafter(threshold, INFINITY);
}

/* ---- beginning and ending ---- */

struct trees_builder *trees_begin(struct arena *arena, const struct trees_form *form, struct error *error)
{
	if (form->features > TREE_FEATURES_MAX || form->outputs > TREE_OUTPUTS_MAX || form->outputs == 0)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "it takes %zu features and gives %zu numbers; a model has at most %zu and %zu, and "
					    "gives something", form->features, form->outputs, TREE_FEATURES_MAX, TREE_OUTPUTS_MAX));
	struct trees_builder *builder = memory_take(1, sizeof *builder);
	uint32_t *slot_of = memory_take(form->features + 1, TREE_MISSING_COUNT * sizeof *slot_of);
	if (!builder || !slot_of) {
		memory_give(slot_of);
		memory_give(builder);
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	}
	*builder = (struct trees_builder){.arena = arena, .form = *form, .slot_of = slot_of};
	size_t most = TREE_NODES_MAX * sizeof(struct predictor_node);
	buffer_open(&builder->slots, most);
	buffer_open(&builder->nodes, most);
	buffer_open(&builder->trees, most);
	buffer_open(&builder->sets, most);
	buffer_open(&builder->vectors, most);
	buffer_open(&builder->covers, most);
	buffer_open(&builder->order, most);
	return builder;
}

void trees_abandon(struct trees_builder *builder)
{
	if (!builder)
		return;
	buffer_close(&builder->slots);
	buffer_close(&builder->nodes);
	buffer_close(&builder->trees);
	buffer_close(&builder->sets);
	buffer_close(&builder->vectors);
	buffer_close(&builder->covers);
	buffer_close(&builder->order);
	memory_give(builder->slot_of);
	memory_give(builder);
}

double *trees_leaf(struct trees_builder *builder, double *value)
{
	size_t size = builder->form.outputs * sizeof *value;
	void *room = buffer_room(&builder->vectors, size);
	const size_t number = builder->vectors.length / size;
	*value = (double)number;
	if (room)
		buffer_grown(&builder->vectors, size);
	return room;
}

/* ---- one tree ---- */

static uint32_t slot_for(struct trees_builder *builder, uint32_t feature, enum tree_missing missing)
{
	uint32_t *slot = &builder->slot_of[(size_t)feature * TREE_MISSING_COUNT + missing];
	if (*slot == 0) {
		buffer_append(&builder->slots, &(struct slot){feature, missing}, sizeof(struct slot));
		*slot = (uint32_t)(builder->slots.length / sizeof(struct slot));
	}
	return *slot - 1;
}

static uint32_t set_for(struct trees_builder *builder, const struct tree_set *given)
{
	struct tree_set set = *given;
	uint32_t *words = ARENA_ARRAY(builder->arena, uint32_t, given->count);
	if (words && given->count)
		memcpy(words, given->words, given->count * sizeof *words);
	set.words = words;
	buffer_append(&builder->sets, &set, sizeof set);
	return (uint32_t)(builder->sets.length / sizeof set - 1);
}

static bool split_check(const struct trees_builder *builder, const struct tree_node *node, size_t count, struct error *error)
{
	if (node->left < 0 || (uint64_t)node->left >= count || node->right < 0 || (uint64_t)node->right >= count)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a split leads to node %lld and %lld of a tree that has %zu",
				 (long long)node->left, (long long)node->right, count);
	if (node->feature >= builder->form.features)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a split asks for feature %lu, and the model has %zu",
				 (unsigned long)node->feature, builder->form.features);
	if (node->missing != TREE_CATEGORY && (isnan(node->value) || node->value == -INFINITY))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a split compares with what is no number");
	return true;
}

static bool leaf_check(const struct trees_builder *builder, const struct tree_node *node, struct error *error)
{
	if (!isfinite(node->value))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a leaf's value is no finite number");
	const size_t vectors = builder->vectors.length / (builder->form.outputs * sizeof(double));
	if (builder->form.vectors && (node->value < 0 || node->value >= (double)vectors))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a leaf has no values");
	return true;
}

/* One cover that is not known makes all others useless. */
static void cover_put(struct trees_builder *builder, double cover)
{
	const float kept = (float)cover;
	builder->uncovered = builder->uncovered || !(kept >= 0 && isfinite(kept));
	if (!builder->uncovered)
		buffer_append(&builder->covers, &kept, sizeof kept);
}

/* The slot of leaves has its number only when all trees are there. */
#define SLOT_OF_LEAVES (SLOT_OF_SET - 1)

/* Puts the node that stands at `place` of its tree, behind which `placed` have theirs. */
static bool node_put(struct trees_builder *builder, const struct tree_node *given, size_t count, size_t place, size_t *placed,
		     struct error *error)
{
	uint32_t from;
	memcpy(&from, builder->order.bytes + place * sizeof from, sizeof from);
	const struct tree_node *node = &given[from];
	size_t base = builder->nodes.length / sizeof(struct predictor_node) - place;
	struct predictor_node put = {.value = node->value, .slot = SLOT_OF_LEAVES, .child = (uint32_t)(base + place)};
	if (node->left == TREE_LEAF) {
		if (!leaf_check(builder, node, error))
			return false;
	} else {
		if (!split_check(builder, node, count, error))
			return false;
		if (*placed + 2 > count)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "a tree of %zu nodes leads round in a circle, or twice to one node", count);
		const uint32_t children[2] = {(uint32_t)node->left, (uint32_t)node->right};
		buffer_append(&builder->order, children, sizeof children);
		put.slot = slot_for(builder, node->feature, node->missing);
		put.child = (uint32_t)(base + *placed);
		if (node->missing == TREE_CATEGORY) {
			put.slot |= SLOT_OF_SET;
			put.value = set_for(builder, node->set);
		}
		*placed += 2;
	}
	buffer_append(&builder->nodes, &put, sizeof put);
	/* Every row comes to the only node of a tree, whatever its file says of it. */
	cover_put(builder, count == 1 ? 1 : node->cover);
	return !(buffer_failed(&builder->order) || buffer_failed(&builder->nodes)) ||
	       error_memory(error, ERROR_SYSTEM, "reading a model");
}

bool trees_add(struct trees_builder *builder, const struct tree_node *nodes, size_t count, size_t output, struct error *error)
{
	size_t base = builder->nodes.length / sizeof(struct predictor_node);
	struct tree tree = {.root = (uint32_t)base, .output = (uint32_t)output};
	if (count == 0 || count > TREE_NODES_MAX - base)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a tree has %zu nodes; a model has at least one a tree, and at most %zu", count, TREE_NODES_MAX);
	if (output >= builder->form.outputs)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a tree is for class %zu, and the model has %zu", output,
				 builder->form.outputs);
	const uint32_t root = 0;
	buffer_clear(&builder->order);
	buffer_append(&builder->order, &root, sizeof root);
	if (buffer_failed(&builder->order))
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	size_t placed = 1;
	for (size_t place = 0, level_end = 1; place < placed; place++) {
		if (place == level_end) {
			level_end = placed;
			if (++tree.depth > TREE_DEPTH_MAX)
				return error_set(error, ERROR_CONFIG, PLACE_NONE, "a tree is more than %d levels deep",
						 TREE_DEPTH_MAX);
		}
		if (!node_put(builder, nodes, count, place, &placed, error))
			return false;
	}
	for (size_t i = 0; i < count && !tree.sets; i++)
		tree.sets = nodes[i].left != TREE_LEAF && nodes[i].missing == TREE_CATEGORY;
	buffer_append(&builder->trees, &tree, sizeof tree);
	return !buffer_failed(&builder->trees) || error_memory(error, ERROR_SYSTEM, "reading a model");
}

/* ---- all of them ---- */

static int compare_trees(const void *left, const void *right)
{
	const struct tree *a = left, *b = right;
	if (a->sets != b->sets)
		return a->sets ? 1 : -1;
	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	return a->root < b->root ? -1 : 1;
}

static void *moved(struct arena *arena, const struct buffer *from)
{
	void *copy = arena_take_raw(arena, from->length);
	if (copy && from->length)
		memcpy(copy, from->bytes, from->length);
	return copy;
}

static const struct trees *trees_make(struct trees_builder *builder)
{
	struct trees *trees = ARENA_NEW(builder->arena, struct trees);
	struct predictor_node *nodes = moved(builder->arena, &builder->nodes);
	struct tree *items = moved(builder->arena, &builder->trees);
	if (!trees || !nodes || !items)
		return NULL;
	*trees = (struct trees){
		.form = builder->form,
		.slot_count = builder->slots.length / sizeof(struct slot),
		.slots = moved(builder->arena, &builder->slots),
		.nodes = nodes,
		.node_count = builder->nodes.length / sizeof *nodes,
		.tree_count = builder->trees.length / sizeof *items,
		.trees = items,
		.sets = moved(builder->arena, &builder->sets),
		.vectors = moved(builder->arena, &builder->vectors),
		.covers = builder->uncovered ? NULL : moved(builder->arena, &builder->covers),
	};
	for (size_t i = 0; i < trees->node_count; i++)
		if (nodes[i].slot == SLOT_OF_LEAVES)
			nodes[i].slot = (uint32_t)trees->slot_count;
	qsort(items, trees->tree_count, sizeof *items, compare_trees);
	while (trees->plain_count < trees->tree_count && !items[trees->plain_count].sets)
		trees->plain_count++;
	if (arena_failed(builder->arena)) /* the slots may be missing */
		return NULL;
	return complete_make(trees, builder->arena) ? trees : NULL;
}

const struct trees *trees_end(struct trees_builder *builder, struct error *error)
{
	bool failed = buffer_failed(&builder->slots) || buffer_failed(&builder->sets) || buffer_failed(&builder->vectors) ||
		      buffer_failed(&builder->covers);
	const struct trees *trees = failed ? NULL : trees_make(builder);
	if (!trees || arena_failed(builder->arena)) {
		error_memory(error, ERROR_SYSTEM, "reading a model");
		trees = NULL;
	}
	trees_abandon(builder);
	return trees;
}
