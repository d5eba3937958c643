/* gateway_head_test.c: Tests of what a gateway answers by the head of a request, at one port for HTTP and gRPC: before a body
 * comes, and without memory for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/calls/answer_watches.h"
#include "gateway/grpc_front.h"
#include "gateway/rest.h"
#include "tests/unit/guest.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/puppet.h"

#define API_KEY "correct-horse-battery-staple"
#define KEY "X-Api-Key: " API_KEY "\r\n"
#define AWAITS "Host: x\r\n" KEY "Content-Length: 900000\r\nExpect: 100-continue\r\n\r\n"
#define BODY_BYTES ((size_t)1 << 20)
#define PIPELINE(name)                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"                                \
	"  steps:\n  - {name: s, expression: {set: {x: x}}}\n  output: {steps: [s]}\n"

struct head_stand {
	struct mock mock;
	struct planning planning;
	struct plan plan;
	struct gateway_config config;
	struct gateway_targets targets;
	struct rest rest;
	struct body_budget bodies;
	struct http_server *http;
	struct grpc_front *grpc;
	struct puppet puppet;
	char keys[64];
};

static void keys_write(struct head_stand *stand)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	(void)snprintf(stand->keys, sizeof stand->keys, "/tmp/sluice-head-%d", (int)getpid());
	SHA256((const unsigned char *)API_KEY, strlen(API_KEY), digest);
	FILE *file = fopen(stand->keys, "w");
	assert_non_null(file);
	fputs("me:", file);
	for (size_t i = 0; i < sizeof digest; i++)
		(void)fprintf(file, "%02x", digest[i]);
	fputs("\n", file);
	assert_int_equal(fclose(file), 0);
}

static void servers_open(struct head_stand *stand)
{
	struct error error = {0};
	struct rest *rest = &stand->rest;
	const struct http_server_config http = {.adopts = true,
						.body_bytes = BODY_BYTES,
						.bodies = &stand->bodies,
						.connections = 8,
						.admits = rest_admits,
						.called = rest_called_admitted,
						.refused = rest_server_refused,
						.context = rest};
	stand->http = http_server_open(rest->loop, &http, &error);
	assert_string_equal(error.text, "");
	const struct grpc_front_config grpc = {.gateway = &stand->config,
					       .targets = &stand->targets,
					       .calls = rest->calls,
					       .access = &rest->access,
					       .bodies = &stand->bodies,
					       .http = stand->http,
					       .message_bytes = BODY_BYTES,
					       .connections = 8};
	stand->grpc = grpc_front_open(rest->loop, &grpc, &error);
	assert_string_equal(error.text, "");
}

static int head_stand_open(void **state)
{
	static struct head_stand stand;
	struct rest *rest = &stand.rest;
	struct error error = {0};
	memset(&stand, 0, sizeof stand);
	mock_open(&stand.mock);
	rd_kafka_mock_topic_create(stand.mock.cluster, "sluice.default.replies", 1, 1);
	planning_open(&stand.planning, PIPELINE("a") "---\n" PIPELINE("b"));
	planning_plan(&stand.planning, NULL, &stand.plan);
	assert_true(gateway_targets_make(&stand.plan, NULL, stand.planning.arena, &stand.targets, &error));
	stand.targets.items[0].request_bytes = BODY_BYTES;
	keys_write(&stand);
	const struct access_settings access = {.api_keys = stand.keys};
	const struct calls_config calls = {
		.brokers = stand.mock.brokers, .consumer = mock_quick, .producer = mock_quick, .message_bytes = BODY_BYTES,
		.queue_bytes = (size_t)16 << 20};
	*rest = (struct rest){.config = &stand.config, .targets = &stand.targets, .loop = loop_open(&error)};
	rest->arena = arena_open(BODY_BYTES);
	buffer_open(&rest->body, BODY_BYTES);
	rest->access = access_open(rest->loop, &access, &error);
	assert_string_equal(error.text, "");
	rest->calls = calls_open(rest->loop, &calls, &stand.targets, &error);
	assert_string_equal(error.text, "");
	stand.bodies.limit_bytes = 4 * BODY_BYTES;
	servers_open(&stand);
	stand.puppet.loop = rest->loop;
	*state = &stand;
	return 0;
}

static int head_stand_close(void **state)
{
	struct head_stand *stand = *state;
	puppet_hang_up_all(&stand->puppet);
	http_server_close(stand->http);
	grpc_front_close(stand->grpc);
	calls_close(stand->rest.calls);
	access_close(stand->rest.access);
	loop_close(stand->rest.loop);
	buffer_close(&stand->rest.body);
	arena_close(stand->rest.arena);
	planning_close(&stand->planning);
	mock_close(&stand->mock);
	unlink(stand->keys);
	return 0;
}

static void a_head_is_refused_before_its_body_comes(void **state)
{
	static const struct {
		const char *line, *more, *status, *words;
	} rows[] = {
		{"POST /nothing", "", "404", "there is nothing at this path"},
		{"POST /v2/health/live", "", "405", "Allow: GET, HEAD, OPTIONS\r\n"},
		{"DELETE /v2/models/a/infer", KEY, "405", "Allow: POST, OPTIONS\r\n"},
		{"GET /v1/models/a:predict", KEY, "405", "Allow: POST, OPTIONS\r\n"},
		{"GET /v2/health/live", "", "413",
		 "longer than 1024 bytes, which is the most that is taken here; send this request without"},
		{"GET /v2/models/a", KEY, "413", "longer than 1024 bytes"},
		{"POST /v2/models/a/infer", "", "401", "An API key is required"},
		{"POST /v2/models/absent/infer", KEY, "404", "there is no model or pipeline `absent`"},
		{"POST /v2/models/absent/infer", "", "401", "An API key is required"},
		{"POST /v2/models/absent/feedback", KEY, "404", "there is no model or pipeline `absent`"},
	};
	struct head_stand *stand = *state;
	char head[512];
	for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
		const size_t row = i / 2;
		struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
		(void)snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: x\r\n%s%s\r\n", rows[row].line, rows[row].more,
			       i % 2 ? "Content-Length: 900000\r\nExpect: 100-continue\r\n" : "Transfer-Encoding: chunked\r\n");
		guest_say(&caller, head);
		if (i % 2 == 0)
			guest_say(&caller, "40000\r\n");
		const char *reply = guest_hear(&caller, "\"}");
		if (!reply || strncmp(reply, "HTTP/1.1 ", 9) != 0 || strncmp(reply + 9, rows[row].status, 3) != 0 ||
		    !strstr(reply, rows[row].words))
			fail_msg("%s: %s", head, reply);
		assert_int_equal(stand->bodies.used_bytes, 0);
		guest_close(&caller);
	}
}

static void a_short_body_without_use_is_taken(void **state)
{
	struct head_stand *stand = *state;
	struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
	assert_non_null(
		guest_ask(&caller, "GET /v2/health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "{\"live\":true}"));
	guest_close(&caller);
}

static void a_header_that_steers_has_one_value(void **state)
{
	static const char *const names[] = {
		"idempotency-key", "x-deadline-ms", "x-timeout-ms", "content-type", "Inference-Header-Content-Length",
		"seldon-model",	   "x-request-id",  "sluice-key"};
	struct head_stand *stand = *state;
	char head[512], words[100];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
		(void)snprintf(head, sizeof head,
			       "POST /v2/models/a/infer HTTP/1.1\r\nHost: x\r\n" KEY "%s: a\r\n%s: a\r\n%s: b\r\n"
			       "Content-Length: 900000\r\nExpect: 100-continue\r\n\r\n",
			       names[i], names[i], names[i]);
		(void)snprintf(words, sizeof words, "is there twice, as \\\"a\\\" and \\\"b\\\"");
		const char *reply = guest_ask(&caller, head, "\"}");
		if (!reply || strncmp(reply, "HTTP/1.1 400", 12) != 0 || !strstr(reply, words) || !strcasestr(reply, names[i]))
			fail_msg("%s: %s", names[i], reply);
		guest_close(&caller);
		(void)snprintf(head, sizeof head,
			       "POST /v2/models/a/infer HTTP/1.1\r\nHost: x\r\n" KEY "%s: a\r\n%s: a\r\n"
			       "Content-Length: 900000\r\nExpect: 100-continue\r\n\r\n",
			       names[i], names[i]);
		caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
		reply = guest_ask(&caller, head, "\r\n\r\n");
		assert_non_null(reply);
		if (!strstr(names[i], "model")) /* none is called `a.a` */
			assert_memory_equal(reply, "HTTP/1.1 100", 12);
		guest_close(&caller);
	}
}

