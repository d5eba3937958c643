/* table.c: A linear hash (Litwin, 1980) of items from the heap; see table.h. */
#include "base/table.h"

#include "base/hash.h"
#include "base/memory.h"

#define SEGMENT_BUCKETS ((size_t)256)
#define HEAP_GRAIN ((size_t)16) /* what malloc rounds up to, with the word that it puts before each piece */
#define HEAP_WORD ((size_t)8)
#define CHANGES_AT_FIRST 64

struct item {
	struct item *next; /* of its bucket */
	uint32_t hash;
	uint32_t change; /* its place in table->changed, from 1; 0: it was written */
	uint32_t key_length;
	uint32_t value_length; /* VALUE_REMOVED: none, and that is not written yet */
	char bytes[];	       /* the key, zeros to a multiple of 8, the value */
};

#define VALUE_REMOVED UINT32_MAX

struct segment {
	struct item *buckets[SEGMENT_BUCKETS];
};

/* Buckets below `split` are distinguished by one bit of the hash more than the others. */
struct state_table {
	struct segment **segments;
	size_t segment_count, segment_room;
	size_t buckets;
	size_t mask; /* of the bits that tell all buckets apart */
	size_t split;
	size_t items; /* removed ones that are not written yet among them */
	size_t count;
	size_t bytes; /* without removed items and the list of changes */
	struct item **changed; /* those from `written` on, the first to change first */
	size_t written, changed_end, changed_room;
};

/* ---- items ---- */

static size_t value_at(size_t key_length)
{
	return (key_length + 7) & ~(size_t)7;
}

/* What the heap takes for a piece of that size; all of it but its word is asked for, so
 * that a value may grow into it. */
static size_t heap_cost(size_t size)
{
	return (size + HEAP_WORD + HEAP_GRAIN - 1) & ~(HEAP_GRAIN - 1);
}

static size_t item_size(size_t key_length, size_t value_length)
{
	return sizeof(struct item) + value_at(key_length) + value_length;
}

static bool is_removed(const struct item *item)
{
	return item->value_length == VALUE_REMOVED;
}

static size_t item_cost(const struct item *item)
{
	return heap_cost(item_size(item->key_length, is_removed(item) ? 0 : item->value_length));
}

static struct text item_key(const struct item *item)
{
	return (struct text){item->bytes, item->key_length};
}

static struct text item_value(const struct item *item)
{
	if (is_removed(item))
		return (struct text){0};
	return (struct text){item->bytes + value_at(item->key_length), item->value_length};
}

size_t table_cost(size_t key_length, size_t value_length)
{
	return heap_cost(item_size(key_length, value_length)) + sizeof(struct item *);
}

/* ---- buckets ---- */

static struct item **bucket_at(const struct state_table *table, size_t index)
{
	return &table->segments[index / SEGMENT_BUCKETS]->buckets[index % SEGMENT_BUCKETS];
}

static struct item **bucket_of(const struct state_table *table, uint32_t hash)
{
	size_t index = hash & table->mask;
	if (index < table->split)
		index = hash & (table->mask * 2 + 1);
	return bucket_at(table, index);
}

static struct item **item_find(const struct state_table *table, uint32_t hash, struct text key)
{
	struct item **at = bucket_of(table, hash);
	while (*at && ((*at)->hash != hash || !text_equal(item_key(*at), key)))
		at = &(*at)->next;
	return at;
}

static bool segment_add(struct state_table *table)
{
	if (table->segment_count == table->segment_room) {
		size_t room = table->segment_room ? table->segment_room * 2 : 8;
		struct segment **segments = memory_resize(table->segments, room, sizeof(struct segment *));
		if (!segments)
			return false;
		table->segments = segments;
		table->segment_room = room;
	}
	struct segment *segment = memory_take(1, sizeof *segment);
	if (!segment)
		return false;
	table->bytes += sizeof *segment;
	table->segments[table->segment_count++] = segment;
	return true;
}

/* One bucket more: it takes those of the bucket `split` that have the next bit set.
 * Without memory the buckets only get longer. */
static void bucket_add(struct state_table *table)
{
	if (table->buckets == table->segment_count * SEGMENT_BUCKETS && !segment_add(table))
		return;
	size_t bit = table->mask + 1;
	struct item **from = bucket_at(table, table->split), **to = bucket_at(table, table->buckets);
	while (*from) {
		struct item *item = *from;
		if (!(item->hash & bit)) {
			from = &item->next;
			continue;
		}
		*from = item->next;
		item->next = *to;
		*to = item;
	}
	table->buckets++;
	if (++table->split == bit) {
		table->mask = table->mask * 2 + 1;
		table->split = 0;
	}
}

struct state_table *table_open(void)
{
	struct state_table *table = memory_take(1, sizeof *table);
	if (!table)
		return NULL;
	table->buckets = SEGMENT_BUCKETS;
	table->mask = SEGMENT_BUCKETS - 1;
	if (segment_add(table))
		return table;
	table_close(table);
	return NULL;
}

void table_close(struct state_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->segment_count * SEGMENT_BUCKETS; i++) {
		struct item *next;
		for (struct item *item = *bucket_at(table, i); item; item = next) {
			next = item->next;
			memory_give(item);
		}
	}
	for (size_t i = 0; i < table->segment_count; i++)
		memory_give(table->segments[i]);
	memory_give(table->segments);
	memory_give(table->changed);
	memory_give(table);
}

/* ---- reading and putting ---- */

bool table_read(const struct state_table *table, struct text key, struct text *value)
{
	const struct item *item = *item_find(table, hash_key(key), key);
	if (!item || is_removed(item))
		return false;
	*value = item_value(item);
	return true;
}

