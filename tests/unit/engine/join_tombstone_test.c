/* join_tombstone_test.c: Tests of what stands for a join that is over is read as it was written, and as it was
 * written before there were lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/joins/join_tombstone.h"

#define SOURCES 3
#define KEYS "01234567abcdefgh"

static const unsigned char states[SOURCES] = {SOURCE_CAME, SOURCE_UNKNOWN, SOURCE_DEAD};

static void assert_same(struct join_tombstone read, struct join_tombstone written)
{
	assert_int_equal(read.went_on, written.went_on);
	assert_true(text_equal(read.parts, written.parts));
	assert_memory_equal(read.states, written.states, SOURCES);
	assert_true(text_equal(read.name, written.name));
}

static void a_mark_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct arena *arena = arena_open(4096);
	const struct text lists[] = {{NULL, 0}, TEXT(KEYS)}, names[] = {TEXT(""), TEXT("r-1")};
	for (unsigned i = 0; i < 8; i++) {
		const struct join_tombstone tombstone = {i & 1, lists[i >> 1 & 1], states, names[i >> 2]};
		assert_same(join_tombstone_read(join_tombstone_write(&tombstone, SOURCES, arena), SOURCES), tombstone);
	}
	arena_close(arena);
}

/* Exactly once, marks have no lists, and are as they always were. */
static void a_mark_without_a_list_is_a_flag_what_was_told_and_the_name(void **state)
{
	(void)state;
	struct arena *arena = arena_open(4096);
	const struct join_tombstone tombstone = {true, {0}, states, TEXT("r")};
	struct text bytes = join_tombstone_write(&tombstone, SOURCES, arena);
	assert_true(text_equal(bytes, TEXT("\1\1\0\2r")));
	arena_close(arena);
}

static void of_another_version_only_the_list_counts(void **state)
{
	(void)state;
	struct arena *arena = arena_open(4096);
	const struct join_tombstone tombstone = {true, TEXT(KEYS), states, {0}};
	struct text bytes = join_tombstone_write(&tombstone, SOURCES, arena);
	struct join_tombstone read = join_tombstone_read(bytes, SOURCES + 1);
	assert_true(text_is(read.parts, KEYS));
	assert_null(read.states);
	for (size_t length = 0; length < bytes.length; length++) {
		read = join_tombstone_read((struct text){bytes.bytes, length}, SOURCES);
		assert_null(read.states);
		assert_int_equal(read.parts.length, length < bytes.length - SOURCES ? 0 : sizeof KEYS - 1);
	}
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_read_as_it_was_written),
		cmocka_unit_test(a_mark_without_a_list_is_a_flag_what_was_told_and_the_name),
		cmocka_unit_test(of_another_version_only_the_list_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
