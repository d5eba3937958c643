/* tree_shap_pairs.c: Interventional Shapley values of one tree, of a row x against a
 * background row b; see tree_shap.h.
 *
 * A leaf that is reached with a features as x has them and c as b has them gives each of
 * the former v (a-1)! c! / (a+c)!, and each of the latter minus v a! (c-1)! / (a+c)!. Where x
 * and b part, both ways are followed, with the feature bound to the one whose way it is. */
#include "methods/explain/tree_shap_parts.h"

enum shap_bound { SHAP_FREE, SHAP_TO_ROW, SHAP_TO_BACKGROUND };

struct shap_pair_walk {
	const struct tree_shap *shap;
	const double *slots, *against;
	double *contributions;
	unsigned char *bound; /* by feature */
	size_t output;
	double share;
	size_t of_row, of_background; /* features that are bound */
};

/* What the leaves below give to a feature that is bound to the row, and to one that is bound to the background. */
struct shap_gain {
	double of_row, of_background;
};

static struct shap_gain shap_pair_leaf(const struct shap_pair_walk *walk, const struct shap_node *leaf)
{
	const struct tree_shap *shap = walk->shap;
	const size_t width = shap->longest + 1;
	const double value = walk->share * shap_leaf(shap, leaf, walk->output);
	return (struct shap_gain){
		value * shap->weights[walk->of_row * width + walk->of_background],
		value * shap->weights[walk->of_background * width + walk->of_row],
	};
}

static struct shap_gain shap_pair_visit(struct shap_pair_walk *walk, const struct shap_node *node)
{
	if (node->slot == SHAP_LEAF)
		return shap_pair_leaf(walk, node);
	const struct shap_node *children[2] = {node + 1, walk->shap->nodes + node->right};
	const uint32_t feature = walk->shap->features[node->slot & ~SHAP_SET];
	const bool right = !shap_left(walk->shap, node, walk->slots), other = !shap_left(walk->shap, node, walk->against);
	if (right == other || walk->bound[feature] != SHAP_FREE)
		return shap_pair_visit(walk, children[walk->bound[feature] == SHAP_TO_BACKGROUND ? other : right]);
	walk->bound[feature] = SHAP_TO_ROW;
	walk->of_row++;
	const struct shap_gain mine = shap_pair_visit(walk, children[right]);
	walk->of_row--;
	walk->bound[feature] = SHAP_TO_BACKGROUND;
	walk->of_background++;
	const struct shap_gain theirs = shap_pair_visit(walk, children[other]);
	walk->of_background--;
	walk->bound[feature] = SHAP_FREE;
	walk->contributions[feature] += mine.of_row - theirs.of_background;
	return (struct shap_gain){mine.of_row + theirs.of_row, mine.of_background + theirs.of_background};
}

void shap_pair_explain(const struct tree_shap *shap, size_t tree, size_t output, const double *slots, const double *against,
		       double share, double *contributions, double *scratch)
{
	struct shap_pair_walk walk = {shap, slots, against, contributions, (unsigned char *)scratch, output, share, 0, 0};
	(void)shap_pair_visit(&walk, &shap->nodes[shap->items[tree].root]);
}
