/* oip_json_test.c: Tests of the JSON of the Open Inference Protocol: requests in all their forms, and answers. */
#include "message/formats/oip_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/exchange.h"
#include "tests/unit/payloads.h"

static void data_may_be_nested_or_flat(void **state)
{
	static const char *const bodies[] = {
		"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"INT32\",\"shape\":[2,3],\"data\":[1,2,3,4,5,6]}]}",
		"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"INT32\",\"shape\":[2,3],\"data\":[[1,2,3],[4,5,6]]}]}",
		"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"INT32\",\"shape\":[2,3],\"data\":[[1,2],[3,4],[5,6]]}]}",
		(" {\"inputs\" : [ {\"data\": [[[1]], [[2]], [[3]],\n[[4]], [[5]], [[6]]], \"shape\": [2, 3], \"datatype\": "
		 "\"INT32\", \"name\": \"x\"} ] } "),
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		const struct tensor *x = first_sent(*state, bodies[i]);
		assert_non_null(x);
		assert_int_equal(x->rank, 2);
		assert_int_equal(x->shape[1], 3);
		for (int32_t k = 0; k < 6; k++)
			assert_int_equal(((const int32_t *)x->data)[k], k + 1);
	}
}

static void floats_are_taken_in_whatever_form_each_stands(void **state)
{
	static const char *const data[] = {"[1,2.5,3e0,\"NaN\",-5,6.0]", "[ 1 , 2.5,3E+0, \"NaN\" ,-5.0,\n6]",
					   "[[1,2.5],[0.3e1,\"NaN\"],[-5,6.000000000000000000000]]"};
	static const float expected[] = {1, 2.5F, 3, 0, -5, 6};
	for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
		char body[256];
		(void)snprintf(body, sizeof body,
			       "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[3,2],\"data\":%s}]}", data[i]);
		const struct tensor *x = first_sent(*state, body);
		assert_non_null(x);
		for (size_t k = 0; k < 6; k++)
			assert_true(k == 3 ? isnan(((const float *)x->data)[k]) : ((const float *)x->data)[k] == expected[k]);
	}
}

static void a_tensor_without_elements_keeps_its_shape(void **state)
{
	const struct tensor *x =
		first_sent(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[3,0],\"data\":[[],[],[]]}]}");
	assert_non_null(x);
	assert_int_equal(x->count, 0);
	assert_int_equal(x->shape[0], 3);
	assert_non_null(first_sent(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[0,4],\"data\":[]}]}"));
	x = first_sent(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"INT8\",\"shape\":[],\"data\":[7]}]}");
	assert_non_null(x);
	assert_int_equal(x->rank, 0);
	assert_int_equal(((const int8_t *)x->data)[0], 7);
}

static void integers_are_taken_to_their_last_bit(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"inputs\":[{\"name\":\"v\",\"datatype\":\"INT64\",\"shape\":[5],\"data\":"
						    "[9007199254740993,-9223372036854775808,9223372036854775807,1.0,1e3]}]}");
	assert_non_null(x);
	const int64_t *v = x->data;
	assert_true(v[0] == INT64_C(9007199254740993) && v[1] == INT64_MIN && v[2] == INT64_MAX && v[3] == 1 && v[4] == 1000);
	x = first_sent(*state,
		       "{\"inputs\":[{\"name\":\"u\",\"datatype\":\"UINT64\",\"shape\":[1],\"data\":[18446744073709551615]}]}");
	assert_non_null(x);
	assert_true(*(const uint64_t *)x->data == UINT64_MAX);
	assert_string_equal(answered(*state),
			    "{\"model_name\":\"\",\"outputs\":[{\"name\":\"u\",\"datatype\":\"UINT64\",\"shape\":[1],"
			    "\"data\":[18446744073709551615]}]}");
}

#define TENSOR(datatype, data) "{\"inputs\":[{\"name\":\"INPUT\",\"datatype\":\"" datatype "\",\"shape\":[1],\"data\":" data "}]}"

