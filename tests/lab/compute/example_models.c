/* example_models.c: Models that a case writes out; see models.h. */
#include <math.h>
#include <string.h>

#include "compute/models.h"
#include "compute/values.h"
#include "methods/predictors/trees.h"
#include "compiler/expression/expression.h"

struct compute_example {
	const struct dense *layers;   /* linear, logistic, mlp; else NULL */
	bool logistic;		      /* of what the layers give */
	const struct trees *trees;    /* else NULL */
	struct compute_table quadric; /* Q; else without rows */
	struct compute_row linear;    /* w beside Q */
	const char *formula;	      /* else NULL */
	size_t width;		      /* numbers of a row; 0: any, but as many as `features` */
	size_t features;	      /* that trees ask for */
};

/* ---- linear and layered ---- */

static bool example_activation(const char *name, enum activation *activation, struct error *error)
{
	static const struct {
		const char *name;
		enum activation activation;
	} rows[] = {
		{"relu", ACTIVATION_RELU},	   {"tanh", ACTIVATION_TANH},	      {"sigmoid", ACTIVATION_LOGISTIC},
		{"logistic", ACTIVATION_LOGISTIC}, {"softplus", ACTIVATION_SOFTPLUS},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0) {
			*activation = rows[i].activation;
			return true;
		}
	return error_set(error, ERROR_INPUT, PLACE_NONE, "`activation` is `%.64s`; known are relu, tanh, sigmoid and softplus",
			 name);
}

static bool example_linear(struct compute_example *example, const struct compute_case *one, const json_t *model,
			   struct error *error)
{
	struct compute_row weights;
	double *bias = ARENA_NEW(one->arena, double);
	struct dense_layer *layer = ARENA_NEW(one->arena, struct dense_layer);
	struct dense *dense = ARENA_NEW(one->arena, struct dense);
	if (!bias || !layer || !dense)
		return error_memory(error, ERROR_LIMIT, "reading a model");
	if (!compute_row(one, model, "w", &weights, error) || !compute_number(model, "b", bias, error))
		return false;
	*layer = (struct dense_layer){weights.count, 1, weights.items, bias, ACTIVATION_NONE};
	*dense = (struct dense){1, layer, false};
	example->layers = dense;
	example->width = weights.count;
	return true;
}

static bool example_layer(const struct compute_case *one, const json_t *from, size_t inputs, enum activation activation,
			  struct dense_layer *layer, struct error *error)
{
	struct compute_table weights;
	struct compute_row bias;
	if (!compute_table(one, from, "W", &weights, error) || !compute_row(one, from, "b", &bias, error))
		return false;
	if (bias.count != weights.columns || (inputs && weights.rows != inputs))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`layers` do not fit together: W has %zu rows and %zu columns, b has %zu", weights.rows,
				 weights.columns, bias.count);
	*layer = (struct dense_layer){weights.rows, weights.columns, weights.items, bias.items, activation};
	return true;
}

static bool example_mlp(struct compute_example *example, const struct compute_case *one, const json_t *model, struct error *error)
{
	const json_t *given = json_object_get(model, "layers");
	const size_t count = json_array_size(given);
	const char *name;
	enum activation activation = ACTIVATION_NONE;
	struct dense_layer *layers = ARENA_ARRAY(one->arena, struct dense_layer, count);
	struct dense *dense = ARENA_NEW(one->arena, struct dense);
	if (!layers || !dense)
		return error_memory(error, ERROR_LIMIT, "reading a model");
	if (!compute_text(model, "activation", &name, error) || !example_activation(name, &activation, error))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!example_layer(one, json_array_get(given, i), i ? layers[i - 1].outputs : 0,
				   i + 1 < count ? activation : ACTIVATION_NONE, &layers[i], error))
			return false;
	if (count == 0 || layers[count - 1].outputs != 1)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`layers` end in %zu numbers, and one is wanted",
				 count ? layers[count - 1].outputs : 0);
	*dense = (struct dense){count, layers, false};
	example->layers = dense;
	example->width = layers[0].inputs;
	return true;
}

/* ---- trees ---- */

