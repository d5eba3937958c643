/* What was answered of a partition before it was taken away is not answered again when it
 * comes back, and nothing else is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/revoked_progress.h"

static const struct answer done = {0};
static struct position partitions[] = {{0, 0, OFFSET_NONE}, {0, 1, OFFSET_NONE}};
static const struct positions both = {2, partitions};
static struct load load;
static struct revoked_list list;

static int open_lanes(void **state)
{
	static struct lanes lanes;
	load = (struct load){0};
	lanes_open(&lanes, (size_t)1 << 20, (size_t)1 << 20);
	*state = &lanes;
	return lanes_add(&lanes, both, &(struct error){0}) ? 0 : -1;
}

static int close_lanes(void **state)
{
	revoked_progress_close(&list);
	lanes_close(*state);
	return 0;
}

/* One that is answered, and acknowledged. */
static void answer(struct lanes *lanes, int32_t partition, int64_t offset)
{
	struct position items[2];
	const struct record record = {.partition = partition, .offset = offset};
	struct flight *flight = lane_enter(lanes, lanes_find(lanes, 0, partition), &load, &record, &(struct error){0});
	assert_non_null(flight);
	assert_true(flight_settle(lanes, flight, &(struct error){0}));
	flight_finish(lanes, &flight->message, FLOW_ANSWER, &done);
	while (lanes_first_leaving(lanes))
		lanes_leave(lanes);
	lanes_committed(lanes, lanes_released(lanes, items));
}

/* The group takes them away, and gives them again. */
static void go_and_come_back(struct lanes *lanes)
{
	revoked_progress_note(&list, lanes, both);
	lanes_remove(lanes, both);
	assert_true(lanes_add(lanes, both, &(struct error){0}));
	revoked_progress_tell(&list, lanes, both);
}

static bool passes(struct lanes *lanes, int32_t partition, int64_t offset)
{
	return lane_was_answered(lanes_find(lanes, 0, partition), offset);
}

static void what_was_answered_is_passed_over_and_counts_for_the_commit(void **state)
{
	struct lanes *lanes = *state;
	struct position items[2];
	for (int64_t offset = 5; offset < 10; offset++)
		answer(lanes, 0, offset);
	go_and_come_back(lanes);
	assert_true(passes(lanes, 0, 7)); /* as far as was committed */
	assert_true(passes(lanes, 0, 8));
	assert_true(lane_has_released(lanes_find(lanes, 0, 0)));
	assert_int_equal(lanes_released(lanes, items).items[0].offset, 9);
	assert_true(passes(lanes, 0, 9));
	assert_false(passes(lanes, 0, 10));
	assert_false(passes(lanes, 0, 9)); /* read again, for another's sake */
	assert_false(passes(lanes, 1, 7));
}

static void where_another_has_gone_further_nothing_is_passed_over(void **state)
{
	struct lanes *lanes = *state;
	answer(lanes, 0, 5);
	go_and_come_back(lanes);
	assert_false(passes(lanes, 0, 20));
	assert_false(lane_has_released(lanes_find(lanes, 0, 0)));
}

static void a_topic_that_begins_anew_is_read_from_its_begin(void **state)
{
	struct lanes *lanes = *state;
	answer(lanes, 0, 5);
	answer(lanes, 0, 6);
	go_and_come_back(lanes);
	assert_false(passes(lanes, 0, 0));
	assert_false(passes(lanes, 0, 6));
}

/* Its numbers are those that were answered, and its records are others. */
static void so_is_one_that_was_answered_from_its_begin(void **state)
{
	struct lanes *lanes = *state;
	answer(lanes, 0, 0);
	answer(lanes, 0, 1);
	go_and_come_back(lanes);
	assert_false(passes(lanes, 0, 0));
	assert_false(passes(lanes, 0, 1));
}

static void a_partition_that_goes_again_before_anything_came_is_remembered(void **state)
{
	struct lanes *lanes = *state;
	answer(lanes, 0, 5);
	go_and_come_back(lanes);
	go_and_come_back(lanes);
	assert_true(passes(lanes, 0, 5));
	go_and_come_back(lanes);
	assert_true(passes(lanes, 0, 5));
}

static void what_steps_remember_has_no_part_in_it(void **state)
{
	struct lanes *lanes = *state;
	static struct partition_state *partition_state = (struct partition_state *)&load; /* any */
	answer(lanes, 0, 5);
	answer(lanes, 0, 6);
	lanes_find(lanes, 0, 0)->partition_state = partition_state;
	go_and_come_back(lanes);
	assert_false(passes(lanes, 0, 6));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_answered_is_passed_over_and_counts_for_the_commit, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(where_another_has_gone_further_nothing_is_passed_over, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(a_topic_that_begins_anew_is_read_from_its_begin, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(so_is_one_that_was_answered_from_its_begin, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(a_partition_that_goes_again_before_anything_came_is_remembered, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(what_steps_remember_has_no_part_in_it, open_lanes, close_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
