/* process_memory.c: see process_memory.h. */
#include "engine/setup/process_memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/number/number.h"

#define LINE_BYTES 4096	   /* of /proc/self/cgroup */
#define CONSUMER_SHARE 16  /* of the records of replies that wait: a gateway takes them at once; and of those that polls read */
#define CONSUMER_KBYTES_LEAST 512 /* a fetch of a record of a megabyte comes beside it */

/* The number that is the only content of a file; SIZE_MAX: there is none, as in `max`. */
static size_t number_of_file(const char *path)
{
	char line[NUMBER_TEXT_MAX + 2];
	uint64_t number;
	FILE *file = fopen(path, "r");
	const bool good = file && fgets(line, sizeof line, file) &&
			  number_read_uint64((struct text){line, strcspn(line, "\n")}, &number);
	if (file)
		(void)fclose(file);
	return good && number < SIZE_MAX ? (size_t)number : SIZE_MAX;
}

/* The least limit of a group and of those above it. A path that is not there, since the container has a view of its own of the
 * groups, ends at one that is. */
static size_t least_limit(const char *mount, char *group, const char *name)
{
	char path[PATH_MAX];
	size_t least = SIZE_MAX;
	for (;;) {
		char *slash = strrchr(group, '/');
		const char *below = strcmp(group, "/") == 0 ? "" : group;
		if ((size_t)snprintf(path, sizeof path, "%s%s/%s", mount, below, name) < sizeof path) {
			const size_t limit = number_of_file(path);
			least = limit < least ? limit : least;
		}
		if (!slash || group[0] == '\0')
			return least;
		*slash = '\0';
	}
}

/* A line is NUMBER:CONTROLLERS:PATH; version 2 has no controllers. */
static size_t limit_of_line(const char *root, char *line)
{
	char mount[PATH_MAX], *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return SIZE_MAX;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	struct text rest = text_of(controllers + 1);
	const bool second = rest.length == 0;
	bool counts = second;
	while (rest.length > 0)
		counts = text_is(text_take_until(&rest, ','), "memory") || counts;
	if (!counts || (size_t)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, second ? "" : "/memory") >= sizeof mount)
		return SIZE_MAX;
	return least_limit(mount, group, second ? "memory.max" : "memory.limit_in_bytes");
}

size_t memory_cgroup_limit(const char *root)
{
	char path[PATH_MAX], line[LINE_BYTES];
	size_t least = SIZE_MAX;
	FILE *file = (size_t)snprintf(path, sizeof path, "%s/proc/self/cgroup", root) < sizeof path ? fopen(path, "r") : NULL;
	while (file && fgets(line, sizeof line, file)) {
		const size_t limit = limit_of_line(root, line);
		least = limit < least ? limit : least;
	}
	if (file)
		(void)fclose(file);
	return least;
}

size_t memory_choose(size_t asked_bytes, size_t limit_bytes, size_t processes)
{
	const size_t half = limit_bytes / 2 / (processes > 0 ? processes : 1);
	if (asked_bytes > 0)
		return asked_bytes;
	return half < MEMORY_USUAL_BYTES ? half : MEMORY_USUAL_BYTES;
}

void memory_log(const struct log_sink *log, size_t asked_bytes, size_t memory_bytes, size_t limit_bytes)
{
	const size_t mib = (size_t)1 << 20;
	if (asked_bytes == 0 && memory_bytes < MEMORY_USUAL_BYTES)
		log_say(log, LOG_LEVEL_INFO, NULL, "--memory is %zu MiB, half of the memory limit of the container",
			memory_bytes / mib);
	else if (limit_bytes < memory_bytes + MEMORY_BESIDE_BYTES)
		log_say(log, LOG_LEVEL_WARN, NULL,
			"--memory is %zu MiB, and the memory limit of the container %zu MiB: with %zu MiB for the process itself, "
			"and the state of steps, the kernel may kill it; lower --memory, or raise the limit",
			memory_bytes / mib, limit_bytes / mib, MEMORY_BESIDE_BYTES / mib);
}

struct properties memory_gateway_consumer(size_t gateway_bytes, size_t at_once, struct properties users, struct arena *arena)
{
	const size_t kbytes = gateway_bytes / CONSUMER_SHARE / at_once / 1024;
	struct property *items = ARENA_ARRAY(arena, struct property, users.count + 1);
	const char *waiting = arena_print(arena, "%zu", kbytes > CONSUMER_KBYTES_LEAST ? kbytes : CONSUMER_KBYTES_LEAST);
	if (!items || !waiting)
		return (struct properties){0};
	items[0] = (struct property){"queued.max.messages.kbytes", waiting};
	if (users.count > 0)
		memcpy(&items[1], users.items, users.count * sizeof *items);
	return (struct properties){users.count + 1, items};
}
