/* expression_kernels.c: see expression_kernels.h. */
#include "compiler/expression/expression_kernels.h"

#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("O3") /* the loops are here for being vectorised, which -O2 hardly does */
#endif

#define SUM_OF(a, b) ((a) + (b))
#define DIFFERENCE_OF(a, b) ((a) - (b))
#define PRODUCT_OF(a, b) ((a) * (b))
#define QUOTIENT_OF(a, b) ((a) / (b))
#define LESSER_OF(a, b) ((((a) <= (b)) | ((a) != (a))) ? (a) : (b)) /* nan, if one of them is */
#define GREATER_OF(a, b) ((((a) >= (b)) | ((a) != (a))) ? (a) : (b))
#define IS_LESS(a, b) ((a) < (b))
#define IS_LESS_EQUAL(a, b) ((a) <= (b))
#define IS_EQUAL(a, b) ((a) == (b))
#define IS_NOT_EQUAL(a, b) ((a) != (b))

#define FLOATS_AT(items, i) ((double)((const float *)(items))[i])
#define NARROW_AT(items, i) (((const float *)(items))[i])
#define DOUBLES_AT(items, i) (((const double *)(items))[i])
#define DOUBLE_AT(items, i) (*(const double *)(items))

void floats_widen(double *restrict out, const float *restrict items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (double)items[i];
}

void doubles_narrow(float *restrict out, const double *restrict items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (float)items[i];
}

#define KERNEL(name, type, left_at, right_at, operation)                                                                           \
	static void name(void *restrict result, const void *restrict left, const void *restrict right, size_t count)               \
	{                                                                                                                          \
		type *restrict out = result;                                                                                       \
		for (size_t i = 0; i < count; i++)                                                                                 \
			out[i] = (type)operation(left_at(left, i), right_at(right, i));                                            \
	}

/* With a scalar that a float holds exactly, the whole loop is float arithmetic. */
#define KERNEL_SCALAR_RIGHT(name, operation)                                                                                       \
	static void name(void *restrict result, const void *restrict left, const void *restrict right, size_t count)               \
	{                                                                                                                          \
		float *restrict out = result;                                                                                      \
		const float *restrict items = left;                                                                                \
		const double scalar = *(const double *)right;                                                                      \
		const float narrow = (float)scalar;                                                                                \
		if ((double)narrow == scalar)                                                                                      \
			for (size_t i = 0; i < count; i++)                                                                         \
				out[i] = (float)operation((double)items[i], (double)narrow);                                       \
		else                                                                                                               \
			for (size_t i = 0; i < count; i++)                                                                         \
				out[i] = (float)operation((double)items[i], scalar);                                               \
	}

#define KERNEL_SCALAR_LEFT(name, operation)                                                                                        \
	static void name(void *restrict result, const void *restrict left, const void *restrict right, size_t count)               \
	{                                                                                                                          \
		float *restrict out = result;                                                                                      \
		const float *restrict items = right;                                                                               \
		const double scalar = *(const double *)left;                                                                       \
		const float narrow = (float)scalar;                                                                                \
		if ((double)narrow == scalar)                                                                                      \
			for (size_t i = 0; i < count; i++)                                                                         \
				out[i] = (float)operation((double)narrow, (double)items[i]);                                       \
		else                                                                                                               \
			for (size_t i = 0; i < count; i++)                                                                         \
				out[i] = (float)operation(scalar, (double)items[i]);                                               \
	}

