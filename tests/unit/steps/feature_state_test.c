/* feature_state_test.c: Tests of what is kept of a key goes on where it means the same, and is
 * never taken for something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "methods/numeric/feature_state.h"
#include "steps/features/feature_program.h"
#include "tests/unit/arena_fixture.h"

static _Alignas(8) char value[512];

static size_t write_two(void)
{
	static const double first[] = {1, 2}, second[] = {3};
	const struct feature_slot slots[] = {{.keeps = 7, .size_bytes = sizeof first, .elements = 2, .capacity = 1, .bytes = first},
					     {.keeps = 9, .size_bytes = sizeof second, .elements = 1, .bytes = second}};
	size_t length = feature_state_bytes(slots, 2);
	assert_true(length <= sizeof value);
	feature_state_write(value, 1234, slots, 2);
	return length;
}

static void what_was_written_is_found_by_what_it_keeps(void **state)
{
	(void)state;
	struct feature_state kept;
	struct feature_slot slot;
	assert_true(feature_state_read(value, write_two(), &kept));
	assert_int_equal(kept.newest_ms, 1234);
	for (size_t likely = 0; likely < 4; likely++) {
		assert_true(feature_state_find(&kept, 9, likely, &slot));
		assert_int_equal(slot.elements, 1);
		assert_true(*(const double *)slot.bytes == 3);
		assert_false(feature_state_find(&kept, 8, likely, &slot));
	}
	feature_state_date(value, 5678);
	assert_true(feature_state_read(value, kept.length, &kept));
	assert_int_equal(kept.newest_ms, 5678);
}

static void nothing_is_kept_at_first(void **state)
{
	(void)state;
	struct feature_state kept;
	struct feature_slot slot;
	assert_true(feature_state_read(NULL, 0, &kept));
	assert_true(kept.newest_ms == INT64_MIN);
	assert_false(feature_state_find(&kept, 7, 0, &slot));
}

static void what_is_cut_short_or_of_another_version_is_refused(void **state)
{
	(void)state;
	struct feature_state kept;
	size_t length = write_two();
	for (size_t cut = 1; cut < length; cut++)
		assert_false(feature_state_read(value, cut, &kept));
	value[0]++;
	assert_false(feature_state_read(value, length, &kept));
}

/* ---- what two programs keep ---- */

/* Of settings "name=expression", ended by NULL. */
static const struct feature_program *program_of(const char *const *settings)
{
	struct feature_setting made[8];
	struct error error = {0};
	size_t count = 0;
	for (; settings[count]; count++) {
		const char *is = strchr(settings[count], '=');
		made[count].name.text = arena_copy(arena, settings[count], (size_t)(is - settings[count]));
		made[count].value = expression_compile(arena, text_of(is + 1), PLACE_NONE, USE_TRAILING, &error);
		assert_non_null(made[count].value);
	}
	const struct feature_program *program = feature_program_make(made, count, arena);
	assert_non_null(program);
	return program;
}

#define PROGRAM(...) program_of((const char *const[]){__VA_ARGS__, NULL})

static void equal_calls_keep_one_window(void **state)
{
	(void)state;
	assert_int_equal(PROGRAM("z=(x - mean(x over 1h)) / std(x  over 60m)", "m=max(x over 1h)")->form_count, 1);
	assert_int_equal(PROGRAM("a=mean(x over 20)", "b=mean(y over 20)", "c=mean(x over 21)")->form_count, 3);
	assert_int_equal(PROGRAM("a=std(log_return(x) over 20)", "b=max(log_return(x) over 20)")->form_count, 2);
}

static void a_name_that_was_set_again_means_something_else(void **state)
{
	(void)state;
	assert_int_equal(PROGRAM("a=mean(x over 20)", "x=x * 2", "b=mean(x over 20)")->form_count, 2);
	assert_int_equal(PROGRAM("a=mean(x over 20)", "y=x * 2", "b=mean(x over 20)")->form_count, 1);
}

static void features_that_come_and_go_leave_the_others_what_they_keep(void **state)
{
	(void)state;
	const struct feature_program *before = PROGRAM("r=log_return(x)", "a=mean(r over 20)", "b=ema(x over 5)");
	const struct feature_program *more =
		PROGRAM("r=log_return(x)", "new=max(y over 3)", "b=ema(x over 5)", "a=mean(r over 20)");
	assert_int_equal(before->forms[1].keeps, more->forms[3].keeps);
	assert_int_equal(before->forms[2].keeps, more->forms[2].keeps);
	const struct feature_program *other = PROGRAM("r=delta(x, 1)", "a=mean(r over 20)", "b=ema(x over 6)");
	assert_int_not_equal(before->forms[1].keeps, other->forms[1].keeps);
	assert_int_not_equal(before->forms[2].keeps, other->forms[2].keeps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_found_by_what_it_keeps),
		cmocka_unit_test(nothing_is_kept_at_first),
		cmocka_unit_test(what_is_cut_short_or_of_another_version_is_refused),
		cmocka_unit_test_setup_teardown(equal_calls_keep_one_window, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_name_that_was_set_again_means_something_else, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(features_that_come_and_go_leave_the_others_what_they_keep, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
