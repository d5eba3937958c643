/* resource_choice.c: Choice of the resources that `sluice get` prints: by kind, name and labels, and with --watch if they changed.
 */
#include "tools/client/control/resource_choice.h"

#include "message/rows.h"

/* What was printed of a resource, for --watch. */
struct printed_view {
	struct list_node node;
	struct text kind, name;
	int64_t newest, in_force;
	enum change_phase phase;
};

static bool view_is_named(const struct resource_choice *choice, const struct resource_view *view)
{
	const struct resource_reference *wanted = &choice->wanted;
	return (!wanted->kind || text_is(view->resource->kind, wanted->kind)) &&
	       (!wanted->name || text_is(view->resource->name, wanted->name));
}

static bool view_is_wanted(const struct resource_choice *choice, const struct resource_view *view)
{
	return resource_view_exists(view) && view_is_named(choice, view) && label_selector_has(&choice->labels, view->newest);
}

/* ---- watching ---- */

static struct printed_view *printed_find(const struct resource_choice *choice, const struct ledger_resource *resource)
{
	for (struct list_node *node = choice->printed.first; node; node = node->next) {
		struct printed_view *printed = LIST_OWNER(node, struct printed_view, node);
		if (text_equal(printed->name, resource->name) && text_equal(printed->kind, resource->kind))
			return printed;
	}
	return NULL;
}

static struct printed_view *printed_add(struct resource_choice *choice, const struct ledger_resource *resource)
{
	struct printed_view *printed = ARENA_NEW(choice->arena, struct printed_view);
	if (!printed)
		return NULL;
	printed->kind = text_copied(choice->arena, resource->kind);
	printed->name = text_copied(choice->arena, resource->name);
	if (arena_failed(choice->arena))
		return NULL;
	list_add(&choice->printed, &printed->node);
	return printed;
}

/* Notes the view as printed. Whether it differs from what was printed before. */
static bool view_note(struct printed_view *printed, const struct resource_view *view)
{
	int64_t in_force = view->in_force ? view->in_force->version : 0;
	bool is_same = printed->newest == view->newest->version && printed->in_force == in_force && printed->phase == view->phase;
	printed->newest = view->newest->version;
	printed->in_force = in_force;
	printed->phase = view->phase;
	return !is_same;
}

/* Whether it is to be printed. With --watch: if it has changed, also if it is deleted now; but not while only a part
 * of its change was read. */
bool resource_choice_is_due(struct resource_choice *choice, const struct ledger *ledger, const struct resource_view *view)
{
	bool is_wanted = view_is_wanted(choice, view);
	if (!choice->watch)
		return is_wanted;
	struct printed_view *printed = printed_find(choice, view->resource);
	if ((!is_wanted && !printed) || !ledger_change_find(ledger, view->newest->change))
		return false;
	if (!printed)
		printed = printed_add(choice, view->resource);
	return printed && view_note(printed, view);
}

/* Counts deletions in force, for those who look for a resource that somebody else has deleted. */
void resource_choice_count(struct resource_choice *choice, const struct resource_view *view)
{
	if (resource_view_exists(view) || !view_is_named(choice, view) || choice->labels.count > 0)
		return;
	choice->deleted++;
	if (!choice->deleted_last || ledger_newest(choice->deleted_last)->record.time_ms < view->newest->time_ms)
		choice->deleted_last = view->resource;
}
