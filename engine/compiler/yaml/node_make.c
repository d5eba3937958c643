/* node_make.c: see node_make.h. */
#include "compiler/yaml/node_make.h"

struct node *node_scalar(struct arena *arena, struct place place, const char *text, bool quoted)
{
	struct node *node = text ? ARENA_NEW(arena, struct node) : NULL;
	if (node)
		*node = (struct node){.type = NODE_SCALAR, .place = place, .scalar = text_of(text), .quoted = quoted};
	return node;
}

struct growing map_begin(struct arena *arena, struct place place, size_t room)
{
	struct growing map = {.arena = arena, .room = room};
	map.node = ARENA_NEW(arena, struct node);
	map.entries = ARENA_ARRAY(arena, struct node_entry, room + 1);
	if (map.node && map.entries)
		*map.node = (struct node){.type = NODE_MAP, .place = place, .entries = map.entries};
	return map;
}

static void put_entry(struct growing *map, const struct node *key, const struct node *value)
{
	if (key && value && map->node && map->entries && map->node->count < map->room)
		map->entries[map->node->count++] = (struct node_entry){key, value};
}

void map_put(struct growing *map, const char *key, const struct node *value)
{
	put_entry(map, value ? node_scalar(map->arena, value->place, key, true) : NULL, value);
}

struct growing list_begin(struct arena *arena, struct place place, size_t room)
{
	struct growing list = {.arena = arena, .room = room};
	list.node = ARENA_NEW(arena, struct node);
	list.items = ARENA_ARRAY(arena, const struct node *, room + 1);
	if (list.node && list.items)
		*list.node = (struct node){.type = NODE_LIST, .place = place, .items = list.items};
	return list;
}

void list_put(struct growing *list, const struct node *value)
{
	if (value && list->node && list->items && list->node->count < list->room)
		list->items[list->node->count++] = value;
}

static const struct node *merged_maps(struct arena *arena, const struct node *earlier, const struct node *later)
{
	struct growing map = map_begin(arena, later->place, earlier->count + later->count);
	for (size_t i = 0; i < earlier->count; i++) {
		const struct node *key = earlier->entries[i].key, *newer = node_get(later, key->scalar.bytes);
		put_entry(&map, key, newer ? node_merged(arena, earlier->entries[i].value, newer) : earlier->entries[i].value);
	}
	for (size_t i = 0; i < later->count; i++)
		if (!node_get(earlier, later->entries[i].key->scalar.bytes))
			put_entry(&map, later->entries[i].key, later->entries[i].value);
	return map.node ? map.node : later;
}

const struct node *node_merged(struct arena *arena, const struct node *earlier, const struct node *later)
{
	return earlier->type == NODE_MAP && later->type == NODE_MAP ? merged_maps(arena, earlier, later) : later;
}
