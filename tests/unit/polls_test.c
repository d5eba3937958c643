/* polls_test.c: Tests of the limits of polls: of a gateway, and of one caller; against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/polls.h"
#include "tests/unit/mock_broker.h"

#define CALLER 7
#define OTHER 9
#define TURNS_MAX 2000
#define TURN_MS 10

struct polls_stand {
	struct mock mock;
	struct loop *loop;
	struct polls *polls;
	size_t ended;
};

static int stand_open(void **state)
{
	static struct polls_stand stand;
	struct error error = {0};
	stand = (struct polls_stand){0};
	mock_open(&stand.mock);
	mock_write(&stand.mock, NULL, "a request that was not submitted", NULL, NULL);
	stand.loop = loop_open(&error);
	assert_non_null(stand.loop);
	const struct polls_config config = {.brokers = stand.mock.brokers, .consumer = mock_quick};
	stand.polls = polls_open(stand.loop, &config, &error);
	assert_non_null(stand.polls);
	*state = &stand;
	return 0;
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
	struct polls_stand *stand = context;
	assert_int_equal(outcome->status, 404);
	stand->ended++;
}

static enum poll_start poll_of(struct polls_stand *stand, uint64_t share)
{
	const struct poll_request request = {.inputs = "in", .outputs = "out", .share = share, .ended = on_ended, .context = stand};
	return polls_begin(stand->polls, &request);
}

static void await_ends(struct polls_stand *stand, size_t count)
{
	struct error error = {0};
	for (size_t i = 0; stand->ended < count && i < TURNS_MAX; i++)
		assert_true(loop_turn(stand->loop, TURN_MS, &error));
	assert_int_equal(stand->ended, count);
}

static void a_caller_has_a_share_of_the_polls(void **state)
{
	struct polls_stand *stand = *state;
	const size_t share = POLLS_AT_ONCE / POLLS_SHARES;
	for (size_t i = 0; i < share; i++)
		assert_int_equal(poll_of(stand, CALLER), POLL_STARTED);
	assert_int_equal(poll_of(stand, CALLER), POLL_NO_SHARE);
	assert_int_equal(poll_of(stand, OTHER), POLL_STARTED);
	await_ends(stand, share + 1);
	assert_int_equal(poll_of(stand, CALLER), POLL_STARTED);
	await_ends(stand, share + 2);
}

static void polls_of_callers_without_a_share_are_limited_together(void **state)
{
	struct polls_stand *stand = *state;
	for (size_t i = 0; i < POLLS_AT_ONCE; i++)
		assert_int_equal(poll_of(stand, 0), POLL_STARTED);
	assert_int_equal(poll_of(stand, 0), POLL_NO_PLACE);
	assert_int_equal(poll_of(stand, CALLER), POLL_NO_PLACE);
	await_ends(stand, POLLS_AT_ONCE);
	assert_int_equal(poll_of(stand, 0), POLL_STARTED);
	await_ends(stand, POLLS_AT_ONCE + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_caller_has_a_share_of_the_polls, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(polls_of_callers_without_a_share_are_limited_together, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