static void what_a_datatype_cannot_hold_is_refused(void **state)
{
	static const char *const bodies[] = {
		TENSOR("INT8", "[128]"),
		TENSOR("INT8", "[-129]"),
		TENSOR("UINT8", "[256]"),
		TENSOR("UINT8", "[-1]"),
		TENSOR("INT16", "[32768]"),
		TENSOR("UINT16", "[65536]"),
		TENSOR("INT32", "[1.5]"),
		TENSOR("INT32", "[2147483648]"),
		TENSOR("UINT32", "[4294967296]"),
		TENSOR("INT64", "[9223372036854775808]"),
		TENSOR("UINT64", "[18446744073709551616]"),
		TENSOR("INT32", "[\"1\"]"),
		TENSOR("INT32", "[true]"),
		TENSOR("INT32", "[null]"),
		TENSOR("INT64", "[\"NaN\"]"),
		TENSOR("FP16", "[65520]"),
		TENSOR("FP16", "[-1e9]"),
		TENSOR("BF16", "[3.4e38]"),
		TENSOR("FP32", "[3.5e38]"),
		TENSOR("FP64", "[1e309]"),
		TENSOR("FP32", "[null]"),
		TENSOR("FP32", "[\"1\"]"),
		TENSOR("FP32", "[\"nan\"]"),
		TENSOR("FP32", "[\"\"]"),
		TENSOR("FP32", "[true]"),
		TENSOR("BOOL", "[1]"),
		TENSOR("BOOL", "[\"true\"]"),
		TENSOR("BOOL", "[null]"),
		TENSOR("BYTES", "[1]"),
		TENSOR("BYTES", "[null]"),
		TENSOR("FP32", "[{}]"),
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_refused(*state, bodies[i], "tensor INPUT: element 0 of data");
}

static void halves_are_numbers_and_round_to_even(void **state)
{
	const struct tensor *x = first_sent(
		*state,
		"{\"inputs\":[{\"name\":\"h\",\"datatype\":\"FP16\",\"shape\":[4],\"data\":[65504,-3,2049,\"-Infinity\"]}]}");
	assert_non_null(x);
	const uint16_t *h = x->data;
	assert_int_equal(h[0], 0x7BFF);
	assert_int_equal(h[1], 0xC200);
	assert_int_equal(h[2], 0x6800);
	assert_int_equal(h[3], 0xFC00);
	assert_non_null(strstr(answered(*state), "\"data\":[65504.0,-3.0,2048.0,\"-Infinity\"]"));
}

static void a_float_is_rounded_once(void **state)
{
	const struct tensor *x = first_sent(*state, TENSOR("FP32", "[1.00000005960464477540]"));
	assert_non_null(x);
	assert_true(*(const float *)x->data > 1.0F);
}

/* As IEEE 754 rounds them; beyond the largest they are refused. */
static void numbers_too_close_to_zero_are_zero(void **state)
{
	static const struct {
		const char *datatype, *data, *written;
	} rows[] = {{"FP64", "[1e-400,-1e-400,4.9e-324]", "\"data\":[0.0,-0.0,5e-324]"},
		    {"FP32", "[1e-50,1e-46,1.4e-45]", "\"data\":[0.0,0.0,1e-45]"},
		    {"FP16", "[1e-400,2e-8,6e-8]", "\"data\":[0.0,0.0,"},
		    {"BF16", "[1e-400,1e-50,1]", "\"data\":[0.0,0.0,1.0]"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char request[256];
		snprintf(request, sizeof request, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"%s\",\"shape\":[3],\"data\":%s}]}",
			 rows[i].datatype, rows[i].data);
		assert_non_null(first_sent(*state, request));
		const char *written = answered(*state);
		if (!strstr(written, rows[i].written))
			fail_msg("%s: not %s", written, rows[i].written);
	}
	assert_refused(*state, TENSOR("FP64", "[1e400]"), "1.7976931348623157e308");
	assert_refused(*state, TENSOR("INT64", "[1e-400]"), "1e-400");
}

static void nan_and_infinity_are_strings(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[3],\"data\":["
						    "\"NaN\",\"Infinity\",\"-Infinity\"]}]}");
	assert_non_null(x);
	const double *v = x->data;
	assert_true(isnan(v[0]) && v[1] > 0 && isinf(v[1]) && v[2] < 0 && isinf(v[2]));
	assert_non_null(strstr(answered(*state), "\"data\":[\"NaN\",\"Infinity\",\"-Infinity\"]"));
	assert_refused(*state, TENSOR("FP64", "[NaN]"), "JSON");
	assert_refused(*state, TENSOR("FP64", "[-Infinity]"), "JSON");
}

static void strings_hold_any_character(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"inputs\":[{\"name\":\"v\",\"datatype\":\"BYTES\",\"shape\":[5],\"data\":"
						    "[\"\",\"a\\u0000b\",\"h\\u00e9 \\u4F60 "
						    "\\ud83d\\ude00\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\",\"caf\xC3\xA9\"]}]}");
	assert_non_null(x);
	const struct text *v = x->data;
	assert_int_equal(v[0].length, 0);
	assert_true(text_equal(v[1], (struct text){"a\0b", 3}));
	assert_true(text_is(v[2], "h\xC3\xA9 \xE4\xBD\xA0 \xF0\x9F\x98\x80"));
	assert_true(text_is(v[3], "\"\\/\b\f\n\r\t\x01"));
	assert_true(text_is(v[4], "caf\xC3\xA9"));
	assert_non_null(strstr(answered(*state), "\"data\":[\"\",\"a\\u0000b\",\"h\xC3\xA9 \xE4\xBD\xA0 \xF0\x9F\x98\x80\","
						 "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\",\"caf\xC3\xA9\"]"));
}

