/* folder_label.c: see folder_label.h. */
#include "client/folder_label.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

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

/* ---- its remote ---- */

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

const char *folder_label(const char *folder, struct arena *arena)
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
