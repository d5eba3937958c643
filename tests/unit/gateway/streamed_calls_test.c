/* streamed_calls_test.c: Tests of outcomes of calls as messages of a stream: what protobuf's readers make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "gateway/calls/streamed_calls.h"
#include "message/formats/protobuf_wire.h"

#define ID TEXT("the caller's")

static struct buffer out, parameters;

static int set_up(void **state)
{
	(void)state;
	buffer_open(&out, 1 << 20);
	buffer_open(&parameters, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buffer_close(&out);
	buffer_close(&parameters);
	return 0;
}

static struct text written(const struct call_outcome *outcome, struct text id, bool has_seldon_errors)
{
	buffer_clear(&out);
	streamed_outcome_write(outcome, id, has_seldon_errors, &parameters, &out);
	assert_false(buffer_failed(&out));
	return buffer_view(&out);
}

static struct text error_of(struct text message)
{
	return protobuf_read_text(message, 1);
}

static struct text response_of(struct text message)
{
	return protobuf_read_text(message, 2);
}

/* The InferParameter of that name; bytes NULL: there is none. */
static struct text parameter(struct text message, const char *name)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(response_of(message));
	struct protobuf_field field;
	struct text value = {0};
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, 4, WIRE_BYTES) && text_is(protobuf_read_text(field.bytes, 1), name))
			value = protobuf_read_text(field.bytes, 2);
	assert_false(cursor.failed);
	return value;
}

static void assert_parameter(struct text message, const char *name, const char *wanted)
{
	const struct text value = protobuf_read_text(parameter(message, name), 3);
	assert_int_equal(value.length, strlen(wanted));
	assert_memory_equal(value.bytes, wanted, value.length);
}

static struct call_outcome failed(const char *body)
{
	return (struct call_outcome){
		.end = CALL_FAILED, .status = 422, .body = text_of(body), .id = TEXT("by-header"), .retry_after_s = 1};
}

#define FAILURE "{\"error\": \"it is \\u00fc\", \"kind\": \"INPUT\", \"place\": \"p.yaml:1:2\", \"step\": \"s\", \"attempts\": 3}"

static void an_answer_is_the_engines_with_parameters(void **state)
{
	const struct header set[] = {{TEXT("x-shown"), TEXT("yes")}, {TEXT("x-raw"), TEXT("\xff")}};
	const struct call_outcome outcome = {.end = CALL_ANSWERED,
					     .status = 200,
					     .body = TEXT("\x0a\x02me\x1a\x02id"),
					     .id = TEXT("by-header"),
					     .headers = {2, set}};
	const struct text message = written(&outcome, ID, false);
	(void)state;
	assert_int_equal(error_of(message).length, 0);
	assert_true(text_is(protobuf_read_text(response_of(message), 1), "me"));
	assert_true(text_is(protobuf_read_text(response_of(message), 3), "id"));
	assert_parameter(message, "x-request-id", "by-header");
	assert_parameter(message, "x-shown", "yes");
	assert_null(parameter(message, "x-raw").bytes); /* no string of protobuf */
	assert_true(protobuf_read_flag(parameter(message, "triton_final_response"), 1));
}

static void a_failure_has_its_words_its_parts_and_the_requests_id(void **state)
{
	const struct call_outcome outcome = failed(FAILURE);
	const struct text message = written(&outcome, ID, false);
	(void)state;
	assert_true(text_is(error_of(message), "it is ü"));
	assert_true(text_is(protobuf_read_text(response_of(message), 3), "the caller's"));
	assert_parameter(message, "sluice-error", "INPUT");
	assert_parameter(message, "sluice-place", "p.yaml:1:2");
	assert_parameter(message, "sluice-step", "s");
	assert_parameter(message, "sluice-attempts", "3");
	assert_parameter(message, "x-request-id", "by-header");
	assert_parameter(message, "retry-after", "1");
	assert_true(protobuf_read_flag(parameter(message, "triton_final_response"), 1));
}

static void a_failure_always_has_words(void **state)
{
	static const char *const bodies[] = {"", "no JSON", "{}", "{\"error\": 1}"};
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		const struct call_outcome outcome = failed(bodies[i]);
		assert_true(text_is(error_of(written(&outcome, ID, false)), "the request failed"));
	}
}

static void a_failure_may_have_seldons_form(void **state)
{
	const struct call_outcome outcome = failed(FAILURE);
	(void)state;
	assert_true(text_is(error_of(written(&outcome, ID, true)), "s : it is ü"));
}

static void an_end_without_an_answer_is_said(void **state)
{
	struct call_outcome outcome = {.end = CALL_FILTERED, .status = 204};
	(void)state;
	assert_parameter(written(&outcome, ID, false), "sluice-outcome", "filtered");
	outcome.end = CALL_ACCEPTED;
	outcome.body = TEXT("{\"id\": \"1\"}"); /* JSON, which is no answer here */
	const struct text message = written(&outcome, ID, false);
	assert_parameter(message, "sluice-outcome", "accepted");
	assert_true(text_is(protobuf_read_text(response_of(message), 3), "the caller's"));
	assert_int_equal(error_of(message).length, 0);
}

static void an_id_that_is_no_utf8_is_left_out(void **state)
{
	const struct call_outcome outcome = failed(FAILURE);
	const struct text message = written(&outcome, TEXT("\xff\xfe"), false);
	(void)state;
	assert_null(protobuf_read_text(response_of(message), 3).bytes);
	assert_true(text_is(error_of(message), "it is ü"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_answer_is_the_engines_with_parameters),
		STORY(a_failure_has_its_words_its_parts_and_the_requests_id),
		STORY(a_failure_always_has_words),
		STORY(a_failure_may_have_seldons_form),
		STORY(an_end_without_an_answer_is_said),
		STORY(an_id_that_is_no_utf8_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
