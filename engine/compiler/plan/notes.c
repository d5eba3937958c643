/* notes.c: Notes of a plan; see compile.h. */
#include <stdarg.h>
#include <stdio.h>

#include "compiler/plan/compile.h"

void note_add(struct compiler *compiler, struct notes *notes, struct place place, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *text = length < 0 ? NULL : arena_take_raw(compiler->arena, (size_t)length + 1);
	struct note *items = arena_grow(compiler->arena, notes->items, notes->count, &notes->room, PLAN_LIST_FIRST, sizeof *items);
	if (text && items) {
		vsnprintf(text, (size_t)length + 1, format, again);
		notes->items = items;
		items[notes->count++] = (struct note){place, text};
	}
	va_end(again);
}