static void a_body_that_is_not_json_is_said_to_be_none(void **state)
{
	static const char *const bodies[] = {
		"",
		"  ",
		"}{",
		"{\"inputs\":[{\"name\":\"INPUT\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1",
		"{\"inputs\":[1,]}x",
		TENSOR("FP32", "[01]"),
		TENSOR("FP32", "[1,]"),
		TENSOR("FP32", "[,1]"),
		TENSOR("FP32", "[1 2]"),
		TENSOR("FP32", "[+1]"),
		TENSOR("FP32", "[.5]"),
		TENSOR("FP32", "[nan]"),
		TENSOR("FP32", "[1]") " {}",
		TENSOR("BYTES", "[\"\\x\"]"),
		TENSOR("BYTES", "[\"\\ud800\"]"),
		TENSOR("BYTES", "[\"\\udc00\\ud800\"]"),
		TENSOR("BYTES", "[\"\\u12g4\"]"),
		TENSOR("BYTES", "[\"\xFF\"]"),
		TENSOR("BYTES", "[\"\xC0\x80\"]"),
		TENSOR("BYTES", "[\"\xED\xA0\x80\"]"),
		TENSOR("BYTES", "[\"a\nb\"]"),
		TENSOR("BYTES", "['a']"),
		"{inputs:[]}",
		"{\"a\" 1}",
		"{\"a\":1,}",
		"{\"a\":tru}",
		"{\"a\":[}",
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_refused(*state, bodies[i], "JSON");
}

static void an_error_says_the_byte(void **state)
{
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[NaN]}]}", "at byte 61");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"data\":[1,null],\"shape\":[2],\"datatype\":\"FP32\"}]}",
		       "element 1 of data is null, at byte 33");
	assert_refused(*state, "{\"inputs\":[", "at byte 11");
}

static void too_deep_is_refused(void **state)
{
	char body[4096];
	memset(body, '[', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	memcpy(body, "{\"x\":", strlen("{\"x\":"));
	assert_refused(*state, body, "deep");
	const char *begin = "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":";
	memcpy(body, begin, strlen(begin));
	assert_refused(*state, body, "deep");
}

static void each_required_part_is_named_when_it_is_missing(void **state)
{
	assert_refused(*state, "{\"id\":\"x\"}", "inputs");
	assert_refused(*state, "{\"inputs\":[]}", "inputs");
	assert_refused(*state, "{\"inputs\":{}}", "inputs");
	assert_refused(*state, "{\"inputs\":null}", "inputs");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]},1]}", "inputs[1]");
	assert_refused(*state, "{\"inputs\":{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]}}", "inputs");
	assert_refused(*state, "[1,2]", "inputs");
	assert_refused(*state, "\"inputs\"", "inputs");
	assert_refused(*state, "{\"inputs\":[{\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}", "inputs[0] has no name");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"data\":[1]}]}", "tensor x has no datatype");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"data\":[1]}]}", "tensor x has no shape");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1]}]}", "tensor x has no data");
	assert_refused(*state,
		       "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"parameters\":"
		       "{\"shared_memory_region\":\"r\",\"shared_memory_byte_size\":4}}]}",
		       "tensor x: its data is in shared memory, which is not supported");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1],\"shape\":[2]}]}",
		       "shape occurs twice");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[\"1\"],\"data\":[1]}]}",
		       "tensor x: shape");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1.5],\"data\":[1]}]}",
		       "tensor x: shape");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[-1],\"data\":[1]}]}", "-1");
	assert_refused(*state, "{\"inputs\":[{\"name\":3,\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}", "inputs[0]: name");
	assert_refused(*state, "{\"id\":5,\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}", "id");
}

