/* arena_fixture.h: The arena of a unit test: opened before each test function or each group, and closed after it. */
#pragma once

#include "base/arena.h"

#define ARENA_FIXTURE_BYTES ((size_t)1 << 30) /* a ceiling */

static struct arena *arena;

__attribute__((unused)) static int arena_begin(void **state)
{
	(void)state;
	arena = arena_open(ARENA_FIXTURE_BYTES);
	return arena ? 0 : -1;
}

__attribute__((unused)) static int arena_end(void **state)
{
	(void)state;
	arena_close(arena);
	arena = NULL;
	return 0;
}
