/* seldon_json_test.c: messages of Seldon v1, and the form of their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/exchange.h"

static void a_list_is_answered_as_a_list(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"data\":{\"ndarray\":[[1,2],[3,4]]}}");
	assert_non_null(x);
	assert_true(text_is(x->name, "data") && x->datatype == DATATYPE_FP64 && x->rank == 2);
	assert_string_equal(answered(*state), "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[[1.0,2.0],[3.0,4.0]]}}");
}

static void an_empty_list_keeps_its_shape(void **state)
{
	static const struct {
		const char *list;
		size_t rank;
	} rows[] = {{"[]", 1}, {"[[]]", 2}, {"[[],[]]", 2}, {"[[[]]]", 3}, {"[[[],[]],[[],[]]]", 3}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char request[100], expected[100];
		(void)snprintf(request, sizeof request, "{\"data\":{\"ndarray\":%s}}", rows[i].list);
		(void)snprintf(expected, sizeof expected, "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":%s}}", rows[i].list);
		const struct tensor *x = first_sent(*state, request);
		assert_int_equal(x->rank, rows[i].rank);
		assert_int_equal(x->count, 0);
		assert_string_equal(answered(*state), expected);
	}
}

/* A shape may claim more lists than there is memory for, without an element. */
static void a_shape_of_countless_empty_lists_is_answered_by_one(void **state)
{
	struct exchange *exchange = *state;
	assert_non_null(first_sent(exchange, "{\"data\":{\"ndarray\":[[]]}}"));
	const int64_t shape[] = {100000000000, 0}, behind[] = {2, 0, 100000000000};
	struct tensor tensor = *exchange->message.payload.tensors.items[0];
	const struct tensor *items[] = {&tensor};
	exchange->message.payload.tensors = (struct tensors){1, items};
	tensor.shape = shape;
	assert_string_equal(answered(exchange), "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[]}}");
	tensor.shape = behind;
	tensor.rank = 3;
	assert_string_equal(answered(exchange), "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[[],[]]}}");
}

/* As in a row of a table, of which a model of texts takes some columns, and others are read as numbers. */
static void numbers_beside_texts_are_texts(void **state)
{
	static const char *const texts[] = {"red", "4.50", "-1e3", "NaN"};
	const struct tensor *x = first_sent(*state, "{\"data\":{\"ndarray\":[[\"red\",4.50],[-1e3,\"NaN\"]]}}");
	assert_non_null(x);
	assert_true(x->datatype == DATATYPE_BYTES && x->rank == 2 && x->shape[0] == 2 && x->shape[1] == 2);
	for (size_t i = 0; i < 4; i++)
		assert_true(text_is(((const struct text *)x->data)[i], texts[i]));
	assert_string_equal(answered(*state),
			    "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[[\"red\",\"4.50\"],[\"-1e3\",\"NaN\"]]}}");
	assert_refused(*state, "{\"data\":{\"ndarray\":[[1,true]]}}",
		       "data.ndarray: booleans are beside other elements; send them alone, or the list as jsonData, at byte");
	assert_refused(*state, "{\"data\":{\"ndarray\":[[\"a\",true]]}}", "send them alone, or the list as jsonData, at byte");
	assert_refused(*state, "{\"data\":{\"ndarray\":[[\"a\",null]]}}", "an element is null; send numbers, strings or booleans");
}

static void names_and_meta_come_back(void **state)
{
	assert_non_null(first_sent(
		*state,
		"{\"meta\":{\"puid\":\"p-9\",\"tags\":{\"t\":1}},\"data\":{\"names\":[\"f1\",\"f2\"],\"ndarray\":[[1,1.5]]}}"));
	assert_string_equal(
		answered(*state),
		"{\"meta\":{\"puid\":\"p-9\",\"tags\":{\"t\":1}},\"data\":{\"names\":[\"f1\",\"f2\"],\"ndarray\":[[1.0,1.5]]}}");
	assert_true(text_is(((struct exchange *)*state)->message.payload_id, "p-9"));
	assert_refused(*state, "{\"meta\":[],\"strData\":\"x\"}", "meta");
	assert_refused(*state, "{\"data\":{\"names\":[1],\"ndarray\":[1]}}", "data.names");
}

static void names_that_a_step_made_up_do_not_break_the_answer(void **state)
{
	struct exchange *exchange = *state;
	assert_non_null(first_sent(exchange, "{\"data\":{\"ndarray\":[1]}}"));
	const struct parameter names = {.name = TEXT("names"), .type = PARAMETER_TEXT, .value.text = TEXT("f1,f2")};
	struct tensor tensor = *exchange->message.payload.tensors.items[0];
	const struct tensor *items[] = {&tensor};
	tensor.parameters = (struct parameters){1, &names};
	exchange->message.payload.tensors = (struct tensors){1, items};
	assert_string_equal(answered(exchange), "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[1.0]}}");
}

