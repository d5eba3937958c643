/* protocol_test.c: calls and answers in the protocols that model servers speak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/formats/oip_protobuf.h"
#include "models/calls/protocol.h"
#include "tests/unit/arena_fixture.h"

static struct message message;
static struct payload request;
static struct call call;

static int set_up(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 20);
	message = (struct message){.arena = arena, .id = TEXT("r-1")};
	request = (struct payload){0};
	call = (struct call){.name = "m", .request = &request, .message = &message};
	return 0;
}

static void add(const char *name, enum datatype datatype, int64_t rows, int64_t columns, const double *numbers)
{
	struct error error = {0};
	void *elements;
	const int64_t shape[] = {rows, columns};
	struct tensor *tensor = tensor_make(arena, text_of(name), datatype, shape, columns ? 2 : 1, &elements, &error);
	for (size_t i = 0; i < tensor->count; i++)
		assert_true(tensor_store(elements, datatype, i, numbers[i]));
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, request.tensors.count + 1);
	for (size_t i = 0; i < request.tensors.count; i++)
		tensors_add(&tensors, request.tensors.items[i]);
	tensors_add(&tensors, tensor);
	request.tensors = tensors_end(&tensors);
}

static void expect_sent(enum model_protocol protocol, const char *body)
{
	struct buffer out;
	struct error error = {0};
	const struct model_address address = {.protocol = protocol, .model = "m"};
	buffer_open(&out, 4096);
	assert_true(protocol_write(&address, &call, (struct parameters){0}, &out, NULL, &error));
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, body);
	buffer_close(&out);
}

static struct payload read(enum model_protocol protocol, const char *body)
{
	struct payload payload = {0};
	struct error error = {0};
	if (!protocol_read(protocol, arena, &request, text_of(body), 0, &payload, &error))
		fail_msg("%s", error.text);
	return payload;
}

static void expect_number(const struct payload *payload, const char *name, size_t index, double number)
{
	const struct tensor *tensor = tensors_find(payload->tensors, text_of(name));
	assert_non_null(tensor);
	assert_true(index < tensor->count);
	assert_float_equal(tensor_number(tensor, index), number, 0);
}

static const double numbers[] = {1, 2, 3, 4};

static void rows_of_one_tensor_are_instances_to_v1(void **state)
{
	(void)state;
	add("x", DATATYPE_FP32, 2, 2, numbers);
	expect_sent(PROTOCOL_V1, "{\"instances\":[[1.0,2.0],[3.0,4.0]]}");
	struct payload reply = read(PROTOCOL_V1, "{\"predictions\":[[0.5],[0.25]]}");
	expect_number(&reply, "output-0", 1, 0.25);
}

static void rows_of_several_tensors_are_objects_to_v1(void **state)
{
	(void)state;
	add("a", DATATYPE_INT64, 2, 0, numbers);
	add("b", DATATYPE_INT64, 2, 0, numbers + 2);
	expect_sent(PROTOCOL_V1, "{\"instances\":[{\"a\":1,\"b\":3},{\"a\":2,\"b\":4}]}");
	struct payload reply = read(PROTOCOL_V1, "{\"predictions\":[{\"p\":1,\"q\":5},{\"p\":2,\"q\":6}]}");
	expect_number(&reply, "p", 1, 2);
	expect_number(&reply, "q", 0, 5);
}

static void tensors_without_common_rows_are_columns_to_v1(void **state)
{
	(void)state;
	add("a", DATATYPE_INT64, 1, 0, numbers);
	add("b", DATATYPE_INT64, 2, 0, numbers);
	expect_sent(PROTOCOL_V1, "{\"inputs\":{\"a\":[1],\"b\":[1,2]}}");
	struct payload reply = read(PROTOCOL_V1, "{\"outputs\":{\"c\":[7]}}");
	expect_number(&reply, "c", 0, 7);
}

static void one_tensor_is_inputs_to_mlflow_and_columns_are_a_table(void **state)
{
	(void)state;
	add("a", DATATYPE_FP64, 2, 1, numbers);
	expect_sent(PROTOCOL_MLFLOW, "{\"inputs\":[[1.0],[2.0]]}");
	add("b", DATATYPE_INT64, 2, 0, numbers + 2);
	expect_sent(PROTOCOL_MLFLOW, "{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1.0,3],[2.0,4]]}}");
	struct payload list = read(PROTOCOL_MLFLOW, "{\"predictions\":[0,1]}");
	expect_number(&list, "output-0", 1, 1);
	struct payload columns = read(PROTOCOL_MLFLOW, "{\"predictions\":{\"score\":[0.5,0.75]}}");
	expect_number(&columns, "score", 1, 0.75);
}

static void numbers_and_names_go_to_seldon_and_come_back(void **state)
{
	(void)state;
	add("data", DATATYPE_FP64, 1, 2, numbers);
	expect_sent(PROTOCOL_SELDON, "{\"meta\":{\"puid\":\"r-1\"},\"data\":{\"names\":[],\"ndarray\":[[1.0,2.0]]}}");
	message.seldon_form = SELDON_TENSOR;
	expect_sent(PROTOCOL_SELDON,
		    "{\"meta\":{\"puid\":\"r-1\"},\"data\":{\"names\":[],\"tensor\":{\"shape\":[1,2],\"values\":[1.0,2.0]}}}");
	struct payload reply = read(PROTOCOL_SELDON, "{\"meta\":{\"tags\":{}},\"data\":{\"names\":[\"c\"],\"ndarray\":[[9.5]]}}");
	expect_number(&reply, "data", 0, 9.5);
}

static void the_same_request_is_read_back_from_grpc(void **state)
{
	(void)state;
	const struct model_address address = {.protocol = PROTOCOL_OIP_GRPC, .model = "m"};
	const struct parameter setting = {.name = TEXT("k"), .type = PARAMETER_INTEGER, .value.integer = 7};
	struct message came = {.arena = arena};
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 4096);
	add("x", DATATYPE_FP32, 2, 2, numbers);
	assert_true(protocol_write(&address, &call, (struct parameters){1, &setting}, &out, NULL, &error));
	assert_true(oip_protobuf_decode(&came, buffer_view(&out), NULL, &error));
	expect_number(&came.payload, "x", 3, 4);
	assert_int_equal(parameters_find(came.payload.parameters, TEXT("k"))->value.integer, 7);
	assert_true(text_is(came.payload_id, "r-1"));
	buffer_close(&out);
}

static void outputs_are_asked_for_over_rest_and_grpc(void **state)
{
	(void)state;
	static const struct text names[] = {{"predict_proba", 13}, {"a\"b", 3}};
	const struct model_address address = {.protocol = PROTOCOL_OIP_GRPC, .model = "m"};
	struct message came = {.arena = arena};
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 4096);
	add("x", DATATYPE_FP32, 1, 0, numbers);
	call.outputs = (struct tensors_wanted){2, names};
	expect_sent(PROTOCOL_OIP_REST,
		    "{\"id\":\"r-1\",\"outputs\":[{\"name\":\"predict_proba\"},{\"name\":\"a\\\"b\"}],\"inputs\":[{\"name\":\"x\","
		    "\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1.0]}]}");
	assert_true(protocol_write(&address, &call, (struct parameters){0}, &out, NULL, &error));
	assert_true(oip_protobuf_decode(&came, buffer_view(&out), NULL, &error));
	assert_int_equal(came.wanted.count, 2);
	assert_true(text_is(came.wanted.names[0], "predict_proba") && text_is(came.wanted.names[1], "a\"b"));
	call.outputs = (struct tensors_wanted){0};
	buffer_close(&out);
}

static void a_reply_that_is_none_is_remote(void **state)
{
	(void)state;
	static const struct {
		enum model_protocol protocol;
		const char *body;
	} rows[] = {
		{PROTOCOL_OIP_REST, "}{"},
		{PROTOCOL_OIP_GRPC, "\xff\xff"},
		{PROTOCOL_V1, "{\"instances\":[1]}"},
		{PROTOCOL_V1, "{\"predictions\":[]}"},
		{PROTOCOL_SELDON, "{\"meta\":{}}"},
		{PROTOCOL_MLFLOW, "<html>"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct payload payload;
		struct error error = {0};
		assert_false(protocol_read(rows[i].protocol, arena, &request, text_of(rows[i].body), 0, &payload, &error));
		assert_int_equal(error.kind, ERROR_REMOTE);
	}
}

static void a_page_in_place_of_a_reply_is_told_by_its_looks(void **state)
{
	(void)state;
	static const enum model_protocol protocols[] = {PROTOCOL_OIP_REST, PROTOCOL_V1, PROTOCOL_MLFLOW, PROTOCOL_SELDON};
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		struct payload payload;
		struct error error = {0};
		assert_false(
			protocol_read(protocols[i], arena, &request, TEXT("\n <html>log in, please</html>"), 0, &payload, &error));
		assert_non_null(strstr(error.text, "HTML page"));
		assert_non_null(strstr(error.text, "check that the address is that of a model server"));
	}
}

static void a_servers_own_words_are_found(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"{\"error\":\"x is \\\"odd\\\"\"}", "x is \"odd\""},
		{"{\"error_code\":\"BAD_REQUEST\",\"message\":\"no column c\"}", "no column c"},
		{"{\"detail\":\"not found\"}", "not found"},
		{"{\"status\":{\"code\":400,\"info\":\"bad shape\",\"status\":\"FAILURE\"}}", "bad shape"},
		{"{\"error\":{\"code\":3}}", "{\"error\":{\"code\":3}}"},
		{"plain words", "plain words"},
		{"\r\n <html><h1>502 Bad Gateway</h1></html>",
		 "an HTML page or XML came instead of JSON; does a proxy answer for the model server?"},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_true(text_is(protocol_words(arena, text_of(rows[i][0])), rows[i][1]));
}

static void words_are_cut_between_characters_and_bytes_are_none(void **state)
{
	(void)state;
	char much[302];
	for (size_t i = 0; i < 300; i += 2)
		memcpy(much + 1 + i, "\xc3\xa4", 2); /* an umlaut, across the cut */
	much[0] = 'a';
	struct text words = protocol_words(arena, (struct text){much, 301});
	assert_int_equal(words.length, 199);
	assert_true(text_is_utf8(words));
	assert_int_equal(protocol_words(arena, TEXT("\x1f\x8b\x08\xff")).length, 0);
}

