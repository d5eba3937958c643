/* met_list.c: see met_list.h. */
#include "experiments/met_list.h"

#include <string.h>

#include "base/memory.h"

#define ROOM_AT_FIRST 1024

void *met_list_add(struct met_list *list, size_t size, struct error *error)
{
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : ROOM_AT_FIRST;
		void *items = room <= MET_MAX ? memory_resize(list->items, room, size) : NULL;
		if (!items) {
			error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
			return NULL;
		}
		list->items = items;
		list->room = room;
	}
	return memset((char *)list->items + list->count++ * size, 0, size);
}
