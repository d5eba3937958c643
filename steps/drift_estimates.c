/* drift_estimates.c: see drift_estimates.h. */
#include "steps/drift_estimates.h"

#include <math.h>

#define ESTIMATES 3
#define ESTIMATE_SUM_ERROR 1e-3 /* of the probabilities of a row, which are 1 together */

const struct option drift_estimate_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct drift_estimate_options, here)},
	ROW("probabilities", NAME, struct drift_estimate_options, probabilities, .required = true, .short_form = true,
	    .help = "The tensor of calibrated probabilities: of the positive class for each row, or of each class."),
	ROW("threshold", NUMBER, struct drift_estimate_options, threshold, .least = 0, .most = 1, .fallback = "0.5",
	    .help = "The least probability with which the positive class is predicted. With more than two classes, the likeliest "
		    "class is predicted."),
	{.type = OPTION_END},
};

struct drift_chances drift_chances_of(const struct drift_estimate_options *options, const struct payload *payload, size_t rows)
{
	struct drift_chances chances = {.options = options};
	if (!options->here.line || rows == 0)
		return chances;
	const struct tensor *tensor = tensors_find(payload->tensors, text_of(options->probabilities.text));
	if (!tensor || tensor->datatype == DATATYPE_BYTES || tensor->count == 0 || tensor->count % rows != 0)
		return chances;
	chances.tensor = tensor;
	chances.classes = tensor->count / rows;
	return chances;
}

/* A row of several classes. */
static void classes_add(const struct drift_chances *chances, size_t row, struct performance *performance)
{
	double largest = 0, sum = 0;
	for (size_t i = 0; i < chances->classes; i++) {
		const double chance = tensor_number(chances->tensor, row * chances->classes + i);
		if (!(chance >= 0 && chance <= 1))
			return;
		largest = fmax(largest, chance);
		sum += chance;
	}
	if (fabs(sum - 1) < ESTIMATE_SUM_ERROR)
		performance_add_class(performance, largest);
}

void drift_chances_add(const struct drift_chances *chances, size_t row, struct performance *performance)
{
	if (!chances->tensor)
		return;
	if (chances->classes > 2) {
		classes_add(chances, row, performance);
		return;
	}
	const double positive = tensor_number(chances->tensor, row * chances->classes + chances->classes - 1);
	if (chances->classes == 2 && !(fabs(positive + tensor_number(chances->tensor, row * 2) - 1) < ESTIMATE_SUM_ERROR))
		return;
	performance_add(performance, positive, positive >= chances->options->threshold);
}

size_t drift_chances_class(const struct drift_chances *chances, size_t row)
{
	const size_t first = row * chances->classes;
	size_t likeliest = 0;
	if (chances->classes <= 2)
		return tensor_number(chances->tensor, first + chances->classes - 1) >= chances->options->threshold;
	for (size_t i = 1; i < chances->classes; i++)
		if (tensor_number(chances->tensor, first + i) > tensor_number(chances->tensor, first + likeliest))
			likeliest = i;
	return likeliest;
}

struct drift_estimates drift_estimates_of(const struct performance *performance)
{
	return (struct drift_estimates){performance_accuracy(performance, ESTIMATE_BAND),
					performance_precision(performance, ESTIMATE_BAND),
					performance_recall(performance, ESTIMATE_BAND)};
}

bool drift_estimates_list(const struct performance *performance, struct drift_score *score, struct arena *arena)
{
	const struct drift_estimates known = drift_estimates_of(performance);
	const struct performance_estimate *const items[ESTIMATES] = {&known.accuracy, &known.precision, &known.recall};
	static const char *const names[ESTIMATES] = {"accuracy", "precision", "recall"};
	struct drift_estimate *list = ARENA_ARRAY(arena, struct drift_estimate, ESTIMATES);
	if (!list)
		return false;
	score->estimated_rows = performance->rows;
	score->estimates = list;
	for (size_t i = 0; i < ESTIMATES; i++)
		if (!isnan(items[i]->value))
			list[score->estimate_count++] =
				(struct drift_estimate){names[i], items[i]->value, items[i]->low, items[i]->high};
	return true;
}
