/* caller_grpc_test.c: calls of a model by gRPC, with a door on the same loop that answers as a
 * test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "message/formats/oip_protobuf.h"
#include "net/grpc/grpc_server.h"
#include "tests/unit/payloads.h"
#include "models/calls/caller.h"

#define CALLS_MAX 200
#define SERVICE "/inference.GRPCInferenceService/"

struct stand {
	struct loop *loop;
	struct grpc_server *server;
	struct caller *caller;
	struct arena *arena;
	struct model_config model;
	struct caller_config config;
	struct message message;
	struct call calls[CALLS_MAX];
	size_t call_count, answered;
	/* The model: */
	size_t asked, rows_most;
	int status;	 /* of the next answers; 0: x + 10 by row */
	size_t failures; /* so often `status`, then well */
	const char *words;
	char trace[128]; /* of the last call, both headers, with a space between them */
	char port[32];
};

static struct stand stand;

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context;
	struct error error = {0};
	struct message message = {.arena = stand.arena};
	struct buffer out;
	if (text_is(path, SERVICE "ModelReady")) {
		grpc_server_answer(request, 0, TEXT(""), (struct text){"\x08\x01", 2});
		return;
	}
	assert_true(text_is(path, SERVICE "ModelInfer"));
	stand.asked++;
	const struct text parent = grpc_request_metadata(request, "traceparent", 0),
			  vendors = grpc_request_metadata(request, "tracestate", 0);
	snprintf(stand.trace, sizeof stand.trace, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGUMENTS(parent), TEXT_ARGUMENTS(vendors));
	if (stand.status && stand.failures > 0) {
		stand.failures--;
		grpc_server_answer(request, stand.status, text_of(stand.words), TEXT(""));
		return;
	}
	assert_true(oip_protobuf_decode(&message, body, NULL, &error));
	const struct tensor *x = message.payload.tensors.items[0];
	const int64_t shape[] = {x->shape[0]};
	void *elements;
	struct tensor *y = tensor_make(stand.arena, TEXT("y"), DATATYPE_FP32, shape, 1, &elements, &error);
	for (size_t i = 0; i < y->count; i++)
		((float *)elements)[i] = ((const float *)x->data)[i] + 10;
	stand.rows_most = y->count > stand.rows_most ? y->count : stand.rows_most;
	struct tensors_builder tensors;
	tensors_begin(&tensors, stand.arena, 1);
	tensors_add(&tensors, y);
	const struct payload payload = {.tensors = tensors_end(&tensors), .model_name = TEXT("served")};
	const struct answer answer = {.payload = &payload};
	buffer_open(&out, 1 << 20);
	assert_true(oip_protobuf_encode(&message, &answer, NULL, &out, &error));
	grpc_server_answer(request, 0, TEXT(""), buffer_view(&out));
	buffer_close(&out);
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	(void)call;
	stand.answered++;
}

static void serve(int port)
{
	struct error error = {0};
	const struct grpc_server_config config = {
		.port = port, .message_bytes = 1 << 20, .metadata_bytes = 4096, .streams = 100, .connections = 16,
		.called = on_called};
	stand.server = grpc_server_open(stand.loop, &config, &error);
	assert_string_equal(error.text, "");
}

static int set_up(void **state)
{
	(void)state;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .arena = arena_open((size_t)16 << 20)};
	serve(0);
	snprintf(stand.port, sizeof stand.port, "grpc://127.0.0.1:%d", grpc_server_port(stand.server));
	stand.model = (struct model_config){.name = "m", .addresses = addresses_read(stand.port, "m", false, stand.arena)};
	stand.config =
		(struct caller_config){.model_count = 1, .models = &stand.model, .request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	stand.message = (struct message){.arena = stand.arena, .id = TEXT("r-1")};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	caller_close(stand.caller);
	grpc_server_close(stand.server);
	loop_close(stand.loop);
	arena_close(stand.arena);
	return 0;
}

static struct call *begin_of(float number, const struct message *message)
{
	struct error error = {0};
	struct call *call = &stand.calls[stand.call_count++];
	*call = (struct call){.name = "m", .request = payload_of_number(stand.arena, "x", number), .message = message};
	if (!stand.caller)
		stand.caller = caller_open(stand.loop, &stand.config, on_answered, NULL, &error);
	assert_true(caller_call(stand.caller, call, &error));
	return call;
}

static struct call *begin(float number)
{
	return begin_of(number, &stand.message);
}

static void turn_until_answered(size_t count)
{
	for (int turns = 0; stand.answered < count; turns++) {
		assert_in_range(turns, 0, 5000);
		assert_true(loop_turn(stand.loop, 5000, &(struct error){0}));
	}
}

static float said(const struct call *call)
{
	assert_string_equal(call->error.text, "");
	return *(const float *)call->reply->tensors.items[0]->data;
}

static void many_calls_are_answered_each_with_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < CALLS_MAX; i++)
		begin((float)i);
	turn_until_answered(CALLS_MAX);
	for (int i = 0; i < CALLS_MAX; i++)
		assert_float_equal(said(&stand.calls[i]), i + 10, 0);
	assert_true(text_is(stand.calls[0].reply->model_name, "served"));
}

