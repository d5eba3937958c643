/* replicas_test.c: which of a model's servers is asked next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "models/calls/replicas.h"

static struct replica items[3];
static struct replicas replicas;
static size_t but;

static int begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		items[i] = (struct replica){.latency_us = 1000};
	replicas = (struct replicas){3, items};
	but = REPLICA_NONE;
	return 0;
}

/* How often each of three is chosen, whatever is drawn. */
static void choose_much(size_t counts[3])
{
	uint64_t chance = 88172645463325252u; /* xorshift64 (Marsaglia 2003) */
	for (int i = 0; i < 3000; i++) {
		chance ^= chance << 13;
		chance ^= chance >> 7;
		chance ^= chance << 17;
		counts[replicas_choose(&replicas, but, chance)]++;
	}
}

static void equal_servers_share_the_work(void **state)
{
	(void)state;
	size_t counts[3] = {0};
	choose_much(counts);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(counts[i], 700, 1700);
}

static void of_two_the_one_with_less_to_do_is_asked(void **state)
{
	(void)state;
	size_t counts[3] = {0};
	items[0].in_flight = 5;
	items[1].latency_us = 100000;
	choose_much(counts);
	assert_true(counts[2] > counts[0] && counts[0] > counts[1]);
	assert_int_equal(counts[1], 0);
}

static void what_failed_at_one_goes_to_another_as_long_as_there_is_one(void **state)
{
	(void)state;
	size_t counts[3] = {0};
	but = 1;
	choose_much(counts);
	assert_int_equal(counts[1], 0);
	assert_true(counts[0] > 700 && counts[2] > 700);
	for (size_t i = 0; i < 3; i += 2) {
		replica_sent(&items[i], 0);
		replica_failed(&replicas, i, true, 1000);
	}
	memset(counts, 0, sizeof counts);
	choose_much(counts);
	assert_int_equal(counts[1], 3000);
}

static void one_that_cannot_be_reached_is_left_out_at_once(void **state)
{
	(void)state;
	size_t counts[3] = {0}, index;
	replica_sent(&items[1], 0);
	replica_failed(&replicas, 1, true, 1000);
	choose_much(counts);
	assert_int_equal(counts[1], 0);
	assert_int_equal(replicas_due_us(&replicas, 1000), 1000 + REPLICA_OUT_US);
	assert_false(replicas_to_ask(&replicas, 1000 + REPLICA_OUT_US - 1, &index));
	assert_true(replicas_to_ask(&replicas, 1000 + REPLICA_OUT_US, &index));
	assert_int_equal(index, 1);
	assert_false(replicas_to_ask(&replicas, 1000 + REPLICA_OUT_US, &index)); /* once */
	replica_reported(&items[1], true, 1000 + REPLICA_OUT_US);
	choose_much(counts);
	assert_true(counts[1] > 0);
}

static void one_that_is_not_ready_stays_out_for_longer(void **state)
{
	(void)state;
	size_t index;
	replica_sent(&items[1], 0);
	replica_failed(&replicas, 1, true, 0);
	assert_true(replicas_to_ask(&replicas, REPLICA_OUT_US, &index));
	replica_reported(&items[1], false, REPLICA_OUT_US);
	assert_int_equal(replicas_due_us(&replicas, 1000), REPLICA_OUT_US + 2 * REPLICA_OUT_US);
}

static void one_that_fails_five_times_in_a_row_is_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < REPLICA_FAILURES; i++) {
		assert_int_equal(items[2].out_until_us, 0);
		replica_sent(&items[2], 0);
		replica_failed(&replicas, 2, false, 10);
	}
	assert_true(items[2].out_until_us > 0);
}

static void one_that_is_far_slower_than_all_others_is_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < 50 && items[2].out_until_us == 0; i++) {
		replica_sent(&items[2], 0);
		replica_answered(&replicas, 2, 900000, 10);
	}
	assert_true(items[2].out_until_us > 0);
}

static void one_that_has_not_answered_yet_is_taken_for_one_like_the_others(void **state)
{
	(void)state;
	size_t counts[3] = {0}, later[3] = {0};
	items[1].latency_us = 0;
	items[1].in_flight = 5;
	choose_much(counts);
	assert_int_equal(counts[1], 0);
	items[1].in_flight = 0;
	choose_much(later);
	assert_in_range(later[1], 700, 1700);
}

static void one_that_leaves_all_its_calls_without_an_answer_is_left_out(void **state)
{
	(void)state;
	size_t index;
	replica_sent(&items[1], 100);
	replica_answered(&replicas, 1, 1000, 1100); /* and has nothing to do from then on */
	replica_sent(&items[2], 1000000);
	replica_sent(&items[2], 1050000);
	assert_false(replicas_to_ask(&replicas, 1100000, &index));
	assert_false(replicas_leave_out(&replicas, 2));
	assert_false(replicas_to_ask(&replicas, 2000000, &index));
	assert_true(replicas_leave_out(&replicas, 2));
	assert_false(replicas_leave_out(&replicas, 1));
	assert_true(replicas_to_ask(&replicas, 2000000 + REPLICA_OUT_US, &index));
	assert_int_equal(index, 2);
	replica_reported(&items[2], true, 2000000 + REPLICA_OUT_US); /* what it was given before does not count against it again */
	assert_false(replicas_to_ask(&replicas, 2000000 + REPLICA_OUT_US, &index));
	assert_false(replicas_leave_out(&replicas, 2));
}

