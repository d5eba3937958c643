/* expression_operators.h: Operators on values. Private to engine/compiler/expression/expression_*.c. All set an INPUT or LIMIT
 * error when they return false. `result` may be one of the operands. */
#pragma once

#include "compiler/expression/expression_kernels.h"
#include "compiler/expression/expression_tree.h"

/* + - * / ^ and the comparisons. `last`: the result is that of the whole expression, and may be rounded to FP32 already. */
bool operate_arithmetic(struct evaluation *evaluation, enum operator_kind operation, const struct value *left,
			const struct value *right, bool last, struct value *result);
bool operate_comparison(struct evaluation *evaluation, enum operator_kind operation, const struct value *left,
			const struct value *right, struct value *result);
bool operate_in(struct evaluation *evaluation, const struct value *left, const struct value *right, struct value *result);
bool operate_logic(struct evaluation *evaluation, enum operator_kind operation, const struct value *left, const struct value *right,
		   struct value *result);
bool operate_not(struct evaluation *evaluation, const struct value *operand, struct value *result);
bool operate_negate(struct evaluation *evaluation, const struct value *operand, struct value *result);

/* where(c, a, b), all broadcast together. */
bool operate_where(struct evaluation *evaluation, const struct value *condition, const struct value *then,
		   const struct value *otherwise, struct value *result);

/* div and mod, rounding down. */
bool operate_floored(struct evaluation *evaluation, bool quotient, const struct value *left, const struct value *right,
		     struct value *result);

/* Broadcasts both to their joint shape, unless they have one shape or are single elements. */
bool operands_spread(struct evaluation *evaluation, struct value *left, struct value *right);

/* Runs a kernel of the table over two numeric values, which it broadcasts. */
bool operands_run(struct evaluation *evaluation, kernel *const table[OPERAND_KINDS][OPERAND_KINDS], enum datatype storage,
		  const struct value *left, const struct value *right, struct value *result);

/* Sets the error that shows both types; always false. */
bool operands_refuse(struct evaluation *evaluation, enum operator_kind operation, const char *takes, const struct value *left,
		     const struct value *right);

/* Whether integers are computed unsigned. A literal takes the signedness of the other operand. */
bool operands_unsigned(const struct value *left, const struct value *right);
