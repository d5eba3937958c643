/* stage_link_test.c: Tests of what a request keeps on its way between two stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/stage_link.h"
#include "tests/unit/arena_fixture.h"

#define EVENT_MS 1000
#define WRITTEN_MS INT64_C(1700000000123)

/* The message as the next stage reads it. */
static struct message passed_on(int64_t time_ms, int64_t written_ms, struct headers headers)
{
	struct buffer out;
	struct carried carried = {0};
	const struct message message = {
		.arena = arena, .time_ms = time_ms, .written_ms = written_ms, .headers = headers, .carried = &carried};
	const struct stage_link link = {.from = TEXT("one")};
	struct message read = {.arena = arena};
	struct stage_link back;
	struct error error = {0};
	buffer_open(&out, 1 << 16);
	assert_true(stage_link_encode(&message, 1, &link, &out, &error));
	const struct text bytes = {arena_copy(arena, out.bytes, out.length), out.length}; /* what is read borrows from them */
	buffer_close(&out);
	assert_true(stage_link_decode(&read, bytes, &back, &error));
	return read;
}

static void the_time_of_the_record_is_kept_beside_the_event_time(void **state)
{
	const struct header own[] = {{TEXT("a"), TEXT("b")}};
	(void)state;
	struct message read = passed_on(EVENT_MS, WRITTEN_MS, (struct headers){1, own});
	assert_true(read.time_ms == EVENT_MS && read.written_ms == WRITTEN_MS);
	assert_true(read.headers.count == 1 && text_is(read.headers.items[0].name, "a"));
	read = passed_on(EVENT_MS, EVENT_MS, (struct headers){1, own});
	assert_true(read.written_ms == EVENT_MS && read.headers.count == 1);
	read = passed_on(EVENT_MS, 0, (struct headers){0});
	assert_true(read.written_ms == 0 && read.headers.count == 0);
}

static void a_header_of_that_name_in_a_request_is_not_believed(void **state)
{
	const struct header forged[] = {{TEXT(STAGE_LINK_WRITTEN), TEXT("5")}, {TEXT("a"), TEXT("b")}};
	(void)state;
	struct message read = passed_on(EVENT_MS, EVENT_MS, (struct headers){2, forged});
	assert_true(read.time_ms == EVENT_MS && read.written_ms == EVENT_MS);
	assert_int_equal(read.headers.count, 2);
	read = passed_on(read.time_ms, WRITTEN_MS, read.headers);
	assert_true(read.written_ms == WRITTEN_MS && read.headers.count == 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)
	const struct CMUnitTest tests[] = {
		TEST(the_time_of_the_record_is_kept_beside_the_event_time),
		TEST(a_header_of_that_name_in_a_request_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
