/* v1_json_test.c: instances and predictions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/exchange.h"

static void rows_are_one_tensor_of_the_datatype_they_show(void **state)
{
	static const struct {
		const char *instances;
		enum datatype datatype;
		uint32_t rank;
		const char *predictions; /* NULL: as the instances */
	} rows[] = {
		{"[[1,2],[3,4]]", DATATYPE_INT64, 2, NULL},
		{"[[1,2],[3,4.5]]", DATATYPE_FP64, 2, "[[1.0,2.0],[3.0,4.5]]"},
		{"[1,2,3]", DATATYPE_INT64, 1, NULL},
		{"[1.0]", DATATYPE_FP64, 1, NULL},
		{"[\"a\",\"b\"]", DATATYPE_BYTES, 1, NULL},
		{"[true,false]", DATATYPE_BOOL, 1, NULL},
		{"[{\"b64\":\"//4=\"}]", DATATYPE_BYTES, 1, NULL},
		{"[[[0.5]]]", DATATYPE_FP64, 3, NULL},
		{"[1,\"NaN\"]", DATATYPE_FP64, 1, "[1.0,\"NaN\"]"},
		{"[\"NaN\"]", DATATYPE_BYTES, 1, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[128];
		char expected[128];
		(void)snprintf(body, sizeof body, "{\"instances\":%s}", rows[i].instances);
		const struct tensor *x = first_sent(*state, body);
		assert_non_null(x);
		assert_true(text_is(x->name, "input-0"));
		assert_int_equal(x->datatype, rows[i].datatype);
		assert_int_equal(x->rank, rows[i].rank);
		(void)snprintf(expected, sizeof expected, "{\"predictions\":%s}",
			       rows[i].predictions ? rows[i].predictions : rows[i].instances);
		assert_string_equal(answered(*state), expected);
	}
}

static void integers_stay_exact(void **state)
{
	const struct tensor *x = first_sent(*state, "{\"instances\":[9007199254740993,-9223372036854775808]}");
	assert_non_null(x);
	assert_true(((const int64_t *)x->data)[0] == INT64_C(9007199254740993));
	assert_refused(*state, "{\"instances\":[9223372036854775808]}", "INT64");
	assert_refused(*state, "{\"instances\":[1e999]}", "FP64");
}

static void rows_that_are_objects_are_a_tensor_a_key(void **state)
{
	struct exchange *exchange = *state;
	const char *body = "{\"instances\":[{\"a\":1,\"b\":[0.5,1.5]},{\"b\":[2.5,3.0],\"a\":2}],\"signature_name\":\"s\"}";
	const struct tensor *a = first_sent(exchange, body);
	assert_non_null(a);
	assert_int_equal(exchange->message.payload.tensors.count, 2);
	const struct tensor *b = exchange->message.payload.tensors.items[1];
	assert_true(text_is(a->name, "a") && a->rank == 1 && a->datatype == DATATYPE_INT64);
	assert_true(text_is(b->name, "b") && b->rank == 2 && b->shape[0] == 2 && b->shape[1] == 2);
	assert_true(((const double *)b->data)[2] == 2.5);
	assert_string_equal(answered(exchange), "{\"predictions\":[{\"a\":1,\"b\":[0.5,1.5]},{\"a\":2,\"b\":[2.5,3.0]}]}");
}

/* More keys than are compared one by one, and in another order in each row. */
static void keys_of_further_rows_come_in_any_order(void **state)
{
	enum { KEYS = 12 };
	struct exchange *exchange = *state;
	struct buffer body;
	buffer_open(&body, 4096);
	for (int row = 0; row < 3; row++) {
		buffer_string(&body, row == 0 ? "{\"instances\":[" : ",");
		for (int i = 0; i < KEYS; i++) {
			const int key = row == 0 ? i : row == 1 ? KEYS - 1 - i : (i * 5) % KEYS;
			buffer_print(&body, "%s\"k%d\":%d", i == 0 ? "{" : ",", key, 100 * row + key);
		}
		buffer_byte(&body, '}');
	}
	struct buffer good = body;
	buffer_string(&good, "]}");
	assert_non_null(exchange_sent(exchange, buffer_view(&good)));
	assert_int_equal(exchange->message.payload.tensors.count, KEYS);
	for (int64_t key = 0; key < KEYS; key++) {
		const int64_t *values = exchange->message.payload.tensors.items[key]->data;
		assert_true(values[0] == key && values[1] == 100 + key && values[2] == 200 + key);
	}
	body = good;
	body.length -= 3;		     /* the last brace, and the end of the list and of the body */
	body.length -= strlen("\"k7\":207"); /* the last key */
	struct text head = buffer_view(&body);
	char text[2048];
	(void)snprintf(text, sizeof text, TEXT_FORMAT "\"k12\":1}]}", TEXT_ARGUMENTS(head));
	assert_refused(exchange, text, "key k12 of row 2");
	(void)snprintf(text, sizeof text, TEXT_FORMAT "\"k5\":1}]}", TEXT_ARGUMENTS(head));
	assert_refused(exchange, text, "key k5 of row 2");
	buffer_close(&body);
}

