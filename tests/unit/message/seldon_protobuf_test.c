/* seldon_protobuf_test.c: SeldonMessages in protobuf. The bytes are those of Google's library for Seldon's prediction.proto. */
#include "message/formats/seldon_protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/exchange.h"

#define META "\x12\x13\x0a\x01\x70\x1a\x0e\x0a\x01\x72\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
#define NO_META "\x12\x00"
#define TENSOR                                                                                                                    \
	META "\x1a\x1b\x0a\x01\x61\x12\x16\x0a\x02\x01\x02\x12\x10\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\xf0\x7f"
#define LIST                                                                                                                      \
	"\x1a\x36\x1a\x34\x0a\x18\x32\x16\x0a\x09\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x0a\x09\x11\x00\x00\x00\x00\x00\x00\x00\x40" \
	"\x0a\x18\x32\x16\x0a\x09\x11\x00\x00\x00\x00\x00\x00\x08\x40\x0a\x09\x11\x00\x00\x00\x00\x00\x00\x00\x00"
#define OBJECT                                                                                                                    \
	"\x32\x23\x2a\x21\x0a\x1f\x0a\x01\x61\x12\x1a\x32\x18\x0a\x09\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x0a\x02\x08\x00\x0a\x02" \
	"\x20\x01\x0a\x03\x1a\x01\x78"
#define TFTENSOR(bytes)                                                                                                            \
	{                                                                                                                          \
		bytes, sizeof bytes - 1                                                                                            \
	} /* a constant */
#define METRIC "\x12\x14\x2a\x12\x0a\x01\x6d\x10\x02\x1d\x00\x00\xc0\x3f\x22\x06\x0a\x01\x6b\x12\x01\x76"

static const struct tensor *bytes_sent(struct exchange *exchange, struct text bytes)
{
	const struct header declared = {TEXT("content-type"), TEXT("application/vnd.seldon.v1+protobuf")};
	exchange->message.headers = (struct headers){1, &declared};
	const struct tensor *first = exchange_sent(exchange, bytes);
	exchange->message.headers = (struct headers){0};
	return first;
}

static void assert_answered(struct exchange *exchange, struct text wanted)
{
	(void)answered(exchange);
	assert_int_equal(exchange->out.length, wanted.length + 1);
	assert_memory_equal(exchange->out.bytes, wanted.bytes, wanted.length);
}

static void assert_bytes_refused(struct exchange *exchange, struct text bytes, const char *why)
{
	(void)bytes_sent(exchange, bytes);
	assert_false(exchange->taken);
	assert_int_equal(exchange->error.kind, ERROR_INPUT);
	if (!strstr(exchange->error.text, why))
		fail_msg("\"%s\" does not say: %s", exchange->error.text, why);
}

static void a_tensor_is_read_and_answered_with_its_names_and_meta(void **state)
{
	const struct tensor *x = bytes_sent(*state, TEXT(TENSOR));
	assert_non_null(x);
	assert_true(text_is(x->name, "data") && x->datatype == DATATYPE_FP64 && x->rank == 2 && x->shape[1] == 2);
	assert_true(((const double *)x->data)[0] == 1.5 && ((const double *)x->data)[1] > 1e308);
	assert_answered(*state, TEXT(TENSOR));
}

static void a_list_is_read_and_answered(void **state)
{
	const struct tensor *x = bytes_sent(*state, TEXT(LIST));
	assert_non_null(x);
	assert_true(x->rank == 2 && x->count == 4 && ((const double *)x->data)[2] == 3.0);
	assert_answered(*state, TEXT(NO_META LIST));
}

static void text_bytes_and_json_are_one_element_each(void **state)
{
	const struct tensor *x = bytes_sent(*state, TEXT("\x2a\x02hi"));
	assert_true(x && text_is(x->name, "strData") && text_is(*(const struct text *)x->data, "hi"));
	assert_answered(*state, TEXT(NO_META "\x2a\x02hi"));
	x = bytes_sent(*state, TEXT(METRIC "\x22\x02\x00\xff"));
	assert_true(x && text_is(x->name, "binData") && text_equal(*(const struct text *)x->data, TEXT("\x00\xff")));
	assert_answered(*state, TEXT(METRIC "\x22\x02\x00\xff"));
	x = bytes_sent(*state, TEXT(OBJECT));
	assert_true(x && text_is(*(const struct text *)x->data, "{\"a\":[1.0,null,true,\"x\"]}"));
	assert_answered(*state, TEXT(NO_META OBJECT));
}

static void a_failure_has_a_status(void **state)
{
	struct exchange *exchange = *state;
	const struct text wanted = TEXT("\x0a\x09\x08\x90\x03\x12\x02no\x20\x01");
	(void)bytes_sent(exchange, TEXT(LIST));
	(void)answered_error(exchange, ERROR_INPUT, "no");
	assert_int_equal(exchange->out.length, wanted.length + 1);
	assert_memory_equal(exchange->out.bytes, wanted.bytes, wanted.length);
}

static void feedback_is_read_as_json(void **state)
{
	struct exchange *exchange = *state;
	struct text json;
	assert_true(seldon_protobuf_feedback_to_json(
		TEXT("\x12\x05\x12\x03\x0a\x01q\x1d\x00\x00\x00\x3f\x22\x11\x1a\x0f\x12\x0d\x0a\x01\x01\x12\x08\x00\x00\x00\x00\x00"
		     "\x00\x00\x40"),
		exchange->message.arena, &json, &exchange->error));
	assert_true(text_is(json, "{\"response\":{\"meta\":{\"puid\":\"q\"}},\"reward\":0.5,"
				  "\"truth\":{\"data\":{\"tensor\":{\"shape\":[1],\"values\":[2.0]}}}}"));
}

