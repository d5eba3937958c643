/* expression_work_test.c: Tests of what one evaluation may do, counted in units of work. */
#include "compiler/expression/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ELEMENTS ((size_t)1 << 18)

static struct arena *lasting, *arena;
static double *numbers;
static struct text *texts;

static int set_up(void **state)
{
	(void)state;
	lasting = arena_open((size_t)1 << 24);
	arena = arena_open((size_t)1 << 30);
	numbers = calloc(ELEMENTS, sizeof *numbers);
	texts = calloc(ELEMENTS, sizeof *texts);
	for (size_t i = 0; i < ELEMENTS; i++)
		numbers[i] = (double)(i * 7919 % ELEMENTS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(numbers);
	free(texts);
	arena_close(arena);
	arena_close(lasting);
	return 0;
}

/* Over `x`, `count` numbers, and `t`, `text_count` texts that are all the same bytes. */
static enum error_kind kind_of(const char *source, size_t count, size_t text_count, size_t text_length)
{
	static char bytes[1 << 20];
	const int64_t shapes[] = {(int64_t)count, (int64_t)text_count};
	memset(bytes, 'a', sizeof bytes);
	assert_in_range(text_length, 0, sizeof bytes);
	for (size_t i = 0; i < text_count; i++)
		texts[i] = (struct text){bytes, text_length};
	const struct tensor x = {
		.name = TEXT("x"), .shape = &shapes[0], .data = numbers, .count = count, .datatype = DATATYPE_FP64, .rank = 1};
	const struct tensor t = {
		.name = TEXT("t"), .shape = &shapes[1], .data = texts, .count = text_count, .datatype = DATATYPE_BYTES, .rank = 1};
	const struct tensor *const items[] = {&x, &t};
	const struct payload payload = {.tensors = {2, items}};
	const struct scope scope = {.payload = &payload};
	struct error error = {0};
	arena_reset(arena);
	const struct expression *expression =
		expression_compile(lasting, text_of(source), PLACE_NONE, USE_MESSAGE, &error);
	if (!expression)
		fail_msg("%s: %s", source, error.text);
	bool good = expression_evaluate(expression, &scope, arena, &error);
	if (good != (error.kind == ERROR_NONE))
		fail_msg("%s: an error and a value", source);
	if (error.kind == ERROR_LIMIT && !strstr(error.text, "16777216 units of work"))
		fail_msg("%s: another limit: %s", source, error.text);
	return error.kind;
}

/* The sum of x, doubled so many times. */
static void write_products(char source[400], int products)
{
	int length = snprintf(source, 400, "sum(x");
	for (int i = 0; i < products; i++)
		length += snprintf(source + length, 400 - (size_t)length, "*2");
	(void)snprintf(source + length, 400 - (size_t)length, ")");
}

static void so_much_work_is_done_and_no_more(void **state)
{
	(void)state;
	/* Each product makes ELEMENTS, and EVALUATION_WORK_MAX is 64 times that; sum() is given them once more. */
	char source[400];
	write_products(source, 62);
	assert_int_equal(kind_of(source, ELEMENTS, 0, 0), ERROR_NONE);
	assert_in_range(arena->work, EVALUATION_WORK_MAX - ELEMENTS, EVALUATION_WORK_MAX);
	write_products(source, 64);
	assert_int_equal(kind_of(source, ELEMENTS, 0, 0), ERROR_LIMIT);
}

static void sorting_counts_more_than_going_through(void **state)
{
	(void)state;
	assert_int_equal(kind_of("sum(sort(x))", ELEMENTS, 0, 0), ERROR_NONE);
	assert_int_equal(kind_of("sum(sort(x)) + sum(sort(x))", ELEMENTS, 0, 0), ERROR_LIMIT);
	/* What looks for one place goes through all some three times. */
	assert_int_equal(kind_of("median(x) + quantile(x, 0.9)", ELEMENTS, 0, 0), ERROR_NONE);
	assert_in_range(arena->work, 4 * ELEMENTS, 12 * ELEMENTS);
	assert_int_equal(kind_of("median(concat(x, x, x, x))", ELEMENTS, 0, 0), ERROR_NONE);
	assert_int_equal(kind_of("median(concat(x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x))", ELEMENTS, 0, 0), ERROR_LIMIT);
	assert_int_equal(kind_of("sort(concat(x, x))", ELEMENTS, 0, 0), ERROR_LIMIT);
}

static void texts_count_by_their_bytes(void **state)
{
	(void)state;
	assert_int_equal(kind_of("len(t)", 1, 8, 1 << 20), ERROR_NONE);
	assert_int_equal(kind_of("len(concat(t, t, t))", 1, 8, 1 << 20), ERROR_LIMIT);
	assert_int_equal(kind_of("t == t", 1, 8, 1 << 20), ERROR_NONE);
	assert_int_equal(kind_of("t == t", 1, 32, 1 << 20), ERROR_LIMIT);
	assert_int_equal(kind_of("t in concat(t, t)", 1, 8, 1 << 20), ERROR_LIMIT);
	assert_int_equal(kind_of("like(t, \"*a*b\")", 1, 1, 1 << 10), ERROR_NONE);
	assert_int_equal(kind_of("like(t, \"*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\")", 1, 1, 1 << 20), ERROR_LIMIT);
	assert_int_equal(kind_of("any(contains(t, \"b\"))", 1, 32, 1 << 20), ERROR_LIMIT);
	assert_int_equal(kind_of("upper(t)", 1, 32, 1 << 20), ERROR_LIMIT);
}

static void looking_among_many_counts_each_of_them(void **state)
{
	(void)state;
	assert_int_equal(kind_of("x in [1, 2, 3]", ELEMENTS, 0, 0), ERROR_NONE);
	char source[600];
	int length = snprintf(source, sizeof source, "x in [0");
	for (size_t i = 0; i < 99; i++)
		length += snprintf(source + length, sizeof source - (size_t)length, ",1");
	(void)snprintf(source + length, sizeof source - (size_t)length, "]");
	assert_int_equal(kind_of(source, ELEMENTS, 0, 0), ERROR_LIMIT);
}

/* What stands beside is not taken in its place. */
static void too_much_work_is_not_forgiven(void **state)
{
	(void)state;
	assert_int_equal(kind_of("sum(sort(concat(x, x))) ?? 0", ELEMENTS, 0, 0), ERROR_LIMIT);
	assert_int_equal(kind_of("where(true, 1, sum(sort(concat(x, x))))", ELEMENTS, 0, 0), ERROR_LIMIT);
	assert_int_equal(kind_of("true or sum(sort(concat(x, x))) > 0", ELEMENTS, 0, 0), ERROR_LIMIT);
	assert_int_equal(kind_of("where(has(missing), 1, sum(sort(concat(x, x))))", ELEMENTS, 0, 0), ERROR_LIMIT);
}

/* The owner of the arena shares out turns by it: the short ways count too. */
static void work_is_added_to_the_arenas(void **state)
{
	(void)state;
	(void)kind_of("x + 1", ELEMENTS, 0, 0);
	assert_in_range(arena->work, ELEMENTS, 2 * ELEMENTS);
	arena_reset(arena);
	assert_int_equal(arena->work, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_much_work_is_done_and_no_more),
		cmocka_unit_test(sorting_counts_more_than_going_through),
		cmocka_unit_test(texts_count_by_their_bytes),
		cmocka_unit_test(looking_among_many_counts_each_of_them),
		cmocka_unit_test(too_much_work_is_not_forgiven),
		cmocka_unit_test(work_is_added_to_the_arenas),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