static void a_count_that_differs_from_the_shape_names_the_tensor(void **state)
{
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[4],\"data\":[1,2,3]}]}",
		       "tensor IN: data holds 3");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[1,2,3,4,5]}]}",
		       "FP32[2,2]");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[0],\"data\":[1]}]}", "tensor IN");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":1}]}",
		       "tensor IN: data is not a list");
	/* A shape alone makes nobody take memory for it. */
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP64\",\"shape\":[4000000000],\"data\":[1]}]}",
		       "tensor IN: data holds 1 element, its shape FP64[4000000000] needs 4000000000");
	/* The count is that of the data, whatever is between and behind its elements. */
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[90],\"data\":[1 , [ ]  ,3]}]}",
		       "tensor IN: data is ragged");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[90],\"data\":[1 , 2 ,  3 ]}]}",
		       "tensor IN: data holds 3 elements, its shape FP32[90] needs 90");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"BYTES\",\"shape\":[90],\"data\":[[\"a,b\",\"]\"]]}]}",
		       "tensor IN: data holds 2 elements, its shape BYTES[90] needs 90");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[90],\"data\":[]}]}",
		       "tensor IN: data holds 0 elements");
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP64\",\"shape\":[99999999,99999999],\"data\":[1]}]}",
		       "tensor IN");
	assert_refused(
		*state,
		"{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP64\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"data\":[1]}]}",
		"17 dimensions");
}

static void ragged_lists_are_refused(void **state)
{
	static const char *const data[] = {"[[1,2],[3]]", "[1,[2]]",	 "[[1],2]",  "[[],[1]]",
					   "[[1],[[2]]]", "[[[1]],[2]]", "[[],[[]]]"};
	for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
		char body[256];
		(void)snprintf(body, sizeof body,
			       "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[9],\"data\":%s}]}", data[i]);
		assert_refused(*state, body, "tensor IN: data");
	}
	assert_refused(*state, "{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[3],\"data\":[[1,2],[3]]}]}",
		       "ragged");
}

static void an_unknown_datatype_is_quoted_and_the_right_one_offered(void **state)
{
	assert_refused(*state, TENSOR("FLOAT32", "[1]"), "`FLOAT32` is not a datatype; did you mean `FP32`?");
	assert_refused(*state, TENSOR("fp32", "[1]"), "`fp32` is not a datatype; did you mean `FP32`?");
	assert_refused(*state, TENSOR("string", "[1]"), "did you mean `BYTES`?");
	assert_refused(*state, TENSOR("FP128X", "[1]"), "`FP128X`");
	assert_refused(*state, TENSOR("", "[1]"), "tensor INPUT");
}

static void parameters_and_id_come_back_exactly(void **state)
{
	assert_non_null(first_sent(
		*state, "{\"id\":\"r-1\",\"parameters\":{\"i\":9007199254740993,\"u\":18446744073709551615,\"d\":0.1,\"w\":1.0,"
			"\"b\":true,\"s\":\"x\\ty\",\"n\":null},\"inputs\":[{\"name\":\"x\",\"datatype\":\"BOOL\",\"shape\":[1],"
			"\"parameters\":{\"content_type\":\"np\"},\"data\":[true]}],\"else\":[{\"a\":[1,{}]}]}"));
	assert_string_equal(
		answered(*state),
		"{\"model_name\":\"\",\"id\":\"r-1\",\"parameters\":{\"i\":9007199254740993,"
		"\"u\":18446744073709551615,\"d\":0.1,\"w\":1.0,\"b\":true,\"s\":\"x\\ty\"},\"outputs\":[{\"name\":\"x\","
		"\"datatype\":\"BOOL\",\"parameters\":{\"content_type\":\"np\"},\"shape\":[1],\"data\":[true]}]}");
	assert_refused(*state, "{\"parameters\":{\"p\":[1]},\"inputs\":[]}", "parameter p");
	assert_refused(*state, "{\"parameters\":3,\"inputs\":[]}", "parameters");
}

