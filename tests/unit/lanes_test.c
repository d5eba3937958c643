/* How messages leave a partition: in the order they came, however they finish, and not
 * at all when the transaction that they left in was in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/lanes.h"

static const struct answer done = {0};

static int open_lanes(void **state)
{
	static struct lanes lanes;
	static struct position partitions[] = {{0, 0, OFFSET_NONE}, {0, 1, OFFSET_NONE}};
	lanes_open(&lanes, (size_t)1 << 20);
	*state = &lanes;
	return lanes_add(&lanes, (struct positions){2, partitions}, &(struct error){0}) ? 0 : -1;
}

static int close_lanes(void **state)
{
	lanes_close(*state);
	return 0;
}

static struct flight *enter(struct lanes *lanes, int32_t partition, int64_t offset)
{
	const struct record record = {.partition = partition, .offset = offset, .value = TEXT("0123456789")};
	struct flight *flight = lane_enter(lanes, lanes_find(lanes, 0, partition), &record, &(struct error){0});
	assert_non_null(flight);
	return flight;
}

static void finish(struct lanes *lanes, struct flight *flight)
{
	flight_finish(lanes, &flight->message, FLOW_ANSWER, &done);
}

static int64_t released(const struct lanes *lanes, int32_t partition)
{
	struct position items[2];
	struct positions positions = lanes_released(lanes, items);
	for (size_t i = 0; i < positions.count; i++)
		if (positions.items[i].partition == partition)
			return positions.items[i].offset;
	fail_msg("partition %d has no position", (int)partition);
	return 0;
}

static void only_a_finished_prefix_leaves(void **state)
{
	struct lanes *lanes = *state;
	struct lane *lane = lanes_find(lanes, 0, 0);
	struct flight *first = enter(lanes, 0, 5), *second = enter(lanes, 0, 6), *third = enter(lanes, 0, 9);
	finish(lanes, third);
	finish(lanes, second);
	assert_null(lane_front(lane));
	finish(lanes, first);
	const int64_t offsets[] = {5, 6, 9};
	for (int i = 0; i < 3; i++) {
		assert_non_null(lane_front(lane));
		assert_int_equal(lane_front(lane)->record.offset, offsets[i]);
		lane_leave(lanes, lane);
		assert_int_equal(released(lanes, 0), offsets[i] + 1);
	}
	assert_null(lane_front(lane));
	assert_int_equal(lanes->in_flight, 0);
	assert_int_equal(lanes->held_bytes, 0);
}

static void one_partition_does_not_wait_for_another(void **state)
{
	struct lanes *lanes = *state;
	enter(lanes, 0, 1);
	finish(lanes, enter(lanes, 1, 7));
	assert_null(lane_front(lanes_find(lanes, 0, 0)));
	assert_non_null(lane_front(lanes_find(lanes, 0, 1)));
	lane_leave(lanes, lanes_find(lanes, 0, 1));
	assert_int_equal(released(lanes, 0), OFFSET_NONE);
	assert_int_equal(released(lanes, 1), 8);
}

static void after_a_commit_there_is_nothing_to_commit(void **state)
{
	struct lanes *lanes = *state;
	finish(lanes, enter(lanes, 0, 1));
	lane_leave(lanes, lanes_find(lanes, 0, 0));
	struct position items[2];
	assert_true(lanes_have_released(lanes));
	lanes_committed(lanes, lanes_released(lanes, items));
	assert_int_equal(released(lanes, 0), OFFSET_NONE);
	assert_false(lanes_have_released(lanes));
}

static void what_left_while_a_commit_was_under_way_is_still_to_be_committed(void **state)
{
	struct lanes *lanes = *state;
	struct position items[2];
	finish(lanes, enter(lanes, 0, 1));
	lane_leave(lanes, lanes_find(lanes, 0, 0));
	struct positions under_way = lanes_released(lanes, items);
	finish(lanes, enter(lanes, 0, 2));
	lane_leave(lanes, lanes_find(lanes, 0, 0));
	lanes_committed(lanes, under_way);
	assert_int_equal(released(lanes, 0), 3);
}

static void a_reset_drops_what_is_in_flight_and_says_where_to_read_on(void **state)
{
	struct lanes *lanes = *state;
	struct flight *left = enter(lanes, 0, 3), *waits = enter(lanes, 0, 4), *under_way = enter(lanes, 1, 11);
	finish(lanes, left);
	lane_leave(lanes, lanes_find(lanes, 0, 0));
	finish(lanes, waits);
	struct position items[] = {{0, 0, 3}, {0, 1, OFFSET_NONE}}; /* in partition 1 nothing was ever committed */
	lanes_reset(lanes, (struct positions){2, items});
	assert_int_equal(items[0].offset, 3);
	assert_int_equal(items[1].offset, 11);
	assert_null(lane_front(lanes_find(lanes, 0, 0)));
	assert_int_equal(released(lanes, 0), OFFSET_NONE);
	assert_int_equal(lanes->in_flight, 1); /* the flow has it still */
	struct flight *again = enter(lanes, 1, 11);
	finish(lanes, under_way); /* the answer to a call that was made before the reset */
	assert_null(lane_front(lanes_find(lanes, 0, 1)));
	finish(lanes, again);
	assert_ptr_equal(lane_front(lanes_find(lanes, 0, 1)), again);
	assert_int_equal(lanes->in_flight, 1);
}

static void a_partition_that_never_had_a_record_stays_where_it_is(void **state)
{
	struct lanes *lanes = *state;
	struct position items[] = {{0, 0, OFFSET_NONE}};
	lanes_reset(lanes, (struct positions){1, items});
	assert_int_equal(items[0].offset, OFFSET_NONE);
}

static void a_partition_taken_away_is_not_found_and_its_late_answers_go_nowhere(void **state)
{
	struct lanes *lanes = *state;
	struct flight *late = enter(lanes, 0, 1);
	struct position gone = {0, 0, OFFSET_NONE};
	lanes_remove(lanes, (struct positions){1, &gone});
	assert_null(lanes_find(lanes, 0, 0));
	assert_non_null(lanes_find(lanes, 0, 1));
	finish(lanes, late);
	assert_int_equal(lanes->in_flight, 0);
	assert_int_equal(lanes->held_bytes, 0);
}

static void a_warm_lane_uses_flights_again(void **state)
{
	struct lanes *lanes = *state;
	struct flight *first = enter(lanes, 0, 1);
	finish(lanes, first);
	lane_leave(lanes, lanes_find(lanes, 0, 0));
	assert_ptr_equal(enter(lanes, 0, 2), first);
}

static void an_error_outlives_its_giver(void **state)
{
	struct lanes *lanes = *state;
	struct flight *flight = enter(lanes, 0, 1);
	struct error error = {0};
	error_set(&error, ERROR_INPUT, PLACE_NONE, "the tensor x is missing");
	const struct answer answer = {.error = &error};
	flight_finish(lanes, &flight->message, FLOW_ANSWER, &answer);
	error = (struct error){0};
	assert_string_equal(lane_front(lanes_find(lanes, 0, 0))->answer.error->text, "the tensor x is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_a_finished_prefix_leaves, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(one_partition_does_not_wait_for_another, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(after_a_commit_there_is_nothing_to_commit, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(what_left_while_a_commit_was_under_way_is_still_to_be_committed, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(a_reset_drops_what_is_in_flight_and_says_where_to_read_on, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(a_partition_that_never_had_a_record_stays_where_it_is, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(a_partition_taken_away_is_not_found_and_its_late_answers_go_nowhere, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(a_warm_lane_uses_flights_again, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(an_error_outlives_its_giver, open_lanes, close_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
