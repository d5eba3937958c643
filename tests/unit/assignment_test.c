/* Who goes which way: shares are kept, keys stay, and a change of weights moves the fewest
 * buckets that it can. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/random.h"
#include "step/assignment.h"

#include <cmocka.h>

#define ARENA_BYTES ((size_t)64 << 20)

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : -1;
}

static int close_arena(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static size_t owned(const struct assignment *assignment, size_t way)
{
	size_t count = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		count += assignment->ways[i] == way;
	return count;
}

static void buckets_are_shared_out_as_the_weights_say(void **state)
{
	static const struct share thirds[] = {{"a", 1}, {"b", 1}, {"c", 1}}, most[] = {{"a", 70}, {"b", 30}},
				  odd[] = {{"a", 0.15}, {"b", 0.85}}, none[] = {{"a", 0}, {"b", 5}}, empty[] = {{"a", 0}, {"b", 0}};
	size_t buckets[3];
	(void)state;
	assert_true(assignment_count(thirds, 3, buckets));
	assert_int_equal(buckets[0], 3334); /* what rounding leaves goes to the first of equals */
	assert_int_equal(buckets[1], 3333);
	assert_int_equal(buckets[2], 3333);
	assert_true(assignment_count(most, 2, buckets));
	assert_int_equal(buckets[0], 7000);
	assert_true(assignment_count(odd, 2, buckets));
	assert_int_equal(buckets[0], 1500);
	assert_true(assignment_count(none, 2, buckets));
	assert_int_equal(buckets[0], 0);
	assert_false(assignment_count(empty, 2, buckets));
	assert_null(assignment_make(arena, "x", empty, 2));
}

/* 0.5/0.3/0.2 to 0.2/0.3/0.5: 30 % have to move, and no more do. */
static void the_least_moves_and_of_the_smallest_numbers(void **state)
{
	static const struct share before[] = {{"a", 50}, {"b", 30}, {"c", 20}}, after[] = {{"a", 20}, {"b", 30}, {"c", 50}};
	(void)state;
	const struct assignment *first = assignment_make(arena, "x", before, 3);
	const struct assignment *second = assignment_change(arena, first, before, after, 3);
	assert_int_equal(assignment_moved(first, before, second, after), 3000);
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		assert_int_equal(second->ways[i], i < 3000 ? 2 : first->ways[i]);
}

static size_t count_random_shares(struct random *random, struct share *shares, const char *const *names, size_t most)
{
	size_t count = 0;
	for (size_t i = 0; i < most; i++)
		if (random_below(random, 4) > 0 || (i + 1 == most && count == 0))
			shares[count++] = (struct share){names[i], (double)random_below(random, 1000)};
	shares[0].weight += 1;
	return count;
}

static size_t buckets_named(const struct assignment *assignment, const struct share *shares, const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < assignment->count; i++)
		if (strcmp(shares[i].name, name) == 0)
			count += owned(assignment, i);
	return count;
}

/* Ways come, go and change their weights, one change behind the other. */
static void whatever_changes_exactly_the_minimum_moves(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	struct random random = {7};
	struct share shares[6], next[6];
	size_t count = count_random_shares(&random, shares, names, 6), wanted[6];
	(void)state;
	const struct assignment *table = assignment_make(arena, "x", shares, count);
	for (int round = 0; round < 2000; round++) {
		size_t next_count = count_random_shares(&random, next, names, 6), lost = 0;
		const struct assignment *changed = assignment_change(arena, table, shares, next, next_count);
		assert_non_null(changed);
		assert_true(assignment_count(next, next_count, wanted));
		for (size_t i = 0; i < next_count; i++)
			assert_int_equal(owned(changed, i), wanted[i]);
		for (size_t i = 0; i < 6; i++) {
			size_t had = buckets_named(table, shares, names[i]), has = buckets_named(changed, next, names[i]);
			lost += had > has ? had - has : 0;
		}
		assert_int_equal(assignment_moved(table, shares, changed, next), lost);
		memcpy(shares, next, sizeof next);
		table = changed;
		count = next_count;
	}
	assert_int_equal(table->count, count);
}

