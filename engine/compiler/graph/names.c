/* names.c: see names.h. */
#include "compiler/graph/names.h"

#include <stdlib.h>

static int text_order(struct text a, struct text b)
{
	size_t common = a.length < b.length ? a.length : b.length;
	int order = common ? memcmp(a.bytes, b.bytes, common) : 0;
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int entry_order(const void *left, const void *right)
{
	const struct name_entry *a = left, *b = right;
	int order = text_order(a->name, b->name);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

void names_sort(struct name_index *names)
{
	if (names->count > 1)
		qsort(names->items, names->count, sizeof *names->items, entry_order);
}

size_t names_first(const struct name_index *names, struct text name)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (text_order(names->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t names_find(const struct name_index *names, struct text name)
{
	size_t first = names_first(names, name);
	return first < names->count && text_equal(names->items[first].name, name) ? names->items[first].index : NAME_NONE;
}
