/* gradients.c: see gradients.h. */
#include "methods/explain/gradients.h"

#include <math.h>

#include "methods/numeric/legendre.h"

/* ---- one gradient ---- */

static size_t gradient_widest(const struct dense *dense)
{
	const size_t inputs = dense->layers[0].inputs, most = dense_widest(dense);
	return inputs > most ? inputs : most;
}

/* What each layer gives, and two gradients. */
size_t gradient_scratch(const struct dense *dense)
{
	size_t outputs = 0;
	for (size_t i = 0; i < dense->count; i++)
		outputs += dense->layers[i].outputs;
	return outputs + 2 * gradient_widest(dense) + dense_scratch(dense);
}

/* Of what a layer gives by what went into its activation. */
static double gradient_of_activation(double given, enum activation activation)
{
	switch (activation) {
	case ACTIVATION_RELU:
		return given > 0;
	case ACTIVATION_TANH:
		return 1 - given * given;
	case ACTIVATION_LOGISTIC:
		return given * (1 - given);
	case ACTIVATION_SOFTPLUS:
		return -expm1(-given);
	case ACTIVATION_NONE:
		break;
	}
	return 1;
}

/* From the outputs of a layer to its inputs. */
static void gradient_back(const struct dense_layer *layer, const double *given, const double *outputs, double *inputs)
{
	memset(inputs, 0, layer->inputs * sizeof *inputs);
	for (size_t j = 0; j < layer->outputs; j++) {
		const double slope = outputs[j] * gradient_of_activation(given[j], layer->activation);
		for (size_t i = 0; slope != 0 && i < layer->inputs; i++)
			inputs[i] += slope * layer->weights[i * layer->outputs + j];
	}
}

double gradient_evaluate(const struct dense *dense, const double *row, size_t output, double *gradient, double *scratch)
{
	const size_t widest = gradient_widest(dense);
	double *given = scratch + 2 * widest, *from = scratch, *to = scratch + widest;
	const double *inputs = row;
	for (size_t i = 0; i < dense->count; i++) {
		const struct dense one = {1, &dense->layers[i], i == 0 && dense->skips_missing};
		dense_run(&one, inputs, 1, given, given + dense->layers[i].outputs);
		inputs = given;
		given += dense->layers[i].outputs;
	}
	const double value = inputs[output];
	memset(from, 0, widest * sizeof *from);
	from[output] = 1;
	for (size_t i = dense->count; i-- > 0;) {
		given -= dense->layers[i].outputs;
		gradient_back(&dense->layers[i], given, from, to);
		double *other = from;
		from = to;
		to = other;
	}
	memcpy(gradient, from, dense->layers[0].inputs * sizeof *gradient);
	return value;
}

/* ---- a line ---- */

static void gradient_points(enum gradient_rule rule, size_t steps, double *at, double *weights)
{
	if (rule == GRADIENT_LEGENDRE) {
		legendre_rule(steps, at, weights);
		return;
	}
	static const double shifts[] = {
		[GRADIENT_LEFT] = 0, [GRADIENT_RIGHT] = 1, [GRADIENT_MIDDLE] = 0.5, [GRADIENT_TRAPEZOID] = 0};
	const double count = (double)(rule == GRADIENT_TRAPEZOID ? steps - 1 : steps);
	for (size_t i = 0; i < steps; i++) {
		at[i] = ((double)i + shifts[rule]) / count;
		weights[i] = 1 / count;
	}
	if (rule == GRADIENT_TRAPEZOID)
		weights[0] = weights[steps - 1] = 0.5 / count;
}

static bool gradient_steps_check(const struct gradient_line *line, struct error *error)
{
	const size_t least = line->rule == GRADIENT_TRAPEZOID ? 2 : 1;
	return (line->steps >= least && line->steps <= GRADIENT_STEPS_MAX) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "%zu steps are not possible; give a number from %zu to %zu", line->steps,
			 least, GRADIENT_STEPS_MAX);
}

bool gradient_integrate(const struct dense *dense, const struct gradient_line *line, double *contributions, double *residual,
			struct arena *working, struct error *error)
{
	const size_t features = dense->layers[0].inputs;
	if (!gradient_steps_check(line, error))
		return false;
	double *at = ARENA_ARRAY(working, double, line->steps), *weights = ARENA_ARRAY(working, double, line->steps);
	double *point = ARENA_ARRAY(working, double, features), *gradient = ARENA_ARRAY(working, double, features);
	double *scratch = ARENA_ARRAY(working, double, gradient_scratch(dense));
	if (!at || !weights || !point || !gradient || !scratch)
		return error_memory(error, ERROR_LIMIT, "integrating gradients");
	gradient_points(line->rule, line->steps, at, weights);
	memset(contributions, 0, features * sizeof *contributions);
	for (size_t i = 0; i < line->steps; i++) {
		for (size_t j = 0; j < features; j++)
			point[j] = line->baseline[j] + at[i] * (line->row[j] - line->baseline[j]);
		(void)gradient_evaluate(dense, point, line->output, gradient, scratch);
		for (size_t j = 0; j < features; j++)
			contributions[j] += weights[i] * gradient[j];
	}
	*residual = gradient_evaluate(dense, line->baseline, line->output, gradient, scratch) -
		    gradient_evaluate(dense, line->row, line->output, gradient, scratch);
	for (size_t j = 0; j < features; j++)
		*residual += contributions[j] *= line->row[j] - line->baseline[j];
	return true;
}
