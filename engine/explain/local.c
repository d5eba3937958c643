/* local.c: see local.h. */
#include "explain/local.h"

#include <math.h>
#include <string.h>

#include "explain/gradients.h"
#include "explain/linear.h"
#include "explain/tree_shap.h"
#include "numeric/dense.h"

struct local_explainer {
	const struct predictor *predictor;
	struct predictor_parts parts;
	enum explanation_method method;
	size_t features, outputs;
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
	explainer->outputs = dense->layers[dense->count - 1].outputs;
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
	explainer->outputs = tree_shap_size(explainer->trees).outputs;
	return true;
}

const struct local_explainer *local_explainer_open(struct arena *arena, const struct predictor *predictor,
						   const struct local_background *background, struct error *error)
{
	struct local_explainer *explainer = ARENA_NEW(arena, struct local_explainer);
	if (!explainer) {
		error_memory(error, ERROR_SYSTEM, "preparing explanations of a model");
		return NULL;
	}
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
	for (size_t output = 0; output < explainer->outputs; output++)
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
	for (size_t output = 0; output < explainer->outputs; output++) {
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
	for (size_t i = 0; i < explainer->outputs; i++)
		prediction[i] *= explainer->parts.share;
	return true;
}

bool local_explain(const struct local_explainer *explainer, const double *row, struct explanation *explanation, struct arena *arena,
		   struct error *error)
{
	if (!explanation_open(explanation, explainer->features, explainer->outputs, arena, error) ||
	    !local_predict(explainer, row, explanation->prediction, arena, error))
		return false;
	explanation->method = explainer->method;
	explanation->row = row;
	bool good = false;
	if (explainer->trees)
		good = local_trees_explain(explainer, row, explanation, arena, error);
	else if (explainer->method == EXPLANATION_LINEAR)
		good = local_linear_explain(explainer, row, explanation, arena, error);
	else
		good = local_gradients_explain(explainer, row, explanation, arena, error);
	explanation_settle(explanation);
	return good;
}
