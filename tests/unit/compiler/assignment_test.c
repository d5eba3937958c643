/* Who goes which way: shares are kept, keys stay, a table follows from the weights alone or from the former table, and a
 * change of weights moves few buckets, or the fewest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/number/random.h"
#include "compiler/step/assignment.h"
#include "tests/unit/arena_fixture.h"

#include <cmocka.h>

#define ARENA_BYTES ((size_t)64 << 20)

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

/* ---- tables that are made of the former one ---- */

#define NAME_BYTES 24

static void names_print(char names[][NAME_BYTES], struct share *shares, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(names[i], sizeof names[i], "c%zu", i);
		shares[i].name = names[i];
	}
}

/* A candidate may come, leave, have weight 0, or be written at another place. */
static size_t shares_change(struct random *random, char names[][NAME_BYTES], struct share *shares, size_t most)
{
	size_t count = 0, first = random_below(random, most);
	for (size_t i = 0; i < most; i++) {
		if (random_below(random, 5) == 0)
			continue;
		size_t weight = random_below(random, 4) == 0 ? 0 : random_below(random, 1000);
		shares[count++] = (struct share){names[(i + first) % most], (double)weight};
	}
	if (count == 0)
		shares[count++].name = names[first];
	shares[0].weight += 1;
	return count;
}

/* Each owner of moved buckets gives those with the smallest numbers. */
static void smallest_moved(const struct assignment *former, const struct share *old, const struct assignment *table,
			   const struct share *shares)
{
	bool has_kept[ASSIGNMENT_WAYS_MAX] = {false};
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++) {
		bool kept = strcmp(old[former->ways[i]].name, shares[table->ways[i]].name) == 0;
		assert_true(kept || !has_kept[former->ways[i]]);
		has_kept[former->ways[i]] = has_kept[former->ways[i]] || kept;
	}
}

static void weights_met(const struct assignment *table, const struct share *shares, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += shares[i].weight;
	for (size_t i = 0; i < count; i++) {
		double exact = shares[i].weight / sum * ASSIGNMENT_BUCKETS;
		assert_true(fabs((double)owned(table, i) - exact) < 1);
		assert_true(shares[i].weight > 0 || owned(table, i) == 0);
	}
}

/* The fewest buckets that have to move from a table. */
static size_t table_least(const struct assignment *former, const struct share *old, const struct assignment *table,
			  const struct share *shares)
{
	size_t kept = 0;
	for (size_t i = 0; i < former->count; i++)
		for (size_t j = 0; j < table->count; j++)
			if (strcmp(old[i].name, shares[j].name) == 0)
				kept += owned(former, i) < owned(table, j) ? owned(former, i) : owned(table, j);
	return ASSIGNMENT_BUCKETS - kept;
}

/* Walks of 12 changes each, of 2 to 64 candidates. */
static void from_a_former_table_the_fewest_move(void **state)
{
	struct random random = {11};
	char names[ASSIGNMENT_WAYS_MAX][NAME_BYTES];
	struct share old[ASSIGNMENT_WAYS_MAX], shares[ASSIGNMENT_WAYS_MAX];
	(void)state;
	names_print(names, old, ASSIGNMENT_WAYS_MAX);
	for (int round = 0; round < UNIT_REPETITIONS(60); round++) {
		arena_reset(arena);
		size_t most = round % 6 == 0 ? ASSIGNMENT_WAYS_MAX : 2 + (size_t)round % 7;
		size_t count = shares_change(&random, names, old, most);
		const struct assignment *former = assignment_make(arena, "x", old, count);
		for (int step = 0; step < 12; step++) {
			count = shares_change(&random, names, shares, most);
			const struct assignment *table = assignment_move(arena, former, old, shares, count);
			assert_true(table && table->seed == former->seed && table->count == count);
			weights_met(table, shares, count);
			assert_int_equal(assignment_moved(former, old, table, shares), table_least(former, old, table, shares));
			smallest_moved(former, old, table, shares);
			former = table;
			memcpy(old, shares, sizeof old);
		}
	}
}

/* The way counts: 90/10, 75/25, 50/50 is another table than 50/50 at once. Each change moves what it must. */
static void a_table_keeps_what_its_former_had(void **state)
{
	static const struct share first[] = {{"a", 90}, {"b", 10}}, second[] = {{"a", 75}, {"b", 25}},
				  third[] = {{"a", 50}, {"b", 50}};
	(void)state;
	const struct assignment *one = assignment_make(arena, "x", first, 2), *two = assignment_move(arena, one, first, second, 2),
				*three = assignment_move(arena, two, second, third, 2);
	assert_int_equal(assignment_moved(one, first, two, second), 1500);
	assert_int_equal(assignment_moved(two, second, three, third), 2500);
	assert_true(assignment_moved(assignment_make(arena, "x", third, 2), third, three, third) > 0);
}

/* Written in another order, or with other numbers of the same proportion: the same table, of the same version. */
static void the_same_shares_move_nothing(void **state)
{
	static const struct share shares[] = {{"a", 1}, {"b", 1}, {"c", 1}}, other[] = {{"c", 7}, {"a", 7}, {"b", 7}};
	(void)state;
	const struct assignment *table = assignment_make(arena, "x", shares, 3);
	const struct assignment *same = assignment_move(arena, table, shares, other, 3);
	assert_int_equal(assignment_moved(table, shares, same, other), 0);
	assert_true(same->version == table->version);
	const struct share heavier[] = {{"a", 2}, {"b", 1}, {"c", 1}};
	assert_true(assignment_move(arena, table, shares, heavier, 3)->version != table->version);
}

