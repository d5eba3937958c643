/* format_test.c: which format a message is read in, and its answer leaves in. */
#include "message/formats/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/exchange.h"
#include "message/json/json_write.h"

static const struct format *chosen(struct exchange *exchange, const char *content_type, const char *body)
{
	struct header header = {TEXT("Content-Type"), text_of(content_type)};
	exchange->message.headers = content_type ? (struct headers){1, &header} : (struct headers){0};
	(void)exchange_sent(exchange, text_of(body));
	exchange->message.headers = (struct headers){0};
	return exchange->message.format;
}

static void json_is_told_apart_by_its_keys(void **state)
{
	static const struct {
		const char *body;
		const struct format *format;
	} rows[] = {
		{"{\"inputs\":[{\"name\":\"x\"}]}", &format_oip_json},
		{"{\"id\":\"1\",\"parameters\":{\"data\":1},\"inputs\":[]}", &format_oip_json},
		{"{\"inputs\":{\"name\":\"x\",\"shape\":[1]}}", &format_oip_json},
		{"{\"inputs\":[[1,2]]}", &format_v1},
		{"{\"inputs\":[{\"b64\":\"\"}]}", &format_v1},
		{"{\"inputs\": [{\"b64\": \"c2x1aWNlIHNsdWljZSBzbHVpY2U=\"}]}", &format_v1},
		{"{\"inputs\": [{\"datatype\": \"FP32\", \"name\": \"x\", \"shape\": [1], \"data\": [1]}]}", &format_oip_json},
		{"{\"inputs\":1}", &format_v1},
		{"{\"inputs\":[null]}", &format_oip_json},
		{"{\"raw_input_contents\":[],\"inputs\":[]}", &format_oip_json},
		{"\n {\"instances\":[1]}", &format_v1},
		{"{\"signature_name\":\"s\",\"inputs\":[1]}", &format_v1},
		{"{\"inputs\":[1],\"signature_name\":\"s\"}", &format_v1},
		{"{\"inputs\":{\"x\":[1]}}", &format_v1},
		{"{\"id\":\"1\", \"inputs\": [ {\"name\":\"x\"}]}", &format_oip_json},
		{"{\"id\":\"1\",\"inputs\":[1,{}],\"instances\":[]}", &format_v1},
		{"{\"id\":\"a\\\",\",\"data\":{}}", &format_seldon},
		{"{\"id\":\"a\\\",\\\"inputs\\\":[{\",\"data\":{}}", &format_seldon},
		{"{\"data\":{}}", &format_seldon},
		{"{\"meta\":{\"data\":1},\"strData\":\"x\"}", &format_seldon},
		{"{\"b\\u0069nData\":\"\"}", &format_seldon},
		{"{\"jsonData\":[", &format_seldon},
		{"{}", &format_oip_json},
		{"[1,2]", &format_oip_json},
		{"", &format_oip_json},
		{"}{", &format_oip_json},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_ptr_equal(chosen(*state, NULL, rows[i].body), rows[i].format);
		assert_ptr_equal(chosen(*state, "application/json; charset=utf-8", rows[i].body), rows[i].format);
		assert_ptr_equal(chosen(*state, "text/plain", rows[i].body), rows[i].format);
	}
}

static void a_content_type_of_one_format_decides(void **state)
{
	assert_ptr_equal(chosen(*state, "application/vnd.kserve.v1+json", "{\"inputs\":[1]}"), &format_v1);
	assert_ptr_equal(chosen(*state, "Application/vnd.seldon.v1+json", "{\"instances\":[1]}"), &format_seldon);
	assert_ptr_equal(chosen(*state, "avro/binary", "{\"instances\":[1]}"), &format_avro);
	assert_null(format_of_content_type(TEXT("text/html")));
	assert_ptr_equal(format_named(TEXT("seldon")), &format_seldon);
	assert_null(format_named(TEXT("xml")));
}

static void the_way_it_came_decides_before_all(void **state)
{
	struct exchange *exchange = *state;
	struct message message = {.arena = exchange->message.arena, .format = &format_v1};
	assert_true(message_decode(&message, TEXT("{\"inputs\":[1]}"), NULL, &exchange->error));
	assert_ptr_equal(message.format, &format_v1);
}

static void an_answer_may_leave_in_another_format(void **state)
{
	struct exchange *exchange = *state;
	assert_non_null(first_sent(exchange, "{\"instances\":[[1,2]]}"));
	struct answer answer = {.payload = &exchange->message.payload};
	assert_true(answer_encode(&exchange->message, &answer, &format_seldon, NULL, &exchange->out, &exchange->error));
	assert_true(text_is(buffer_view(&exchange->out), "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[[1,2]]}}"));
}

