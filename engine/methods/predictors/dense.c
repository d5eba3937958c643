/* dense.c: see dense.h. */
#include "methods/predictors/dense.h"

#include <math.h>

double logistic(double number)
{
	return 1 / (1 + exp(-number));
}

static double activated(double number, enum activation activation)
{
	switch (activation) {
	case ACTIVATION_RELU:
		return number < 0 ? 0 : number; /* a NaN stays */
	case ACTIVATION_TANH:
		return tanh(number);
	case ACTIVATION_LOGISTIC:
		return logistic(number);
	case ACTIVATION_SOFTPLUS:
		return fmax(number, 0) + log1p(exp(-fabs(number)));
	case ACTIVATION_NONE:
		break;
	}
	return number;
}

#define LANES 8
typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double))));

/* LANES outputs at once, which stay in registers over all inputs. */
static void sum_lanes(const struct dense_layer *layer, const double *inputs, size_t first, double *outputs)
{
	const double *weights = layer->weights + first;
	lanes sum = *(const lanes *)(layer->bias + first);
	for (size_t i = 0; i < layer->inputs; i++, weights += layer->outputs)
		sum += inputs[i] * *(const lanes *)weights;
	*(lanes *)(outputs + first) = sum;
}

static void layer_run(const struct dense_layer *layer, const double *inputs, double *outputs)
{
	size_t done = 0;
	for (; done + LANES <= layer->outputs; done += LANES)
		sum_lanes(layer, inputs, done, outputs);
	for (; done < layer->outputs; done++) {
		double sum = layer->bias[done];
		for (size_t i = 0; i < layer->inputs; i++)
			sum += inputs[i] * layer->weights[i * layer->outputs + done];
		outputs[done] = sum;
	}
	if (layer->activation != ACTIVATION_NONE)
		for (size_t j = 0; j < layer->outputs; j++)
			outputs[j] = activated(outputs[j], layer->activation);
}

size_t dense_widest(const struct dense *dense)
{
	size_t most = 0;
	for (size_t i = 0; i < dense->count; i++)
		most = dense->layers[i].outputs > most ? dense->layers[i].outputs : most;
	return most;
}

size_t dense_steps(const struct dense *dense)
{
	size_t steps = 0;
	for (size_t i = 0; i < dense->count; i++)
		steps += dense->layers[i].inputs * dense->layers[i].outputs;
	return steps;
}

size_t dense_scratch(const struct dense *dense)
{
	return (dense->count > 1 ? 2 * dense_widest(dense) : 0) + (dense->skips_missing ? dense->layers[0].inputs : 0);
}

/* A missing number adds nothing, as 0 does. */
static const double *without_missing(const double *row, size_t count, double *copy)
{
	for (size_t i = 0; i < count; i++)
		copy[i] = isnan(row[i]) ? 0 : row[i];
	return copy;
}

void dense_run(const struct dense *dense, const double *rows, size_t count, double *results, double *scratch)
{
	const struct dense_layer *first = &dense->layers[0], *last = &dense->layers[dense->count - 1];
	size_t width = dense->count > 1 ? dense_widest(dense) : 0;
	for (size_t row = 0; row < count; row++) {
		const double *inputs = rows + row * first->inputs;
		if (dense->skips_missing)
			inputs = without_missing(inputs, first->inputs, scratch + 2 * width);
		for (size_t i = 0; i + 1 < dense->count; i++) {
			double *outputs = scratch + (i % 2) * width;
			layer_run(&dense->layers[i], inputs, outputs);
			inputs = outputs;
		}
		layer_run(last, inputs, results + row * last->outputs);
	}
}
