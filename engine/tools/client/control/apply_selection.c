/* apply_selection.c: see apply_selection.h. */
#include "tools/client/control/apply_selection.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/number/number.h"

#define SET_LABEL "sluice.io/folder"

/* ---- the label of a folder ----
 *
 * Label of a folder of files, by which `sluice apply --prune` finds what was applied from it.
 *
 * It is the same in every checkout of a repository, and different for folders of different repositories: the address of
 * the remote `origin`, without a protocol or login, and the folder's path in the repository, as in
 * `github.com/acme/shop:pipelines/fraud`. Without a repository or a remote it is the full path of the folder. The last
 * part of the path alone would not do: two teams may both have a folder `pipelines`.
 */

#define CONFIG_BYTES_MAX ((size_t)1 << 20) /* of .git/config */
#define BLANKS " \t\r\n"

static bool path_exists(const char *path)
{
	struct stat status;
	return path && stat(path, &status) == 0;
}

/* The nearest folder above the path, or the path itself, that has `.git`; in the arena. NULL: none. */
static char *repository_root(const char *path, struct arena *arena)
{
	char *root = arena_print(arena, "%s", path);
	for (char *slash = root; slash;) {
		if (path_exists(arena_print(arena, "%s/.git", root)))
			return root;
		slash = strrchr(root, '/');
		if (slash)
			*slash = '\0';
	}
	return NULL;
}

static bool text_read(const char *path, struct arena *arena, struct text *text)
{
	struct error error = {0};
	return path_exists(path) && file_read(path, CONFIG_BYTES_MAX, arena, text, &error);
}

/* The repository's configuration. In a worktree or a submodule `.git` is a file, which names the folder that has it or
 * lies two levels below it. */
static bool config_read(const char *root, struct arena *arena, struct text *config)
{
	static const char word[] = "gitdir: ";
	struct text link;
	if (text_read(arena_print(arena, "%s/.git/config", root), arena, config))
		return true;
	if (!text_read(arena_print(arena, "%s/.git", root), arena, &link) || !text_starts_with(link, text_of(word)))
		return false;
	link = text_trimmed(text_from(link, sizeof word - 1), BLANKS);
	const char *target = arena_copy(arena, link.bytes, link.length);
	if (target && target[0] != '/')
		target = arena_print(arena, "%s/%s", root, target);
	return text_read(arena_print(arena, "%s/config", target ? target : ""), arena, config) ||
	       text_read(arena_print(arena, "%s/../../config", target ? target : ""), arena, config);
}

static struct text line_take(struct text *rest)
{
	const char *end = memchr(rest->bytes, '\n', rest->length);
	struct text line = {rest->bytes, end ? (size_t)(end - rest->bytes) : rest->length};
	size_t taken = line.length + (end != NULL);
	*rest = (struct text){rest->bytes + taken, rest->length - taken};
	return text_trimmed(line, BLANKS);
}

/* The `url` of [remote "origin"]; empty: none. */
static struct text origin_find(struct text config)
{
	bool is_origin = false;
	while (config.length > 0) {
		struct text line = line_take(&config);
		const char *equals = line.length > 0 ? memchr(line.bytes, '=', line.length) : NULL;
		if (line.length > 0 && line.bytes[0] == '[')
			is_origin = text_is(line, "[remote \"origin\"]");
		if (!is_origin || !equals)
			continue;
		struct text name = {line.bytes, (size_t)(equals - line.bytes)};
		struct text value = {equals + 1, (size_t)(line.bytes + line.length - equals - 1)};
		if (text_is(text_trimmed(name, BLANKS), "url"))
			return text_trimmed(value, BLANKS);
	}
	return (struct text){0};
}

/* Removes what differs between checkouts, and a login: https://token@host/path.git and git@host:path are host/path. */
static const char *origin_shorten(struct text url, struct arena *arena)
{
	char *kept = arena_copy(arena, url.bytes, url.length);
	if (!kept)
		return NULL;
	char *protocol = strstr(kept, "://"), *name = protocol ? protocol + 3 : kept;
	char *at = memchr(name, '@', strcspn(name, "/"));
	if (at)
		name = at + 1;
	char *colon = memchr(name, ':', strcspn(name, "/"));
	if (!protocol && colon)
		*colon = '/';
	size_t length = strlen(name);
	while (length > 0 && name[length - 1] == '/')
		name[--length] = '\0';
	if (length > 4 && strcmp(name + length - 4, ".git") == 0)
		name[length - 4] = '\0';
	return name;
}

/* In the arena. NULL: there is no such folder, or memory ran out. */
static const char *folder_label(const char *folder, struct arena *arena)
{
	struct text config;
	char *resolved = realpath(folder, NULL);
	const char *full = resolved ? arena_print(arena, "%s", resolved) : NULL;
	free(resolved);
	const char *root = full ? repository_root(full, arena) : NULL;
	if (!root || !config_read(root, arena, &config))
		return full;
	struct text url = origin_find(config);
	const char *origin = url.length > 0 ? origin_shorten(url, arena) : NULL;
	const char *inside = full + strlen(root);
	return origin ? arena_print(arena, "%s:%s", origin, inside + (inside[0] == '/')) : full;
}

/* ---- the selection ---- */

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