/* The nine kernels of an operator, but those of floats alone or with a scalar. */
#define KERNELS_PLAIN(name, type, operation)                                                                                       \
	KERNEL(name##_fd, type, FLOATS_AT, DOUBLES_AT, operation)                                                                  \
	KERNEL(name##_df, type, DOUBLES_AT, FLOATS_AT, operation)                                                                  \
	KERNEL(name##_dd, type, DOUBLES_AT, DOUBLES_AT, operation)                                                                 \
	KERNEL(name##_ds, type, DOUBLES_AT, DOUBLE_AT, operation)                                                                  \
	KERNEL(name##_sd, type, DOUBLE_AT, DOUBLES_AT, operation)                                                                  \
	KERNEL(name##_ss, type, DOUBLE_AT, DOUBLE_AT, operation)

#define KERNELS(name, type, operation)                                                                                             \
	KERNELS_PLAIN(name, type, operation)                                                                                       \
	KERNEL(name##_ff, type, FLOATS_AT, FLOATS_AT, operation)                                                                   \
	KERNEL(name##_fs, type, FLOATS_AT, DOUBLE_AT, operation)                                                                   \
	KERNEL(name##_sf, type, DOUBLE_AT, FLOATS_AT, operation)

#define KERNELS_NARROW(name, operation)                                                                                            \
	KERNELS_PLAIN(name, float, operation)                                                                                      \
	KERNEL(name##_ff, float, FLOATS_AT, FLOATS_AT, operation)                                                                  \
	KERNEL_SCALAR_RIGHT(name##_fs, operation)                                                                                  \
	KERNEL_SCALAR_LEFT(name##_sf, operation)

/* Floats compare as they are. */
#define KERNELS_ORDER(name, operation)                                                                                             \
	KERNELS_PLAIN(name, uint8_t, operation)                                                                                    \
	KERNEL(name##_ff, uint8_t, NARROW_AT, NARROW_AT, operation)

KERNELS(add, double, SUM_OF)
KERNELS(subtract, double, DIFFERENCE_OF)
KERNELS(multiply, double, PRODUCT_OF)
KERNELS(divide, double, QUOTIENT_OF)
KERNELS(least, double, LESSER_OF)
KERNELS(greatest, double, GREATER_OF)
KERNELS_NARROW(narrow_add, SUM_OF)
KERNELS_NARROW(narrow_subtract, DIFFERENCE_OF)
KERNELS_NARROW(narrow_multiply, PRODUCT_OF)
KERNELS_NARROW(narrow_divide, QUOTIENT_OF)
KERNELS_NARROW(narrow_least, LESSER_OF)
KERNELS_NARROW(narrow_greatest, GREATER_OF)
KERNELS_ORDER(less, IS_LESS)
KERNELS_ORDER(less_equal, IS_LESS_EQUAL)
KERNELS_ORDER(equal, IS_EQUAL)
KERNELS_ORDER(not_equal, IS_NOT_EQUAL)

/* ---- floats compared with a number ---- */

#define TRUTHS(name, operation)                                                                                                    \
	static inline void name(uint8_t *restrict out, const float *restrict items, float bound, size_t count)                     \
	{                                                                                                                          \
		for (size_t i = 0; i < count; i++)                                                                                 \
			out[i] = items[i] operation bound;                                                                         \
	}

TRUTHS(truths_less, <)
TRUTHS(truths_less_equal, <=)
TRUTHS(truths_greater, >)
TRUTHS(truths_greater_equal, >=)
TRUTHS(truths_equal, ==)
TRUTHS(truths_not_equal, !=)

/* Between a number and the float nearest to it stands no other float, so floats compare
 * with the one as with the other, but for which side that float itself is on. */
#define ORDER_NUMBER(name, items_at, number_at, at_bound, below, above)                                                            \
	static void name(void *restrict result, const void *restrict left, const void *restrict right, size_t count)               \
	{                                                                                                                          \
		(void)left, (void)right;                                                                                           \
		const double number = *(const double *)(number_at);                                                                \
		const float nearest = (float)number;                                                                               \
		if ((double)nearest < number)                                                                                      \
			below(result, items_at, nearest, count);                                                                   \
		else if ((double)nearest > number)                                                                                 \
			above(result, items_at, nearest, count);                                                                   \
		else                                                                                                               \
			at_bound(result, items_at, nearest, count);                                                                \
	}

ORDER_NUMBER(less_fs, left, right, truths_less, truths_less_equal, truths_less)
ORDER_NUMBER(less_equal_fs, left, right, truths_less_equal, truths_less_equal, truths_less)
ORDER_NUMBER(less_sf, right, left, truths_greater, truths_greater, truths_greater_equal)
ORDER_NUMBER(less_equal_sf, right, left, truths_greater_equal, truths_greater, truths_greater_equal)

/* No float equals a number that is none. */
#define EQUAL_NUMBER(name, items_at, number_at, equal)                                                                             \
	static void name(void *restrict result, const void *restrict left, const void *restrict right, size_t count)               \
	{                                                                                                                          \
		(void)left, (void)right;                                                                                           \
		const double number = *(const double *)(number_at);                                                                \
		const float nearest = (float)number;                                                                               \
		equal(result, items_at, (double)nearest == number ? nearest : NAN, count);                                         \
	}

EQUAL_NUMBER(equal_fs, left, right, truths_equal)
EQUAL_NUMBER(equal_sf, right, left, truths_equal)
EQUAL_NUMBER(not_equal_fs, left, right, truths_not_equal)
EQUAL_NUMBER(not_equal_sf, right, left, truths_not_equal)

size_t truths_count(const uint8_t *items, size_t count)
{
	const uint64_t sevens = UINT64_C(0x7f7f7f7f7f7f7f7f), ones = UINT64_C(0x0101010101010101);
	size_t sum = 0, i = 0;
	for (uint64_t eight; i + sizeof eight <= count; i += sizeof eight) {
		memcpy(&eight, items + i, sizeof eight);
		uint64_t holds = (((eight & sevens) + sevens) | eight) & ~sevens; /* the top bit of each that is not 0 */
		sum += (size_t)(((holds >> 7) * ones) >> 56);
	}
	for (; i < count; i++)
		sum += items[i] != 0;
	return sum;
}

/* ---- the tables ---- */

#define ROW(name)                                                                                                                  \
	{                                                                                                                          \
		{name##_ff, name##_fd, name##_fs}, {name##_df, name##_dd, name##_ds},                                              \
		{                                                                                                                  \
			name##_sf, name##_sd, name##_ss                                                                            \
		}                                                                                                                  \
	}

kernel *const arithmetic_doubles[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS] = {
	[ARITHMETIC_ADD] = ROW(add),
	[ARITHMETIC_SUBTRACT] = ROW(subtract),
	[ARITHMETIC_MULTIPLY] = ROW(multiply),
	[ARITHMETIC_DIVIDE] = ROW(divide),
	[ARITHMETIC_LEAST] = ROW(least),
	[ARITHMETIC_GREATEST] = ROW(greatest),
};

kernel *const arithmetic_floats[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS] = {
	[ARITHMETIC_ADD] = ROW(narrow_add),
	[ARITHMETIC_SUBTRACT] = ROW(narrow_subtract),
	[ARITHMETIC_MULTIPLY] = ROW(narrow_multiply),
	[ARITHMETIC_DIVIDE] = ROW(narrow_divide),
	[ARITHMETIC_LEAST] = ROW(narrow_least),
	[ARITHMETIC_GREATEST] = ROW(narrow_greatest),
};

kernel *const order_truths[ORDER_COUNT][OPERAND_KINDS][OPERAND_KINDS] = {
	[ORDER_LESS] = ROW(less),
	[ORDER_LESS_EQUAL] = ROW(less_equal),
	[ORDER_EQUAL] = ROW(equal),
	[ORDER_NOT_EQUAL] = ROW(not_equal),
};

/* ---- choosing ---- */

static inline void choose(uint64_t *restrict out, const struct word_choice *choice, size_t truths_step, size_t then_step,
			  size_t otherwise_step, size_t count)
{
	const uint8_t *truths = choice->truths;
	const uint64_t *thens = choice->thens, *others = choice->others;
	for (size_t i = 0; i < count; i++) {
		uint64_t chosen = (uint64_t)0 - (truths[i * truths_step] != 0);
		out[i] = (thens[i * then_step] & chosen) | (others[i * otherwise_step] & ~chosen);
	}
}

void words_choose(void *restrict out, const struct word_choice *choice, size_t count)
{
	/* The usual steps are written out, for the compiler to make a loop for each. */
	if (!choice->truths_step)
		choose(out, choice, 0, choice->then_step, choice->otherwise_step, count);
	else if (choice->then_step && choice->otherwise_step)
		choose(out, choice, 1, 1, 1, count);
	else if (choice->then_step)
		choose(out, choice, 1, 1, 0, count);
	else
		choose(out, choice, 1, 0, choice->otherwise_step, count);
}

/* ---- sums ---- */

#define LANES 2 /* what every processor's vector registers hold; two of them keep it busy */

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* What an addition lost to rounding (Knuth's TwoSum). */
#define SUM_LOST(before, item, sum) (((before) - ((sum) - ((sum) - (before)))) + ((item) - ((sum) - (before))))

#define SUM_ADD(sums, losses, item)                                                                                                \
	do {                                                                                                                       \
		const lanes before = sums, added = item;                                                                           \
		sums = before + added;                                                                                             \
		losses += SUM_LOST(before, added, sums);                                                                           \
	} while (0)

/* Adds up two times LANES sums and the tail. An infinite sum has lost nothing: inf - inf
 * would make it nan. */
#define SUM(name, type)                                                                                                            \
	double name(const type *items, size_t count)                                                                               \
	{                                                                                                                          \
		lanes even = {0}, odd = {0}, even_losses = {0}, odd_losses = {0};                                                  \
		size_t i = 0;                                                                                                      \
		for (; i + 2 * LANES <= count; i += 2 * LANES) {                                                                   \
			SUM_ADD(even, even_losses, ((lanes){(double)items[i], (double)items[i + 1]}));                             \
			SUM_ADD(odd, odd_losses, ((lanes){(double)items[i + 2], (double)items[i + 3]}));                           \
		}                                                                                                                  \
		SUM_ADD(even, even_losses, odd);                                                                                   \
		even_losses += odd_losses;                                                                                         \
		double total = even[0] + even[1];                                                                                  \
		double lost = even_losses[0] + even_losses[1] + SUM_LOST(even[0], even[1], total);                                 \
		for (; i < count; i++) {                                                                                           \
			const double item = (double)items[i], sum = total + item;                                                  \
			lost += SUM_LOST(total, item, sum);                                                                        \
			total = sum;                                                                                               \
		}                                                                                                                  \
		return isfinite(total) ? total + lost : total;                                                                     \
	}

SUM(sum_doubles, double)
SUM(sum_floats, float)

double sum_squares(const double *items, size_t count, double centre, double *rest)
{
	lanes squares = {0}, losses = {0}, distances = {0};
	size_t i = 0;
	for (; i + LANES <= count; i += LANES) {
		const lanes distance = (lanes){items[i], items[i + 1]} - centre;
		SUM_ADD(squares, losses, distance * distance);
		distances += distance;
	}
	if (i < count) {
		const lanes distance = {items[i] - centre, 0};
		SUM_ADD(squares, losses, distance * distance);
		distances += distance;
	}
	const double total = squares[0] + squares[1];
	const double lost = losses[0] + losses[1] + SUM_LOST(squares[0], squares[1], total);
	*rest = distances[0] + distances[1];
	return isfinite(total) ? total + lost : total;
}
