/* sliced.c: see sliced.h. */
#include "tests/unit/sliced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

size_t sliced_rows(struct text record)
{
	struct arena *arena = arena_open(1 << 20);
	struct message message = {.arena = arena};
	struct stage_link link;
	struct error error = {0};
	size_t rows = 1;
	assert_true(stage_link_decode(&message, record, &link, &error));
	(void)slice_times(&message, "watch.observer", &rows);
	arena_close(arena);
	return rows;
}
