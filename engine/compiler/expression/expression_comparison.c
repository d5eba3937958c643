/* expression_comparison.c: Constant expressions, and comparisons of a name with a number: what a check of a spec may know of an
 * expression without evaluating it. */
#include "compiler/expression/expression_comparison.h"

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

bool comparison_of(const struct expression *expression, const struct expression_node *node,
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