static void servers_that_are_all_slow_at_once_are_none_of_them_left_out(void **state)
{
	(void)state;
	size_t index;
	for (size_t i = 0; i < 3; i++)
		replica_sent(&items[i], 0);
	assert_false(replicas_to_ask(&replicas, 3000000, &index));
	replica_answered(&replicas, 0, 3000000, 3000000);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(items[i].out_until_us, 0);
	assert_false(replicas_to_ask(&replicas, 3000000, &index)); /* now one is heard, and the others are silent */
	assert_int_equal(items[0].out_until_us, 0);
}

static void what_one_that_is_out_holds_is_given_up_when_another_is_far_sooner(void **state)
{
	(void)state;
	replica_sent(&items[1], 0);
	replica_sent(&items[1], 100000);
	assert_false(replicas_hold(&replicas));
	assert_false(replicas_give_up(&replicas, 1, 0, 900000)); /* it is not out */
	replica_sent(&items[1], 100000);
	replica_failed(&replicas, 1, true, 150000);
	assert_true(replicas_hold(&replicas));
	assert_false(replicas_give_up(&replicas, 1, 0, 200000));
	assert_true(replicas_give_up(&replicas, 1, 0, 200001));
	assert_false(replicas_give_up(&replicas, 1, 100000, 200001));
	assert_in_range(replicas_due_us(&replicas, 200001), 200002, 250000);
	for (size_t i = 0; i < 3; i += 2) {
		replica_sent(&items[i], 0);
		replica_failed(&replicas, i, true, 0);
	}
	assert_false(replicas_give_up(&replicas, 1, 0, 900000)); /* to whom? */
}

static void when_all_are_out_all_are_asked(void **state)
{
	(void)state;
	size_t counts[3] = {0};
	for (size_t i = 0; i < 3; i++) {
		replica_sent(&items[i], 0);
		replica_failed(&replicas, i, true, 0);
	}
	choose_much(counts);
	for (size_t i = 0; i < 3; i++)
		assert_true(counts[i] > 0);
	assert_false(replicas_leave_out(&replicas, 0));
}

static void time_outs_of(struct replica *replica, int count, int64_t sent_us)
{
	for (int i = 0; i < count; i++)
		replica_timed_out(replica, sent_us);
}

static void one_is_silent_since_its_last_answer(void **state)
{
	(void)state;
	items[0].heard_us = 5900000; /* while twenty calls were under way since 0 */
	time_outs_of(&items[0], 20, 0);
	assert_false(replica_is_silent(&items[0], 6000000));
	assert_false(replica_is_silent(&items[0], 10899999));
	assert_true(replica_is_silent(&items[0], 10900000));
	time_outs_of(&items[1], 4, 0);
	assert_false(replica_is_silent(&items[1], 60000000));
	time_outs_of(&items[1], 1, 50000000);
	assert_true(replica_is_silent(&items[1], 60000000));
}

static void one_that_takes_long_is_silent_after_three_times_that(void **state)
{
	(void)state;
	items[0].latency_us = 3000000;
	time_outs_of(&items[0], 5, 0);
	assert_false(replica_is_silent(&items[0], 8999999));
	assert_true(replica_is_silent(&items[0], 9000000));
}

static void a_pause_of_this_process_is_no_silence(void **state)
{
	(void)state;
	time_outs_of(&items[0], 4, 1000000);
	replicas_paused(&replicas, 10000000, 14000000);
	time_outs_of(&items[0], 1, 14000000);
	assert_false(replica_is_silent(&items[0], 15999999));
	assert_true(replica_is_silent(&items[0], 16000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(equal_servers_share_the_work, begin),
		cmocka_unit_test_setup(of_two_the_one_with_less_to_do_is_asked, begin),
		cmocka_unit_test_setup(what_failed_at_one_goes_to_another_as_long_as_there_is_one, begin),
		cmocka_unit_test_setup(one_that_cannot_be_reached_is_left_out_at_once, begin),
		cmocka_unit_test_setup(one_that_is_not_ready_stays_out_for_longer, begin),
		cmocka_unit_test_setup(one_that_fails_five_times_in_a_row_is_left_out, begin),
		cmocka_unit_test_setup(one_that_is_far_slower_than_all_others_is_left_out, begin),
		cmocka_unit_test_setup(one_that_has_not_answered_yet_is_taken_for_one_like_the_others, begin),
		cmocka_unit_test_setup(one_that_leaves_all_its_calls_without_an_answer_is_left_out, begin),
		cmocka_unit_test_setup(servers_that_are_all_slow_at_once_are_none_of_them_left_out, begin),
		cmocka_unit_test_setup(what_one_that_is_out_holds_is_given_up_when_another_is_far_sooner, begin),
		cmocka_unit_test_setup(when_all_are_out_all_are_asked, begin),
		cmocka_unit_test_setup(one_is_silent_since_its_last_answer, begin),
		cmocka_unit_test_setup(one_that_takes_long_is_silent_after_three_times_that, begin),
		cmocka_unit_test_setup(a_pause_of_this_process_is_no_silence, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
