/* name_table.c: see name_table.h. */
#include "message/formats/name_table.h"

#include "base/hash.h"

bool name_table_open(struct name_table *table, size_t count, struct arena *arena)
{
	size_t places = 4 * NAMES_COMPARED_MAX;
	while (places < 2 * count)
		places *= 2;
	*table = (struct name_table){ARENA_ARRAY(arena, const struct text *, places), places - 1, (uintptr_t)arena};
	return table->places;
}

const struct text **name_table_place(const struct name_table *table, struct text name)
{
	size_t at = hash_bytes(name.bytes, name.length, table->seed) & table->mask;
	while (table->places[at] && !text_equal(*table->places[at], name))
		at = (at + 1) & table->mask;
	return &table->places[at];
}

bool name_set_open(struct name_set *set, size_t count, struct arena *arena)
{
	set->count = 0;
	set->table.places = NULL;
	return count <= NAMES_COMPARED_MAX || name_table_open(&set->table, count, arena);
}

const struct text *name_set_add(struct name_set *set, const struct text *name)
{
	if (set->table.places) {
		const struct text **place = name_table_place(&set->table, *name), *earlier = *place;
		*place = earlier ? earlier : name;
		return earlier;
	}
	for (size_t i = 0; i < set->count; i++)
		if (text_equal_short(*set->few[i], *name))
			return set->few[i];
	set->few[set->count++] = name;
	return NULL;
}
