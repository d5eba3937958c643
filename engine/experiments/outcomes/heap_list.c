/* heap_list.c: see heap_list.h. */
#include "experiments/outcomes/heap_list.h"

#include <string.h>

#include "base/memory.h"

#define ROOM_AT_FIRST 1024

void *heap_list_add(struct heap_list *list, size_t size, struct error *error)
{
	char *items = list->count < HEAP_LIST_MAX ? memory_grow(list->items, list->count, &list->room, ROOM_AT_FIRST, size) : NULL;
	if (!items) {
		error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
		return NULL;
	}
	list->items = items;
	return memset((char *)list->items + list->count++ * size, 0, size);
}