static void columns_are_answered_as_columns(void **state)
{
	assert_non_null(first_sent(*state, "{\"inputs\":{\"x\":[[1],[2]],\"y\":[\"u\"]}}"));
	assert_string_equal(answered(*state), "{\"outputs\":{\"x\":[[1],[2]],\"y\":[\"u\"]}}");
	const struct tensor *x = first_sent(*state, "{\"signature_name\":\"s\",\"inputs\":[[1.5,2.0]]}");
	assert_non_null(x);
	assert_true(text_is(x->name, "input-0"));
	assert_string_equal(answered(*state), "{\"outputs\":[[1.5,2.0]]}");
}

/* Nothing else in the body says that it is V1, and none of these can be a list of OIP's tensors. */
static void a_column_without_a_name_is_known_by_its_values(void **state)
{
	static const struct {
		const char *inputs, *outputs;
		enum datatype datatype;
		uint32_t rank;
	} rows[] = {
		{"[[1.5,2.0],[0.5,1.0]]", "[[1.5,2.0],[0.5,1.0]]", DATATYPE_FP64, 2},
		{"[1,2,5]", "[1,2,5]", DATATYPE_INT64, 1},
		{"[true,false]", "[true,false]", DATATYPE_BOOL, 1},
		{"[\"a\",\"b\"]", "[\"a\",\"b\"]", DATATYPE_BYTES, 1},
		{"[{\"b64\":\"//4=\"}]", "[{\"b64\":\"//4=\"}]", DATATYPE_BYTES, 1},
		{"4", "[4]", DATATYPE_INT64, 0},
		{"\"a\"", "[\"a\"]", DATATYPE_BYTES, 0},
		{"{\"b64\":\"//4=\"}", "[{\"b64\":\"//4=\"}]", DATATYPE_BYTES, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[128], expected[128];
		(void)snprintf(body, sizeof body, "{\"inputs\":%s}", rows[i].inputs);
		const struct tensor *x = first_sent(*state, body);
		assert_non_null(x);
		assert_true(text_is(x->name, "input-0"));
		assert_int_equal(x->datatype, rows[i].datatype);
		assert_int_equal(x->rank, rows[i].rank);
		(void)snprintf(expected, sizeof expected, "{\"outputs\":%s}", rows[i].outputs);
		assert_string_equal(answered(*state), expected);
	}
	assert_refused(*state, "{\"inputs\":[[1],[2,3]]}", "inputs: lists");
	assert_refused(*state, "{\"inputs\":[1,\"a\"]}", "inputs: elements of different types");
}

/* What no tensor of V1 begins with is refused in OIP's words. */
static void other_lists_of_inputs_are_open_inference(void **state)
{
	assert_refused(*state, "{\"inputs\":[]}", "an empty list of inputs");
	assert_refused(*state, "{\"inputs\":[null]}", "inputs[0] is not an object");
	assert_refused(*state, "{\"inputs\":[{\"b64\":\"//4=\",\"name\":\"x\"}]}", "datatype");
	assert_refused(*state, "{\"inputs\":null}", "inputs is not a list of tensors");
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *body, *why;
	} rows[] = {
		{"{\"instances\":[]}", "instances"},
		{"{\"instances\":3}", "instances"},
		{"{\"instances\":[[1,2],[3]]}", "instances: lists"},
		{"{\"instances\":[1,\"a\"]}", "instances: elements of different types"},
		{"{\"instances\":[1,true]}", "instances: elements of different types"},
		{"{\"instances\":[null]}", "null"},
		{"{\"instances\":[{\"b64\":\"#\"}]}", "base64"},
		{"{\"instances\":[1,{\"a\":1}]}", "object"},
		{"{\"instances\":[{\"a\":1},2]}", "row 1 is not an object"},
		{"{\"instances\":[{\"a\":1},{\"b\":2}]}", "key b of row 1"},
		{"{\"instances\":[{\"a\":1,\"b\":1},{\"a\":2}]}", "row 1 has 1 keys"},
		{"{\"instances\":[{\"a\":1,\"a\":2}]}", "key a of row 0"},
		{"{\"instances\":[{\"a\":1},{\"a\":[2]}]}", "key a: rows differ"},
		{"{\"instances\":[{}]}", "empty object"},
		{"{\"instances\":[1],\"inputs\":[1]}", "both"},
		{"{\"signature_name\":\"x\"}", "instances"},
		{"{\"signature_name\":\"x\",\"inputs\":{}}", "inputs"},
		{"{\"instances\":[1", "JSON"},
		{"{\"instances\":[NaN]}", "JSON"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_refused(*state, rows[i].body, rows[i].why);
	assert_string_equal(answered_error(*state, ERROR_INPUT, "no"), "{\"error\":\"no\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(rows_are_one_tensor_of_the_datatype_they_show),
		BEHAVIOUR(integers_stay_exact),
		BEHAVIOUR(rows_that_are_objects_are_a_tensor_a_key),
		BEHAVIOUR(keys_of_further_rows_come_in_any_order),
		BEHAVIOUR(columns_are_answered_as_columns),
		BEHAVIOUR(a_column_without_a_name_is_known_by_its_values),
		BEHAVIOUR(other_lists_of_inputs_are_open_inference),
		BEHAVIOUR(what_is_wrong_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
