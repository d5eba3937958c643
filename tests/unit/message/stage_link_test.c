/* stage_link_test.c: Tests of what a request keeps on its way between two stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/records/stage_link.h"
#include "tests/unit/arena_fixture.h"

#define EVENT_MS 1000
#define WRITTEN_MS INT64_C(1700000000123)

/* The message as the next stage reads it. */
static struct message read_from(const struct message *message)
{
	struct buffer out;
	const struct stage_link link = {.from = TEXT("one")};
	struct message read = {.arena = arena};
	struct stage_link back;
	struct error error = {0};
	buffer_open(&out, 1 << 16);
	assert_true(stage_link_encode(message, 1, &link, &out, &error));
	const struct text bytes = {arena_copy(arena, out.bytes, out.length), out.length}; /* what is read borrows from them */
	buffer_close(&out);
	assert_true(stage_link_decode(&read, bytes, &back, &error));
	return read;
}

static struct message passed_on(int64_t time_ms, int64_t written_ms, struct headers headers)
{
	const struct carried carried = {0};
	const struct message message = {
		.arena = arena, .time_ms = time_ms, .written_ms = written_ms, .headers = headers, .carried = &carried};
	return read_from(&message);
}

/* What the next stage reads of a step that failed. */
static struct error failure_passed_on(struct error failure)
{
	const struct given given = {.step = TEXT("fails"), .state = GIVEN_FAILED, .error = &failure, .next = 1};
	const struct carried carried = {.count = 1, .items = &given};
	const struct message message = {.arena = arena, .carried = &carried};
	const struct message read = read_from(&message);
	assert_int_equal(read.carried->count, 1);
	assert_int_equal(read.carried->items[0].state, GIVEN_FAILED);
	return *read.carried->items[0].error;
}

static void the_cause_of_a_failure_reaches_the_stage_that_answers(void **state)
{
	(void)state;
	for (enum error_limit limit = LIMIT_OF_ENGINE; limit <= LIMIT_OF_CANCEL; limit++) {
		struct error error = {0};
		error_set_limit(&error, limit, "too late");
		const struct error read = failure_passed_on(error);
		assert_int_equal(read.kind, ERROR_LIMIT);
		assert_int_equal(read.limit, limit == LIMIT_OF_CANCEL ? LIMIT_OF_ENGINE : limit);
		assert_false(read.of_tensor);
	}
	struct error wrong = {0}, absent = {0};
	error_set_tensor(&wrong, PLACE_NONE, "two dimensions");
	error_set(&absent, ERROR_INPUT, PLACE_NONE, "no tensor");
	const struct error shape = failure_passed_on(wrong), other = failure_passed_on(absent);
	assert_true(shape.kind == ERROR_INPUT && shape.of_tensor && shape.limit == LIMIT_OF_ENGINE);
	assert_true(other.kind == ERROR_INPUT && !other.of_tensor);
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

static void what_the_sender_reads_is_believed_from_the_engine_alone(void **state)
{
	const struct header forged[] = {{TEXT(STAGE_LINK_READS), TEXT("0+")}, {TEXT("a"), TEXT("b")}};
	const struct carried carried = {0};
	struct message read = {.arena = arena}, message = {.arena = arena, .carried = &carried, .headers = {2, forged}};
	const struct stage_link link = {.reads = TEXT("0-1+")};
	struct stage_link back;
	struct buffer out;
	struct error error = {0};
	(void)state;
	assert_int_equal(passed_on(EVENT_MS, EVENT_MS, message.headers).sender_reads.length, 0);
	assert_int_equal(passed_on(EVENT_MS, WRITTEN_MS, message.headers).sender_reads.length, 0);
	buffer_open(&out, 1 << 16);
	assert_true(stage_link_encode(&message, 1, &link, &out, &error));
	assert_true(stage_link_decode(&read, buffer_view(&out), &back, &error));
	assert_true(text_is(read.sender_reads, "0-1+") && read.headers.count == 2);
	int32_t partition;
	bool is_behind;
	assert_true(sender_reads_next(&read.sender_reads, &partition, &is_behind) && partition == 0 && !is_behind);
	assert_true(sender_reads_next(&read.sender_reads, &partition, &is_behind) && partition == 1 && is_behind);
	assert_false(sender_reads_next(&read.sender_reads, &partition, &is_behind));
	static const char *const broken[] = {"", "+", "5", "x+", "99999999999+"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct text text = text_of(broken[i]);
		assert_false(sender_reads_next(&text, &partition, &is_behind));
	}
	buffer_close(&out);
}

/* Also where the request forges the header that tells them, and beside a time of its own. */
static void a_header_without_a_value_has_none_in_the_next_stage(void **state)
{
	const struct header own[] = {{TEXT("none"), {0}}, {TEXT("empty"), TEXT("")}, {TEXT("a"), TEXT("b")}, {TEXT("none"), {0}}};
	const struct header forged[] = {{TEXT(STAGE_LINK_NULLS), TEXT("11")}, {TEXT("a"), TEXT("b")}};
	(void)state;
	struct message read = passed_on(EVENT_MS, WRITTEN_MS, (struct headers){4, own});
	assert_int_equal(read.headers.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(text_equal(read.headers.items[i].name, own[i].name));
		assert_true(text_equal(read.headers.items[i].value, own[i].value));
		assert_int_equal(read.headers.items[i].value.bytes == NULL, own[i].value.bytes == NULL);
	}
	read = passed_on(EVENT_MS, EVENT_MS, (struct headers){2, forged});
	assert_int_equal(read.headers.count, 2);
	assert_true(text_is(read.headers.items[0].value, "11") && text_is(read.headers.items[1].value, "b"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)
	const struct CMUnitTest tests[] = {
		TEST(the_time_of_the_record_is_kept_beside_the_event_time),
		TEST(the_cause_of_a_failure_reaches_the_stage_that_answers),
		TEST(a_header_of_that_name_in_a_request_is_not_believed),
		TEST(what_the_sender_reads_is_believed_from_the_engine_alone),
		TEST(a_header_without_a_value_has_none_in_the_next_stage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
