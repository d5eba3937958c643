/* tree_shap.c: Lays trees out for explanations, and adds up what its parts find; see
 * tree_shap.h and tree_shap_parts.h. */
#include "methods/explain/tree_shap.h"

#include "methods/numeric/legendre.h"
#include "methods/explain/tree_shap_parts.h"

/* ---- laying out ---- */

struct shap_builder {
	struct tree_shap *shap;
	struct arena *arena;
	struct shap_node *nodes;
	const double **vectors;
	const struct tree_set **sets;
	uint32_t *features; /* of slots */
	double *base;
	uint32_t *met; /* by feature: how often the way to a node has met it */
	size_t node_count, set_count, vector_count, different, longest, output;
};

/* How many nodes, sets and leaves there are below a node, itself among them. */
struct shap_count {
	size_t nodes, sets, leaves;
};

static void shap_count_nodes(const struct trees *trees, uint32_t node, struct shap_count *count)
{
	const struct tree_branch branch = trees_branch(trees, node);
	count->nodes++;
	count->leaves += branch.leaf;
	count->sets += branch.set != NULL;
	if (branch.leaf)
		return;
	shap_count_nodes(trees, branch.left, count);
	shap_count_nodes(trees, branch.right, count);
}

/* The share of the training rows at a node that go to a child. Where none came to the node, the file says nothing of them. */
static double shap_share(double child, double node)
{
	return node > 0 ? child / node : 0.5;
}

/* Adds what a leaf gives when no feature is known. */
static void shap_base_add(struct shap_builder *builder, const struct tree_branch *leaf, double reached)
{
	const struct trees_form *form = &builder->shap->layout.form;
	if (!form->vectors)
		builder->base[builder->output] += reached * *leaf->value;
	for (size_t i = 0; form->vectors && i < form->outputs; i++)
		builder->base[i] += reached * leaf->value[i];
}

static void shap_leaf_place(struct shap_builder *builder, const struct tree_branch *leaf, double reached)
{
	struct shap_node *placed = &builder->nodes[builder->node_count++];
	*placed = (struct shap_node){.threshold = *leaf->value, .slot = SHAP_LEAF};
	if (builder->shap->layout.form.vectors) {
		placed->threshold = (double)builder->vector_count;
		builder->vectors[builder->vector_count++] = leaf->value;
	}
	builder->longest = builder->different > builder->longest ? builder->different : builder->longest;
	shap_base_add(builder, leaf, reached);
}

static void shap_place(struct shap_builder *builder, uint32_t node, double reached)
{
	const struct trees *trees = builder->shap->trees;
	const struct tree_branch branch = trees_branch(trees, node);
	if (branch.leaf) {
		shap_leaf_place(builder, &branch, reached);
		return;
	}
	const struct tree_branch left = trees_branch(trees, branch.left), right = trees_branch(trees, branch.right);
	struct shap_node *placed = &builder->nodes[builder->node_count++];
	*placed = (struct shap_node){
		.threshold = branch.threshold,
		.left_share = shap_share(left.cover, branch.cover),
		.right_share = shap_share(right.cover, branch.cover),
		.slot = branch.slot,
	};
	if (branch.set) {
		placed->slot |= SHAP_SET;
		placed->threshold = (double)builder->set_count;
		builder->sets[builder->set_count++] = branch.set;
	}
	builder->features[branch.slot] = branch.feature;
	builder->different += builder->met[branch.feature]++ == 0;
	shap_place(builder, branch.left, reached * placed->left_share);
	placed->right = (uint32_t)builder->node_count;
	shap_place(builder, branch.right, reached * placed->right_share);
	builder->different -= --builder->met[branch.feature] == 0;
}

static bool shap_rules_make(struct tree_shap *shap, struct arena *arena)
{
	const size_t most = shap_points(shap->longest) / 2;
	struct shap_rule *rules = ARENA_ARRAY(arena, struct shap_rule, most + 1);
	shap->rules = rules;
	for (size_t i = 0; rules && i < shap->layout.trees; i++) {
		struct shap_rule *rule = &rules[shap->items[i].points / 2];
		if (rule->points)
			continue;
		rule->points = shap->items[i].points;
		double *at = ARENA_ARRAY(arena, double, rule->points), *weights = ARENA_ARRAY(arena, double, rule->points);
		if (!at || !weights)
			return false;
		legendre_rule(rule->points, at, weights);
		rule->at = at;
		rule->weights = weights;
	}
	return rules != NULL;
}

