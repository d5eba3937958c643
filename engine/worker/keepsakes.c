/* keepsakes.c: see keepsakes.h. */
#include "worker/keepsakes.h"

#include <stdlib.h>

#include "base/memory.h"

#define OFFSET_BYTES 8
#define SHOWN_AT_ONCE 1000

/* The key is the offset, and of a meeting a byte more. */
struct keepsake {
	struct keepsake *next, *previous;
	size_t key_length;
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

/* ---- brought back ---- */

struct shown {
	struct keepsakes *keepsakes;
	struct keepsake **items;
	size_t count;
	bool failed;
};

static void note(void *context, const struct change *change)
{
	struct shown *shown = context;
	bool ours = change->scope == shown->keepsakes->scope && change->value.bytes &&
		    (change->key.length == OFFSET_BYTES || change->key.length == OFFSET_BYTES + 1);
	if (!ours || shown->failed)
		return;
	struct keepsake **items = memory_resize(shown->items, shown->count + 1, sizeof(struct keepsake *));
	struct keepsake *keepsake = items ? add(shown->keepsakes, change->key.bytes, change->key.length) : NULL;
	shown->items = items ? items : shown->items;
	shown->failed = !keepsake;
	if (keepsake)
		items[shown->count++] = keepsake;
}

static int compare(const void *a, const void *b)
{
	const struct keepsake *left = *(struct keepsake *const *)a, *right = *(struct keepsake *const *)b;
	int order = memcmp(left->key, right->key, OFFSET_BYTES);
	return order ? order : (left->key_length < right->key_length) - (left->key_length > right->key_length);
}

bool keepsakes_recall(struct keepsakes *keepsakes,
		      bool (*recall)(void *context, struct keepsake *keepsake, enum keepsake_kind kind, struct text bytes,
				     struct error *error),
		      void *context, struct error *error)
{
	struct shown shown = {.keepsakes = keepsakes};
	struct store_walk walk = {0};
	while (store_show(keepsakes->store, &walk, SHOWN_AT_ONCE, note, &shown))
		;
	bool good = !shown.failed || error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	if (good && shown.count > 1)
		qsort(shown.items, shown.count, sizeof *shown.items, compare);
	for (size_t i = 0; good && i < shown.count; i++) {
		struct keepsake *keepsake = shown.items[i];
		enum keepsake_kind kind = keepsake->key_length > OFFSET_BYTES ? KEEPSAKE_MEETING : KEEPSAKE_PART;
		struct text bytes;
		if (i > 0 && text_equal(keepsake_key(keepsake), keepsake_key(shown.items[i - 1])))
			continue; /* a walk may show one twice */
		good = !keepsake_read(keepsakes, keepsake, &bytes) || recall(context, keepsake, kind, bytes, error);
	}
	memory_give(shown.items);
	return good;
}
