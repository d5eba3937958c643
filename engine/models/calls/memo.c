/* memo.c: see memo.h. Positions count all bytes that were ever written. A position more than the ring's size
 * before the end has been overwritten. */
#include "models/calls/memo.h"

#include "base/memory.h"

#define WAYS 4		/* slots of the table in which a key may be */
#define ENTRY_BYTES 512 /* approximate size of an entry; determines the size of the table */

struct memo_entry {
	struct memo_key key;
	int64_t until_ms;
	size_t length;
};

struct memo {
	unsigned char *ring;
	size_t size;
	uint64_t end; /* position after the newest entry; positions begin at `size`, so 0 means none */
	uint64_t *table;
	size_t sets;
	uint64_t users;
};

struct memo *memo_open(size_t size_bytes)
{
	assert(size_bytes > 0);
	struct memo *memo = memory_take(1, sizeof *memo);
	if (!memo)
		return NULL;
	memo->size = memo->end = size_bytes;
	memo->sets = size_bytes / ENTRY_BYTES / WAYS + 1;
	memo->ring = memory_take_table(size_bytes, 1);
	memo->table = memory_take_table(memo->sets * WAYS, sizeof *memo->table);
	if (memo->ring && memo->table)
		return memo;
	memo_close(memo);
	return NULL;
}

void memo_close(struct memo *memo)
{
	if (!memo)
		return;
	memory_give_table(memo->ring, memo->size, 1);
	memory_give_table(memo->table, memo->sets * WAYS, sizeof *memo->table);
	memory_give(memo);
}

uint64_t memo_user_add(struct memo *memo)
{
	return ++memo->users;
}

static uint64_t *set_of(const struct memo *memo, const struct memo_key *key)
{
	uint64_t number;
	memcpy(&number, key->bytes, sizeof number);
	return memo->table + number % memo->sets * WAYS;
}

static bool memo_is_valid(const struct memo *memo, uint64_t position)
{
	return position > 0 && memo->end - position <= memo->size;
}

static bool entry_at(const struct memo *memo, uint64_t position, const struct memo_key *key, struct memo_entry *entry)
{
	if (!memo_is_valid(memo, position))
		return false;
	memcpy(entry, memo->ring + position % memo->size, sizeof *entry);
	return memcmp(&entry->key, key, sizeof *key) == 0;
}

bool memo_find(const struct memo *memo, const struct memo_key *key, int64_t now_ms, struct text *value)
{
	const uint64_t *set = set_of(memo, key);
	struct memo_entry entry;
	for (size_t i = 0; i < WAYS; i++) {
		if (!entry_at(memo, set[i], key, &entry))
			continue;
		*value = (struct text){(const char *)memo->ring + set[i] % memo->size + sizeof entry, entry.length};
		return now_ms < entry.until_ms;
	}
	return false;
}

/* The slot that has the key, else that of the oldest entry. */
static uint64_t *place_for(const struct memo *memo, const struct memo_key *key)
{
	uint64_t *set = set_of(memo, key), *oldest = set;
	struct memo_entry entry;
	for (size_t i = 0; i < WAYS; i++) {
		if (entry_at(memo, set[i], key, &entry))
			return &set[i];
		if (set[i] < *oldest)
			oldest = &set[i];
	}
	return oldest;
}

void memo_keep(struct memo *memo, const struct memo_key *key, struct text value, int64_t until_ms)
{
	struct memo_entry entry = {.key = *key, .until_ms = until_ms, .length = value.length};
	size_t need = sizeof entry + value.length, at = memo->end % memo->size;
	if (value.length > memo->size || need > memo->size / 4)
		return;
	uint64_t *place = place_for(memo, key);
	if (need > memo->size - at) { /* the rest before the ring's end is skipped */
		memo->end += memo->size - at;
		at = 0;
	}
	memcpy(memo->ring + at, &entry, sizeof entry);
	if (value.length > 0)
		memcpy(memo->ring + at + sizeof entry, value.bytes, value.length);
	*place = memo->end;
	memo->end += need;
}
