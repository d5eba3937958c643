/* survey_test.c: Tests of the metadata of models, for which servers are asked before an engine starts. The server
 * has a thread of its own, because the caller waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
#include "models/calls/survey.h"

#define METADATA \
	"{\"name\":\"m\",\"versions\":[],\"platform\":\"\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[-1,4]}]," \
	"\"outputs\":[{\"name\":\"y\",\"datatype\":\"INT64\",\"shape\":[-1]}]}"

struct stand {
	struct loop *loop;
	struct http_server *server;
	struct grpc_server *grpc;
	pthread_t thread;
	atomic_bool over;
	int port, grpc_port;
	struct arena *arena;
};

static void on_called(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context;
	(void)method;
	(void)body;
	if (text_is(path, "/v2/models/m"))
		http_server_answer(asked, 200, "application/json", TEXT(METADATA), NULL, 0);
	else if (text_is(path, "/v2/models/mute"))
		http_server_answer(asked, 200, "application/json", TEXT("{\"name\":\"mute\",\"inputs\":[],\"outputs\":[]}"), NULL,
				   0);
	else if (text_is(path, "/v2/models/mean"))
		http_server_answer(asked, 404, "text/plain", TEXT("no route"), NULL, 0);
	else if (text_is(path, "/v2/models/ill"))
		http_server_answer(asked, 503, "text/plain", TEXT("loading"), NULL, 0);
	else if (text_is(path, "/v2/models/odd"))
		http_server_answer(asked, 200, "application/json", TEXT("{\"inputs\":[{\"name\":\"x\"}]}"), NULL, 0);
	else
		http_server_answer(asked, 404, "application/json", TEXT("{\"error\":\"no such model\"}"), NULL, 0);
}

/* ModelMetadataResponse: name m; input x FP32 [-1,4], not packed; output y INT64 [-1], packed. */
static void on_grpc_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	static const char metadata[] = "\x0a\x01m"
				       "\x22\x16\x0a\x01x\x12\x04"
				       "FP32\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x18\x04"
				       "\x2a\x16\x0a\x01y\x12\x05"
				       "INT64\x1a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
	(void)context;
	bool known = text_is(path, "/inference.GRPCInferenceService/ModelMetadata") && text_is(body, "\x0a\x01m");
	grpc_server_answer(request, known ? 0 : 5, known ? TEXT("") : TEXT("no such model"),
			   (struct text){metadata, known ? sizeof metadata - 1 : 0});
}

static void *serve(void *context)
{
	struct stand *stand = context;
	while (!atomic_load(&stand->over))
		(void)loop_turn(stand->loop, 20, &(struct error){0});
	return NULL;
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	const struct http_server_config config = {.body_bytes = 4096, .connections = 16, .called = on_called};
	stand = (struct stand){.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	stand.server = http_server_open(stand.loop, &config, &error);
	const struct grpc_server_config grpc = {.message_bytes = 4096, .streams = 8, .connections = 8, .called = on_grpc_called};
	stand.grpc = grpc_server_open(stand.loop, &grpc, &error);
	assert_string_equal(error.text, "");
	stand.grpc_port = grpc_server_port(stand.grpc);
	stand.port = http_server_port(stand.server);
	assert_int_equal(pthread_create(&stand.thread, NULL, serve, &stand), 0);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	atomic_store(&stand->over, true);
	pthread_join(stand->thread, NULL);
	http_server_close(stand->server);
	grpc_server_close(stand->grpc);
	loop_close(stand->loop);
	arena_close(stand->arena);
	return 0;
}

static struct model_config at(struct stand *stand, const char *name, const char *scheme, int port)
{
	const char *url = arena_print(stand->arena, "%s://127.0.0.1:%d", scheme, port);
	return (struct model_config){.name = name, .addresses = addresses_read(url, name, true, stand->arena)};
}

static struct model_config at_server(struct stand *stand, const char *name, int port)
{
	return at(stand, name, "http", port);
}

static struct survey ask(struct stand *stand, const struct model_config *models, size_t count)
{
	const struct caller_config config = {.model_count = count, .models = models};
	struct survey survey;
	struct error error = {0};
	assert_true(survey_models(&config, 1, stand->arena, &survey, &error));
	assert_int_equal(survey.count, count);
	return survey;
}

static void expect_signature(struct stand *stand, const struct model_config *model)
{
	struct survey survey = ask(stand, model, 1);
	assert_null(survey.answers[0].words);
	assert_true(survey.answers[0].has_metadata);
	const struct model_signature *signature = metadata_find(&survey.metadata, "m");
	assert_int_equal(signature->inputs.count, 1);
	assert_int_equal(signature->inputs.items[0].type.datatype, DATATYPE_FP32);
	assert_int_equal(signature->inputs.items[0].type.shape[1], 4);
	assert_true(signature->outputs.complete);
	assert_true(text_is(signature->outputs.items[0].name, "y"));
}

static void a_server_says_what_its_model_takes_and_gives(void **state)
{
	struct stand *stand = *state;
	const struct model_config rest = at_server(stand, "m", stand->port), grpc = at(stand, "m", "grpc", stand->grpc_port);
	expect_signature(stand, &rest);
	expect_signature(stand, &grpc);
	const struct model_config unknown = at(stand, "n", "grpc", stand->grpc_port);
	struct survey survey = ask(stand, &unknown, 1);
	assert_string_equal(survey.answers[0].words, "status 404, no such model");
	assert_true(survey.answers[0].away);
}

static void a_server_that_lists_no_outputs_does_not_know(void **state)
{
	struct stand *stand = *state;
	const struct model_config model = at_server(stand, "mute", stand->port);
	struct survey survey = ask(stand, &model, 1);
	assert_false(metadata_find(&survey.metadata, "mute")->outputs.complete);
}

static void who_does_not_say_is_named_with_the_reason(void **state)
{
	struct stand *stand = *state;
	const struct model_config models[] = {at_server(stand, "unknown", stand->port), at_server(stand, "odd", stand->port),
					      at_server(stand, "away", 1), at_server(stand, "m", stand->port)};
	struct survey survey = ask(stand, models, 4);
	assert_string_equal(survey.answers[0].words, "status 404, no such model");
	assert_string_equal(survey.answers[1].words, "its metadata cannot be read");
	assert_non_null(strstr(survey.answers[2].words, "could not be reached"));
	assert_null(survey.answers[3].words);
	assert_int_equal(survey.metadata.count, 1);
}

static void a_model_is_away_when_a_call_of_it_would_fail(void **state)
{
	struct stand *stand = *state;
	const struct model_config models[] = {at_server(stand, "unknown", stand->port), at_server(stand, "odd", stand->port),
					      at_server(stand, "away", 1), at_server(stand, "m", stand->port),
					      at_server(stand, "mean", stand->port), at_server(stand, "ill", stand->port)};
	static const bool away[] = {true, false, true, false, false, true};
	struct survey survey = ask(stand, models, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(survey.answers[i].away, away[i]);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_server_says_what_its_model_takes_and_gives),
		STORY(a_server_that_lists_no_outputs_does_not_know),
		STORY(who_does_not_say_is_named_with_the_reason),
		STORY(a_model_is_away_when_a_call_of_it_would_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
