/* tensor_test.c: shapes that are held to their limits, lists that are built, errors
 * that stay. */
#include "message/message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 20);
	return arena ? 0 : -1;
}

static int close_arena(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static size_t count_of(const int64_t *shape, size_t rank)
{
	size_t count = 999;
	struct error error = {0};
	assert_true(shape_count(TEXT("x"), shape, rank, &count, &error));
	return count;
}

static void a_shape_counts_its_elements(void **state)
{
	(void)state;
	assert_int_equal(count_of(NULL, 0), 1);
	assert_int_equal(count_of((const int64_t[]){3, 4}, 2), 12);
	assert_int_equal(count_of((const int64_t[]){3, 0, 4}, 3), 0);
	assert_int_equal(count_of((const int64_t[]){(int64_t)TENSOR_ELEMENTS_MAX / 4, 0, 4}, 3), 0);
	assert_int_equal(count_of((const int64_t[]){(int64_t)TENSOR_ELEMENTS_MAX}, 1), TENSOR_ELEMENTS_MAX);
}

static void a_shape_beyond_its_limits_is_an_input_error_that_names_the_tensor(void **state)
{
	(void)state;
	static const int64_t negative[] = {2, -1};
	static const int64_t large[] = {(int64_t)TENSOR_ELEMENTS_MAX + 1};
	static const int64_t overflowing[] = {INT64_MAX, INT64_MAX};
	static const int64_t empty[] = {(int64_t)TENSOR_ELEMENTS_MAX / 4 + 1, 0, 4};
	static const int64_t ones[TENSOR_RANK_MAX + 1] = {0};
	const struct {
		const int64_t *shape;
		size_t rank;
		const char *says;
	} faults[] = {{negative, 2, "-1"},
		      {large, 1, "4294967296"},
		      {overflowing, 2, "4294967296"},
		      {empty, 3, "leaving out"},
		      {ones, TENSOR_RANK_MAX + 1, "17"}};
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct error error = {0};
		size_t count;
		assert_false(shape_count(TEXT("prices"), faults[i].shape, faults[i].rank, &count, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, "prices"));
		assert_non_null(strstr(error.text, faults[i].says));
	}
}

static void a_tensor_larger_than_the_arena_is_a_limit(void **state)
{
	(void)state;
	struct error error = {0};
	void *elements;
	assert_null(tensor_make(arena, TEXT("x"), DATATYPE_FP64, (const int64_t[]){1 << 20}, 1, &elements, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
}

static const struct tensor *named(const char *name)
{
	struct error error = {0};
	void *elements;
	return tensor_make(arena, text_of(name), DATATYPE_BOOL, NULL, 0, &elements, &error);
}

static void a_list_grows_and_a_put_replaces_the_first_of_its_name(void **state)
{
	(void)state;
	struct tensors_builder builder;
	tensors_begin(&builder, arena, 1);
	for (int i = 0; i < 100; i++)
		tensors_add(&builder, named(i == 50 ? "middle" : "other"));
	const struct tensor *newer = named("middle");
	tensors_put(&builder, newer);
	tensors_put(&builder, named("last"));
	struct tensors list = tensors_end(&builder);
	assert_int_equal(list.count, 101);
	assert_ptr_equal(list.items[50], newer);
	assert_ptr_equal(tensors_find(list, TEXT("middle")), newer);
	assert_null(tensors_find(list, TEXT("absent")));
}

static void a_type_reads_as_datatype_and_shape(void **state)
{
	(void)state;
	struct error error = {0};
	void *elements;
	const struct tensor *tensor = tensor_make(arena, TEXT("x"), DATATYPE_FP32, (const int64_t[]){1, 16}, 2, &elements, &error);
	assert_string_equal(tensor_type_text(arena, tensor), "FP32[1,16]");
	assert_string_equal(tensor_type_text(arena, named("scalar")), "BOOL[]");
}

static void the_last_header_of_a_name_counts_in_any_case(void **state)
{
	(void)state;
	const struct header items[] = {{TEXT("X-Tier"), TEXT("free")}, {TEXT("x-tier"), TEXT("fast")}, {TEXT("y"), TEXT("")}};
	struct headers headers = {3, items};
	assert_true(text_is(headers_find(headers, TEXT("X-TIER"))->value, "fast"));
	assert_null(headers_find(headers, TEXT("x-tie")));
}

static void the_first_error_stays_and_a_cut_one_ends_at_a_character(void **state)
{
	(void)state;
	struct error error = {0};
	assert_false(error_set(&error, ERROR_INPUT, PLACE_NONE, "%0*d\xC3\xA9", ERROR_TEXT_MAX - 2, 0));
	assert_int_equal(strlen(error.text), ERROR_TEXT_MAX - 2);
	assert_true(text_is_utf8(text_of(error.text)));
	error_set(&error, ERROR_SYSTEM, PLACE_NONE, "a consequence");
	assert_int_equal(error.kind, ERROR_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shape_counts_its_elements),
		cmocka_unit_test(a_shape_beyond_its_limits_is_an_input_error_that_names_the_tensor),
		cmocka_unit_test(a_tensor_larger_than_the_arena_is_a_limit),
		cmocka_unit_test(a_list_grows_and_a_put_replaces_the_first_of_its_name),
		cmocka_unit_test(a_type_reads_as_datatype_and_shape),
		cmocka_unit_test(the_last_header_of_a_name_counts_in_any_case),
		cmocka_unit_test(the_first_error_stays_and_a_cut_one_ends_at_a_character),
	};
	struct CMUnitTest each[sizeof tests / sizeof *tests];
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		each[i] = tests[i];
		each[i].setup_func = open_arena;
		each[i].teardown_func = close_arena;
	}
	return cmocka_run_group_tests(each, NULL, NULL);
}