static void an_answer_that_has_no_room_is_a_limit(void **state)
{
	struct exchange *exchange = *state;
	struct buffer small;
	buffer_open(&small, 16);
	assert_non_null(first_sent(exchange, "{\"instances\":[[1,2]]}"));
	struct answer answer = {.payload = &exchange->message.payload};
	assert_false(answer_encode(&exchange->message, &answer, NULL, NULL, &small, &exchange->error));
	assert_int_equal(exchange->error.kind, ERROR_LIMIT);
	buffer_close(&small);
}

static void what_is_no_utf8_is_replaced_in_strings(void **state)
{
	struct exchange *exchange = *state;
	json_write_string(&exchange->out, (struct text){"a\xFF\xC3\xA9\xE4\xBD\0\x1F\x7F\"", 10});
	assert_true(
		text_is(buffer_view(&exchange->out), "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\\u0000\\u001f\x7F\\\"\""));
}

static void a_warm_request_takes_nothing_from_the_heap(void **state)
{
	struct exchange *exchange = *state;
	static const char *const bodies[] = {
		"{\"id\":\"r\",\"inputs\":[{\"name\":\"x\",\"shape\":[2],\"datatype\":\"FP32\",\"data\":[1.5,2e3]},{\"name\":"
		"\"\\u0073\","
		"\"datatype\":\"BYTES\",\"data\":[\"a\\n\"],\"shape\":[1]}]}",
		"{\"instances\":[{\"a\":1,\"b\":[0.5]},{\"b\":[2.5],\"a\":2}]}",
		"{\"data\":{\"names\":[\"a\"],\"tensor\":{\"shape\":[1,1],\"values\":[1]}}}",
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		uint64_t taken = 0;
		for (int round = 0; round < 3; round++) {
			if (round == 2)
				taken = memory_taken();
			arena_reset(exchange->message.arena);
			assert_non_null(first_sent(exchange, bodies[i]));
			assert_non_null(answered(exchange));
		}
#ifndef ARENA_EVERY_ALLOCATION_APART
		assert_true(memory_taken() == taken);
#else
		(void)taken;
#endif
	}
}

/* Each allocation fails once: what comes of it is an error, and never half an answer. */
static void a_request_for_which_memory_runs_out_is_refused(void **state)
{
	static const char *const bodies[] = {
		/* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one body of several lines */
		"{\"id\":\"\\u0072\",\"parameters\":{\"a\":1},\"inputs\":[{\"name\":\"x\",\"parameters\":{\"b\":2},\"shape\":[2],"
		"\"datatype\":\"FP32\",\"data\":[1.5,2e3]},{\"name\":\"s\",\"datatype\":\"BYTES\",\"data\":[\"a\\n\"],\"shape\":[1]"
		"}],"
		"\"outputs\":[{\"name\":\"s\"}]}",
		"{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"UINT8\"}],\"raw_input_contents\":[\"AQ==\"]}",
		"{\"instances\":[{\"a\":{\"b64\":\"QQ==\"},\"b\":[0.5]},{\"b\":[2.5],\"a\":\"2\"}]}",
		"{\"inputs\":{\"x\":[1,2]}}",
		"{\"data\":{\"names\":[\"a\"],\"tensor\":{\"shape\":[1,1],\"values\":[1]}}}",
		"{\"data\":{\"ndarray\":[\"a\"]}}",
		"{\"binData\":\"QQ==\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		bool answered_whole = false;
		for (uint64_t nth = 1; !answered_whole; nth++) {
			struct error error = {0};
			struct message message = {.arena = arena_open((size_t)1 << 20)};
			struct answer answer = {.payload = &message.payload};
			struct buffer out;
			buffer_open(&out, (size_t)1 << 20);
			memory_fail_at(nth);
			answered_whole = message_decode(&message, text_of(bodies[i]), NULL, &error) &&
					 answer_encode(&message, &answer, NULL, NULL, &out, &error);
			memory_fail_at(0);
			if (!answered_whole && error.kind != ERROR_LIMIT)
				fail_msg("%s: allocation %u: %s", bodies[i], (unsigned)nth, error.text);
			buffer_close(&out);
			arena_close(message.arena);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(json_is_told_apart_by_its_keys),
		BEHAVIOUR(a_content_type_of_one_format_decides),
		BEHAVIOUR(the_way_it_came_decides_before_all),
		BEHAVIOUR(an_answer_may_leave_in_another_format),
		BEHAVIOUR(an_answer_that_has_no_room_is_a_limit),
		BEHAVIOUR(what_is_no_utf8_is_replaced_in_strings),
		BEHAVIOUR(a_warm_request_takes_nothing_from_the_heap),
		cmocka_unit_test(a_request_for_which_memory_runs_out_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
