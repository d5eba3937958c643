/* table_test.c: Tests of what a table promises, held against a plain model of it. */
#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/memory.h"

#define KEYS 5000
#define PUTS 60000

static struct text text_print(char *room, size_t size, const char *format, unsigned number)
{
	return (struct text){room, (size_t)snprintf(room, size, format, number)};
}

static struct text key_of(char room[32], unsigned number)
{
	return text_print(room, 32, "key-%u", number);
}

static void what_is_put_is_read_until_it_is_removed(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	struct text value;
	assert_false(table_read(table, TEXT("a"), &value));
	assert_true(table_put(table, TEXT("a"), TEXT("one"), false));
	assert_true(table_read(table, TEXT("a"), &value));
	assert_true(text_is(value, "one"));
	assert_true(table_put(table, TEXT("a"), TEXT("a longer one than that before it"), false));
	assert_true(table_read(table, TEXT("a"), &value));
	assert_true(text_is(value, "a longer one than that before it"));
	assert_int_equal(table_count(table), 1);
	assert_true(table_put(table, TEXT("a"), (struct text){0}, false));
	assert_false(table_read(table, TEXT("a"), &value));
	assert_int_equal(table_count(table), 0);
	table_close(table);
}

static void an_empty_value_and_an_empty_key_are_something(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	struct text value = TEXT("before");
	assert_true(table_put(table, (struct text){0}, TEXT(""), false));
	assert_true(table_read(table, (struct text){0}, &value));
	assert_int_equal(value.length, 0);
	table_close(table);
}

static void values_are_aligned_whatever_the_length_of_their_key(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	for (size_t length = 0; length < 20; length++) {
		struct text key = {"abcdefghijklmnopqrst", length}, value;
		assert_true(table_put(table, key, TEXT("12345678"), false));
		assert_true(table_read(table, key, &value));
		assert_int_equal((uintptr_t)value.bytes % 8, 0);
	}
	table_close(table);
}

/* A model of the table: for each key the length of its value, made of one letter; -1: none. */
static void agree(const struct state_table *table, const int *lengths)
{
	size_t count = 0;
	for (unsigned i = 0; i < KEYS; i++) {
		char room[32];
		struct text value;
		bool there = table_read(table, key_of(room, i), &value);
		assert_int_equal(there, lengths[i] >= 0);
		count += there;
		if (!there)
			continue;
		assert_int_equal(value.length, lengths[i]);
		for (size_t at = 0; at < value.length; at++)
			assert_int_equal(value.bytes[at], 'a' + i % 26);
	}
	assert_int_equal(table_count(table), count);
}

static void any_order_of_puts_and_removals_leaves_what_was_put_last(void **state)
{
	(void)state;
	static int lengths[KEYS];
	memset(lengths, -1, sizeof lengths);
	struct state_table *table = table_open();
	for (unsigned put = 0; put < PUTS; put++) {
		uint64_t draw = hash_bytes(&put, sizeof put, 7);
		unsigned key = (unsigned)(draw % KEYS);
		char room[32], bytes[200];
		lengths[key] = draw >> 32 & 3 ? (int)(draw >> 40 & 127) : -1;
		memset(bytes, 'a' + (int)(key % 26), sizeof bytes);
		struct text value = {lengths[key] < 0 ? NULL : bytes, lengths[key] < 0 ? 0 : (size_t)lengths[key]};
		assert_true(table_put(table, key_of(room, key), value, draw >> 60 & 1));
		if (put % 7 == 0 && table_changes(table))
			table_change_written(table);
	}
	agree(table, lengths);
	while (table_changes(table))
		table_change_written(table);
	agree(table, lengths);
	table_close(table);
}

static void a_key_that_changes_often_is_told_once_as_it_is_by_then(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	struct text key, value;
	table_put(table, TEXT("quiet"), TEXT("x"), false);
	assert_int_equal(table_changes(table), 0);
	for (unsigned i = 0; i < 100; i++) {
		char room[32];
		table_put(table, TEXT("a"), key_of(room, i * i * i), true);
	}
	assert_int_equal(table_changes(table), 1);
	assert_true(table_change(table, &key, &value));
	assert_true(text_is(key, "a"));
	assert_true(text_is(value, "key-970299"));
	table_change_written(table);
	assert_false(table_change(table, &key, &value));
	table_close(table);
}

