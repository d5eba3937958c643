/* predictor_own.c: Reader of our own small JSON formats: linear models, networks, random forests, isolation forests.
 * A few lines of code write scikit-learn's models in them. */
#include <math.h>

#include "base/memory.h"
#include "methods/predictors/predictor_parts.h"

#define EULER 0.5772156649 /* as in scikit-learn's average path length */
#define LAYERS_MAX 64

static struct predictor *predictor_begin(struct arena *arena, const char *format, const char *objective, struct error *error)
{
	struct predictor *predictor = ARENA_NEW(arena, struct predictor);
	const char *copy = arena_copy(arena, objective, strlen(objective));
	if (!predictor || !copy)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	*predictor = (struct predictor){.traits = {.format = format, .objective = copy}, .factor = 1, .share = 1};
	return predictor;
}

/* How margins become answers, and how many classes that are. False: it was refused. */
static bool link_set(struct predictor *predictor, size_t margins, const char *output, const json_t *root, struct arena *arena,
		     struct error *error)
{
	struct predictor_traits *traits = &predictor->traits;
	traits->margins = traits->outputs = margins;
	if (strcmp(output, "identity") == 0) {
		predictor->link = LINK_IDENTITY;
		return true;
	}
	if (strcmp(output, "softmax") == 0 && margins >= 2) {
		predictor->link = LINK_SOFTMAX;
	} else if (strcmp(output, "logistic") == 0 && margins == 1) {
		predictor->link = LINK_PAIR;
		traits->outputs = 2;
	} else {
		return predictor_refuse(error,
					"`%.64s` of %zu outputs is nothing known: identity, logistic of one, softmax of several",
					output, margins);
	}
	traits->classes = traits->outputs;
	size_t count = json_take_classes(root, arena, &traits->labels, error);
	if (count == SIZE_MAX)
		return false;
	return count == 0 || count == traits->classes ||
	       predictor_refuse(error, "it has %zu `classes`, and %zu outputs that are one each", count, traits->classes);
}

/* ---- matrices ---- */

/* Rows of equally many numbers, one behind the other. False: refused, or SYSTEM. */
static bool matrix_take(const json_t *rows, const char *name, struct arena *arena, size_t *height, size_t *width, double **numbers,
			struct error *error)
{
	*height = json_array_size(rows);
	*width = json_array_size(json_array_get(rows, 0));
	if (*height == 0 || *width == 0 || *width > TREE_FEATURES_MAX)
		return predictor_refuse(error, "`%s` is no list of lists of numbers", name);
	*numbers = ARENA_ARRAY(arena, double, *height **width);
	for (size_t i = 0; *numbers && i < *height; i++) {
		const json_t *row = json_array_get(rows, i);
		if (json_array_size(row) != *width)
			return predictor_refuse(error, "the lists of `%s` are not equally long", name);
		for (size_t j = 0; j < *width; j++)
			if (!json_take_number(json_array_get(row, j), *numbers + i * *width + j))
				return predictor_refuse(error, "`%s` has something in place %zu of list %zu that is no number",
							name, j, i);
	}
	return *numbers || error_memory(error, ERROR_SYSTEM, "reading a model");
}

static bool bias_take(const json_t *list, const char *name, size_t wanted, struct arena *arena, double **numbers,
		      struct error *error)
{
	size_t count = json_take_numbers(list, arena, numbers);
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	return count == wanted || predictor_refuse(error, "`%s` is no list of %zu numbers", name, wanted);
}

/* ---- sluice_linear/1 ---- */

struct predictor *predictor_read_linear(struct arena *arena, const json_t *root, struct error *error)
{
	const char *kind = json_string_value(json_object_get(root, "kind"));
	struct predictor *predictor = predictor_begin(arena, "sluice_linear/1", kind ? kind : "", error);
	struct dense_layer *layer = ARENA_NEW(arena, struct dense_layer);
	struct dense *dense = ARENA_NEW(arena, struct dense);
	double *coefficients, *intercept;
	size_t outputs, features;
	if (!predictor)
		return NULL;
	if (!kind)
		return predictor_refuse(error, "it has no `kind`: identity, logistic or softmax");
	if (!matrix_take(json_object_get(root, "coef"), "coef", arena, &outputs, &features, &coefficients, error) ||
	    !bias_take(json_object_get(root, "intercept"), "intercept", outputs, arena, &intercept, error) ||
	    !link_set(predictor, outputs, kind, root, arena, error))
		return NULL;
	double *weights = ARENA_ARRAY(arena, double, outputs *features);
	if (!layer || !dense || !weights)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	for (size_t i = 0; i < outputs; i++)
		for (size_t j = 0; j < features; j++)
			weights[j * outputs + i] = coefficients[i * features + j];
	*layer = (struct dense_layer){features, outputs, weights, intercept, ACTIVATION_NONE};
	*dense = (struct dense){.count = 1, .layers = layer};
	predictor->traits.features = features;
	predictor->dense = dense;
	return predictor;
}

