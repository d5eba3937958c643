/* predictor.c: Selection of the reader for a model's file, and the links from margins to answers; see predictor.h. */
#include <math.h>

#include "methods/predictors/predictor_parts.h"

const struct predictor_format predictor_formats[] = {
	{"xgboost_json", "XGBoost's JSON: what `save_model(\"model.json\")` writes; boosters gbtree, dart and gblinear"},
	{"lightgbm_text", "LightGBM's text: what `save_model(\"model.txt\")` writes"},
	{"sluice_linear/1", "Linear and logistic models: kind, coef, intercept, classes"},
	{"sluice_mlp/1", "Networks: activation, output, layers of W and b, classes"},
	{"sluice_forest/1",
	 "Random forests: trees of feature, threshold, left, right, value, and for explanations n_samples; classes"},
	{"isolation_forest", "Isolation forests: max_samples; trees of feature, threshold, left, right, n_samples"},
	{0},
};

/* ---- reading ---- */

static struct predictor *read_object(struct arena *arena, const json_t *root, enum predictor_iterations iterations,
				     struct error *error)
{
	static const struct {
		const char *format;
		struct predictor *(*read)(struct arena *arena, const json_t *root, struct error *error);
	} readers[] = {
		{"sluice_linear/1", predictor_read_linear},
		{"sluice_mlp/1", predictor_read_mlp},
		{"sluice_forest/1", predictor_read_forest},
		{"isolation_forest", predictor_read_isolation},
	};
	const char *format = json_string_value(json_object_get(root, "format"));
	for (size_t i = 0; format && i < sizeof readers / sizeof *readers; i++)
		if (strcmp(format, readers[i].format) == 0)
			return readers[i].read(arena, root, error);
	if (format)
		return predictor_refuse(error,
					"its format is `%.64s`, and known are sluice_linear/1, sluice_mlp/1, sluice_forest/1 "
					"and isolation_forest",
					format);
	if (json_object_get(root, "learner"))
		return predictor_read_xgboost(arena, root, iterations, error);
	if (json_object_get(root, "max_samples"))
		return predictor_read_isolation(arena, root, error);
	return predictor_refuse(error, "it is JSON, and neither XGBoost's (it has no `learner`) nor ours (it has no `format`)");
}

static struct predictor *read_json(struct arena *arena, struct text content, enum predictor_iterations iterations,
				   struct error *error)
{
	json_error_t why;
	json_t *root = json_loadb(content.bytes, content.length, 0, &why);
	struct predictor *predictor = NULL;
	if (!root)
		predictor_refuse(error, "it is no good JSON: line %d, column %d: %s", why.line, why.column, why.text);
	else if (!json_is_object(root))
		predictor_refuse(error, "it is JSON, and no object");
	else
		predictor = read_object(arena, root, iterations, error);
	json_decref(root);
	return predictor;
}

const struct predictor *predictor_read(struct arena *arena, struct text content, enum predictor_iterations iterations,
				       struct error *error)
{
	struct predictor *predictor = NULL;
	size_t blanks = 0;
	while (blanks < content.length && memchr(" \t\r\n", content.bytes[blanks], 4))
		blanks++;
	struct text rest = text_from(content, blanks);
	if (text_starts_with(rest, TEXT("{L")))
		predictor_refuse(error, "it is XGBoost's UBJSON; save the model again under a name that ends in .json");
	else if (text_starts_with(rest, TEXT("{")) || text_starts_with(rest, TEXT("[")))
		predictor = read_json(arena, rest, iterations, error);
	else if (text_starts_with(rest, TEXT("tree\n")) || text_starts_with(rest, TEXT("tree\r\n")))
		predictor = predictor_read_lightgbm(arena, rest, error);
	else
		predictor_refuse(error,
				 "it is neither JSON nor LightGBM's text, which begins with `tree`; XGBoost's binary forms and "
				 "pickled models are not read: save it as JSON, or as text");
	if (predictor)
		predictor->traits.steps = predictor->trees ? trees_steps(predictor->trees) : dense_steps(predictor->dense);
	return predictor;
}