/* What one request gets. */
static void assert_answer(struct head_stand *stand, const char *head, const char *status, const char *words)
{
	struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
	const char *end = strcmp(status, "204") == 0 ? "\r\n\r\n" : status[0] == '2' ? "]}" : "\"}";
	const char *reply = guest_ask(&caller, head, end);
	if (!reply || strncmp(reply, "HTTP/1.1 ", 9) != 0 || strncmp(reply + 9, status, 3) != 0 || !strstr(reply, words))
		fail_msg("%s: %s", head, reply);
	guest_close(&caller);
}

/* One would decide alone where a request is routed. */
static void a_header_that_routes_has_one_value(void **state)
{
	static const struct name read[] = {{.text = "X-Color"}};
	struct head_stand *stand = *state;
	stand->targets.read = (struct name_list){1, read};
	assert_answer(stand, "POST /v2/models/a/infer HTTP/1.1\r\nx-color: red\r\nx-color: blue\r\n" AWAITS, "400",
		      "the header X-Color is there twice, as \\\"red\\\" and \\\"blue\\\"");
	assert_answer(
		stand,
		"POST /v2/models/a/infer HTTP/1.1\r\nx-color: red\r\nX-COLOR: red\r\nx-colors: blue\r\nx-color: blue\r\n" AWAITS,
		"400", "the header X-Color is there twice, as \\\"red\\\" and \\\"blue\\\"");
	assert_answer(stand, "POST /v2/models/none/infer HTTP/1.1\r\nx-color: red\r\nx-color: red\r\nx-colors: blue\r\n" AWAITS,
		      "404", "there is no model or pipeline `none`");
}

