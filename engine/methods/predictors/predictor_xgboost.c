/* predictor_xgboost.c: Reader of XGBoost's JSON: boosters of trees (gbtree, dart) and gblinear.
 *
 * Its numbers are floats: rows are rounded to float before a split compares. base_score is written as the answer of
 * the model without trees, not as a margin, and since 3.1 as a text of a list. Early stopping leaves more trees than
 * those up to the best iteration, which is an attribute of the learner.
 */
#include <math.h>

#include "base/number/number.h"
#include "methods/predictors/predictor_parts.h"

#define CATEGORIES_MAX 16777216.0 /* 2^24: XGBoost's own limit */

/* What base_score is written as. */
enum base_form { BASE_MARGIN, BASE_PROBABILITY, BASE_POSITIVE };

struct xgboost_objective {
	const char *name;
	enum predictor_link link;
	enum base_form base;
	size_t classes; /* 1: as num_class says */
};

static const struct xgboost_objective objectives[] = {
	{"reg:squarederror", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:linear", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:squaredlogerror", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:pseudohubererror", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:absoluteerror", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:quantileerror", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:expectileerror", LINK_IDENTITY, BASE_MARGIN, 0},
	{"reg:logistic", LINK_LOGISTIC, BASE_PROBABILITY, 0},
	{"reg:gamma", LINK_EXP, BASE_POSITIVE, 0},
	{"reg:tweedie", LINK_EXP, BASE_POSITIVE, 0},
	{"count:poisson", LINK_EXP, BASE_POSITIVE, 0},
	{"binary:logistic", LINK_LOGISTIC, BASE_PROBABILITY, 2},
	{"binary:logitraw", LINK_IDENTITY, BASE_MARGIN, 0},
	{"binary:hinge", LINK_STEP, BASE_MARGIN, 2},
	{"multi:softprob", LINK_SOFTMAX, BASE_MARGIN, 1},
	{"multi:softmax", LINK_GREATEST, BASE_MARGIN, 1},
	{"rank:pairwise", LINK_IDENTITY, BASE_MARGIN, 0},
	{"rank:ndcg", LINK_IDENTITY, BASE_MARGIN, 0},
	{"rank:map", LINK_IDENTITY, BASE_MARGIN, 0},
	{"survival:cox", LINK_EXP, BASE_POSITIVE, 0},
	{"survival:aft", LINK_EXP, BASE_POSITIVE, 0},
};

/* ---- base_score ---- */

/* The next number of "[5E-1,2E0]"; false at its end, or where none stands. */
static bool number_next(struct text *list, double *number)
{
	while (list->length && (list->bytes[0] == '[' || list->bytes[0] == ',' || list->bytes[0] == ' '))
		*list = (struct text){list->bytes + 1, list->length - 1};
	struct decimal decimal;
	size_t taken = decimal_scan(*list, &decimal);
	*number = taken ? decimal_to_double(&decimal) : 0;
	*list = (struct text){list->bytes + taken, list->length - taken};
	return taken > 0;
}

static size_t base_numbers(const json_t *item, double *numbers, size_t most)
{
	size_t count = 0;
	if (json_is_array(item)) {
		while (count < most && json_take_number(json_array_get(item, count), &numbers[count]))
			count++;
		return count;
	}
	if (!json_is_string(item))
		return json_take_number(item, numbers);
	struct text list = {json_string_value(item), json_string_length(item)};
	while (count < most && number_next(&list, &numbers[count]))
		count++;
	return count;
}

/* In float, as XGBoost does: near 0 and 1 that is another number. */
static double base_margin(double base, enum base_form form)
{
	float single = (float)base;
	if (form == BASE_PROBABILITY) {
		single = fminf(fmaxf(single, 1e-6f), 1 - 1e-6f); /* where all that was learnt is of one class */
		return (double)-logf(1 / single - 1);
	}
	return (double)(form == BASE_POSITIVE ? logf(single) : single);
}