static bool shap_trees_place(struct shap_builder *builder, const struct shap_count *count)
{
	struct tree_shap *shap = builder->shap;
	const size_t features = shap->layout.form.features, trees = shap->layout.trees;
	struct shap_tree *items = ARENA_ARRAY(builder->arena, struct shap_tree, trees);
	builder->nodes = ARENA_ARRAY(builder->arena, struct shap_node, count->nodes);
	builder->vectors = ARENA_ARRAY(builder->arena, const double *, shap->layout.form.vectors ? count->leaves : 0);
	builder->sets = ARENA_ARRAY(builder->arena, const struct tree_set *, count->sets);
	builder->features = ARENA_ARRAY(builder->arena, uint32_t, shap->layout.slots + 1);
	builder->base = ARENA_ARRAY(builder->arena, double, shap->size.outputs);
	builder->met = ARENA_ARRAY(builder->arena, uint32_t, features + 1);
	if (arena_failed(builder->arena))
		return false;
	for (size_t i = 0; i < trees; i++) {
		const uint32_t root = trees_root(shap->trees, i, &items[i].output);
		builder->longest = 0;
		builder->output = items[i].output;
		items[i].root = (uint32_t)builder->node_count;
		shap_place(builder, root, 1);
		items[i].points = (uint32_t)shap_points(builder->longest);
		shap->longest = builder->longest > shap->longest ? builder->longest : shap->longest;
	}
	shap->items = items;
	shap->nodes = builder->nodes;
	shap->vectors = builder->vectors;
	shap->sets = builder->sets;
	shap->features = builder->features;
	shap->base = builder->base;
	shap->size.bytes = count->nodes * sizeof(struct shap_node);
	return shap_rules_make(shap, builder->arena);
}

/* ---- a background ---- */

/* (a-1)! c! / (a+c)! at [a][c]: the weight of a leaf for each of a features beside c others. */
static bool shap_weights_make(struct tree_shap *shap, struct arena *arena)
{
	const size_t width = shap->longest + 1;
	double *weights = ARENA_ARRAY(arena, double, width *width);
	for (size_t a = 1; weights && a < width; a++) {
		weights[a * width] = 1 / (double)a;
		for (size_t c = 1; c < width; c++)
			weights[a * width + c] = weights[a * width + c - 1] * (double)c / (double)(a + c);
	}
	shap->weights = weights;
	return weights != NULL;
}

/* Its base value is the mean of what the trees answer to the background. */
static bool shap_background_take(struct tree_shap *shap, const double *background, size_t width, double *base, struct arena *arena)
{
	const size_t stride = shap->layout.slots + 1, outputs = shap->size.outputs, rows = shap->background_rows;
	double *slots = ARENA_ARRAY(arena, double, rows *stride), *sums = ARENA_ARRAY(arena, double, outputs);
	double *scratch = ARENA_ARRAY(arena, double, trees_scratch(shap->trees, 1));
	if (!slots || !sums || !scratch || !shap_weights_make(shap, arena))
		return false;
	memset(base, 0, outputs * sizeof *base);
	for (size_t i = 0; i < rows; i++) {
		trees_slots(shap->trees, background + i * width, slots + i * stride);
		trees_sum(shap->trees, background + i * width, width, 1, sums, scratch);
		for (size_t j = 0; j < outputs; j++)
			base[j] += sums[j] / (double)rows;
	}
	shap->background = slots;
	shap->size.bytes += rows * stride * sizeof *slots;
	return true;
}

/* ---- opening ---- */

static bool shap_check(const struct predictor *predictor, const struct shap_count *count, size_t rows, size_t width,
		       struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(predictor);
	if (rows == 0 && !trees_layout(predictor_parts(predictor).trees).covers)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "its file does not say how many training rows came to each node; give a background, or save the "
				 "model with them (sum_hessian, internal_count and leaf_count, or n_samples)");
	if (rows && width < traits->features)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the background has %zu columns, and the model takes %zu features; give it the model's columns",
				 width, traits->features);
	if (rows > TREE_SHAP_BACKGROUND_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE, "the background has %zu rows, more than %zu; give a sample of them",
				       rows, TREE_SHAP_BACKGROUND_MAX);
	if (count->nodes > TREE_SHAP_NODES_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE,
				       "its trees have %zu nodes, more than the %zu that explanations take; use a sampler",
				       count->nodes, TREE_SHAP_NODES_MAX);
	if (traits->features && traits->margins > TREE_SHAP_CELLS_MAX / traits->features)
		return error_set_limit(error, LIMIT_OF_ENGINE,
				       "its explanations have %zu outputs of %zu features, more than %zu numbers together",
				       traits->margins, traits->features, TREE_SHAP_CELLS_MAX);
	return true;
}

