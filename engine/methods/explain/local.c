/* local.c: see local.h. */
#include "methods/explain/local.h"

#include <math.h>

#include "methods/explain/gradients.h"
#include "methods/explain/tree_shap.h"
#include "methods/predictors/dense.h"

double linear_shap(const double *weights, size_t stride, double bias, const double *means, const double *row, size_t features,
		   double *contributions)
{
	double base = bias;
	for (size_t i = 0; i < features; i++) {
		base += weights[i * stride] * means[i];
		contributions[i] = weights[i * stride] * (row[i] - means[i]);
	}
	return base;
}

struct local_explainer {
	const struct predictor *predictor;
	struct predictor_parts parts;
	enum explanation_method method;
	size_t features;
	size_t margins;		       /* that trees or layers have; a pair of outputs has one */
	const struct tree_shap *trees; /* of trees */
	const double *means;	       /* of layers */
};

/* ---- opening ---- */

static bool local_means_take(const struct local_background *background, size_t features, double *means, struct error *error)
{
	if (background->count && background->width < features)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the background has %zu columns, and the model takes %zu features; give it the model's columns",
				 background->width, features);
	for (size_t i = 0; i < features; i++) {
		for (size_t row = 0; row < background->count; row++)
			means[i] += background->rows[row * background->width + i] / (double)background->count;
		if (!isfinite(means[i]))
			return error_set(
				error, ERROR_CONFIG, PLACE_NONE,
				"column %zu of the background has a number that is missing, and the model takes none; leave "
				"out its row, or impute it",
				i);
	}
	return true;
}

static bool local_layers_open(struct local_explainer *explainer, const struct local_background *background, struct arena *arena,
			      struct error *error)
{
	const struct dense *dense = explainer->parts.dense;
	double *means = ARENA_ARRAY(arena, double, dense->layers[0].inputs);
	explainer->method = dense->count == 1 ? EXPLANATION_LINEAR : EXPLANATION_GRADIENTS;
	explainer->features = dense->layers[0].inputs;
	explainer->margins = dense->layers[dense->count - 1].outputs;
	explainer->means = means;
	if (!means)
		return error_memory(error, ERROR_SYSTEM, "preparing explanations of a model");
	return local_means_take(background, explainer->features, means, error);
}

static bool local_trees_open(struct local_explainer *explainer, const struct local_background *background, struct arena *arena,
			     struct error *error)
{
	explainer->trees =
		tree_shap_open(arena, explainer->predictor, background->rows, background->count, background->width, error);
	if (!explainer->trees)
		return false;
	explainer->method = background->count ? EXPLANATION_INTERVENTION : EXPLANATION_PATHS;
	explainer->features = tree_shap_size(explainer->trees).features;
	explainer->margins = tree_shap_size(explainer->trees).outputs;
	return true;
}

const struct local_explainer *local_explainer_open(struct arena *arena, const struct predictor *predictor,
						   const struct local_background *background, struct error *error)
{
	struct local_explainer *explainer = ARENA_NEW(arena, struct local_explainer);
	if (!explainer)
		return error_null(error_memory(error, ERROR_SYSTEM, "preparing explanations of a model"));
	*explainer = (struct local_explainer){.predictor = predictor, .parts = predictor_parts(predictor)};
	const bool good = explainer->parts.dense ? local_layers_open(explainer, background, arena, error)
						 : local_trees_open(explainer, background, arena, error);
	return good ? explainer : NULL;
}

/* ---- explaining ---- */

static bool local_trees_explain(const struct local_explainer *explainer, const double *row, struct explanation *explanation,
				struct arena *arena, struct error *error)
{
	const struct tree_shap_size size = tree_shap_size(explainer->trees);
	double *scratch = ARENA_ARRAY(arena, double, size.scratch);
	if (!scratch)
		return error_memory(error, ERROR_LIMIT, "explaining a record");
	tree_shap_explain(explainer->trees, row, explanation->contributions, scratch);
	memcpy(explanation->base, tree_shap_base(explainer->trees), size.outputs * sizeof *explanation->base);
	return true;
}

