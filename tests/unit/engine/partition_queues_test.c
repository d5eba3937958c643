/* How messages leave a partition: in the order they came, however they finish, and not
 * at all when the transaction that they left in was in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "engine/worker/partition_queues.h"

static const struct answer done = {0};
static struct load load;

static int open_lanes(void **state)
{
	static struct partition_queues queues;
	static struct position partitions[] = {{0, 0, OFFSET_NONE}, {0, 1, OFFSET_NONE}};
	load = (struct load){0};
	partition_queues_open(&queues, (size_t)1 << 20, (size_t)1 << 20);
	*state = &queues;
	return partition_queues_add(&queues, (struct positions){2, partitions}, &(struct error){0}) ? 0 : -1;
}

static int close_lanes(void **state)
{
	partition_queues_close(*state);
	return 0;
}

static struct inflight *enter(struct partition_queues *queues, int32_t partition, int64_t offset)
{
	const struct record record = {.partition = partition, .offset = offset, .value = TEXT("0123456789")};
	struct inflight *inflight =
		partition_queue_enter(queues, partition_queues_find(queues, 0, partition), &load, &record, &(struct error){0});
	assert_non_null(inflight);
	assert_true(inflight_settle(queues, inflight, &(struct error){0}));
	return inflight;
}

static void finish(struct partition_queues *queues, struct inflight *inflight)
{
	inflight_finish(queues, &inflight->message, FLOW_ANSWER, &done);
}

static int64_t released(const struct partition_queues *queues, int32_t partition)
{
	struct position items[2];
	struct positions positions = partition_queues_released(queues, items);
	for (size_t i = 0; i < positions.count; i++)
		if (positions.items[i].partition == partition)
			return positions.items[i].offset;
	fail_msg("partition %d has no position", (int)partition);
	return 0;
}

static void what_passes_an_empty_queue_counts_for_the_commit(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	assert_true(partition_queue_pass(queue, 5));
	assert_int_equal(released(queues, 0), 6);
	assert_true(partition_queue_has_taken(queue, 5));
	struct inflight *ahead = enter(queues, 0, 6);
	assert_false(partition_queue_pass(queue, 7));
	assert_int_equal(released(queues, 0), 6);
	assert_false(partition_queue_has_taken(queue, 7));
	finish(queues, ahead);
	partition_queues_leave(queues);
	assert_true(partition_queue_pass(queue, 7));
	assert_int_equal(released(queues, 0), 8);
	assert_int_equal(load.in_flight, 0);
}

static void nothing_passes_a_record_that_is_to_be_taken_again(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	const struct refusal refusal = {.origin = {0, 0, 5}};
	assert_true(partition_queue_pass(queue, 5));
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &(struct error){0}));
	assert_false(partition_queue_pass(queue, 6));
	assert_int_equal(released(queues, 0), 5);
}

static void only_a_finished_prefix_leaves(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *first = enter(queues, 0, 5), *second = enter(queues, 0, 6), *third = enter(queues, 0, 9);
	finish(queues, third);
	finish(queues, second);
	assert_null(partition_queues_first_leaving(queues));
	finish(queues, first);
	const int64_t offsets[] = {5, 6, 9};
	for (int i = 0; i < 3; i++) {
		assert_non_null(partition_queues_first_leaving(queues));
		assert_int_equal(partition_queues_first_leaving(queues)->record.offset, offsets[i]);
		partition_queues_leave(queues);
		assert_int_equal(released(queues, 0), offsets[i] + 1);
	}
	assert_null(partition_queues_first_leaving(queues));
	assert_int_equal(queues->load.in_flight, 0);
	assert_int_equal(queues->load.held_bytes, 0);
}

static void one_partition_does_not_wait_for_another(void **state)
{
	struct partition_queues *queues = *state;
	enter(queues, 0, 1);
	finish(queues, enter(queues, 1, 7));
	assert_int_equal(partition_queues_first_leaving(queues)->record.partition, 1);
	partition_queues_leave(queues);
	assert_int_equal(released(queues, 0), OFFSET_NONE);
	assert_int_equal(released(queues, 1), 8);
}

static void after_a_commit_there_is_nothing_to_commit(void **state)
{
	struct partition_queues *queues = *state;
	finish(queues, enter(queues, 0, 1));
	partition_queues_leave(queues);
	struct position items[2];
	assert_true(partition_queues_have_released(queues));
	partition_queues_committed(queues, partition_queues_released(queues, items));
	assert_int_equal(released(queues, 0), OFFSET_NONE);
	assert_false(partition_queues_have_released(queues));
}

static void what_left_while_a_commit_was_under_way_is_still_to_be_committed(void **state)
{
	struct partition_queues *queues = *state;
	struct position items[2];
	finish(queues, enter(queues, 0, 1));
	partition_queues_leave(queues);
	struct positions under_way = partition_queues_released(queues, items);
	finish(queues, enter(queues, 0, 2));
	partition_queues_leave(queues);
	partition_queues_committed(queues, under_way);
	assert_int_equal(released(queues, 0), 3);
}

static void a_reset_drops_what_is_in_flight_and_says_where_to_read_on(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *left = enter(queues, 0, 3), *waits = enter(queues, 0, 4), *under_way = enter(queues, 1, 11);
	finish(queues, left);
	partition_queues_leave(queues);
	finish(queues, waits);
	struct position items[] = {{0, 0, 3}, {0, 1, OFFSET_NONE}}; /* in partition 1 nothing was ever committed */
	partition_queues_reset(queues, (struct positions){2, items});
	assert_int_equal(items[0].offset, 3);
	assert_int_equal(items[1].offset, 11);
	assert_null(partition_queues_first_leaving(queues));
	assert_int_equal(released(queues, 0), OFFSET_NONE);
	assert_int_equal(queues->load.in_flight, 1); /* the flow has it still */
	struct inflight *again = enter(queues, 1, 11);
	finish(queues, under_way); /* the answer to a call that was made before the reset */
	assert_null(partition_queues_first_leaving(queues));
	finish(queues, again);
	assert_ptr_equal(partition_queues_first_leaving(queues), again);
	assert_int_equal(queues->load.in_flight, 1);
}

