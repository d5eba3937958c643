/* power.c: see power.h. */
#include "methods/numeric/power.h"

#include <float.h>
#include <math.h>

/* Lambdas are looked for where a power of the largest number, and of twenty times of it, is within the range of a double
 * with room for its square: where scipy looks for those of Yeo and Johnson. */
#define HEADROOM 20.0
#define EXPONENT_LEAST ((log(DBL_MIN) - log(DBL_EPSILON)) / 2)
#define EXPONENT_MOST ((log(DBL_MAX) + log(DBL_EPSILON)) / 2)
#define LAMBDA_FARTHEST 1e15 /* of columns of very small numbers, on which a power hardly acts */

#define BOUND_NEAR 1e-3	/* a lambda that is found so near to its bound was kept there */
#define BOX_COX_EXPONENT_MOST 700.0 /* a power of each number itself is within the range of a double */
#define EXPONENT_DIRECT 300.0	    /* beyond it powers are computed less a common factor */
#define ROUNDS 120		    /* of the golden section: a range of 1e9 shrinks to less than a double has digits */
#define LAMBDA_NEAR 1e-11	    /* of its size: there the likelihood does not differ any more */

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

/* What the likelihood of a lambda is worked out from.
 *
 * Of numbers of one sign the transformed ones are (e^(p l) - 1) / p, with logarithms l and p = lambda, or 2 - lambda for
 * negative ones of Yeo and Johnson. All are e^(p m) (e^(p (l - m)) - 1) / p and a constant, m the mean of l; so the
 * logarithm of their variance is 2 p m more than that of centered ones, and what it adds to the likelihood is just what
 * the derivative of the power takes from it. The centered ones alone are left: nothing cancels, however narrow the
 * column is beside its mean. Of numbers of both signs none cancels, for their transformed ones lie around 0. */
struct likelihood {
	const struct sorted *column;
	enum power by;
	bool both;	    /* numbers of both signs, of Yeo and Johnson */
	bool negative;	    /* all are 0 or below */
	double *centered;   /* unless `both`: l - m */
	double least, most; /* of those */
	double logarithms;  /* of `both`: the mean of what the derivative adds for each lambda - 1 */
	double *made;
};

/* With the largest deviation as the unit, so that squares neither vanish nor pass the range of a double. */
static double log_variance(const double *values, size_t count)
{
	double sum = 0, unit = 0, squares = 0;
	for (size_t i = 0; i < count; i++)
		sum += values[i];
	const double mean = sum / (double)count;
	for (size_t i = 0; i < count; i++)
		unit = fmax(unit, fabs(values[i] - mean));
	if (!(unit > 0))
		return INFINITY; /* one number of all: no lambda is less likely */
	for (size_t i = 0; i < count; i++) {
		const double away = (values[i] - mean) / unit;
		squares += away * away;
	}
	return 2 * log(unit) + log(squares / (double)count);
}

/* Half of the logarithm of the variance of what the power makes of centered logarithms. */
static double unlikely_centered(const struct likelihood *of, double power)
{
	const size_t count = of->column->count;
	const double top = fmax(power * of->least, power * of->most), shift = top > EXPONENT_DIRECT ? top : 0;
	for (size_t i = 0; i < count; i++)
		of->made[i] = shift == 0 ? powered(of->centered[i], power) : exp(power * of->centered[i] - shift) / power;
	return shift + log_variance(of->made, count) / 2;
}

/* The negative logarithm of the likelihood for each number, but for a constant. It is convex in lambda, for it is made of
 * logarithms of sums of exponentials. */
static double unlikely(const struct likelihood *of, double lambda)
{
	double result;
	if (of->both) {
		for (size_t i = 0; i < of->column->count; i++)
			of->made[i] = power_of(of->column->values[i], lambda, of->by);
		result = log_variance(of->made, of->column->count) / 2 - (lambda - 1) * of->logarithms;
	} else {
		result = unlikely_centered(of, of->negative ? 2 - lambda : lambda);
	}
	return __builtin_isnan(result) ? INFINITY : result;
}

static double golden(const struct likelihood *of, double low, double high)
{
	const double part = (sqrt(5) - 1) / 2;
	double left = high - part * (high - low), right = low + part * (high - low);
	double at_left = unlikely(of, left), at_right = unlikely(of, right);
	for (int i = 0; i < ROUNDS && high - low > LAMBDA_NEAR * (1 + fabs(low)); i++) {
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

/* Logarithms are taken beside that of the number in the middle: exact for numbers that lie near each other. */
static void logarithms_center(struct likelihood *of)
{
	const struct sorted *column = of->column;
	const double start = of->by == POWER_BOX_COX ? 0 : 1, middle = fabs(column->values[column->count / 2]);
	double sum = 0;
	for (size_t i = 0; i < column->count; i++) {
		const double apart = (fabs(column->values[i]) - middle) / (start + middle);
		of->centered[i] =
			apart > -0.5 && apart < 1 ? log1p(apart) : log(start + fabs(column->values[i])) - log(start + middle);
		sum += of->centered[i];
	}
	const double mean = sum / (double)column->count;
	for (size_t i = 0; i < column->count; i++)
		of->centered[i] -= mean;
	const double first = of->centered[0], last = of->centered[column->count - 1];
	of->least = fmin(first, last);
	of->most = fmax(first, last);
}

static double box_cox_bound(const struct sorted *column)
{
	return BOX_COX_EXPONENT_MOST / fmax(fabs(log(column->values[0])), fabs(log(column->values[column->count - 1])));
}

bool power_is_bounded(const struct sorted *column, double lambda)
{
	const bool varies = column->count > 0 && column->values[0] > 0 && column->values[0] < column->values[column->count - 1];
	return varies && fabs(lambda) > (1 - BOUND_NEAR) * box_cox_bound(column);
}

static void bounds_find(const struct likelihood *of, double *low, double *high)
{
	const double first = of->column->values[0], last = of->column->values[of->column->count - 1];
	if (of->by == POWER_BOX_COX) {
		*high = box_cox_bound(of->column);
		*low = -*high;
		return;
	}
	const double largest = fmax(fabs(first), fabs(last));
	const double logarithm = largest > 1 ? log(largest) + log(HEADROOM + 1 / largest) : log1p(HEADROOM * largest);
	const double least = fmax(EXPONENT_LEAST / logarithm, -LAMBDA_FARTHEST),
		     most = fmin(EXPONENT_MOST / logarithm, LAMBDA_FARTHEST);
	*low = of->both ? fmax(2 - most, least) : of->negative ? 2 - most : least;
	*high = of->both ? fmin(2 - least, most) : of->negative ? 2 - least : most;
}

bool power_fit(const struct sorted *column, enum power by, double *lambda, struct arena *arena)
{
	struct likelihood of = {.column = column,
				.by = by,
				.centered = ARENA_ARRAY(arena, double, column->count + 1),
				.made = ARENA_ARRAY(arena, double, column->count + 1)};
	double low, high;
	*lambda = 1;
	if (!of.made || !of.centered)
		return false;
	if (column->count == 0 || column->values[0] == column->values[column->count - 1])
		return true;
	of.negative = column->values[column->count - 1] <= 0;
	of.both = column->values[0] < 0 && !of.negative;
	if (by == POWER_BOX_COX && column->values[0] <= 0)
		return true;
	for (size_t i = 0; i < column->count; i++)
		of.logarithms += copysign(log1p(fabs(column->values[i])), column->values[i]) / (double)column->count;
	if (!of.both)
		logarithms_center(&of);
	bounds_find(&of, &low, &high);
	*lambda = golden(&of, low, high);
	return true;
}
