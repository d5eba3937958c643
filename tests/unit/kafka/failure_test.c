/* failure_test.c: which failed requests are kept, also behind a stage that only passes the failure on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/records/carried.h"
#include "message/records/failure.h"
#include "message/records/stage_link.h"

#define ARENA_BYTES ((size_t)1 << 20)

static bool is_kept(enum error_kind kind, enum error_limit limit)
{
	const struct error error = {.kind = kind, .limit = limit};
	return failure_of(&error)->kept;
}

static void all_are_kept_but_those_that_nobody_waits_for(void **state)
{
	(void)state;
	for (enum error_kind kind = ERROR_CONFIG; kind <= ERROR_SYSTEM; kind++)
		assert_true(is_kept(kind, LIMIT_OF_ENGINE));
	assert_false(is_kept(ERROR_LIMIT, LIMIT_OF_DEADLINE));
	assert_false(is_kept(ERROR_LIMIT, LIMIT_OF_ADMISSION));
	assert_false(is_kept(ERROR_LIMIT, LIMIT_OF_CANCEL));
	assert_true(is_kept(ERROR_LIMIT, LIMIT_OF_WARMUP));
	assert_true(is_kept(ERROR_LIMIT, LIMIT_OF_ANSWER));
	assert_true(is_kept(ERROR_REMOTE, LIMIT_OF_DEADLINE)); /* which limit is said of a LIMIT alone */
}

static void which_limit_it_was_is_said_with_the_error(void **state)
{
	(void)state;
	struct error error = {.limit = LIMIT_OF_ADMISSION};
	error_set(&error, ERROR_LIMIT, PLACE_NONE, "too large");
	assert_int_equal(error.limit, LIMIT_OF_ENGINE);
	error_set_limit(&error, LIMIT_OF_DEADLINE, "a consequence");
	assert_int_equal(error.limit, LIMIT_OF_ENGINE);
	assert_string_equal(error.text, "too large");
	error.kind = ERROR_NONE;
	error_set_limit(&error, LIMIT_OF_DEADLINE, "%d ms too late", 5);
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_int_equal(error.limit, LIMIT_OF_DEADLINE);
	assert_string_equal(error.text, "5 ms too late");
}

static enum error_limit behind_a_stage(enum error_limit limit)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct error failure = {.kind = ERROR_LIMIT, .limit = limit, .text = "a limit"};
	const struct given given = {.step = TEXT("s"), .state = GIVEN_FAILED, .error = &failure, .next = 1};
	const struct carried carried = {.count = 1, .items = &given, .next = 1};
	const struct message sent = {.arena = arena, .id = TEXT("r"), .carried = &carried};
	const struct stage_link stage_link = {.from = TEXT("stage"), .original = TEXT("bytes")};
	struct message message = {.arena = arena};
	struct stage_link read;
	struct buffer bytes;
	struct error error = {0};
	buffer_open(&bytes, ARENA_BYTES);
	assert_true(stage_link_encode(&sent, 1, &stage_link, &bytes, &error));
	assert_true(stage_link_decode(&message, buffer_view(&bytes), &read, &error));
	assert_int_equal(message.carried->items[0].silence, SILENCE_NONE);
	enum error_limit behind = message.carried->items[0].error->limit;
	buffer_close(&bytes);
	arena_close(arena);
	return behind;
}

static void the_next_stage_knows_which_limit_it_was(void **state)
{
	(void)state;
	assert_int_equal(behind_a_stage(LIMIT_OF_ENGINE), LIMIT_OF_ENGINE);
	assert_int_equal(behind_a_stage(LIMIT_OF_DEADLINE), LIMIT_OF_DEADLINE);
	assert_int_equal(behind_a_stage(LIMIT_OF_ADMISSION), LIMIT_OF_ADMISSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_kept_but_those_that_nobody_waits_for),
		cmocka_unit_test(which_limit_it_was_is_said_with_the_error),
		cmocka_unit_test(the_next_stage_knows_which_limit_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
