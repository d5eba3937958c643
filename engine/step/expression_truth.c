/* expression_truth.c: Conditions that are true, or not, whatever the values of their names are: by constants, and by comparisons of
 * one name with numbers that exclude each other. */
#include <math.h>

#include "step/expression_comparison.h"

#define COMPARISONS_MOST 32 /* that hold together: of more, the others exclude nothing */

/* ---- the clock ---- */

static bool node_reads_clock(const struct expression_node *node)
{
	bool reads = node && node->kind == NODE_CALL && text_is(text_of(node->function->name), "now");
	for (uint32_t i = 0; node && i < node->count && !reads; i++)
		reads = node_reads_clock(node->items[i]);
	return reads;
}

bool expression_reads_clock(const struct expression *expression)
{
	return node_reads_clock(expression->root);
}

/* ---- comparisons that exclude each other ---- */

/* Comparisons that are joined by `and`. */
struct together {
	const struct expression *expression;
	size_t count;
	struct expression_comparison items[COMPARISONS_MOST];
};

static bool is_of(const struct expression_node *node, enum operator_kind operation)
{
	return (node->kind == NODE_UNARY || node->kind == NODE_BINARY) && node->operation == operation;
}

static void together_gather(struct together *together, const struct expression_node *node)
{
	if (is_of(node, OPERATOR_AND)) {
		together_gather(together, node->items[0]);
		together_gather(together, node->items[1]);
	} else if (together->count < COMPARISONS_MOST &&
		   comparison_of(together->expression, node, &together->items[together->count])) {
		together->count++;
	}
}

static bool together_allow(const struct together *together, struct text name, double value)
{
	for (size_t i = 0; i < together->count; i++)
		if (text_equal(together->items[i].name, name) && !expression_comparison_holds(&together->items[i], value))
			return false;
	return true;
}

/* If a name may have any number, one of those that it is compared with is allowed, or the next one beside it. */
static bool together_allow_some(const struct together *together, struct text name)
{
	for (size_t i = 0; i < together->count; i++) {
		const double number = together->items[i].number;
		if (text_equal(together->items[i].name, name) &&
		    (together_allow(together, name, number) || together_allow(together, name, nextafter(number, INFINITY)) ||
		     together_allow(together, name, nextafter(number, -INFINITY))))
			return true;
	}
	return false;
}

static bool excludes_all(const struct expression *expression, const struct expression_node *node)
{
	struct together together = {.expression = expression};
	together_gather(&together, node);
	for (size_t i = 0; i < together.count; i++)
		if (!together_allow_some(&together, together.items[i].name))
			return true;
	return false;
}

/* ---- truth ---- */

static enum expression_truth truth_not(enum expression_truth truth)
{
	return truth == TRUTH_OPEN ? TRUTH_OPEN : truth == TRUTH_ALWAYS ? TRUTH_NEVER : TRUTH_ALWAYS;
}

static enum expression_truth truth_of(const struct expression *expression, const struct expression_node *node)
{
	if (node->kind == NODE_LITERAL && node->class == VALUE_BOOL && node->literal.count == 1)
		return *(const bool *)node->literal.data ? TRUTH_ALWAYS : TRUTH_NEVER;
	if (is_of(node, OPERATOR_NOT))
		return truth_not(truth_of(expression, node->items[0]));
	if (!is_of(node, OPERATOR_AND) && !is_of(node, OPERATOR_OR))
		return TRUTH_OPEN;
	const enum expression_truth settles = is_of(node, OPERATOR_AND) ? TRUTH_NEVER : TRUTH_ALWAYS;
	const enum expression_truth left = truth_of(expression, node->items[0]), right = truth_of(expression, node->items[1]);
	if (left == settles || right == settles)
		return settles;
	if (excludes_all(expression, node)) /* by `and`: else nothing is gathered */
		return TRUTH_NEVER;
	return left == right ? left : TRUTH_OPEN;
}

enum expression_truth expression_truth(const struct expression *expression)
{
	return expression->root ? truth_of(expression, expression->root) : TRUTH_OPEN;
}
