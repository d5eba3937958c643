/* window_index.c: keys in the order in which their windows close; see window_index.h.
 *
 * A chunk is a head and its entries, one behind the other; those that were taken out at its
 * front are skipped, and go when it is written anew. The directory is a head, a row for each
 * chunk, and behind them the keys of the rows. The row of the first chunk stands for
 * everything that is before the second. */
#include "steps/window_index.h"

#include <string.h>

#define INDEX_VERSION 1
#define CHUNK_BYTES 2048
#define ALIGN(size) (((size) + 7) & ~(size_t)7)

struct chunk_head {
	uint32_t version;
	uint32_t begin; /* bytes to the first entry that is still there */
};

struct chunk_entry {
	int64_t end, start;
	uint64_t key_length; /* the key stands behind it, filled up to 8 bytes */
};

struct directory_head {
	uint32_t version;
	uint32_t count;
	uint64_t next; /* number of the next chunk */
};

struct directory_row {
	int64_t end, start;
	uint64_t chunk;
	uint32_t key_at, key_length; /* from the beginning of the directory */
};

/* One row, read. */
struct row {
	struct window_entry least;
	uint64_t chunk;
};

/* The directory, read; its rows come one by one. */
struct directory {
	struct text bytes; /* NULL: there is none yet */
	struct directory_head head;
};

#define DIRECTORY_KEY TEXT("d")

struct text numbered_key(struct numbered_key *key, char kind, uint64_t number)
{
	key->bytes[0] = kind;
	memcpy(key->bytes + 1, &number, sizeof number);
	return (struct text){key->bytes, sizeof key->bytes};
}

static struct text chunk_key(struct numbered_key *key, uint64_t chunk)
{
	return numbered_key(key, 'c', chunk);
}

int window_entry_order(const struct window_entry *left, const struct window_entry *right)
{
	int order = closing_order(&left->span, &right->span);
	if (order)
		return order;
	size_t shorter = left->key.length < right->key.length ? left->key.length : right->key.length;
	order = shorter ? memcmp(left->key.bytes, right->key.bytes, shorter) : 0;
	return order ? order : (left->key.length > right->key.length) - (left->key.length < right->key.length);
}

/* ---- reading ---- */

static void directory_read(struct visit *visit, struct directory *directory)
{
	*directory = (struct directory){.head.version = INDEX_VERSION};
	if (visit_recall(visit, DIRECTORY_KEY, &directory->bytes))
		memcpy(&directory->head, directory->bytes.bytes, sizeof directory->head);
}

static struct row directory_row(const struct directory *directory, uint32_t at)
{
	struct directory_row row;
	memcpy(&row, directory->bytes.bytes + sizeof directory->head + at * sizeof row, sizeof row);
	return (struct row){{{row.start, row.end}, {directory->bytes.bytes + row.key_at, row.key_length}}, row.chunk};
}

/* The entry at `*at` of a chunk's bytes, which moves on; false behind the last. */
static bool entry_next(struct text chunk, size_t *at, struct window_entry *entry)
{
	struct chunk_entry head;
	if (*at >= chunk.length)
		return false;
	memcpy(&head, chunk.bytes + *at, sizeof head);
	*entry = (struct window_entry){{head.start, head.end}, {chunk.bytes + *at + sizeof head, head.key_length}};
	*at += sizeof head + ALIGN(head.key_length);
	return true;
}

static size_t chunk_begin(struct text chunk)
{
	struct chunk_head head;
	memcpy(&head, chunk.bytes, sizeof head);
	return head.begin;
}

bool window_index_first(struct visit *visit, struct window_entry *first)
{
	struct directory directory;
	struct numbered_key key;
	struct text chunk;
	directory_read(visit, &directory);
	if (directory.head.count == 0 || !visit_recall(visit, chunk_key(&key, directory_row(&directory, 0).chunk), &chunk))
		return false;
	size_t at = chunk_begin(chunk);
	return entry_next(chunk, &at, first);
}

/* ---- writing ---- */

/* The directory with one row put in at `at` (`more`), or that row left out. */
static bool directory_write(struct visit *visit, const struct directory *old, uint32_t at, const struct row *more,
			    struct error *error)
{
	uint32_t count = more ? old->head.count + 1 : old->head.count - 1;
	struct row *rows = ARENA_ARRAY(visit_arena(visit), struct row, count + 1);
	if (!rows)
		return error_memory(error, ERROR_LIMIT, "keeping windows");
	size_t size = sizeof old->head + count * sizeof(struct directory_row), keys = size;
	for (uint32_t i = 0, from = 0; i < count; i++) {
		from += !more && i == at; /* the one that is left out */
		rows[i] = more && i == at ? *more : directory_row(old, from++);
		size += rows[i].least.key.length;
	}
	char *bytes = arena_take_raw(visit_arena(visit), size);
	if (!bytes)
		return error_memory(error, ERROR_LIMIT, "keeping windows");
	struct directory_head head = {INDEX_VERSION, count, old->head.next};
	memcpy(bytes, &head, sizeof head);
	for (uint32_t i = 0; i < count; i++) {
		const struct window_entry *least = &rows[i].least;
		struct directory_row row = {least->span.end, least->span.start, rows[i].chunk, (uint32_t)keys,
					    (uint32_t)least->key.length};
		memcpy(bytes + sizeof head + i * sizeof row, &row, sizeof row);
		if (least->key.length)
			memcpy(bytes + keys, least->key.bytes, least->key.length);
		keys += least->key.length;
	}
	char *kept = visit_remember(visit, DIRECTORY_KEY, size, error);
	if (kept)
		memcpy(kept, bytes, size);
	return kept != NULL;
}