static bool base_take(struct predictor *predictor, const json_t *param, enum base_form form, struct arena *arena,
		      struct error *error)
{
	size_t width = predictor->traits.margins;
	double *base = ARENA_ARRAY(arena, double, width + 1); /* one more shows that there are too many */
	if (!base)
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	size_t count = base_numbers(json_object_get(param, "base_score"), base, width + 1);
	if (count != 1 && count != width)
		return predictor_refuse(error, "its base_score has %zu numbers for %zu outputs", count, width);
	for (size_t i = 0; i < width; i++) {
		base[i] = i < count ? base_margin(base[i], form) : base[0];
		if (isnan(base[i]))
			return predictor_refuse(error, "its base_score is nothing that the objective `%s` could answer",
						predictor->traits.objective);
	}
	predictor->base = base;
	return true;
}

/* ---- trees ---- */

struct tree_arrays {
	const json_t *left, *right, *features, *conditions, *default_left, *types; /* types: NULL in old files */
	const json_t *categories, *category_nodes, *category_segments, *category_sizes;
	const json_t *covers; /* NULL: none */
	double weight;	      /* of what its leaves say */
};

static bool whole_at(const json_t *array, size_t index, double least, double most, double *number)
{
	return json_take_number(json_array_get(array, index), number) && *number >= least && *number <= most &&
	       *number == floor(*number);
}

/* The categories of a node go right, and all others left. */
static bool set_take(const struct tree_arrays *arrays, size_t node, bool nan_left, struct arena *arena, struct tree_set *set)
{
	double at, begin, size, category;
	size_t which = 0;
	while (whole_at(arrays->category_nodes, which, 0, UINT32_MAX, &at) && (size_t)at != node)
		which++;
	if (!whole_at(arrays->category_segments, which, 0, UINT32_MAX, &begin) ||
	    !whole_at(arrays->category_sizes, which, 0, UINT32_MAX, &size))
		return false;
	double greatest = 0;
	for (size_t i = 0; i < (size_t)size; i++) {
		if (!whole_at(arrays->categories, (size_t)begin + i, 0, CATEGORIES_MAX - 1, &category))
			return false;
		greatest = fmax(greatest, category);
	}
	size_t words = (size_t)greatest / 32 + 1;
	uint32_t *bits = ARENA_ARRAY(arena, uint32_t, words);
	for (size_t i = 0; bits && i < (size_t)size; i++) {
		category = json_number_value(json_array_get(arrays->categories, (size_t)begin + i));
		bits[(size_t)category / 32] |= UINT32_C(1) << (size_t)category % 32;
	}
	/* Any number below 0 is no category, also one that would be cut off to 0. */
	*set = (struct tree_set){.words = bits, .count = bits ? words : 0, .nan_left = nan_left, .above = -0x1p-1074};
	return true;
}

static bool node_take(const struct tree_arrays *arrays, size_t index, struct arena *arena, struct tree_node *node)
{
	double left, right, feature, condition, nan_left, type, cover;
	if (!whole_at(arrays->left, index, -1, UINT32_MAX, &left) || !whole_at(arrays->right, index, -1, UINT32_MAX, &right) ||
	    !json_take_number(json_array_get(arrays->conditions, index), &condition))
		return false;
	*node = (struct tree_node){.left = (int64_t)left, .right = (int64_t)right, .value = (double)(float)condition};
	node->cover = json_take_number(json_array_get(arrays->covers, index), &cover) ? cover : NAN;
	if (node->left == TREE_LEAF) {
		node->value *= arrays->weight;
		return true;
	}
	if (!whole_at(arrays->features, index, 0, UINT32_MAX, &feature) ||
	    !json_take_number(json_array_get(arrays->default_left, index), &nan_left))
		return false;
	node->feature = (uint32_t)feature;
	node->missing = nan_left != 0 ? TREE_NAN_LEFT : TREE_NAN_RIGHT;
	if (!arrays->types || !json_take_number(json_array_get(arrays->types, index), &type) || type == 0)
		return true;
	struct tree_set *set = ARENA_NEW(arena, struct tree_set);
	node->missing = TREE_CATEGORY;
	node->set = set;
	return set && set_take(arrays, index, nan_left != 0, arena, set);
}

