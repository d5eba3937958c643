/* notes.c: Notes of a plan, and growth of the lists in it; see compile.h. */
#include <stdarg.h>
#include <stdio.h>

#include "plan/compile.h"

#define FIRST_ROOM 8

void *list_room(struct arena *arena, void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	size_t larger = *room ? 2 * *room : FIRST_ROOM;
	void *moved = arena_take(arena, larger, size);
	if (!moved)
		return NULL;
	if (count)
		memcpy(moved, items, count * size);
	*room = larger;
	return moved;
}

void note_add(struct compiler *compiler, struct notes *notes, struct place place, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *text = length < 0 ? NULL : arena_take_raw(compiler->arena, (size_t)length + 1);
	struct note *items = list_room(compiler->arena, notes->items, notes->count, &notes->room, sizeof *items);
	if (text && items) {
		vsnprintf(text, (size_t)length + 1, format, again);
		notes->items = items;
		items[notes->count++] = (struct note){place, text};
	}
	va_end(again);
}