/* As Google's, Go's and Java's servers say it; by itself the status is that of a server with too much to do. */
static void a_message_that_a_server_finds_too_large_is_the_requests_fault(void **state)
{
	(void)state;
	static const char *const too_large[] = {
		"SERVER: Received message larger than max (5242910 vs. 4194304)",
		"Sent message larger than max (5242910 vs. 4194304)",
		"grpc: received message larger than max (5242910 vs. 4194304)",
		"gRPC message exceeds maximum size 4194304: 5242910",
	};
	for (size_t i = 0; i < sizeof too_large / sizeof *too_large; i++)
		assert_int_equal(protocol_http_status(8, text_of(too_large[i])), 413);
	assert_int_equal(protocol_http_status(8, TEXT("no capacity")), 429);
	assert_int_equal(protocol_http_status(8, TEXT("")), 429);
	assert_int_equal(protocol_http_status(14, text_of(too_large[0])), 503);
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, set_up, arena_end)

static void expect_id(enum model_protocol protocol, const char *body, size_t header_length, const char *id)
{
	struct text found = protocol_reply_id(protocol, arena, text_of(body), header_length);
	if (!id)
		assert_null(found.bytes);
	else if (!text_is(found, id))
		fail_msg("`" TEXT_FORMAT "` is not `%s`", TEXT_ARGUMENTS(found), id);
}

