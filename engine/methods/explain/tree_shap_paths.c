/* tree_shap_paths.c: Path-dependent Shapley values of one tree; see tree_shap.h.
 *
 * Let x be the row, and z_j the share of training rows that the splits of feature j let
 * through on the way to a leaf of value v; o_j is 1 if x passes them, else 0. The leaf gives
 * feature i the value v (o_i - z_i) times the integral over t from 0 to 1 of the product of
 * the other features' factors F_j(t) = t o_j + (1 - t) z_j.
 *
 * A walk carries the product of all factors from the root down at each point t (`above`,
 * which includes the weights of the rule), and brings back the sum over the leaves below of
 * v times the factors below (`below`). A split on a feature that is new on the way adds, for
 * the child that x enters, (1 - z) below, and for the other one -z below. On a feature that
 * has been met, its former factor is divided out and its former part taken back; it is
 * divided by F = t + (1 - t) z >= t alone, for where x has left the path nothing changes any
 * more. */
#ifndef __clang__
#pragma GCC optimize("O3") /* the short loops are here for being unrolled, which -O2 does not do */
#endif

#include "methods/explain/tree_shap_parts.h"

enum shap_met { SHAP_NEW, SHAP_PASSES, SHAP_LEFT };

/* What the way to a node has made of a feature. */
struct shap_met_feature {
	double share; /* z of it */
	enum shap_met met;
};

struct shap_walk {
	const struct tree_shap *shap;
	const double *slots;
	double *contributions;
	struct shap_met_feature *met; /* by feature */
	const double *at;	      /* points t */
	size_t output;
	size_t count; /* of points; for the general walk */
};

/* Two points at a time: what every processor of the kind can do. */
typedef double shap_pair __attribute__((vector_size(2 * sizeof(double)), aligned(sizeof(double)), may_alias));

#define PAIRS_OF(numbers) ((shap_pair *)(numbers))
#define CONST_PAIRS_OF(numbers) ((const shap_pair *)(numbers))

typedef void shap_visit(struct shap_walk *walk, const struct shap_node *node, double *above);

/* `above` has room behind it for what is brought back, and for the frames of children. */
static inline __attribute__((always_inline)) void shap_enter(struct shap_walk *walk, const struct shap_node *node, double *above,
							     size_t count, shap_visit *visit)
{
	if (node->slot != SHAP_LEAF) {
		visit(walk, node, above);
		return;
	}
	const double value = shap_leaf(walk->shap, node, walk->output);
	for (size_t q = 0; q < count; q++)
		above[count + q] = value;
}

/* A split on a feature that x has left: both children lie off its way. */
static inline __attribute__((always_inline)) void shap_split_left(struct shap_walk *walk, const struct shap_node *node,
								  double *above, size_t count, shap_visit *visit)
{
	const struct shap_node *children[2] = {node + 1, walk->shap->nodes + node->right};
	const double shares[2] = {node->left_share, node->right_share};
	shap_pair *below = PAIRS_OF(above + count);
	double *frame = above + 2 * count;
	for (size_t q = 0; q < count / 2; q++)
		below[q] = (shap_pair){0, 0};
	for (size_t i = 0; i < 2; i++) {
		for (size_t q = 0; q < count / 2; q++)
			PAIRS_OF(frame)[q] = shares[i] * CONST_PAIRS_OF(above)[q];
		shap_enter(walk, children[i], frame, count, visit);
		for (size_t q = 0; q < count / 2; q++)
			below[q] += shares[i] * CONST_PAIRS_OF(frame + count)[q];
	}
}

/* A split on a feature that is new: the child that x enters, then the other one. */
static inline __attribute__((always_inline)) void shap_split_new(struct shap_walk *walk, const struct shap_node *node,
								 struct shap_met_feature *met, double *above, size_t count,
								 shap_visit *visit)
{
	const bool left = shap_left(walk->shap, node, walk->slots);
	const double in = left ? node->left_share : node->right_share, out = left ? node->right_share : node->left_share;
	const struct shap_node *first = node + 1, *second = walk->shap->nodes + node->right;
	const shap_pair *at = CONST_PAIRS_OF(walk->at);
	shap_pair *below = PAIRS_OF(above + count), sum = {0, 0};
	double *frame = above + 2 * count;
	*met = (struct shap_met_feature){in, SHAP_PASSES};
	for (size_t q = 0; q < count / 2; q++)
		PAIRS_OF(frame)[q] = CONST_PAIRS_OF(above)[q] * (in + at[q] * (1 - in));
	shap_enter(walk, left ? first : second, frame, count, visit);
	for (size_t q = 0; q < count / 2; q++) {
		const shap_pair brought = CONST_PAIRS_OF(frame + count)[q];
		sum += (1 - in) * CONST_PAIRS_OF(above)[q] * brought;
		below[q] = brought * (in + at[q] * (1 - in));
		PAIRS_OF(frame)[q] = CONST_PAIRS_OF(above)[q] * (out - at[q] * out);
	}
	*met = (struct shap_met_feature){out, SHAP_LEFT};
	shap_enter(walk, left ? second : first, frame, count, visit);
	for (size_t q = 0; q < count / 2; q++) {
		const shap_pair brought = CONST_PAIRS_OF(frame + count)[q];
		sum -= out * CONST_PAIRS_OF(above)[q] * brought;
		below[q] += brought * (out - at[q] * out);
	}
	*met = (struct shap_met_feature){0, SHAP_NEW};
	walk->contributions[walk->shap->features[node->slot & ~SHAP_SET]] += sum[0] + sum[1];
}

