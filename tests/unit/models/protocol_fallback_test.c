/* A server that offers both protocols, one of which does not answer: over real sockets, and the
 * choice alone by a clock that is handed in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "message/formats/oip_protobuf.h"
#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
#include "models/calls/caller.h"
#include "models/calls/protocol_fallback.h"
#include "models/calls/survey.h"

#define NOWHERE 1 /* a port where nothing listens */
#define CALLS 40
#define SECOND_US 1000000

struct stand {
	struct loop *loop;
	struct arena *arena;
	struct http_server *rest;
	struct grpc_server *grpc;
	int grpc_status; /* of its answers */
	struct model_config model;
	struct caller_config config;
	struct caller *caller;
	struct message message;
	struct payload request;
	struct call calls[CALLS];
	size_t begun, answered, by_rest, by_grpc;
	size_t told;
	char words[200]; /* of the last telling; empty: by gRPC again */
};

static struct stand stand;

static void on_asked(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context;
	(void)method;
	(void)body;
	static const char reply[] =
		"{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[7]}]}";
	static const char metadata[] =
		"{\"name\":\"m\",\"inputs\":[],\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\"}]}";
	bool infer = text_is(path, "/v2/models/m/infer");
	stand.by_rest += infer;
	http_server_answer(asked, 200, "application/json", infer ? text_of(reply) : text_of(metadata), NULL, 0);
}

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context;
	(void)body;
	struct error error = {0};
	struct buffer out;
	if (!text_is(path, "/inference.GRPCInferenceService/ModelInfer") || stand.grpc_status) {
		grpc_server_answer(request, stand.grpc_status, TEXT("what is that"), (struct text){"\x08\x01", 2});
		return;
	}
	stand.by_grpc++;
	const struct message message = {.arena = stand.arena};
	const struct answer answer = {.payload = &stand.request};
	buffer_open(&out, 4096);
	assert_true(oip_protobuf_encode(&message, &answer, NULL, &out, &error));
	grpc_server_answer(request, 0, TEXT(""), buffer_view(&out));
	buffer_close(&out);
}

static void serve_grpc(int port)
{
	struct error error = {0};
	const struct grpc_server_config config = {
		.port = port, .message_bytes = 1 << 20, .streams = 100, .connections = 16, .called = on_called};
	stand.grpc = grpc_server_open(stand.loop, &config, &error);
	assert_string_equal(error.text, "");
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	(void)call;
	stand.answered++;
}

static void on_told(void *context, const char *model, const struct model_address *address, const char *words)
{
	(void)context;
	assert_string_equal(model, "m");
	assert_non_null(address->rest);
	stand.told++;
	snprintf(stand.words, sizeof stand.words, "%s", words ? words : "");
}

/* Both at 127.0.0.1, one after the other; 0: where its server is. */
static void offer(int grpc_port, int rest_port)
{
	const char *list = arena_print(stand.arena, "http://127.0.0.1:%d grpc://127.0.0.1:%d",
				       rest_port ? rest_port : http_server_port(stand.rest),
				       grpc_port ? grpc_port : grpc_server_port(stand.grpc));
	stand.model = (struct model_config){.name = "m", .addresses = addresses_read(list, "m", true, stand.arena)};
	assert_int_equal(stand.model.addresses.count, 1);
}

static int set_up(void **state)
{
	(void)state;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .arena = arena_open((size_t)16 << 20)};
	const struct http_server_config config = {.body_bytes = 4096, .connections = 64, .called = on_asked};
	stand.rest = http_server_open(stand.loop, &config, &error);
	assert_string_equal(error.text, "");
	serve_grpc(0);
	stand.config = (struct caller_config){.model_count = 1,
					      .models = &stand.model,
					      .request_bytes = 1 << 20,
					      .reply_bytes = 1 << 20,
					      .outage_deadletter = true, /* so that what is lost is seen */
					      .protocol_changed = on_told};
	stand.message = (struct message){.arena = stand.arena, .id = TEXT("r-1")};
	offer(0, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	caller_close(stand.caller);
	http_server_close(stand.rest);
	grpc_server_close(stand.grpc);
	loop_close(stand.loop);
	arena_close(stand.arena);
	return 0;
}

static void begin(size_t count)
{
	struct error error = {0};
	if (!stand.caller)
		stand.caller = caller_open(stand.loop, &stand.config, on_answered, NULL, &error);
	assert_string_equal(error.text, "");
	for (; count > 0; count--) {
		struct call *call = &stand.calls[stand.begun++];
		*call = (struct call){.name = "m", .request = &stand.request, .message = &stand.message};
		assert_true(caller_call(stand.caller, call, &error));
	}
}

static void expect_all_answered(void)
{
	for (int turns = 0; stand.answered < stand.begun; turns++) {
		assert_in_range(turns, 0, 5000);
		assert_true(loop_turn(stand.loop, 5000, &(struct error){0}));
	}
	for (size_t i = 0; i < stand.begun; i++)
		assert_string_equal(stand.calls[i].error.text, "");
}

static void a_server_that_offers_both_is_called_by_grpc(void **state)
{
	(void)state;
	begin(CALLS);
	expect_all_answered();
	assert_int_equal(stand.by_grpc, CALLS);
	assert_int_equal(stand.told, 0);
}

static void where_nothing_answers_by_grpc_calls_go_by_rest_and_none_is_lost(void **state)
{
	(void)state;
	offer(NOWHERE, 0);
	begin(CALLS);
	expect_all_answered();
	assert_int_equal(stand.by_rest, CALLS);
	assert_int_equal(stand.told, 1);
	assert_non_null(strstr(stand.words, "could not be reached"));
}