static void the_id_of_a_reply_is_found_wherever_its_protocol_has_it(void **state)
{
	(void)state;
	expect_id(PROTOCOL_OIP_REST, "{\"id\":\"a\",\"outputs\":[]}", 0, "a");
	expect_id(PROTOCOL_OIP_REST, " { \"outputs\": [{\"data\": [NaN], \"id\": \"b\"}], \"id\": \"\\u00e9\" } ", 0, "\u00e9");
	expect_id(PROTOCOL_OIP_REST, "{\"outputs\":[],\"id\":\"a\"}\x01\x02", 23, "a");
	expect_id(PROTOCOL_SELDON, "{\"data\":{\"puid\":\"b\"},\"meta\":{\"tags\":{},\"puid\":\"a\"}}", 0, "a");
	static const struct {
		enum model_protocol protocol;
		const char *body;
	} without[] = {
		{PROTOCOL_OIP_REST, ""},
		{PROTOCOL_OIP_REST, "<html>"},
		{PROTOCOL_OIP_REST, "[{\"id\":\"a\"}]"},
		{PROTOCOL_OIP_REST, "{\"id\":7}"},
		{PROTOCOL_OIP_REST, "{\"id\":\"a"},
		{PROTOCOL_OIP_REST, "{\"outputs\":[{\"id\":\"a\"}]}"},
		{PROTOCOL_OIP_REST, "{\"outputs\":[,\"id\":\"a\"}"},
		{PROTOCOL_OIP_REST, "{\"meta\":{\"puid\":\"a\"}}"},
		{PROTOCOL_SELDON, "{\"id\":\"a\",\"meta\":\"puid\"}"},
		{PROTOCOL_V1, "{\"id\":\"a\",\"predictions\":[1]}"},
		{PROTOCOL_MLFLOW, "{\"id\":\"a\",\"predictions\":[1]}"},
	};
	for (size_t i = 0; i < sizeof without / sizeof *without; i++)
		expect_id(without[i].protocol, without[i].body, 0, NULL);
}

