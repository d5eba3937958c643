/* tensor_rows_test.c: files of NumPy whose rows become requests, one each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "message/formats/format.h"
#include "tools/source/tensor_files.h"
#include "tests/unit/arena_fixture.h"

#define BYTES_MAX ((size_t)1 << 20)

static struct name_list files(const char *first, const char *second)
{
	static struct name items[2];
	items[0].text = first;
	items[1].text = second;
	return (struct name_list){.count = second ? 2 : 1, .items = items};
}

static struct tensors row(const struct tensor_rows *rows, size_t index)
{
	struct message message = {.arena = arena};
	struct text request;
	struct error error = {0};
	if (!tensor_rows_request(rows, index, BYTES_MAX, arena, &request, &error) ||
	    !message_decode(&message, request, NULL, &error))
		fail_msg("%s", error.text);
	return message.payload.tensors;
}

static void each_row_is_a_request_with_its_elements(void **state)
{
	(void)state;
	struct tensor_rows rows;
	struct text bytes;
	struct error error = {0};
	assert_true(file_read("tests/data/npy/fp32.npy", BYTES_MAX, arena, &bytes, &error));
	const char *elements = bytes.bytes + bytes.length - 6 * sizeof(float); /* of 2 rows */
	struct name_list both = files("x=tests/data/npy/fp32.npy", "h=tests/data/npy/half.npy");
	assert_true(tensor_rows_read(both, BYTES_MAX, arena, &rows, &error));
	assert_int_equal(rows.row_count, 2);
	for (size_t i = 0; i < 2; i++) {
		struct tensors tensors = row(&rows, i);
		assert_int_equal(tensors.count, 2);
		const struct tensor *x = tensors_find(tensors, TEXT("x")), *half = tensors_find(tensors, TEXT("h"));
		assert_int_equal(x->rank, 2);
		assert_int_equal(x->shape[0], 1);
		assert_int_equal(x->shape[1], 3);
		assert_memory_equal(x->data, elements + i * 3 * sizeof(float), 3 * sizeof(float));
		assert_int_equal(half->rank, 1);
		assert_int_equal(half->count, 1);
	}
}

static void texts_have_rows_too(void **state)
{
	(void)state;
	struct tensor_rows rows;
	struct error error = {0};
	assert_true(tensor_rows_read(files("s=tests/data/npy/bytes_texts.npy", NULL), BYTES_MAX, arena, &rows, &error));
	assert_int_equal(rows.row_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct text *all = rows.tensors[0]->data, *one = row(&rows, i).items[0]->data;
		assert_true(text_equal(*one, all[i]));
	}
}

static void an_array_of_no_rows_gives_no_request(void **state)
{
	(void)state;
	struct tensor_rows rows;
	struct error error = {0};
	assert_true(tensor_rows_read(files("x=tests/data/npy/empty.npy", NULL), BYTES_MAX, arena, &rows, &error));
	assert_int_equal(rows.row_count, 0);
}

static void rows_that_do_not_agree_are_refused(void **state)
{
	(void)state;
	struct tensor_rows rows;
	struct error error = {0};
	struct name_list both = files("x=tests/data/npy/fp32.npy", "f=tests/data/npy/flags.npy");
	assert_false(tensor_rows_read(both, BYTES_MAX, arena, &rows, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "tensor f has 3 rows, and x has 2"));
	error = (struct error){0};
	assert_false(tensor_rows_read(files("x=tests/data/npy/scalar.npy", NULL), BYTES_MAX, arena, &rows, &error));
	assert_non_null(strstr(error.text, "tensor x is a single number"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_a_request_with_its_elements),
		cmocka_unit_test(texts_have_rows_too),
		cmocka_unit_test(an_array_of_no_rows_gives_no_request),
		cmocka_unit_test(rows_that_do_not_agree_are_refused),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
