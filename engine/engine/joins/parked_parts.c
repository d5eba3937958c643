/* parked_parts.c: see parked_parts.h. */
#include "engine/joins/parked_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

#define OFFSET_BYTES PARKED_PART_KEY_BYTES
#define SHOWN_AT_ONCE 1000

/* The key is the offset; for a join it has one more byte. */
struct parked_part {
	struct parked_part *next, *previous;
	size_t key_length;
	bool taken; /* taken out of a list */
	char key[OFFSET_BYTES + 1];
};

static struct parked_part *parked_parts_add(struct parked_parts *parked_parts, const char *key, size_t length)
{
	struct parked_part *parked_part = memory_take(1, sizeof *parked_part);
	if (!parked_part)
		return NULL;
	memcpy(parked_part->key, key, length);
	parked_part->key_length = length;
	parked_part->next = parked_parts->first;
	if (parked_part->next)
		parked_part->next->previous = parked_part;
	parked_parts->first = parked_part;
	return parked_part;
}

struct parked_part *parked_part_make(struct parked_parts *parked_parts, enum parked_kind kind, int64_t offset)
{
	assert(offset >= 0); /* other keys would not be in the order of their records */
	/* Highest byte first, so that the order of keys is the order of records. */
	uint64_t big_endian = __builtin_bswap64((uint64_t)offset);
	char key[OFFSET_BYTES + 1];
	memcpy(key, &big_endian, OFFSET_BYTES);
	key[OFFSET_BYTES] = 'm';
	return parked_parts_add(parked_parts, key, kind == PARKED_TOMBSTONE ? sizeof key : OFFSET_BYTES);
}

void parked_part_give(struct parked_parts *parked_parts, struct parked_part *parked_part)
{
	assert((parked_part->previous ? parked_part->previous->next : parked_parts->first) == parked_part);
	if (parked_part->next)
		parked_part->next->previous = parked_part->previous;
	*(parked_part->previous ? &parked_part->previous->next : &parked_parts->first) = parked_part->next;
	memory_give(parked_part);
}

void parked_parts_close(struct parked_parts *parked_parts)
{
	while (parked_parts->first)
		parked_part_give(parked_parts, parked_parts->first);
}

enum parked_kind parked_kind(const struct parked_part *parked_part)
{
	return parked_part->key_length > OFFSET_BYTES ? PARKED_TOMBSTONE : PARKED_PART;
}

int64_t parked_part_offset(const struct parked_part *parked_part)
{
	uint64_t big_endian;
	memcpy(&big_endian, parked_part->key, OFFSET_BYTES);
	return (int64_t)__builtin_bswap64(big_endian);
}

struct text parked_part_key(const struct parked_part *parked_part)
{
	return (struct text){parked_part->key, parked_part->key_length};
}

bool parked_part_read(const struct parked_parts *parked_parts, const struct parked_part *parked_part, struct text *bytes)
{
	return store_read(parked_parts->store, parked_parts->scope, parked_part_key(parked_part), bytes);
}

bool parked_part_fits(const struct parked_parts *parked_parts, const struct parked_part *parked_part, struct text bytes,
		      struct error *error)
{
	const struct write write = {.scope = parked_parts->scope, .key = parked_part_key(parked_part), .value = bytes};
	return store_may_write(parked_parts->store, write.scope, write.key.length, bytes.length, error) &&
	       store_has_room(parked_parts->store, &write, error);
}

bool parked_part_write(struct parked_parts *parked_parts, const struct parked_part *parked_part, struct message *message,
		       struct text bytes, struct error *error)
{
	struct write *write = ARENA_NEW(message->arena, struct write);
	const char *key = arena_copy(message->arena, parked_part->key, parked_part->key_length);
	if (!write || !key)
		return error_memory(error, ERROR_LIMIT, "keeping a part of a request");
	*write = (struct write){.scope = parked_parts->scope, .key = {key, parked_part->key_length}, .value = bytes};
	if (!store_journal(parked_parts->store, write, error))
		return false;
	write->next = message->writes;
	message->writes = write;
	return true;
}