/* A split on a feature whose splits x has passed so far. */
static inline __attribute__((always_inline)) void shap_split_again(struct shap_walk *walk, const struct shap_node *node,
								   struct shap_met_feature *met, double *above, size_t count,
								   shap_visit *visit)
{
	const bool left = shap_left(walk->shap, node, walk->slots);
	const double before = met->share, in = before * (left ? node->left_share : node->right_share),
		     out = before * (left ? node->right_share : node->left_share);
	const struct shap_node *first = node + 1, *second = walk->shap->nodes + node->right;
	const shap_pair *at = CONST_PAIRS_OF(walk->at);
	shap_pair *below = PAIRS_OF(above + count), sum = {0, 0};
	double *frame = above + 2 * count;
	met->share = in;
	for (size_t q = 0; q < count / 2; q++)
		PAIRS_OF(frame)[q] = CONST_PAIRS_OF(above)[q] * (in + at[q] * (1 - in)) / (before + at[q] * (1 - before));
	shap_enter(walk, left ? first : second, frame, count, visit);
	for (size_t q = 0; q < count / 2; q++) {
		const shap_pair brought = CONST_PAIRS_OF(frame + count)[q];
		const shap_pair others = CONST_PAIRS_OF(above)[q] / (before + at[q] * (1 - before));
		sum += (1 - in) * others * brought;
		below[q] = brought * (in + at[q] * (1 - in));
		PAIRS_OF(frame)[q] = others * (out - at[q] * out);
	}
	*met = (struct shap_met_feature){out, SHAP_LEFT};
	shap_enter(walk, left ? second : first, frame, count, visit);
	for (size_t q = 0; q < count / 2; q++) {
		const shap_pair brought = CONST_PAIRS_OF(frame + count)[q], factor = before + at[q] * (1 - before);
		const shap_pair others = CONST_PAIRS_OF(above)[q] / factor;
		below[q] = (below[q] + brought * (out - at[q] * out)) / factor;
		sum -= others * (out * brought + (1 - before) * below[q]);
	}
	*met = (struct shap_met_feature){before, SHAP_PASSES};
	walk->contributions[walk->shap->features[node->slot & ~SHAP_SET]] += sum[0] + sum[1];
}

static inline __attribute__((always_inline)) void shap_split(struct shap_walk *walk, const struct shap_node *node, double *above,
							     size_t count, shap_visit *visit)
{
	struct shap_met_feature *met = &walk->met[walk->shap->features[node->slot & ~SHAP_SET]];
	if (met->met == SHAP_NEW)
		shap_split_new(walk, node, met, above, count, visit);
	else if (met->met == SHAP_PASSES)
		shap_split_again(walk, node, met, above, count, visit);
	else
		shap_split_left(walk, node, above, count, visit);
}

/* The same walk for each usual number of points, so that the compiler unrolls its loops. */
static void shap_visit_2(struct shap_walk *walk, const struct shap_node *node, double *above)
{
	shap_split(walk, node, above, 2, shap_visit_2);
}

static void shap_visit_4(struct shap_walk *walk, const struct shap_node *node, double *above)
{
	shap_split(walk, node, above, 4, shap_visit_4);
}

static void shap_visit_6(struct shap_walk *walk, const struct shap_node *node, double *above)
{
	shap_split(walk, node, above, 6, shap_visit_6);
}

static void shap_visit_any(struct shap_walk *walk, const struct shap_node *node, double *above)
{
	shap_split(walk, node, above, walk->count, shap_visit_any);
}

size_t shap_points(size_t features)
{
	const size_t points = (features + 1) / 2;
	return points ? (points + 1) / 2 * 2 : 2;
}

/* Numbers of a tree's deepest way: two for a node, and two for its child that is open. */
static size_t shap_frames(const struct tree_shap *shap)
{
	return (shap->deepest + 2) * 2 * shap_points(shap->longest);
}

size_t shap_tree_scratch(const struct tree_shap *shap)
{
	return shap_frames(shap) + (shap->size.features + 1) * (sizeof(struct shap_met_feature) / sizeof(double));
}

void shap_tree_explain(const struct tree_shap *shap, size_t tree, size_t output, const double *slots, double *contributions,
		       double *scratch)
{
	const struct shap_rule *rule = &shap->rules[shap->items[tree].points / 2];
	const struct shap_node *root = &shap->nodes[shap->items[tree].root];
	struct shap_walk walk = {shap,	   slots,  contributions, (struct shap_met_feature *)(scratch + shap_frames(shap)),
				 rule->at, output, rule->points};
	if (root->slot == SHAP_LEAF)
		return;
	for (size_t q = 0; q < rule->points; q++)
		scratch[q] = rule->weights[q];
	switch (rule->points) {
	case 2:
		shap_visit_2(&walk, root, scratch);
		break;
	case 4:
		shap_visit_4(&walk, root, scratch);
		break;
	case 6:
		shap_visit_6(&walk, root, scratch);
		break;
	default:
		shap_visit_any(&walk, root, scratch);
	}
}
