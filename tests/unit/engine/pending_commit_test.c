/* pending_commit_test.c: Tests of what waits for a commit stands in the order of its offsets, in whichever order it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/joins/pending_commit.h"

static struct pending_commit_list list;
static size_t bytes;

static int open_list(void **state)
{
	(void)state;
	bytes = 0;
	pending_commit_open(&list, &bytes);
	return 0;
}

static int close_list(void **state)
{
	(void)state;
	pending_commit_close(&list);
	return 0;
}

static void add(int64_t offset, size_t part_bytes)
{
	assert_non_null(pending_commit_add(&list, offset, 0, part_bytes));
}

static void expect_committed(int64_t committed, int64_t offset)
{
	struct pending_commit *pending_commit = pending_commit_take(&list, committed);
	assert_non_null(pending_commit);
	assert_int_equal(pending_commit->offset, offset);
	pending_commit_give(pending_commit);
}

/* One that was refused is taken again behind what came after it. */
static void a_lower_offset_that_comes_later_is_committed_first(void **state)
{
	(void)state;
	const int64_t offsets[] = {7, 9, 5, 8, 11};
	for (size_t i = 0; i < 5; i++)
		add(offsets[i], 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(pending_commit_find(&list, offsets[i])->offset, offsets[i]);
	assert_null(pending_commit_find(&list, 6));
	assert_null(pending_commit_find(&list, 12));
	struct pending_commit *reached = pending_commit_reach(list.first, 8);
	assert_int_equal(reached->offset, 8);
	assert_ptr_equal(pending_commit_reach(reached, 6), reached);
	reached = pending_commit_reach(reached, 10);
	assert_int_equal(reached->offset, 11);
	assert_null(pending_commit_reach(pending_commit_reach(reached, 12), 12));
	assert_null(pending_commit_take(&list, 5));
	expect_committed(6, 5);
	assert_null(pending_commit_take(&list, 6));
	for (int64_t offset = 7; offset < 10; offset++)
		expect_committed(10, offset);
	assert_null(pending_commit_take(&list, 11));
	add(10, 0);
	expect_committed(12, 10);
	expect_committed(12, 11);
	assert_null(pending_commit_take(&list, INT64_MAX));
}

static void what_waits_is_counted_until_it_is_committed(void **state)
{
	(void)state;
	add(1, 0);
	size_t least = bytes;
	assert_true(least > 0);
	add(2, 1000);
	assert_int_equal(bytes, 2 * least + 1000);
	expect_committed(2, 1);
	assert_int_equal(bytes, least + 1000);
	pending_commit_close(&list);
	assert_int_equal(bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lower_offset_that_comes_later_is_committed_first, open_list, close_list),
		cmocka_unit_test_setup_teardown(what_waits_is_counted_until_it_is_committed, open_list, close_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