/* Where the login may not read what is committed, the queue knows it: the last commit, else where it began. */
static void what_is_committed_is_recalled_where_it_cannot_be_read(void **state)
{
	struct partition_queues *queues = *state;
	struct position items[2];
	finish(queues, enter(queues, 0, 3));
	partition_queues_leave(queues);
	partition_queues_committed(queues, partition_queues_released(queues, items));
	enter(queues, 0, 4);
	enter(queues, 1, 11);
	struct position unknown[] = {{0, 0, OFFSET_UNKNOWN}, {0, 1, OFFSET_UNKNOWN}}, read[] = {{0, 0, 3}};
	partition_queues_recall(queues, (struct positions){2, unknown}, false);
	partition_queues_recall(queues, (struct positions){1, read}, false);
	assert_int_equal(unknown[0].offset, 4);
	assert_int_equal(unknown[1].offset, OFFSET_NONE);
	assert_int_equal(read[0].offset, 3);
	partition_queues_recall(queues, (struct positions){1, read}, true);
	assert_int_equal(read[0].offset, 4);
	partition_queues_reset(queues, (struct positions){2, unknown});
	assert_int_equal(unknown[0].offset, 4);
	assert_int_equal(unknown[1].offset, 11);
}

static void a_partition_that_never_had_a_record_stays_where_it_is(void **state)
{
	struct partition_queues *queues = *state;
	struct position items[] = {{0, 0, OFFSET_NONE}};
	partition_queues_reset(queues, (struct positions){1, items});
	assert_int_equal(items[0].offset, OFFSET_NONE);
}

static void a_partition_taken_away_is_not_found_and_its_late_answers_go_nowhere(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *late = enter(queues, 0, 1);
	struct position gone = {0, 0, OFFSET_NONE};
	partition_queues_remove(queues, (struct positions){1, &gone});
	assert_null(partition_queues_find(queues, 0, 0));
	assert_non_null(partition_queues_find(queues, 0, 1));
	finish(queues, late);
	assert_int_equal(queues->load.in_flight, 0);
	assert_int_equal(queues->load.held_bytes, 0);
}

static void a_warm_queue_reuses_messages(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *first = enter(queues, 0, 1);
	finish(queues, first);
	partition_queues_leave(queues);
	assert_ptr_equal(enter(queues, 0, 2), first);
}

static void an_error_outlives_its_giver(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *inflight = enter(queues, 0, 1);
	struct error error = {0};
	error_set(&error, ERROR_INPUT, PLACE_NONE, "the tensor x is missing");
	const struct answer answer = {.error = &error};
	inflight_finish(queues, &inflight->message, FLOW_ANSWER, &answer);
	error = (struct error){0};
	assert_string_equal(partition_queues_first_leaving(queues)->answer.error->text, "the tensor x is missing");
}

/* ---- by key ---- */

static struct inflight *enter_keyed(struct partition_queues *queues, int64_t offset, const char *key)
{
	const struct record record = {.offset = offset, .key = text_of(key), .value = TEXT("0123456789")};
	struct inflight *inflight =
		partition_queue_enter(queues, partition_queues_find(queues, 0, 0), &load, &record, &(struct error){0});
	assert_non_null(inflight);
	assert_true(inflight_settle(queues, inflight, &(struct error){0}));
	return inflight;
}