static void a_tensor_is_answered_as_a_tensor(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"data\":{\"tensor\":{\"values\":[1,2,3,4],\"shape\":[2,2]}}}");
	assert_non_null(x);
	assert_true(x->rank == 2 && ((const double *)x->data)[3] == 4.0);
	assert_string_equal(answered(*state),
			    "{\"meta\":{},\"data\":{\"names\":[],\"tensor\":{\"shape\":[2,2],\"values\":[1.0,2.0,3.0,4.0]}}}");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"shape\":[2,2],\"values\":[1,2,3]}}}", "tensor");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"shape\":[2.5],\"values\":[1,2]}}}", "shape");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"shape\":2,\"values\":[1,2]}}}", "shape");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"shape\":[-2],\"values\":[1,2]}}}", "-2");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"values\":[1,2]}}}", "shape");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"shape\":[2]}}}", "shape");
	assert_refused(*state, "{\"data\":{\"tensor\":{}}}", "shape");
	assert_refused(*state, "{\"data\":{\"tensor\":[1]}}", "data.tensor");
	assert_refused(*state, "{\"data\":{\"tensor\":{\"values\":[1,2]}}}", "data.tensor has no shape; send");
	assert_refused(*state, "{\"data\":{\"tensor\":{}}}", "data.tensor has no shape; send");
}

static void an_empty_list_of_a_tensor_may_be_absent(void **state)
{
	const struct tensor *none = first_sent(*state, "{\"data\":{\"tensor\":{\"shape\":[0,3]}}}");
	assert_int_equal(none->rank, 2);
	assert_int_equal(none->count, 0);
	const struct tensor *one = first_sent(*state, "{\"data\":{\"tensor\":{\"values\":[2.5]}}}");
	assert_int_equal(one->rank, 0);
	assert_int_equal(one->count, 1);
}

static void text_bytes_and_json_are_one_element_each(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"strData\":\"lo\\u0075d\"}");
	assert_non_null(x);
	assert_true(text_is(x->name, "strData") && x->datatype == DATATYPE_BYTES && x->count == 1);
	assert_string_equal(answered(*state), "{\"meta\":{},\"strData\":\"loud\"}");
	x = first_sent(*state, "{\"binData\":\"//4A\"}");
	assert_non_null(x);
	assert_true(text_equal(*(const struct text *)x->data, (struct text){"\xFF\xFE\0", 3}));
	assert_string_equal(answered(*state), "{\"meta\":{},\"binData\":\"//4A\"}");
	x = first_sent(*state, "{\"jsonData\":{\"a\": [1, null]}, \"meta\": null}");
	assert_non_null(x);
	assert_true(text_is(*(const struct text *)x->data, "{\"a\": [1, null]}"));
	assert_string_equal(answered(*state), "{\"meta\":{},\"jsonData\":{\"a\": [1, null]}}");
	assert_refused(*state, "{\"strData\":1}", "strData");
	assert_refused(*state, "{\"binData\":\"#\"}", "binData");
}

static void several_tensors_are_all_in_the_answer(void **state)
{
	struct exchange *exchange = *state;
	assert_non_null(first_sent(exchange, "{\"data\":{\"ndarray\":[1]}}"));
	const struct tensor *x = exchange->message.payload.tensors.items[0];
	const struct tensor *items[] = {x, tensor_renamed(exchange->message.arena, x, TEXT("other"))};
	exchange->message.payload.tensors = (struct tensors){2, items};
	assert_string_equal(answered(exchange), "{\"meta\":{},\"jsonData\":{\"data\":[1.0],\"other\":[1.0]}}");
	exchange->message.payload.tensors.count = 0;
	assert_string_equal(answered(exchange), "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[]}}");
}

#define TF(dtype, rest)                                                                                                            \
	"{\"data\":{\"tftensor\":{\"dtype\":" dtype ",\"tensorShape\":{\"dim\":[{\"size\":\"1\"},{\"size\":2}]}" rest "}}}"
#define TF_ANSWER(values) "{\"meta\":{},\"data\":{\"names\":[],\"tensor\":{\"shape\":[1,2],\"values\":" values "}}}"

static void a_tftensor_is_taken_and_answered_by_a_tensor(void **state)
{
	static const struct {
		const char *body;
		enum datatype datatype;
		const char *answer;
	} rows[] = {
		{TF("\"DT_DOUBLE\"", ",\"doubleVal\":[1.0,2.5]"), DATATYPE_FP64, TF_ANSWER("[1.0,2.5]")},
		{TF("1", ",\"float_val\":[0.5]"), DATATYPE_FP32, TF_ANSWER("[0.5,0.5]")},
		{TF("\"DT_INT64\"", ",\"int64Val\":[\"9007199254740993\",-1]"), DATATYPE_INT64, TF_ANSWER("[9007199254740993,-1]")},
		{TF("\"DT_UINT8\"", ",\"intVal\":[255,0]"), DATATYPE_UINT8, TF_ANSWER("[255,0]")},
		{TF("\"DT_BOOL\"", ",\"boolVal\":[true,false]"), DATATYPE_BOOL, TF_ANSWER("[true,false]")},
		{TF("\"DT_HALF\"", ",\"halfVal\":[15360,49152]"), DATATYPE_FP16, TF_ANSWER("[1.0,-2.0]")},
		{TF("\"DT_BFLOAT16\"", ",\"half_val\":[16256]"), DATATYPE_BF16, TF_ANSWER("[1.0,1.0]")},
		{TF("\"DT_INT32\"", ",\"tensorContent\":\"AQAAAP////8=\""), DATATYPE_INT32, TF_ANSWER("[1,-1]")},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tensor *data = first_sent(*state, rows[i].body);
		assert_non_null(data);
		assert_int_equal(data->datatype, rows[i].datatype);
		assert_string_equal(answered(*state), rows[i].answer);
	}
	const struct tensor *data = first_sent(*state, TF("\"DT_STRING\"", ",\"stringVal\":[\"aGk=\"]"));
	assert_non_null(data);
	assert_true(text_is(((const struct text *)data->data)[1], "hi"));
}