/* ---- sluice_mlp/1 ---- */

static bool activation_find(const char *name, enum activation *activation)
{
	static const char *const names[] = {[ACTIVATION_NONE] = "identity",
					    [ACTIVATION_RELU] = "relu",
					    [ACTIVATION_TANH] = "tanh",
					    [ACTIVATION_LOGISTIC] = "logistic"};
	for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			*activation = (enum activation)i;
			return true;
		}
	return false;
}

static bool layer_take(const json_t *from, enum activation activation, size_t inputs, struct arena *arena,
		       struct dense_layer *layer, struct error *error)
{
	double *weights, *bias;
	layer->activation = activation;
	if (!matrix_take(json_object_get(from, "W"), "W", arena, &layer->inputs, &layer->outputs, &weights, error) ||
	    !bias_take(json_object_get(from, "b"), "b", layer->outputs, arena, &bias, error))
		return false;
	layer->weights = weights;
	layer->bias = bias;
	return inputs == 0 || inputs == layer->inputs ||
	       predictor_refuse(error, "a layer takes %zu numbers, and the one before it gives %zu", layer->inputs, inputs);
}

struct predictor *predictor_read_mlp(struct arena *arena, const json_t *root, struct error *error)
{
	const json_t *given = json_object_get(root, "layers");
	const char *output = json_string_value(json_object_get(root, "output"));
	size_t count = json_array_size(given);
	enum activation activation;
	struct predictor *predictor = predictor_begin(arena, "sluice_mlp/1", output ? output : "", error);
	if (!predictor)
		return NULL;
	if (count == 0 || count > LAYERS_MAX || !output)
		return predictor_refuse(error, "it has %zu `layers`, of 1 to %d, or no `output`", count, LAYERS_MAX);
	if (!activation_find(json_string_value(json_object_get(root, "activation")), &activation))
		return predictor_refuse(error, "its `activation` is none of relu, tanh, logistic and identity");
	struct dense_layer *layers = ARENA_ARRAY(arena, struct dense_layer, count);
	struct dense *dense = ARENA_NEW(arena, struct dense);
	if (!layers || !dense)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	for (size_t i = 0; i < count; i++)
		if (!layer_take(json_array_get(given, i), i + 1 < count ? activation : ACTIVATION_NONE,
				i ? layers[i - 1].outputs : 0, arena, &layers[i], error))
			return NULL;
	if (!link_set(predictor, layers[count - 1].outputs, output, root, arena, error))
		return NULL;
	*dense = (struct dense){.count = count, .layers = layers};
	predictor->traits.features = layers[0].inputs;
	predictor->dense = dense;
	return predictor;
}

/* ---- trees as scikit-learn keeps them: arrays by node ---- */

struct node_arrays {
	const json_t *features, *thresholds, *left, *right;
	const json_t *samples; /* NULL: not given */
	size_t count;
};

static struct node_arrays arrays_of(const json_t *tree)
{
	const json_t *features = json_object_get(tree, "feature");
	return (struct node_arrays){
		.features = features,
		.thresholds = json_object_get(tree, "threshold"),
		.left = json_object_get(tree, "left"),
		.right = json_object_get(tree, "right"),
		.samples = json_object_get(tree, "n_samples"),
		.count = json_array_size(features),
	};
}

