/* expression_truth.c: Conditions that are true, or not, whatever the values of their names are: by constants, and by comparisons of
 * one name with numbers that exclude each other. */
#include <math.h>

#include "compiler/expression/expression_tree.h"

/* Comparison of a plain name with a number, at a node of an expression. */
bool expression_is_constant(const struct expression *expression)
{
	return expression->names_count == 0 && expression->headers_count == 0;
}

bool expression_has_headers(const struct expression *expression)
{
	return expression->headers_count > 0;
}

/* The number that a node is. False: it is none. */
static bool number_of(const struct expression_node *node, double *number)
{
	const struct value *value = &node->literal;
	if (node->kind != NODE_LITERAL || (node->class != VALUE_INTEGER && node->class != VALUE_FLOAT) || value->count != 1)
		return false;
	const struct tensor tensor = {.datatype = (enum datatype)value->storage, .count = 1, .data = value->data};
	*number = tensor_number(&tensor, 0);
	return true;
}

static bool is_plain_name(const struct expression *expression, const struct expression_node *node)
{
	return node->kind == NODE_NAME && expression->names[node->name].owner.length == 0;
}

/* The operator with its operands exchanged. */
static enum operator_kind operator_turned(enum operator_kind operation)
{
	switch (operation) {
	case OPERATOR_LESS:
		return OPERATOR_GREATER;
	case OPERATOR_LESS_EQUAL:
		return OPERATOR_GREATER_EQUAL;
	case OPERATOR_GREATER:
		return OPERATOR_LESS;
	case OPERATOR_GREATER_EQUAL:
		return OPERATOR_LESS_EQUAL;
	default:
		return operation;
	}
}

/* False: the node is none. */
static bool comparison_of(const struct expression *expression, const struct expression_node *node,
			  struct expression_comparison *comparison)
{
	if (node->kind != NODE_BINARY || node->operation < OPERATOR_LESS || node->operation > OPERATOR_NOT_EQUAL)
		return false;
	const bool turned = is_plain_name(expression, node->items[1]);
	const struct expression_node *name = node->items[turned], *number = node->items[!turned];
	if (!is_plain_name(expression, name) || !number_of(number, &comparison->number))
		return false;
	comparison->name = expression->names[name->name].name;
	comparison->source = (struct text){expression->source.bytes + node->at, node->end - node->at};
	comparison->place = expression_place_at(expression, node->at);
	comparison->operation = turned ? operator_turned(node->operation) : node->operation;
	return true;
}

/* `*left`: how many more are passed over. */
static bool comparison_find(const struct expression *expression, const struct expression_node *node, size_t *left,
			    struct expression_comparison *comparison)
{
	if (!node)
		return false;
	if (comparison_of(expression, node, comparison) && (*left)-- == 0)
		return true;
	for (uint32_t i = 0; i < node->count; i++)
		if (comparison_find(expression, node->items[i], left, comparison))
			return true;
	return false;
}

bool expression_comparison(const struct expression *expression, size_t nth, struct expression_comparison *comparison)
{
	return comparison_find(expression, expression->root, &nth, comparison);
}

bool expression_comparison_holds(const struct expression_comparison *comparison, double value)
{
	switch (comparison->operation) {
	case OPERATOR_LESS:
		return value < comparison->number;
	case OPERATOR_LESS_EQUAL:
		return value <= comparison->number;
	case OPERATOR_GREATER:
		return value > comparison->number;
	case OPERATOR_GREATER_EQUAL:
		return value >= comparison->number;
	case OPERATOR_EQUAL:
		return !(value < comparison->number) && !(value > comparison->number);
	default:
		return value < comparison->number || value > comparison->number;
	}
}

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
struct conjunction {
	const struct expression *expression;
	size_t count;
	struct expression_comparison items[COMPARISONS_MOST];
};

static bool is_of(const struct expression_node *node, enum operator_kind operation)
{
	return (node->kind == NODE_UNARY || node->kind == NODE_BINARY) && node->operation == operation;
}

static void conjunction_collect(struct conjunction *conjunction, const struct expression_node *node)
{
	if (is_of(node, OPERATOR_AND)) {
		conjunction_collect(conjunction, node->items[0]);
		conjunction_collect(conjunction, node->items[1]);
	} else if (conjunction->count < COMPARISONS_MOST &&
		   comparison_of(conjunction->expression, node, &conjunction->items[conjunction->count])) {
		conjunction->count++;
	}
}

static bool conjunction_allows(const struct conjunction *conjunction, struct text name, double value)
{
	for (size_t i = 0; i < conjunction->count; i++)
		if (text_equal(conjunction->items[i].name, name) && !expression_comparison_holds(&conjunction->items[i], value))
			return false;
	return true;
}

/* If a name may have any number, one of those that it is compared with is allowed, or the next one beside it. */
static bool conjunction_allows_some(const struct conjunction *conjunction, struct text name)
{
	for (size_t i = 0; i < conjunction->count; i++) {
		const double number = conjunction->items[i].number;
		if (text_equal(conjunction->items[i].name, name) &&
		    (conjunction_allows(conjunction, name, number) ||
		     conjunction_allows(conjunction, name, nextafter(number, INFINITY)) ||
		     conjunction_allows(conjunction, name, nextafter(number, -INFINITY))))
			return true;
	}
	return false;
}

static bool excludes_all(const struct expression *expression, const struct expression_node *node)
{
	struct conjunction conjunction = {.expression = expression};
	conjunction_collect(&conjunction, node);
	for (size_t i = 0; i < conjunction.count; i++)
		if (!conjunction_allows_some(&conjunction, conjunction.items[i].name))
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
