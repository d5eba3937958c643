/* inference.c: Family `inference`: outputs of trained models, read from their files. */
#include <string.h>

#include "compute/models.h"
#include "compute/values.h"

/* Rows, and what a model makes of them. */
struct inference_result {
	struct compute_table rows;
	double *margins;
	double *answers;
};

static bool inference_infer(const struct compute_case *one, const struct predictor *predictor, const char *key,
			    struct inference_result *inferred, struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(predictor);
	struct compute_table *rows = &inferred->rows;
	if (!compute_table(one, one->input, key, rows, error))
		return false;
	if (rows->rows && rows->columns != traits->features && !(traits->wider && rows->columns > traits->features))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the rows of `%s` have %zu numbers, and the model takes %zu", key,
				 rows->columns, traits->features);
	inferred->margins = ARENA_ARRAY(one->arena, double, rows->rows * traits->margins);
	inferred->answers = ARENA_ARRAY(one->arena, double, rows->rows * traits->outputs);
	double *scratch = ARENA_ARRAY(one->arena, double, predictor_scratch(predictor, rows->rows));
	if (!inferred->margins || !inferred->answers || !scratch)
		return error_memory(error, ERROR_LIMIT, "asking a model");
	predictor_margins(predictor, rows->items, rows->columns, rows->rows, inferred->margins, scratch);
	predictor_answers(predictor, inferred->margins, rows->rows, inferred->answers);
	return true;
}

/* A number a row, or a list of them. */
static json_t *written(const double *numbers, size_t rows, size_t width)
{
	return width == 1 ? compute_write_row(numbers, rows) : compute_write_table(numbers, rows, width);
}

/* The class of each row: its name in the file, where that is a number, else its place. */
static json_t *labels_written(const struct predictor *predictor, const struct inference_result *inferred)
{
	const struct predictor_traits *traits = predictor_traits(predictor);
	json_t *labels = json_array();
	for (size_t i = 0; i < inferred->rows.rows; i++) {
		size_t class = predictor_class(predictor, inferred->answers + i * traits->outputs);
		double label = traits->labels ? traits->labels[class] : (double)class;
		json_array_append_new(labels, json_integer((json_int_t)label));
	}
	return labels;
}

static json_t *inference_run(const struct compute_case *one, struct error *error)
{
	const struct predictor *predictor = compute_model(one, one->input, error);
	struct inference_result inferred, edge;
	if (!predictor || !inference_infer(one, predictor, "x", &inferred, error))
		return NULL;
	const struct predictor_traits *traits = predictor_traits(predictor);
	size_t rows = inferred.rows.rows;
	bool lightgbm = strcmp(traits->format, "lightgbm_text") == 0;
	bool raw = lightgbm || strcmp(traits->format, "xgboost_json") == 0;
	bool anomaly = strcmp(traits->format, "isolation_forest") == 0;
	json_t *result = json_object();
	if (raw)
		compute_put(result, lightgbm ? "raw" : "margin", written(inferred.margins, rows, traits->margins), error);
	const char *answer = raw || traits->classes == 0 ? "prediction" : "probability";
	compute_put(result, anomaly ? "score_samples" : answer, written(inferred.answers, rows, traits->outputs), error);
	if (traits->classes)
		compute_put(result, "label", labels_written(predictor, &inferred), error);
	if (compute_has(one->input, "x_edge") && inference_infer(one, predictor, "x_edge", &edge, error))
		compute_put(result, lightgbm ? "raw_edge" : "margin_edge", written(edge.margins, edge.rows.rows, traits->margins),
			    error);
	return compute_made(result, error);
}

static const struct compute_method methods[] = {
	{"xgboost_json", "x rounded to float32, left if x < split, NaN by default_left; margin = base_score as a margin + leaves, "
			 "in double; prediction = "
			 "the objective's inverse link"},
	{"lightgbm_text", "left if x <= threshold; what is missing (NaN, or |x| <= 1e-35 where zero is) goes the default way, else "
			  "NaN is 0; categories by "
			  "their bitset; raw = leaves, prediction = the objective's inverse link"},
	{"sluice_linear/1", "coef x + intercept; identity, logistic ([1-p, p]) or softmax"},
	{"sluice_mlp/1", "h = activation(h W + b) by layers, the last by `output`"},
	{"sluice_forest/1", "mean of the fractions in the leaves; x rounded to float32, left if x <= threshold"},
	{"isolation_forest", "score_samples = -2^(-(sum over trees of depth + c(n_leaf)) / (T c(max_samples))), c(n) = 2 (ln(n-1) "
			     "+ 0.5772156649) - 2 (n-1)/n"},
	{"label", "the class of the largest probability, the first on ties"},
	{NULL, NULL},
};

const struct compute_family compute_inference = {
	.name = "inference",
	.summary = "what trained models answer: `model_file`, rows `x`",
	.methods = methods,
	.run = inference_run,
};
