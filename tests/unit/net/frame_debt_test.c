/* frame_debt_test.c: Tests of the debts of peers whose connections of HTTP/2 used up their budgets of frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/grpc/frame_debt.h"

static struct frame_debts debts;

static int debts_open(void **state)
{
	(void)state;
	debts = (struct frame_debts){0};
	return 0;
}

static struct peer_address peer_of(uint32_t number)
{
	struct peer_address peer = {{[10] = 0xFF, [11] = 0xFF}};
	memcpy(peer.bytes + 12, &number, sizeof number);
	return peer;
}

static int64_t allowed(uint32_t number, int64_t now_ms)
{
	const struct peer_address peer = peer_of(number);
	return frame_debts_allow(&debts, &peer, now_ms);
}

static void add(uint32_t number, int64_t tokens, int64_t now_ms)
{
	const struct peer_address peer = peer_of(number);
	frame_debts_add(&debts, &peer, tokens, now_ms);
}

static void used_tokens_are_not_given_anew(void **state)
{
	(void)state;
	assert_int_equal(allowed(1, 0), FRAME_BUDGET_BURST);
	add(1, 300 + FRAME_DEBT_LEAST, 0);
	assert_int_equal(allowed(1, 0), FRAME_BUDGET_BURST - 300);
	add(1, 200 + FRAME_DEBT_LEAST, 0);
	assert_int_equal(allowed(1, 0), FRAME_BUDGET_BURST - 500);
	add(1, FRAME_BUDGET_BURST, 0);
	add(1, FRAME_BUDGET_BURST, 0);
	assert_int_equal(allowed(1, 0), FRAME_DEBT_LEAST);
	assert_int_equal(allowed(2, 0), FRAME_BUDGET_BURST);
}

static void connections_that_use_few_tokens_owe_none(void **state)
{
	(void)state;
	for (int connection = 0; connection < 10000; connection++)
		add(1, FRAME_DEBT_LEAST, 0);
	assert_int_equal(allowed(1, 0), FRAME_BUDGET_BURST);
}

static void debts_decay_with_time(void **state)
{
	(void)state;
	add(1, 500 + FRAME_DEBT_LEAST, 1000);
	assert_int_equal(allowed(1, 500), FRAME_BUDGET_BURST - 500); /* a clock that goes back */
	assert_int_equal(allowed(1, 2000), FRAME_BUDGET_BURST - 500 + FRAME_DEBT_A_SECOND);
	add(1, 100 + FRAME_DEBT_LEAST, 2000);
	assert_int_equal(allowed(1, 2000), FRAME_BUDGET_BURST - 600 + FRAME_DEBT_A_SECOND);
	assert_int_equal(allowed(1, 60000), FRAME_BUDGET_BURST);
}

static void the_larger_debt_of_a_row_is_kept(void **state)
{
	enum { LATER = 100000 };
	(void)state;
	add(0, 500 + FRAME_DEBT_LEAST, 0);
	for (uint32_t other = 1; other < 20 * FRAME_DEBT_ROWS; other++)
		add(other, 400 + FRAME_DEBT_LEAST, 0);
	assert_int_equal(allowed(0, 0), FRAME_BUDGET_BURST - 500);
	for (uint32_t other = 1; other < 20 * FRAME_DEBT_ROWS; other++)
		add(LATER + other, 600 + FRAME_DEBT_LEAST, 0);
	assert_int_equal(allowed(0, 0), FRAME_BUDGET_BURST);
	int kept = 0;
	for (uint32_t other = 1; other < 20 * FRAME_DEBT_ROWS; other++)
		kept += allowed(LATER + other, 0) == FRAME_BUDGET_BURST - 600;
	assert_int_equal(kept, FRAME_DEBT_ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(used_tokens_are_not_given_anew, debts_open),
		cmocka_unit_test_setup(connections_that_use_few_tokens_owe_none, debts_open),
		cmocka_unit_test_setup(debts_decay_with_time, debts_open),
		cmocka_unit_test_setup(the_larger_debt_of_a_row_is_kept, debts_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
