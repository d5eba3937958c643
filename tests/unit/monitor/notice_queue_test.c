/* The queue of notices, on a virtual clock. */
#include "monitor/alerts/notice_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"

#define S 1000

#define NOTICE(name)                                                                                                               \
	{                                                                                                                          \
		.receivers = (struct text[]){TEXT(name)}, .receiver_count = 1                                                      \
	}

static void notices_of_a_receiver_that_is_down_wait_in_their_order(void **state)
{
	(void)state;
	struct notice_queue queue = {0};
	struct queued_notice first = NOTICE("a"), second = NOTICE("a"), other = NOTICE("b");
	int64_t due_ms, now_ms = 0, attempts = 0;
	assert_true(notice_queue_add(&queue, &first, 0) && notice_queue_add(&queue, &second, 0));
	assert_true(notice_queue_add(&queue, &other, 0));
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &first);
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &other);
	notice_queue_remove(&queue, &other);
	assert_null(notice_queue_next(&queue, 0, &due_ms));
	assert_true(notice_queue_retry(&queue, &first, 0, 0));
	for (; now_ms < 300 * S; now_ms += 100) {
		struct queued_notice *notice = notice_queue_next(&queue, now_ms, &due_ms);
		assert_true(!notice || notice == &first);
		attempts += notice != NULL;
		if (notice)
			assert_true(notice_queue_retry(&queue, notice, 0, now_ms));
		else
			assert_true(due_ms > now_ms && due_ms <= now_ms + NOTICE_PAUSE_MS_MAX);
	}
	assert_true(attempts >= 10 && attempts <= 14); /* 1 2 4 8 16 30 30 ... seconds apart, in five minutes */
	now_ms += NOTICE_PAUSE_MS_MAX;
	assert_ptr_equal(notice_queue_next(&queue, now_ms, &due_ms), &first);
	notice_queue_remove(&queue, &first);
	assert_ptr_equal(notice_queue_next(&queue, now_ms, &due_ms), &second);
	notice_queue_remove(&queue, &second);
	assert_null(notice_queue_next(&queue, now_ms, &due_ms));
	assert_true(due_ms == INT64_MAX);
}

/* Each attempt at one that does not answer takes as long as it may. */
static void receivers_that_do_not_answer_delay_another_by_one_attempt_each(void **state)
{
	(void)state;
	struct notice_queue queue = {0};
	struct queued_notice dead[] = {NOTICE("a"), NOTICE("b"), NOTICE("c"), NOTICE("d"), NOTICE("e")}, good = NOTICE("good");
	const size_t count = sizeof dead / sizeof *dead;
	int64_t due_ms, now_ms = 0;
	for (size_t i = 0; i < count; i++)
		assert_true(notice_queue_add(&queue, &dead[i], 0));
	for (; now_ms < 600 * S;) {
		struct queued_notice *notice = notice_queue_next(&queue, now_ms, &due_ms);
		now_ms = notice ? now_ms + 10 * S : due_ms;
		if (notice)
			assert_true(notice_queue_retry(&queue, notice, 0, now_ms));
	}
	assert_true(notice_queue_add(&queue, &good, now_ms));
	struct queued_notice *notice = NULL;
	for (size_t i = 0; i <= count && notice != &good; i++) {
		notice = notice_queue_next(&queue, now_ms, &due_ms);
		assert_non_null(notice);
		now_ms += 10 * S;
		if (notice != &good)
			assert_true(notice_queue_retry(&queue, notice, 0, now_ms));
	}
	assert_ptr_equal(notice, &good);
}

static void a_receiver_that_asks_to_wait_is_left_alone(void **state)
{
	(void)state;
	struct notice_queue queue = {0};
	struct queued_notice first = NOTICE("a"), second = NOTICE("a");
	int64_t due_ms;
	assert_true(notice_queue_add(&queue, &first, 0) && notice_queue_add(&queue, &second, 0));
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &first);
	assert_true(notice_queue_retry(&queue, &first, 60 * S, 0));
	assert_null(notice_queue_next(&queue, 60 * S - 1, &due_ms));
	assert_int_equal(due_ms, 60 * S);
	assert_ptr_equal(notice_queue_next(&queue, 60 * S, &due_ms), &first);
	assert_true(notice_queue_retry(&queue, &first, 24 * 3600 * S, 60 * S)); /* longer than it may ask for */
	assert_null(notice_queue_next(&queue, 60 * S + NOTICE_WAIT_MS_MAX - 1, &due_ms));
	assert_ptr_equal(notice_queue_next(&queue, 60 * S + NOTICE_WAIT_MS_MAX, &due_ms), &first);
	assert_true(notice_queue_retry(&queue, &first, 1, 0)); /* no shorter than without: 1 s, 2 s, then 4 s */
	assert_null(notice_queue_next(&queue, 4 * S - 1, &due_ms));
	assert_int_equal(due_ms, 4 * S);
}

