/* dense.h: Dense layers over rows of numbers: linear models and small networks.
 *
 * Immutable once made, in the arena of the caller that made it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum activation { ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_LOGISTIC, ACTIVATION_SOFTPLUS };

struct dense_layer {
	size_t inputs, outputs;
	const double *weights; /* [inputs][outputs] */
	const double *bias;    /* [outputs] */
	enum activation activation;
};

struct dense {
	size_t count; /* of layers, at least 1; the output of each is the input of the next */
	const struct dense_layer *layers;
	bool skips_missing; /* a NaN in a row adds nothing, instead of making all results NaN */
};

/* The size of the widest output of a layer. */
size_t dense_widest(const struct dense *dense);

/* The number of doubles of working memory for a row. */
size_t dense_scratch(const struct dense *dense);

/* The number of products for a row. */
size_t dense_steps(const struct dense *dense);

/* Computes the outputs of the last layer for each row, into `results`. */
void dense_run(const struct dense *dense, const double *rows, size_t count, double *results, double *scratch);

double logistic(double number);
