/* idempotent_replays_test.c: Calls with an idempotency key that an earlier call has used, against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/keyed_stand.h"

/* It has no answer, so its id is only in its record. */
static void what_kafka_has_accepted_is_told_again_with_its_id(void **state)
{
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		const char *const key = i == 0 ? "without outputs" : "submitted";
		stand->submits = i == 1;
		stand->target.answers = stand->submits;
		stand->target.outputs = stand->submits ? "out" : NULL;
		struct keyed_client *first = keyed_call(stand, 2 * i, key, "1", MOCK_WAIT_MS);
		keyed_await_end(stand, first);
		assert_string_equal(first->id, "r");
		struct keyed_client *again = keyed_call(stand, 2 * i + 1, key, "1", MOCK_WAIT_MS);
		keyed_await_end(stand, again);
		assert_int_equal(again->status, 202);
		assert_true(again->is_replayed);
		assert_string_equal(again->id, first->id);
		assert_string_equal(again->body, first->body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYED_STORY(what_kafka_has_accepted_is_told_again_with_its_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
