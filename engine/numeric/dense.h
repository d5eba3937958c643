/* dense.h: layers of weights over rows of numbers: linear models and small networks.
 *
 * Immutable once made, in the arena of whoever made it.
 */
#ifndef SLUICE_NUMERIC_DENSE_H
#define SLUICE_NUMERIC_DENSE_H

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
	size_t count; /* of layers, at least 1; each takes what the one before gives */
	const struct dense_layer *layers;
	bool skips_missing; /* a NaN of a row adds nothing, instead of making all NaN */
};

/* Numbers of the widest output of a layer. */
size_t dense_widest(const struct dense *dense);

/* How many doubles of working space a row needs. */
size_t dense_scratch(const struct dense *dense);

/* Products of a row. */
size_t dense_steps(const struct dense *dense);

/* `results` gets the outputs of the last layer for each row. */
void dense_run(const struct dense *dense, const double *rows, size_t count, double *results, double *scratch);

double logistic(double number);

#endif
