/* header_names.c: see header_names.h. */
#include "compiler/yaml/header_names.h"

#include "base/arena_list.h"

static bool header_names_have(const struct name_list *names, struct text name)
{
	for (size_t i = 0; i < names->count; i++)
		if (text_equal_caseless(text_of(names->items[i].text), name))
			return true;
	return false;
}

void header_names_add(struct name_list *names, struct text name, struct place place, struct arena *arena)
{
	if (header_names_have(names, name))
		return;
	const char *text = arena_copy(arena, name.bytes, name.length);
	struct name *items = text ? arena_list_grow(arena, names->items, names->count, sizeof *items) : NULL;
	if (!items)
		return;
	items[names->count] = (struct name){text, place};
	*names = (struct name_list){names->count + 1, items};
}
