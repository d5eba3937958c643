/* How messages leave a partition: in the order they came, however they finish, and not
 * at all when the transaction that they left in was in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "worker/lanes.h"

static const struct answer done = {0};
static struct load load;

static int open_lanes(void **state)
{
	static struct lanes lanes;
	static struct position partitions[] = {{0, 0, OFFSET_NONE}, {0, 1, OFFSET_NONE}};
	load = (struct load){0};
	lanes_open(&lanes, (size_t)1 << 20, (size_t)1 << 20);
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
	struct flight *flight = lane_enter(lanes, lanes_find(lanes, 0, partition), &load, &record, &(struct error){0});
	assert_non_null(flight);
	assert_true(flight_settle(lanes, flight, &(struct error){0}));
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
	struct flight *first = enter(lanes, 0, 5), *second = enter(lanes, 0, 6), *third = enter(lanes, 0, 9);
	finish(lanes, third);
	finish(lanes, second);
	assert_null(lanes_first_leaving(lanes));
	finish(lanes, first);
	const int64_t offsets[] = {5, 6, 9};
	for (int i = 0; i < 3; i++) {
		assert_non_null(lanes_first_leaving(lanes));
		assert_int_equal(lanes_first_leaving(lanes)->record.offset, offsets[i]);
		lanes_leave(lanes);
		assert_int_equal(released(lanes, 0), offsets[i] + 1);
	}
	assert_null(lanes_first_leaving(lanes));
	assert_int_equal(lanes->load.in_flight, 0);
	assert_int_equal(lanes->load.held_bytes, 0);
}

static void one_partition_does_not_wait_for_another(void **state)
{
	struct lanes *lanes = *state;
	enter(lanes, 0, 1);
	finish(lanes, enter(lanes, 1, 7));
	assert_int_equal(lanes_first_leaving(lanes)->record.partition, 1);
	lanes_leave(lanes);
	assert_int_equal(released(lanes, 0), OFFSET_NONE);
	assert_int_equal(released(lanes, 1), 8);
}

static void after_a_commit_there_is_nothing_to_commit(void **state)
{
	struct lanes *lanes = *state;
	finish(lanes, enter(lanes, 0, 1));
	lanes_leave(lanes);
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
	lanes_leave(lanes);
	struct positions under_way = lanes_released(lanes, items);
	finish(lanes, enter(lanes, 0, 2));
	lanes_leave(lanes);
	lanes_committed(lanes, under_way);
	assert_int_equal(released(lanes, 0), 3);
}

static void a_reset_drops_what_is_in_flight_and_says_where_to_read_on(void **state)
{
	struct lanes *lanes = *state;
	struct flight *left = enter(lanes, 0, 3), *waits = enter(lanes, 0, 4), *under_way = enter(lanes, 1, 11);
	finish(lanes, left);
	lanes_leave(lanes);
	finish(lanes, waits);
	struct position items[] = {{0, 0, 3}, {0, 1, OFFSET_NONE}}; /* in partition 1 nothing was ever committed */
	lanes_reset(lanes, (struct positions){2, items});
	assert_int_equal(items[0].offset, 3);
	assert_int_equal(items[1].offset, 11);
	assert_null(lanes_first_leaving(lanes));
	assert_int_equal(released(lanes, 0), OFFSET_NONE);
	assert_int_equal(lanes->load.in_flight, 1); /* the flow has it still */
	struct flight *again = enter(lanes, 1, 11);
	finish(lanes, under_way); /* the answer to a call that was made before the reset */
	assert_null(lanes_first_leaving(lanes));
	finish(lanes, again);
	assert_ptr_equal(lanes_first_leaving(lanes), again);
	assert_int_equal(lanes->load.in_flight, 1);
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
	assert_int_equal(lanes->load.in_flight, 0);
	assert_int_equal(lanes->load.held_bytes, 0);
}

static void a_warm_lane_uses_flights_again(void **state)
{
	struct lanes *lanes = *state;
	struct flight *first = enter(lanes, 0, 1);
	finish(lanes, first);
	lanes_leave(lanes);
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
	assert_string_equal(lanes_first_leaving(lanes)->answer.error->text, "the tensor x is missing");
}

/* ---- by key ---- */

