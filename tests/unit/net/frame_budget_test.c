/* frame_budget_test.c: Tests of the frames that one connection of HTTP/2 may send without progress of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/grpc/frame_budget.h"

enum { DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING = 6, WINDOW = 8, CONTINUATION, UNKNOWN = 200 };
enum { END_STREAM = 1, PADDED = 8 };

static int budget_open(void **state)
{
	static struct frame_budget budget;
	frame_budget_open(&budget, FRAME_BUDGET_BURST, 0);
	assert_true(frame_budget_take(&budget, (const uint8_t *)"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, 0));
	*state = &budget;
	return 0;
}

/* `payload` of a frame begins with the length of its padding, if it is padded. */
static bool take_at(struct frame_budget *budget, int64_t now_ms, int type, int flags, uint8_t id, size_t length, uint8_t padding)
{
	uint8_t bytes[9 + 1024] = {0, (uint8_t)(length >> 8), (uint8_t)length, (uint8_t)type, (uint8_t)flags, 0, 0, 0, id, padding};
	assert_in_range(length, 0, 1024);
	return frame_budget_take(budget, bytes, 9 + length, now_ms);
}

static bool ping(struct frame_budget *budget, int64_t now_ms)
{
	return take_at(budget, now_ms, PING, 0, 0, 8, 0);
}

/* Leaves none. */
static int pings_at(struct frame_budget *budget, int64_t now_ms)
{
	struct frame_budget before = *budget;
	int count = 0;
	for (; ping(budget, now_ms); count++)
		before = *budget;
	*budget = before; /* as before the refused frame, which ends a connection */
	return count;
}

static void a_new_connection_has_a_burst(void **state)
{
	assert_int_equal(pings_at(*state, 0), FRAME_BUDGET_BURST);
}

static void a_connection_may_begin_with_less_and_says_what_it_used(void **state)
{
	struct frame_budget *budget = *state;
	frame_budget_open(budget, 40, 0);
	budget->skipped = 0;
	assert_int_equal(frame_budget_used(budget), 0);
	assert_int_equal(pings_at(budget, 0), 40);
	assert_int_equal(frame_budget_used(budget), 40);
	assert_true(take_at(budget, 0, HEADERS, 0, 1, 1, 0));
	assert_int_equal(frame_budget_used(budget), 40 - FRAME_BUDGET_REQUEST);
	frame_budget_sent(budget, (size_t)FRAME_BUDGET_BURST * FRAME_BUDGET_SENT_BYTES);
	assert_int_equal(frame_budget_used(budget), 0);
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_BURST);
}

static void each_frame_without_progress_costs_a_token(void **state)
{
	static const struct {
		int type, flags;
		size_t length;
		uint8_t padding;
	} frames[] = {{PING, 0, 8, 0},	    {SETTINGS, 0, 0, 0},     {SETTINGS, 1, 0, 0}, {PRIORITY, 0, 5, 0},
		      {WINDOW, 0, 4, 0},    {RESET, 0, 4, 0},	     {DATA, 0, 0, 0},	  {DATA, END_STREAM, 0, 0},
		      {DATA, PADDED, 0, 0}, {DATA, PADDED, 256, 255}, {DATA, PADDED, 1, 0}, {CONTINUATION, 4, 0, 0},
		      {UNKNOWN, 0, 3, 0}};
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		struct frame_budget *budget = *state;
		budget_open(state);
		assert_true(take_at(budget, 0, frames[i].type, frames[i].flags, 1, frames[i].length, frames[i].padding));
		assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_BURST - 1);
		assert_false(take_at(budget, 0, frames[i].type, frames[i].flags, 1, frames[i].length, frames[i].padding));
	}
}

static void time_adds_tokens_up_to_the_burst(void **state)
{
	struct frame_budget *budget = *state;
	pings_at(budget, 0);
	assert_int_equal(pings_at(budget, 1000 / FRAME_BUDGET_A_SECOND - 1), 0);
	assert_int_equal(pings_at(budget, 1000 / FRAME_BUDGET_A_SECOND), 1);
	assert_int_equal(pings_at(budget, 1000 / FRAME_BUDGET_A_SECOND + 1000), FRAME_BUDGET_A_SECOND);
	assert_true(ping(budget, 2010));
	assert_int_equal(pings_at(budget, 500), FRAME_BUDGET_A_SECOND - 1); /* a clock that goes back takes none, nor adds any */
	assert_int_equal(pings_at(budget, 2010), 0);
	assert_int_equal(pings_at(budget, INT64_MAX), FRAME_BUDGET_BURST);
}

static void a_new_request_adds_tokens_once(void **state)
{
	struct frame_budget *budget = *state;
	pings_at(budget, 0);
	assert_true(take_at(budget, 0, HEADERS, 0, 5, 20, 0));
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_REQUEST);
	const struct frame_budget empty = *budget;
	assert_false(take_at(budget, 0, HEADERS, END_STREAM, 5, 20, 0)); /* again, as trailers */
	*budget = empty;
	assert_false(take_at(budget, 0, HEADERS, 0, 3, 20, 0)); /* of a stream that has been skipped */
}

