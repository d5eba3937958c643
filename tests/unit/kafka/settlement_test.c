/* Which call follows which when a transaction is settled, whoever makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kafka/produce/settlement.h"

static struct position items[] = {{0, 0, 7}, {0, 1, OFFSET_NONE}};
static const struct positions some = {2, items};

/* An open transaction at its end, with no connection closed so far. */
static struct settlement ending(struct positions positions)
{
	struct settlement settlement;
	settlement_start(&settlement);
	settlement_took(&settlement, SETTLEMENT_DONE, 0);
	settlement_took(&settlement, SETTLEMENT_DONE, 0);
	settlement_end(&settlement, positions, 0);
	return settlement;
}

/* Makes these calls, each with success; fails the test where another is wanted. */
static void expect_calls(struct settlement *settlement, const enum settlement_call *calls, size_t count, unsigned closed)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(settlement->call, calls[i]);
		settlement_took(settlement, SETTLEMENT_DONE, closed);
	}
}
#define CALLS(settlement, closed, ...)                                                        \
	do {                                                                                  \
		const enum settlement_call calls[] = {__VA_ARGS__};                           \
		expect_calls((settlement), calls, sizeof calls / sizeof calls[0], (closed)); \
	} while (0)

static void assert_over(const struct settlement *settlement, enum transaction_news news)
{
	assert_int_equal(settlement->call, SETTLEMENT_OVER);
	assert_int_equal(settlement->news, news);
}

static void a_first_producer_is_opened_and_begins(void **state)
{
	(void)state;
	struct settlement settlement;
	settlement_start(&settlement);
	CALLS(&settlement, 0, SETTLEMENT_OPEN, SETTLEMENT_BEGIN);
	assert_over(&settlement, NEWS_STARTED);
}

static void offsets_go_before_the_commit_and_the_next_begins_behind_it(void **state)
{
	(void)state;
	struct settlement settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS, SETTLEMENT_COMMIT, SETTLEMENT_BEGIN);
	assert_over(&settlement, NEWS_COMMITTED);
}

static void without_offsets_there_are_none_to_send(void **state)
{
	(void)state;
	struct settlement settlement = ending((struct positions){1, &items[1]});
	CALLS(&settlement, 0, SETTLEMENT_COMMIT, SETTLEMENT_BEGIN);
	assert_over(&settlement, NEWS_COMMITTED);
}

static void a_connection_that_closed_since_the_begin_means_a_new_producer(void **state)
{
	(void)state;
	struct settlement settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS, SETTLEMENT_COMMIT, SETTLEMENT_BEGIN);
	settlement_end(&settlement, some, 1);
	CALLS(&settlement, 2, SETTLEMENT_OPEN, SETTLEMENT_BEGIN, SETTLEMENT_READ_COMMITTED);
	assert_over(&settlement, NEWS_RESET);
	/* What closed before the new one began says nothing about it. */
	settlement_end(&settlement, some, 2);
	CALLS(&settlement, 2, SETTLEMENT_SEND_OFFSETS, SETTLEMENT_COMMIT, SETTLEMENT_BEGIN);
	assert_over(&settlement, NEWS_COMMITTED);
}

static void a_commit_that_succeeded_over_a_closed_connection_is_in_doubt(void **state)
{
	(void)state;
	struct settlement settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS);
	CALLS(&settlement, 1, SETTLEMENT_COMMIT, SETTLEMENT_OPEN, SETTLEMENT_BEGIN, SETTLEMENT_READ_COMMITTED);
	assert_over(&settlement, NEWS_RESET);
	assert_int_equal(settlement.closed, 1);
}

static void what_cannot_be_had_now_is_tried_again_after_a_pause(void **state)
{
	(void)state;
	struct settlement settlement = ending(some);
	settlement_took(&settlement, SETTLEMENT_FAILED, 0); /* the offsets */
	assert_int_equal(settlement.call, SETTLEMENT_OPEN);
	settlement_took(&settlement, SETTLEMENT_FAILED, 0);
	CALLS(&settlement, 0, SETTLEMENT_PAUSE, SETTLEMENT_OPEN);
	settlement_took(&settlement, SETTLEMENT_FAILED, 0); /* the begin: with another producer again */
	CALLS(&settlement, 0, SETTLEMENT_PAUSE, SETTLEMENT_OPEN, SETTLEMENT_BEGIN);
	settlement_took(&settlement, SETTLEMENT_FAILED, 0); /* the group's offsets */
	CALLS(&settlement, 0, SETTLEMENT_PAUSE, SETTLEMENT_READ_COMMITTED);
	assert_over(&settlement, NEWS_RESET);
}

