/* assignment_table_test.c: Tests of recorded bucket tables: packed and unpacked, found by name, and what a plan makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/step/assignment_table.h"

static struct arena *arena;
static struct buffer packed;

static int tables_open(void **state)
{
	(void)state;
	arena = arena_open((size_t)16 << 20);
	buffer_open(&packed, ASSIGNMENT_BUCKETS);
	return arena ? 0 : -1;
}

static int tables_close(void **state)
{
	(void)state;
	arena_close(arena);
	buffer_close(&packed);
	return 0;
}

static struct text packed_of(const struct assignment *assignment)
{
	buffer_clear(&packed);
	assignment_pack(assignment, &packed);
	assert_false(buffer_failed(&packed));
	return buffer_view(&packed);
}

/* 1 to 64 choices, so every number of bits; a byte more or less is no table, nor is a choice that is not there. */
static void tables_of_all_sizes_are_packed_and_unpacked(void **state)
{
	unsigned char ways[ASSIGNMENT_BUCKETS], read[ASSIGNMENT_BUCKETS];
	(void)state;
	for (size_t count = 1; count <= ASSIGNMENT_WAYS_MAX; count++) {
		const struct assignment assignment = {.count = count, .ways = ways};
		for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
			ways[i] = (unsigned char)((i * 7 + i / 100) % count);
		const struct text bytes = packed_of(&assignment);
		assert_true(assignment_unpack(bytes, count, read));
		assert_memory_equal(ways, read, sizeof ways);
		assert_false(assignment_unpack((struct text){bytes.bytes, bytes.length + 1}, count, read));
		assert_true(count == 1 || !assignment_unpack((struct text){bytes.bytes, bytes.length - 1}, count, read));
		if (count > 2)
			assert_false(assignment_unpack(bytes, count - 1, read));
	}
	assert_int_equal(packed_of(&(struct assignment){.count = 2, .ways = ways}).length, 1250);
	assert_int_equal(packed_of(&(struct assignment){.count = 3, .ways = ways}).length, 2500);
	assert_int_equal(packed_of(&(struct assignment){.count = 64, .ways = ways}).length, 7500);
	assert_false(assignment_unpack((struct text){0}, 0, read));
	assert_false(assignment_unpack(packed_of(&(struct assignment){.count = 64, .ways = ways}), ASSIGNMENT_WAYS_MAX + 1, read));
}

/* The lowest bit is the first bucket's. */
static void the_first_bucket_has_the_lowest_bits(void **state)
{
	unsigned char ways[ASSIGNMENT_BUCKETS] = {1, 0, 2, 3};
	(void)state;
	const struct text bytes = packed_of(&(struct assignment){.count = 4, .ways = ways});
	assert_int_equal((unsigned char)bytes.bytes[0], 1 | 2 << 4 | 3 << 6);
	assert_int_equal((unsigned char)bytes.bytes[1], 0);
}

/* Of two shares. */
static struct assignment_table table_of(int64_t version, const struct share *shares, struct text buckets)
{
	return (struct assignment_table){.choice = "x", .version = version, .count = 2, .shares = shares, .packed = buckets};
}

static void the_recorded_table_counts_and_not_the_weights(void **state)
{
	static const struct share first[] = {{"a", 90}, {"b", 10}}, second[] = {{"a", 10}, {"b", 90}};
	(void)state;
	const struct assignment *one = assignment_choose(arena, NULL, "x", first, 2);
	const struct assignment *two = assignment_move(arena, one, first, second, 2);
	const struct text bytes = packed_of(two);
	struct assignment_table items[] = {{.choice = "y"}, table_of(2, second, bytes)};
	struct assignment_tables tables = {2, items};
	assignment_tables_sort(&tables);
	assert_string_equal(tables.items[0].choice, "x");
	assert_null(assignment_table_find(&tables, "z"));
	const struct assignment *taken = assignment_choose(arena, &tables, "x", second, 2);
	assert_memory_equal(taken->ways, two->ways, ASSIGNMENT_BUCKETS);
	assert_true(taken->version == two->version && taken->seed == two->seed);
	assert_true(assignment_make(arena, "x", second, 2)->version != two->version);
	const struct assignment *next = assignment_choose(arena, &tables, "x", first, 2);
	assert_int_equal(assignment_moved(two, second, next, first), 8000);
	assert_true(next->version != one->version);
	assert_true(assignment_choose(arena, &tables, "y", first, 2)->version == assignment_make(arena, "y", first, 2)->version);
}

