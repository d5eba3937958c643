/* join_tombstone.c: see join_tombstone.h. Layout: a byte of flags. If there is a list of parts: its length in bytes,
 * as 32 bits, and the list. Then the enum source_state of each source, a byte each, and the name. */
#include "engine/joins/join_tombstone.h"

#include <assert.h>

#define WENT_ON 1
#define LISTS_PARTS 2
#define LENGTH_BYTES sizeof(uint32_t)

struct text join_tombstone_write(const struct join_tombstone *tombstone, size_t sources, struct arena *arena)
{
	assert(tombstone->states && tombstone->parts.length <= UINT32_MAX);
	uint32_t listed = (uint32_t)tombstone->parts.length;
	size_t length = 1 + (listed ? LENGTH_BYTES + listed : 0) + sources + tombstone->name.length;
	char *bytes = arena_take_raw(arena, length);
	if (!bytes)
		return (struct text){0};
	char *at = bytes;
	*at++ = (char)((tombstone->went_on ? WENT_ON : 0) | (listed ? LISTS_PARTS : 0));
	if (listed) {
		memcpy(at, &listed, LENGTH_BYTES);
		memcpy(at + LENGTH_BYTES, tombstone->parts.bytes, listed);
		at += LENGTH_BYTES + listed;
	}
	memcpy(at, tombstone->states, sources);
	if (tombstone->name.length)
		memcpy(at + sources, tombstone->name.bytes, tombstone->name.length);
	return (struct text){bytes, length};
}

struct join_tombstone join_tombstone_read(struct text bytes, size_t sources)
{
	struct join_tombstone tombstone = {0};
	size_t at = 1;
	uint32_t listed = 0;
	if (bytes.length == 0)
		return tombstone;
	if (bytes.bytes[0] & LISTS_PARTS) {
		if (bytes.length - at < LENGTH_BYTES)
			return tombstone;
		memcpy(&listed, bytes.bytes + at, LENGTH_BYTES);
		at += LENGTH_BYTES;
		if (bytes.length - at < listed)
			return tombstone;
		tombstone.parts = (struct text){bytes.bytes + at, listed};
		at += listed;
	}
	tombstone.went_on = bytes.bytes[0] & WENT_ON;
	if (bytes.length - at < sources)
		return tombstone;
	tombstone.states = (const unsigned char *)bytes.bytes + at;
	tombstone.name = (struct text){bytes.bytes + at + sources, bytes.length - at - sources};
	return tombstone;
}
