/* store_test.c: Tests of what steps remember of a partition: seen at once, kept when it is
 * released, told once. */
#include "flow/state/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "flow/state/change.h"
#include "tests/unit/collision.h"

#define BYTES_MAX ((size_t)1 << 24)

static const char *const names[] = {"first", "second"};
static const struct store_scopes scopes = {2, names};

static struct store *store_of(void **state)
{
	return *state;
}

static int set_up(void **state)
{
	*state = store_open(scopes, BYTES_MAX);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	store_close(*state);
	return 0;
}

static void assert_reads(const struct store *store, uint32_t scope, const char *key, const char *expected)
{
	struct text value;
	bool there = store_read(store, scope, text_of(key), &value);
	assert_int_equal(there, expected != NULL);
	if (expected)
		assert_true(text_is(value, expected));
}

static void journal(struct store *store, struct write *write, uint32_t scope, const char *key, const char *value)
{
	struct error error = {0};
	*write = (struct write){.scope = scope, .key = text_of(key), .value = text_of(value)};
	assert_true(store_journal(store, write, &error));
}

static void release(struct store *store, struct write *write)
{
	struct error error = {0};
	assert_true(store_release(store, write, &error));
}

static void a_write_is_seen_at_once_and_told_when_it_is_released(void **state)
{
	struct store *store = store_of(state);
	struct write write;
	struct change change;
	journal(store, &write, 0, "k", "one");
	assert_reads(store, 0, "k", "one");
	assert_int_equal(store_changes(store), 0);
	assert_int_equal(store_count(store), 0);
	release(store, &write);
	assert_reads(store, 0, "k", "one");
	assert_int_equal(store_count(store), 1);
	assert_true(store_change(store, &change));
	assert_true(text_is(change.key, "k") && text_is(change.value, "one") && change.scope == 0);
	store_change_written(store);
	assert_false(store_change(store, &change));
}

static void the_newest_write_is_seen_whatever_was_released_before_it(void **state)
{
	struct store *store = store_of(state);
	struct write older, newer;
	journal(store, &older, 0, "k", "one");
	journal(store, &newer, 0, "k", "two");
	assert_reads(store, 0, "k", "two");
	release(store, &older);
	assert_reads(store, 0, "k", "two");
	release(store, &newer);
	assert_reads(store, 0, "k", "two");
	assert_int_equal(store_changes(store), 1);
}

static void a_removal_hides_what_was_kept_before_it_is_released(void **state)
{
	struct store *store = store_of(state);
	struct write put, removal;
	struct change change;
	journal(store, &put, 1, "k", "one");
	release(store, &put);
	journal(store, &removal, 1, "k", NULL);
	assert_reads(store, 1, "k", NULL);
	release(store, &removal);
	assert_reads(store, 1, "k", NULL);
	assert_true(store_change(store, &change));
	assert_null(change.value.bytes);
	store_change_written(store);
	assert_int_equal(store_count(store), 0);
}

/* Neither in the journal nor when they are kept, nor when one of them is taken out. */
static void keys_of_one_hash_are_not_taken_for_each_other(void **state)
{
	struct store *store = store_of(state);
	struct collision collision;
	struct write one, other, removal;
	collision_find(&collision);
	const char *first = collision.bytes[0], *second = collision.bytes[1];
	journal(store, &one, 0, first, "one");
	assert_reads(store, 0, second, NULL);
	journal(store, &other, 0, second, "other");
	assert_reads(store, 0, first, "one");
	assert_reads(store, 0, second, "other");
	release(store, &one);
	assert_reads(store, 0, first, "one");
	release(store, &other);
	assert_reads(store, 0, first, "one");
	assert_reads(store, 0, second, "other");
	assert_int_equal(store_count(store), 2);
	journal(store, &removal, 0, first, NULL);
	release(store, &removal);
	while (store_changes(store) > 0)
		store_change_written(store);
	assert_reads(store, 0, first, NULL);
	assert_reads(store, 0, second, "other");
}