/* Those told so far leave room for more before memory is taken. */
static void changes_are_told_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	struct text key, value;
	char room[32];
	unsigned put = 0, told = 0;
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 20; i++)
			table_put(table, key_of(room, put++), TEXT("x"), true);
		table_put(table, key_of(room, told), (struct text){0}, true); /* keeps its place */
		for (unsigned i = 0; i < 15; i++) {
			assert_true(table_change(table, &key, &value));
			assert_true(text_equal(key, key_of(room, told++)));
			assert_int_equal(value.bytes == NULL, i == 0);
			table_change_written(table);
		}
	}
	assert_int_equal(table_changes(table), put - told);
	for (; told < put; told++) {
		assert_true(table_change(table, &key, &value));
		assert_true(text_equal(key, key_of(room, told)));
		table_change_written(table);
	}
	assert_false(table_change(table, &key, &value));
	table_close(table);
}

static void a_removal_is_told_and_takes_no_memory_afterwards(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	struct text key, value;
	table_put(table, TEXT("first"), TEXT("1"), true);
	table_change_written(table);
	size_t before = table_bytes(table);
	table_put(table, TEXT("first"), (struct text){0}, true);
	size_t without = table_bytes(table);
	assert_true(without < before);
	table_put(table, TEXT("a"), TEXT("1"), true);
	table_put(table, TEXT("a"), (struct text){0}, true);
	assert_int_equal(table_changes(table), 2);
	while (table_change(table, &key, &value)) {
		assert_null(value.bytes);
		table_change_written(table);
	}
	assert_int_equal(table_bytes(table), without);
	table_put(table, TEXT("a"), TEXT("again"), true);
	assert_true(table_read(table, TEXT("a"), &value));
	assert_true(text_is(value, "again"));
	table_close(table);
}

static void a_key_is_counted_until_it_is_removed(void **state)
{
	(void)state;
	static char large[100000];
	struct state_table *table = table_open();
	const struct text values[] = {{large, sizeof large}, TEXT("small"), {large, 0}};
	const size_t empty = table_bytes(table);
	for (size_t i = 0; i < 2 * sizeof values / sizeof *values; i++) {
		const struct text value = values[i / 2];
		const size_t cost = table_cost(1, value.length) - sizeof(void *); /* of a bucket */
		const bool noted = i % 2; /* one that was not noted leaves at once */
		table_put(table, TEXT("k"), value, noted);
		assert_int_equal(table_bytes(table), empty + cost);
		table_put(table, TEXT("k"), value, noted);
		assert_int_equal(table_bytes(table), empty + cost);
		table_put(table, TEXT("k"), (struct text){0}, noted);
		assert_int_equal(table_bytes(table), empty);
		table_put(table, TEXT("k"), (struct text){0}, noted);
		assert_int_equal(table_bytes(table), empty);
	}
	assert_int_equal(table_changes(table), 1);
	table_change_written(table);
	assert_int_equal(table_bytes(table), empty);
	table_close(table);
}

/* An item that shrinks may move in memory: its change is still found. */
static void removed_keys_are_told_in_their_order(void **state)
{
	(void)state;
	enum { MANY = 1000 };
	static char large[5000];
	struct state_table *table = table_open();
	struct text key, value;
	char room[32];
	for (unsigned i = 0; i < MANY; i++)
		table_put(table, key_of(room, i), (struct text){large, i * 5}, true);
	for (unsigned i = 0; i < MANY; i += 2)
		table_put(table, key_of(room, i), (struct text){0}, true);
	for (unsigned i = 0; i < MANY; i++, table_change_written(table)) {
		assert_true(table_change(table, &key, &value));
		assert_true(text_equal(key, key_of(room, i)));
		assert_true(i % 2 ? value.length == i * 5 : value.bytes == NULL);
	}
	table_close(table);
}

