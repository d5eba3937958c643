/* expression_window.c: Calls over the messages of a window: finds them, and the names outside of them.
 *
 * `max(mid)` is the greatest over all messages. `max(sum(x))` is the greatest of sum(x) of each message: the
 * outermost call of such a name is over the messages, and its argument is evaluated for one of them. The calls are
 * numbered like trailing calls, which are evaluated in the same way.
 */
#include "compiler/expression/expression_tree.h"

static bool expression_window_resolve(struct expression *expression, struct expression_node *node, bool inside, struct error *error)
{
	if (!node)
		return true;
	if (node->kind == NODE_NAME)
		expression->names[node->name].outside = !inside;
	const struct expression_function_row *row = node->kind == NODE_CALL ? function_over_window(node) : NULL;
	if (row && inside && node->function->rules->over_window)
		return error_set(error, ERROR_CONFIG, expression_place_at(expression, node->at),
				 "%s() goes over the messages of the window, and this is one of them; write it outside of the "
				 "other call",
				 row->name);
	if (row && !inside) {
		node->function = row;
		node->trailing = ++expression->trailing_count;
	}
	for (uint32_t i = 0; i < node->count; i++)
		if (!expression_window_resolve(expression, node->items[i], inside || row, error))
			return false;
	return true;
}

bool window_resolve(struct expression *expression, struct expression_node *root, struct error *error)
{
	if (!(expression->uses & USE_WINDOW))
		return true;
	expression->trailing_count = 0;
	return expression_window_resolve(expression, root, false, error);
}

const struct expression_name *expression_outside(const struct expression *expression, size_t nth)
{
	for (size_t i = 0; i < expression->names_count; i++)
		if (expression->names[i].outside && nth-- == 0)
			return &expression->names[i];
	return NULL;
}