static bool example_tree_add(struct trees_builder *builder, const struct compute_case *one, const json_t *tree, struct error *error)
{
	struct compute_row features, thresholds, left, right, values;
	if (!compute_row(one, tree, "feature", &features, error) || !compute_row(one, tree, "threshold", &thresholds, error) ||
	    !compute_row(one, tree, "left", &left, error) || !compute_row(one, tree, "right", &right, error) ||
	    !compute_row(one, tree, "value", &values, error))
		return false;
	const size_t count = features.count;
	struct tree_node *nodes = ARENA_ARRAY(one->arena, struct tree_node, count);
	if (!nodes)
		return error_memory(error, ERROR_LIMIT, "reading a model");
	if (thresholds.count != count || left.count != count || right.count != count || values.count != count)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the lists of a tree are not equally long; give each node a number");
	for (size_t i = 0; i < count; i++) {
		const bool leaf = !(features.items[i] >= 0);
		nodes[i] = (struct tree_node){.left = TREE_LEAF, .missing = TREE_NAN_RIGHT, .cover = (double)NAN};
		nodes[i].value = leaf ? values.items[i] : tree_at_most(thresholds.items[i]);
		if (leaf)
			continue;
		nodes[i].left = left.items[i] >= 0 ? (int64_t)left.items[i] : (int64_t)count;
		nodes[i].right = right.items[i] >= 0 ? (int64_t)right.items[i] : (int64_t)count;
		nodes[i].feature = (uint32_t)features.items[i];
	}
	return trees_add(builder, nodes, count, 0, error);
}

static bool example_trees(struct compute_example *example, const struct compute_case *one, const json_t *model, struct error *error)
{
	const json_t *given = json_object_get(model, "trees");
	double most = 0;
	for (size_t i = 0; i < json_array_size(given); i++) {
		struct compute_row features;
		if (!compute_row(one, json_array_get(given, i), "feature", &features, error))
			return false;
		for (size_t j = 0; j < features.count; j++)
			most = fmax(most, features.items[j] + 1);
	}
	if (!(most <= TREE_FEATURES_MAX))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "a tree asks for feature %g; a model has at most %zu", most - 1,
				 TREE_FEATURES_MAX);
	example->features = (size_t)most;
	const struct trees_form form = {.features = example->features, .outputs = 1};
	struct trees_builder *builder = trees_begin(one->arena, &form, error);
	if (!builder)
		return false;
	for (size_t i = 0; i < json_array_size(given); i++)
		if (!example_tree_add(builder, one, json_array_get(given, i), error)) {
			trees_abandon(builder);
			return false;
		}
	example->trees = trees_end(builder, error);
	return example->trees != NULL;
}

/* ---- others ---- */

static bool example_quadratic(struct compute_example *example, const struct compute_case *one, const json_t *model,
			      struct error *error)
{
	if (!compute_table(one, model, "Q", &example->quadric, error) || !compute_row(one, model, "w", &example->linear, error))
		return false;
	example->width = example->linear.count;
	return (example->width && example->quadric.rows == example->width && example->quadric.columns == example->width) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`Q` is not square, or not of the size of `w`");
}

const struct compute_example *compute_example(const struct compute_case *one, const json_t *model, struct error *error)
{
	struct compute_example *example = ARENA_NEW(one->arena, struct compute_example);
	const char *type;
	bool good = example || error_memory(error, ERROR_LIMIT, "reading a model");
	good = good && compute_text(model, "type", &type, error);
	if (!good)
		return NULL;
	if (strcmp(type, "linear") == 0 || strcmp(type, "logistic") == 0)
		good = example_linear(example, one, model, error);
	else if (strcmp(type, "mlp") == 0)
		good = example_mlp(example, one, model, error);
	else if (strcmp(type, "trees") == 0)
		good = example_trees(example, one, model, error);
	else if (strcmp(type, "quadratic") == 0)
		good = example_quadratic(example, one, model, error);
	else if (strcmp(type, "product") == 0)
		good = compute_text(model, "formula", &example->formula, error);
	else
		good = error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`type` is `%.64s`; known are linear, logistic, mlp, trees, quadratic and product", type);
	example->logistic = strcmp(type, "logistic") == 0;
	return good ? example : NULL;
}

