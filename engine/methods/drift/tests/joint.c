/* joint.c: see joint.h. */
#include "methods/drift/tests/joint.h"

#include <math.h>

#include "base/number/random.h"
#include "methods/drift/tests/null_law.h"
#include "methods/numeric/simd.h"
#include "methods/numeric/quantile.h"
#include "methods/numeric/ranks.h"
#include "methods/statistics/distribution.h"

#define SEED 7
#define PARTS_MAX 250	 /* of the reference, whose sums show the covariance */
#define DISTANCE_ROWS 150 /* whose pairs show the median distance */
#define SPANS (JOINT_WAVES / WIDE)
#define FEATURES (2 * JOINT_WAVES)
#define WHOLE 0x1.8p52 /* added and taken off, it rounds to whole numbers */

struct joint {
	size_t column_count;
	double *means, *scales; /* a scale of 0: the column does not vary */
	wide *directions;	/* SPANS a column, in turns */
	double usual[FEATURES];
	double rows, dependence;
	double trace;			/* of the features' covariance */
	double freedom, factor, shift; /* of the law: shift + factor * chi-square */
};

/* ---- features ---- */

#define WIDE_ABSOLUTE(numbers) ((wide)((wide_mask)(numbers) & INT64_MAX))

/* Adds a wave: within 0.001 of the sine of so many turns; the test is as good with any wave. */
static inline void wave_add(wide *sum, const wide *turns, double ahead)
{
	const wide moved = *turns + ahead, turn = moved - ((moved + WHOLE) - WHOLE);
	const wide arch = 8 * turn - 16 * turn * WIDE_ABSOLUTE(turn);
	*sum += 0.225 * (arch * WIDE_ABSOLUTE(arch) - arch) + arch;
}

static double standardised(const struct joint *self, size_t column, double number)
{
	const double apart = (number - self->means[column]) * self->scales[column];
	return isnan(apart) ? 0 : fmax(-JOINT_REACH, fmin(JOINT_REACH, apart));
}

/* Adds the features of a row, of which `numbers` are standardised, to sums. */
BUILT_TWICE
static void features_add(const struct joint *self, const double *numbers, wide *sums)
{
	wide turns[SPANS] = {{0}};
	for (size_t i = 0; i < self->column_count; i++) {
		const wide *directions = self->directions + i * SPANS;
		for (size_t j = 0; j < SPANS; j++)
			turns[j] += numbers[i] * directions[j];
	}
	for (size_t j = 0; j < SPANS; j++) {
		wave_add(&sums[j], &turns[j], 0);
		wave_add(&sums[SPANS + j], &turns[j], 0.25);
	}
}

static void row_add(const struct joint *self, const double *const *columns, size_t row, double *numbers, wide *sums)
{
	for (size_t i = 0; i < self->column_count; i++)
		numbers[i] = standardised(self, i, columns[i][row]);
	features_add(self, numbers, sums);
}

/* ---- opening ---- */

static void columns_learn(struct joint *self, const double *const *columns, size_t rows)
{
	for (size_t i = 0; i < self->column_count; i++) {
		double count = 0, total = 0, squares = 0;
		for (size_t row = 0; row < rows; row++) {
			const double number = columns[i][row];
			if (!isfinite(number))
				continue;
			const double apart = number - total;
			total += apart / ++count; /* the mean so far */
			squares += apart * (number - total);
		}
		self->means[i] = total;
		self->scales[i] = squares > 0 ? 1 / sqrt(squares / (count - 1)) : 0;
	}
}

static double distance_of(const struct joint *self, const double *const *columns, size_t one, size_t other)
{
	double squares = 0;
	for (size_t i = 0; i < self->column_count; i++) {
		const double apart = standardised(self, i, columns[i][one]) - standardised(self, i, columns[i][other]);
		squares += apart * apart;
	}
	return sqrt(squares);
}

/* The median distance of some rows. 0: memory. */
static double distance_learn(const struct joint *self, const double *const *columns, size_t rows, struct arena *arena)
{
	const size_t some = rows < DISTANCE_ROWS ? rows : DISTANCE_ROWS;
	double *distances = ARENA_ARRAY(arena, double, some * (some - 1) / 2);
	size_t count = 0;
	for (size_t i = 0; distances && i < some; i++)
		for (size_t j = 0; j < i; j++)
			distances[count++] = distance_of(self, columns, i * rows / some, j * rows / some);
	if (!distances)
		return 0;
	const double median = quantile_sorted(distances, quantile_sort(distances, count), 0.5, QUANTILE_LINEAR);
	return median > 0 ? median : 1;
}

