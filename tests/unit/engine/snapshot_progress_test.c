/* snapshot_progress_test.c: Tests of a snapshot in progress: its blocks, which commit lets it be kept, and how it is given up. */
#include "engine/worker/snapshot_progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define BYTES_MAX ((size_t)1 << 26)
#define KEYS 40000 /* more than one block has */
#define TICKET 7

/* An archive that counts what it is asked for, and takes all. */
static struct {
	struct archive archive;
	uint64_t ticket;
	int begun, written, kept, forgotten;
	int64_t offset;
	bool refuses;
} its;

static bool archive_say(struct error *error)
{
	return !its.refuses || error_set(error, ERROR_SYSTEM, PLACE_NONE, "the disk is full");
}

static bool on_begin(struct archive *archive, uint64_t ticket, const struct archive_place *place, int64_t offset,
		     struct error *error)
{
	(void)archive, (void)place;
	its.ticket = ticket;
	its.offset = offset;
	its.begun++;
	return archive_say(error);
}

static bool on_write(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct buffer *block,
		     struct error *error)
{
	(void)archive, (void)place;
	assert_int_equal(ticket, its.ticket);
	assert_true(buffer_view(block).length > 0);
	buffer_clear(block);
	its.written++;
	return archive_say(error);
}

static bool on_keep(struct archive *archive, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	(void)archive, (void)place;
	assert_int_equal(ticket, its.ticket);
	its.kept++;
	return archive_say(error);
}

static void on_forget(struct archive *archive, uint64_t ticket)
{
	(void)archive;
	assert_int_equal(ticket, its.ticket);
	its.forgotten++;
}

static const struct archive_operations operations = {.begin = on_begin, .write = on_write, .keep = on_keep, .forget = on_forget};
static const struct archive_place place;
static const struct snapshot_head head = {.topic = "t.state", .partition = 1, .offset = 12};
static struct snapshot_progress progress;
static struct store *store;

static int progress_begin(void **state)
{
	static const char *const names[] = {"signals"};
	struct error error = {0};
	(void)state;
	its.archive.operations = &operations;
	its.ticket = 0;
	its.begun = its.written = its.kept = its.forgotten = 0;
	its.refuses = false;
	store = store_open((struct store_scopes){1, names}, BYTES_MAX);
	for (unsigned i = 0; store && i < KEYS; i++) {
		char room[16];
		const struct text key = {room, (size_t)snprintf(room, sizeof room, "%u", i)};
		if (!store_restore(store, 0, key, key, &error))
			return -1;
	}
	snapshot_progress_open(&progress);
	return store && snapshot_progress_begin(&progress, &its.archive, TICKET, store, &place, 12, &error) ? 0 : -1;
}

static int progress_end(void **state)
{
	(void)state;
	snapshot_progress_give_up(&progress, &its.archive);
	snapshot_progress_close(&progress);
	store_close(store);
	return 0;
}

static bool go_on(uint64_t ends)
{
	return snapshot_progress_go_on(&progress, &its.archive, &place, &head, ends, &(struct error){0});
}

static void write_all(uint64_t ends)
{
	for (int i = 0; i < 1000 && progress.stage != SNAPSHOT_WRITTEN; i++)
		assert_true(go_on(ends));
	assert_int_equal(progress.stage, SNAPSHOT_WRITTEN);
}

static void it_is_written_in_blocks(void **state)
{
	(void)state;
	assert_int_equal(its.begun, 1);
	assert_int_equal(its.ticket, TICKET);
	assert_int_equal(its.offset, 12);
	assert_int_equal(its.written, 0); /* only when the archive is ready */
	write_all(3);
	assert_true(its.written > 1);
	assert_int_equal(its.kept, 0);
}

/* A commit that began before the last block was written does not show that the partition was still this worker's. */
static void only_a_commit_that_begins_later_lets_it_be_kept(void **state)
{
	(void)state;
	assert_false(snapshot_progress_is_committed(&progress, 100)); /* it is not written */
	write_all(3);
	assert_false(snapshot_progress_is_committed(&progress, 3));
	assert_true(snapshot_progress_is_committed(&progress, 4));
	assert_true(snapshot_progress_keep(&progress, &its.archive, &place, &(struct error){0}));
	assert_int_equal(its.kept, 1);
	assert_false(snapshot_progress_is_committed(&progress, 5)); /* it is kept once */
}

static void what_is_given_up_leaves_the_archive(void **state)
{
	(void)state;
	assert_true(go_on(1));
	snapshot_progress_give_up(&progress, &its.archive);
	assert_int_equal(its.forgotten, 1);
	assert_false(snapshot_progress_is_committed(&progress, 100));
	snapshot_progress_give_up(&progress, &its.archive);
	assert_int_equal(its.forgotten, 1);
}

static void what_has_ended_is_not_given_up(void **state)
{
	(void)state;
	write_all(1);
	assert_true(snapshot_progress_keep(&progress, &its.archive, &place, &(struct error){0}));
	snapshot_progress_end(&progress);
	snapshot_progress_give_up(&progress, &its.archive);
	assert_int_equal(its.forgotten, 0);
}

static void an_archive_that_refuses_is_an_error(void **state)
{
	(void)state;
	its.refuses = true;
	assert_false(go_on(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_written_in_blocks, progress_begin, progress_end),
		cmocka_unit_test_setup_teardown(only_a_commit_that_begins_later_lets_it_be_kept, progress_begin, progress_end),
		cmocka_unit_test_setup_teardown(what_is_given_up_leaves_the_archive, progress_begin, progress_end),
		cmocka_unit_test_setup_teardown(what_has_ended_is_not_given_up, progress_begin, progress_end),
		cmocka_unit_test_setup_teardown(an_archive_that_refuses_is_an_error, progress_begin, progress_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