static void merged_calls_come_back_apart(void **state)
{
	(void)state;
	stand.model.batching = (struct model_batching){.rows_most = 32, .latency_ms = 20};
	for (int i = 0; i < CALLS_MAX; i++)
		begin((float)i);
	turn_until_answered(CALLS_MAX);
	for (int i = 0; i < CALLS_MAX; i++)
		assert_float_equal(said(&stand.calls[i]), i + 10, 0);
	assert_int_equal(stand.rows_most, 32);
	assert_in_range(stand.asked, CALLS_MAX / 32, CALLS_MAX / 8);
}

#define TRACE_PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define OTHER_PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

#define CONSTANT(literal) {(literal), sizeof(literal) - 1}

static const struct header traced[] = {{CONSTANT("traceparent"), CONSTANT(TRACE_PARENT)},
				       {CONSTANT("tracestate"), CONSTANT("a=1")}};
static const struct header other_traced[] = {{CONSTANT("traceparent"), CONSTANT(OTHER_PARENT)}};

static void the_trace_of_a_request_goes_along(void **state)
{
	(void)state;
	begin(1);
	turn_until_answered(1);
	assert_string_equal(stand.trace, " ");
	stand.message.headers = (struct headers){2, traced};
	begin(2);
	turn_until_answered(2);
	assert_string_equal(stand.trace, TRACE_PARENT " a=1");
	stand.message.headers = (struct headers){1, other_traced};
	begin(3);
	turn_until_answered(3);
	assert_string_equal(stand.trace, OTHER_PARENT " ");
}

static void a_merged_call_is_in_the_trace_of_its_first_member_that_has_one(void **state)
{
	struct message first = stand.message, second = stand.message;
	(void)state;
	stand.model.batching = (struct model_batching){.rows_most = 3, .latency_ms = 1000};
	first.headers = (struct headers){2, traced};
	second.headers = (struct headers){1, other_traced};
	begin(1);
	begin_of(2, &first);
	begin_of(3, &second);
	turn_until_answered(3);
	assert_int_equal(stand.asked, 1);
	assert_string_equal(stand.trace, TRACE_PARENT " a=1");
}

static void a_status_says_whose_fault_it_was(void **state)
{
	(void)state;
	static const struct {
		int status;
		enum error_kind kind;
		size_t asked;
	} rows[] = {{3, ERROR_INPUT, 1}, {9, ERROR_INPUT, 1}, {12, ERROR_REMOTE, 1}, {13, ERROR_REMOTE, 3}, {14, ERROR_REMOTE, 3}};
	stand.words = "x is odd";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		stand.status = rows[i].status;
		stand.failures = SIZE_MAX;
		stand.asked = stand.answered = 0;
		struct call *call = begin(1);
		turn_until_answered(1);
		assert_int_equal(call->error.kind, rows[i].kind);
		assert_non_null(strstr(call->error.text, "m : x is odd (status "));
		assert_non_null(strstr(call->error.text, "127.0.0.1:"));
		assert_int_equal(stand.asked, rows[i].asked);
		caller_close(stand.caller);
		stand.caller = NULL;
	}
}

static void a_server_that_is_busy_for_a_moment_is_asked_again(void **state)
{
	(void)state;
	stand.status = 14;
	stand.words = "";
	stand.failures = 2;
	struct call *call = begin(1);
	turn_until_answered(1);
	assert_float_equal(said(call), 11, 0);
	assert_int_equal(call->attempts, 3);
}

static void a_server_that_restarts_costs_no_call(void **state)
{
	(void)state;
	int port = grpc_server_port(stand.server);
	begin(0);
	turn_until_answered(1);
	for (int i = 1; i < 50; i++)
		begin((float)i);
	grpc_server_close(stand.server); /* in the middle of them */
	stand.server = NULL;
	int64_t until_ms = loop_now_ms(stand.loop) + 600;
	while (loop_now_ms(stand.loop) < until_ms)
		assert_true(loop_turn(stand.loop, 10, &(struct error){0}));
	serve(port);
	turn_until_answered(50);
	for (int i = 0; i < 50; i++)
		assert_float_equal(said(&stand.calls[i]), i + 10, 0);
}

static void what_is_forgotten_is_not_answered(void **state)
{
	(void)state;
	struct call *first = begin(1);
	begin(2);
	caller_forget(stand.caller, first);
	turn_until_answered(1);
	for (int i = 0; i < 10; i++)
		assert_true(loop_turn(stand.loop, 5, &(struct error){0}));
	assert_int_equal(stand.answered, 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(many_calls_are_answered_each_with_its_own), STORY(merged_calls_come_back_apart),
		STORY(the_trace_of_a_request_goes_along),
		STORY(a_merged_call_is_in_the_trace_of_its_first_member_that_has_one),
		STORY(a_status_says_whose_fault_it_was),	  STORY(a_server_that_is_busy_for_a_moment_is_asked_again),
		STORY(a_server_that_restarts_costs_no_call),	  STORY(what_is_forgotten_is_not_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