/* Before the commit is asked for, nothing is committed; after that it may be. */
static void only_a_commit_that_was_asked_for_may_have_succeeded(void **state)
{
	(void)state;
	struct settlement settlement = ending(some);
	settlement_took(&settlement, SETTLEMENT_FAILED, 0); /* the offsets */
	assert_false(settlement.maybe_committed);
	settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS);
	settlement_took(&settlement, SETTLEMENT_FAILED, 0); /* the commit */
	CALLS(&settlement, 0, SETTLEMENT_OPEN, SETTLEMENT_BEGIN);
	assert_true(settlement.maybe_committed);
	settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS);
	settlement_took(&settlement, SETTLEMENT_REFUSED, 0); /* records of it, while the commit waits for them */
	CALLS(&settlement, 0, SETTLEMENT_OPEN, SETTLEMENT_BEGIN);
	assert_false(settlement.maybe_committed);
	settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS);
	CALLS(&settlement, 1, SETTLEMENT_COMMIT);
	assert_true(settlement.maybe_committed);
	settlement = ending(some);
	CALLS(&settlement, 0, SETTLEMENT_SEND_OFFSETS, SETTLEMENT_COMMIT, SETTLEMENT_BEGIN);
	settlement_end(&settlement, (struct positions){1, &items[1]}, 1); /* its commit would be asked for at once */
	assert_int_equal(settlement.call, SETTLEMENT_OPEN);
	assert_false(settlement.maybe_committed);
}

/* Of partitions of offsets 50, none and 70 that were sent, what is read back of each. A transaction commits all offsets or none. */
static void what_the_group_does_not_say_is_told_by_other_partitions(void **state)
{
	(void)state;
	enum { SAME = -100 };
	static const struct resolution {
		bool maybe_committed, is_resolved;
		struct committed_offset committed[3];
		int64_t offsets[3];
	} resolutions[] = {
		/* nothing is denied: as it is read */
		{true, true, {{50, 0}, {10, 0}, {70, 0}}, {50, 10, 70}},
		{true, true, {{40, 0}, {OFFSET_NONE, 0}, {OFFSET_NONE, 0}}, {40, OFFSET_NONE, OFFSET_NONE}},
		/* the commit was not asked for: what the worker knows holds */
		{false, true, {{OFFSET_NONE, 1}, {OFFSET_NONE, 1}, {60, 0}}, {OFFSET_UNKNOWN, OFFSET_UNKNOWN, 60}},
		{false,
		 true,
		 {{OFFSET_NONE, 1}, {OFFSET_NONE, 1}, {OFFSET_NONE, 1}},
		 {OFFSET_UNKNOWN, OFFSET_UNKNOWN, OFFSET_UNKNOWN}},
		/* it was: the last partition tells */
		{true, true, {{OFFSET_NONE, 1}, {10, 0}, {70, 0}}, {50, 10, 70}},
		{true, true, {{OFFSET_NONE, 1}, {10, 0}, {69, 0}}, {OFFSET_UNKNOWN, 10, 69}},
		{true, true, {{OFFSET_NONE, 1}, {10, 0}, {OFFSET_NONE, 0}}, {OFFSET_UNKNOWN, 10, OFFSET_NONE}},
		/* where offsets were reset by hand, one that is lacking decides */
		{true, true, {{OFFSET_NONE, 1}, {10, 0}, {50, 0}}, {OFFSET_UNKNOWN, 10, 50}},
		/* a partition of which nothing was sent tells nothing, and needs to be told nothing */
		{true, false, {{OFFSET_NONE, 1}, {10, 0}, {OFFSET_NONE, 1}}, {SAME, SAME, SAME}},
		{true, true, {{50, 0}, {OFFSET_NONE, 1}, {70, 0}}, {50, OFFSET_UNKNOWN, 70}},
		/* nor does one in which somebody has committed more */
		{true, false, {{OFFSET_NONE, 1}, {10, 0}, {71, 0}}, {SAME, SAME, SAME}},
	};
	for (size_t i = 0; i < sizeof resolutions / sizeof *resolutions; i++) {
		const struct resolution *one = &resolutions[i];
		struct position sent[] = {{0, 0, 50}, {1, 0, OFFSET_NONE}, {2, 0, 70}};
		const struct position before[] = {sent[0], sent[1], sent[2]};
		struct settlement settlement = {.positions = {3, sent}, .maybe_committed = one->maybe_committed};
		if (settlement_resolve(&settlement, one->committed) != one->is_resolved)
			fail_msg("resolution %zu", i);
		for (size_t j = 0; j < 3; j++) {
			const int64_t wanted = one->offsets[j] == SAME ? before[j].offset : one->offsets[j];
			if (sent[j].offset != wanted)
				fail_msg("resolution %zu, partition %zu: %lld", i, j, (long long)sent[j].offset);
		}
	}
}

static void what_never_will_be_had_ends_it(void **state)
{
	(void)state;
	struct settlement settlement;
	settlement_start(&settlement);
	settlement_took(&settlement, SETTLEMENT_HOPELESS, 0);
	assert_over(&settlement, NEWS_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_producer_is_opened_and_begins),
		cmocka_unit_test(offsets_go_before_the_commit_and_the_next_begins_behind_it),
		cmocka_unit_test(without_offsets_there_are_none_to_send),
		cmocka_unit_test(a_connection_that_closed_since_the_begin_means_a_new_producer),
		cmocka_unit_test(a_commit_that_succeeded_over_a_closed_connection_is_in_doubt),
		cmocka_unit_test(what_cannot_be_had_now_is_tried_again_after_a_pause),
		cmocka_unit_test(only_a_commit_that_was_asked_for_may_have_succeeded),
		cmocka_unit_test(what_the_group_does_not_say_is_told_by_other_partitions),
		cmocka_unit_test(what_never_will_be_had_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
