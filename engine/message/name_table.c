/* name_table.c: see name_table.h. */
#include "message/name_table.h"

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