/* A linear model that skips missing numbers gains nothing by them. */
static bool local_linear_explain(const struct local_explainer *explainer, const double *row, struct explanation *explanation,
				 struct arena *arena, struct error *error)
{
	const struct dense_layer *layer = explainer->parts.dense->layers;
	double *given = ARENA_ARRAY(arena, double, explainer->features);
	if (!given)
		return error_memory(error, ERROR_LIMIT, "explaining a record");
	for (size_t i = 0; i < explainer->features; i++)
		given[i] = explainer->parts.dense->skips_missing && isnan(row[i]) ? 0 : row[i];
	for (size_t output = 0; output < explainer->margins; output++)
		explanation->base[output] =
			linear_shap(layer->weights + output, layer->outputs, layer->bias[output], explainer->means, given,
				    explainer->features, explanation->contributions + output * explainer->features);
	return true;
}

static bool local_gradients_explain(const struct local_explainer *explainer, const double *row, struct explanation *explanation,
				    struct arena *arena, struct error *error)
{
	const struct dense *dense = explainer->parts.dense;
	double *scratch = ARENA_ARRAY(arena, double, dense_scratch(dense)), residual;
	if (!scratch)
		return error_memory(error, ERROR_LIMIT, "explaining a record");
	for (size_t output = 0; output < explainer->margins; output++) {
		const struct gradient_line line = {row, explainer->means, output, GRADIENT_LEGENDRE, GRADIENT_STEPS_DEFAULT};
		if (!gradient_integrate(dense, &line, explanation->contributions + output * explainer->features, &residual, arena,
					error))
			return false;
	}
	dense_run(dense, explainer->means, 1, explanation->base, scratch);
	return true;
}

static bool local_predict(const struct local_explainer *explainer, const double *row, double *prediction, struct arena *arena,
			  struct error *error)
{
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(explainer->predictor, 1));
	if (!scratch)
		return error_memory(error, ERROR_LIMIT, "explaining a record");
	predictor_margins(explainer->predictor, row, explainer->features, 1, prediction, scratch);
	for (size_t i = 0; i < explainer->margins; i++)
		prediction[i] *= explainer->parts.share;
	return true;
}

/* One margin explains both outputs of a pair: log-odds of 1 - p are the negative ones of p. Subtracted from 0, so that a zero
 * keeps its sign. */
static void local_pair_split(struct explanation *explanation)
{
	const size_t features = explanation->features;
	memcpy(explanation->contributions + features, explanation->contributions, features * sizeof *explanation->contributions);
	for (size_t i = 0; i < features; i++)
		explanation->contributions[i] = 0 - explanation->contributions[i];
	explanation->base[1] = explanation->base[0];
	explanation->base[0] = 0 - explanation->base[0];
	explanation->prediction[1] = explanation->prediction[0];
	explanation->prediction[0] = 0 - explanation->prediction[0];
}

bool local_explain(const struct local_explainer *explainer, const double *row, struct explanation *explanation, struct arena *arena,
		   struct error *error)
{
	const bool pair = explainer->parts.pair;
	if (!explanation_open(explanation, explainer->features, pair ? 2 : explainer->margins, arena, error) ||
	    !local_predict(explainer, row, explanation->prediction, arena, error))
		return false;
	explanation->method = explainer->method;
	explanation->scale = explainer->parts.scale;
	explanation->row = row;
	bool good = false;
	if (explainer->trees)
		good = local_trees_explain(explainer, row, explanation, arena, error);
	else if (explainer->method == EXPLANATION_LINEAR)
		good = local_linear_explain(explainer, row, explanation, arena, error);
	else
		good = local_gradients_explain(explainer, row, explanation, arena, error);
	if (good && pair)
		local_pair_split(explanation);
	explanation_settle(explanation);
	return good;
}
