/* apply_selection.c: see apply_selection.h. */
#include "client/apply_selection.h"

#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "client/control_session.h"
#include "client/folder_label.h"

#define SET_LABEL "sluice.io/folder"

bool apply_selection_label(struct apply_selection *self, const char *const *paths, size_t count, struct error *error)
{
	struct stat status;
	const char *set = self->asked_set;
	if (set && !set[0])
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--set needs a name, as in --set shop");
	if (!set && (count != 1 || strcmp(paths[0], "-") == 0 || stat(paths[0], &status) != 0 || !S_ISDIR(status.st_mode)))
		return !self->prune ||
		       error_set(error, ERROR_CONFIG, PLACE_NONE, "--prune needs one folder, or the name of a set (--set NAME)");
	self->set = set ? set : folder_label(paths[0], self->arena);
	return self->set || error_memory(error, ERROR_SYSTEM, "naming the folder");
}

/* NULL: none of the items is of that resource. */
static struct proposal_item *item_find(struct proposal_item *items, size_t count, struct text kind, struct text name)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(items[i].name, name) && text_equal(items[i].kind, kind))
			return &items[i];
	return NULL;
}

/* --expect KIND/NAME=VERSION, for a resource of the files. */
static bool expectation_take(struct apply_selection *self, const char *word, struct error *error)
{
	const char *equals = strrchr(word, '=');
	struct resource_reference reference;
	uint64_t version;
	if (!equals || !number_read_uint64(text_of(equals + 1), &version) || version > CONTROL_NUMBER_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--expect takes KIND/NAME=VERSION, as in pipeline/fraud=3, not `%s`", word);
	const char *named = arena_copy(self->arena, word, (size_t)(equals - word));
	if (!named || !resource_reference_read(named, true, &reference, error))
		return error_memory(error, ERROR_SYSTEM, "reading --expect");
	struct proposal_item *item =
		item_find(self->files->items, self->files->count, text_of(reference.kind), text_of(reference.name));
	if (!item)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--expect names `%s`, which is not in the files", named);
	item->expected = (int64_t)version;
	return true;
}

static bool expectations_take(struct apply_selection *self, struct error *error)
{
	applied_files_expect(self->files, self->ledger);
	for (size_t i = 0; i < self->expect.count; i++)
		if (!expectation_take(self, self->expect.items[i].text, error))
			return false;
	return true;
}

static bool resource_is_of_set(const struct apply_selection *self, const struct ledger_resource *resource)
{
	const struct ledger_version *version = ledger_present(self->ledger, resource);
	return version && version_has_label(&version->record, TEXT(SET_LABEL), text_of(self->set));
}

int64_t apply_selection_newest(const struct apply_selection *self, const struct proposal_item *item)
{
	return resource_expected(self->ledger, ledger_resource_find(self->ledger, item->kind, item->name));
}

/* Adds the label of the set to those that an item has. */
static bool set_label_add(const struct apply_selection *self, struct proposal_item *item)
{
	const size_t count = item->labels.count;
	struct control_label *labels =
		self->set ? ARENA_ARRAY(self->arena, struct control_label, count + 1) : NULL;
	if (!labels)
		return !self->set;
	if (count > 0)
		memcpy(labels, item->labels.items, count * sizeof *labels);
	labels[count] = (struct control_label){TEXT(SET_LABEL), text_of(self->set)};
	item->labels = (struct record_list){count + 1, labels};
	return true;
}

/* The newest version of an item's resource, if its change is not decided. NULL: there is none. */
static const struct ledger_version *version_undecided(const struct apply_selection *self, const struct proposal_item *item)
{
	const struct ledger_resource *resource = ledger_resource_find(self->ledger, item->kind, item->name);
	const struct ledger_version *newest = resource ? ledger_newest(resource) : NULL;
	return newest && ledger_phase(self->ledger, newest) == CHANGE_ACCEPTED ? newest : NULL;
}

/* Selects the items of changes that are not decided, of which it has others already: such a change may wait for what is corrected
 * now, and would fail without it, and its other documents with it. A change that is replaced completely waits for nothing. */
static void companions_select(struct apply_selection *self)
{
	const size_t corrected = self->count;
	for (size_t i = 0; i < self->files->count; i++) {
		const struct proposal_item *item = &self->files->items[i];
		const struct ledger_version *newest = version_undecided(self, item);
		for (size_t j = 0; newest && !apply_selection_has(self, item) && j < corrected; j++) {
			const bool is_applied = self->items[j].action == PROPOSAL_APPLY;
			const struct ledger_version *other = is_applied ? version_undecided(self, &self->items[j]) : NULL;
			if (other && other->record.change == newest->record.change)
				self->items[self->count++] = *item;
		}
	}
}

/* Selects the items of the files that differ from what is accepted or whose version is expected, and those to prune. */
static bool items_select(struct apply_selection *self, struct error *error)
{
	struct arena *arena = self->arena;
	size_t most = self->files->count + list_length(&self->ledger->resources) + 1;
	self->items = ARENA_ARRAY(arena, struct proposal_item, most);
	if (!self->items)
		return error_memory(error, ERROR_SYSTEM, "selecting documents");
	for (size_t i = 0; i < self->files->count; i++) {
		struct proposal_item *item = &self->files->items[i];
		int64_t newest = apply_selection_newest(self, item);
		if (!set_label_add(self, item))
			return error_memory(error, ERROR_SYSTEM, "selecting documents");
		if (!applied_item_is_accepted(item, self->ledger) || item->expected != newest)
			self->items[self->count++] = *item;
	}
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(self->ledger, resource)
	{
		if (self->prune && resource_is_of_set(self, resource) &&
		    !item_find(self->files->items, self->files->count, resource->kind, resource->name))
			self->items[self->count++] =
				(struct proposal_item){.kind = resource->kind,
						       .name = resource->name,
						       .action = PROPOSAL_DELETE,
						       .expected = resource_expected(self->ledger, resource)};
	}
	companions_select(self);
	return true;
}

bool apply_selection_make(struct apply_selection *self, struct error *error)
{
	return expectations_take(self, error) && items_select(self, error);
}

bool apply_selection_has(const struct apply_selection *self, const struct proposal_item *item)
{
	return item_find(self->items, self->count, item->kind, item->name) != NULL;
}
