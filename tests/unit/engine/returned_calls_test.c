/* returned_calls_test.c: Tests of the calls that return to their flows in the next turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/worker/parts.h"

#define MANY 100 /* more than there is space for at first */

static void each_call_returns_once(void **state)
{
	struct worker *worker = *state;
	struct call calls[MANY] = {0};
	for (size_t i = 0; i < MANY; i++)
		returned_calls_add(worker, &calls[i]);
	for (size_t i = MANY; i > 0; i--)
		assert_ptr_equal(returned_calls_take(worker), &calls[i - 1]);
	assert_null(returned_calls_take(worker));
	assert_int_equal(worker->failure.kind, ERROR_NONE);
}

/* Its message was answered meanwhile, so nobody waits for it, and its memory is gone. */
static void a_forgotten_call_does_not_return(void **state)
{
	struct worker *worker = *state;
	struct call calls[3] = {0};
	for (size_t i = 0; i < 3; i++)
		returned_calls_add(worker, &calls[i]);
	returned_calls_forget(worker, &calls[0]);
	returned_calls_forget(worker, &calls[2]);
	assert_ptr_equal(returned_calls_take(worker), &calls[1]);
	assert_null(returned_calls_take(worker));
	returned_calls_forget(worker, &calls[1]);
	assert_null(returned_calls_take(worker));
}

static int worker_make(void **state)
{
	*state = memory_take(1, sizeof(struct worker));
	return *state ? 0 : -1;
}

static int worker_drop(void **state)
{
	struct worker *worker = *state;
	memory_give(worker->returned);
	memory_give(worker);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_call_returns_once, worker_make, worker_drop),
		cmocka_unit_test_setup_teardown(a_forgotten_call_does_not_return, worker_make, worker_drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