static void where_grpc_serves_something_else_calls_go_by_rest(void **state)
{
	(void)state;
	stand.grpc_status = 12; /* UNIMPLEMENTED */
	begin(CALLS);
	expect_all_answered();
	assert_int_equal(stand.by_rest, CALLS);
	assert_int_equal(stand.told, 1);
	assert_string_equal(stand.words, "what is that");
}

/* As gRPC's server ends while calls are on their way, and comes again. */
static void calls_change_their_way_with_the_server(void **state)
{
	(void)state;
	int port = grpc_server_port(stand.grpc);
	begin(4);
	expect_all_answered();
	grpc_server_close(stand.grpc);
	stand.grpc = NULL;
	begin(4);
	expect_all_answered();
	assert_int_equal(stand.by_rest, 4);
	serve_grpc(port);
	http_server_close(stand.rest);
	stand.rest = NULL;
	begin(4);
	expect_all_answered();
	assert_int_equal(stand.by_grpc, 8);
	assert_int_equal(stand.told, 2);
	assert_string_equal(stand.words, "");
}

static void where_neither_answers_the_model_is_away_and_nothing_is_said_of_ways(void **state)
{
	(void)state;
	offer(NOWHERE, NOWHERE + 1);
	begin(1);
	while (stand.answered < 1)
		assert_true(loop_turn(stand.loop, 5000, &(struct error){0}));
	assert_int_equal(stand.calls[0].error.kind, ERROR_REMOTE);
	assert_int_equal(stand.told, 0);
}

static void what_a_model_gives_is_asked_by_rest_too(void **state)
{
	(void)state;
	struct survey survey;
	struct error error = {0};
	offer(NOWHERE, 0);
	/* The survey waits in a loop of its own; the server's needs turns meanwhile: none here, so the words
	 * are those of REST's silence, not of gRPC's. */
	assert_true(survey_models(&stand.config, 1, stand.arena, &survey, &error));
	assert_non_null(strstr(survey.answers[0].words, "did not answer within"));
}

/* ---- the choice alone ---- */

static const struct model_address rest = {.protocol = PROTOCOL_OIP_REST, .host = "h:80", .base = "http://h", .url = "http://h/v2"};
static const struct model_address both = {.protocol = PROTOCOL_OIP_GRPC, .host = "h:8081", .rest = &rest};

static void grpc_is_asked_for_again_and_taken_back(void **state)
{
	(void)state;
	struct protocol_fallback way = {0};
	const char *words;
	struct attempt refused = {.end = ATTEMPT_REFUSED, .where = both.host, .words = TEXT("no")};
	struct attempt answered = {.status = 200, .where = rest.url};
	assert_false(protocol_fallback_to_ask(&way, 0));
	assert_true(protocol_fallback_turns(&way, &both, &refused, false, 0));
	assert_ptr_equal(protocol_fallback_address(&way, &both), &rest);
	assert_true(protocol_fallback_to_tell(&way, &both, &answered, &words));
	assert_string_equal(words, "no");
	assert_false(protocol_fallback_to_tell(&way, &both, &answered, &words));
	assert_false(protocol_fallback_to_ask(&way, SECOND_US));
	assert_true(protocol_fallback_to_ask(&way, 10 * SECOND_US));
	assert_false(protocol_fallback_to_ask(&way, 30 * SECOND_US)); /* while it is asked */
	protocol_fallback_answered(&way, &refused);
	assert_ptr_equal(protocol_fallback_address(&way, &both), &rest);
	assert_true(protocol_fallback_to_ask(&way, 30 * SECOND_US));
	answered.where = both.host;
	protocol_fallback_answered(&way, &answered);
	assert_ptr_equal(protocol_fallback_address(&way, &both), &both);
	assert_true(protocol_fallback_to_tell(&way, &both, &answered, &words));
	assert_null(words);
}

static void a_call_that_met_nobody_either_way_waits(void **state)
{
	(void)state;
	struct protocol_fallback way = {.by_rest = true};
	struct attempt refused = {.end = ATTEMPT_REFUSED, .where = rest.url};
	struct attempt lacking = {.status = 501, .where = both.host};
	assert_true(protocol_fallback_turns(&way, &both, &refused, false, 0));
	assert_false(protocol_fallback_turns(&way, &both, &lacking, true, 0));
	assert_int_equal(lacking.end, ATTEMPT_REFUSED);
}

static void what_rest_does_not_implement_is_told(void **state)
{
	(void)state;
	struct protocol_fallback way = {.by_rest = true};
	struct attempt lacking = {.status = 501, .where = rest.url};
	assert_false(protocol_fallback_turns(&way, &both, &lacking, false, 0));
	assert_true(way.by_rest);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_server_that_offers_both_is_called_by_grpc),
		STORY(where_nothing_answers_by_grpc_calls_go_by_rest_and_none_is_lost),
		STORY(where_grpc_serves_something_else_calls_go_by_rest),
		STORY(calls_change_their_way_with_the_server),
		STORY(where_neither_answers_the_model_is_away_and_nothing_is_said_of_ways),
		STORY(what_a_model_gives_is_asked_by_rest_too),
		cmocka_unit_test(grpc_is_asked_for_again_and_taken_back),
		cmocka_unit_test(a_call_that_met_nobody_either_way_waits),
		cmocka_unit_test(what_rest_does_not_implement_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
