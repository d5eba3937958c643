/* kernel_test.c: Maximum mean discrepancy; see kernel_test.h. */
#include "comparison/drift/kernel_test.h"

#include <math.h>

#include "base/number/random.h"
#include "methods/numeric/quantile.h"

static double distance_squared(const double *a, const double *b, size_t columns)
{
	double total = 0;
	for (size_t i = 0; i < columns; i++)
		total += (a[i] - b[i]) * (a[i] - b[i]);
	return total;
}

/* Row `at` of the reference rows with the current ones behind them. */
static const double *pooled_row(const struct table *reference, const struct table *current, size_t at)
{
	return at < reference->rows ? reference->values + at * reference->columns
				    : current->values + (at - reference->rows) * current->columns;
}

double kernel_width_pooled(const struct table *reference, const struct table *current, struct arena *arena)
{
	size_t rows = reference->rows + current->rows, count = 0;
	if (rows < 2 || rows > KERNEL_ROWS_MAX)
		return (double)NAN;
	double *distances = ARENA_ARRAY(arena, double, rows * (rows - 1) / 2);
	if (!distances)
		return (double)NAN;
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < i; j++)
			distances[count++] = sqrt(distance_squared(pooled_row(reference, current, i),
								   pooled_row(reference, current, j), reference->columns));
	return quantile_sorted(distances, quantile_sort(distances, count), 0.5, QUANTILE_LINEAR);
}

double kernel_width_reference(const struct table *reference, struct arena *arena)
{
	size_t rows = reference->rows, columns = reference->columns, count = 0;
	if (rows < 2 || rows > KERNEL_ROWS_MAX)
		return (double)NAN;
	double *squares = ARENA_ARRAY(arena, double, rows * (rows - 1) / 2);
	if (!squares)
		return (double)NAN;
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < i; j++)
			squares[count++] = distance_squared(reference->values + i * columns, reference->values + j * columns,
							    columns);
	return sqrt(quantile_sorted(squares, quantile_sort(squares, count), 0.5, QUANTILE_LOWER) / 2);
}

/* Kernel values of pooled rows, and which rows stand in the first sample. */
struct kernel {
	size_t rows, first; /* of all, and of the first sample */
	double *values;
	size_t *order; /* the first `first` of it are the first sample */
	double total;  /* of all pairs of different rows, each twice */
};

/* The estimates are of three sums: within each sample, and between them. The third follows from the total. */
static void kernel_estimate(const struct kernel *kernel, double *unbiased, double *biased)
{
	double n = (double)kernel->first, m = (double)(kernel->rows - kernel->first), within[2] = {0};
	for (size_t side = 0; side < 2; side++) {
		size_t from = side ? kernel->first : 0, until = side ? kernel->rows : kernel->first;
		for (size_t i = from; i < until; i++) {
			const double *row = kernel->values + kernel->order[i] * kernel->rows;
			for (size_t j = from; j < i; j++)
				within[side] += 2 * row[kernel->order[j]];
		}
	}
	double between = (kernel->total - within[0] - within[1]) / 2;
	*unbiased = within[0] / (n * (n - 1)) + within[1] / (m * (m - 1)) - 2 * between / (n * m);
	*biased = (within[0] + n) / (n * n) + (within[1] + m) / (m * m) - 2 * between / (n * m);
}

static void kernel_shuffle(struct kernel *kernel, struct random *random)
{
	for (size_t i = 0; i < kernel->first; i++) { /* only who stands in front matters */
		size_t other = i + (size_t)random_below(random, kernel->rows - i), held = kernel->order[i];
		kernel->order[i] = kernel->order[other];
		kernel->order[other] = held;
	}
}

static bool kernel_make(struct kernel *kernel, const struct table *reference, const struct table *current, double width,
			struct arena *arena)
{
	size_t rows = kernel->rows;
	kernel->values = ARENA_ARRAY(arena, double, rows * rows);
	kernel->order = ARENA_ARRAY(arena, size_t, rows);
	if (!kernel->values || !kernel->order)
		return false;
	for (size_t i = 0; i < rows; i++) {
		kernel->order[i] = i;
		for (size_t j = 0; j < i; j++) {
			double square = distance_squared(pooled_row(reference, current, i), pooled_row(reference, current, j),
							 reference->columns);
			/* The limit of narrow kernels: rows are equal or have nothing in common. */
			double value = square > 0 ? exp(-square / (2 * width * width)) : 1;
			kernel->values[i * rows + j] = kernel->values[j * rows + i] = value;
			kernel->total += 2 * value;
		}
	}
	return true;
}

bool kernel_test_run(const struct table *reference, const struct table *current, double width, unsigned permutations,
		     uint64_t seed, struct arena *arena, struct kernel_test *test, struct error *error)
{
	struct kernel kernel = {.rows = reference->rows + current->rows, .first = reference->rows};
	struct random random = {seed};
	unsigned far = 0;
	if (kernel.rows > KERNEL_ROWS_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "MMD compares at most %d rows of both samples, and these are %zu; take fewer", KERNEL_ROWS_MAX,
				 kernel.rows);
	if (!kernel_make(&kernel, reference, current, width, arena))
		return error_memory(error, ERROR_LIMIT, "comparing rows by a kernel");
	kernel_estimate(&kernel, &test->unbiased, &test->biased);
	for (unsigned i = 0; i < permutations; i++) {
		double unbiased, biased;
		kernel_shuffle(&kernel, &random);
		kernel_estimate(&kernel, &unbiased, &biased);
		far += unbiased >= test->unbiased;
	}
	test->p = (1 + (double)far) / (1 + (double)permutations);
	return true;
}