/* Unpacked lists, a map's entry without a key, and fields of later versions are valid protobuf. */
static void unusual_bytes_are_read(void **state)
{
	const struct tensor *x =
		bytes_sent(*state, TEXT("\x1a\x0d\x12\x0b\x08\x01\x11\x00\x00\x00\x00\x00\x00\x00\x40\xfa\x01\x01z"));
	assert_true(x && x->count == 1 && *(const double *)x->data == 2.0);
	x = bytes_sent(*state, TEXT("\x12\x04\x22\x02\x12\x00\x2a\x01y"));
	assert_non_null(x);
	assert_answered(*state, TEXT("\x12\x06\x22\x04\x0a\x00\x12\x00\x2a\x01y"));
}

static void what_is_no_message_is_refused_by_its_reason(void **state)
{
	assert_bytes_refused(*state, TEXT("{\"strData\":\"x\"}"), "as protobuf");
	assert_bytes_refused(*state, TEXT("\x1a\x05"), "as protobuf");
	assert_bytes_refused(*state, TEXT("\x2a\x01\xff"), "UTF-8");
	assert_bytes_refused(*state, TEXT("\x12\x00"), "exactly one");
	assert_bytes_refused(*state, TEXT("\x1a\x04\x22\x02\x08\x08"), "data.tftensor: the dtype 8 is not taken");
	assert_bytes_refused(*state, TEXT("\x1a\x04\x22\x02\x18\x01"), "data.tftensor: it has no dtype");
	assert_bytes_refused(*state, TEXT("\x1a\x0b\x12\x09\x0a\x02\x01\x02\x12\x03\x00\x00\x00"), "not whole");
	assert_bytes_refused(*state, TEXT("\x1a\x0d\x1a\x0b\x0a\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f"), "not finite");
}

/* Each has two values; of the first row one is sent for both. */
static void a_tftensor_is_read_and_answered_by_a_tensor(void **state)
{
	static const struct {
		struct text bytes;
		enum datatype datatype;
		double second;
	} rows[] = {
		{TFTENSOR("\x1a\x10\x22\x0e\x08\x01\x12\x04\x12\x02\x08\x02\x2a\x04\x00\x00\x00\x3f"), DATATYPE_FP32, 0.5},
		{TFTENSOR("\x1a\x14\x22\x12\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08\x00\x00\x00\x3f\x00\x00\x20\x40"),
		 DATATYPE_FP32, 2.5},
		{TFTENSOR("\x1a\x1c\x22\x1a\x08\x02\x12\x04\x12\x02\x08\x02\x32\x10\x00\x00\x00\x00\x00\x00\xe0\x3f\x00\x00\x00\x00"
			  "\x00\x00\x04\x40"),
		 DATATYPE_FP64, 2.5},
		{TFTENSOR("\x1a\x17\x22\x15\x08\x06\x12\x04\x12\x02\x08\x02\x3a\x0b\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		 DATATYPE_INT8, -1},
		{TFTENSOR("\x1a\x17\x22\x15\x08\x09\x12\x04\x12\x02\x08\x02\x52\x0b\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		 DATATYPE_INT64, -1},
		{TFTENSOR("\x1a\x0e\x22\x0c\x08\x0a\x12\x04\x12\x02\x08\x02\x5a\x02\x01\x00"), DATATYPE_BOOL, 0},
		{TFTENSOR("\x1a\x11\x22\x0f\x08\x13\x12\x04\x12\x02\x08\x02\x6a\x05\x80\x78\x80\x80\x03"), DATATYPE_FP16, -2},
		{TFTENSOR("\x1a\x13\x22\x11\x08\x16\x12\x04\x12\x02\x08\x02\x82\x01\x06\x07\xff\xff\xff\xff\x0f"), DATATYPE_UINT32,
		 4294967295.0},
		{TFTENSOR("\x1a\x18\x22\x16\x08\x17\x12\x04\x12\x02\x08\x02\x8a\x01\x0b\x07\x80\x80\x80\x80\x80\x80\x80\x80\x80"
			  "\x01"),
		 DATATYPE_UINT64, 9223372036854775808.0},
	};
	struct exchange *exchange = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tensor *data = bytes_sent(exchange, rows[i].bytes);
		assert_non_null(data);
		assert_int_equal(data->datatype, rows[i].datatype);
		assert_int_equal(data->count, 2);
		assert_true(tensor_number(data, 1) == rows[i].second);
	}
	const struct tensor *texts =
		bytes_sent(exchange, TEXT("\x1a\x12\x22\x10\x08\x07\x12\x04\x12\x02\x08\x02\x42\x01\xff\x42\x03\x79\x65\x73"));
	assert_non_null(texts);
	assert_true(text_equal(((const struct text *)texts->data)[0], TEXT("\xff")));
	assert_true(text_is(((const struct text *)texts->data)[1], "yes"));
	assert_non_null(bytes_sent(exchange, rows[2].bytes));
	assert_answered(
		*state,
		TEXT(NO_META
		     "\x1a\x17\x12\x15\x0a\x01\x02\x12\x10\x00\x00\x00\x00\x00\x00\xe0\x3f\x00\x00\x00\x00\x00\x00\x04\x40"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(a_tensor_is_read_and_answered_with_its_names_and_meta),
		BEHAVIOUR(a_list_is_read_and_answered),
		BEHAVIOUR(text_bytes_and_json_are_one_element_each),
		BEHAVIOUR(a_failure_has_a_status),
		BEHAVIOUR(feedback_is_read_as_json),
		BEHAVIOUR(unusual_bytes_are_read),
		BEHAVIOUR(a_tftensor_is_read_and_answered_by_a_tensor),
		BEHAVIOUR(what_is_no_message_is_refused_by_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