static bool tree_take(struct trees_builder *builder, const json_t *tree, double weight, size_t output, struct arena *working,
		      struct error *error)
{
	const struct tree_arrays arrays = {
		.left = json_object_get(tree, "left_children"),
		.right = json_object_get(tree, "right_children"),
		.features = json_object_get(tree, "split_indices"),
		.conditions = json_object_get(tree, "split_conditions"),
		.default_left = json_object_get(tree, "default_left"),
		.types = json_object_get(tree, "split_type"),
		.categories = json_object_get(tree, "categories"),
		.category_nodes = json_object_get(tree, "categories_nodes"),
		.category_segments = json_object_get(tree, "categories_segments"),
		.category_sizes = json_object_get(tree, "categories_sizes"),
		.covers = json_object_get(tree, "sum_hessian"),
		.weight = weight,
	};
	size_t count = json_array_size(arrays.left), leaf_vector;
	if (json_take_count(json_object_get(tree, "tree_param"), "size_leaf_vector", &leaf_vector) && leaf_vector > 1)
		return predictor_refuse(
			error, "its trees have vectors in their leaves (multi_strategy multi_output_tree), which is not read; "
			       "train with one_output_per_tree");
	struct tree_node *nodes = ARENA_ARRAY(working, struct tree_node, count);
	for (size_t i = 0; nodes && i < count; i++)
		if (!node_take(&arrays, i, working, &nodes[i]) && !arena_failed(working))
			return predictor_refuse(error, "node %zu of a tree is not whole: a number is missing or out of range", i);
	if (arena_failed(working))
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	return trees_add(builder, nodes, count, output, error);
}

#define WORKING_BYTES ((size_t)1 << 30) /* of one tree taken apart */

/* Where iteration `number` ends among the trees. An iteration has a tree for each output, or several (num_parallel_tree);
 * files since XGBoost 2.0 list the ends. */
static bool iteration_end(const json_t *model, size_t outputs, size_t number, size_t *end)
{
	const json_t *ends = json_object_get(model, "iteration_indptr");
	size_t parallel = 1;
	double at;
	if (json_is_array(ends)) {
		const bool there = whole_at(ends, number, 0, UINT32_MAX, &at);
		*end = there ? (size_t)at : 0;
		return there;
	}
	(void)json_take_count(json_object_get(model, "gbtree_model_param"), "num_parallel_tree", &parallel);
	parallel = parallel ? parallel : 1;
	return !__builtin_mul_overflow(outputs, parallel, end) && !__builtin_mul_overflow(*end, number, end);
}

/* How many there are: the trees, which must be as many as the file says. */
static bool iterations_count(const json_t *model, size_t outputs, size_t *iterations, struct error *error)
{
	const size_t trees = json_array_size(json_object_get(model, "trees"));
	const json_t *ends = json_object_get(model, "iteration_indptr");
	size_t declared, each = 1, last;
	if (json_take_count(json_object_get(model, "gbtree_model_param"), "num_trees", &declared) && declared != trees)
		return predictor_refuse(error, "it has %zu trees and says that it has %zu (num_trees): the file is incomplete",
					trees, declared);
	if (json_is_array(ends)) {
		*iterations = json_array_size(ends) ? json_array_size(ends) - 1 : 0;
		return (iteration_end(model, outputs, *iterations, &last) && last == trees) ||
		       predictor_refuse(error, "its iteration_indptr does not end with its %zu trees: the file is incomplete",
					trees);
	}
	if (!iteration_end(model, outputs, 1, &each))
		return predictor_refuse(error, "its num_parallel_tree is too large");
	*iterations = trees / each;
	return trees % each == 0 ||
	       predictor_refuse(error, "its %zu trees are not %zu for each iteration: the file is incomplete", trees, each);
}

