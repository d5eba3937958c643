/* expression_kernels.h: the loops of float arithmetic and comparison; private to
 * engine/step/expression_*.c but for floats_widen() and doubles_narrow().
 *
 * One kernel for each operator, kind of operands and result, so that each loop is
 * plain enough to be vectorised. All compute in double and round once, at the
 * store; where float arithmetic gives the very same bits (+ - * / of two floats:
 * 53 >= 2*24+2), the compiler uses it.
 */
#ifndef SLUICE_STEP_EXPRESSION_KERNELS_H
#define SLUICE_STEP_EXPRESSION_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Where an operand's elements are. */
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

/* [operator][kind of left][kind of right]; the first writes doubles, the second
 * floats, the third bools, a byte each. */
extern kernel *const arithmetic_doubles[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS];
extern kernel *const arithmetic_floats[ARITHMETIC_COUNT][OPERAND_KINDS][OPERAND_KINDS];
extern kernel *const order_truths[ORDER_COUNT][OPERAND_KINDS][OPERAND_KINDS];

/* Between elements of 64 bits, of any kind; a single one is chosen again and again. */
struct word_choice {
	const uint8_t *truths;
	const void *thens, *others;
	size_t truths_step, then_step, otherwise_step; /* 0 for a single one, else 1 */
};

void words_choose(void *out, const struct word_choice *choice, size_t count);

/* How many bytes are not 0. */
size_t truths_count(const uint8_t *items, size_t count);

/* The sum with what each addition lost carried along (TwoSum, in lanes). */
double sum_doubles(const double *items, size_t count);
double sum_floats(const float *items, size_t count);

/* The sum of the squares around `centre`, summed alike; `rest` is what the distances
 * themselves add up to. */
double sum_squares(const double *items, size_t count, double centre, double *rest);

void floats_widen(double *out, const float *items, size_t count);
void doubles_narrow(float *out, const double *items, size_t count);

#endif