static void changes_close_up(struct state_table *table)
{
	table->changed_end -= table->written;
	memmove(table->changed, &table->changed[table->written], table->changed_end * sizeof(struct item *));
	for (size_t i = 0; i < table->changed_end; i++)
		table->changed[i]->change = (uint32_t)i + 1;
	table->written = 0;
}

/* Room for one change more, so that noting it cannot fail. */
static bool changes_reserve(struct state_table *table)
{
	if (table->changed_end < table->changed_room)
		return true;
	if (table->written > table->changed_room / 2) {
		changes_close_up(table);
		return true;
	}
	size_t room = table->changed_room ? table->changed_room * 2 : CHANGES_AT_FIRST;
	struct item **changed = memory_resize(table->changed, room, sizeof(struct item *));
	if (!changed)
		return false;
	table->changed = changed;
	table->changed_room = room;
	return true;
}

static void item_note(struct state_table *table, struct item *item)
{
	if (item->change)
		return;
	assert(table->changed_end < table->changed_room); /* as changes_reserve() has seen to */
	table->changed[table->changed_end++] = item;
	item->change = (uint32_t)table->changed_end;
}

static void item_unlink(struct state_table *table, struct item **at)
{
	struct item *item = *at;
	*at = item->next;
	table->items--;
	memory_give(item);
}

/* Gives back the memory of the value. Without memory for that, the item has it until its change is reported. */
static struct item *item_shrink(struct state_table *table, struct item **at)
{
	struct item *item = memory_resize(*at, 1, item_cost(*at) - HEAP_WORD);
	if (!item)
		return *at;
	*at = item;
	if (item->change)
		table->changed[item->change - 1] = item;
	return item;
}

static void item_remove(struct state_table *table, struct item **at, bool noted)
{
	if (!*at || is_removed(*at))
		return;
	table->count--;
	table->bytes -= item_cost(*at);
	(*at)->value_length = VALUE_REMOVED;
	if (noted || (*at)->change)
		item_note(table, item_shrink(table, at));
	else
		item_unlink(table, at);
}

static struct item *item_add(struct state_table *table, uint32_t hash, struct text key, size_t value_length)
{
	struct item *item = memory_take_raw(heap_cost(item_size(key.length, value_length)) - HEAP_WORD);
	if (!item)
		return NULL;
	*item = (struct item){.hash = hash, .key_length = (uint32_t)key.length, .value_length = VALUE_REMOVED};
	memset(item->bytes, 0, value_at(key.length));
	if (key.length)
		memcpy(item->bytes, key.bytes, key.length);
	if (++table->items > table->buckets)
		bucket_add(table);
	struct item **bucket = bucket_of(table, hash);
	item->next = *bucket;
	*bucket = item;
	return item;
}

/* The item at `at` with room for such a value; NULL: memory, and it stays as it was. */
static struct item *item_fit(struct state_table *table, struct item **at, size_t value_length)
{
	struct item *item = *at;
	size_t cost = heap_cost(item_size(item->key_length, value_length));
	if (cost == item_cost(item) && !is_removed(item))
		return item;
	item = memory_resize(item, 1, cost - HEAP_WORD);
	if (!item)
		return NULL;
	*at = item;
	if (item->change)
		table->changed[item->change - 1] = item;
	return item;
}

bool table_put(struct state_table *table, struct text key, struct text value, bool noted)
{
	assert(key.length <= UINT32_MAX && value.length < VALUE_REMOVED);
	uint32_t hash = hash_key(key);
	struct item **at = item_find(table, hash, key);
	if (noted && !changes_reserve(table))
		return false;
	if (!value.bytes) {
		item_remove(table, at, noted);
		return true;
	}
	const size_t before = *at && !is_removed(*at) ? item_cost(*at) : 0;
	struct item *item = *at ? item_fit(table, at, value.length) : item_add(table, hash, key, value.length);
	if (!item)
		return false;
	table->count += is_removed(item);
	item->value_length = (uint32_t)value.length;
	table->bytes = table->bytes - before + item_cost(item);
	if (value.length)
		memcpy(item->bytes + value_at(key.length), value.bytes, value.length);
	if (noted)
		item_note(table, item);
	return true;
}

size_t table_count(const struct state_table *table)
{
	return table->count;
}

size_t table_bytes(const struct state_table *table)
{
	return table->bytes;
}

/* ---- changes ---- */

size_t table_changes(const struct state_table *table)
{
	return table->changed_end - table->written;
}

bool table_change(const struct state_table *table, struct text *key, struct text *value)
{
	if (table_changes(table) == 0)
		return false;
	const struct item *item = table->changed[table->written];
	*key = item_key(item);
	*value = item_value(item);
	return true;
}

void table_change_written(struct state_table *table)
{
	assert(table_changes(table) > 0);
	struct item *item = table->changed[table->written++];
	assert(item->change == table->written);
	item->change = 0;
	if (table->written == table->changed_end)
		table->written = table->changed_end = 0;
	if (is_removed(item))
		item_unlink(table, item_find(table, item->hash, item_key(item)));
}

/* ---- all of it ---- */

size_t table_buckets(const struct state_table *table)
{
	return table->buckets;
}

void table_show(const struct state_table *table, size_t bucket, void (*show)(void *context, struct text key, struct text value),
		void *context)
{
	assert(bucket < table_buckets(table));
	for (const struct item *item = *bucket_at(table, bucket); item; item = item->next)
		if (!is_removed(item))
			show(context, item_key(item), item_value(item));
}
