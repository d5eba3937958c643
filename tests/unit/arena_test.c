/* arena_test.c: Tests of what an arena promises. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT ((size_t)1 << 20)

static void memory_comes_zeroed_and_aligned(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	for (size_t size = 1; size < 200; size += 13) {
		const unsigned char *piece = arena_take(arena, 1, size);
		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % ARENA_GRAIN, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
	}
	arena_close(arena);
}

static void pieces_do_not_overlap(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	unsigned char *first = arena_take_raw(arena, 100);
	unsigned char *second = arena_take_raw(arena, 100);
	memset(first, 1, 100);
	memset(second, 2, 100);
	assert_int_equal(first[99], 1);
	arena_close(arena);
}

static void running_out_is_sticky_until_the_reset(void **state)
{
	(void)state;
	struct arena *arena = arena_open(4096);
	assert_null(arena_take(arena, 1, 5000));
	assert_null(arena_take(arena, 1, 1));
	assert_true(arena_failed(arena));
	arena_reset(arena);
	assert_non_null(arena_take(arena, 1, 1));
	assert_false(arena_failed(arena));
	arena_close(arena);
}

static void a_product_that_overflows_is_refused(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	assert_null(arena_take(arena, SIZE_MAX / 2, 4));
	assert_true(arena_failed(arena));
	arena_close(arena);
}

static void a_size_that_cannot_be_rounded_up_is_refused(void **state)
{
	(void)state;
	struct arena *arena = arena_open(SIZE_MAX);
	assert_null(arena_take_raw(arena, SIZE_MAX - 3));
	assert_true(arena_failed(arena));
	arena_close(arena);
}

static void nothing_asked_is_still_a_piece(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	assert_non_null(arena_take_raw(arena, 0));
	assert_false(arena_failed(arena));
	arena_close(arena);
}

static void the_limit_holds_over_many_pieces(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)64 * 1024);
	size_t taken = 0;
	while (arena_take(arena, 1, 1000))
		taken += 1000;
	assert_in_range(taken, 30 * 1024, 64 * 1024);
	arena_close(arena);
}

static void a_copy_ends_in_nul_and_print_formats(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	assert_string_equal(arena_copy(arena, "abcdef", 3), "abc");
	assert_string_equal(arena_print(arena, "%s-%d", "step", 7), "step-7");
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(running_out_is_sticky_until_the_reset),
		cmocka_unit_test(a_product_that_overflows_is_refused),
		cmocka_unit_test(a_size_that_cannot_be_rounded_up_is_refused),
		cmocka_unit_test(nothing_asked_is_still_a_piece),
		cmocka_unit_test(the_limit_holds_over_many_pieces),
		cmocka_unit_test(a_copy_ends_in_nul_and_print_formats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