/* A split, or a leaf whose value is the caller's to say. False: it is not whole. */
static bool node_take(const struct node_arrays *arrays, size_t index, struct tree_node *node)
{
	double feature, threshold, left, right, samples;
	if (!json_take_number(json_array_get(arrays->features, index), &feature) || feature != floor(feature) ||
	    feature > UINT32_MAX)
		return false;
	*node = (struct tree_node){.left = TREE_LEAF, .missing = TREE_NAN_RIGHT, .cover = NAN};
	if (json_take_number(json_array_get(arrays->samples, index), &samples))
		node->cover = samples;
	if (feature < 0)
		return true;
	if (!json_take_number(json_array_get(arrays->thresholds, index), &threshold) ||
	    !json_take_number(json_array_get(arrays->left, index), &left) ||
	    !json_take_number(json_array_get(arrays->right, index), &right) || left < 0 || left > UINT32_MAX || right < 0 ||
	    right > UINT32_MAX)
		return false;
	node->left = (int64_t)left;
	node->right = (int64_t)right;
	node->value = tree_at_most(threshold);
	node->feature = (uint32_t)feature;
	return true;
}

/* How many features the trees ask for: their formats do not say how many there are. */
static size_t features_of(const json_t *trees)
{
	double most = 0, feature;
	for (size_t i = 0; i < json_array_size(trees); i++) {
		const json_t *features = json_object_get(json_array_get(trees, i), "feature");
		for (size_t j = 0; j < json_array_size(features); j++)
			if (json_take_number(json_array_get(features, j), &feature))
				most = fmax(most, feature + 1);
	}
	return most < (double)TREE_FEATURES_MAX ? (size_t)most : TREE_FEATURES_MAX + 1;
}

/* Gives the leaves of a tree their values. */
typedef bool leaves_take(struct trees_builder *builder, size_t outputs, const json_t *tree, struct tree_node *nodes, size_t count,
			 struct error *error);

static bool tree_take(struct trees_builder *builder, size_t outputs, const json_t *tree, leaves_take *leaves, struct arena *working,
		      struct error *error)
{
	const struct node_arrays arrays = arrays_of(tree);
	struct tree_node *nodes = ARENA_ARRAY(working, struct tree_node, arrays.count);
	if (!nodes)
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	for (size_t i = 0; i < arrays.count; i++)
		if (!node_take(&arrays, i, &nodes[i]))
			return predictor_refuse(
				error, "node %zu of a tree is not whole: it has a feature, a threshold, left and right", i);
	return leaves(builder, outputs, tree, nodes, arrays.count, error) && trees_add(builder, nodes, arrays.count, 0, error);
}

#define WORKING_BYTES ((size_t)1 << 30) /* of one tree taken apart */

static bool trees_take(struct predictor *predictor, const json_t *root, bool vectors, leaves_take *leaves, struct arena *arena,
		       struct error *error)
{
	const json_t *given = json_object_get(root, "trees");
	predictor->traits.features = features_of(given);
	predictor->traits.wider = true;
	if (json_array_size(given) == 0 || predictor->traits.features == 0)
		return predictor_refuse(error, "it has no `trees`, or none that asks for a feature");
	const struct trees_form form = {predictor->traits.features, predictor->traits.margins, vectors, true};
	struct arena *working = arena_open(WORKING_BYTES);
	struct trees_builder *builder = trees_begin(arena, &form, error);
	bool good = builder && (working || error_memory(error, ERROR_SYSTEM, "reading a model"));
	for (size_t i = 0; good && i < json_array_size(given); i++) {
		arena_reset(working);
		good = tree_take(builder, form.outputs, json_array_get(given, i), leaves, working, error);
	}
	if (good)
		predictor->trees = trees_end(builder, error);
	else
		trees_abandon(builder);
	arena_close(working);
	return predictor->trees != NULL;
}

/* ---- sluice_forest/1 ---- */

/* A leaf's value is a list: a fraction for each class. */
static bool fractions_take(struct trees_builder *builder, size_t outputs, const json_t *tree, struct tree_node *nodes, size_t count,
			   struct error *error)
{
	const json_t *values = json_object_get(tree, "value");
	for (size_t i = 0; i < count; i++) {
		if (nodes[i].left != TREE_LEAF)
			continue;
		const json_t *value = json_array_get(values, i);
		double *fractions = trees_leaf(builder, &nodes[i].value);
		if (!fractions)
			return error_memory(error, ERROR_SYSTEM, "reading a model");
		for (size_t j = 0; j < outputs; j++)
			if (json_array_size(value) != outputs || !json_take_number(json_array_get(value, j), &fractions[j]))
				return predictor_refuse(
					error, "the `value` of a leaf, node %zu, is not a fraction for each of %zu classes", i,
					outputs);
	}
	return true;
}