static void steps_do_not_see_each_others_keys(void **state)
{
	struct store *store = store_of(state);
	struct write first, second;
	journal(store, &first, 0, "k", "of the first");
	assert_reads(store, 1, "k", NULL);
	journal(store, &second, 1, "k", "of the second");
	release(store, &first);
	release(store, &second);
	assert_reads(store, 0, "k", "of the first");
	assert_reads(store, 1, "k", "of the second");
	assert_int_equal(store_changes(store), 2);
}

static void all_writes_of_a_message_are_released_together(void **state)
{
	struct store *store = store_of(state);
	struct write writes[3];
	journal(store, &writes[0], 0, "a", "1");
	journal(store, &writes[1], 0, "b", "2");
	journal(store, &writes[2], 1, "a", "3");
	writes[0].next = &writes[1];
	writes[1].next = &writes[2];
	release(store, &writes[0]);
	assert_int_equal(store_count(store), 3);
}

static void thousands_of_messages_in_flight_are_kept_apart(void **state)
{
	struct store *store = store_of(state);
	enum { COUNT = 5000 };
	static struct write writes[COUNT];
	static char keys[COUNT][16];
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(keys[i], sizeof keys[i], "%u", i);
		journal(store, &writes[i], 0, keys[i], keys[i]);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		assert_reads(store, 0, keys[i], keys[i]);
		release(store, &writes[i]);
	}
	for (unsigned i = 0; i < COUNT; i++)
		assert_reads(store, 0, keys[i], keys[i]);
	assert_int_equal(store_count(store), COUNT);
}