#define TWO                                                                                                                        \
	"{\"inputs\":[{\"name\":\"a\",\"datatype\":\"INT8\",\"shape\":[1],\"data\":[1]},{\"name\":\"b\",\"datatype\":\"INT8\","    \
	"\"shape\":[1],\"data\":[2]}]"

static void only_the_outputs_asked_for_leave(void **state)
{
	assert_non_null(first_sent(*state, TWO ",\"outputs\":[{\"name\":\"b\"}]}"));
	assert_null(strstr(answered(*state), "\"name\":\"a\""));
	assert_non_null(strstr(answered(*state), "\"name\":\"b\""));
	assert_non_null(first_sent(*state, TWO ",\"outputs\":[{\"name\":\"b\"},{\"name\":\"a\"}]}"));
	assert_true(strstr(answered(*state), "\"name\":\"a\"") < strstr(answered(*state), "\"name\":\"b\""));
	assert_non_null(first_sent(*state, TWO ",\"outputs\":[]}"));
	assert_non_null(strstr(answered(*state), "\"name\":\"a\""));
	assert_non_null(first_sent(*state, TWO ",\"outputs\":[{\"name\":\"median\"}]}"));
	assert_non_null(strstr(answered(*state), "median"));
	assert_refused(*state, TWO ",\"outputs\":[{}]}", "outputs");
	assert_refused(*state, TWO ",\"outputs\":\"b\"}", "outputs");
}

/* Extensions of Triton, by which an answer would be another one. */
static void outputs_that_are_asked_for_otherwise_are_refused(void **state)
{
	static const char *const names[] = {"classification", "shared_memory_region", "shared_memory_byte_size",
					    "shared_memory_offset"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char body[512], words[64];
		(void)snprintf(body, sizeof body,
			       TWO ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\",\"parameters\":{\"x\":1,\"%s\":3}}]}", names[i]);
		(void)snprintf(words, sizeof words, "the parameter %s, which is not supported", names[i]);
		assert_refused(*state, body, words);
	}
	assert_non_null(first_sent(*state, TWO ",\"outputs\":[{\"name\":\"b\",\"parameters\":{\"binary_data\":false,\"x\":1}}]}"));
	assert_non_null(first_sent(*state, TWO ",\"parameters\":{\"classification\":3}}")); /* of the request: a model's own */
}

/* Another value would be read as false, and the answer come as JSON without a word. */
static void whether_data_is_binary_is_a_boolean(void **state)
{
	static const char *const bad[] = {"\"true\"", "\"false\"", "1", "0", "1.5"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char body[512];
		(void)snprintf(body, sizeof body, TWO ",\"outputs\":[{\"name\":\"b\",\"parameters\":{\"binary_data\":%s}}]}",
			       bad[i]);
		assert_refused(*state, body, "the parameter binary_data is not a boolean; write true or false");
		(void)snprintf(body, sizeof body, TWO ",\"parameters\":{\"binary_data_output\":%s}}", bad[i]);
		assert_refused(*state, body, "the parameter binary_data_output is not a boolean; write true or false");
	}
	assert_non_null(first_sent(*state, TWO ",\"outputs\":[{\"name\":\"b\",\"parameters\":{\"binary_data\":null}}]}"));
}

