/* marks.c: see marks.h. A byte of flags; where there is a list, its length in bytes, as 32
 * bits, and the list; what was told, a byte each; the name. */
#include "worker/marks.h"

#define WENT_ON 1
#define LISTS_PARTS 2
#define LENGTH_BYTES sizeof(uint32_t)

struct text mark_write(const struct mark *mark, size_t sources, struct arena *arena)
{
	uint32_t listed = (uint32_t)mark->parts.length;
	size_t length = 1 + (listed ? LENGTH_BYTES + listed : 0) + sources + mark->name.length;
	char *bytes = arena_take_raw(arena, length);
	if (!bytes)
		return (struct text){0};
	char *at = bytes;
	*at++ = (char)((mark->went_on ? WENT_ON : 0) | (listed ? LISTS_PARTS : 0));
	if (listed) {
		memcpy(at, &listed, LENGTH_BYTES);
		memcpy(at + LENGTH_BYTES, mark->parts.bytes, listed);
		at += LENGTH_BYTES + listed;
	}
	memcpy(at, mark->told, sources);
	if (mark->name.length)
		memcpy(at + sources, mark->name.bytes, mark->name.length);
	return (struct text){bytes, length};
}

struct mark mark_read(struct text bytes, size_t sources)
{
	struct mark mark = {0};
	size_t at = 1;
	uint32_t listed = 0;
	if (bytes.length == 0)
		return mark;
	if (bytes.bytes[0] & LISTS_PARTS) {
		if (bytes.length - at < LENGTH_BYTES)
			return mark;
		memcpy(&listed, bytes.bytes + at, LENGTH_BYTES);
		at += LENGTH_BYTES;
		if (bytes.length - at < listed)
			return mark;
		mark.parts = (struct text){bytes.bytes + at, listed};
		at += listed;
	}
	mark.went_on = bytes.bytes[0] & WENT_ON;
	if (bytes.length - at < sources)
		return mark;
	mark.told = (const unsigned char *)bytes.bytes + at;
	mark.name = (struct text){bytes.bytes + at + sources, bytes.length - at - sources};
	return mark;
}