static void the_same_weights_again_move_nothing(void **state)
{
	static const struct share shares[] = {{"a", 10}, {"b", 20}}, doubled[] = {{"b", 40}, {"a", 20}};
	(void)state;
	const struct assignment *table = assignment_make(arena, "x", shares, 2);
	const struct assignment *again = assignment_change(arena, table, shares, doubled, 2);
	assert_int_equal(assignment_moved(table, shares, again, doubled), 0);
}

/* Chi-square of the split of a million units, at 99.9 % with two degrees of freedom. */
static void a_million_keys_are_split_as_the_weights_say(void **state)
{
	static const struct share shares[] = {{"a", 50}, {"b", 30}, {"c", 20}};
	size_t counts[3] = {0};
	(void)state;
	const struct assignment *table = assignment_make(arena, "pricing/traffic", shares, 3);
	for (int i = 0; i < 1000000; i++) {
		char key[24];
		int length = snprintf(key, sizeof key, "customer-%d", i);
		counts[assignment_of(table, (struct text){key, (size_t)length})]++;
	}
	double chi_square = 0;
	for (size_t i = 0; i < 3; i++) {
		double expected = shares[i].weight * 10000;
		chi_square += pow((double)counts[i] - expected, 2) / expected;
	}
	assert_true(chi_square < 13.816);
}

/* Two choices with the same shares: who is in the first half of one is in either of the other. */
static void one_choice_says_nothing_of_another(void **state)
{
	static const struct share shares[] = {{"a", 1}, {"b", 1}};
	size_t both = 0;
	(void)state;
	const struct assignment *one = assignment_make(arena, "one", shares, 2),
				*other = assignment_make(arena, "other", shares, 2);
	for (uint32_t i = 0; i < 100000; i++) {
		struct text unit = {(const char *)&i, sizeof i};
		both += assignment_of(one, unit) == 0 && assignment_of(other, unit) == 0;
	}
	assert_true(both > 25000 - 700 && both < 25000 + 700); /* five times the standard deviation of 137 */
}

static void a_key_keeps_its_way_and_without_one_the_record_does(void **state)
{
	static const struct share shares[] = {{"a", 1}, {"b", 1}};
	size_t ways[2] = {0};
	(void)state;
	const struct assignment *table = assignment_make(arena, "x", shares, 2);
	struct message message = {.key = TEXT("account 7"), .origin = {.topic = TEXT("in")}};
	size_t way = assignment_of_message(table, &message);
	for (message.origin.offset = 0; message.origin.offset < 100; message.origin.offset++)
		assert_int_equal(assignment_of_message(table, &message), way);
	message.key = (struct text){0};
	for (message.origin.offset = 0; message.origin.offset < 1000; message.origin.offset++) {
		way = assignment_of_message(table, &message);
		assert_int_equal(assignment_of_message(table, &message), way);
		ways[way]++;
	}
	assert_true(ways[0] > 420 && ways[1] > 420);
}

static void so_many_percent_are_drawn(void **state)
{
	struct message message = {.origin = {.topic = TEXT("in")}};
	size_t drawn = 0;
	(void)state;
	for (message.origin.offset = 0; message.origin.offset < 10000; message.origin.offset++) {
		assert_true(assignment_draws("all", &message, 100));
		assert_false(assignment_draws("none", &message, 0));
		drawn += assignment_draws("some", &message, 10);
	}
	assert_true(drawn > 850 && drawn < 1150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_shared_out_as_the_weights_say),
		cmocka_unit_test(the_least_moves_and_of_the_smallest_numbers),
		cmocka_unit_test(whatever_changes_exactly_the_minimum_moves),
		cmocka_unit_test(the_same_weights_again_move_nothing),
		cmocka_unit_test(a_million_keys_are_split_as_the_weights_say),
		cmocka_unit_test(one_choice_says_nothing_of_another),
		cmocka_unit_test(a_key_keeps_its_way_and_without_one_the_record_does),
		cmocka_unit_test(so_many_percent_are_drawn),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