/* Base values as the caller reads them: with the model's own base, and the share of a mean of trees. */
static void shap_base_finish(double *base, size_t outputs, const struct predictor_parts *parts)
{
	for (size_t i = 0; i < outputs; i++)
		base[i] = parts->share * (base[i] + (parts->base ? parts->base[i] : 0));
}

static void shap_scratch_set(struct tree_shap *shap)
{
	const size_t features = shap->size.features + 1, paths = shap_tree_scratch(shap);
	shap->size.scratch = shap->layout.slots + 1 + (paths > features ? paths : features);
}

const struct tree_shap *tree_shap_open(struct arena *arena, const struct predictor *predictor, const double *background,
				       size_t rows, size_t width, struct error *error)
{
	const struct predictor_parts parts = predictor_parts(predictor);
	struct shap_count count = {0};
	size_t output;
	if (!parts.trees)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "the model has no trees (its format is %s); explain it by linear_shap, gradients or a "
					    "sampler", predictor_traits(predictor)->format));
	const struct trees_layout layout = trees_layout(parts.trees);
	for (size_t i = 0; i < layout.trees; i++)
		shap_count_nodes(parts.trees, trees_root(parts.trees, i, &output), &count);
	if (!shap_check(predictor, &count, rows, width, error))
		return NULL;
	struct tree_shap *shap = ARENA_NEW(arena, struct tree_shap);
	struct shap_builder builder = {.shap = shap, .arena = arena};
	if (shap)
		*shap = (struct tree_shap){
			.trees = parts.trees,
			.layout = layout,
			.share = parts.share,
			.size = {.features = layout.form.features, .outputs = layout.form.outputs},
			.deepest = layout.deepest,
			.background_rows = rows,
		};
	if (!shap || !shap_trees_place(&builder, &count) ||
	    (rows && !shap_background_take(shap, background, width, builder.base, arena)))
		return error_null(error_memory(error, ERROR_SYSTEM, "preparing explanations of a model"));
	shap_base_finish(builder.base, shap->size.outputs, &parts);
	shap_scratch_set(shap);
	return shap;
}

struct tree_shap_size tree_shap_size(const struct tree_shap *shap)
{
	return shap->size;
}

const double *tree_shap_base(const struct tree_shap *shap)
{
	return shap->base;
}

/* ---- explaining ---- */

static void shap_output_explain(const struct tree_shap *shap, size_t tree, size_t output, const double *slots,
				double *contributions, double *scratch)
{
	const size_t stride = shap->layout.slots + 1;
	if (!shap->background_rows)
		shap_tree_explain(shap, tree, output, slots, contributions, scratch);
	for (size_t i = 0; i < shap->background_rows; i++)
		shap_pair_explain(shap, tree, output, slots, shap->background + i * stride, 1 / (double)shap->background_rows,
				  contributions, scratch);
}

void tree_shap_explain(const struct tree_shap *shap, const double *row, double *contributions, double *scratch)
{
	const size_t features = shap->size.features, outputs = shap->size.outputs;
	double *slots = scratch, *working = scratch + shap->layout.slots + 1;
	trees_slots(shap->trees, row, slots);
	memset(contributions, 0, outputs * features * sizeof *contributions);
	memset(working, 0, (shap->size.scratch - shap->layout.slots - 1) * sizeof *working);
	for (size_t i = 0; i < shap->layout.trees; i++) {
		const bool vectors = shap->layout.form.vectors;
		const size_t first = vectors ? 0 : shap->items[i].output, end = vectors ? outputs : first + 1;
		for (size_t output = first; output < end; output++)
			shap_output_explain(shap, i, output, slots, contributions + output * features, working);
	}
	for (size_t i = 0; shap->share != 1 && i < outputs * features; i++)
		contributions[i] *= shap->share;
}
