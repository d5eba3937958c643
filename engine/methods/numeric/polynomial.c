/* polynomial.c: see polynomial.h. Each product is one of the next lower degree times a column that is not before its
 * own last one, so that the products come in the right order. */
#include "methods/numeric/polynomial.h"

static size_t first_factor(const struct polynomial *polynomial, uint32_t last)
{
	return last + (polynomial->interactions ? 1U : 0U);
}

size_t polynomial_columns(const struct polynomial *polynomial, size_t columns)
{
	/* Of degree d with repetition: C(columns + d - 1, d); without: C(columns, d). */
	size_t total = polynomial->bias, of_degree = 1;
	for (size_t degree = 1; degree <= polynomial->degree; degree++) {
		const size_t factor =
			polynomial->interactions ? (degree > columns ? 0 : columns - degree + 1) : columns + degree - 1;
		if (__builtin_mul_overflow(of_degree, factor, &of_degree))
			return 0;
		of_degree /= degree;
		total += of_degree;
		if (of_degree > POLYNOMIAL_COLUMNS_MAX || total > POLYNOMIAL_COLUMNS_MAX)
			return 0;
		if (of_degree == 0)
			break;
	}
	return total;
}

static void row_apply(const struct polynomial *polynomial, const double *row, size_t columns, double *out, uint32_t *last)
{
	size_t made = 0;
	if (polynomial->bias)
		out[made++] = 1;
	size_t from = made;
	for (size_t i = 0; i < columns; i++, made++) {
		out[made] = row[i];
		last[made] = (uint32_t)i;
	}
	for (size_t degree = 2; degree <= polynomial->degree; degree++) {
		const size_t to = made;
		for (size_t product = from; product < to; product++)
			for (size_t i = first_factor(polynomial, last[product]); i < columns; i++, made++) {
				out[made] = out[product] * row[i];
				last[made] = (uint32_t)i;
			}
		from = to;
	}
}

bool polynomial_apply(const struct polynomial *polynomial, const struct table *table, double *out, struct arena *arena)
{
	const size_t width = polynomial_columns(polynomial, table->columns);
	uint32_t *last = ARENA_ARRAY(arena, uint32_t, width + 1);
	for (size_t row = 0; last && row < table->rows; row++)
		row_apply(polynomial, table->values + row * table->columns, table->columns, out + row * width, last);
	return last != NULL;
}
