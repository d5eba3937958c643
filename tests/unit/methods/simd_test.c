/* simd_test.c: Tests of functions that are compiled twice: which one runs, and that both give the same bits. */
#include "methods/numeric/simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"

#define NUMBERS 1024

#if SIMD_CLONES
BUILT_TWICE
double products_sum(const double *left, const double *right, const double *more, size_t count);

/* By the name that GCC gives it; NULL: by none. */
double sum_for_all(const double *left, const double *right, const double *more, size_t count) __asm__("products_sum.default")
	__attribute__((weak));

BUILT_TWICE
double products_sum(const double *left, const double *right, const double *more, size_t count)
{
	wide sum = {0};
	for (size_t i = 0; i < count; i += WIDE)
		sum += *(const wide *)(left + i) * *(const wide *)(right + i) + *(const wide *)(more + i);
	return sum[0] + sum[1] + sum[2] + sum[3];
}

static void a_processor_with_avx2_runs_what_is_for_it(void **state)
{
	(void)state;
	if (!sum_for_all)
		skip();
	__builtin_cpu_init();
	assert_int_equal(products_sum != sum_for_all, __builtin_cpu_supports("avx2") != 0);
}

static void both_give_the_same_bits(void **state)
{
	(void)state;
	static double numbers[3][NUMBERS];
	if (!sum_for_all)
		skip();
	struct random chance = {3};
	for (size_t i = 0; i < sizeof numbers / sizeof **numbers; i++)
		(*numbers)[i] = (double)(random_next(&chance) >> 11) * 0x1p-53 - 0.5;
	for (size_t count = WIDE; count <= NUMBERS; count += WIDE)
		assert_true(products_sum(numbers[0], numbers[1], numbers[2], count) ==
			    sum_for_all(numbers[0], numbers[1], numbers[2], count));
}
#else
static void a_processor_with_avx2_runs_what_is_for_it(void **state)
{
	(void)state;
	skip();
}

static void both_give_the_same_bits(void **state)
{
	(void)state;
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_processor_with_avx2_runs_what_is_for_it),
		cmocka_unit_test(both_give_the_same_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
