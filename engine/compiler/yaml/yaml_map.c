/* yaml_map.c: see yaml_map.h. Duplicate keys are found by sorting, so that the cost of a map of a million keys stays
 * in proportion to its size. */
#include "compiler/yaml/yaml_map.h"

#include <stdlib.h>

#include "compiler/yaml/fault.h"
#include "compiler/yaml/fault_codes.h"

/* An entry in the order of importance: its own in the order of the file, then the
 * merged ones. */
struct ranked {
	const struct node_entry *entry;
	size_t rank;
	bool merged;
};

struct ranking {
	struct ranked *items;
	size_t count;
};

static int by_key_and_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	struct text x = a->entry->key->scalar, y = b->entry->key->scalar;
	size_t shorter = x.length < y.length ? x.length : y.length;
	int order = memcmp(x.bytes, y.bytes, shorter);
	if (order != 0)
		return order;
	if (x.length != y.length)
		return x.length < y.length ? -1 : 1;
	return a->rank < b->rank ? -1 : 1;
}

static int by_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	return a->rank < b->rank ? -1 : 1;
}

static bool same_key(const struct ranked *a, const struct ranked *b)
{
	return text_equal(a->entry->key->scalar, b->entry->key->scalar);
}

static bool is_merge(const struct node_entry *entry)
{
	return !entry->key->quoted && text_is(entry->key->scalar, "<<");
}

/* The maps that a merge key names: itself, or the items of a list. */
static size_t merge_sources(const struct node *value, const struct node *const **sources)
{
	if (value->type != NODE_LIST)
		return 1;
	*sources = value->items;
	return value->count;
}

static size_t merged_entries(const struct node *value)
{
	const struct node *const *sources = &value;
	size_t total = 0;
	size_t count = merge_sources(value, &sources);
	for (size_t i = 0; i < count; i++)
		total += sources[i]->count;
	return total;
}

static void rank_merged(struct ranking *ranking, struct faults *faults, const struct node_entry *merge)
{
	const struct node *const *sources = &merge->value;
	size_t count = merge_sources(merge->value, &sources);
	for (size_t i = 0; i < count; i++) {
		const struct node *source = sources[i];
		if (source->type != NODE_MAP) {
			if (!source->broken)
				fault_add(faults, CODE_BAD_MERGE, source->place, NULL, "`<<` merges maps, and this is none");
			continue;
		}
		for (size_t j = 0; j < source->count; j++, ranking->count++)
			ranking->items[ranking->count] = (struct ranked){&source->entries[j], ranking->count, true};
	}
}

/* Leaves the first of each key, and says which of the map's own stand twice. */
static void drop_repeated(struct ranking *ranking, struct faults *faults)
{
	size_t kept = 0;
	for (size_t i = 0; i < ranking->count; i++) {
		const struct ranked *item = &ranking->items[i];
		if (kept == 0 || !same_key(item, &ranking->items[kept - 1])) {
			ranking->items[kept++] = *item;
			continue;
		}
		const struct node *key = item->entry->key, *first = ranking->items[kept - 1].entry->key;
		if (!item->merged)
			fault_add(faults, CODE_DUPLICATE_KEY, key->place, NULL,
				  "the key `%s` is here again; it is already in line %u", key->scalar.bytes, first->place.line);
	}
	ranking->count = kept;
}

bool yaml_map_finish(struct arena *arena, struct faults *faults, struct node *map, const struct node_entry *entries, size_t count,
		     size_t *merged)
{
	size_t total = count;
	for (size_t i = 0; i < count; i++)
		if (is_merge(&entries[i]))
			total += merged_entries(entries[i].value);
	struct ranking ranking = {ARENA_ARRAY(arena, struct ranked, total + 1), 0};
	struct node_entry *kept = ARENA_ARRAY(arena, struct node_entry, total + 1);
	if (!ranking.items || !kept)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_merge(&entries[i])) {
			ranking.items[ranking.count] = (struct ranked){&entries[i], ranking.count, false};
			ranking.count++;
		}
	size_t own = ranking.count;
	for (size_t i = 0; i < count; i++)
		if (is_merge(&entries[i]))
			rank_merged(&ranking, faults, &entries[i]);
	*merged = ranking.count - own;
	qsort(ranking.items, ranking.count, sizeof *ranking.items, by_key_and_rank);
	drop_repeated(&ranking, faults);
	qsort(ranking.items, ranking.count, sizeof *ranking.items, by_rank);
	for (size_t i = 0; i < ranking.count; i++)
		kept[i] = *ranking.items[i].entry;
	map->entries = kept;
	map->count = ranking.count;
	return true;
}

const struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->type != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (text_is(map->entries[i].key->scalar, key))
			return map->entries[i].value;
	return NULL;
}

bool node_is(const struct node *node, const char *word)
{
	return node && node->type == NODE_SCALAR && text_is(node->scalar, word);
}

bool node_is_broken(const struct node *node)
{
	bool broken = node->broken;
	for (size_t i = 0; !broken && i < node->count; i++)
		broken = node_is_broken(node->type == NODE_MAP ? node->entries[i].value : node->items[i]);
	return broken;
}
