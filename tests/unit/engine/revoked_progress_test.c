/* What was answered of a partition before it was taken away is not answered again when it
 * comes back, and nothing else is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/worker/revoked_progress.h"

static const struct answer done = {0};
static struct position partitions[] = {{0, 0, OFFSET_NONE}, {0, 1, OFFSET_NONE}};
static const struct positions both = {2, partitions};
static struct load load;
static struct revoked_list list;

static int open_lanes(void **state)
{
	static struct partition_queues queues;
	load = (struct load){0};
	partition_queues_open(&queues, (size_t)1 << 20, (size_t)1 << 20);
	*state = &queues;
	return partition_queues_add(&queues, both, &(struct error){0}) ? 0 : -1;
}

static int close_lanes(void **state)
{
	revoked_progress_close(&list);
	partition_queues_close(*state);
	return 0;
}

/* One that is answered, and acknowledged. */
static void answer(struct partition_queues *queues, int32_t partition, int64_t offset)
{
	struct position items[2];
	const struct record record = {.partition = partition, .offset = offset};
	struct inflight *inflight =
		partition_queue_enter(queues, partition_queues_find(queues, 0, partition), &load, &record, &(struct error){0});
	assert_non_null(inflight);
	assert_true(inflight_settle(queues, inflight, &(struct error){0}));
	inflight_finish(queues, &inflight->message, FLOW_ANSWER, &done);
	while (partition_queues_first_leaving(queues))
		partition_queues_leave(queues);
	partition_queues_committed(queues, partition_queues_released(queues, items));
}

/* The group takes them away, and gives them again. */
static void go_and_come_back(struct partition_queues *queues)
{
	revoked_progress_note(&list, queues, both);
	partition_queues_remove(queues, both);
	assert_true(partition_queues_add(queues, both, &(struct error){0}));
	revoked_progress_tell(&list, queues, both);
}

static bool passes(struct partition_queues *queues, int32_t partition, int64_t offset)
{
	return partition_queue_was_answered(partition_queues_find(queues, 0, partition), offset);
}

static void what_was_answered_is_passed_over_and_counts_for_the_commit(void **state)
{
	struct partition_queues *queues = *state;
	struct position items[2];
	for (int64_t offset = 5; offset < 10; offset++)
		answer(queues, 0, offset);
	go_and_come_back(queues);
	assert_true(passes(queues, 0, 7)); /* as far as was committed */
	assert_true(passes(queues, 0, 8));
	assert_true(partition_queue_has_released(partition_queues_find(queues, 0, 0)));
	assert_int_equal(partition_queues_released(queues, items).items[0].offset, 9);
	assert_true(passes(queues, 0, 9));
	assert_false(passes(queues, 0, 10));
	assert_false(passes(queues, 0, 9)); /* read again, for another's sake */
	assert_false(passes(queues, 1, 7));
}

static void where_another_has_gone_further_nothing_is_passed_over(void **state)
{
	struct partition_queues *queues = *state;
	answer(queues, 0, 5);
	go_and_come_back(queues);
	assert_false(passes(queues, 0, 20));
	assert_false(partition_queue_has_released(partition_queues_find(queues, 0, 0)));
}

static void a_topic_that_begins_anew_is_read_from_its_begin(void **state)
{
	struct partition_queues *queues = *state;
	answer(queues, 0, 5);
	answer(queues, 0, 6);
	go_and_come_back(queues);
	assert_false(passes(queues, 0, 0));
	assert_false(passes(queues, 0, 6));
}

/* Its numbers are those that were answered, and its records are others. */
static void so_is_one_that_was_answered_from_its_begin(void **state)
{
	struct partition_queues *queues = *state;
	answer(queues, 0, 0);
	answer(queues, 0, 1);
	go_and_come_back(queues);
	assert_false(passes(queues, 0, 0));
	assert_false(passes(queues, 0, 1));
}

static void a_partition_that_goes_again_before_anything_came_is_remembered(void **state)
{
	struct partition_queues *queues = *state;
	answer(queues, 0, 5);
	go_and_come_back(queues);
	go_and_come_back(queues);
	assert_true(passes(queues, 0, 5));
	go_and_come_back(queues);
	assert_true(passes(queues, 0, 5));
}

static void what_steps_remember_has_no_part_in_it(void **state)
{
	struct partition_queues *queues = *state;
	static struct partition_state *partition_state = (struct partition_state *)&load; /* any */
	answer(queues, 0, 5);
	answer(queues, 0, 6);
	partition_queues_find(queues, 0, 0)->partition_state = partition_state;
	go_and_come_back(queues);
	assert_false(passes(queues, 0, 6));
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
