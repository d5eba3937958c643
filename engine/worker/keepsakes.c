/* keepsakes.c: see keepsakes.h. */
#include "worker/keepsakes.h"

#include <stdlib.h>

#include "base/memory.h"

#define OFFSET_BYTES KEEPSAKE_PART_KEY_BYTES
#define SHOWN_AT_ONCE 1000

/* The key is the offset, and of a meeting a byte more. */
struct keepsake {
	struct keepsake *next, *previous;
	size_t key_length;
	bool taken; /* out of a list */
	char key[OFFSET_BYTES + 1];
};

static struct keepsake *add(struct keepsakes *keepsakes, const char *key, size_t length)
{
	struct keepsake *keepsake = memory_take(1, sizeof *keepsake);
	if (!keepsake)
		return NULL;
	memcpy(keepsake->key, key, length);
	keepsake->key_length = length;
	keepsake->next = keepsakes->first;
	if (keepsake->next)
		keepsake->next->previous = keepsake;
	keepsakes->first = keepsake;
	return keepsake;
}

struct keepsake *keepsake_make(struct keepsakes *keepsakes, enum keepsake_kind kind, int64_t offset)
{
	/* Highest byte first, so that keys in order are records in order. */
	uint64_t big_endian = __builtin_bswap64((uint64_t)offset);
	char key[OFFSET_BYTES + 1];
	memcpy(key, &big_endian, OFFSET_BYTES);
	key[OFFSET_BYTES] = 'm';
	return add(keepsakes, key, kind == KEEPSAKE_MEETING ? sizeof key : OFFSET_BYTES);
}

void keepsake_give(struct keepsakes *keepsakes, struct keepsake *keepsake)
{
	if (keepsake->next)
		keepsake->next->previous = keepsake->previous;
	*(keepsake->previous ? &keepsake->previous->next : &keepsakes->first) = keepsake->next;
	memory_give(keepsake);
}

void keepsakes_close(struct keepsakes *keepsakes)
{
	while (keepsakes->first)
		keepsake_give(keepsakes, keepsakes->first);
}

enum keepsake_kind keepsake_kind(const struct keepsake *keepsake)
{
	return keepsake->key_length > OFFSET_BYTES ? KEEPSAKE_MEETING : KEEPSAKE_PART;
}

int64_t keepsake_offset(const struct keepsake *keepsake)
{
	uint64_t big_endian;
	memcpy(&big_endian, keepsake->key, OFFSET_BYTES);
	return (int64_t)__builtin_bswap64(big_endian);
}

struct text keepsake_key(const struct keepsake *keepsake)
{
	return (struct text){keepsake->key, keepsake->key_length};
}

bool keepsake_read(const struct keepsakes *keepsakes, const struct keepsake *keepsake, struct text *bytes)
{
	return store_read(keepsakes->store, keepsakes->scope, keepsake_key(keepsake), bytes);
}

bool keepsake_fits(const struct keepsakes *keepsakes, const struct keepsake *keepsake, size_t bytes, struct error *error)
{
	return store_may_write(keepsakes->store, keepsakes->scope, keepsake->key_length, bytes, error);
}

bool keepsake_write(struct keepsakes *keepsakes, const struct keepsake *keepsake, struct message *message, struct text bytes,
		    struct error *error)
{
	struct write *write = ARENA_NEW(message->arena, struct write);
	const char *key = arena_copy(message->arena, keepsake->key, keepsake->key_length);
	if (!write || !key)
		return error_memory(error, ERROR_LIMIT, "keeping a part of a request");
	*write = (struct write){.scope = keepsakes->scope, .key = {key, keepsake->key_length}, .value = bytes};
	if (!store_journal(keepsakes->store, write, error))
		return false;
	write->next = message->writes;
	message->writes = write;
	return true;
}

bool keepsake_forget(struct keepsakes *keepsakes, struct keepsake *keepsake, struct message *message, struct error *error)
{
	bool good = keepsake_write(keepsakes, keepsake, message, (struct text){0}, error);
	keepsake_give(keepsakes, keepsake);
	return good;
}

bool keepsake_drop(struct keepsakes *keepsakes, struct keepsake *keepsake, struct error *error)
{
	struct write write = {.scope = keepsakes->scope, .key = keepsake_key(keepsake)};
	bool good = store_journal(keepsakes->store, &write, error) && store_release(keepsakes->store, &write, error);
	keepsake_give(keepsakes, keepsake);
	return good;
}

/* ---- brought back ---- */

struct keepsake_shown {
	struct keepsakes *keepsakes;
	struct keepsake_list *list;
	bool failed;
};

static void note(void *context, const struct change *change)
{
	struct keepsake_shown *shown = context;
	struct keepsake_list *list = shown->list;
	bool ours = change->scope == shown->keepsakes->scope && change->value.bytes &&
		    (change->key.length == OFFSET_BYTES || change->key.length == OFFSET_BYTES + 1);
	if (!ours || shown->failed)
		return;
	struct keepsake **items = memory_resize(list->items, list->count + 1, sizeof(struct keepsake *));
	struct keepsake *keepsake = items ? add(shown->keepsakes, change->key.bytes, change->key.length) : NULL;
	list->items = items ? items : list->items;
	shown->failed = !keepsake;
	if (keepsake)
		items[list->count++] = keepsake;
}

static int compare(const void *a, const void *b)
{
	const struct keepsake *left = *(struct keepsake *const *)a, *right = *(struct keepsake *const *)b;
	int order = memcmp(left->key, right->key, OFFSET_BYTES);
	return order ? order : (left->key_length < right->key_length) - (left->key_length > right->key_length);
}

/* A walk may show one twice. */
static void list_tidy(struct keepsakes *keepsakes, struct keepsake_list *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && compare(&list->items[kept - 1], &list->items[i]) == 0)
			keepsake_give(keepsakes, list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

bool keepsakes_list(struct keepsakes *keepsakes, struct keepsake_list *list, struct error *error)
{
	struct keepsake_shown shown = {.keepsakes = keepsakes, .list = list};
	struct store_walk walk = {0};
	while (store_show(keepsakes->store, &walk, SHOWN_AT_ONCE, note, &shown))
		;
	if (shown.failed)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	if (list->count > 1)
		qsort(list->items, list->count, sizeof *list->items, compare);
	list_tidy(keepsakes, list);
	return true;
}

struct keepsake *keepsake_list_next(const struct keepsake_list *list, size_t *next)
{
	while (*next < list->count) {
		struct keepsake *keepsake = list->items[(*next)++];
		if (!keepsake->taken)
			return keepsake;
	}
	return NULL;
}

struct keepsake *keepsake_list_take(struct keepsake_list *list, struct text key)
{
	struct keepsake wanted = {.key_length = OFFSET_BYTES}, *its = &wanted;
	memcpy(wanted.key, key.bytes, OFFSET_BYTES);
	struct keepsake **found =
		list->count > 0 ? bsearch(&its, list->items, list->count, sizeof *list->items, compare) : NULL;
	if (!found || (*found)->taken)
		return NULL;
	(*found)->taken = true;
	return *found;
}

void keepsake_list_close(struct keepsake_list *list)
{
	memory_give(list->items);
	*list = (struct keepsake_list){0};
}