static void what_is_no_tftensor_is_refused(void **state)
{
	assert_refused(*state, "{\"data\":{\"tftensor\":[1]}}", "it is not an object");
	assert_refused(*state, TF("\"DT_COMPLEX64\"", ""), "the dtype \"DT_COMPLEX64\" is not taken");
	assert_refused(*state, TF("\"DT_FLOAT\"", ""), "floatVal has 0 values, and tensorShape asks for 2");
	assert_refused(*state, TF("\"DT_FLOAT\"", ",\"floatVal\":[1,2,3]"), "floatVal has 3 values, and tensorShape asks for 2");
	assert_refused(*state, TF("\"DT_FLOAT\"", ",\"floatVal\":1"), "floatVal is not a list");
	assert_refused(*state, TF("\"DT_INT8\"", ",\"intVal\":[1,128]"), "data");
	assert_refused(*state, TF("\"DT_INT64\"", ",\"int64Val\":[\"1,2\",\"3\"]"), "data");
	assert_refused(*state, TF("\"DT_INT64\"", ",\"int64Val\":[\"x\",\"3\"]"), "");
	assert_refused(*state, TF("\"DT_STRING\"", ",\"stringVal\":[\"*\",\"\"]"), "stringVal is not base64");
	assert_refused(*state, TF("\"DT_STRING\"", ",\"tensorContent\":\"aGk=\""), "send stringVal");
	assert_refused(*state, TF("\"DT_INT32\"", ",\"tensorContent\":\"AQAA\""), "data");
	assert_refused(*state, TF("\"DT_INT32\"", ",\"tensorContent\":\"*\""), "tensorContent is not base64");
	assert_refused(*state, TF("\"DT_HALF\"", ",\"halfVal\":[1,65536]"), "data");
	assert_refused(*state, "{\"data\":{\"tftensor\":{\"dtype\":1,\"tensorShape\":{\"dim\":[{\"size\":-1}]},\"floatVal\":[1]}}}",
		       "no size");
}

static void exactly_one_form_is_taken(void **state)
{
	assert_refused(*state, "{\"strData\":\"a\",\"binData\":\"\"}", "more than one");
	assert_refused(*state, "{\"data\":{}}", "none of");
	assert_refused(*state, "{\"data\":{\"ndarray\":[1],\"tensor\":{}}}", "more than one of");
	assert_refused(*state, "{\"data\":{\"tftensor\":{}}}", "data.tftensor: it has no dtype; send DT_FLOAT");
	assert_refused(*state, "{\"data\":[1]}", "data is not an object");
	assert_refused(*state, "{\"data\":{\"ndarray\":[1,[2]]}}", "data.ndarray");
	assert_refused(*state, "{\"data\":{\"ndarray\":[1,true]}}", "data.ndarray");
	assert_refused(*state, "{\"data\":{\"ndarray\":[1}", "JSON");
}

static void a_failure_has_a_status(void **state)
{
	assert_refused(*state, "{\"data\":{}}", "none of");
	assert_string_equal(answered_error(*state, ERROR_INPUT, "no \"x\""),
			    "{\"status\":{\"code\":400,\"info\":\"no \\\"x\\\"\",\"status\":\"FAILURE\"}}");
	assert_string_equal(answered_error(*state, ERROR_REMOTE, "down"),
			    "{\"status\":{\"code\":502,\"info\":\"down\",\"status\":\"FAILURE\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(a_list_is_answered_as_a_list),
		BEHAVIOUR(numbers_beside_texts_are_texts),
		BEHAVIOUR(an_empty_list_keeps_its_shape),
		BEHAVIOUR(a_shape_of_countless_empty_lists_is_answered_by_one),
		BEHAVIOUR(names_and_meta_come_back),
		BEHAVIOUR(names_that_a_step_made_up_do_not_break_the_answer),
		BEHAVIOUR(a_tensor_is_answered_as_a_tensor),
		BEHAVIOUR(an_empty_list_of_a_tensor_may_be_absent),
		BEHAVIOUR(text_bytes_and_json_are_one_element_each),
		BEHAVIOUR(several_tensors_are_all_in_the_answer),
		BEHAVIOUR(a_tftensor_is_taken_and_answered_by_a_tensor),
		BEHAVIOUR(what_is_no_tftensor_is_refused),
		BEHAVIOUR(exactly_one_form_is_taken),
		BEHAVIOUR(a_failure_has_a_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
