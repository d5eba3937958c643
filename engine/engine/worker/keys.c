/* keys.c: Hash table with open addressing; a removal moves later entries into the gap. See keys.h. */
#include "engine/worker/keys.h"

#include <assert.h>

#include "base/memory.h"

#define KEYS_FIRST 64

void keys_close(struct keys *keys)
{
	memory_give(keys->items);
}

static struct keyed *keys_find(const struct keys *keys, uint64_t key)
{
	size_t at = key & (keys->capacity - 1);
	while (keys->items[at].key != 0 && keys->items[at].key != key)
		at = (at + 1) & (keys->capacity - 1);
	return &keys->items[at];
}

static bool grow(struct keys *keys)
{
	struct keys grown = {.capacity = keys->capacity ? keys->capacity * 2 : KEYS_FIRST, .count = keys->count};
	grown.items = memory_take(grown.capacity, sizeof(struct keyed));
	if (!grown.items)
		return false;
	for (size_t i = 0; i < keys->capacity; i++)
		if (keys->items[i].key != 0)
			*keys_find(&grown, keys->items[i].key) = keys->items[i];
	memory_give(keys->items);
	*keys = grown;
	return true;
}

struct inflight **keys_last(struct keys *keys, uint64_t key)
{
	assert(key != 0);
	if (keys->count * 2 >= keys->capacity && !grow(keys))
		return NULL;
	struct keyed *keyed = keys_find(keys, key);
	if (keyed->key == 0) {
		*keyed = (struct keyed){.key = key};
		keys->count++;
	}
	return &keyed->last;
}

/* Whether the entry at `at`, whose hash slot is `home`, may move to `gap`, which is before it. */
static bool may_move(size_t home, size_t gap, size_t at)
{
	return gap <= at ? home <= gap || home > at : home <= gap && home > at;
}

void keys_drop(struct keys *keys, uint64_t key, const struct inflight *last)
{
	assert(key != 0);
	struct keyed *keyed = keys->capacity ? keys_find(keys, key) : NULL;
	if (!keyed || keyed->key == 0 || keyed->last != last)
		return;
	size_t mask = keys->capacity - 1, gap = (size_t)(keyed - keys->items);
	for (size_t at = (gap + 1) & mask; keys->items[at].key != 0; at = (at + 1) & mask) {
		if (!may_move(keys->items[at].key & mask, gap, at))
			continue;
		keys->items[gap] = keys->items[at];
		gap = at;
	}
	keys->items[gap] = (struct keyed){0};
	keys->count--;
}
