/* projection_test.c: Tests of the projection of wide vectors onto random directions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/projection.h"
#include "tests/unit/arena_fixture.h"

#define DIRECTIONS PROJECTION_DIRECTIONS
#define WIDTH 768
#define ODD 777 /* some directions have one number more than others */

static double vector[PROJECTION_WIDTH_MAX], directions[DIRECTIONS];

static const struct projection *opened(const char *tensor, size_t width)
{
	const struct projection *projection = projection_open(arena, text_of(tensor), width);
	assert_non_null(projection);
	return projection;
}

static void vector_draw(uint64_t seed, size_t width)
{
	struct random chance = {seed};
	for (size_t i = 0; i < width; i++)
		vector[i] = (double)random_below(&chance, 2001) / 1000 - 1;
}

/* ---- directions ---- */

/* The sign of that number by the specification: XXH64 of the name with the width as seed, as the seed of SplitMix64, of whose
 * numbers each bit is a sign. Both numbers are from a program of their own. */
static bool is_positive(size_t number)
{
	static const uint64_t bits[] = {UINT64_C(0x72376e12c25e80f1), UINT64_C(0x83c62bb26e4bc858)};
	return bits[number / 64] >> number % 64 & 1;
}

static void files_of_references_keep_their_directions(void **state)
{
	(void)state;
	const struct projection *projection = opened("embedding", WIDTH);
	for (size_t i = 0; i < 128; i++) {
		memset(vector, 0, sizeof vector);
		vector[i] = 1;
		projection_of_doubles(projection, vector, directions);
		for (size_t j = 0; j < DIRECTIONS; j++) {
			const double wanted = (is_positive(i) ? 1 : -1) / sqrt((double)WIDTH / DIRECTIONS);
			assert_true(fabs(directions[j] - (i % DIRECTIONS == j ? wanted : 0)) < 1e-15);
		}
	}
}

/* So vectors of the width have as many unit vectors as directions, each of which has numbers that no other has. */
static void directions_have_the_length_one(void **state)
{
	(void)state;
	const struct projection *projection = opened("x", ODD);
	double squares[DIRECTIONS] = {0};
	for (size_t i = 0; i < ODD; i++) {
		size_t some = 0;
		memset(vector, 0, sizeof vector);
		vector[i] = 1;
		projection_of_doubles(projection, vector, directions);
		for (size_t j = 0; j < DIRECTIONS; j++) {
			squares[j] += directions[j] * directions[j];
			some += directions[j] != 0;
		}
		assert_int_equal(some, 1);
	}
	for (size_t j = 0; j < DIRECTIONS; j++)
		assert_true(fabs(squares[j] - 1) < 1e-12);
}

static void sums_are_of_all_numbers(void **state)
{
	(void)state;
	const struct projection *projection = opened("x", ODD);
	double one[ODD] = {0}, wanted[DIRECTIONS] = {0};
	vector_draw(5, ODD);
	for (size_t i = 0; i < ODD; i++) {
		one[i] = 1;
		projection_of_doubles(projection, one, directions);
		one[i] = 0;
		for (size_t j = 0; j < DIRECTIONS; j++)
			wanted[j] += vector[i] * directions[j];
	}
	projection_of_doubles(projection, vector, directions);
	for (size_t j = 0; j < DIRECTIONS; j++)
		assert_true(fabs(directions[j] - wanted[j]) < 1e-12);
}

static bool directions_differ(const struct projection *one, const struct projection *other)
{
	double others[DIRECTIONS];
	projection_of_doubles(one, vector, directions);
	projection_of_doubles(other, vector, others);
	return memcmp(directions, others, sizeof directions) != 0;
}

static void tensors_and_widths_have_directions_of_their_own(void **state)
{
	(void)state;
	vector_draw(6, ODD);
	vector[ODD] = 0;
	assert_false(directions_differ(opened("x", ODD), opened("x", ODD)));
	assert_true(directions_differ(opened("x", ODD), opened("y", ODD)));
	assert_true(directions_differ(opened("x", ODD), opened("x", ODD + 1)));
}