/* It asks about the server, with or without a credential. */
static void options_of_the_server_are_answered(void **state)
{
	struct head_stand *stand = *state;
	struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
	const char *reply = guest_ask(&caller, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
	assert_non_null(reply);
	assert_memory_equal(reply, "HTTP/1.1 204", 12);
	const char *allow = strstr(reply, "\r\nAllow: ");
	assert_non_null(allow);
	for (const struct gateway_route *route = rest_routes; route->method; route++)
		assert_non_null(strstr(allow, route->method));
	assert_non_null(strstr(allow, "HEAD"));
	assert_non_null(strstr(allow, ", OPTIONS\r\n"));
	reply = guest_ask(&caller, "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n", "{\"live\":true}"); /* it is kept */
	assert_non_null(reply);
	guest_close(&caller);
}

/* The methods of the table, and no others. Neither a target of that name nor a credential is needed. */
static void options_of_a_path_are_answered(void **state)
{
	static const char *const rows[][2] = {{"/v2/health/live", "GET, HEAD, OPTIONS"},
					      {"/v2/models/a/infer", "POST, OPTIONS"},
					      {"/v2/models/absent/infer/", "POST, OPTIONS"},
					      {"/v2/models/a/requests/1", "GET, HEAD, DELETE, OPTIONS"},
					      {"/seldon/default/a/v1/models/a:predict", "POST, OPTIONS"},
					      {"/v1/models/a", "GET, HEAD, OPTIONS"},
					      {"/v1/models/a:nothing", NULL},
					      {"/nothing", NULL}};
	struct head_stand *stand = *state;
	struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
	char words[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(words, sizeof words, "OPTIONS %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i][0]);
		const char *reply = guest_ask(&caller, words, rows[i][1] ? "\r\n\r\n" : "\"}");
		(void)snprintf(words, sizeof words, "\r\nAllow: %s\r\n", rows[i][1] ? rows[i][1] : "");
		if (!reply || strncmp(reply, rows[i][1] ? "HTTP/1.1 204" : "HTTP/1.1 404", 12) != 0 ||
		    (strstr(reply, words) != NULL) != (rows[i][1] != NULL))
			fail_msg("%s: %s", rows[i][0], reply);
	}
	guest_close(&caller);
}

static void forms_of_many_parts_are_told_what_to_send(void **state)
{
	struct head_stand *stand = *state;
	assert_answer(stand,
		      "POST /seldon/default/a/api/v1.0/predictions HTTP/1.1\r\nHost: x\r\n" KEY
		      "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 7\r\n\r\n--b--\r\n",
		      "415", "`binData`, encoded in base64");
}

/* The name is another's when the body comes: that is seen by the revision alone. */
static void a_target_is_looked_for_once(void **state)
{
	struct head_stand *stand = *state;
	for (int reloads = 0; reloads < 2; reloads++) {
		struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
		const char *reply = guest_ask(&caller,
					      "POST /v2/models/a/infer HTTP/1.1\r\nHost: x\r\n" KEY
					      "Content-Type: text/html\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
					      "\r\n\r\n");
		assert_non_null(reply);
		assert_memory_equal(reply, "HTTP/1.1 100", 12);
		stand->targets.items[0].name = "c";
		stand->rest.revision += (uint64_t)reloads;
		reply = guest_ask(&caller, "{}", "\"}");
		assert_non_null(reply);
		assert_memory_equal(reply, reloads ? "HTTP/1.1 404" : "HTTP/1.1 415", 12);
		stand->targets.items[0].name = "a";
		guest_close(&caller);
	}
}

static void a_path_that_cannot_be_decoded_names_its_fault(void **state)
{
	static const char *const rows[][2] = {{"/v2/models/a%2fb", "the path holds `%2F`"},
					      {"/v2/models/a%00b", "the path holds `%00`"},
					      {"/v2/models/a%0", "the path holds a `%` without two hexadecimal digits after it"},
					      {"/v2/models/a%zz", "the path holds a `%` without two hexadecimal digits after it"}};
	char head[128];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", rows[i][0]);
		assert_answer(*state, head, "400", rows[i][1]);
	}
}

/* Not where access is controlled: a caller need not know the names of others. */
static void a_name_near_to_one_that_is_there_is_suggested(void **state)
{
	struct head_stand *stand = *state;
	struct access *access = stand->rest.access;
	stand->targets.items[0].name = "scores";
	assert_answer(stand, "GET /v2/pipelines/score HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "404",
		      "there is no pipeline `score` among the files of this gateway\"");
	stand->rest.access = NULL;
	assert_answer(stand, "GET /v2/pipelines/score HTTP/1.1\r\nHost: x\r\n\r\n", "404",
		      "there is no pipeline `score` among the files of this gateway; did you mean `scores`?");
	assert_answer(stand, "GET /v2/pipelines/other HTTP/1.1\r\nHost: x\r\n\r\n", "404",
		      "there is no pipeline `other` among the files of this gateway\"");
	stand->targets.items[0].namespace = "default";
	assert_answer(stand, "GET /seldon/other/scores/v2/models/x HTTP/1.1\r\nHost: x\r\n\r\n", "404",
		      "there is no model or pipeline `scores` in namespace other: this gateway serves namespace default\"");
	assert_answer(stand, "GET /seldon/other/score/v2/models/x HTTP/1.1\r\nHost: x\r\n\r\n", "404",
		      "there is no model or pipeline `score` in namespace other: this gateway serves namespace default\"");
	assert_answer(stand, "GET /seldon/default/score/v2/models/x HTTP/1.1\r\nHost: x\r\n\r\n", "404",
		      "`score` in namespace default among the files of this gateway; did you mean `scores`?");
	stand->rest.access = access;
	assert_answer(stand, "GET /seldon/other/scores/v2/models/x HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "404",
		      "there is no model or pipeline `scores` in namespace other among the files of this gateway\"");
}

/* As other servers of the protocol answer: version 1 is there, and no other. */
static void a_version_that_is_not_there_is_refused(void **state)
{
	struct head_stand *stand = *state;
	assert_answer(stand, "POST /v2/models/a/versions/7/infer HTTP/1.1\r\n" AWAITS, "404",
		      "there is no version `7` of `a` here; name version 1, or none");
	assert_answer(stand, "GET /v2/models/a/versions/7 HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "404", "no version `7`");
	assert_answer(stand, "GET /v2/models/a/versions/7/ready HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "404", "no version `7`");
	assert_answer(stand, "GET /v2/models/a/versions/1 HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "200", "\"versions\":[\"1\"]");
	stand->targets.items[0].version = 7;
	assert_answer(stand, "GET /v2/models/a/versions/7 HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "200", "\"versions\":[\"7\"]");
}

/* ---- explanations ---- */

/* Nothing of it is sent to Kafka, and its body is not waited for. */
static void what_has_no_step_that_explains_is_not_asked_for_explanations(void **state)
{
	static const char *const paths[] = {"/v2/models/a/explain",
					    "/v2/pipelines/a/explain",
					    "/v1/models/a:explain",
					    "/seldon/default/a/api/v1.0/explanations",
					    "/seldon/default/a/api/v1.0/explain",
					    "/seldon/default/a-explainer/main/api/v1.0/explain"};
	struct head_stand *stand = *state;
	char head[512];
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		(void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\n" AWAITS, paths[i]);
		assert_answer(stand, head, "400", "pipeline a has no step of kind `explain`");
	}
	stand->targets.items[0].explanations = "explanations";
	struct guest caller = guest_open(stand->rest.loop, grpc_front_port(stand->grpc));
	const char *reply = guest_ask(&caller, "POST /v2/models/a/explain HTTP/1.1\r\n" AWAITS, "\r\n\r\n");
	assert_non_null(reply);
	assert_memory_equal(reply, "HTTP/1.1 100", 12);
	guest_close(&caller);
}

/* A model of a deployment has a name of its own: that of the prefix is the deployment's. */
static void a_path_does_not_name_two_pipelines(void **state)
{
	struct head_stand *stand = *state;
	assert_answer(stand, "POST /seldon/default/a/v2/pipelines/b/infer HTTP/1.1\r\n" AWAITS, "404",
		      "the path names pipeline b behind /seldon/default/a, which is of a");
	assert_answer(stand, "GET /seldon/default/a/v2/pipelines/b/ready HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "404",
		      "names pipeline b");
	assert_answer(stand, "GET /seldon/default/a/v2/pipelines/a HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "200", "\"name\":\"a\"");
	assert_answer(stand, "GET /seldon/default/a/v2/models/b HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", "200", "\"name\":\"a\"");
}

/* ---- watches ---- */

#define WATCHED "0-0-1700000000000-1-00112233445566778899aabbccddeeff"

/* A browser connects again after each end of a stream, and says which event it had last. A 204 ends that (WHATWG HTML, 9.2). */
static void a_reader_that_had_the_last_event_is_told_to_stop(void **state)
{
	struct head_stand *stand = *state;
	assert_answer(stand,
		      "GET /v2/pipelines/a/requests/" WATCHED "/watch HTTP/1.1\r\nHost: x\r\n" KEY "Last-Event-ID: " WATCHED
		      "\r\n\r\n",
		      "204", "");
	assert_answer(stand,
		      "GET /v2/pipelines/a/watch?request=" WATCHED " HTTP/1.1\r\nHost: x\r\n" KEY "last-event-id: " WATCHED
		      "\r\n\r\n",
		      "204", "");
	assert_answer(stand, "GET /v2/pipelines/a/requests/1/watch HTTP/1.1\r\nHost: x\r\n" KEY "Last-Event-ID: 1\r\n\r\n", "404",
		      "");
}

/* Any character of a value may be encoded (RFC 3986, 2.1). */
static void the_id_in_a_query_may_be_percent_encoded(void **state)
{
	struct head_stand *stand = *state;
	assert_answer(stand,
		      "GET /v2/pipelines/a/watch?request=0%2D0%2d1700000000000%2D1%2D%30%30112233445566778899aabbccddeef%66"
		      " HTTP/1.1\r\nHost: x\r\n" KEY "Last-Event-ID: " WATCHED "\r\n\r\n",
		      "204", "");
	static const char *const bad[] = {"%", "0%2", "0%2x", "%g0"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char head[256];
		(void)snprintf(head, sizeof head, "GET /v2/pipelines/a/watch?request=%s HTTP/1.1\r\nHost: x\r\n" KEY "\r\n",
			       bad[i]);
		assert_answer(stand, head, "400", "write `%25` for a `%`");
	}
}

static bool on_search(void *context, const struct poll_request *request)
{
	(void)context, (void)request;
	return true; /* it does not end */
}

static void a_watch_beyond_the_most_is_refused_by_a_limit(void **state)
{
	struct head_stand *stand = *state;
	struct error error = {0};
	const struct answer_watches_config config = {.search = on_search};
	const struct answer_watch_request watched = {.inputs = "in", .outputs = "out"};
	stand->rest.watches = answer_watches_open(stand->rest.loop, &config, &error);
	assert_non_null(stand->rest.watches);
	for (size_t i = 0; i < WATCHES_MAX; i++)
		assert_int_equal(answer_watches_begin(stand->rest.watches, &watched), WATCH_STARTED);
	assert_answer(stand,
		      "GET /v2/pipelines/a/requests/" WATCHED "/watch HTTP/1.1\r\n"
		      "Host: x\r\n" KEY "\r\n",
		      "503", "\"kind\":\"LIMIT\"");
	assert_answer(stand, /* it had the last event of another watch */
		      "GET /v2/pipelines/a/requests/" WATCHED "/watch HTTP/1.1\r\nHost: x\r\n" KEY "Last-Event-ID: 0-0\r\n\r\n",
		      "503", "\"kind\":\"LIMIT\"");
	answer_watches_close(stand->rest.watches);
}

/* ---- gRPC ---- */

#define INFER "/inference.GRPCInferenceService/ModelInfer"
#define HEAD(path) ":method", "POST", ":scheme", "http", ":path", path, ":authority", "us", "content-type", "application/grpc"
#define HTTP_HEAD(path) ":method", "GET", ":scheme", "http", ":path", path, ":authority", "us"

static void await_heard(struct head_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->rest.loop) + MOCK_WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->rest.loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		assert_true(loop_turn(stand->rest.loop, 20, &(struct error){0}));
	}
}

static void a_call_is_refused_at_its_headers(void **state)
{
	struct head_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
	puppet_headers(line, 1, 0, HEAD(INFER), NULL);
	await_heard(stand, "1 grpc-status: 16\n");
	puppet_headers(line, 3, 0, HEAD("/inference.GRPCInferenceService/ModelStreamInfer"), NULL);
	await_heard(stand, "3 grpc-status: 16\n");
	puppet_headers(line, 5, 0, HEAD("/inference.GRPCInferenceService/Nothing"), NULL);
	await_heard(stand, "5 grpc-status: 12\n");
	puppet_headers(line, 7, 0, HEAD(INFER), "x-api-key", API_KEY, "seldon-model", "absent", NULL);
	await_heard(stand, "7 grpc-status: 5\n");
	puppet_headers(line, 9, 0, HEAD(INFER), "x-api-key", API_KEY, "idempotency-key", "a", "idempotency-key", "b", NULL);
	await_heard(stand, "9 grpc-status: 3\n");
	await_heard(stand, "9 grpc-message: the header idempotency-key is there twice");
	puppet_headers(line, 11, 0, HEAD("/grpc.health.v1.Health/Check"), NULL);
	puppet_frame(line, FRAME_DATA, 0, 11, "\0\0\0\4\1", 5); /* of 1,025 bytes */
	await_heard(stand, "11 grpc-status: 8\n");
	puppet_headers(line, 13, 0, HEAD("/inference.GRPCInferenceService/ServerLive"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 13, "\0\0\0\0\0", 5);
	await_heard(stand, "13 grpc-status: 0\n");
}

/* REST has both names in the path. */
static void metadata_that_name_a_deployment_have_one_value(void **state)
{
	static const struct {
		const char *name, *first, *second, *status, *words;
	} pairs[] = {
		{"seldon", "a", "b", "3", "the header seldon is there twice, as \"a\" and \"b\"; send it once"},
		{"namespace", "a", "b", "3", "the header namespace is there twice, as \"a\" and \"b\"; send it once"},
		{"seldon", "n", "n", "5", "pipeline `n`"},
		{"x-request-id", "r", "s", "3", "the header x-request-id is there twice, as \"r\" and \"s\"; send it once"},
	};
	struct head_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
	char words[160];
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		const int32_t id = 1 + 2 * (int32_t)i;
		puppet_headers(line, id, 0, HEAD(INFER), "x-api-key", API_KEY, pairs[i].name, pairs[i].first, pairs[i].name,
			       pairs[i].second, NULL);
		(void)snprintf(words, sizeof words, "%d grpc-status: %s\n", (int)id, pairs[i].status);
		await_heard(stand, words);
		assert_non_null(strstr(stand->puppet.heard, pairs[i].words));
	}
}

static void a_message_that_is_no_protobuf_is_invalid(void **state)
{
	struct head_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
	puppet_headers(line, 1, 0, HEAD(INFER), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\4\xff\xff\xff\xff", 9);
	await_heard(stand, "1 grpc-status: 3\n");
	puppet_headers(line, 3, 0, HEAD(INFER), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 3, "\0\0\0\0\3\x1a\1i", 8); /* an id alone */
	await_heard(stand, "3 grpc-status: 5\n");
}

/* As clients of Triton expect, which take an error for an outage. Other methods refuse the name. */
static void what_is_not_there_is_not_ready(void **state)
{
	struct head_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
	puppet_headers(line, 1, 0, HEAD("/inference.GRPCInferenceService/ModelReady"), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\3\x0a\1n", 8); /* the name `n` */
	await_heard(stand, "1 grpc-status: 0\n");
	assert_non_null(strstr(stand->puppet.heard, "1 data 5\n")); /* a prefix: ready is false */
	puppet_headers(line, 3, 0, HEAD("/inference.GRPCInferenceService/ModelReady"), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 3, "\0\0\0\0\4\xff\xff\xff\xff", 9);
	await_heard(stand, "3 grpc-status: 3\n");
	puppet_headers(line, 5, 0, HEAD("/inference.GRPCInferenceService/ModelMetadata"), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 5, "\0\0\0\0\3\x0a\1n", 8);
	await_heard(stand, "5 grpc-status: 5\n");
}

/* The last field of the name and of the version count. */
static void a_call_of_a_version_that_is_not_there_finds_none(void **state)
{
	struct head_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
	puppet_headers(line, 1, 0, HEAD(INFER), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\6\12\001a\22\0017", 11);
	await_heard(stand, "1 grpc-status: 5\n");
	assert_non_null(strstr(stand->puppet.heard, "there is no version `7` of `a` here; name version 1, or none"));
	puppet_headers(line, 3, 0, HEAD("/inference.GRPCInferenceService/ModelReady"), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 3, "\0\0\0\0\6\12\001a\22\0017", 11);
	await_heard(stand, "3 grpc-status: 0\n");
	assert_non_null(strstr(stand->puppet.heard, "3 data 5\n")); /* not ready */
	puppet_headers(line, 5, 0, HEAD("/inference.GRPCInferenceService/ModelMetadata"), "x-api-key", API_KEY, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 5, "\0\0\0\0\14\12\001n\22\0017\12\001a\22\0011", 17);
	await_heard(stand, "5 grpc-status: 0\n");
}

static void a_host_may_repeat_the_authority(void **state)
{
	struct head_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
	puppet_headers(line, 1, FLAG_END_STREAM, HTTP_HEAD("/v2/health/live"), "host", "us", NULL);
	await_heard(stand, "1 :status: 200\n");
	puppet_headers(line, 3, FLAG_END_STREAM, HTTP_HEAD("/v2/health/live"), "host", "them", NULL);
	await_heard(stand, "3 :status: 400\n");
}

#define HEAD_STORY(name) cmocka_unit_test_setup_teardown(name, head_stand_open, head_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEAD_STORY(a_head_is_refused_before_its_body_comes),
		HEAD_STORY(a_short_body_without_use_is_taken),
		HEAD_STORY(a_header_that_steers_has_one_value),
		HEAD_STORY(a_call_is_refused_at_its_headers),
		HEAD_STORY(metadata_that_name_a_deployment_have_one_value),
		HEAD_STORY(a_message_that_is_no_protobuf_is_invalid),
		HEAD_STORY(what_is_not_there_is_not_ready),
		HEAD_STORY(a_call_of_a_version_that_is_not_there_finds_none),
		HEAD_STORY(a_version_that_is_not_there_is_refused),
		HEAD_STORY(a_host_may_repeat_the_authority),
		HEAD_STORY(a_header_that_routes_has_one_value),
		HEAD_STORY(a_path_that_cannot_be_decoded_names_its_fault),
		HEAD_STORY(options_of_the_server_are_answered),
		HEAD_STORY(options_of_a_path_are_answered),
		HEAD_STORY(forms_of_many_parts_are_told_what_to_send),
		HEAD_STORY(a_target_is_looked_for_once),
		HEAD_STORY(a_name_near_to_one_that_is_there_is_suggested),
		HEAD_STORY(what_has_no_step_that_explains_is_not_asked_for_explanations),
		HEAD_STORY(a_path_does_not_name_two_pipelines),
		HEAD_STORY(a_reader_that_had_the_last_event_is_told_to_stop),
		HEAD_STORY(the_id_in_a_query_may_be_percent_encoded),
		HEAD_STORY(a_watch_beyond_the_most_is_refused_by_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
