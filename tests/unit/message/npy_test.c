/* npy_test.c: files that NumPy 2 wrote (tests/data/npy), each type, and what is refused. */
#include "message/formats/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/file.h"
#include "tests/unit/arena_fixture.h"

static struct error error;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 20);
	error = (struct error){0};
	return arena ? 0 : 1;
}

static struct text bytes_of(const char *name)
{
	struct text bytes;
	assert_true(file_read(arena_print(arena, "tests/data/npy/%s.npy", name), 4096, arena, &bytes, &error));
	return bytes;
}

static const struct tensor *read_file(const char *name)
{
	return npy_read(TEXT("x"), bytes_of(name), arena, &error);
}

static void expect_numbers(const char *name, const char *type, size_t count, const double *numbers)
{
	const struct tensor *tensor = read_file(name);
	assert_string_equal(error.text, "");
	assert_non_null(tensor);
	assert_true(text_is(tensor->name, "x"));
	assert_string_equal(tensor_type_text(arena, tensor), type);
	assert_int_equal(tensor->count, count);
	for (size_t i = 0; i < count; i++)
		assert_true(tensor_number(tensor, i) == numbers[i]);
}

static void numbers_of_each_type_and_version_are_read(void **state)
{
	(void)state;
	expect_numbers("fp32", "FP32[2,3]", 6, (double[]){1.5, -2.25, 3, 0, (double)INFINITY, (double)1e-30F});
	expect_numbers("half", "FP16[2]", 2, (double[]){0.5, -65504});
	expect_numbers("flags", "BOOL[3]", 3, (double[]){1, 0, 1});
	expect_numbers("bytes", "UINT8[6]", 6, (double[]){250, 251, 252, 253, 254, 255});
	expect_numbers("scalar", "FP64[]", 1, (double[]){7});
	expect_numbers("empty", "INT32[0,3]", 0, NULL);
	expect_numbers("version_2", "INT16[2]", 2, (double[]){1, 2});
	expect_numbers("version_3", "UINT64[2]", 2, (double[]){1, 2});
}

static void big_endian_elements_are_turned_round(void **state)
{
	(void)state;
	expect_numbers("big_endian", "FP64[3]", 3, (double[]){1.5, -2.25, 1e300});
	expect_numbers("big_integers", "INT64[2,1]", 2, (double[]){0x1p62, -2});
}

static void expect_texts(const char *name, size_t count, const struct text *texts)
{
	const struct tensor *tensor = read_file(name);
	assert_string_equal(error.text, "");
	assert_int_equal(tensor->datatype, DATATYPE_BYTES);
	assert_int_equal(tensor->count, count);
	for (size_t i = 0; i < count; i++)
		assert_true(text_equal(((const struct text *)tensor->data)[i], texts[i]));
}

static void texts_lose_the_zeros_at_their_end_alone(void **state)
{
	(void)state;
	expect_texts("texts", 4, (struct text[]){TEXT("a"), TEXT(""), TEXT("Zürich"), TEXT("😀x")});
	expect_texts("texts_big_endian", 2, (struct text[]){TEXT("Zürich"), TEXT("")});
	expect_texts("bytes_texts", 3, (struct text[]){TEXT("ab\0c"), TEXT(""), TEXT("xyzw")});
}

static void an_array_of_one_dimension_has_no_order(void **state)
{
	(void)state;
	expect_numbers("fortran_one", "FP64[3]", 3, (double[]){0, 1, 2});
}

static void what_is_no_tensor_is_refused_with_the_next_step(void **state)
{
	static const struct {
		const char *name, *words;
	} rows[] = {{"fortran", "is in Fortran's order; save numpy.ascontiguousarray() of it"},
		    {"objects", "has a type of several fields or objects; save each column as an array of its own"},
		    {"fields", "has a type of several fields or objects"},
		    {"complex", "has elements of type `<c16`; convert them by astype()"},
		    {"long_double", "has numbers of a size that no tensor has; convert them by astype(numpy.float64)"},
		    {"deep", "has more dimensions than the 16 that a tensor may have"}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		error = (struct error){0};
		assert_null(read_file(rows[i].name));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, "the file of tensor x "));
		assert_non_null(strstr(error.text, rows[i].words));
	}
}

static void a_file_that_is_cut_or_longer_is_refused(void **state)
{
	(void)state;
	const struct text whole = bytes_of("texts");
	for (size_t length = 0; length <= whole.length + 1; length++) {
		/* A copy of that size alone, so that a sanitizer sees what is read beyond it. */
		struct arena *apart = arena_open((size_t)1 << 20);
		char *copy = arena_take(apart, 1, length + (length == 0));
		memcpy(copy, whole.bytes, length < whole.length ? length : whole.length);
		error = (struct error){0};
		const struct tensor *tensor = npy_read(TEXT("x"), (struct text){copy, length}, apart, &error);
		assert_true((tensor != NULL) == (length == whole.length));
		assert_true(tensor || error.kind == ERROR_INPUT);
		arena_close(apart);
	}
}

static void a_header_of_any_bytes_is_refused_or_read(void **state)
{
	(void)state;
	const struct text whole = bytes_of("fp32");
	char *copy = arena_copy(arena, whole.bytes, whole.length);
	for (size_t at = 0; at < whole.length - 24; at++) {
		for (int byte = 0; byte < 256; byte++) {
			struct arena *apart = arena_open((size_t)1 << 16);
			copy[at] = (char)byte;
			error = (struct error){0};
			const struct tensor *tensor = npy_read(TEXT("x"), (struct text){copy, whole.length}, apart, &error);
			assert_true(tensor ? tensor->count == 6 || tensor->datatype != DATATYPE_FP32 : error.kind != ERROR_NONE);
			arena_close(apart);
		}
		copy[at] = whole.bytes[at];
	}
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, open_arena, arena_end)
	const struct CMUnitTest tests[] = {
		ONE(numbers_of_each_type_and_version_are_read),
		ONE(big_endian_elements_are_turned_round),
		ONE(texts_lose_the_zeros_at_their_end_alone),
		ONE(an_array_of_one_dimension_has_no_order),
		ONE(what_is_no_tensor_is_refused_with_the_next_step),
		ONE(a_file_that_is_cut_or_longer_is_refused),
		ONE(a_header_of_any_bytes_is_refused_or_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
