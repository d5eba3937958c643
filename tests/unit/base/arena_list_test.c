/* arena_list_test.c: an array in an arena keeps its items while it grows, and stays as it is when the arena is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena_list.h"

static void items_stay_while_the_array_doubles(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 20);
	uint32_t *items = NULL;
	size_t moves = 0;
	for (uint32_t count = 0; count < 1000; count++) {
		uint32_t *grown = arena_list_grow(arena, items, count, sizeof *items);
		assert_non_null(grown);
		moves += grown != items;
		items = grown;
		items[count] = count + 1;
		for (uint32_t i = 0; i <= count; i++)
			assert_int_equal(items[i], i + 1);
	}
	assert_int_equal(moves, 11); /* at 0, 1, 2, 4, ... 512 */
	arena_close(arena);
}

static void a_full_arena_leaves_the_items_as_they_are(void **state)
{
	(void)state;
	struct arena *arena = arena_open(4096);
	uint64_t *items = NULL, *grown;
	size_t count = 0;
	for (; (grown = arena_list_grow(arena, items, count, sizeof *items)); count++) {
		items = grown;
		items[count] = count + 1;
	}
	assert_true(arena_failed(arena) && count >= 128 && count < 512);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(items[i], i + 1);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_stay_while_the_array_doubles),
		cmocka_unit_test(a_full_arena_leaves_the_items_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