static void the_queue_is_bounded_and_old_notices_are_given_up(void **state)
{
	(void)state;
	struct notice_queue queue = {0};
	struct text receivers[] = {TEXT("a"), TEXT("b"), TEXT("c"), TEXT("d"), TEXT("e")};
	struct queued_notice *notices = memory_take(NOTICES_MAX + 2, sizeof *notices), *further = &notices[NOTICES_MAX];
	int64_t due_ms;
	for (size_t i = 0; i < NOTICES_MAX; i++) {
		notices[i].receivers = &receivers[i / NOTICES_OF_RECEIVER_MAX];
		notices[i].receiver_count = 1;
		if (i % NOTICES_OF_RECEIVER_MAX == 0 && i > 0) {
			further->receivers = &receivers[i / NOTICES_OF_RECEIVER_MAX - 1];
			further->receiver_count = 1;
			assert_false(notice_queue_add(&queue, further, 0)); /* too many of that one */
		}
		assert_true(notice_queue_add(&queue, &notices[i], 0));
	}
	further->receivers = &receivers[4];
	assert_false(notice_queue_add(&queue, further, 0)); /* too many in all */
	struct queued_notice *first = notices;
	for (size_t i = 0; i < NOTICES_MAX; i += NOTICES_OF_RECEIVER_MAX) /* one of each is being sent */
		assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &notices[i]);
	assert_true(notice_queue_retry(&queue, first, 0, NOTICE_AGE_MS_MAX - 1));
	assert_ptr_equal(notice_queue_next(&queue, NOTICE_AGE_MS_MAX + NOTICE_PAUSE_MS, &due_ms), first);
	assert_false(notice_queue_retry(&queue, first, 0, NOTICE_AGE_MS_MAX));
	assert_true(notice_queue_add(&queue, further, 0));
	memory_give(notices);
}

/* A mail server answers for each of the recipients of a mail. */
static void a_receiver_that_is_away_delays_no_other_of_the_same_notices(void **state)
{
	(void)state;
	struct notice_queue queue = {0};
	struct text of_first[] = {TEXT("away"), TEXT("good")}, of_second[] = {TEXT("away"), TEXT("good")},
		    of_third[] = {TEXT("good")};
	struct queued_notice first = {.receivers = of_first, .receiver_count = 2};
	struct queued_notice second = {.receivers = of_second, .receiver_count = 2};
	struct queued_notice third = {.receivers = of_third, .receiver_count = 1};
	int64_t due_ms;
	assert_true(notice_queue_add(&queue, &first, 0) && notice_queue_add(&queue, &second, 0) &&
		    notice_queue_add(&queue, &third, 0));
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &first);
	assert_int_equal(first.ready_count, 2);
	assert_null(notice_queue_next(&queue, 0, &due_ms));
	first.receiver_count = 1; /* the good one has it */
	assert_true(notice_queue_retry(&queue, &first, 0, 0));
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &second);
	assert_int_equal(second.ready_count, 1);
	assert_true(text_is(second.receivers[0], "good"));
	assert_null(notice_queue_next(&queue, 0, &due_ms)); /* the third one goes to the good one, too */
	second.receivers[0] = second.receivers[1];
	second.receiver_count = 1;
	notice_queue_go_on(&second, 0);
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &third);
	notice_queue_remove(&queue, &third);
	assert_null(notice_queue_next(&queue, 0, &due_ms)); /* the second one waits behind the first one */
	assert_int_equal(due_ms, NOTICE_PAUSE_MS);
	assert_ptr_equal(notice_queue_next(&queue, NOTICE_PAUSE_MS, &due_ms), &first);
	notice_queue_remove(&queue, &first);
	assert_ptr_equal(notice_queue_next(&queue, NOTICE_PAUSE_MS, &due_ms), &second);
	assert_int_equal(second.ready_count, 1);
	assert_true(text_is(second.receivers[0], "away"));
}

static void a_receiver_that_is_full_is_left_out_of_further_notices(void **state)
{
	(void)state;
	struct notice_queue queue = {0};
	struct text full = TEXT("full"), of_further[] = {TEXT("full"), TEXT("good"), TEXT("full"), TEXT("other")};
	struct queued_notice *notices = memory_take(NOTICES_OF_RECEIVER_MAX, sizeof *notices);
	struct queued_notice further = {.receivers = of_further, .receiver_count = 4}, last = NOTICE("full");
	int64_t due_ms;
	for (size_t i = 0; i < NOTICES_OF_RECEIVER_MAX; i++) {
		notices[i].receivers = &full;
		notices[i].receiver_count = 1;
		assert_true(notice_queue_add(&queue, &notices[i], 0));
	}
	assert_true(notice_queue_add(&queue, &further, 0));
	assert_int_equal(further.receiver_count, 2);
	assert_true(text_is(of_further[0], "good") && text_is(of_further[1], "other"));
	assert_true(text_is(of_further[2], "full") && text_is(of_further[3], "full"));
	assert_false(notice_queue_add(&queue, &last, 0)); /* nobody is left */
	assert_int_equal(last.receiver_count, 1);
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &notices[0]);
	notice_queue_remove(&queue, &notices[0]);
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &notices[1]);
	assert_ptr_equal(notice_queue_next(&queue, 0, &due_ms), &further);
	assert_int_equal(further.ready_count, 2);
	assert_true(notice_queue_add(&queue, &last, 0)); /* a place is free, which the further one did not take */
	memory_give(notices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notices_of_a_receiver_that_is_down_wait_in_their_order),
		cmocka_unit_test(receivers_that_do_not_answer_delay_another_by_one_attempt_each),
		cmocka_unit_test(a_receiver_that_asks_to_wait_is_left_alone),
		cmocka_unit_test(a_receiver_that_is_away_delays_no_other_of_the_same_notices),
		cmocka_unit_test(a_receiver_that_is_full_is_left_out_of_further_notices),
		cmocka_unit_test(the_queue_is_bounded_and_old_notices_are_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