/* As nearly all readers of JSON do. */
static void of_keys_that_occur_twice_in_a_reply_the_last_counts_once(void **state)
{
	(void)state;
	struct payload reply =
		read(PROTOCOL_OIP_REST, "{\"parameters\":{\"a\":1,\"b\":2,\"a\":3,\"a\":4},\"outputs\":[{\"name\":\"y\","
					"\"datatype\":\"FP32\",\"shape\":[1],\"data\":[5],\"parameters\":{\"c\":1},"
					"\"parameters\":{\"c\":7,\"c\":8}}]}");
	assert_int_equal(reply.parameters.count, 2);
	assert_int_equal(parameters_find(reply.parameters, TEXT("a"))->value.integer, 4);
	assert_int_equal(parameters_find(reply.parameters, TEXT("b"))->value.integer, 2);
	const struct parameters of_tensor = reply.tensors.items[0]->parameters;
	assert_int_equal(of_tensor.count, 1);
	assert_int_equal(parameters_find(of_tensor, TEXT("c"))->value.integer, 8);
	reply = read(PROTOCOL_V1, "{\"predictions\":[1],\"predictions\":[2]}");
	expect_number(&reply, "output-0", 0, 2);
	reply = read(PROTOCOL_SELDON,
		     "{\"meta\":{\"tags\":{},\"tags\":{}},\"data\":{},\"data\":{\"ndarray\":[1],\"ndarray\":[2]}}");
	expect_number(&reply, "data", 0, 2);
	reply = read(PROTOCOL_SELDON, "{\"data\":{\"tensor\":{\"shape\":[2],\"values\":[1],\"shape\":[1],\"values\":[2]}}}");
	expect_number(&reply, "data", 0, 2);
}

/* As many as go through a hash table. */
static void of_many_parameters_of_a_reply_each_is_kept_once(void **state)
{
	(void)state;
	struct buffer body;
	buffer_open(&body, 1 << 16);
	buffer_string(&body, "{\"outputs\":[],\"parameters\":{");
	for (int i = 0; i < 500; i++)
		buffer_print(&body, "\"p%d\":%d,", i % 300, i);
	buffer_string(&body, "\"last\":1}}");
	buffer_byte(&body, '\0');
	const struct payload reply = read(PROTOCOL_OIP_REST, body.bytes);
	assert_int_equal(reply.parameters.count, 301);
	assert_int_equal(parameters_find(reply.parameters, TEXT("p199"))->value.integer, 499);
	assert_int_equal(parameters_find(reply.parameters, TEXT("p200"))->value.integer, 200);
	buffer_close(&body);
}

static void add_bytes(const char *name, struct text bytes, bool marked)
{
	static const struct parameter mark = {.name = {"content_type", 12}, .type = PARAMETER_TEXT, .value.text = {"base64", 6}};
	struct error error = {0};
	void *elements;
	const int64_t shape[] = {1};
	struct tensor *tensor = tensor_make(arena, text_of(name), DATATYPE_BYTES, shape, 1, &elements, &error);
	struct tensors_builder tensors;
	*(struct text *)elements = bytes;
	tensor->parameters = marked ? (struct parameters){1, &mark} : (struct parameters){0};
	tensors_begin(&tensors, arena, request.tensors.count + 1);
	for (size_t i = 0; i < request.tensors.count; i++)
		tensors_add(&tensors, request.tensors.items[i]);
	tensors_add(&tensors, tensor);
	request.tensors = tensors_end(&tensors);
}

#define MARKED(name, data)                                                                                                         \
	"{\"name\":\"" name                                                                                                        \
	"\",\"datatype\":\"BYTES\",\"parameters\":{\"a\":1,\"content_type\":\"base64\"},\"shape\":[1],\"data\":[\"" data "\"]}"

/* And whether it still has its content type: it has one other parameter. */
static void expect_bytes(const struct payload *payload, const char *name, struct text bytes, bool marked)
{
	const struct tensor *tensor = tensors_find(payload->tensors, text_of(name));
	const struct text *element = tensor ? tensor->data : NULL;
	assert_non_null(tensor);
	if (!text_equal(*element, bytes))
		fail_msg("`" TEXT_FORMAT "` is not `" TEXT_FORMAT "`", TEXT_ARGUMENTS(*element), TEXT_ARGUMENTS(bytes));
	assert_int_equal(parameters_find(tensor->parameters, TEXT("content_type")) != NULL, marked);
	assert_non_null(parameters_find(tensor->parameters, TEXT("a")));
}