static void raw_contents_stand_for_data(void **state)
{
	const struct tensor *x = first_sent(
		*state, "{\"inputs\":[{\"name\":\"f\",\"datatype\":\"FP32\",\"shape\":[2]},{\"name\":\"s\",\"datatype\":\"BYTES\","
			"\"shape\":[2]}],\"raw_input_contents\":[\"AACAPwAAAEA=\",\"AgAAAGhpAAAAAA==\"]}");
	assert_non_null(x);
	assert_true(((const float *)x->data)[1] == 2.0F);
	const struct tensor *s = ((struct exchange *)*state)->message.payload.tensors.items[1];
	assert_true(text_is(((const struct text *)s->data)[0], "hi"));
	static const struct {
		const char *body, *why;
	} rows[] = {
		{"{\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[4]}],\"raw_input_contents\":[\"AACAPwAAAEAAAEBA\"]"
		 "}",
		 "tensor IN"},
		{"{\"raw_input_contents\":[\"YWJj\"],\"inputs\":[{\"name\":\"IN\",\"datatype\":\"FP32\",\"shape\":[1]}]}",
		 "tensor IN"},
		{"{\"raw_input_contents\":[\"YW=j\"],\"inputs\":[{\"name\":\"IN\",\"datatype\":\"UINT8\",\"shape\":[3]}]}",
		 "tensor IN"},
		{"{\"raw_input_contents\":[1],\"inputs\":[{\"name\":\"IN\",\"datatype\":\"UINT8\",\"shape\":[3]}]}", "tensor IN"},
		{"{\"raw_input_contents\":[],\"inputs\":[{\"name\":\"IN\",\"datatype\":\"UINT8\",\"shape\":[3]}]}",
		 "raw_input_contents holds 0"},
		{"{\"raw_input_contents\":[\"AQ==\",\"AQ==\"],\"inputs\":[{\"name\":\"IN\",\"datatype\":\"UINT8\",\"shape\":[1]}]}",
		 "raw_input_contents holds 2"},
		{"{\"raw_input_contents\":[\"AQ==\"],\"inputs\":[{\"name\":\"IN\",\"datatype\":\"UINT8\",\"shape\":[1],\"data\":[1]"
		 "}]}",
		 "tensor IN"},
		{"{\"raw_input_contents\":[\"AQ==\"],\"inputs\":[{\"name\":\"a\",\"datatype\":\"UINT8\",\"shape\":[1]},"
		 "{\"name\":\"IN\",\"datatype\":\"UINT8\",\"shape\":[1],\"data\":[1]}]}",
		 "raw_input_contents holds 1"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_refused(*state, rows[i].body, rows[i].why);
}

/* The JSON and the binary data of one request, with the header as it must be. */
static const struct tensor *sent_binary(struct exchange *exchange, const char *json, struct text blob)
{
	static char body[1024];
	static char length[24];
	static struct header header = {.name = {"inference-header-content-length", 31}};
	header.value = (struct text){length, (size_t)snprintf(length, sizeof length, "%zu", strlen(json))};
	exchange->message.headers = (struct headers){1, &header};
	memcpy(body, json, strlen(json));
	memcpy(body + strlen(json), blob.bytes, blob.length);
	return exchange_sent(exchange, (struct text){body, strlen(json) + blob.length});
}

#define BINARY                                                                                                                     \
	"{\"inputs\":[{\"name\":\"INPUT\",\"datatype\":\"FP32\",\"shape\":[2],\"parameters\":{\"binary_data_size\":8}},"           \
	"{\"name\":\"s\",\"datatype\":\"BYTES\",\"shape\":[1],\"parameters\":{\"binary_data_size\":6}}]"
#define BLOBS "\0\0\x80\x3F\0\0\0\x40\2\0\0\0\xFF\xFE"

static void binary_data_follows_the_json(void **state)
{
	struct exchange *exchange = *state;
	const struct tensor *x = sent_binary(exchange, BINARY "}", TEXT(BLOBS));
	assert_non_null(x);
	assert_true(((const float *)x->data)[0] == 1.0F && ((const float *)x->data)[1] == 2.0F);
	assert_int_equal(x->parameters.count, 0);
	/* Bytes that are no text leave as base64. */
	assert_non_null(
		strstr(answered(exchange), "\"parameters\":{\"content_type\":\"base64\"},\"shape\":[1],\"data\":[\"//4=\"]"));
	assert_null(sent_binary(exchange, BINARY "}", (struct text){BLOBS, 5}));
	assert_non_null(strstr(exchange->error.text, "tensor INPUT"));
	assert_null(sent_binary(exchange, BINARY "}", (struct text){BLOBS, 13}));
	assert_non_null(strstr(exchange->error.text, "tensor s"));
	assert_null(sent_binary(exchange, BINARY "}", TEXT(BLOBS "more")));
	assert_non_null(strstr(exchange->error.text, "4 bytes"));
	static const char *const sizes[] = {"8.0", "\"8\"", "-8", "18446744073709551624", "true"};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char json[160];
		snprintf(json, sizeof json,
			 "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2],"
			 "\"parameters\":{\"binary_data_size\":%s}}]}",
			 sizes[i]);
		assert_null(sent_binary(exchange, json, TEXT("12345678")));
		assert_non_null(strstr(exchange->error.text, "binary_data_size is not a number of bytes; send a whole number"));
	}
	exchange->message.headers = (struct headers){0};
	assert_refused(exchange, BINARY "}", "Inference-Header-Content-Length");
	struct header wrong = {TEXT("Inference-Header-Content-Length"), TEXT("9999")};
	exchange->message.headers = (struct headers){1, &wrong};
	assert_refused(exchange, BINARY "}", "9999 bytes");
	wrong.value = TEXT("ten");
	assert_refused(exchange, BINARY "}", "`ten`");
	exchange->message.headers = (struct headers){0};
}

static void an_answer_has_binary_data_when_asked_for(void **state)
{
	struct exchange *exchange = *state;
	size_t length = 1;
	struct answer answer = {.payload = &exchange->message.payload, .header_length = &length};
	assert_non_null(first_sent(exchange,
				   TWO ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\",\"parameters\":{\"binary_data\":true}}]}"));
	assert_true(answer_encode(&exchange->message, &answer, NULL, NULL, &exchange->out, &exchange->error));
	const char *json = "{\"model_name\":\"\",\"outputs\":[{\"name\":\"a\",\"datatype\":\"INT8\",\"shape\":[1],\"data\":[1]},"
			   "{\"name\":\"b\",\"datatype\":\"INT8\",\"parameters\":{\"binary_data_size\":1},\"shape\":[1]}]}";
	assert_int_equal(length, strlen(json));
	assert_int_equal(exchange->out.length, length + 1);
	assert_memory_equal(exchange->out.bytes, json, length);
	assert_int_equal(exchange->out.bytes[length], 2);

	assert_non_null(first_sent(exchange, TWO ",\"parameters\":{\"binary_data_output\":true}}"));
	buffer_clear(&exchange->out);
	assert_true(answer_encode(&exchange->message, &answer, NULL, NULL, &exchange->out, &exchange->error));
	assert_int_equal(exchange->out.length, length + 2);
	/* A caller that can send no header gets JSON. */
	assert_non_null(strstr(answered(exchange), "\"data\":[2]"));

	assert_non_null(first_sent(exchange, TWO "}"));
	buffer_clear(&exchange->out);
	assert_true(answer_encode(&exchange->message, &answer, NULL, NULL, &exchange->out, &exchange->error));
	assert_int_equal(length, 0);
}

static void an_error_is_answered_in_kind(void **state)
{
	assert_null(first_sent(*state, "{}"));
	assert_string_equal(answered_error(*state, ERROR_INPUT, "a \"quoted\" word"), "{\"error\":\"a \\\"quoted\\\" word\"}");
}

static void replies_of_models_are_read_leniently(void **state)
{
	struct exchange *exchange = *state;
	struct oip_reply reply;
	struct error error = {0};
	struct text body = TEXT("{\"model_name\":\"m\",\"model_version\":\"3\",\"id\":null,\"parameters\":{\"content_type\":null,"
				"\"n\":1},\"outputs\":["
				"{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[4],\"data\":[null,NaN,Infinity,-Infinity],"
				"\"parameters\":{\"headers\":{}}},"
				"{\"data\":[NaN],\"name\":\"z\",\"datatype\":\"FP64\",\"shape\":[1]}]}");
	assert_true(oip_json_decode_reply(exchange->message.arena, body, 0, &reply, &error));
	assert_true(text_is(reply.payload.model_name, "m") && text_is(payload_version(&reply.payload), "3"));
	assert_null(reply.id.bytes);
	assert_int_equal(reply.payload.parameters.count, 1);
	const float *y = reply.payload.tensors.items[0]->data;
	assert_true(isnan(y[0]) && isnan(y[1]) && isinf(y[2]) && y[3] < 0);
	assert_true(oip_json_decode_reply(exchange->message.arena, TEXT("{\"outputs\":[]}"), 0, &reply, &error));
	assert_int_equal(reply.payload.tensors.count, 0);
}

static void a_broken_reply_is_the_models_fault(void **state)
{
	struct exchange *exchange = *state;
	static const struct {
		const char *body, *why;
	} rows[] = {
		{"", "empty"},
		{" \n", "empty"},
		{"}{", "not JSON"},
		{"<html><body>502</body></html>", "HTML"},
		{"[]", "outputs"},
		{"{\"model_name\":\"x\"}", "no outputs"},
		{"{\"error\":\"no such model\"}", "no such model"},
		{"{\"outputs\":null}", "outputs"},
		{"{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[4],\"data\":[1,2,3]}]}", "tensor y: data holds 3"},
		{"{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FLOAT99\",\"shape\":[1],\"data\":[1]}]}", "FLOAT99"},
		{"{\"outputs\":[{\"name\":\"y\",\"datatype\":\"INT32\",\"shape\":[1],\"data\":[null]}]}", "tensor y"},
		{"{\"outputs\":[{\"name\":\"y\",\"datatype\":\"INT32\",\"shape\":[1],\"data\":[NaN]}]}", "tensor y"},
		{"{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[-1],\"data\":[1]}]}", "-1"},
		{"{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1", "not JSON"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct oip_reply reply;
		struct error error = {0};
		assert_false(oip_json_decode_reply(exchange->message.arena, text_of(rows[i].body), 0, &reply, &error));
		assert_int_equal(error.kind, ERROR_REMOTE);
		if (!strstr(error.text, rows[i].why))
			fail_msg("%s\nwas refused with: %s", rows[i].body, error.text);
	}
}

/* A NaN has many bit patterns, and JSON one word for them. */
static void make_nans_alike(struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++)
		for (size_t k = 0; k < tensors.items[i]->count; k++)
			if (datatype_rows[tensors.items[i]->datatype].class == CLASS_FLOAT &&
			    isnan(tensor_number(tensors.items[i], k)))
				(void)tensor_store((void *)(uintptr_t)tensors.items[i]->data, tensors.items[i]->datatype, k,
						   (double)NAN);
}

static void what_is_sent_to_a_model_is_what_it_reads(void **state)
{
	struct exchange *exchange = *state;
	struct arena *arena = exchange->message.arena;
	uint64_t seed = 7;
	for (int i = 0; i < 2000; i++) {
		struct error error = {0};
		struct message message = {.arena = arena};
		struct payload payload = payload_drawn(arena, &seed);
		size_t length = 0;
		make_nans_alike(payload.tensors);
		buffer_clear(&exchange->out);
		assert_true(oip_json_encode_request(&payload, TEXT("id"), &exchange->out, i % 2 ? &length : NULL, &error));
		if (payload.tensors.count == 0)
			continue;
		if (!oip_json_decode_request(&message, buffer_view(&exchange->out), length, &error))
			fail_msg("%.*s: %s", (int)exchange->out.length, exchange->out.bytes, error.text);
		if (!tensors_equal(payload.tensors, message.payload.tensors))
			fail_msg("%.*s", (int)exchange->out.length, exchange->out.bytes);
		assert_true(parameters_equal(payload.parameters, message.payload.parameters));
		arena_reset(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(data_may_be_nested_or_flat),
		BEHAVIOUR(floats_are_taken_in_whatever_form_each_stands),
		BEHAVIOUR(a_tensor_without_elements_keeps_its_shape),
		BEHAVIOUR(integers_are_taken_to_their_last_bit),
		BEHAVIOUR(what_a_datatype_cannot_hold_is_refused),
		BEHAVIOUR(halves_are_numbers_and_round_to_even),
		BEHAVIOUR(a_float_is_rounded_once),
		BEHAVIOUR(numbers_too_close_to_zero_are_zero),
		BEHAVIOUR(nan_and_infinity_are_strings),
		BEHAVIOUR(strings_hold_any_character),
		BEHAVIOUR(a_body_that_is_not_json_is_said_to_be_none),
		BEHAVIOUR(an_error_says_the_byte),
		BEHAVIOUR(too_deep_is_refused),
		BEHAVIOUR(each_required_part_is_named_when_it_is_missing),
		BEHAVIOUR(a_count_that_differs_from_the_shape_names_the_tensor),
		BEHAVIOUR(ragged_lists_are_refused),
		BEHAVIOUR(an_unknown_datatype_is_quoted_and_the_right_one_offered),
		BEHAVIOUR(parameters_and_id_come_back_exactly),
		BEHAVIOUR(only_the_outputs_asked_for_leave),
		BEHAVIOUR(outputs_that_are_asked_for_otherwise_are_refused),
		BEHAVIOUR(whether_data_is_binary_is_a_boolean),
		BEHAVIOUR(raw_contents_stand_for_data),
		BEHAVIOUR(binary_data_follows_the_json),
		BEHAVIOUR(an_answer_has_binary_data_when_asked_for),
		BEHAVIOUR(an_error_is_answered_in_kind),
		BEHAVIOUR(replies_of_models_are_read_leniently),
		BEHAVIOUR(a_broken_reply_is_the_models_fault),
		BEHAVIOUR(what_is_sent_to_a_model_is_what_it_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
