/* join_keys_test.c: keys of requests, units and origins are never one, and each has the number that was put last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "experiments/outcomes/join_keys.h"

static void a_key_has_the_number_that_was_put_last(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	struct arena *arena = arena_open((size_t)1 << 16);
	struct error error = {0};
	const struct text key = join_key_print(arena, 'u', 0, TEXT("ada"));
	uint32_t number = 7;
	assert_false(join_number_find(table, key, &number));
	assert_int_equal(number, 7);
	assert_true(join_number_put(table, key, 3, &error) && join_number_find(table, key, &number));
	assert_int_equal(number, 3);
	assert_true(join_number_put(table, key, UINT32_MAX, &error) && join_number_find(table, key, &number));
	assert_int_equal(number, UINT32_MAX);
	arena_close(arena);
	table_close(table);
}

static void keys_differ_by_kind_number_text_and_place(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 16);
	const struct text topic = TEXT("t");
	const struct text keys[] = {
		join_key_print(arena, 'i', 0, TEXT("a")),
		join_key_print(arena, 'u', 0, TEXT("a")),
		join_key_print(arena, 'u', 1, TEXT("a")),
		join_key_print(arena, 'u', 0, TEXT("b")),
		join_key_print(arena, 'u', 1, TEXT("2")),
		join_key_print(arena, 'u', 12, TEXT("")),
		join_origin_print(arena, &(struct origin){.topic = topic, .partition = 1, .offset = 12}),
		join_origin_print(arena, &(struct origin){.topic = topic, .partition = 11, .offset = 2}),
		join_origin_print(arena, &(struct origin){.topic = TEXT("t-1"), .partition = 1, .offset = 2}),
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(text_equal(keys[i], keys[j]));
	arena_close(arena);
}

static void a_full_arena_gives_an_empty_key(void **state)
{
	(void)state;
	struct arena *arena = arena_open(64);
	while (arena_take(arena, 1, 8))
		;
	assert_int_equal(join_key_print(arena, 'u', 0, TEXT("ada")).length, 0);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_has_the_number_that_was_put_last),
		cmocka_unit_test(keys_differ_by_kind_number_text_and_place),
		cmocka_unit_test(a_full_arena_gives_an_empty_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
