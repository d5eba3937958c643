/* kept_versions.c: see kept_versions.h. */
#include "control/keeper/kept_versions.h"

#include <inttypes.h>

#include "base/arena_list.h"
#include "control/keeper/state_labels.h"
#include "message/rows.h"

#define LISTED_MOST 10 /* versions in the words of an error, the newest ones */

static bool version_was_in_force(const struct ledger *ledger, const struct ledger_version *version)
{
	return version->record.action == CONTROL_APPLY && ledger_phase(ledger, version) == CHANGE_ACTIVE;
}

const struct ledger_version *kept_version_find(const struct ledger *ledger, struct text model, int64_t version)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, TEXT("Model"), model);
	const struct ledger_version *found = resource ? ledger_version_find(resource, version) : NULL;
	return found && version_was_in_force(ledger, found) ? found : NULL;
}

/* The newest ones first. NULL: there are none, or memory ran out. */
static const char *versions_list(const struct ledger *ledger, const struct ledger_resource *resource, struct arena *arena)
{
	const char *listed = NULL;
	size_t count = 0;
	for (size_t i = resource->count; i > 0 && count < LISTED_MOST; i--) {
		if (!version_was_in_force(ledger, resource->versions[i - 1]))
			continue;
		listed = arena_print(arena, "%s%s%" PRId64, listed ? listed : "", listed ? ", " : "",
				     resource->versions[i - 1]->record.version);
		count++;
	}
	return listed;
}

const char *kept_version_missing(const struct ledger *ledger, const struct named_version *named, struct arena *arena)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, TEXT("Model"), named->model);
	const struct ledger_version *version = resource ? ledger_version_find(resource, named->version) : NULL;
	const char *listed = resource ? versions_list(ledger, resource, arena) : NULL;
	if (version && ledger_phase(ledger, version) == CHANGE_ACCEPTED)
		return arena_print(arena,
				   "version %" PRId64 " of the Model `" TEXT_FORMAT "` is not in force yet; apply again when it is",
				   named->version, TEXT_ARGUMENTS(named->model));
	if (!resource)
		return arena_print(arena, "`%s` is a version of the Model `" TEXT_FORMAT "`, which the control plane does not have",
				   named->name.text, TEXT_ARGUMENTS(named->model));
	const bool failed =
		version && version->record.action == CONTROL_APPLY && ledger_change_find(ledger, version->record.change);
	const char *failure =
		failed ? arena_print(arena, "version %" PRId64 " of the Model `" TEXT_FORMAT "` failed", named->version,
				     TEXT_ARGUMENTS(named->model))
		       : arena_print(arena, "the Model `" TEXT_FORMAT "` has no version %" PRId64 " that was in force",
				     TEXT_ARGUMENTS(named->model), named->version);
	if (!failure || !listed)
		return failure ? arena_print(arena, "%s; none was ever in force: apply the Model first", failure) : NULL;
	return arena_print(arena, "%s; it has %s: name one of these", failure, listed);
}

const struct ledger_version *kept_version_of(const struct ledger *ledger, const struct control_label *label, struct text *name)
{
	struct text model;
	int64_t version;
	if (!text_starts_with(label->key, TEXT(KEPT_LABEL)))
		return NULL;
	*name = (struct text){label->key.bytes + strlen(KEPT_LABEL), label->key.length - strlen(KEPT_LABEL)};
	return named_version_read(*name, &model, &version) ? kept_version_find(ledger, model, version) : NULL;
}

/* ---- labels ---- */

struct proposing {
	const struct record_list *items;
	struct arena *arena;
	const struct state_label *labels;
	size_t count;
};

static bool item_is(const struct proposal_item *item, const struct resource *resource)
{
	return item->action == PROPOSAL_APPLY && text_is(item->kind, resource->kind->name) &&
	       text_is(item->name, resource->name.text ? resource->name.text : "");
}

static bool label_is_there(const struct proposing *proposing, const struct state_label *label)
{
	for (size_t i = 0; i < proposing->count; i++)
		if (text_equal(proposing->labels[i].label.key, label->label.key) &&
		    text_equal(proposing->labels[i].name, label->name) && text_equal(proposing->labels[i].kind, label->kind))
			return true;
	return false;
}

static bool label_add(struct proposing *proposing, const struct proposal_item *item, const char *named)
{
	const struct state_label label = {text_copied(proposing->arena, item->kind),
					  text_copied(proposing->arena, item->name),
					  {text_of(arena_print(proposing->arena, KEPT_LABEL "%s", named)), TEXT("named")}};
	if (arena_failed(proposing->arena))
		return false;
	if (label_is_there(proposing, &label))
		return true;
	struct state_label *labels = arena_list_grow(proposing->arena, proposing->labels, proposing->count, sizeof *labels);
	if (!labels)
		return false;
	labels[proposing->count++] = label;
	proposing->labels = labels;
	return true;
}

static bool named_propose(void *context, const struct named_version *named)
{
	struct proposing *proposing = context;
	const struct proposal_item *items = proposing->items->items;
	const struct resource *read = named->named_by->made_of ? named->named_by->made_of : named->named_by;
	for (size_t i = 0; i < proposing->items->count; i++)
		if (item_is(&items[i], read) && !label_add(proposing, &items[i], named->name.text))
			return false;
	return true;
}

bool kept_versions_propose(const struct spec *spec, const struct record_list *items, struct arena *arena,
			   struct record_list *labels)
{
	struct proposing proposing = {.items = items, .arena = arena};
	if (!named_versions_each(spec, named_propose, &proposing))
		return false;
	struct state_label *all = ARENA_ARRAY(arena, struct state_label, labels->count + proposing.count + 1);
	if (!all)
		return false;
	if (labels->count > 0)
		memcpy(all, labels->items, labels->count * sizeof *all);
	if (proposing.count > 0)
		memcpy(all + labels->count, proposing.labels, proposing.count * sizeof *all);
	*labels = (struct record_list){labels->count + proposing.count, all};
	return true;
}

bool kept_version_is_named(const struct ledger *ledger, const struct ledger_resource *resource,
			   const struct ledger_version *version)
{
	const struct ledger_resource *other;
	struct text name;
	if (!text_is(resource->kind, "Model"))
		return false;
	LIST_EACH_RESOURCE(ledger, other)
	for (size_t i = 0; i < other->count; i++) {
		const struct control_label *labels = other->versions[i]->record.labels.items;
		for (size_t j = 0; j < other->versions[i]->record.labels.count; j++)
			if (kept_version_of(ledger, &labels[j], &name) == version)
				return true;
	}
	return false;
}
