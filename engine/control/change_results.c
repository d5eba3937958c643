/* change_results.c: see change_results.h. */
#include "control/change_results.h"

#include "base/memory.h"

struct change_result *change_result_find(const struct list *results, int64_t change)
{
	for (struct list_node *node = results->first; node; node = node->next)
		if (LIST_OWNER(node, struct change_result, node)->change == change)
			return LIST_OWNER(node, struct change_result, node);
	return NULL;
}

void change_result_drop(struct change_result *result)
{
	list_remove(&result->node);
	memory_give(result);
}

struct change_result *change_result_take(struct list *results, int64_t change, int64_t now_ms)
{
	struct change_result *result = change_result_find(results, change);
	if (result || !(result = memory_take(1, sizeof *result)))
		return result;
	result->change = change;
	result->begun_ms = now_ms;
	list_add(results, &result->node);
	return result;
}

void change_results_sweep(struct list *results, const struct ledger *ledger)
{
	for (struct list_node *node = results->first, *next; node; node = next) {
		struct change_result *result = LIST_OWNER(node, struct change_result, node);
		const struct ledger_change *change = ledger_change_find(ledger, result->change);
		next = node->next;
		if (!change || change->record.phase != CHANGE_ACCEPTED)
			change_result_drop(result);
	}
}

const char *change_results_waiting(const struct list *results)
{
	for (const struct list_node *node = results->first; node; node = node->next) {
		const struct change_result *result = LIST_OWNER(node, const struct change_result, node);
		if (result->state != CHANGE_IS_PREPARED)
			return result->why;
	}
	return "";
}
