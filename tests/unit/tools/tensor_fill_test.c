/* tensor_fill_test.c: `fill` in the tensors of a request or of an answer becomes their data. */
#include "tools/source/tensor_fill.h"

#include <cmocka.h>

static void expect_filled(const char *json, const char *expected)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	struct text text = text_of(json);
	struct error error = {0};
	assert_true(tensor_fill(arena, &text, &error));
	assert_string_equal(arena_copy(arena, text.bytes, text.length), expected);
	arena_close(arena);
}

static void data_are_steps_from_the_start_over_the_whole_shape(void **state)
{
	(void)state;
	expect_filled("{\"inputs\":[{\"name\":\"x\",\"shape\":[2,3],\"fill\":{\"start\":5,\"step\":-2},\"datatype\":\"INT64\"}]}",
		      "{\"inputs\":[{\"name\":\"x\",\"shape\":[2,3],\"data\": [5,3,1,-1,-3,-5],\"datatype\":\"INT64\"}]}");
	expect_filled("{\"inputs\":[{\"fill\": {\"start\":0, \"step\":0.25},\"shape\":[3]}]}",
		      "{\"inputs\":[{\"data\": [0.0,0.25,0.5],\"shape\":[3]}]}");
	/* As a double it would be one less. */
	expect_filled("{\"inputs\":[{\"fill\": {\"start\":9007199254740993},\"shape\":[1]}]}",
		      "{\"inputs\":[{\"data\": [9007199254740993],\"shape\":[1]}]}");
	expect_filled("{\"inputs\":[{\"fill\": {\"start\":1},\"shape\":[]}]}", "{\"inputs\":[{\"data\": [1],\"shape\":[]}]}");
	expect_filled("{\"inputs\":[{\"fill\": {\"start\":1},\"shape\":[0,4]}]}", "{\"inputs\":[{\"data\": [],\"shape\":[0,4]}]}");
}

static void inputs_and_outputs_are_filled_and_the_rest_is_copied(void **state)
{
	(void)state;
	expect_filled("{\"id\":\"\\\"fill\\\"\", \"outputs\":[{\"shape\":[1],\"fill\":{}}, 7, {\"data\":[9]}],"
		      "\"inputs\":[{\"shape\":[2],\"fill\":{\"step\":1}}],\"other\":[{\"shape\":[2],\"fill\":{}}]}",
		      "{\"id\":\"\\\"fill\\\"\", \"outputs\":[{\"shape\":[1],\"data\": [0]}, 7, {\"data\":[9]}],"
		      "\"inputs\":[{\"shape\":[2],\"data\": [0,1]}],\"other\":[{\"shape\":[2],\"fill\":{}}]}");
	expect_filled("{\"inputs\":[{\"data\":[1]}]}", "{\"inputs\":[{\"data\":[1]}]}");
	expect_filled("[\"fill\"]", "[\"fill\"]");
}

static void a_shape_that_is_too_large_is_refused(void **state)
{
	(void)state;
	static const char *const shapes[] = {"[16777217]", "[4294967296,4294967296,4294967296]", "[9223372036854775807,2]"};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct arena *arena = arena_open((size_t)1 << 20);
		struct text text = text_of(arena_print(arena, "{\"inputs\":[{\"shape\":%s,\"fill\":{}}]}", shapes[i]));
		struct error error = {0};
		assert_false(tensor_fill(arena, &text, &error));
		assert_int_equal(error.kind, ERROR_LIMIT);
		assert_string_equal(error.text, "`fill` makes at most 16777216 elements; make the shape smaller");
		arena_close(arena);
	}
}

static void data_that_do_not_fit_the_memory_are_refused(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)64 << 10);
	struct text text = TEXT("{\"inputs\":[{\"shape\":[100000],\"fill\":{}}]}");
	struct error error = {0};
	assert_false(tensor_fill(arena, &text, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_are_steps_from_the_start_over_the_whole_shape),
		cmocka_unit_test(inputs_and_outputs_are_filled_and_the_rest_is_copied),
		cmocka_unit_test(a_shape_that_is_too_large_is_refused),
		cmocka_unit_test(data_that_do_not_fit_the_memory_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
