/* expression_model.c: The model whose replies an expression uses; see expression_run.h. */
#include "compiler/expression/expression_run.h"

/* The tensor that a name stands for; NULL: none, or it stands for something else. */
static const struct tensor *tensor_named(const struct scope *scope, const struct expression_name *name)
{
	const struct tensor *tensor = NULL;
	if (name->owner.length == 0)
		return scope_find(scope, name->name);
	if (scope->step_tensor && scope->step_tensor(scope->context, name->owner, name->name, &tensor))
		return tensor;
	bool request = scope->message && text_is(name->owner, "request");
	return request ? tensors_find(scope->message->payload.tensors, name->name) : NULL;
}

/* False: a tensor that came in no reply. */
static bool tree_is_replied(const struct expression *expression, const struct expression_node *node, const struct scope *scope,
			    const struct tensor **found)
{
	const struct tensor *tensor = node->kind == NODE_NAME ? tensor_named(scope, &expression->names[node->name]) : NULL;
	if (tensor && !tensor->model)
		return false;
	*found = tensor ? tensor : *found;
	for (uint32_t i = 0; i < node->count && node->items; i++)
		if (node->items[i] && !tree_is_replied(expression, node->items[i], scope, found))
			return false;
	return true;
}

const struct tensor *expression_model(const struct expression *expression, const struct expression_node *node,
				      const struct scope *scope)
{
	const struct tensor *found = NULL;
	return scope && tree_is_replied(expression, node, scope, &found) ? found : NULL;
}