static int64_t leave(struct partition_queues *queues)
{
	struct inflight *inflight = partition_queues_first_leaving(queues);
	assert_non_null(inflight);
	int64_t offset = inflight->record.offset;
	partition_queues_leave(queues);
	return offset;
}

static void by_key_a_message_waits_for_its_key_alone_and_the_commit_for_all(void **state)
{
	struct partition_queues *queues = *state;
	partition_queue_order(partition_queues_find(queues, 0, 0), true);
	struct inflight *slow = enter_keyed(queues, 1, "a"), *other = enter_keyed(queues, 2, "b"),
			*behind = enter_keyed(queues, 3, "a");
	finish(queues, behind);
	finish(queues, other);
	assert_int_equal(leave(queues), 2);
	assert_null(partition_queues_first_leaving(queues));
	assert_int_equal(released(queues, 0), OFFSET_NONE);
	finish(queues, slow);
	assert_int_equal(leave(queues), 1);
	assert_int_equal(leave(queues), 3);
	assert_int_equal(released(queues, 0), 4);
	assert_int_equal(queues->keys.count, 0);
}

static void without_a_key_nobody_waits(void **state)
{
	struct partition_queues *queues = *state;
	partition_queue_order(partition_queues_find(queues, 0, 0), true);
	struct inflight *slow = enter(queues, 0, 1);
	finish(queues, enter(queues, 0, 2));
	assert_int_equal(leave(queues), 2);
	finish(queues, slow);
	assert_int_equal(leave(queues), 1);
	assert_int_equal(released(queues, 0), 3);
}

static void an_order_that_is_laxer_begins_when_the_lane_is_empty(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *slow = enter_keyed(queues, 1, "a");
	partition_queue_order(partition_queues_find(queues, 0, 0), true);
	finish(queues, enter_keyed(queues, 2, "b"));
	assert_null(partition_queues_first_leaving(queues));
	finish(queues, slow);
	assert_int_equal(leave(queues), 1);
	assert_int_equal(leave(queues), 2);
	slow = enter_keyed(queues, 3, "a");
	finish(queues, enter_keyed(queues, 4, "b"));
	assert_int_equal(leave(queues), 4);
	finish(queues, slow);
	assert_int_equal(leave(queues), 3);
}

static void keys_are_let_go_of_with_a_partition_that_is_taken_away(void **state)
{
	struct partition_queues *queues = *state;
	struct position gone = {0, 0, OFFSET_NONE};
	char key[] = "a0";
	partition_queue_order(partition_queues_find(queues, 0, 0), true);
	for (int i = 0; i < 500; i++) {
		key[1] = (char)('0' + i % 50);
		(void)enter_keyed(queues, i, key);
	}
	partition_queues_remove(queues, (struct positions){1, &gone});
	assert_int_equal(queues->keys.count, 0);
}

/* A table of few places, so that gaps are closed again and again. */
static void of_many_keys_each_keeps_its_own_order(void **state)
{
	struct partition_queues *queues = *state;
	struct inflight *inflights[400];
	char keys[37][16];
	int64_t last[37] = {0};
	partition_queue_order(partition_queues_find(queues, 0, 0), true);
	for (int i = 0; i < 37; i++)
		snprintf(keys[i], sizeof keys[i], "k%d", i);
	inflights[0] = enter_keyed(queues, 1, "first");
	for (int i = 1; i < 400; i++)
		inflights[i] = enter_keyed(queues, i + 1, keys[i % 37]);
	for (int i = 399; i > 0; i--)
		finish(queues, inflights[(i * 8) % 399 + 1]);
	for (int i = 1; i < 400; i++) {
		int64_t offset = leave(queues);
		assert_true(offset > last[(offset - 1) % 37]);
		last[(offset - 1) % 37] = offset;
	}
	finish(queues, inflights[0]);
	assert_int_equal(leave(queues), 1);
	assert_int_equal(released(queues, 0), 401);
	assert_int_equal(queues->keys.count, 0);
}

/* ---- what Kafka refuses ---- */

static struct refusal refusal_of(int64_t offset)
{
	return (struct refusal){.origin = {0, 0, (uint32_t)offset}, .reason = "too large"};
}

static void no_commit_passes_what_is_to_be_taken_again(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	const int64_t far = ((int64_t)7 << 32) + 5; /* only the low half of an offset comes back */
	for (int i = 0; i < 3; i++) {
		finish(queues, enter(queues, 0, far + i));
		partition_queues_leave(queues);
	}
	struct refusal refusal = refusal_of(far + 1);
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &(struct error){0}));
	assert_int_equal(partition_queue_first_blamed(queue), far + 1);
	assert_int_equal(released(queues, 0), far + 1);
	assert_true(partition_queue_has_taken(queue, far + 2));
	assert_false(partition_queue_has_taken(queue, far + 1));
	struct inflight *again = enter(queues, 0, far + 1);
	assert_int_equal(again->blame, BLAME_ANSWER);
	assert_true(partition_queue_has_taken(queue, far + 1));
	finish(queues, again);
	partition_queues_leave(queues);
	assert_int_equal(released(queues, 0), far + 3);
}

