/* commit_mark.c: see commit_mark.h. */
#include "kafka/consume/commit_mark.h"

#include <stdio.h>
#include <string.h>

#define MARK "sluice moved to="

struct text commit_mark_group(struct text metadata)
{
	const size_t length = strlen(MARK);
	if (!metadata.bytes || metadata.length <= length || memcmp(metadata.bytes, MARK, length) != 0)
		return (struct text){0};
	const char *group = metadata.bytes + length;
	const char *end = memchr(group, ' ', metadata.length - length);
	return (struct text){group, end ? (size_t)(end - group) : metadata.length - length};
}

struct text commit_mark_strip(struct text metadata)
{
	const struct text group = commit_mark_group(metadata);
	if (group.length == 0)
		return metadata;
	const size_t marked = strlen(MARK) + group.length + 1; /* the space too */
	return metadata.length > marked ? text_from(metadata, marked) : (struct text){0};
}

bool commit_mark_write(const char *group, struct text before, char metadata[COMMIT_MARK_BYTES_MAX])
{
	before = commit_mark_strip(before);
	const int length = snprintf(metadata, COMMIT_MARK_BYTES_MAX, MARK "%s%s%.*s", group, before.length > 0 ? " " : "",
				    before.length < COMMIT_MARK_BYTES_MAX ? (int)before.length : COMMIT_MARK_BYTES_MAX,
				    before.length > 0 ? before.bytes : "");
	return length > 0 && length < COMMIT_MARK_BYTES_MAX;
}
