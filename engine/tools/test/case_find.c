/* case_find.c: see case_find.h. */
#include "tools/test/case_find.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "tools/test/case.h"

#define FOLDER_DEPTH_MAX 16 /* links may lead round in a circle */
#define ENTRIES_MAX 10000   /* of one folder */
#define LISTING_BYTES_MAX ((size_t)64 << 20)

static bool is_case(const char *folder)
{
	char path[CASE_PATH_MAX];
	int length = snprintf(path, sizeof path, "%s/in.jsonl", folder);
	return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

static bool is_wanted(const struct case_search *search, const char *folder)
{
	const char *slash = strrchr(folder, '/');
	const char *name = slash ? slash + 1 : folder;
	return !search->only || strncmp(name, search->only, strlen(search->only)) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the visible entries of a folder, sorted. */
static size_t list_folder(const char *folder, struct arena *arena, const char **names, size_t most)
{
	size_t count = 0;
	DIR *open = opendir(folder);
	for (const struct dirent *entry; open && count < most && (entry = readdir(open)) != NULL;)
		if (entry->d_name[0] != '.' && (names[count] = arena_print(arena, "%s/%s", folder, entry->d_name)) != NULL)
			count++;
	if (open)
		(void)closedir(open);
	qsort(names, count, sizeof *names, compare_names);
	return count;
}

static void folder_search(struct case_search *search, const char *folder, int depth)
{
	struct stat found;
	if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode))
		return;
	if (is_case(folder)) {
		if (!is_wanted(search, folder))
			return;
		search->count++;
		search->found(search->context, folder);
		return;
	}
	struct arena *arena = depth < FOLDER_DEPTH_MAX ? arena_open(LISTING_BYTES_MAX) : NULL;
	const char **names = arena ? ARENA_ARRAY(arena, const char *, ENTRIES_MAX) : NULL;
	size_t count = names ? list_folder(folder, arena, names, ENTRIES_MAX) : 0;
	search->incomplete |= depth < FOLDER_DEPTH_MAX && (!arena || arena_failed(arena));
	for (size_t i = 0; i < count; i++)
		folder_search(search, names[i], depth + 1);
	arena_close(arena);
}

void case_search(struct case_search *search, const char *folder)
{
	folder_search(search, folder, 0);
}