/* ---- answering ---- */

const struct predictor_traits *predictor_traits(const struct predictor *predictor)
{
	return &predictor->traits;
}

static enum predictor_scale scale_of(const struct predictor *predictor)
{
	switch (predictor->link) {
	case LINK_IDENTITY:
		return SCALE_ANSWER;
	case LINK_LOGISTIC:
		return predictor->factor == 1 ? SCALE_LOG_ODDS : SCALE_SCORE;
	case LINK_PAIR:
		return SCALE_LOG_ODDS;
	case LINK_EXP:
		return SCALE_LOG;
	default:
		return SCALE_SCORE;
	}
}

struct predictor_parts predictor_parts(const struct predictor *predictor)
{
	return (struct predictor_parts){.trees = predictor->trees,
					.dense = predictor->dense,
					.base = predictor->trees ? predictor->base : NULL,
					.share = predictor->share,
					.scale = scale_of(predictor),
					.pair = predictor->link == LINK_PAIR};
}

size_t predictor_scratch(const struct predictor *predictor, size_t rows)
{
	return predictor->trees ? trees_scratch(predictor->trees, rows) : dense_scratch(predictor->dense);
}

void predictor_margins(const struct predictor *predictor, const double *rows, size_t width, size_t count, double *margins,
		       double *scratch)
{
	size_t each = predictor->traits.margins;
	if (predictor->dense) {
		dense_run(predictor->dense, rows, count, margins, scratch);
		return;
	}
	trees_sum(predictor->trees, rows, width, count, margins, scratch);
	for (size_t i = 0; predictor->base && i < count; i++)
		for (size_t j = 0; j < each; j++)
			margins[i * each + j] += predictor->base[j];
}

static size_t place_of_greatest(const double *numbers, size_t count)
{
	size_t greatest = 0;
	for (size_t i = 1; i < count; i++)
		if (numbers[i] > numbers[greatest])
			greatest = i;
	return greatest;
}

static void softmax(const double *margins, size_t count, double share, double *answers)
{
	double greatest = margins[place_of_greatest(margins, count)], sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += answers[i] = exp((margins[i] - greatest) * share);
	for (size_t i = 0; i < count; i++)
		answers[i] /= sum;
}

static double linked(const struct predictor *predictor, double raw)
{
	double margin = raw * predictor->share;
	switch (predictor->link) {
	case LINK_LOGISTIC:
		return logistic(predictor->factor * margin);
	case LINK_EXP:
		return exp(margin);
	case LINK_STEP:
		return margin > 0;
	case LINK_SQUARE:
		return copysign(margin * margin, margin);
	case LINK_LOG_EXP:
		return log1p(exp(margin));
	case LINK_ANOMALY:
		return -exp2(-margin);
	default:
		return margin;
	}
}

void predictor_answers(const struct predictor *predictor, const double *margins, size_t count, double *answers)
{
	size_t width = predictor->traits.margins, outputs = predictor->traits.outputs;
	if (predictor->link == LINK_IDENTITY && predictor->share == 1) {
		memcpy(answers, margins, count * outputs * sizeof *answers);
		return;
	}
	for (size_t row = 0; row < count; row++, margins += width, answers += outputs) {
		if (predictor->link == LINK_SOFTMAX) {
			softmax(margins, width, predictor->share, answers);
		} else if (predictor->link == LINK_GREATEST) {
			answers[0] = (double)place_of_greatest(margins, width);
		} else if (predictor->link == LINK_PAIR) {
			answers[1] = logistic(margins[0]);
			answers[0] = 1 - answers[1];
		} else {
			for (size_t i = 0; i < width; i++)
				answers[i] = linked(predictor, margins[i]);
		}
	}
}

size_t predictor_class(const struct predictor *predictor, const double *answer)
{
	const struct predictor_traits *traits = &predictor->traits;
	if (traits->classes == 0)
		return 0;
	if (traits->index)
		return (size_t)answer[0];
	return traits->outputs > 1 ? place_of_greatest(answer, traits->outputs) : answer[0] > 0.5;
}
