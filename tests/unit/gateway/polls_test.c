/* polls_test.c: Tests of the limits of polls: of a gateway, and of one caller; against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/calls/polls.h"
#include "tests/unit/mock_broker.h"

#define CALLER 7
#define OTHER 9
#define TURNS_MAX 2000
#define TURN_MS 10
#define POLLERS (POLLS_MAX + 4)
#define SOON_MS 300
#define PROMPT_MS 6000	      /* far less than searches wait for Kafka here */
#define ANSWER_DELAY_MS 60000 /* of a broker that describes topics, and does not say where they end */
#define LIST_OFFSETS 2

struct poller {
	struct polls_stand *stand;
	uint64_t share;
	int status;   /* 0: it has not ended */
	size_t place; /* among those that ended, from 1 */
	int64_t allowed_ms;
	char words[512];
	bool is_over;
};

struct polls_stand {
	struct mock mock;
	struct loop *loop;
	struct polls *polls;
	struct poller pollers[POLLERS];
	size_t begun, ended;
};

static int stand_open_with(void **state, int64_t wait_ms)
{
	static struct polls_stand stand;
	struct error error = {0};
	stand = (struct polls_stand){0};
	mock_open(&stand.mock);
	mock_write(&stand.mock, NULL, "a request that was not submitted", NULL, NULL);
	stand.loop = loop_open(&error);
	assert_non_null(stand.loop);
	const struct polls_config config = {.brokers = stand.mock.brokers, .consumer = mock_quick, .wait_ms = wait_ms};
	stand.polls = polls_open(stand.loop, &config, &error);
	assert_non_null(stand.polls);
	*state = &stand;
	return 0;
}

static int stand_open(void **state)
{
	return stand_open_with(state, 0);
}

static int hurried_stand_open(void **state)
{
	return stand_open_with(state, SOON_MS);
}

static int stand_close(void **state)
{
	struct polls_stand *stand = *state;
	polls_close(stand->polls);
	loop_close(stand->loop);
	mock_close(&stand->mock);
	return 0;
}

static void on_ended(void *context, const struct call_outcome *outcome)
{
	struct poller *poller = context;
	poller->status = outcome->status;
	(void)snprintf(poller->words, sizeof poller->words, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->body));
	assert_non_null(outcome->arena);
	poller->place = ++poller->stand->ended;
}

static bool is_over(void *context)
{
	return ((const struct poller *)context)->is_over;
}

static enum poll_start poll_begin(struct poller *poller)
{
	const struct poll_request request = {.inputs = "in",
					     .outputs = "out",
					     .allowed_ms = poller->allowed_ms,
					     .share = poller->share,
					     .ended = on_ended,
					     .is_over = is_over,
					     .context = poller};
	return polls_begin(poller->stand->polls, &request);
}

static enum poll_start poll_of(struct polls_stand *stand, uint64_t share)
{
	struct poller *poller = stand->pollers + stand->begun++;
	*poller = (struct poller){.stand = stand, .share = share};
	return poll_begin(poller);
}

static struct poller *poll_within(struct polls_stand *stand, int64_t allowed_ms)
{
	struct poller *poller = stand->pollers + stand->begun++;
	*poller = (struct poller){.stand = stand, .allowed_ms = allowed_ms};
	assert_int_equal(poll_begin(poller), POLL_STARTED);
	return poller;
}

static void begin_all(struct polls_stand *stand, size_t count, uint64_t share)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(poll_of(stand, share), POLL_STARTED);
}

static void await_ends(struct polls_stand *stand, size_t count)
{
	struct error error = {0};
	for (size_t i = 0; stand->ended < count && i < TURNS_MAX; i++)
		assert_true(loop_turn(stand->loop, TURN_MS, &error));
	assert_int_equal(stand->ended, count);
}

/* Its polls are done a few at a time, and those of others go before. */
static void a_caller_has_a_share_of_the_polls(void **state)
{
	struct polls_stand *stand = *state;
	const size_t share = POLLS_MAX / POLLS_SHARES;
	begin_all(stand, share, CALLER);
	assert_int_equal(poll_of(stand, CALLER), POLL_NO_SHARE);
	begin_all(stand, 1, OTHER);
	const struct poller *other = stand->pollers + stand->begun - 1;
	await_ends(stand, share + 1);
	assert_in_range(other->place, 1, share / 2);
	begin_all(stand, 1, CALLER);
	await_ends(stand, share + 2);
	for (size_t i = 0; i < share; i++)
		assert_int_equal(stand->pollers[i].status, 404);
}

/* Of 72, the last begins when all but those that run with it have ended. */
static void further_polls_wait_and_the_oldest_is_next(void **state)
{
	struct polls_stand *stand = *state;
	begin_all(stand, POLLS_MAX, 0);
	assert_int_equal(poll_of(stand, 0), POLL_NO_PLACE);
	assert_int_equal(poll_of(stand, CALLER), POLL_NO_PLACE);
	await_ends(stand, POLLS_MAX);
	for (size_t i = 0; i < POLLS_MAX; i++) {
		assert_int_equal(stand->pollers[i].status, 404);
		assert_in_range(stand->pollers[i].place, i < POLLS_AT_ONCE ? 1 : i - POLLS_AT_ONCE + 2, POLLS_MAX);
	}
	begin_all(stand, 1, 0);
	await_ends(stand, POLLS_MAX + 1);
}

