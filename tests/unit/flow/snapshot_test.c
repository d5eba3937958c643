/* snapshot_test.c: Tests of a store as bytes and back; damaged bytes are refused. */
#include "flow/state/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"

#define BYTES_MAX ((size_t)1 << 26)
#define KEYS 3000

static const char *const names[] = {"signals", "bars"};
static const struct store_scopes scopes = {2, names};
static const struct snapshot_head head = {.topic = "t.state", .partition = 3, .offset = 123456789012, .time_ms = 1767225600000};

static struct text number_key(char room[16], unsigned number)
{
	return (struct text){room, (size_t)snprintf(room, 16, "%u", number)};
}

static void fill(struct store *store)
{
	struct error error = {0};
	char room[16];
	for (unsigned i = 0; i < KEYS; i++)
		assert_true(store_restore(store, i % 2, number_key(room, i), number_key(room, i), &error));
}

static void write_all(const struct store *store, struct buffer *out)
{
	struct snapshot_writer writer = {0};
	snapshot_write_head(&writer, &head, store_scopes(store), out);
	while (snapshot_write_block(&writer, store, 2000, out))
		;
	assert_false(buffer_failed(out));
}

/* What is read of these bytes; false: refused, or more bytes were wanted than there are. */
static bool read_all(struct snapshot_reader *reader, struct text bytes, struct store *store, struct error *error)
{
	*reader = (struct snapshot_reader){0};
	for (size_t wants; (wants = snapshot_wants(reader)) > 0;) {
		if (wants > bytes.length)
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "cut off");
		if (!snapshot_take(reader, (struct text){bytes.bytes, wants}, store, error))
			return false;
		bytes = (struct text){bytes.bytes + wants, bytes.length - wants};
	}
	return true;
}

static void assert_refused(struct text bytes, struct store_scopes its_scopes, const char *reason)
{
	struct store *store = store_open(its_scopes, BYTES_MAX);
	struct snapshot_reader reader;
	struct error error = {0};
	assert_false(read_all(&reader, bytes, store, &error));
	assert_false(reader.whole);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, reason));
	store_close(store);
}

struct fixture {
	struct store *store;
	struct buffer bytes;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	fixture.store = store_open(scopes, BYTES_MAX);
	buffer_open(&fixture.bytes, BYTES_MAX);
	fill(fixture.store);
	write_all(fixture.store, &fixture.bytes);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	store_close(fixture->store);
	buffer_close(&fixture->bytes);
	return 0;
}

static void all_that_was_kept_is_read_back(void **state)
{
	struct fixture *fixture = *state;
	struct store *again = store_open(scopes, BYTES_MAX);
	struct snapshot_reader reader;
	struct error error = {0};
	assert_true(read_all(&reader, buffer_view(&fixture->bytes), again, &error));
	assert_true(reader.headed && reader.whole);
	assert_string_equal(reader.head.topic, "t.state");
	assert_int_equal(reader.head.partition, 3);
	assert_true(reader.head.offset == 123456789012);
	assert_true(reader.head.time_ms == 1767225600000);
	assert_int_equal(store_count(again), KEYS);
	for (unsigned i = 0; i < KEYS; i++) {
		char room[16];
		struct text key = number_key(room, i), value;
		assert_true(store_read(again, i % 2, key, &value));
		assert_true(text_equal(key, value));
		assert_false(store_read(again, (i + 1) % 2, key, &value));
	}
	assert_int_equal(store_changes(again), 0);
	store_close(again);
}

static void steps_are_found_by_their_names_when_they_changed_places(void **state)
{
	struct fixture *fixture = *state;
	static const char *const turned[] = {"bars", "signals"};
	struct store *again = store_open((struct store_scopes){2, turned}, BYTES_MAX);
	struct snapshot_reader reader;
	struct error error = {0};
	struct text value;
	assert_true(read_all(&reader, buffer_view(&fixture->bytes), again, &error));
	assert_true(store_read(again, 1, TEXT("0"), &value));
	assert_false(store_read(again, 0, TEXT("0"), &value));
	store_close(again);
}

static void what_a_step_that_is_gone_remembered_is_left_out(void **state)
{
	struct fixture *fixture = *state;
	static const char *const one[] = {"bars"};
	struct store *again = store_open((struct store_scopes){1, one}, BYTES_MAX);
	struct snapshot_reader reader;
	struct error error = {0};
	assert_true(read_all(&reader, buffer_view(&fixture->bytes), again, &error));
	assert_int_equal(store_count(again), KEYS / 2);
	store_close(again);
}

