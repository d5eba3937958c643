/* dense.c: see dense.h. */
#include "numeric/dense.h"

#include <math.h>
#include <string.h>

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
	case ACTIVATION_NONE:
		break;
	}
	return number;
}

static void layer_run(const struct dense_layer *layer, const double *inputs, bool skips_missing, double *outputs)
{
	memcpy(outputs, layer->bias, layer->outputs * sizeof *outputs);
	for (size_t i = 0; i < layer->inputs; i++) {
		const double *weights = layer->weights + i * layer->outputs;
		double input = inputs[i];
		if (skips_missing && isnan(input))
			continue;
		for (size_t j = 0; j < layer->outputs; j++)
			outputs[j] += input * weights[j];
	}
	if (layer->activation != ACTIVATION_NONE)
		for (size_t j = 0; j < layer->outputs; j++)
			outputs[j] = activated(outputs[j], layer->activation);
}

static size_t widest(const struct dense *dense)
{
	size_t most = 0;
	for (size_t i = 0; i < dense->count; i++)
		most = dense->layers[i].outputs > most ? dense->layers[i].outputs : most;
	return most;
}

size_t dense_scratch(const struct dense *dense)
{
	return dense->count > 1 ? 2 * widest(dense) : 1;
}

void dense_run(const struct dense *dense, const double *rows, size_t count, double *results, double *scratch)
{
	const struct dense_layer *last = &dense->layers[dense->count - 1];
	size_t width = dense->count > 1 ? widest(dense) : 0;
	for (size_t row = 0; row < count; row++) {
		const double *inputs = rows + row * dense->layers[0].inputs;
		for (size_t i = 0; i + 1 < dense->count; i++) {
			double *outputs = scratch + (i % 2) * width;
			layer_run(&dense->layers[i], inputs, dense->skips_missing, outputs);
			inputs = outputs;
		}
		layer_run(last, inputs, dense->skips_missing, results + row * last->outputs);
	}
}