static void bytes_that_the_engine_encodes_come_back_as_bytes(void **state)
{
	(void)state;
	add_bytes("x", TEXT("\xff"), false);
	expect_sent(PROTOCOL_OIP_REST, "{\"id\":\"r-1\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"parameters\":{"
				       "\"content_type\":\"base64\"},\"shape\":[1],\"data\":[\"/w==\"]}]}");
	const struct payload reply = read(PROTOCOL_OIP_REST, "{\"outputs\":[" MARKED("x", "/w==") "," MARKED("y", "aGk=") "]}");
	expect_bytes(&reply, "x", TEXT("\xff"), false);
	expect_bytes(&reply, "y", TEXT("hi"), false);
}

static void bytes_that_a_model_encodes_are_decoded_unless_they_are_text(void **state)
{
	(void)state;
	add("x", DATATYPE_FP32, 1, 1, numbers);
	const struct payload reply = read(PROTOCOL_OIP_REST, "{\"outputs\":[" MARKED("x", "/w==") "," MARKED("y", "aGk=") "]}");
	expect_bytes(&reply, "x", TEXT("\xff"), false);
	expect_bytes(&reply, "y", TEXT("aGk="), true);
}

static void what_a_caller_encodes_and_what_is_answered_to_it_pass(void **state)
{
	(void)state;
	add_bytes("x", TEXT("//4="), true);
	struct payload reply = read(PROTOCOL_OIP_REST, "{\"outputs\":[" MARKED("x", "/w==") "," MARKED("y", "no base64") "]}");
	expect_bytes(&reply, "x", TEXT("/w=="), true);
	expect_bytes(&reply, "y", TEXT("no base64"), true);
	add_bytes("z", TEXT("\xff"), false); /* the engine encodes this one */
	reply = read(PROTOCOL_OIP_REST, "{\"outputs\":[" MARKED("x", "/w==") "," MARKED("z", "aGk=") "]}");
	expect_bytes(&reply, "x", TEXT("/w=="), true);
	expect_bytes(&reply, "z", TEXT("hi"), false);
}

static void bytes_that_are_no_base64_are_the_models_fault(void **state)
{
	(void)state;
	static const char *const wrong[] = {"/w=", "a b", "*", "\u00e9"};
	add_bytes("x", TEXT("\xff"), false);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct payload payload;
		struct error error = {0};
		const char *body =
			arena_print(arena,
				    "{\"outputs\":[{\"name\":\"out\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"%s\"],"
				    "\"parameters\":{\"content_type\":\"base64\"}}]}",
				    wrong[i]);
		assert_false(protocol_read(PROTOCOL_OIP_REST, arena, &request, text_of(body), 0, &payload, &error));
		assert_int_equal(error.kind, ERROR_REMOTE);
		assert_non_null(strstr(error.text, "the output out has the content_type base64, but is not base64"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(rows_of_one_tensor_are_instances_to_v1),
		SHOWS(rows_of_several_tensors_are_objects_to_v1),
		SHOWS(tensors_without_common_rows_are_columns_to_v1),
		SHOWS(one_tensor_is_inputs_to_mlflow_and_columns_are_a_table),
		SHOWS(numbers_and_names_go_to_seldon_and_come_back),
		SHOWS(the_same_request_is_read_back_from_grpc),
		SHOWS(outputs_are_asked_for_over_rest_and_grpc),
		SHOWS(the_id_of_a_reply_is_found_wherever_its_protocol_has_it),
		SHOWS(of_keys_that_occur_twice_in_a_reply_the_last_counts_once),
		SHOWS(of_many_parameters_of_a_reply_each_is_kept_once),
		SHOWS(a_reply_that_is_none_is_remote),
		SHOWS(a_page_in_place_of_a_reply_is_told_by_its_looks),
		SHOWS(a_servers_own_words_are_found),
		SHOWS(words_are_cut_between_characters_and_bytes_are_none),
		SHOWS(a_message_that_a_server_finds_too_large_is_the_requests_fault),
		SHOWS(bytes_that_the_engine_encodes_come_back_as_bytes),
		SHOWS(bytes_that_a_model_encodes_are_decoded_unless_they_are_text),
		SHOWS(what_a_caller_encodes_and_what_is_answered_to_it_pass),
		SHOWS(bytes_that_are_no_base64_are_the_models_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