/* The classes are counted where there is a leaf. */
static size_t width_of_leaves(const json_t *root)
{
	const json_t *tree = json_array_get(json_object_get(root, "trees"), 0);
	const json_t *values = json_object_get(tree, "value");
	for (size_t i = 0; i < json_array_size(values); i++)
		if (json_array_size(json_array_get(values, i)) > 0)
			return json_array_size(json_array_get(values, i));
	return 0;
}

struct predictor *predictor_read_forest(struct arena *arena, const json_t *root, struct error *error)
{
	const char *aggregate = json_string_value(json_object_get(root, "aggregate"));
	struct predictor *predictor = predictor_begin(arena, "sluice_forest/1", aggregate ? aggregate : "", error);
	if (!predictor)
		return NULL;
	if (!aggregate || strcmp(aggregate, "mean_probability") != 0)
		return predictor_refuse(error, "its `aggregate` is not mean_probability");
	struct predictor_traits *traits = &predictor->traits;
	size_t classes = json_take_classes(root, arena, &traits->labels, error), width = width_of_leaves(root);
	if (classes == SIZE_MAX)
		return NULL;
	if (classes && classes != width)
		return predictor_refuse(error, "it has %zu `classes`, and leaves of %zu values", classes, width);
	traits->margins = traits->outputs = width;
	traits->classes = width > 1 ? width : 0;
	predictor->share = 1 / (double)json_array_size(json_object_get(root, "trees"));
	return trees_take(predictor, root, true, fractions_take, arena, error) ? predictor : NULL;
}

/* ---- isolation forests ---- */

/* The mean length of a search that fails among `count` (Liu, Ting and Zhou 2008). */
static double path_length(double count)
{
	if (count <= 1)
		return 0;
	return count == 2 ? 1 : 2 * (log(count - 1) + EULER) - 2 * (count - 1) / count;
}

/* A leaf's value is its depth, and what would follow if its samples were split further. */
static bool depths_take(struct trees_builder *builder, size_t outputs, const json_t *tree, struct tree_node *nodes, size_t count,
			struct error *error)
{
	const json_t *samples = json_object_get(tree, "n_samples");
	(void)builder, (void)outputs;
	double *depths = memory_take(count, sizeof *depths);
	bool good = depths || error_memory(error, ERROR_SYSTEM, "reading a model");
	for (size_t i = 0; good && i < count; i++) {
		double own;
		if (nodes[i].left == TREE_LEAF) {
			good = json_take_number(json_array_get(samples, i), &own) ||
			       predictor_refuse(error, "the leaf at node %zu of a tree has no number in `n_samples`", i);
			nodes[i].value = good ? depths[i] + path_length(own) : 0;
			continue;
		}
		good = (nodes[i].left > (int64_t)i && nodes[i].right > (int64_t)i && nodes[i].left < (int64_t)count &&
			nodes[i].right < (int64_t)count) ||
		       predictor_refuse(error, "node %zu of a tree leads back, or to a node that is not there", i);
		if (good)
			depths[nodes[i].left] = depths[nodes[i].right] = depths[i] + 1;
	}
	memory_give(depths);
	return good;
}

struct predictor *predictor_read_isolation(struct arena *arena, const json_t *root, struct error *error)
{
	double samples;
	struct predictor *predictor = predictor_begin(arena, "isolation_forest", "", error);
	if (!predictor)
		return NULL;
	if (!json_take_number(json_object_get(root, "max_samples"), &samples) || samples < 2)
		return predictor_refuse(error, "its `max_samples` is no number from 2 on");
	const json_t *limit = json_object_get(root, "limit");
	predictor->traits.limit = NAN;
	if (limit && !json_take_number(limit, &predictor->traits.limit))
		return predictor_refuse(error, "its `limit` is no number");
	predictor->link = LINK_ANOMALY;
	predictor->traits.margins = predictor->traits.outputs = 1;
	predictor->share = 1 / ((double)json_array_size(json_object_get(root, "trees")) * path_length(samples));
	return trees_take(predictor, root, false, depths_take, arena, error) ? predictor : NULL;
}