static void who_leaves_waits_no_more(void **state)
{
	struct polls_stand *stand = *state;
	struct poller *left = stand->pollers + POLLS_MAX - 1, *runs = stand->pollers;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1); /* all searches wait */
	begin_all(stand, POLLS_MAX, 0);
	assert_int_equal(poll_of(stand, 0), POLL_NO_PLACE);
	left->is_over = runs->is_over = true;
	await_ends(stand, 2);
	assert_in_range(left->place, 1, 2);
	assert_in_range(runs->place, 1, 2);
	assert_int_equal(runs->status, 503);
	assert_int_equal(poll_of(stand, 0), POLL_STARTED);
	assert_int_equal(poll_of(stand, 0), POLL_NO_PLACE);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	await_ends(stand, POLLS_MAX + 1);
}

static void searches_are_hindered(struct polls_stand *stand)
{
	for (int i = 0; i < 64; i++)
		assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(stand->mock.cluster, 1, LIST_OFFSETS, (size_t)1,
									      RD_KAFKA_RESP_ERR_NO_ERROR, ANSWER_DELAY_MS),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* The search of one that has left gives its place to the next one, long before Kafka answers. */
static void who_leaves_gives_its_place_to_others(void **state)
{
	struct polls_stand *stand = *state;
	assert_int_equal(rd_kafka_mock_broker_set_rtt(stand->mock.cluster, 1, ANSWER_DELAY_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	for (size_t i = 0; i < POLLS_AT_ONCE; i++)
		(void)poll_within(stand, ANSWER_DELAY_MS);
	begin_all(stand, 1, 0);
	const int64_t began_ms = loop_now_ms(stand->loop);
	for (size_t i = 0; i < POLLS_AT_ONCE; i++)
		stand->pollers[i].is_over = true;
	await_ends(stand, POLLS_AT_ONCE);
	assert_int_equal(rd_kafka_mock_broker_set_rtt(stand->mock.cluster, 1, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
	await_ends(stand, POLLS_AT_ONCE + 1);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, 0, PROMPT_MS);
}

/* Whatever time their callers have. */
static void closing_waits_for_no_search(void **state)
{
	struct polls_stand *stand = *state;
	searches_are_hindered(stand);
	(void)poll_within(stand, MOCK_WAIT_MS);
	begin_all(stand, 1, 0);
	const int64_t began_ms = clock_ms();
	polls_close(stand->polls);
	stand->polls = NULL;
	assert_in_range(clock_ms() - began_ms, 0, PROMPT_MS);
	assert_int_equal(stand->ended, 0);
}

static void draining_leaves_polls_a_moment(void **state)
{
	struct polls_stand *stand = *state;
	searches_are_hindered(stand);
	(void)poll_within(stand, MOCK_WAIT_MS);
	begin_all(stand, 1, 0);
	const int64_t began_ms = loop_now_ms(stand->loop);
	polls_drain(stand->polls);
	polls_drain(stand->polls);
	begin_all(stand, 1, 0);
	await_ends(stand, 3);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, POLLS_DRAIN_MS - TURN_MS, PROMPT_MS);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stand->pollers[i].status, 503);
		assert_non_null(strstr(stand->pollers[i].words, "the gateway stops"));
	}
}

static void no_poll_waits_for_ever(void **state)
{
	struct polls_stand *stand = *state;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	begin_all(stand, POLLS_AT_ONCE + 1, 0);
	await_ends(stand, 1);
	assert_int_equal(stand->pollers[POLLS_AT_ONCE].status, 503);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	await_ends(stand, POLLS_AT_ONCE + 1);
	assert_int_equal(stand->pollers[0].status, 404);
}

/* Its search, which cannot be stopped at once, keeps its place until it ends. */
static void a_poll_ends_with_the_time_of_its_caller(void **state)
{
	struct polls_stand *stand = *state;
	const int64_t began_ms = loop_now_ms(stand->loop);
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	const struct poller *poller = poll_within(stand, SOON_MS);
	await_ends(stand, 1);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, SOON_MS - TURN_MS, 10 * SOON_MS);
	assert_int_equal(poller->status, 504);
	assert_non_null(strstr(poller->words, "\"kind\":\"LIMIT\",\"place\":\"in\""));
	assert_non_null(strstr(poller->words, "x-timeout-ms"));
	begin_all(stand, POLLS_AT_ONCE - 1, 0);
	const struct poller *waits = poll_within(stand, SOON_MS);
	await_ends(stand, 2);
	assert_int_equal(waits->status, 504);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	await_ends(stand, POLLS_AT_ONCE + 1);
	assert_int_equal(stand->pollers[1].status, 404);
}

/* Others have waited for as long as polls usually may. */
static void a_poll_waits_for_the_time_of_its_caller(void **state)
{
	struct polls_stand *stand = *state;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	begin_all(stand, POLLS_AT_ONCE, 0);
	const struct poller *patient = poll_within(stand, MOCK_WAIT_MS);
	const struct poller *usual = stand->pollers + stand->begun;
	begin_all(stand, 1, 0);
	await_ends(stand, 1);
	assert_int_equal(usual->status, 503);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	await_ends(stand, POLLS_AT_ONCE + 2);
	assert_int_equal(patient->status, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_caller_has_a_share_of_the_polls, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(further_polls_wait_and_the_oldest_is_next, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(who_leaves_waits_no_more, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(who_leaves_gives_its_place_to_others, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(closing_waits_for_no_search, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(draining_leaves_polls_a_moment, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(no_poll_waits_for_ever, hurried_stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_poll_ends_with_the_time_of_its_caller, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_poll_waits_for_the_time_of_its_caller, hurried_stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