static void what_would_not_fit_is_refused_by_name_before_it_is_written(void **state)
{
	(void)state;
	static char large[64 << 10];
	struct error error = {0};
	struct store *small = store_open(scopes, sizeof large);
	struct write write = {.scope = 1, .key = TEXT("k"), .value = {large, 1000}};
	assert_true(store_has_room(small, &write, &error));
	write.value.length = sizeof large;
	assert_false(store_has_room(small, &write, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "`second`"));
	assert_non_null(strstr(error.text, "65536"));
	error = (struct error){0};
	assert_true(store_may_write(small, 0, STORE_KEY_BYTES_MAX, STORE_VALUE_BYTES_MAX, &error));
	assert_false(store_may_write(small, 0, STORE_KEY_BYTES_MAX + 1, 1, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	error = (struct error){0};
	assert_false(store_may_write(small, 0, 1, STORE_VALUE_BYTES_MAX + 1, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	store_close(small);
}

/* A store of at most so many bytes, whose only key has a value of 1,000. */
static struct store *store_of_one(size_t bytes_max)
{
	static char value[1000];
	struct write write = {.key = TEXT("k"), .value = {value, sizeof value}};
	struct error error = {0};
	struct store *store = store_open(scopes, bytes_max);
	assert_true(store_has_room(store, &write, &error));
	assert_true(store_journal(store, &write, &error));
	release(store, &write);
	store_change_written(store);
	return store;
}

/* It has room for so many bytes more. */
static struct store *full_store(size_t room)
{
	struct store *measured = store_of_one(1 << 20);
	struct store *full = store_of_one(store_bytes(measured) + room);
	store_close(measured);
	return full;
}

static bool has_room_for(const struct store *store, uint32_t scope, const char *key, size_t length)
{
	static char value[2000];
	struct error error = {0};
	const struct write write = {.scope = scope, .key = text_of(key), .value = {value, length}};
	assert_true(length <= sizeof value);
	return store_has_room(store, &write, &error);
}

static void a_full_store_goes_on_for_the_keys_that_it_has(void **state)
{
	(void)state;
	const size_t growth = table_cost(1, 1100) - table_cost(1, 1000);
	struct store *full = full_store(growth - 1), *roomier = full_store(growth);
	assert_true(has_room_for(full, 0, "k", 1000));
	assert_false(has_room_for(full, 0, "l", 1000));
	assert_false(has_room_for(full, 1, "k", 1000)); /* of another step */
	assert_false(has_room_for(full, 0, "k", 1100));
	assert_true(has_room_for(roomier, 0, "k", 1100));
	store_close(full);
	store_close(roomier);
}

static void a_store_beyond_its_limit_takes_what_is_not_larger(void **state)
{
	(void)state;
	struct error error = {0};
	struct store *small = store_open(scopes, 100);
	assert_true(store_restore(small, 0, TEXT("k"), TEXT("of a time with a higher limit"), &error));
	assert_true(has_room_for(small, 0, "k", strlen("of a time with a higher limit")));
	assert_true(has_room_for(small, 0, "k", 1));
	assert_false(has_room_for(small, 0, "k", 100));
	store_close(small);
}

static void what_is_removed_makes_room_for_what_is_written_with_it(void **state)
{
	(void)state;
	static char value[1200];
	struct error error = {0};
	struct store *full = full_store(100);
	struct write removal = {.key = TEXT("k")}, other = {.next = &removal, .key = TEXT("l"), .value = {value, 1000}};
	assert_true(store_has_room(full, &removal, &error));
	assert_true(store_has_room(full, &other, &error));
	other.value.length = sizeof value;
	assert_false(store_has_room(full, &other, &error));
	assert_non_null(strstr(error.text, "step `first` cannot keep more state"));
	assert_true(store_journal(full, &removal, &error)); /* the present value is the one that is on its way */
	assert_false(has_room_for(full, 0, "k", 1000));
	store_close(full);
}

/* Its change may wait long for Kafka. */
static void what_is_removed_makes_room_when_it_is_released(void **state)
{
	(void)state;
	struct error error = {0};
	struct store *full = full_store(sizeof(void *)); /* of a bucket */
	struct write removal = {.key = TEXT("k")};
	assert_true(store_journal(full, &removal, &error));
	assert_false(has_room_for(full, 0, "l", 1000));
	release(full, &removal);
	assert_int_equal(store_changes(full), 1);
	assert_true(has_room_for(full, 0, "l", 1000));
	store_change_written(full);
	assert_true(has_room_for(full, 0, "l", 1000));
	assert_false(has_room_for(full, 0, "l", 1100));
	store_close(full);
}

/* Nor does it count how many changes wait. */
static void changes_that_wait_take_no_room(void **state)
{
	(void)state;
	struct error error = {0};
	char keys[1000][8];
	struct store *store = store_open(scopes, 1 << 20);
	const size_t empty = store_bytes(store);
	for (int i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		struct write put = {.key = text_of(keys[i]), .value = TEXT("value")}, removal = {.key = text_of(keys[i])};
		assert_true(store_journal(store, &put, &error));
		release(store, &put);
		assert_true(store_journal(store, &removal, &error));
		release(store, &removal);
	}
	assert_int_equal(store_changes(store), 1000);
	assert_in_range(store_bytes(store), empty, empty + 1000 * table_cost(0, 0) / 4); /* the buckets remain */
	store_close(store);
}

static void writes_on_their_way_count_until_they_are_released(void **state)
{
	(void)state;
	struct error error = {0};
	static char bytes[20000];
	struct store *small = store_open(scopes, 64 << 10);
	struct write write = {.key = TEXT("k"), .value = {bytes, sizeof bytes}};
	size_t empty = store_bytes(small);
	assert_true(store_journal(small, &write, &error));
	assert_true(store_bytes(small) >= empty + sizeof bytes);
	release(small, &write);
	assert_true(store_bytes(small) >= empty + sizeof bytes);
	assert_true(store_bytes(small) < empty + 2 * sizeof bytes);
	store_close(small);
}

static void what_is_brought_back_is_no_change(void **state)
{
	struct store *store = store_of(state);
	struct error error = {0};
	uint32_t scope = 9;
	assert_true(store_scope_find(store, TEXT("second"), &scope));
	assert_int_equal(scope, 1);
	assert_false(store_scope_find(store, TEXT("gone"), &scope));
	assert_true(store_restore(store, 1, TEXT("k"), TEXT("v"), &error));
	assert_reads(store, 1, "k", "v");
	assert_int_equal(store_changes(store), 0);
	assert_true(store_restore(store, 1, TEXT("k"), (struct text){0}, &error));
	assert_reads(store, 1, "k", NULL);
	assert_int_equal(store_changes(store), 0);
}

static void running_out_of_memory_is_said(void **state)
{
	struct store *store = store_of(state);
	struct error error = {0};
	struct write write;
	journal(store, &write, 0, "k", "v");
	memory_fail_at(1);
	assert_false(store_release(store, &write, &error));
	memory_fail_at(0);
	assert_int_equal(error.kind, ERROR_SYSTEM);
}

/* ---- as records of a changelog ---- */

static void a_change_is_read_back_from_its_record(void **state)
{
	(void)state;
	struct buffer key, value;
	struct text scope, its_key, its_value;
	struct error error = {0};
	buffer_open(&key, 1 << 20);
	buffer_open(&value, 1 << 20);
	change_write_key(&key, "signals", TEXT("a\0b"));
	change_write_value(&value, TEXT("bytes"));
	assert_true(change_read(buffer_view(&key), buffer_view(&value), &scope, &its_key, &its_value, "fraud", &error));
	assert_true(text_is(scope, "signals"));
	assert_true(text_equal(its_key, TEXT("a\0b")));
	assert_true(text_is(its_value, "bytes"));
	assert_true(change_read(buffer_view(&key), (struct text){0}, &scope, &its_key, &its_value, "fraud", &error));
	assert_null(its_value.bytes);
	buffer_close(&key);
	buffer_close(&value);
}

static void a_record_that_is_no_change_is_refused_with_its_reason(void **state)
{
	(void)state;
	static const struct {
		struct text key, value;
		const char *reason;
	} cases[] = {
		{{0}, {0}, "empty"},
		{{"\1\3ab", 4}, {0}, "names no step"},
		{{"\1", 1}, {0}, "names no step"},
		{{"\1\0ab", 4}, {0}, "names no step"},
		{{"\2\1ab", 4}, {0}, "version 2"},
		{{"\1\1ab", 4}, {"\7x", 2}, "version 7"},
		{{"\1\1ab", 4}, {"", 0}, "empty"},
		{{"keeper", 6}, {"{}", 2}, "its key begins with the byte 107"},
		{{" x", 2}, {"{}", 2}, "its key begins with the byte 32"},
		{{"\xff\1ab", 4}, {"\1v", 2}, "its key begins with the byte 255"},
		{{"\0\0\0\1", 4}, {"\0v", 2}, "its key begins with the byte 0"},
		{{"\1\1ab", 4}, {"{}", 2}, "its value begins with the byte 123"},
		{{"\37\1ab", 4}, {"\1v", 2}, "version 31"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text scope, key, value;
		struct error error = {0};
		assert_false(change_read(cases[i].key, cases[i].value, &scope, &key, &value, "fraud", &error));
		assert_int_equal(error.kind, ERROR_SYSTEM);
		assert_non_null(strstr(error.text, cases[i].reason));
		const bool newer = strstr(cases[i].reason, "version") != NULL;
		assert_non_null(
			strstr(error.text, newer ? "run the one that wrote it" : "start once with --new-state fraud, which"));
		error = (struct error){0};
		assert_false(change_read(cases[i].key, cases[i].value, &scope, &key, &value, NULL, &error));
		assert_non_null(strstr(error.text, cases[i].reason));
		assert_non_null(
			strstr(error.text, newer ? "run the one" : "create it again, and its observers begin without state"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_is_seen_at_once_and_told_when_it_is_released, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_newest_write_is_seen_whatever_was_released_before_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_removal_hides_what_was_kept_before_it_is_released, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_of_one_hash_are_not_taken_for_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(steps_do_not_see_each_others_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_writes_of_a_message_are_released_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thousands_of_messages_in_flight_are_kept_apart, set_up, tear_down),
		cmocka_unit_test(what_would_not_fit_is_refused_by_name_before_it_is_written),
		cmocka_unit_test(a_full_store_goes_on_for_the_keys_that_it_has),
		cmocka_unit_test(a_store_beyond_its_limit_takes_what_is_not_larger),
		cmocka_unit_test(what_is_removed_makes_room_for_what_is_written_with_it),
		cmocka_unit_test(what_is_removed_makes_room_when_it_is_released),
		cmocka_unit_test(changes_that_wait_take_no_room),
		cmocka_unit_test(writes_on_their_way_count_until_they_are_released),
		cmocka_unit_test_setup_teardown(what_is_brought_back_is_no_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(running_out_of_memory_is_said, set_up, tear_down),
		cmocka_unit_test(a_change_is_read_back_from_its_record),
		cmocka_unit_test(a_record_that_is_no_change_is_refused_with_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
