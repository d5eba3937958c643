/* half_test.c: FP16 and BF16, held against every value there is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include "message/tensor.h"

#include <cmocka.h>

static void every_half_comes_back_as_itself(void **state)
{
	(void)state;
	for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
		float number = half_to_float((uint16_t)bits);
		if (!isnan(number))
			assert_int_equal(half_from_double((double)number), bits);
		else
			assert_true(isnan(half_to_float(half_from_double((double)number))));
		float other = bfloat_to_float((uint16_t)bits);
		if (!isnan(other))
			assert_int_equal(bfloat_from_double((double)other), bits);
	}
}

static void halfway_goes_to_even(void **state)
{
	(void)state;
	for (uint16_t bits = 0; bits < 0x7BFF; bits++) {
		double low = (double)half_to_float(bits);
		double high = (double)half_to_float((uint16_t)(bits + 1));
		double middle = (low + high) / 2;
		uint16_t even = bits & 1 ? (uint16_t)(bits + 1) : bits;
		assert_int_equal(half_from_double(middle), even);
		assert_int_equal(half_from_double(nextafter(middle, 1e9)), bits + 1);
		assert_int_equal(half_from_double(-nextafter(middle, 0)), bits | 0x8000);
	}
}

static void what_is_too_large_becomes_infinite(void **state)
{
	(void)state;
	assert_int_equal(half_from_double(65504.0), 0x7BFF);
	assert_int_equal(half_from_double(65519.99), 0x7BFF);
	assert_int_equal(half_from_double(65520.0), 0x7C00);
	assert_int_equal(half_from_double(1e300), 0x7C00);
	assert_int_equal(half_from_double(-INFINITY), 0xFC00);
	assert_int_equal(bfloat_from_double(1e39), 0x7F80);
	assert_int_equal(half_from_double(-0.0), 0x8000);
	assert_int_equal(half_from_double(1e-300), 0);
}

static void an_integer_that_does_not_fit_is_not_stored(void **state)
{
	(void)state;
	int8_t small[1] = {7};
	uint64_t wide[1] = {7};
	assert_false(tensor_store(small, DATATYPE_INT8, 0, 128.0));
	assert_false(tensor_store(small, DATATYPE_INT8, 0, (double)NAN));
	assert_int_equal(small[0], 7);
	assert_true(tensor_store(small, DATATYPE_INT8, 0, -128.0));
	assert_int_equal(small[0], -128);
	assert_true(tensor_store(small, DATATYPE_INT8, 0, 2.5));
	assert_int_equal(small[0], 2);
	assert_false(tensor_store(wide, DATATYPE_UINT64, 0, 0x1p64));
	assert_true(tensor_store(wide, DATATYPE_UINT64, 0, 0x1p63));
	assert_true(wide[0] == UINT64_C(1) << 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_half_comes_back_as_itself),
		cmocka_unit_test(halfway_goes_to_even),
		cmocka_unit_test(what_is_too_large_becomes_infinite),
		cmocka_unit_test(an_integer_that_does_not_fit_is_not_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