static void what_is_refused_again_stops_the_worker(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	struct error error = {0};
	finish(queues, enter(queues, 0, 1));
	partition_queues_leave(queues);
	struct refusal refusal = refusal_of(1);
	assert_true(partition_queue_blame(queue, &refusal, BLAME_LETTER, true, &error));
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &error));
	finish(queues, enter(queues, 0, 1));
	partition_queues_leave(queues);
	assert_false(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
}

/* Of one request several answers leave, and of those several may be refused. */
static void refusals_of_several_parts_are_one_blame(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	struct error error = {0};
	finish(queues, enter(queues, 0, 1));
	partition_queues_leave(queues);
	struct refusal refusal = refusal_of(1);
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &error));
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &error));
	assert_int_equal(partition_queue_first_blamed(queue), 1);
}

/* The rest of what leaves for it is not what leaves in its place. */
static void what_is_refused_while_it_is_leaving_is_taken_again(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	struct error error = {0};
	struct inflight *leaving = enter(queues, 0, 1);
	struct refusal refusal = refusal_of(1);
	finish(queues, leaving);
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &error));
	assert_false(partition_queue_has_taken(queue, 1));
	partition_queues_leave(queues);
	assert_int_equal(partition_queue_first_blamed(queue), 1);
	assert_int_equal(enter(queues, 0, 1)->blame, BLAME_ANSWER);
	assert_true(partition_queue_has_taken(queue, 1));
}

/* What is answered of the former topic is no progress in the new one: nothing of that is read yet. */
static void a_partition_that_begins_again_has_taken_nothing(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	struct position position = {0, 0, 117};
	struct inflight *first = enter(queues, 0, 115), *former = enter(queues, 0, 116);
	finish(queues, first);
	partition_queues_leave(queues);
	partition_queues_committed(queues, (struct positions){1, &position});
	assert_false(partition_queue_begin_again(queue, 0)); /* a record that is read twice is not a new one */
	assert_true(partition_queue_has_taken(queue, 0));
	partition_queue_expect_beginning(queue);
	assert_false(partition_queue_has_taken(queue, 117)); /* a late one of the former topic */
	assert_true(partition_queue_has_taken(queue, 0));
	assert_true(partition_queue_begin_again(queue, 0));
	assert_false(partition_queue_has_taken(queue, 0));
	struct inflight *new = enter(queues, 0, 0);
	assert_true(partition_queue_has_taken(queue, 0));
	assert_false(partition_queue_begin_again(queue, 0));
	finish(queues, former);
	partition_queues_leave(queues);
	assert_int_equal(released(queues, 0), 0);
	finish(queues, new);
	partition_queues_leave(queues);
	assert_int_equal(released(queues, 0), 1);
}

/* Its offset is of the former topic. */
static void nothing_is_taken_again_for_a_refusal_before_a_partition_began_again(void **state)
{
	struct partition_queues *queues = *state;
	struct partition_queue *queue = partition_queues_find(queues, 0, 0);
	const struct refusal refusal = refusal_of(5);
	struct error error = {0};
	finish(queues, enter(queues, 0, 5));
	partition_queues_leave(queues);
	assert_true(partition_queue_blame(queue, &refusal, BLAME_ANSWER, true, &error));
	partition_queue_expect_beginning(queue);
	assert_true(partition_queue_begin_again(queue, 2));
	assert_int_equal(partition_queue_first_blamed(queue), -1);
	finish(queues, enter(queues, 0, 2));
	partition_queues_leave(queues);
	assert_int_equal(released(queues, 0), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_passes_an_empty_queue_counts_for_the_commit, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(nothing_passes_a_record_that_is_to_be_taken_again, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(only_a_finished_prefix_leaves, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(one_partition_does_not_wait_for_another, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(after_a_commit_there_is_nothing_to_commit, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(what_left_while_a_commit_was_under_way_is_still_to_be_committed, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(a_reset_drops_what_is_in_flight_and_says_where_to_read_on, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(what_is_committed_is_recalled_where_it_cannot_be_read, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(a_partition_that_never_had_a_record_stays_where_it_is, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(a_partition_taken_away_is_not_found_and_its_late_answers_go_nowhere, open_lanes,
						close_lanes),
		cmocka_unit_test_setup_teardown(a_warm_queue_reuses_messages, open_lanes, close_lanes),
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
		cmocka_unit_test_setup_teardown(a_partition_that_begins_again_has_taken_nothing, open_lanes, close_lanes),
		cmocka_unit_test_setup_teardown(nothing_is_taken_again_for_a_refusal_before_a_partition_began_again, open_lanes,
						close_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
