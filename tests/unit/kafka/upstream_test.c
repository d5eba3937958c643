/* upstream_test.c: questions for the progress of groups: their order, their answers, and that to forget one does not wait. */
#include "kafka/consume/upstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "base/clock.h"
#include "tests/unit/mock_broker.h"

#define SLOW_MS 2000 /* of an answer of a slow broker */
#define QUICK_MS 700 /* of what does not wait for it, on a busy machine */

static const struct upstream_link links[] = {{"first", "in"}, {"second", "in"}};
static const struct upstream_chain one = {1, links}, two = {2, links};

struct stand {
	struct mock mock;
	struct upstream *upstream;
};

static void stand_open(struct stand *stand)
{
	struct error error = {0};
	mock_open(&stand->mock);
	stand->upstream = upstream_open(stand->mock.brokers, mock_quick, &error);
	assert_non_null(stand->upstream);
}

static void stand_close(struct stand *stand)
{
	upstream_close(stand->upstream);
	mock_close(&stand->mock);
}

static void ask(const struct stand *stand, uint64_t ticket, const struct upstream_chain *chain)
{
	struct error error = {0};
	assert_true(upstream_ask(stand->upstream, ticket, chain, &error));
}

static enum upstream_progress wait_for_answer(const struct stand *stand, uint64_t *ticket)
{
	struct pollfd bell = {.fd = upstream_bell(stand->upstream), .events = POLLIN};
	enum upstream_progress progress;
	while ((progress = upstream_answer(stand->upstream, ticket)) == UPSTREAM_NONE)
		assert_int_equal(poll(&bell, 1, MOCK_WAIT_MS), 1);
	return progress;
}

/* Asked until its answer is that it has passed; returns how often it was behind. */
static size_t wait_until_passed(const struct stand *stand, uint64_t ticket, const struct upstream_chain *chain)
{
	uint64_t answered;
	size_t behind = 0;
	for (;; behind++) {
		ask(stand, ticket, chain);
		enum upstream_progress progress = wait_for_answer(stand, &answered);
		assert_int_equal(answered, ticket);
		if (progress == UPSTREAM_PASSED)
			return behind;
	}
}

static void the_first_that_came_is_asked_first(void **state)
{
	(void)state;
	struct stand stand;
	uint64_t ticket;
	stand_open(&stand);
	rd_kafka_mock_broker_set_rtt(stand.mock.cluster, 1, 20);
	for (uint64_t i = 1; i <= 4; i++)
		ask(&stand, i, &one);
	for (uint64_t i = 1; i <= 4; i++) {
		(void)wait_for_answer(&stand, &ticket);
		assert_int_equal(ticket, i);
	}
	stand_close(&stand);
}

/* What a link's topics get later does not count for it, but what they had when its turn came does. */
static void a_chain_has_passed_when_each_link_has_in_turn(void **state)
{
	(void)state;
	struct stand stand;
	uint64_t ticket;
	stand_open(&stand);
	for (int i = 0; i < 3; i++)
		mock_write(&stand.mock, NULL, "x", NULL, NULL);
	mock_commit(&stand.mock, "second", 3);
	ask(&stand, 7, &two);
	assert_int_equal(wait_for_answer(&stand, &ticket), UPSTREAM_BEHIND);
	mock_write(&stand.mock, NULL, "later", NULL, NULL);
	mock_commit(&stand.mock, "first", 3);
	for (int i = 0; i < 3; i++) {
		ask(&stand, 7, &two);
		assert_int_equal(wait_for_answer(&stand, &ticket), UPSTREAM_BEHIND); /* the second link had four */
	}
	mock_commit(&stand.mock, "second", 4);
	(void)wait_until_passed(&stand, 7, &two);
	ask(&stand, 7, &two);
	assert_int_equal(wait_for_answer(&stand, &ticket), UPSTREAM_BEHIND); /* it begins anew: the first link has four now */
	stand_close(&stand);
}

static void one_that_is_asked_is_forgotten_at_once(void **state)
{
	(void)state;
	struct stand stand;
	uint64_t ticket;
	stand_open(&stand);
	rd_kafka_mock_broker_set_rtt(stand.mock.cluster, 1, SLOW_MS);
	ask(&stand, 1, &one);
	(void)poll(NULL, 0, QUICK_MS); /* it is being asked by then, and not answered */
	ask(&stand, 2, &one);
	ask(&stand, 3, &one);
	int64_t begun_ms = clock_ms();
	upstream_forget(stand.upstream, 1);
	upstream_forget(stand.upstream, 2);
	upstream_forget(stand.upstream, 4);
	assert_in_range(clock_ms() - begun_ms, 0, QUICK_MS);
	rd_kafka_mock_broker_set_rtt(stand.mock.cluster, 1, 0);
	(void)wait_for_answer(&stand, &ticket);
	assert_int_equal(ticket, 3);
	ask(&stand, 1, &one); /* a new question by a number that is free again */
	(void)wait_for_answer(&stand, &ticket);
	assert_int_equal(ticket, 1);
	upstream_forget(stand.upstream, 1);
	assert_int_equal(upstream_answer(stand.upstream, &ticket), UPSTREAM_NONE);
	stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_came_is_asked_first),
		cmocka_unit_test(a_chain_has_passed_when_each_link_has_in_turn),
		cmocka_unit_test(one_that_is_asked_is_forgotten_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
