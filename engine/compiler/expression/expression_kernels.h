/* expression_kernels.h: Inner loops of float arithmetic and comparison. Private to engine/compiler/expression/expression_*.c except
 * floats_widen() and doubles_narrow().
 *
 * There is one kernel for each operator, operand kind and result, so that each loop is simple enough to be
 * vectorised. All compute in double and round once, at the store. Where float arithmetic gives the same bits (+ - * /
 * of two floats: 53 >= 2*24+2), the compiler uses it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Kind of an operand: an array of floats, an array of doubles, or one double. */
enum operand_kind { OPERAND_FLOATS, OPERAND_DOUBLES, OPERAND_DOUBLE, OPERAND_KINDS };

enum arithmetic {
	ARITHMETIC_ADD,
	ARITHMETIC_SUBTRACT,
	ARITHMETIC_MULTIPLY,
	ARITHMETIC_DIVIDE,
	ARITHMETIC_LEAST,
	ARITHMETIC_GREATEST,
	ARITHMETIC_COUNT
};
enum order { ORDER_LESS, ORDER_LESS_EQUAL, ORDER_EQUAL, ORDER_NOT_EQUAL, ORDER_COUNT };

typedef void kernel(void *out, const void *left, const void *right, size_t count);

/* [operator][kind of left][kind of right]. The first table writes doubles, the second floats, the third bools of one byte. */
extern kernel *const arithmetic_doubles[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS];
extern kernel *const arithmetic_floats[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS];
extern kernel *const order_truths[ORDER_COUNT][OPERAND_KINDS][OPERAND_KINDS];

/* Arguments of where() for elements of 64 bits, of any datatype. A single element is reused for all. */
struct word_choice {
	const uint8_t *truths;
	const void *thens, *others;
	size_t truths_step, then_step, otherwise_step; /* 0 for a single one, else 1 */
};

void words_choose(void *out, const struct word_choice *choice, size_t count);

/* The number of bytes that are not 0. */
size_t truths_count(const uint8_t *items, size_t count);

/* The sum, compensated for the rounding error of each addition (TwoSum, in lanes). */
double sum_doubles(const double *items, size_t count);
double sum_floats(const float *items, size_t count);

/* The sum of the squared distances from `centre`, compensated likewise. `rest` is the sum of the distances themselves. */
double sum_squares(const double *items, size_t count, double centre, double *rest);

void floats_widen(double *out, const float *items, size_t count);
void doubles_narrow(float *out, const double *items, size_t count);