static struct flight *enter_keyed(struct lanes *lanes, int64_t offset, const char *key)
{
	const struct record record = {.offset = offset, .key = text_of(key), .value = TEXT("0123456789")};
	struct flight *flight = lane_enter(lanes, lanes_find(lanes, 0, 0), &load, &record, &(struct error){0});
	assert_non_null(flight);
	assert_true(flight_settle(lanes, flight, &(struct error){0}));
	return flight;
}

static int64_t leave(struct lanes *lanes)
{
	struct flight *flight = lanes_first_leaving(lanes);
	assert_non_null(flight);
	int64_t offset = flight->record.offset;
	lanes_leave(lanes);
	return offset;
}

static void by_key_a_message_waits_for_its_key_alone_and_the_commit_for_all(void **state)
{
	struct lanes *lanes = *state;
	lane_order(lanes_find(lanes, 0, 0), true);
	struct flight *slow = enter_keyed(lanes, 1, "a"), *other = enter_keyed(lanes, 2, "b"), *behind = enter_keyed(lanes, 3, "a");
	finish(lanes, behind);
	finish(lanes, other);
	assert_int_equal(leave(lanes), 2);
	assert_null(lanes_first_leaving(lanes));
	assert_int_equal(released(lanes, 0), OFFSET_NONE);
	finish(lanes, slow);
	assert_int_equal(leave(lanes), 1);
	assert_int_equal(leave(lanes), 3);
	assert_int_equal(released(lanes, 0), 4);
	assert_int_equal(lanes->keys.count, 0);
}

static void without_a_key_nobody_waits(void **state)
{
	struct lanes *lanes = *state;
	lane_order(lanes_find(lanes, 0, 0), true);
	struct flight *slow = enter(lanes, 0, 1);
	finish(lanes, enter(lanes, 0, 2));
	assert_int_equal(leave(lanes), 2);
	finish(lanes, slow);
	assert_int_equal(leave(lanes), 1);
	assert_int_equal(released(lanes, 0), 3);
}

static void an_order_that_is_laxer_begins_when_the_lane_is_empty(void **state)
{
	struct lanes *lanes = *state;
	struct flight *slow = enter_keyed(lanes, 1, "a");
	lane_order(lanes_find(lanes, 0, 0), true);
	finish(lanes, enter_keyed(lanes, 2, "b"));
	assert_null(lanes_first_leaving(lanes));
	finish(lanes, slow);
	assert_int_equal(leave(lanes), 1);
	assert_int_equal(leave(lanes), 2);
	slow = enter_keyed(lanes, 3, "a");
	finish(lanes, enter_keyed(lanes, 4, "b"));
	assert_int_equal(leave(lanes), 4);
	finish(lanes, slow);
	assert_int_equal(leave(lanes), 3);
}

static void keys_are_let_go_of_with_a_partition_that_is_taken_away(void **state)
{
	struct lanes *lanes = *state;
	struct position gone = {0, 0, OFFSET_NONE};
	char key[] = "a0";
	lane_order(lanes_find(lanes, 0, 0), true);
	for (int i = 0; i < 500; i++) {
		key[1] = (char)('0' + i % 50);
		(void)enter_keyed(lanes, i, key);
	}
	lanes_remove(lanes, (struct positions){1, &gone});
	assert_int_equal(lanes->keys.count, 0);
}

/* A table of few places, so that gaps are closed again and again. */
static void of_many_keys_each_keeps_its_own_order(void **state)
{
	struct lanes *lanes = *state;
	struct flight *flights[400];
	char keys[37][16];
	int64_t last[37] = {0};
	lane_order(lanes_find(lanes, 0, 0), true);
	for (int i = 0; i < 37; i++)
		snprintf(keys[i], sizeof keys[i], "k%d", i);
	flights[0] = enter_keyed(lanes, 1, "first");
	for (int i = 1; i < 400; i++)
		flights[i] = enter_keyed(lanes, i + 1, keys[i % 37]);
	for (int i = 399; i > 0; i--)
		finish(lanes, flights[(i * 8) % 399 + 1]);
	for (int i = 1; i < 400; i++) {
		int64_t offset = leave(lanes);
		assert_true(offset > last[(offset - 1) % 37]);
		last[(offset - 1) % 37] = offset;
	}
	finish(lanes, flights[0]);
	assert_int_equal(leave(lanes), 1);
	assert_int_equal(released(lanes, 0), 401);
	assert_int_equal(lanes->keys.count, 0);
}