static void tables_are_equal_by_their_buckets_too(void **state)
{
	static const struct share shares[] = {{"a", 1}, {"b", 1}}, renamed[] = {{"a", 1}, {"c", 1}};
	struct assignment_table one = table_of(2, shares, TEXT("12")), other = one;
	const struct assignment_tables a = {1, &one}, b = {1, &other}, none = {0};
	(void)state;
	assert_true(assignment_tables_equal(&a, &b) && assignment_tables_equal(&none, &none));
	assert_false(assignment_tables_equal(&a, &none));
	other.version = 3;
	assert_false(assignment_tables_equal(&a, &b));
	other.version = 2;
	other.packed = TEXT("13");
	assert_false(assignment_tables_equal(&a, &b));
	other.packed = one.packed;
	other.shares = renamed;
	assert_false(assignment_tables_equal(&a, &b));
	other.shares = shares;
	other.choice = "y";
	assert_false(assignment_tables_equal(&a, &b));
}

/* A rollout moves it while the plan is the same. */
static void tables_of_a_rollout_are_equal_by_their_candidates(void **state)
{
	static const struct share shares[] = {{"a", 1}, {"b", 1}}, renamed[] = {{"a", 1}, {"c", 1}};
	struct assignment_table one = table_of(2, shares, TEXT("12")), other = table_of(3, shares, TEXT("13"));
	other.moves = true;
	const struct assignment_tables a = {1, &one}, b = {1, &other};
	(void)state;
	assert_true(assignment_tables_equal(&a, &b) && assignment_tables_equal(&b, &a));
	other.shares = renamed;
	assert_false(assignment_tables_equal(&a, &b));
}

static void shares_get_the_recorded_weights_of_just_their_names(void **state)
{
	static const struct share recorded[] = {{"a", 7000}, {"b", 3000}};
	struct assignment_table one = table_of(2, recorded, TEXT("12"));
	const struct assignment_tables tables = {1, &one};
	struct share shares[] = {{"b", 1}, {"a", 1}, {"c", 1}};
	(void)state;
	assignment_weigh(&tables, "x", shares, 3);
	assert_true(shares[0].weight == 1 && shares[1].weight == 1 && shares[2].weight == 1);
	assignment_weigh(&tables, "y", shares, 2);
	assignment_weigh(NULL, "x", shares, 2);
	assert_true(shares[0].weight == 1 && shares[1].weight == 1);
	assignment_weigh(&tables, "x", shares, 2);
	assert_true(shares[0].weight == 3000 && shares[1].weight == 7000);
	struct share others[] = {{"a", 1}, {"c", 1}};
	assignment_weigh(&tables, "x", others, 2);
	assert_true(others[0].weight == 1 && others[1].weight == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_all_sizes_are_packed_and_unpacked),
		cmocka_unit_test(the_first_bucket_has_the_lowest_bits),
		cmocka_unit_test(the_recorded_table_counts_and_not_the_weights),
		cmocka_unit_test(tables_are_equal_by_their_buckets_too),
		cmocka_unit_test(tables_of_a_rollout_are_equal_by_their_candidates),
		cmocka_unit_test(shares_get_the_recorded_weights_of_just_their_names),
	};
	return cmocka_run_group_tests(tests, tables_open, tables_close);
}
