/* trees_layout.c: Access to the layout of trees; see trees.h and trees_complete.h. */
#include "methods/predictors/trees_complete.h"

struct trees_layout trees_layout(const struct trees *trees)
{
	struct trees_layout layout = {
		.form = trees->form,
		.trees = trees->tree_count,
		.slots = trees->slot_count,
		.covers = trees->covers != NULL,
	};
	for (size_t i = 0; i < trees->tree_count; i++)
		layout.deepest = trees->trees[i].depth > layout.deepest ? trees->trees[i].depth : layout.deepest;
	return layout;
}

uint32_t trees_root(const struct trees *trees, size_t index, size_t *output)
{
	*output = trees->trees[index].output;
	return trees->trees[index].root;
}

struct tree_branch trees_branch(const struct trees *trees, uint32_t node)
{
	const struct predictor_node *from = &trees->nodes[node];
	struct tree_branch branch = {.leaf = from->child == node, .cover = trees->covers ? (double)trees->covers[node] : 0};
	if (branch.leaf) {
		branch.value = trees->form.vectors ? &trees->vectors[(size_t)from->value * trees->form.outputs] : &from->value;
		return branch;
	}
	const bool set = from->slot & SLOT_OF_SET;
	branch.slot = from->slot & ~SLOT_OF_SET;
	branch.feature = trees->slots[branch.slot].feature;
	branch.threshold = set ? 0 : from->value;
	branch.set = set ? &trees->sets[(size_t)from->value] : NULL;
	branch.left = from->child;
	branch.right = from->child + 1;
	return branch;
}