/* ---- what Kafka refuses ---- */

static struct refusal refusal_of(int64_t offset)
{
	return (struct refusal){.origin = {0, 0, (uint32_t)offset}, .reason = "too large"};
}

static void no_commit_passes_what_is_to_be_taken_again(void **state)
{
	struct lanes *lanes = *state;
	struct lane *lane = lanes_find(lanes, 0, 0);
	const int64_t far = ((int64_t)7 << 32) + 5; /* only the low half of an offset comes back */
	for (int i = 0; i < 3; i++) {
		finish(lanes, enter(lanes, 0, far + i));
		lanes_leave(lanes);
	}
	struct refusal refusal = refusal_of(far + 1);
	assert_true(lane_blame(lane, &refusal, BLAME_ANSWER, true, &(struct error){0}));
	assert_int_equal(lane_first_blamed(lane), far + 1);
	assert_int_equal(released(lanes, 0), far + 1);
	assert_true(lane_has_taken(lane, far + 2));
	assert_false(lane_has_taken(lane, far + 1));
	struct flight *again = enter(lanes, 0, far + 1);
	assert_int_equal(again->blame, BLAME_ANSWER);
	assert_true(lane_has_taken(lane, far + 1));
	finish(lanes, again);
	lanes_leave(lanes);
	assert_int_equal(released(lanes, 0), far + 3);
}

static void what_is_refused_again_stops_the_worker(void **state)
{
	struct lanes *lanes = *state;
	struct lane *lane = lanes_find(lanes, 0, 0);
	struct error error = {0};
	finish(lanes, enter(lanes, 0, 1));
	lanes_leave(lanes);
	struct refusal refusal = refusal_of(1);
	assert_true(lane_blame(lane, &refusal, BLAME_LETTER, true, &error));
	assert_true(lane_blame(lane, &refusal, BLAME_ANSWER, true, &error));
	finish(lanes, enter(lanes, 0, 1));
	lanes_leave(lanes);
	assert_false(lane_blame(lane, &refusal, BLAME_ANSWER, true, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
}

/* Of one request several answers leave, and of those several may be refused. */
static void refusals_of_several_parts_are_one_blame(void **state)
{
	struct lanes *lanes = *state;
	struct lane *lane = lanes_find(lanes, 0, 0);
	struct error error = {0};
	finish(lanes, enter(lanes, 0, 1));
	lanes_leave(lanes);
	struct refusal refusal = refusal_of(1);
	assert_true(lane_blame(lane, &refusal, BLAME_ANSWER, true, &error));
	assert_true(lane_blame(lane, &refusal, BLAME_ANSWER, true, &error));
	assert_int_equal(lane_first_blamed(lane), 1);
}

/* The rest of what leaves for it is not what leaves in its place. */
static void what_is_refused_while_it_is_leaving_is_taken_again(void **state)
{
	struct lanes *lanes = *state;
	struct lane *lane = lanes_find(lanes, 0, 0);
	struct error error = {0};
	struct flight *leaving = enter(lanes, 0, 1);
	struct refusal refusal = refusal_of(1);
	finish(lanes, leaving);
	assert_true(lane_blame(lane, &refusal, BLAME_ANSWER, true, &error));
	assert_false(lane_has_taken(lane, 1));
	lanes_leave(lanes);
	assert_int_equal(lane_first_blamed(lane), 1);
	assert_int_equal(enter(lanes, 0, 1)->blame, BLAME_ANSWER);
	assert_true(lane_has_taken(lane, 1));
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
		cmocka_unit_test_setup_teardown(by_key_a_message_waits_for_its_key_alone_and_the_commit_for_all, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(without_a_key_nobody_waits, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(an_order_that_is_laxer_begins_when_the_lane_is_empty, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(keys_are_let_go_of_with_a_partition_that_is_taken_away, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(of_many_keys_each_keeps_its_own_order, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(no_commit_passes_what_is_to_be_taken_again, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(what_is_refused_again_stops_the_worker, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(refusals_of_several_parts_are_one_blame, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(what_is_refused_while_it_is_leaving_is_taken_again, open_lanes, close_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
