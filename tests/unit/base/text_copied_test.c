/* text_copied_test.c: texts that are copied into an arena, and what there is when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/rows.h"

static void a_copy_stands_by_itself(void **state)
{
	(void)state;
	char bytes[] = "abc";
	struct arena *arena = arena_open((size_t)1 << 20);
	struct text copy = text_copied(arena, text_of(bytes)), empty = text_copied(arena, TEXT(""));
	bytes[0] = 'x';
	assert_true(text_is(copy, "abc"));
	assert_non_null(empty.bytes); /* it is there */
	assert_int_equal(empty.length, 0);
	assert_null(text_copied(arena, (struct text){0}).bytes);
	arena_close(arena);
}

static void a_copy_that_finds_no_room_has_nothing_to_read(void **state)
{
	(void)state;
	static const char bytes[1 << 20];
	struct arena *arena = arena_open((size_t)1 << 16);
	struct text copy = text_copied(arena, (struct text){bytes, sizeof bytes});
	assert_null(copy.bytes);
	assert_int_equal(copy.length, 0);
	assert_true(arena_failed(arena));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_stands_by_itself),
		cmocka_unit_test(a_copy_that_finds_no_room_has_nothing_to_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
