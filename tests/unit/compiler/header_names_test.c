/* header_names_test.c: Tests of the list of names of headers, which has each name once. */
#include "compiler/yaml/header_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define ARENA_BYTES 4096

static void a_name_is_listed_once_in_any_case(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct name_list names = {0};
	const struct place place = {"a.yaml", 3, 7};
	header_names_add(&names, TEXT("x-tier"), place, arena);
	header_names_add(&names, TEXT("X-Tier"), PLACE_NONE, arena);
	header_names_add(&names, TEXT("x-tier-of"), PLACE_NONE, arena);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.items[0].text, "x-tier");
	assert_int_equal(names.items[0].place.line, 3);
	assert_string_equal(names.items[1].text, "x-tier-of");
	arena_close(arena);
}

static void a_name_is_a_copy(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct name_list names = {0};
	char given[] = "x-tier, and what follows it";
	header_names_add(&names, (struct text){given, 6}, PLACE_NONE, arena);
	memset(given, '-', sizeof given);
	assert_string_equal(names.items[0].text, "x-tier");
	arena_close(arena);
}

static void without_memory_the_list_stays_as_it_is(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct name_list names = {0};
	header_names_add(&names, TEXT("x-tier"), PLACE_NONE, arena);
	while (arena_take_raw(arena, 1))
		;
	header_names_add(&names, TEXT("x-other"), PLACE_NONE, arena);
	assert_int_equal(names.count, 1);
	assert_true(arena_failed(arena));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_listed_once_in_any_case),
		cmocka_unit_test(a_name_is_a_copy),
		cmocka_unit_test(without_memory_the_list_stays_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
