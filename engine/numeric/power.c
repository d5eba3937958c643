/* power.c: see power.h. */
#include "numeric/power.h"

#include <math.h>

/* Where lambdas are looked for: data beyond it is no case for a power. */
#define LAMBDA_LEAST (-10.0)
#define LAMBDA_MOST 10.0
#define LAMBDA_STEP 0.25
#define LAMBDAS (1 + (int)((LAMBDA_MOST - LAMBDA_LEAST) / LAMBDA_STEP))
#define ROUNDS 80 /* of the golden section: more than a double has digits */

/* (e^(power * logarithm) - 1) / power, and its limit where the power is 0. */
static double powered(double logarithm, double power)
{
	return fabs(power) < 1e-15 ? logarithm : expm1(power * logarithm) / power;
}

double power_of(double value, double lambda, enum power by)
{
	if (by == POWER_BOX_COX)
		return value > 0 ? powered(log(value), lambda) : NAN;
	return value >= 0 ? powered(log1p(value), lambda) : -powered(log1p(-value), 2 - lambda);
}

void power_apply(const struct table *table, enum power by, const double *lambdas, bool each)
{
	double *at = table->values;
	for (size_t row = 0; row < table->rows; row++, at += table->columns)
		for (size_t i = 0; i < table->columns; i++)
			at[i] = power_of(at[i], lambdas[each ? i : 0], by);
}

struct likelihood {
	const struct sorted *column;
	enum power by;
	double logarithms; /* what the derivative of the power adds for each lambda - 1 */
	double *made;
};

/* The negative logarithm of the likelihood, but for constants. */
static double unlikely(const struct likelihood *of, double lambda)
{
	const size_t count = of->column->count;
	double sum = 0, squares = 0;
	for (size_t i = 0; i < count; i++)
		sum += of->made[i] = power_of(of->column->values[i], lambda, of->by);
	const double mean = sum / (double)count;
	for (size_t i = 0; i < count; i++)
		squares += (of->made[i] - mean) * (of->made[i] - mean);
	const double result = (double)count / 2 * log(squares / (double)count) - (lambda - 1) * of->logarithms;
	return __builtin_isnan(result) ? INFINITY : result;
}

static double golden(const struct likelihood *of, double low, double high)
{
	const double part = (sqrt(5) - 1) / 2;
	double left = high - part * (high - low), right = low + part * (high - low);
	double at_left = unlikely(of, left), at_right = unlikely(of, right);
	for (int i = 0; i < ROUNDS && high - low > 1e-10; i++) {
		if (at_left < at_right) {
			high = right;
			right = left;
			at_right = at_left;
			left = high - part * (high - low);
			at_left = unlikely(of, left);
		} else {
			low = left;
			left = right;
			at_left = at_right;
			right = low + part * (high - low);
			at_right = unlikely(of, right);
		}
	}
	return (low + high) / 2;
}

bool power_fit(const struct sorted *column, enum power by, double *lambda, struct arena *arena)
{
	struct likelihood of = {.column = column, .by = by, .made = ARENA_ARRAY(arena, double, column->count + 1)};
	*lambda = 1;
	if (!of.made)
		return false;
	if (column->count == 0 || column->values[0] == column->values[column->count - 1])
		return true;
	for (size_t i = 0; i < column->count; i++) {
		const double value = column->values[i];
		of.logarithms += by == POWER_BOX_COX ? log(value) : copysign(log1p(fabs(value)), value);
	}
	double best = INFINITY, at = 1;
	for (int i = 0; i < LAMBDAS; i++) {
		const double tried = LAMBDA_LEAST + i * LAMBDA_STEP;
		const double here = unlikely(&of, tried);
		if (here < best) {
			best = here;
			at = tried;
		}
	}
	*lambda = golden(&of, at - LAMBDA_STEP, at + LAMBDA_STEP);
	return true;
}
