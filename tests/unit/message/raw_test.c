/* raw_test.c: the raw form of tensors, there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>

#include "message/formats/raw.h"
#include "tests/unit/arena_fixture.h"

#include <cmocka.h>

static struct tensor shaped(enum datatype datatype, size_t count)
{
	return (struct tensor){.name = TEXT("x"), .datatype = datatype, .rank = 1, .count = count};
}

static void aligned_elements_are_borrowed_and_misaligned_ones_copied(void **state)
{
	(void)state;
	_Alignas(8) char bytes[17] = "\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\0\x40";
	struct error error = {0};
	struct tensor tensor = shaped(DATATYPE_FP64, 2);
	assert_true(raw_read(&tensor, (struct text){bytes, 16}, arena, &error));
	assert_ptr_equal(tensor.data, bytes);
	memmove(bytes + 1, bytes, 16);
	assert_true(raw_read(&tensor, (struct text){bytes + 1, 16}, arena, &error));
	assert_ptr_not_equal(tensor.data, bytes + 1);
	assert_true(((const double *)tensor.data)[0] == 1.0 && ((const double *)tensor.data)[1] == 2.0);
}

static void bytes_elements_keep_every_byte_and_their_emptiness(void **state)
{
	(void)state;
	static const char raw[] = "\x02\0\0\0a\0"
				  "\0\0\0\0"
				  "\x01\0\0\0\xFF";
	struct error error = {0};
	struct tensor tensor = shaped(DATATYPE_BYTES, 3);
	assert_true(raw_read(&tensor, (struct text){raw, 15}, arena, &error));
	const struct text *elements = tensor.data;
	assert_true(text_equal(elements[0], (struct text){"a\0", 2}));
	assert_int_equal(elements[1].length, 0);
	assert_true(text_equal(elements[2], TEXT("\xFF")));
	assert_int_equal(raw_size(&tensor), 15);
	char out[15];
	raw_write(&tensor, out);
	assert_memory_equal(out, raw, 15);
}

static void refuses(enum datatype datatype, size_t count, const char *raw, size_t length, const char *words)
{
	struct error error = {0};
	struct tensor tensor = shaped(datatype, count);
	assert_false(raw_read(&tensor, (struct text){raw, length}, arena, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "tensor x"));
	assert_non_null(strstr(error.text, words));
}

static void a_size_that_is_not_that_of_the_shape_is_refused(void **state)
{
	(void)state;
	refuses(DATATYPE_FP32, 2, "1234567", 7, "take 8 bytes, its data has 7");
	refuses(DATATYPE_FP32, 2, "123456789", 9, "take 8 bytes, its data has 9");
	refuses(DATATYPE_INT8, 0, "1", 1, "take 0 bytes, its data has 1");
	refuses(DATATYPE_BYTES, 2, "\x01\0\0\0a\x02\0\0\0b", 10, "ends inside element 1 of 2");
	refuses(DATATYPE_BYTES, 1, "\x01\0\0\0ab", 6, "take 5 bytes, its data has 6");
}

static void a_claimed_count_takes_no_memory_before_it_is_held_against_the_bytes(void **state)
{
	(void)state;
	refuses(DATATYPE_BYTES, (size_t)1 << 32, "\0\0\0\0", 4, "ends inside element 1 of 4294967296");
	assert_false(arena_failed(arena));
}

static void an_empty_tensor_has_data_nevertheless(void **state)
{
	(void)state;
	struct error error = {0};
	struct tensor tensor = shaped(DATATYPE_FP32, 0);
	assert_true(raw_read(&tensor, (struct text){NULL, 0}, arena, &error));
	assert_non_null(tensor.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_elements_are_borrowed_and_misaligned_ones_copied),
		cmocka_unit_test(bytes_elements_keep_every_byte_and_their_emptiness),
		cmocka_unit_test(a_size_that_is_not_that_of_the_shape_is_refused),
		cmocka_unit_test(a_claimed_count_takes_no_memory_before_it_is_held_against_the_bytes),
		cmocka_unit_test(an_empty_tensor_has_data_nevertheless),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
