/* Who goes which way: shares are kept, keys stay, the table follows from the weights alone, and a change of weights
 * moves few buckets. */
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

static size_t count_random_shares(struct random *random, struct share *shares, const char *const *names, size_t most)
{
	size_t count = 0;
	for (size_t i = 0; i < most; i++)
		if (random_below(random, 4) > 0 || (i + 1 == most && count == 0))
			shares[count++] = (struct share){names[i], (double)random_below(random, 1000)};
	shares[0].weight += 1;
	return count;
}

/* The fewest buckets that have to move. */
static size_t buckets_least(const struct share *old, size_t old_count, const struct share *shares, size_t count)
{
	size_t had[ASSIGNMENT_WAYS_MAX], has[ASSIGNMENT_WAYS_MAX], kept = 0;
	assert_true(assignment_count(old, old_count, had) && assignment_count(shares, count, has));
	for (size_t i = 0; i < old_count; i++)
		for (size_t j = 0; j < count; j++)
			if (strcmp(old[i].name, shares[j].name) == 0)
				kept += had[i] < has[j] ? had[i] : has[j];
	return ASSIGNMENT_BUCKETS - kept;
}

static size_t buckets_moved(const struct share *old, size_t old_count, const struct share *shares, size_t count)
{
	arena_reset(arena);
	const struct assignment *before = assignment_make(arena, "x", old, old_count);
	const struct assignment *after = assignment_make(arena, "x", shares, count);
	assert_true(before && after);
	return assignment_moved(before, old, after, shares);
}

/* Choices come, go and change their weights: all have what they are due, and no more than one bucket of each choice
 * moves for one that has to. Where two choices have all, none moves but those that have to. */
static void each_change_moves_few(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	struct random random = {7};
	struct share shares[6], next[6];
	(void)state;
	for (int round = 0; round < UNIT_REPETITIONS(600); round++) {
		size_t most = 2 + (size_t)(round % 5), wanted[6];
		size_t count = count_random_shares(&random, shares, names, most);
		size_t next_count = count_random_shares(&random, next, names, most);
		size_t least = buckets_least(shares, count, next, next_count);
		assert_in_range(buckets_moved(shares, count, next, next_count), least, least * (most - 1));
		const struct assignment *table = assignment_make(arena, "x", next, next_count);
		assert_true(table && assignment_count(next, next_count, wanted));
		for (size_t i = 0; i < next_count; i++)
			assert_in_range(owned(table, i), wanted[i] - (wanted[i] > 0), wanted[i] + 1); /* ties of rounding */
	}
}

enum change { ANY_WEIGHTS, FEW_FROM_ONE_TO_ANOTHER };

static double moved_to_least(size_t count, enum change change)
{
	static const char *const names[] = {"main", "canary", "shadowed", "v4", "v5", "candidate-6", "g", "blue"};
	struct random random = {count};
	struct share shares[8] = {0}, next[8] = {0};
	size_t moved = 0, least = 0;
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < count; i++)
			next[i] = shares[i] = (struct share){names[i], 1 + (double)random_below(&random, 1000)};
		size_t from = random_below(&random, count), to = (from + 1 + random_below(&random, count - 1)) % count;
		double few = shares[from].weight / 5;
		next[from].weight -= few;
		next[to].weight += few;
		for (size_t i = 0; change == ANY_WEIGHTS && i < count; i++)
			next[i].weight = 1 + (double)random_below(&random, 1000);
		moved += buckets_moved(shares, count, next, count);
		least += buckets_least(shares, count, next, count);
	}
	return (double)moved / (double)least;
}

/* The figures of assignment.h. */
static void so_many_more_than_the_fewest_move_on_average(void **state)
{
	static const struct {
		size_t choices;
		double any, few;
	} most[] = {{2, 1, 1}, {3, 1.1, 1.3}, {5, 1.2, 1.7}, {8, 1.3, 1.9}};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		double any = moved_to_least(most[i].choices, ANY_WEIGHTS);
		double few = moved_to_least(most[i].choices, FEW_FROM_ONE_TO_ANOTHER);
		if (any > most[i].any + 0.05 || few > most[i].few + 0.05)
			fail_msg("%zu choices: %.3f and %.3f times the fewest", most[i].choices, any, few);
	}
}

/* A rollout that goes back and forth ends where it would have begun. */
static void the_way_to_the_weights_is_nothing_to_the_table(void **state)
{
	static const struct share shares[] = {{"a", 10}, {"b", 20}, {"c", 30}}, other[] = {{"c", 60}, {"b", 40}, {"a", 20}};
	(void)state;
	assert_int_equal(buckets_moved(shares, 3, other, 3), 0);
}

/* A target of weight 0 that leaves the files, or comes into them, moves nothing. */
static void a_choice_without_weight_is_as_one_that_is_not_there(void **state)
{
	static const struct share with[] = {{"a", 0}, {"b", 5}, {"c", 7}}, without[] = {{"b", 5}, {"c", 7}};
	(void)state;
	assert_int_equal(buckets_moved(with, 3, without, 2), 0);
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
		cmocka_unit_test(each_change_moves_few),
		cmocka_unit_test(so_many_more_than_the_fewest_move_on_average),
		cmocka_unit_test(the_way_to_the_weights_is_nothing_to_the_table),
		cmocka_unit_test(a_choice_without_weight_is_as_one_that_is_not_there),
		cmocka_unit_test(a_million_keys_are_split_as_the_weights_say),
		cmocka_unit_test(one_choice_says_nothing_of_another),
		cmocka_unit_test(a_key_keeps_its_way_and_without_one_the_record_does),
		cmocka_unit_test(so_many_percent_are_drawn),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
