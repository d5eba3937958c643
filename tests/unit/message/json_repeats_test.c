/* json_repeats_test.c: Tests of keys that occur twice in a request in JSON, of any format, and of the id that an error has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/exchange.h"

#define TENSOR "{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}"
#define INPUTS "\"inputs\":[" TENSOR "]"
#define WITH(members) "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]," members "}]}"

static void a_key_of_open_inference_that_occurs_twice_is_refused(void **state)
{
	static const struct {
		const char *body, *why;
	} rows[] = {
		{"{" INPUTS "," INPUTS "}", "inputs occurs twice in the request"},
		{"{\"id\":\"a\",\"id\":\"b\"," INPUTS "}", "id occurs twice in the request"},
		{"{\"id\":\"a\"," INPUTS ",\"id\":\"b\"}", "id occurs twice in the request"},
		{"{\"parameters\":{},\"parameters\":{\"a\":1}," INPUTS "}", "parameters occurs twice in the request"},
		{"{\"outputs\":[],\"outputs\":[]," INPUTS "}", "outputs occurs twice in the request"},
		{"{\"raw_input_contents\":[],\"raw_input_contents\":[]," INPUTS "}", "raw_input_contents occurs twice"},
		{"{\"parameters\":{\"a\":1,\"a\":2}," INPUTS "}", "the request: the parameter a occurs twice"},
		{"{\"parameters\":{\"a\":null,\"a\":2}," INPUTS "}", "the request: the parameter a occurs twice"},
		{"{\"parameters\":{\"a\":1,\"\\u0061\":2}," INPUTS "}", "the request: the parameter a occurs twice"},
		{"{\"parameters\":{\"binary_data_output\":true,\"binary_data_output\":false}," INPUTS "}",
		 "the parameter binary_data_output occurs twice"},
		{WITH("\"parameters\":{},\"parameters\":{}"), "tensor x: parameters occurs twice"},
		{WITH("\"parameters\":{\"a\":1,\"b\":2,\"a\":3}"), "tensor x: the parameter a occurs twice"},
		{"{\"outputs\":[{\"name\":\"a\",\"name\":\"b\"}]," INPUTS "}", "name of outputs occurs twice"},
		{"{\"outputs\":[{\"name\":\"a\",\"parameters\":{},\"parameters\":{}}]," INPUTS "}",
		 "parameters of outputs occurs twice"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_refused(*state, rows[i].body, rows[i].why);
	assert_non_null(first_sent(*state, "{\"parameters\":{\"a\":1,\"b\":2},\"custom\":1,\"custom\":2," INPUTS "}"));
	assert_string_equal(answered(*state),
			    "{\"model_name\":\"\",\"parameters\":{\"a\":1,\"b\":2},\"outputs\":[{\"name\":\"x\","
			    "\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1.0]}]}");
}

/* As many as go through a hash table. */
static void a_parameter_that_occurs_twice_among_many_is_refused(void **state)
{
	struct buffer body;
	buffer_open(&body, 1 << 16);
	buffer_string(&body, "{\"parameters\":{");
	for (int i = 0; i < 500; i++)
		buffer_print(&body, "\"p%d\":1,", i);
	buffer_string(&body, "\"p250\":1}," INPUTS "}");
	buffer_byte(&body, '\0');
	assert_refused(*state, body.bytes, "the request: the parameter p250 occurs twice");
	buffer_close(&body);
}

static void a_key_of_v1_that_occurs_twice_is_refused(void **state)
{
	assert_refused(*state, "{\"instances\":[1],\"instances\":[2]}", "instances occurs twice in the request");
	assert_refused(*state, "{\"inputs\":[1],\"inputs\":[2]}", "inputs occurs twice in the request");
	assert_refused(*state, "{\"inputs\":{\"a\":[1],\"b\":[2],\"a\":[3]}}", "two tensors are named `a`");
}

static void a_key_of_seldon_that_occurs_twice_is_refused(void **state)
{
	static const struct {
		const char *body, *why;
	} rows[] = {
		{"{\"data\":{\"ndarray\":[1]},\"data\":{\"ndarray\":[2]}}", "data occurs twice in the request"},
		{"{\"strData\":\"a\",\"strData\":\"b\"}", "strData occurs twice in the request"},
		{"{\"jsonData\":1,\"jsonData\":2}", "jsonData occurs twice in the request"},
		{"{\"meta\":{},\"meta\":{},\"strData\":\"b\"}", "meta occurs twice in the request"},
		{"{\"data\":{\"ndarray\":[1],\"ndarray\":[2]}}", "ndarray occurs twice in data"},
		{"{\"data\":{\"names\":[],\"ndarray\":[1],\"names\":[]}}", "names occurs twice in data"},
		{"{\"data\":{\"tensor\":{\"shape\":[1],\"values\":[1]},\"tensor\":{}}}", "tensor occurs twice in data"},
		{"{\"data\":{\"tensor\":{\"shape\":[1],\"shape\":[1],\"values\":[1]}}}", "shape occurs twice in data.tensor"},
		{"{\"data\":{\"tensor\":{\"shape\":[1],\"values\":[1],\"values\":[1]}}}", "values occurs twice in data.tensor"},
		{"{\"meta\":{\"puid\":\"a\",\"puid\":\"b\"},\"strData\":\"b\"}", "puid occurs twice in meta"},
		{"{\"meta\":{\"tags\":{},\"tags\":{}},\"strData\":\"b\"}", "tags occurs twice in meta"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_refused(*state, rows[i].body, rows[i].why);
}

/* ---- the id of an error ---- */

static void a_refused_request_has_the_id_of_its_body_wherever_it_stands(void **state)
{
	static const char *const bodies[] = {
		"{\"id\":\"mine\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2],\"data\":[1]}]}",
		"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2],\"data\":[1]}],\"id\":\"mine\"}",
		"{\"inputs\":[],\"id\":\"mine\"}",
		"{\"inputs\":[{\"name\":1}],\"parameters\":{\"id\":\"other\"},\"id\":\"mine\"}",
		"{\"parameters\":3,\"id\":\"mine\"," INPUTS "}",
		"{" INPUTS "," INPUTS ",\"id\":\"mine\"}",
		"{\"data\":{},\"meta\":{\"puid\":\"mine\"}}",
		"{\"strData\":\"a\",\"strData\":\"b\",\"meta\":{\"puid\":\"mine\"}}",
	};
	struct exchange *exchange = *state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		assert_refused(exchange, bodies[i], "");
		assert_true(text_is(exchange->message.payload_id, "mine"));
	}
	assert_refused(exchange, "{\"inputs\":[{}],\"id\":5}", "");
	assert_int_equal(exchange->message.payload_id.length, 0);
	assert_refused(exchange, "{\"inputs\":[{}],,\"id\":\"mine\"}", "");
	assert_int_equal(exchange->message.payload_id.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(a_key_of_open_inference_that_occurs_twice_is_refused),
		BEHAVIOUR(a_parameter_that_occurs_twice_among_many_is_refused),
		BEHAVIOUR(a_key_of_v1_that_occurs_twice_is_refused),
		BEHAVIOUR(a_key_of_seldon_that_occurs_twice_is_refused),
		BEHAVIOUR(a_refused_request_has_the_id_of_its_body_wherever_it_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