bool parked_part_forget(struct parked_parts *parked_parts, struct parked_part *parked_part, struct message *message,
			struct error *error)
{
	bool good = parked_part_write(parked_parts, parked_part, message, (struct text){0}, error);
	parked_part_give(parked_parts, parked_part);
	return good;
}

bool parked_part_drop(struct parked_parts *parked_parts, struct parked_part *parked_part, struct error *error)
{
	struct write write = {.scope = parked_parts->scope, .key = parked_part_key(parked_part)};
	bool good = store_journal(parked_parts->store, &write, error) && store_release(parked_parts->store, &write, error);
	parked_part_give(parked_parts, parked_part);
	return good;
}

/* ---- restore ---- */

struct parked_part_shown {
	struct parked_parts *parked_parts;
	struct parked_part_list *list;
	bool failed;
};

static void note(void *context, const struct change *change)
{
	struct parked_part_shown *shown = context;
	struct parked_part_list *list = shown->list;
	bool ours = change->scope == shown->parked_parts->scope && change->value.bytes &&
		    (change->key.length == OFFSET_BYTES || change->key.length == OFFSET_BYTES + 1);
	if (!ours || shown->failed)
		return;
	struct parked_part **items = memory_resize(list->items, list->count + 1, sizeof(struct parked_part *));
	struct parked_part *parked_part =
		items ? parked_parts_add(shown->parked_parts, change->key.bytes, change->key.length) : NULL;
	list->items = items ? items : list->items;
	shown->failed = !parked_part;
	if (parked_part)
		items[list->count++] = parked_part;
}

static int parked_parts_compare(const void *a, const void *b)
{
	const struct parked_part *left = *(struct parked_part *const *)a, *right = *(struct parked_part *const *)b;
	int order = memcmp(left->key, right->key, OFFSET_BYTES);
	return order ? order : (left->key_length < right->key_length) - (left->key_length > right->key_length);
}

/* Removes duplicates, because a walk may return an entry twice. */
static void list_tidy(struct parked_parts *parked_parts, struct parked_part_list *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && parked_parts_compare(&list->items[kept - 1], &list->items[i]) == 0)
			parked_part_give(parked_parts, list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

bool parked_parts_list(struct parked_parts *parked_parts, struct parked_part_list *list, struct error *error)
{
	struct parked_part_shown shown = {.parked_parts = parked_parts, .list = list};
	struct store_walk walk = {0};
	while (store_show(parked_parts->store, &walk, SHOWN_AT_ONCE, note, &shown))
		;
	if (shown.failed)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	if (list->count > 1)
		qsort(list->items, list->count, sizeof *list->items, parked_parts_compare);
	list_tidy(parked_parts, list);
	return true;
}

struct parked_part *parked_part_list_next(const struct parked_part_list *list, size_t *next)
{
	while (*next < list->count) {
		struct parked_part *parked_part = list->items[(*next)++];
		if (!parked_part->taken)
			return parked_part;
	}
	return NULL;
}

struct parked_part *parked_part_list_take(struct parked_part_list *list, struct text key)
{
	struct parked_part wanted = {.key_length = OFFSET_BYTES}, *its = &wanted;
	assert(key.length == OFFSET_BYTES);
	memcpy(wanted.key, key.bytes, OFFSET_BYTES);
	struct parked_part **found =
		list->count > 0 ? bsearch(&its, list->items, list->count, sizeof *list->items, parked_parts_compare) : NULL;
	if (!found || (*found)->taken)
		return NULL;
	(*found)->taken = true;
	return *found;
}

void parked_part_list_close(struct parked_part_list *list)
{
	memory_give(list->items);
	*list = (struct parked_part_list){0};
}
