/* change_results.c: see change_results.h. */
#include "control/engine/change_results.h"

#include <stdio.h>

#include "base/memory.h"
#include "control/keeper/change_order.h"

/* NULL: there is none. */
static struct change_result *change_result_find(const struct list *results, int64_t change)
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

void change_reason_print(const struct error *error, char *words, size_t size)
{
	if (error->place.file && error->place.line > 0)
		(void)snprintf(words, size, "%s:%u:%u: %s", error->place.file, error->place.line, error->place.column, error->text);
	else
		(void)snprintf(words, size, "%s", error->text);
}

bool change_result_fail(struct change_result *result, const struct error *error, int64_t now_ms, int64_t patience_ms)
{
	const bool waits = error->kind == ERROR_REMOTE && now_ms - result->begun_ms < patience_ms;
	const bool waited = result->state == CHANGE_WAITS;
	change_reason_print(error, result->why, sizeof result->why);
	result->state = waits ? CHANGE_WAITS : CHANGE_CANNOT_RUN;
	result->again_ms = now_ms + CHANGE_AGAIN_MS;
	return !waits || !waited;
}

int64_t change_results_next(const struct list *results, const struct ledger *ledger, int64_t now_ms)
{
	const struct ledger_change *change;
	LIST_EACH_CHANGE(ledger, change)
	{
		if (change->record.phase != CHANGE_ACCEPTED || change_waits(ledger, change))
			continue;
		const struct change_result *result = change_result_find(results, change->record.number);
		if (!result || (result->state == CHANGE_WAITS && result->again_ms <= now_ms))
			return change->record.number;
	}
	return CONTROL_IN_FORCE;
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
