/* memo_test.c: values kept by key for a while, in a fixed piece of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/memory.h"
#include "models/calls/memo.h"

static struct memo_key key_of(uint64_t number)
{
	struct memo_key key = {0};
	for (uint64_t i = 0; i < sizeof key / sizeof i; i++) {
		uint64_t part = hash_bytes(&number, sizeof number, i);
		memcpy(key.bytes + i * sizeof part, &part, sizeof part);
	}
	return key;
}

static void keep(struct memo *memo, uint64_t number, const char *value, int64_t until_ms)
{
	struct memo_key key = key_of(number);
	memo_keep(memo, &key, text_of(value), until_ms);
}

static bool holds(const struct memo *memo, uint64_t number, int64_t now_ms, const char *value)
{
	struct memo_key key = key_of(number);
	struct text found;
	return memo_find(memo, &key, now_ms, &found) && text_is(found, value);
}

static void what_was_kept_is_found_until_its_time(void **state)
{
	(void)state;
	struct memo *memo = memo_open(4096);
	keep(memo, 1, "one", 100);
	keep(memo, 2, "", 200);
	assert_true(holds(memo, 1, 99, "one"));
	assert_true(holds(memo, 2, 199, ""));
	assert_false(holds(memo, 1, 100, "one"));
	assert_false(holds(memo, 3, 0, ""));
	memo_close(memo);
}

static void the_newest_value_of_a_key_counts(void **state)
{
	(void)state;
	struct memo *memo = memo_open(4096);
	keep(memo, 1, "old", 100);
	keep(memo, 1, "new", 300);
	assert_true(holds(memo, 1, 200, "new"));
	memo_close(memo);
}

/* Each value says which it is, so a mix would be seen. */
static void the_oldest_make_room_and_nothing_is_ever_mixed(void **state)
{
	(void)state;
	struct memo *memo = memo_open(64 << 10);
	uint64_t taken = memory_taken();
	size_t found = 0;
	for (uint64_t i = 0; i < 20000; i++) {
		char value[300], expected[300];
		int width = (int)(i % 97) + 8;
		snprintf(value, sizeof value, "%0*llu", width, (unsigned long long)i);
		keep(memo, i, value, 1000);
		assert_true(holds(memo, i, 0, value));
		uint64_t before = i > 50 ? i - 50 : 0;
		snprintf(expected, sizeof expected, "%0*llu", (int)(before % 97) + 8, (unsigned long long)before);
		struct memo_key key = key_of(before);
		struct text old;
		if (memo_find(memo, &key, 0, &old)) {
			assert_true(text_is(old, expected));
			found++;
		}
	}
	assert_true(found > 15000);
	assert_false(holds(memo, 0, 0, "00000000"));
	assert_int_equal(memory_taken(), taken);
	memo_close(memo);
}

static void what_would_drive_out_everything_is_not_kept(void **state)
{
	(void)state;
	static const char much[2000];
	struct memo *memo = memo_open(4096);
	struct memo_key key = key_of(1);
	struct text value;
	memo_keep(memo, &key, (struct text){much, sizeof much}, 1000);
	assert_false(memo_find(memo, &key, 0, &value));
	memo_close(memo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_is_found_until_its_time),
		cmocka_unit_test(the_newest_value_of_a_key_counts),
		cmocka_unit_test(the_oldest_make_room_and_nothing_is_ever_mixed),
		cmocka_unit_test(what_would_drive_out_everything_is_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