static void floats_have_the_directions_of_their_numbers(void **state)
{
	(void)state;
	static float floats[ODD];
	const struct projection *projection = opened("x", ODD);
	double of_floats[DIRECTIONS];
	vector_draw(7, ODD);
	for (size_t i = 0; i < ODD; i++) {
		floats[i] = (float)vector[i];
		vector[i] = (double)floats[i];
	}
	projection_of_doubles(projection, vector, directions);
	projection_of_floats(projection, floats, of_floats);
	assert_memory_equal(directions, of_floats, sizeof directions);
}

static void a_vector_may_be_as_wide_as_the_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROJECTION_WIDTH_MAX; i++)
		vector[i] = i + 1 == PROJECTION_WIDTH_MAX;
	projection_of_doubles(opened("x", PROJECTION_WIDTH_MAX), vector, directions);
	const double unit = sqrt((double)DIRECTIONS / PROJECTION_WIDTH_MAX);
	assert_true(fabs(fabs(directions[DIRECTIONS - 1]) - unit) < 1e-15);
}

/* ---- numbers that are none ---- */

static void expect_all(double number)
{
	for (size_t i = 0; i < DIRECTIONS; i++)
		assert_true(isnan(number) ? isnan(directions[i]) : directions[i] == number);
}

/* The place of each is in the part that is added in vectors, and behind it. */
static void a_vector_that_lacks_a_number_is_missing(void **state)
{
	(void)state;
	static const size_t places[] = {0, 40, ODD - 1};
	static float floats[ODD];
	const struct projection *projection = opened("x", ODD);
	for (size_t i = 0; i < 3; i++) {
		vector_draw(8, ODD);
		vector[places[i]] = (double)NAN;
		projection_of_doubles(projection, vector, directions);
		expect_all((double)NAN);
		vector[(places[i] + 1) % ODD] = (double)INFINITY;
		projection_of_doubles(projection, vector, directions);
		expect_all((double)NAN);
		for (size_t j = 0; j < ODD; j++)
			floats[j] = (float)vector[j];
		projection_of_floats(projection, floats, directions);
		expect_all((double)NAN);
	}
}

static void a_vector_with_an_infinite_number_is_infinite(void **state)
{
	(void)state;
	static float floats[ODD];
	const struct projection *projection = opened("x", ODD);
	vector_draw(9, ODD);
	vector[3] = (double)INFINITY;
	vector[3 + DIRECTIONS] = -(double)INFINITY;
	projection_of_doubles(projection, vector, directions);
	expect_all((double)INFINITY);
	floats[ODD - 1] = -INFINITY;
	projection_of_floats(projection, floats, directions);
	expect_all((double)INFINITY);
	for (size_t i = 0; i < ODD; i++)
		vector[i] = 1.7e308;
	projection_of_doubles(projection, vector, directions);
	expect_all((double)INFINITY);
}

static void a_vector_of_zeros_has_directions_of_zero(void **state)
{
	(void)state;
	memset(vector, 0, sizeof vector);
	projection_of_doubles(opened("x", WIDTH), vector, directions);
	expect_all(0);
}

/* ---- names ---- */

static void a_direction_is_named_after_its_tensor(void **state)
{
	(void)state;
	const char *name = projection_feature("text.direction.of", 31, arena);
	assert_string_equal(name, "text.direction.of.direction31");
	const struct text tensor = projection_tensor(text_of(name));
	assert_int_equal(tensor.length, strlen("text.direction.of"));
	assert_int_equal(projection_tensor(TEXT("x")).length, 1);
	assert_int_equal(projection_tensor(TEXT("")).length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_references_keep_their_directions),
		cmocka_unit_test(directions_have_the_length_one),
		cmocka_unit_test(sums_are_of_all_numbers),
		cmocka_unit_test(tensors_and_widths_have_directions_of_their_own),
		cmocka_unit_test(floats_have_the_directions_of_their_numbers),
		cmocka_unit_test(a_vector_may_be_as_wide_as_the_limit),
		cmocka_unit_test(a_vector_that_lacks_a_number_is_missing),
		cmocka_unit_test(a_vector_with_an_infinite_number_is_infinite),
		cmocka_unit_test(a_vector_of_zeros_has_directions_of_zero),
		cmocka_unit_test(a_direction_is_named_after_its_tensor),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
