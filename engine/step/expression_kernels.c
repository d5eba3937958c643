/* expression_kernels.c: see expression_kernels.h. */
#include "step/expression_kernels.h"

#include <math.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("O3") /* the loops are here for being vectorised, which -O2 hardly does */
#endif

#define FLOATS_AT(items, i) ((double)((const float *)(items))[i])
#define DOUBLES_AT(items, i) (((const double *)(items))[i])
#define DOUBLE_AT(items, i) (*(const double *)(items))

#define KERNEL(name, type, left_at, right_at, operation)                                                                           \
	static void name(void *restrict result, const void *restrict left, const void *restrict right, size_t count)               \
	{                                                                                                                          \
		type *restrict out = result;                                                                                       \
		for (size_t i = 0; i < count; i++)                                                                                 \
			out[i] = (type)(left_at(left, i) operation right_at(right, i));                                            \
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
				out[i] = (float)((double)items[i] operation(double) narrow);                                       \
		else                                                                                                               \
			for (size_t i = 0; i < count; i++)                                                                         \
				out[i] = (float)((double)items[i] operation scalar);                                               \
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
				out[i] = (float)((double)narrow operation(double) items[i]);                                       \
		else                                                                                                               \
			for (size_t i = 0; i < count; i++)                                                                         \
				out[i] = (float)(scalar operation(double) items[i]);                                               \
	}

/* The nine kernels of an operator, but those with a scalar and floats to floats. */
#define KERNELS_PLAIN(name, type, operation)                                                                                       \
	KERNEL(name##_ff, type, FLOATS_AT, FLOATS_AT, operation)                                                                   \
	KERNEL(name##_fd, type, FLOATS_AT, DOUBLES_AT, operation)                                                                  \
	KERNEL(name##_df, type, DOUBLES_AT, FLOATS_AT, operation)                                                                  \
	KERNEL(name##_dd, type, DOUBLES_AT, DOUBLES_AT, operation)                                                                 \
	KERNEL(name##_ds, type, DOUBLES_AT, DOUBLE_AT, operation)                                                                  \
	KERNEL(name##_sd, type, DOUBLE_AT, DOUBLES_AT, operation)                                                                  \
	KERNEL(name##_ss, type, DOUBLE_AT, DOUBLE_AT, operation)

#define KERNELS(name, type, operation)                                                                                             \
	KERNELS_PLAIN(name, type, operation)                                                                                       \
	KERNEL(name##_fs, type, FLOATS_AT, DOUBLE_AT, operation)                                                                   \
	KERNEL(name##_sf, type, DOUBLE_AT, FLOATS_AT, operation)

#define KERNELS_NARROW(name, operation)                                                                                            \
	KERNELS_PLAIN(name, float, operation)                                                                                      \
	KERNEL_SCALAR_RIGHT(name##_fs, operation)                                                                                  \
	KERNEL_SCALAR_LEFT(name##_sf, operation)

KERNELS(add, double, +)
KERNELS(subtract, double, -)
KERNELS(multiply, double, *)
KERNELS(divide, double, /)
KERNELS_NARROW(narrow_add, +)
KERNELS_NARROW(narrow_subtract, -)
KERNELS_NARROW(narrow_multiply, *)
KERNELS_NARROW(narrow_divide, /)
KERNELS(less, uint8_t, <)
KERNELS(less_equal, uint8_t, <=)
KERNELS(equal, uint8_t, ==)
KERNELS(not_equal, uint8_t, !=)

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
};

kernel *const arithmetic_floats[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS] = {
	[ARITHMETIC_ADD] = ROW(narrow_add),
	[ARITHMETIC_SUBTRACT] = ROW(narrow_subtract),
	[ARITHMETIC_MULTIPLY] = ROW(narrow_multiply),
	[ARITHMETIC_DIVIDE] = ROW(narrow_divide),
};

kernel *const order_truths[ORDER_COUNT][OPERAND_KINDS][OPERAND_KINDS] = {
	[ORDER_LESS] = ROW(less),
	[ORDER_LESS_EQUAL] = ROW(less_equal),
	[ORDER_EQUAL] = ROW(equal),
	[ORDER_NOT_EQUAL] = ROW(not_equal),
};

#define LANES 4

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* What an addition lost to rounding (Knuth's TwoSum). */
#define SUM_LOST(before, item, sum) (((before) - ((sum) - ((sum) - (before)))) + ((item) - ((sum) - (before))))

/* An infinite sum has lost nothing: inf - inf would make it nan. */
static double lanes_joined(const lanes *sums, const lanes *losses, const double *tail, size_t tail_count)
{
	double total = (*sums)[0];
	double lost = ((*losses)[0] + (*losses)[1]) + ((*losses)[2] + (*losses)[3]);
	for (size_t i = 1; i < LANES + tail_count; i++) {
		double item = i < LANES ? (*sums)[i] : tail[i - LANES];
		double sum = total + item;
		lost += SUM_LOST(total, item, sum);
		total = sum;
	}
	return isfinite(total) ? total + lost : total;
}

#define SUM(name, type)                                                                                                            \
	double name(const type *items, size_t count)                                                                               \
	{                                                                                                                          \
		typedef type four __attribute__((vector_size(LANES * sizeof(type)), aligned(sizeof(type)), may_alias));            \
		lanes sums = {0}, losses = {0};                                                                                    \
		size_t i = 0;                                                                                                      \
		for (; i + LANES <= count; i += LANES) {                                                                           \
			lanes item = __builtin_convertvector(*(const four *)(const void *)(items + i), lanes);                     \
			lanes sum = sums + item;                                                                                   \
			losses += SUM_LOST(sums, item, sum);                                                                       \
			sums = sum;                                                                                                \
		}                                                                                                                  \
		double tail[LANES];                                                                                                \
		for (size_t at = i; at < count; at++)                                                                              \
			tail[at - i] = (double)items[at];                                                                          \
		return lanes_joined(&sums, &losses, tail, count - i);                                                              \
	}

SUM(sum_doubles, double)
SUM(sum_floats, float)