struct seen {
	int times[KEYS];
};

static void note_seen(void *context, struct text key, struct text value)
{
	struct seen *seen = context;
	(void)value;
	char number[32];
	memcpy(number, key.bytes + 4, key.length - 4);
	number[key.length - 4] = '\0';
	seen->times[strtol(number, NULL, 10)]++;
}

static void a_walk_shows_every_key_that_was_there_though_the_table_grows_meanwhile(void **state)
{
	(void)state;
	static struct seen seen;
	memset(&seen, 0, sizeof seen);
	struct state_table *table = table_open();
	char room[32];
	for (unsigned i = 0; i < KEYS / 4; i++)
		table_put(table, key_of(room, i), TEXT("v"), false);
	size_t buckets = table_buckets(table);
	unsigned next = KEYS / 4;
	for (size_t bucket = 0; bucket < table_buckets(table); bucket++) {
		table_show(table, bucket, note_seen, &seen);
		for (unsigned i = 0; i < 3 && next < KEYS; i++, next++)
			table_put(table, key_of(room, next), TEXT("v"), false);
	}
	assert_true(table_buckets(table) > buckets * 2);
	for (unsigned i = 0; i < KEYS / 4; i++)
		assert_true(seen.times[i] >= 1);
	table_close(table);
}

static void what_it_holds_is_counted_within_a_tenth(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	size_t empty = table_bytes(table), promised = 0;
	char room[32], bytes[100] = {0};
	for (unsigned i = 0; i < KEYS; i++) {
		struct text key = key_of(room, i);
		promised += table_cost(key.length, sizeof bytes);
		table_put(table, key, (struct text){bytes, sizeof bytes}, false);
	}
	size_t grown = table_bytes(table) - empty;
	assert_true(grown <= promised + promised / 10);
	assert_true(grown >= KEYS * (sizeof bytes + 8));
	table_close(table);
}

static void a_value_that_fits_where_it_stood_asks_the_heap_for_nothing(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	table_put(table, TEXT("a"), TEXT("12345678"), true);
	uint64_t before = memory_taken();
	for (int i = 0; i < 1000; i++)
		table_put(table, TEXT("a"), TEXT("abcdefgh"), true);
	assert_int_equal(memory_taken(), before);
	table_close(table);
}

static void without_memory_a_put_changes_nothing(void **state)
{
	(void)state;
	struct state_table *table = table_open();
	table_put(table, TEXT("a"), TEXT("short"), false);
	struct text value;
	memory_fail_at(1);
	assert_false(table_put(table, TEXT("b"), TEXT("x"), false));
	memory_fail_at(1);
	assert_false(table_put(table, TEXT("a"), TEXT("far longer than what stood there before"), false));
	memory_fail_at(0);
	assert_true(table_read(table, TEXT("a"), &value));
	assert_true(text_is(value, "short"));
	assert_false(table_read(table, TEXT("b"), &value));
	assert_int_equal(table_count(table), 1);
	table_close(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_read_until_it_is_removed),
		cmocka_unit_test(an_empty_value_and_an_empty_key_are_something),
		cmocka_unit_test(values_are_aligned_whatever_the_length_of_their_key),
		cmocka_unit_test(any_order_of_puts_and_removals_leaves_what_was_put_last),
		cmocka_unit_test(a_key_that_changes_often_is_told_once_as_it_is_by_then),
		cmocka_unit_test(changes_are_told_in_the_order_in_which_they_came),
		cmocka_unit_test(a_removal_is_told_and_takes_no_memory_afterwards),
		cmocka_unit_test(a_key_is_counted_until_it_is_removed),
		cmocka_unit_test(removed_keys_are_told_in_their_order),
		cmocka_unit_test(a_walk_shows_every_key_that_was_there_though_the_table_grows_meanwhile),
		cmocka_unit_test(what_it_holds_is_counted_within_a_tenth),
		cmocka_unit_test(a_value_that_fits_where_it_stood_asks_the_heap_for_nothing),
		cmocka_unit_test(without_memory_a_put_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
