/* arena_test.c: Tests of what an arena promises. */
#include "base/arena.h"
#include "base/memory.h"

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

static void a_list_grows_by_doubling_and_keeps_its_elements(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	int *in_arena = NULL, *on_heap = NULL;
	size_t arena_room = 0, heap_room = 0;
	for (int i = 0; i < 13; i++) {
		in_arena = arena_grow(arena, in_arena, (size_t)i, &arena_room, 3, sizeof *in_arena);
		on_heap = memory_grow(on_heap, (size_t)i, &heap_room, 3, sizeof *on_heap);
		in_arena[i] = on_heap[i] = i;
	}
	assert_int_equal(arena_room, 24);
	assert_int_equal(heap_room, 24);
	for (int i = 0; i < 13; i++) {
		assert_int_equal(in_arena[i], i);
		assert_int_equal(on_heap[i], i);
	}
	assert_ptr_equal(arena_grow(arena, in_arena, 13, &arena_room, 3, sizeof *in_arena), in_arena);
	assert_ptr_equal(memory_grow(on_heap, 13, &heap_room, 3, sizeof *on_heap), on_heap);
	memory_give(on_heap);
	arena_close(arena);
}

static void a_list_that_cannot_grow_is_unchanged(void **state)
{
	(void)state;
	struct arena *arena = arena_open(LIMIT);
	size_t arena_room = 1, heap_room = 1;
	char in_arena = 'a', *on_heap = memory_take(1, 1);
	assert_null(arena_grow(arena, &in_arena, 1, &arena_room, 1, LIMIT));
	assert_int_equal(arena_room, 1);
	*on_heap = 'h';
	memory_fail_at(1);
	assert_null(memory_grow(on_heap, 1, &heap_room, 1, 1));
	assert_int_equal(heap_room, 1);
	assert_int_equal(*on_heap, 'h');
	memory_give(on_heap);
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
		cmocka_unit_test(a_list_grows_by_doubling_and_keeps_its_elements),
		cmocka_unit_test(a_list_that_cannot_grow_is_unchanged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