const struct dense *compute_example_layers(const struct compute_example *example)
{
	return example->logistic ? NULL : example->layers;
}

/* ---- answering ---- */

/* A column of rows, as a tensor of its own. */
static bool formula_column(const struct compute_case *one, const double *rows, size_t width, size_t count, char letter,
			   size_t column, const struct tensor **made)
{
	struct tensor *tensor = ARENA_NEW(one->arena, struct tensor);
	double *numbers = ARENA_ARRAY(one->arena, double, count);
	int64_t *shape = ARENA_NEW(one->arena, int64_t);
	const char *name = arena_print(one->arena, "%c%zu", letter, column);
	if (!tensor || !numbers || !shape || !name)
		return false;
	for (size_t i = 0; i < count; i++)
		numbers[i] = rows[i * width + column];
	*shape = (int64_t)count;
	*tensor = (struct tensor){
		.name = text_of(name), .shape = shape, .data = numbers, .count = count, .datatype = DATATYPE_FP64, .rank = 1};
	*made = tensor;
	return true;
}

/* A formula of constants alone has one value for all rows. */
static bool formula_spread(const struct tensor *value, size_t count, double *answers)
{
	if (value->count != 1 && value->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const size_t place = value->count == 1 ? 0 : i;
		if (value->datatype == DATATYPE_FP64)
			answers[i] = ((const double *)value->data)[place];
		else if (value->datatype == DATATYPE_INT64)
			answers[i] = (double)((const int64_t *)value->data)[place];
		else
			return false;
	}
	return true;
}

bool compute_formula(const struct compute_case *one, const char *text, const double *rows, size_t width, size_t count,
		     double *answers, struct error *error)
{
	const struct expression *formula =
		expression_compile(one->arena, text_of(text), (struct place){"formula", 1, 1}, USE_MESSAGE, error);
	if (!formula)
		return false;
	const struct tensor **columns = ARENA_ARRAY(one->arena, const struct tensor *, 2 * width);
	bool good = columns != NULL;
	for (size_t i = 0; good && i < 2 * width; i++)
		good = formula_column(one, rows, width, count, i % 2 ? 'z' : 'x', i / 2, &columns[i]);
	if (!good)
		return error_memory(error, ERROR_LIMIT, "asking a formula");
	const struct payload payload = {.tensors = {2 * width, columns}};
	const struct scope scope = {.payload = &payload};
	const struct tensor *value = expression_evaluate(formula, &scope, one->arena, error);
	if (!value)
		return false;
	return formula_spread(value, count, answers) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the formula `%.200s` gives no number for each row", text);
}

static double example_quadratic_answer(const struct compute_example *example, const double *row)
{
	double sum = 0;
	for (size_t i = 0; i < example->width; i++) {
		double inner = example->linear.items[i];
		for (size_t j = 0; j < example->width; j++)
			inner += example->quadric.items[i * example->width + j] * row[j];
		sum += row[i] * inner;
	}
	return sum;
}

bool compute_example_answer(const struct compute_example *example, const struct compute_case *one, const double *rows, size_t width,
			    size_t count, double *answers, struct error *error)
{
	if ((example->width && width != example->width) || width < example->features)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "rows have %zu numbers, and the model takes %zu", width,
				 example->width ? example->width : example->features);
	if (example->formula)
		return compute_formula(one, example->formula, rows, width, count, answers, error);
	const size_t room = example->layers  ? dense_scratch(example->layers)
			    : example->trees ? trees_scratch(example->trees, count)
					     : 0;
	double *scratch = ARENA_ARRAY(one->arena, double, room + 1);
	if (!scratch)
		return error_memory(error, ERROR_LIMIT, "asking a model");
	if (example->layers)
		dense_run(example->layers, rows, count, answers, scratch);
	else if (example->trees)
		trees_sum(example->trees, rows, width, count, answers, scratch);
	else
		for (size_t i = 0; i < count; i++)
			answers[i] = example_quadratic_answer(example, rows + i * width);
	for (size_t i = 0; example->logistic && i < count; i++)
		answers[i] = logistic(answers[i]);
	return true;
}