/* `size` bytes of entries become a chunk. */
static bool chunk_write(struct visit *visit, uint64_t chunk, const char *entries, size_t size, struct error *error)
{
	struct numbered_key key;
	struct chunk_head head = {INDEX_VERSION, sizeof head};
	char *kept = visit_remember(visit, chunk_key(&key, chunk), sizeof head + size, error);
	if (!kept)
		return false;
	memcpy(kept, &head, sizeof head);
	memcpy(kept + sizeof head, entries, size);
	return true;
}

/* Where a new entry stands among those of a chunk; false: it is there already. */
static bool place_of(struct text chunk, const struct window_entry *entry, size_t *place)
{
	struct window_entry there;
	size_t at = *place = chunk_begin(chunk);
	while (entry_next(chunk, &at, &there)) {
		int order = window_entry_order(&there, entry);
		if (order >= 0)
			return order != 0;
		*place = at;
	}
	return true;
}

static size_t entry_write(char *to, const struct window_entry *entry)
{
	struct chunk_entry head = {entry->span.end, entry->span.start, entry->key.length};
	size_t filled = ALIGN(entry->key.length);
	memcpy(to, &head, sizeof head);
	memset(to + sizeof head, 0, filled);
	if (entry->key.length)
		memcpy(to + sizeof head, entry->key.bytes, entry->key.length);
	return sizeof head + filled;
}

/* Where the second half of entries that are too many begins, and with which it does. */
static size_t middle_of(struct text entries, struct window_entry *first)
{
	size_t at = 0, begun = 0;
	while (entry_next(entries, &at, first) && begun < entries.length / 2)
		begun = at;
	return begun;
}

/* The entries of a chunk, with one more: in two chunks where they are too many for one. */
static bool entries_write(struct visit *visit, const struct directory *directory, uint32_t at, struct text entries,
			  struct error *error)
{
	struct window_entry first = {0};
	uint64_t chunk = directory_row(directory, at).chunk;
	if (entries.length <= CHUNK_BYTES)
		return chunk_write(visit, chunk, entries.bytes, entries.length, error);
	size_t middle = middle_of(entries, &first);
	struct row row = {first, directory->head.next};
	struct directory next = *directory;
	next.head.next++;
	return chunk_write(visit, chunk, entries.bytes, middle, error) &&
	       chunk_write(visit, row.chunk, entries.bytes + middle, entries.length - middle, error) &&
	       directory_write(visit, &next, at + 1, &row, error);
}

/* The last chunk that does not begin behind the entry; else the first. */
static uint32_t chunk_of(const struct directory *directory, const struct window_entry *entry)
{
	uint32_t low = 0, high = directory->head.count;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		struct row row = directory_row(directory, middle);
		if (window_entry_order(&row.least, entry) <= 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool window_index_put(struct visit *visit, const struct window_entry *entry, struct error *error)
{
	struct directory directory;
	struct numbered_key key;
	struct text chunk;
	size_t place, added = sizeof(struct chunk_entry) + ALIGN(entry->key.length);
	directory_read(visit, &directory);
	if (directory.head.count == 0) {
		char *alone = arena_take_raw(visit_arena(visit), added);
		struct row row = {*entry, directory.head.next++};
		if (!alone)
			return error_memory(error, ERROR_LIMIT, "keeping windows");
		return chunk_write(visit, row.chunk, alone, entry_write(alone, entry), error) &&
		       directory_write(visit, &directory, 0, &row, error);
	}
	uint32_t at = chunk_of(&directory, entry);
	if (!visit_recall(visit, chunk_key(&key, directory_row(&directory, at).chunk), &chunk))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "a part of what the step remembers is missing; restore it, or rename "
				 "the step");
	if (!place_of(chunk, entry, &place))
		return true;
	size_t begin = chunk_begin(chunk), before = place - begin, behind = chunk.length - place;
	char *entries = arena_take_raw(visit_arena(visit), before + added + behind);
	if (!entries)
		return error_memory(error, ERROR_LIMIT, "keeping windows");
	memcpy(entries, chunk.bytes + begin, before);
	(void)entry_write(entries + before, entry);
	memcpy(entries + before + added, chunk.bytes + place, behind);
	return entries_write(visit, &directory, at, (struct text){entries, before + added + behind}, error);
}

bool window_index_pop(struct visit *visit, struct error *error)
{
	struct directory directory;
	struct numbered_key key;
	struct text chunk = {0};
	struct window_entry first;
	directory_read(visit, &directory);
	struct text name = chunk_key(&key, directory_row(&directory, 0).chunk);
	(void)visit_recall(visit, name, &chunk);
	size_t at = chunk_begin(chunk);
	(void)entry_next(chunk, &at, &first);
	if (at >= chunk.length)
		return visit_forget(visit, name, error) && directory_write(visit, &directory, 0, NULL, error);
	char *kept = visit_remember(visit, name, chunk.length, error);
	struct chunk_head head = {INDEX_VERSION, (uint32_t)at};
	if (kept)
		memcpy(kept, &head, sizeof head);
	return kept != NULL;
}