/* A candidate of another name is another one: it takes the buckets of the one that left, and no others move. */
static void a_renamed_candidate_takes_the_place_of_its_former_name(void **state)
{
	static const struct share old[] = {{"a", 30}, {"b", 70}}, shares[] = {{"b", 70}, {"z", 30}};
	(void)state;
	const struct assignment *table = assignment_make(arena, "x", old, 2);
	const struct assignment *renamed = assignment_move(arena, table, old, shares, 2);
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		assert_int_equal(renamed->ways[i], table->ways[i] == 0);
	assert_true(renamed->version != table->version);
}

static void no_table_is_made_of_no_weights(void **state)
{
	static const struct share old[] = {{"a", 1}}, empty[] = {{"a", 0}};
	struct share many[ASSIGNMENT_WAYS_MAX + 1];
	char names[ASSIGNMENT_WAYS_MAX + 1][NAME_BYTES];
	(void)state;
	const struct assignment *table = assignment_make(arena, "x", old, 1);
	assert_null(assignment_move(arena, table, old, empty, 1));
	assert_null(assignment_move(arena, table, old, old, 0));
	names_print(names, many, ASSIGNMENT_WAYS_MAX + 1);
	for (size_t i = 0; i <= ASSIGNMENT_WAYS_MAX; i++)
		many[i].weight = 1;
	assert_null(assignment_move(arena, table, old, many, ASSIGNMENT_WAYS_MAX + 1));
	assert_non_null(assignment_move(arena, table, old, many, ASSIGNMENT_WAYS_MAX));
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
		const struct message again = {.origin = message.origin};
		const bool draws = assignment_draws("some", &message, 10);
		assert_int_equal(assignment_draws("some", &again, 10), draws);
		drawn += draws;
	}
	assert_true(drawn > 850 && drawn < 1150);
}

static void a_key_decides_and_without_one_the_position(void **state)
{
	size_t drawn = 0, differ = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		char key[16];
		const int length = snprintf(key, sizeof key, "k-%d", i);
		const struct message keyed = {.key = {key, (size_t)length}, .origin = {.topic = TEXT("in"), .offset = i}};
		const struct message later = {.key = keyed.key,
					      .origin = {.topic = TEXT("in"), .partition = 3, .offset = i + 5000}};
		const struct message unkeyed = {.origin = keyed.origin};
		assert_int_equal(assignment_draws("some", &keyed, 10), assignment_draws("some", &later, 10));
		drawn += assignment_draws("some", &keyed, 10);
		differ += assignment_draws("some", &keyed, 10) != assignment_draws("some", &unkeyed, 10);
	}
	assert_true(drawn > 50 && drawn < 150);
	assert_true(differ > 100); /* of 180, if neither depends on the other */
}

static void a_sample_has_its_share_of_few_keys_too(void **state)
{
	static const char *const salts[] = {"watch", "watch.observer", "drift", "inputs", "score", "monitor"};
	(void)state;
	for (size_t i = 0; i < sizeof salts / sizeof *salts; i++) {
		const struct sample sample = sample_of(salts[i], 10);
		size_t drawn[5] = {0}, former = 0, pairs = 0;
		for (int nth = 0; nth < 5000; nth++) {
			const struct origin origin = {.topic = TEXT("in"), .partition = nth % 3, .offset = nth / 3};
			const char key[] = {'k', (char)('0' + nth % 5)};
			const struct message keyed = {.key = {key, sizeof key}, .origin = origin}, unkeyed = {.origin = origin};
			assert_int_equal(sample_has(&sample, &keyed), sample_has(&sample, &unkeyed));
			drawn[nth % 5] += sample_has(&sample, &keyed);
			pairs += former && sample_has(&sample, &keyed);
			former = sample_has(&sample, &keyed);
		}
		assert_in_range(pairs, 50 - 35, 50 + 35); /* of neighbours: neither partitions nor offsets follow one another */
		for (size_t key = 0; key < 5; key++)
			assert_in_range(drawn[key], 100 - 48, 100 + 48); /* five times the standard deviation of 9.5 */
	}
}

static void a_sample_of_all_has_each_message_and_of_none_no_message(void **state)
{
	const struct sample all = sample_of("watch", 100), none = sample_of("watch", 0);
	struct message message = {.origin = {.topic = TEXT("in")}};
	(void)state;
	for (; message.origin.offset < 1000; message.origin.offset++)
		assert_true(sample_has(&all, &message) && !sample_has(&none, &message));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_shared_out_as_the_weights_say),
		cmocka_unit_test(each_change_moves_few),
		cmocka_unit_test(so_many_more_than_the_fewest_move_on_average),
		cmocka_unit_test(the_way_to_the_weights_is_nothing_to_the_table),
		cmocka_unit_test(from_a_former_table_the_fewest_move),
		cmocka_unit_test(a_table_keeps_what_its_former_had),
		cmocka_unit_test(the_same_shares_move_nothing),
		cmocka_unit_test(a_renamed_candidate_takes_the_place_of_its_former_name),
		cmocka_unit_test(no_table_is_made_of_no_weights),
		cmocka_unit_test(a_choice_without_weight_is_as_one_that_is_not_there),
		cmocka_unit_test(a_million_keys_are_split_as_the_weights_say),
		cmocka_unit_test(one_choice_says_nothing_of_another),
		cmocka_unit_test(a_key_keeps_its_way_and_without_one_the_record_does),
		cmocka_unit_test(so_many_percent_are_drawn),
		cmocka_unit_test(a_key_decides_and_without_one_the_position),
		cmocka_unit_test(a_sample_has_its_share_of_few_keys_too),
		cmocka_unit_test(a_sample_of_all_has_each_message_and_of_none_no_message),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