/* How many of its trees answer. */
static bool trees_used(struct predictor_traits *traits, const json_t *learner, const json_t *model, enum predictor_iterations which,
		       size_t *used, struct error *error)
{
	const json_t *attributes = json_object_get(learner, "attributes");
	size_t iterations = 0, best = 0;
	*used = json_array_size(json_object_get(model, "trees"));
	if (!iterations_count(model, traits->margins, &iterations, error))
		return false;
	if (!json_object_get(attributes, "best_iteration"))
		return true;
	const bool named = json_take_count(attributes, "best_iteration", &best) && best < iterations;
	if (!named && which == ITERATIONS_BEST)
		return predictor_refuse(error,
					"its best_iteration is none of its %zu iterations, counted from 0; save it again, or write "
					"`iterations: all`",
					iterations);
	traits->iterations = named ? iterations : 0;
	traits->iterations_used = !named ? 0 : which == ITERATIONS_ALL ? iterations : best + 1;
	if (which == ITERATIONS_ALL)
		return true;
	const size_t all = *used;
	return (iteration_end(model, traits->margins, best + 1, used) && *used <= all) ||
	       predictor_refuse(error, "its iteration_indptr goes beyond its %zu trees: the file is incomplete", all);
}

/* The first `count` of them. */
static bool trees_take(struct trees_builder *builder, const json_t *model, const json_t *weights, size_t count, struct error *error)
{
	const json_t *trees = json_object_get(model, "trees"), *outputs = json_object_get(model, "tree_info");
	struct arena *working = arena_open(WORKING_BYTES);
	bool good = working || error_memory(error, ERROR_SYSTEM, "reading a model");
	if (good && !json_is_array(trees))
		good = predictor_refuse(error, "it has no `trees`");
	for (size_t i = 0; good && i < count; i++) {
		double output = 0, weight = 1;
		arena_reset(working);
		good = (whole_at(outputs, i, 0, UINT32_MAX, &output) &&
			(!weights || json_take_number(json_array_get(weights, i), &weight))) ||
		       predictor_refuse(error, "tree %zu has no class in `tree_info`, or no weight", i);
		good = good && tree_take(builder, json_array_get(trees, i), weight, (size_t)output, working, error);
	}
	arena_close(working);
	return good;
}

static bool read_trees(struct predictor *predictor, const json_t *model, const json_t *weights, size_t count, struct arena *arena,
		       struct error *error)
{
	const struct trees_form form = {
		.features = predictor->traits.features, .outputs = predictor->traits.margins, .single = true};
	struct trees_builder *builder = trees_begin(arena, &form, error);
	if (!builder)
		return false;
	if (!trees_take(builder, model, weights, count, error)) {
		trees_abandon(builder);
		return false;
	}
	predictor->trees = trees_end(builder, error);
	return predictor->trees != NULL;
}

/* ---- gblinear ---- */

/* Its last weights are the bias. The first number of base_score goes for all outputs. */
static bool read_linear(struct predictor *predictor, const json_t *model, struct arena *arena, struct error *error)
{
	struct predictor_traits *traits = &predictor->traits;
	double *weights, *bias = ARENA_ARRAY(arena, double, traits->margins);
	size_t count = json_take_numbers(json_object_get(model, "weights"), arena, &weights);
	struct dense_layer *layer = ARENA_NEW(arena, struct dense_layer);
	struct dense *dense = ARENA_NEW(arena, struct dense);
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	if (traits->features > TREE_FEATURES_MAX || count != (traits->features + 1) * traits->margins)
		return predictor_refuse(error, "its `weights` are not one for each of %zu features and a bias, for %zu outputs",
					traits->features, traits->margins);
	for (size_t i = 0; i < traits->margins; i++)
		bias[i] = weights[traits->features * traits->margins + i] + predictor->base[0];
	*layer = (struct dense_layer){traits->features, traits->margins, weights, bias, ACTIVATION_NONE};
	*dense = (struct dense){1, layer, true};
	predictor->dense = dense;
	return true;
}

