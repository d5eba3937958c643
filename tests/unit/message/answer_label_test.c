/* answer_label_test.c: Tests of what answers and truths say, and of the cases in which they say nothing. */
#include "message/records/answer_label.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char room[LABEL_ROOM];
static char said[LABEL_BYTES_MAX + 2];

typedef struct text judging(const struct tensors *tensors, char room[LABEL_ROOM]);

static const char *said_of(judging *judge, enum datatype datatype, const void *data, size_t count)
{
	const int64_t shape[] = {(int64_t)count};
	const struct tensor first = {
		.name = TEXT("x"), .shape = shape, .rank = 1, .data = data, .count = count, .datatype = datatype};
	const struct tensor *const items[] = {&first, &first};
	const struct tensors tensors = {2, items};
	const struct text text = judge(&tensors, room);
	assert_in_range(text.length, 0, sizeof said - 1);
	if (text.length > 0)
		memcpy(said, text.bytes, text.length);
	said[text.length] = 0;
	return said;
}

#define ANSWER(datatype, ...) said_of(answer_label, datatype, __VA_ARGS__, 1)
#define TRUTH(datatype, ...) said_of(truth_label, datatype, __VA_ARGS__, 1)

static void an_integer_says_its_digits_whatever_its_type(void **state)
{
	(void)state;
	assert_string_equal(ANSWER(DATATYPE_BOOL, (const uint8_t[]){1}), "1");
	assert_string_equal(ANSWER(DATATYPE_INT8, (const int8_t[]){-7}), "-7");
	assert_string_equal(ANSWER(DATATYPE_UINT16, (const uint16_t[]){65535}), "65535");
	assert_string_equal(ANSWER(DATATYPE_INT32, (const int32_t[]){2}), "2");
	assert_string_equal(ANSWER(DATATYPE_INT64, (const int64_t[]){INT64_MIN}), "-9223372036854775808");
	assert_string_equal(TRUTH(DATATYPE_UINT64, (const uint64_t[]){UINT64_MAX}), "18446744073709551615");
	assert_string_equal(TRUTH(DATATYPE_INT64, (const int64_t[]){9007199254740993}), "9007199254740993");
}

static void a_probability_says_which_of_two_it_means(void **state)
{
	(void)state;
	assert_string_equal(ANSWER(DATATYPE_FP32, (const float[]){0.5F}), "1");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){0.49999999}), "0");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){0}), "0");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){1}), "1");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){1.0000001}), "");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){-0.0000001}), "");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){NAN}), "");
}

/* Of a classifier behind a protocol without integers, as Seldon v1: all of its classes, and not only 0 and 1. */
static void a_class_in_floating_point_is_an_integer(void **state)
{
	(void)state;
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){2}), "2");
	assert_string_equal(ANSWER(DATATYPE_FP32, (const float[]){-1}), "-1");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){2.5}), "");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){INFINITY}), "");
	assert_string_equal(ANSWER(DATATYPE_FP64, (const double[]){9007199254740992}), "");
}

static void a_truth_in_floating_point_is_an_integer_or_nothing(void **state)
{
	(void)state;
	assert_string_equal(TRUTH(DATATYPE_FP64, (const double[]){1}), "1");
	assert_string_equal(TRUTH(DATATYPE_FP32, (const float[]){-3}), "-3");
	assert_string_equal(TRUTH(DATATYPE_FP64, (const double[]){0.7}), "");
	assert_string_equal(TRUTH(DATATYPE_FP64, (const double[]){NAN}), "");
	assert_string_equal(TRUTH(DATATYPE_FP64, (const double[]){9007199254740992}), "");
}

static void a_text_says_itself_up_to_a_length(void **state)
{
	static char bytes[LABEL_BYTES_MAX + 1];
	(void)state;
	memset(bytes, 'a', sizeof bytes);
	assert_string_equal(ANSWER(DATATYPE_BYTES, &TEXT("buy")), "buy");
	assert_string_equal(TRUTH(DATATYPE_BYTES, &TEXT("1")), "1");
	assert_string_equal(TRUTH(DATATYPE_BYTES, &TEXT("")), "");
	assert_int_equal(strlen(ANSWER(DATATYPE_BYTES, (&(const struct text){bytes, LABEL_BYTES_MAX}))), LABEL_BYTES_MAX);
	assert_string_equal(ANSWER(DATATYPE_BYTES, (&(const struct text){bytes, LABEL_BYTES_MAX + 1})), "");
}

static void what_is_not_one_element_says_nothing(void **state)
{
	(void)state;
	assert_string_equal(said_of(answer_label, DATATYPE_INT64, (const int64_t[]){1, 2}, 2), "");
	assert_string_equal(said_of(truth_label, DATATYPE_INT64, (const int64_t[]){1}, 0), "");
	assert_int_equal(answer_label(&(const struct tensors){0}, room).length, 0);
	assert_int_equal(truth_label(&(const struct tensors){0}, room).length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_integer_says_its_digits_whatever_its_type),
		cmocka_unit_test(a_probability_says_which_of_two_it_means),
		cmocka_unit_test(a_class_in_floating_point_is_an_integer),
		cmocka_unit_test(a_truth_in_floating_point_is_an_integer_or_nothing),
		cmocka_unit_test(a_text_says_itself_up_to_a_length),
		cmocka_unit_test(what_is_not_one_element_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