static void directions_draw(struct joint *self, double width)
{
	struct random chance = {SEED};
	double *directions = (double *)self->directions;
	for (size_t i = 0; i < self->column_count * JOINT_WAVES; i++) {
		const double even = ((double)(random_next(&chance) >> 12) + 0.5) * 0x1p-52;
		directions[i] = normal_quantile(even) / (2 * M_PI * width) * (i % 2 ? 2 : 1);
	}
}

/* The sums of the traces of the covariance, its square and its cube, by the products of the parts' sums. */
static void law_fit(struct joint *self, const double *products, size_t parts)
{
	double traces[3] = {0};
	for (size_t i = 0; i < parts; i++) {
		traces[0] += products[i * parts + i];
		for (size_t j = 0; j < parts; j++) {
			double through = 0;
			for (size_t k = 0; k < parts; k++)
				through += products[i * parts + k] * products[k * parts + j];
			traces[1] += products[i * parts + j] * products[i * parts + j];
			traces[2] += through * products[i * parts + j];
		}
	}
	self->trace = traces[0];
	self->factor = traces[2] / traces[1];
	self->freedom = traces[1] * traces[1] * traces[1] / (traces[2] * traces[2]);
	self->shift = traces[0] - traces[1] * traces[1] / traces[2];
}

/* Parts take every so manieth row, so that rows that follow from one another are in different ones: `dependence` counts that. */
static bool covariance_learn(struct joint *self, const double *const *columns, size_t rows, struct arena *arena)
{
	const size_t parts = rows < PARTS_MAX ? rows : PARTS_MAX;
	wide *sums = ARENA_ARRAY(arena, wide, parts * 2 * SPANS);
	double *numbers = ARENA_ARRAY(arena, double, self->column_count), *products = ARENA_ARRAY(arena, double, parts * parts);
	if (!sums || !numbers || !products)
		return false;
	for (size_t row = 0; row < rows; row++)
		row_add(self, columns, row, numbers, sums + row % parts * 2 * SPANS);
	double *flat = (double *)sums;
	for (size_t i = 0; i < parts * FEATURES; i++)
		self->usual[i % FEATURES] += flat[i] / (double)rows;
	for (size_t part = 0; part < parts; part++) {
		const size_t taken = (rows - part + parts - 1) / parts;
		for (size_t i = 0; i < FEATURES; i++)
			flat[part * FEATURES + i] -= self->usual[i] * (double)taken;
	}
	const double scale = 1 / (double)rows * (double)parts / (double)(parts - 1);
	for (size_t i = 0; i < parts; i++)
		for (size_t j = 0; j <= i; j++) {
			double product = 0;
			for (size_t k = 0; k < FEATURES; k++)
				product += flat[i * FEATURES + k] * flat[j * FEATURES + k];
			products[i * parts + j] = products[j * parts + i] = product * scale;
		}
	law_fit(self, products, parts);
	return true;
}

static bool joint_learn(struct joint *self, const double *const *columns, size_t rows, struct arena *scratch)
{
	columns_learn(self, columns, rows);
	const double width = distance_learn(self, columns, rows, scratch);
	if (!(width > 0))
		return false;
	directions_draw(self, width);
	return covariance_learn(self, columns, rows, scratch);
}

struct joint *joint_open(struct arena *arena, const double *const *columns, size_t column_count, size_t rows, double dependence)
{
	struct joint *self = ARENA_NEW(arena, struct joint);
	if (!self)
		return NULL;
	self->column_count = column_count;
	self->rows = (double)rows;
	self->dependence = dependence;
	self->means = ARENA_ARRAY(arena, double, column_count);
	self->scales = ARENA_ARRAY(arena, double, column_count);
	self->directions = ARENA_ARRAY(arena, wide, column_count * SPANS);
	if (!self->means || !self->scales || !self->directions || !joint_learn(self, columns, rows, arena))
		return NULL;
	return self;
}

/* ---- windows ---- */

struct joint_finding joint_compare(struct joint *joint, const double *const *columns, size_t rows, double alpha)
{
	wide sums[2 * SPANS] = {{0}};
	double numbers[JOINT_COLUMNS_MAX], square = 0;
	const double *flat = (const double *)sums;
	for (size_t row = 0; row < rows; row++)
		row_add(joint, columns, row, numbers, sums);
	for (size_t i = 0; i < FEATURES; i++) {
		const double apart = flat[i] / (double)rows - joint->usual[i];
		square += apart * apart / JOINT_WAVES;
	}
	const double part = joint->dependence / common_size(joint->rows, (double)rows) / JOINT_WAVES;
	const double level = part * (joint->shift + joint->factor * chi_square_critical(alpha, joint->freedom));
	return (struct joint_finding){.unbiased = square - part * joint->trace,
				      .distance = sqrt(square),
				      .level = sqrt(fmax(level, 0)),
				      .p = chi_square_sf((square / part - joint->shift) / joint->factor, joint->freedom)};
}
