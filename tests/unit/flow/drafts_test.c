/* drafts_test.c: Tests of what a visit has written is found by key, however much it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/drafts.h"
#include "tests/unit/collision.h"

#define MANY 10000

struct made_key {
	char bytes[16];
	struct text text;
};

static struct text numbered(struct made_key *key, int number)
{
	key->text = (struct text){key->bytes, (size_t)snprintf(key->bytes, sizeof key->bytes, "key %d", number)};
	return key->text;
}

static void each_key_is_found_before_and_behind_the_border_of_looking_through(void **state)
{
	(void)state;
	struct arena *arena = arena_open(64 << 20);
	struct drafts drafts = {0};
	struct made_key key;
	assert_non_null(arena);
	for (int i = 0; i < MANY; i++) {
		assert_null(drafts_find(&drafts, numbered(&key, i)));
		struct write *write = drafts_add(&drafts, numbered(&key, i), arena);
		assert_non_null(write);
		assert_ptr_equal(drafts_find(&drafts, numbered(&key, i)), write);
		assert_non_null(drafts_find(&drafts, numbered(&key, 0)));
		assert_non_null(drafts_find(&drafts, numbered(&key, i / 2)));
	}
	assert_int_equal(drafts.count, MANY);
	for (int i = 0; i < MANY; i++) {
		const struct write *write = drafts_find(&drafts, numbered(&key, i));
		assert_non_null(write);
		assert_true(text_equal(write->key, key.text));
	}
	arena_close(arena);
}

static void keys_of_one_hash_are_not_taken_for_each_other(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	struct drafts drafts = {0};
	struct collision collision;
	struct made_key key;
	collision_find(&collision);
	assert_non_null(arena);
	for (int i = 0; i < 4 * DRAFTS_LOOKED_THROUGH; i++)
		assert_non_null(drafts_add(&drafts, numbered(&key, i), arena));
	const struct write *first = drafts_add(&drafts, collision.keys[0], arena);
	assert_non_null(first);
	assert_null(drafts_find(&drafts, collision.keys[1]));
	const struct write *second = drafts_add(&drafts, collision.keys[1], arena);
	assert_ptr_equal(drafts_find(&drafts, collision.keys[0]), first);
	assert_ptr_equal(drafts_find(&drafts, collision.keys[1]), second);
	arena_close(arena);
}

/* They are journaled in this order, and a message's writes are put the other way round then. */
static void the_newest_come_first(void **state)
{
	(void)state;
	struct arena *arena = arena_open(1 << 20);
	struct drafts drafts = {0};
	struct made_key key;
	int number = 4 * DRAFTS_LOOKED_THROUGH;
	assert_non_null(arena);
	for (int i = 0; i < number; i++)
		assert_non_null(drafts_add(&drafts, numbered(&key, i), arena));
	for (const struct write *write = drafts.newest; write; write = write->next)
		assert_true(text_equal(write->key, numbered(&key, --number)));
	assert_int_equal(number, 0);
	arena_close(arena);
}

static void without_memory_what_stands_there_stands_still(void **state)
{
	(void)state;
	struct arena *arena = arena_open(32 << 10);
	struct drafts drafts = {0};
	struct made_key key;
	int number = 0;
	assert_non_null(arena);
	while (number < MANY && drafts_add(&drafts, numbered(&key, number), arena))
		number++;
	assert_in_range(number, DRAFTS_LOOKED_THROUGH, MANY - 1);
	assert_int_equal(drafts.count, number);
	assert_null(drafts_find(&drafts, numbered(&key, number)));
	while (number-- > 0)
		assert_non_null(drafts_find(&drafts, numbered(&key, number)));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_is_found_before_and_behind_the_border_of_looking_through),
		cmocka_unit_test(keys_of_one_hash_are_not_taken_for_each_other),
		cmocka_unit_test(the_newest_come_first),
		cmocka_unit_test(without_memory_what_stands_there_stands_still),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