/* ---- a model ---- */

static const struct xgboost_objective *objective_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof objectives / sizeof *objectives; i++)
		if (strcmp(objectives[i].name, name) == 0)
			return &objectives[i];
	return NULL;
}

static bool read_traits(struct predictor *predictor, const struct xgboost_objective *objective, const json_t *param,
			struct error *error)
{
	size_t classes = 0, targets = 0, features = 0;
	(void)json_take_count(param, "num_class", &classes);
	(void)json_take_count(param, "num_target", &targets);
	if (!json_take_count(param, "num_feature", &features) || features == 0)
		return predictor_refuse(error, "it does not say how many features it takes (num_feature)");
	size_t margins = classes > targets ? classes : targets;
	margins = margins ? margins : 1;
	if (margins > TREE_OUTPUTS_MAX || (objective->classes == 1 && margins < 2))
		return predictor_refuse(error, "it gives %zu numbers a row, which `%s` cannot", margins, objective->name);
	bool index = objective->link == LINK_GREATEST;
	predictor->link = objective->link;
	predictor->factor = predictor->share = 1;
	predictor->traits = (struct predictor_traits){
		.format = "xgboost_json",
		.objective = objective->name,
		.features = features,
		.margins = margins,
		.outputs = index ? 1 : margins,
		.classes = objective->classes == 1 ? margins
			   : margins == 1	   ? objective->classes
						   : 0,
		.index = index,
	};
	return true;
}

/* `booster` of the kind gbtree or dart. */
static bool read_booster(struct predictor *predictor, const json_t *learner, const json_t *booster, bool dart,
			 enum predictor_iterations iterations, struct arena *arena, struct error *error)
{
	const json_t *weights = dart ? json_object_get(booster, "weight_drop") : NULL;
	const json_t *model = json_object_get(dart ? json_object_get(booster, "gbtree") : booster, "model");
	size_t count;
	return trees_used(&predictor->traits, learner, model, iterations, &count, error) &&
	       read_trees(predictor, model, weights, count, arena, error);
}

struct predictor *predictor_read_xgboost(struct arena *arena, const json_t *root, enum predictor_iterations iterations,
					 struct error *error)
{
	const json_t *learner = json_object_get(root, "learner");
	const json_t *param = json_object_get(learner, "learner_model_param");
	const json_t *booster = json_object_get(learner, "gradient_booster");
	const char *kind = json_string_value(json_object_get(booster, "name"));
	const char *name = json_string_value(json_object_get(json_object_get(learner, "objective"), "name"));
	const struct xgboost_objective *objective = objective_find(name);
	struct predictor *predictor = ARENA_NEW(arena, struct predictor);
	if (!predictor)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	if (!kind || !name)
		return predictor_refuse(error, "it is not whole: XGBoost's JSON names a booster and an objective");
	if (!objective)
		return predictor_refuse(error, "its objective `%.64s` is not known here", name);
	if (!read_traits(predictor, objective, param, error) || !base_take(predictor, param, objective->base, arena, error))
		return NULL;
	bool good = false;
	if (strcmp(kind, "gbtree") == 0 || strcmp(kind, "dart") == 0)
		good = read_booster(predictor, learner, booster, *kind == 'd', iterations, arena, error);
	else if (strcmp(kind, "gblinear") == 0)
		good = read_linear(predictor, json_object_get(booster, "model"), arena, error);
	else
		predictor_refuse(error, "its booster `%.64s` is none of gbtree, dart and gblinear", kind);
	return good ? predictor : NULL;
}