/* Requests that are reset as soon as they are sent, from FEW tokens on: how many pass. */
static int rapid_resets(struct frame_budget *budget, size_t message)
{
	enum { FEW = 32 };
	int count = 0;
	frame_budget_open(budget, FEW, 0);
	budget->skipped = 0;
	for (uint8_t id = 1; id < 200; id += 2) {
		assert_true(take_at(budget, 0, HEADERS, 0, id, 20, 0));
		assert_true(message == 0 || take_at(budget, 0, DATA, END_STREAM, id, message, 0));
		if (!take_at(budget, 0, RESET, 0, id, 4, 0))
			return count;
		count++;
	}
	return -1;
}

static void requests_that_are_reset_at_once_run_out(void **state)
{
	assert_int_equal(rapid_resets(*state, 0), 16);
	assert_int_equal(rapid_resets(*state, 100), 32); /* with a message, too */
}

/* Tokens that it takes. */
static int64_t reset_at(struct frame_budget *budget, int64_t now_ms, uint8_t id)
{
	assert_true(frame_budget_take(budget, NULL, 0, now_ms));
	const int64_t before = frame_budget_used(budget);
	assert_true(take_at(budget, now_ms, RESET, 0, id, 4, 0));
	return frame_budget_used(budget) - before;
}

static void a_request_that_was_waited_for_is_reset_as_any_frame_is_sent(void **state)
{
	struct frame_budget *budget = *state;
	(void)pings_at(budget, 0);
	assert_true(take_at(budget, 1000, HEADERS, 0, 1, 20, 0));
	assert_int_equal(reset_at(budget, 1000 + FRAME_BUDGET_RESET_MS, 1), 1); /* after silence */
	assert_true(take_at(budget, 2000, HEADERS, 0, 3, 20, 0));
	assert_int_equal(reset_at(budget, 2000 + FRAME_BUDGET_RESET_MS - 1, 3), FRAME_BUDGET_RESET);
	/* A busy connection, which sends each 10 ms. */
	assert_true(take_at(budget, 3005, HEADERS, 0, 5, 20, 0));
	for (int64_t ms = 3010; ms <= 3200; ms += 10)
		assert_true(ping(budget, ms));
	assert_true(take_at(budget, 3210, HEADERS, 0, 7, 20, 0));
	assert_int_equal(reset_at(budget, 3210, 5), 1);
	assert_int_equal(reset_at(budget, 3210, 7), FRAME_BUDGET_RESET);
}

static void data_adds_tokens_in_both_directions(void **state)
{
	struct frame_budget *budget = *state;
	pings_at(budget, 0);
	assert_true(take_at(budget, 0, DATA, 0, 1, 1, 0));
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_DATA);
	assert_true(take_at(budget, 0, DATA, PADDED, 1, 257, 255)); /* one byte besides its padding */
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_DATA);
	frame_budget_sent(budget, FRAME_BUDGET_SENT_BYTES - 1);
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_SENT);
	frame_budget_sent(budget, (size_t)16 * FRAME_BUDGET_SENT_BYTES);
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_SENT + 16);
	frame_budget_sent(budget, SIZE_MAX / 2);
	assert_int_equal(pings_at(budget, 0), FRAME_BUDGET_BURST);
}

static void heads_are_found_in_pieces_of_any_length(void **state)
{
	static const uint8_t bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				       "\0\0\0\4\0\0\0\0\0"		  /* SETTINGS */
				       "\0\0\4\1\5\0\0\0\1abcd"		  /* a request */
				       "\0\0\4\0\x8\0\0\0\1\3\0\0\0"	  /* DATA, of padding alone */
				       "\0\0\x8\6\0\0\0\0\0\0\0\0\6\0\0\0"; /* PING, truncated */
	(void)state;
	for (size_t piece = 1; piece < sizeof bytes; piece++) {
		struct frame_budget budget;
		frame_budget_open(&budget, FRAME_BUDGET_BURST, 0);
		budget.units = 4000;
		for (size_t at = 0; at < sizeof bytes; at += piece) {
			const size_t left = sizeof bytes - at;
			assert_true(frame_budget_take(&budget, bytes + at, left < piece ? left : piece, 0));
		}
		assert_int_equal(budget.units, (4 - 1 + FRAME_BUDGET_REQUEST - 2) * 1000);
		assert_int_equal(budget.skipped, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_connection_has_a_burst, budget_open),
		cmocka_unit_test_setup(a_connection_may_begin_with_less_and_says_what_it_used, budget_open),
		cmocka_unit_test_setup(each_frame_without_progress_costs_a_token, budget_open),
		cmocka_unit_test_setup(time_adds_tokens_up_to_the_burst, budget_open),
		cmocka_unit_test_setup(a_new_request_adds_tokens_once, budget_open),
		cmocka_unit_test_setup(requests_that_are_reset_at_once_run_out, budget_open),
		cmocka_unit_test_setup(a_request_that_was_waited_for_is_reset_as_any_frame_is_sent, budget_open),
		cmocka_unit_test_setup(data_adds_tokens_in_both_directions, budget_open),
		cmocka_unit_test(heads_are_found_in_pieces_of_any_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