static void a_snapshot_from_before_a_step_was_there_is_refused(void **state)
{
	struct fixture *fixture = *state;
	static const char *const three[] = {"bars", "signals", "new"};
	assert_refused(buffer_view(&fixture->bytes), (struct store_scopes){3, three}, "other steps");
}

static void an_empty_store_has_a_snapshot_too(void **state)
{
	(void)state;
	struct store *empty = store_open(scopes, BYTES_MAX);
	struct buffer bytes;
	struct snapshot_reader reader;
	struct error error = {0};
	buffer_open(&bytes, BYTES_MAX);
	write_all(empty, &bytes);
	assert_true(read_all(&reader, buffer_view(&bytes), empty, &error));
	assert_int_equal(store_count(empty), 0);
	buffer_close(&bytes);
	store_close(empty);
}

static void keys_that_are_released_while_it_is_written_do_not_spoil_it(void **state)
{
	(void)state;
	struct store *store = store_open(scopes, BYTES_MAX), *again = store_open(scopes, BYTES_MAX);
	struct snapshot_writer writer = {0};
	struct snapshot_reader reader;
	struct error error = {0};
	struct buffer bytes;
	char room[16];
	buffer_open(&bytes, BYTES_MAX);
	fill(store);
	snapshot_write_head(&writer, &head, scopes, &bytes);
	for (unsigned i = KEYS; snapshot_write_block(&writer, store, 1000, &bytes); i++)
		for (unsigned j = 0; j < 30; j++)
			store_restore(store, 0, number_key(room, i * 30 + j), TEXT("new"), &error);
	assert_true(read_all(&reader, buffer_view(&bytes), again, &error));
	for (unsigned i = 0; i < KEYS; i++) {
		struct text value;
		assert_true(store_read(again, i % 2, number_key(room, i), &value));
	}
	buffer_close(&bytes);
	store_close(store);
	store_close(again);
}

static void one_changed_bit_anywhere_is_found(void **state)
{
	struct fixture *fixture = *state;
	for (size_t at = 0; at < fixture->bytes.length; at += at < 300 ? 1 : 997) {
		struct store *again = store_open(scopes, BYTES_MAX);
		struct snapshot_reader reader;
		struct error error = {0};
		fixture->bytes.bytes[at] ^= 4;
		assert_false(read_all(&reader, buffer_view(&fixture->bytes), again, &error));
		fixture->bytes.bytes[at] ^= 4;
		store_close(again);
	}
}

static void bytes_that_are_cut_off_are_not_whole(void **state)
{
	struct fixture *fixture = *state;
	for (size_t length = 0; length < fixture->bytes.length; length += 499)
		assert_refused((struct text){fixture->bytes.bytes, length}, scopes, "cut off");
	assert_refused((struct text){fixture->bytes.bytes, fixture->bytes.length - 1}, scopes, "cut off");
}

static void what_is_something_else_or_of_a_later_version_is_named(void **state)
{
	struct fixture *fixture = *state;
	assert_refused(TEXT("not a snapshot at all"), scopes, "not a snapshot of a stage");
	fixture->bytes.bytes[12] = 9;
	assert_refused(buffer_view(&fixture->bytes), scopes, "version 9");
}

static void running_out_of_memory_while_it_is_written_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot_writer writer = {0};
	struct buffer small;
	buffer_open(&small, 600);
	snapshot_write_head(&writer, &head, scopes, &small);
	while (snapshot_write_block(&writer, fixture->store, 2000, &small))
		;
	assert_true(buffer_failed(&small));
	buffer_close(&small);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(all_that_was_kept_is_read_back),
		WITH(steps_are_found_by_their_names_when_they_changed_places),
		WITH(what_a_step_that_is_gone_remembered_is_left_out),
		WITH(a_snapshot_from_before_a_step_was_there_is_refused),
		cmocka_unit_test(an_empty_store_has_a_snapshot_too),
		cmocka_unit_test(keys_that_are_released_while_it_is_written_do_not_spoil_it),
		WITH(one_changed_bit_anywhere_is_found),
		WITH(bytes_that_are_cut_off_are_not_whole),
		WITH(what_is_something_else_or_of_a_later_version_is_named),
		WITH(running_out_of_memory_while_it_is_written_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
