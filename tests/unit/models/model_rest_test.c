/* The built-in model server's door for REST: what callers say to it by hand, and hear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/guest.h"
#include "models/server/model_rest.h"

#define ASKED_BYTES 1024

struct stand {
	struct loop *loop;
	struct catalog *catalog;
	struct model_rest *service;
	struct guest caller;
	const char *refuses; /* to load it */
};

static bool on_load(void *context, const char *name, struct error *error)
{
	struct stand *stand = context;
	if (stand->refuses && strcmp(stand->refuses, name) == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "models.yaml:3: what a mess");
	return strcmp(name, "twice") != 0 ||
	       catalog_put(stand->catalog, &(struct catalog_entry){.name = "twice", .uri = "stub://expression?y=x*3"}, error);
}

static void put(struct stand *stand, const char *name, const char *uri)
{
	const struct catalog_entry entry = {.name = name, .uri = uri, .place = {"models.yaml", 7, 15}};
	assert_true(catalog_put(stand->catalog, &entry, &(struct error){0}));
}

static int open_stand(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .catalog = catalog_open(&error)};
	put(&stand, "twice", "stub://expression?y=x*2");
	put(&stand, "tired", "stub://slow?ms=30&then=identity");
	put(&stand, "shaky", "stub://flaky?fails=2&code=503&then=identity");
	put(&stand, "broken", "stub://badreply?mode=truncated");
	put(&stand, "silent", "stub://hang");
	put(&stand, "away", "s3://bucket/model");
	put(&stand, "typo", "stub://idntity");
	const struct model_service_config config = {.catalog = stand.catalog, .load = on_load, .context = &stand};
	stand.service = model_rest_open(stand.loop, &config, &error);
	assert_non_null(stand.service);
	stand.caller = guest_open(stand.loop, model_rest_port(stand.service));
	*state = &stand;
	return 0;
}

static int close_stand(void **state)
{
	struct stand *stand = *state;
	guest_close(&stand->caller);
	model_rest_close(stand->service);
	catalog_close(stand->catalog);
	loop_close(stand->loop);
	return 0;
}

static void expect(struct stand *stand, const char *asked, int status, const char *body)
{
	char head[ASKED_BYTES];
	const char *reply = guest_ask(&stand->caller, asked, body);
	snprintf(head, sizeof head, "HTTP/1.1 %d ", status);
	if (!reply || !strstr(reply, head) || !strstr(reply, body))
		fail_msg("expected %d and %s, got: %s", status, body, reply ? reply : "nothing");
}

static void get(struct stand *stand, const char *path, int status, const char *body)
{
	char asked[ASKED_BYTES];
	snprintf(asked, sizeof asked, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	expect(stand, asked, status, body);
}

/* Lasts until the next one. */
static const char *posting(const char *path, const char *said)
{
	static char asked[ASKED_BYTES];
	snprintf(asked, sizeof asked, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(said), said);
	return asked;
}

static void post(struct stand *stand, const char *path, const char *said, int status, const char *body)
{
	expect(stand, posting(path, said), status, body);
}

#define X(data) "{\"id\":\"r1\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[" data "]}]}"

static void it_says_that_it_lives_and_what_it_is(void **state)
{
	get(*state, "/v2/health/live", 200, "{\"live\":true}");
	get(*state, "/v2/health/ready", 200, "{\"ready\":true}");
	get(*state, "/v2", 200, "\"extensions\":[\"binary_tensor_data\",\"model_repository\"]}");
}

static void models_tell_what_they_take_and_give_where_it_is_fixed(void **state)
{
	get(*state, "/v2/models/tfsimple", 200,
	    "\"inputs\":[{\"name\":\"INPUT0\",\"datatype\":\"INT32\",\"shape\":[-1,16]},"
	    "{\"name\":\"INPUT1\",\"datatype\":\"INT32\",\"shape\":[-1,16]}]");
	get(*state, "/v2/models/conditional", 200, "\"inputs\":[],\"outputs\":[]");
	get(*state, "/v2/models/twice/versions/1", 200, "{\"name\":\"twice\",\"versions\":[\"1\"]");
	get(*state, "/v2/models/nobody", 404, "{\"error\":\"there is no model `nobody` here\"}");
	get(*state, "/v2/models/twice/versions/9", 404, "there is no model `twice` of version `9` here");
}

static void models_answer_under_their_names_and_versions(void **state)
{
	post(*state, "/v2/models/twice/infer", X("4"), 200,
	     "{\"model_name\":\"twice\",\"model_version\":\"1\",\"id\":\"r1\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP64\","
	     "\"shape\":[1],\"data\":[8.0]}]}");
	post(*state, "/v2/models/twice/versions/1/infer", X("5"), 200, "\"data\":[10.0]");
	post(*state, "/v2/models/twice/versions/2/infer", X("5"), 404, "there is no model");
	post(*state, "/v2/models/identity/infer", X("7"), 200, "\"name\":\"x\"");
}

#define TWO(numbers) "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[" numbers "]}]}"

static void a_models_file_answers_as_it_does_in_a_worker(void **state)
{
	put(*state, "tree", "file:tests/cases-own/local-model-of-trees/tree.json");
	put(*state, "gone", "file:tests/cases-own/no.json");
	put(*state, "none", "README.md.txt");
	get(*state, "/v2/models/tree", 200,
	    "\"inputs\":[],\"outputs\":[{\"name\":\"predict\",\"datatype\":\"FP64\",\"shape\":[-1]}]");
	post(*state, "/v2/models/tree/infer", TWO("9,0.25"), 200,
	     "\"name\":\"predict\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[11.0]");
	post(*state, "/v2/models/tree/infer", X("1"), 400, "takes 2 numbers a row");
	post(*state, "/v2/models/gone/infer", TWO("1,2"), 503, "no.json cannot be read");
	post(*state, "/v2/models/none/infer", TWO("1,2"), 503, "cannot be read");
}

static void faults_of_the_request_are_the_callers(void **state)
{
	post(*state, "/v2/models/twice/infer", "{", 400, "{\"error\":\"the request is not JSON");
	post(*state, "/v2/models/twice/infer", "", 400, "{\"error\":");
	post(*state, "/v2/models/add10/infer", X("1"), 400, "{\"error\":\"expected input INPUT\"}");
	post(*state, "/v2/models/nobody/infer", X("1"), 404, "there is no model `nobody` here");
	get(*state, "/v2/models/twice/infer", 405, "this path accepts only POST");
	get(*state, "/v3", 404, "there is nothing at this path");
	get(*state, "/v2/models//ready", 404, "there is nothing at this path");
}

/* RFC 9110, 15.5.6 and 9.3.7. */
static void methods_of_a_path_are_told(void **state)
{
	struct stand *stand = *state;
	static const struct {
		const char *asked;
		int status;
		const char *allow;
	} rows[] = {
		{"GET /v2/models/twice/infer", 405, "POST, OPTIONS"},	  {"POST /v2/health/live", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS /v2/models/twice/infer", 204, "POST, OPTIONS"}, {"OPTIONS /v2", 204, "GET, HEAD, OPTIONS"},
		{"OPTIONS *", 204, "GET, HEAD, POST, OPTIONS"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char asked[ASKED_BYTES], expected[ASKED_BYTES];
		(void)snprintf(asked, sizeof asked, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", rows[i].asked);
		(void)snprintf(expected, sizeof expected, "\r\nAllow: %s\r\n", rows[i].allow);
		expect(stand, asked, rows[i].status, expected);
		guest_close(&stand->caller);
		stand->caller = guest_open(stand->loop, model_rest_port(stand->service));
	}
	expect(stand, "OPTIONS /v3 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "there is nothing at this path");
}

static void binary_data_goes_both_ways(void **state)
{
	struct stand *stand = *state;
	static const char json[] =
		"{\"parameters\":{\"binary_data_output\":true},\"inputs\":[{\"name\":\"x\",\"datatype\":\"UINT8\",\"shape\":[4],"
		"\"parameters\":{\"binary_data_size\":4}}]}";
	char asked[ASKED_BYTES];
	snprintf(asked, sizeof asked,
		 "POST /v2/models/identity/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: %zu\r\n"
		 "Content-Length: %zu\r\n\r\n%sABCD",
		 sizeof json - 1, sizeof json + 3, json);
	const char *reply = guest_ask(&stand->caller, asked, "]}ABCD");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "\r\nInference-Header-Content-Length: "));
	assert_non_null(strstr(reply, "\r\nContent-Type: application/octet-stream\r\n"));
	assert_non_null(strstr(reply, "\"binary_data_size\":4"));
}

static void slow_models_hold_up_nobody_else(void **state)
{
	struct stand *stand = *state;
	struct guest other = guest_open(stand->loop, model_rest_port(stand->service));
	guest_say(&stand->caller, posting("/v2/models/tired/infer", X("1")));
	assert_non_null(guest_ask(&other, "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n", "live"));
	const char *reply = guest_hear(&stand->caller, "\"data\":[1.0]");
	assert_non_null(reply);
	guest_close(&other);
}

static void flaky_models_fail_the_first_calls_of_each_request(void **state)
{
	post(*state, "/v2/models/shaky/infer", X("1"), 503, "{\"error\":\"stub failure 503\"}");
	post(*state, "/v2/models/shaky/infer", X("1"), 503, "{\"error\":");
	post(*state, "/v2/models/shaky/infer", X("1"), 200, "\"outputs\"");
	post(*state, "/v2/models/shaky/infer", "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]}",
	     503, "{\"error\":");
}

static void broken_replies_break_and_silent_models_are_silent(void **state)
{
	struct stand *stand = *state;
	struct guest other = guest_open(stand->loop, model_rest_port(stand->service));
	const char *reply = guest_ask(&other, posting("/v2/models/broken/infer", X("1")), "");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 200 "));
	guest_close(&other);
	other = guest_open(stand->loop, model_rest_port(stand->service));
	guest_say(&other, posting("/v2/models/silent/infer", X("1")));
	for (int i = 0; i < 5; i++)
		guest_turn(&other);
	get(stand, "/v2/health/live", 200, "live");
	guest_close(&other);
}

static void models_are_unloaded_and_loaded_as_their_files_say_now(void **state)
{
	post(*state, "/v2/repository/models/twice/unload", "", 200, "{}");
	get(*state, "/v2/models/twice/ready", 503, "{\"name\":\"twice\",\"ready\":false}");
	post(*state, "/v2/models/twice/infer", X("4"), 503, "model `twice` is not ready: it was unloaded");
	post(*state, "/v2/repository/models/twice/load", "{}", 200, "{}");
	post(*state, "/v2/models/twice/infer", X("4"), 200, "\"data\":[12.0]");
	post(*state, "/v2/repository/models/nobody/unload", "", 404, "there is no model `nobody` here");
	((struct stand *)*state)->refuses = "twice";
	post(*state, "/v2/repository/models/twice/load", "", 400, "{\"error\":\"models.yaml:3: what a mess\"}");
	get(*state, "/v2/models/twice/ready", 200, "{\"name\":\"twice\",\"ready\":true}");
}

/* As the nodes of two deployments, both called `node`. */
static void a_name_may_leave_out_the_owner_where_one_model_has_it(void **state)
{
	put(*state, "a/node", "stub://expression?y=x*3");
	post(*state, "/v2/models/node/infer", X("4"), 200, "\"data\":[12.0]");
	put(*state, "b.main/node", "stub://expression?y=x*5");
	post(*state, "/v2/models/node/infer", X("4"), 404, "`node` is `a/node` and `b.main/node` here; call one by its whole name");
	post(*state, "/v2/models/b.main/node/infer", X("4"), 200, "\"data\":[20.0]");
	post(*state, "/v2/models/b/node/infer", X("4"), 200, "\"data\":[20.0]");
	post(*state, "/v2/models/c/node/infer", X("4"), 404, "there is no model `c/node` here");
	put(*state, "node", "stub://expression?y=x*7");
	post(*state, "/v2/models/node/infer", X("4"), 200, "\"data\":[28.0]");
}

static void the_index_lists_what_is_there_and_why_it_is_not_ready(void **state)
{
	post(*state, "/v2/repository/index", "", 200, "{\"name\":\"twice\",\"version\":\"1\",\"state\":\"READY\",\"reason\":\"\"}");
	post(*state, "/v2/repository/index", "{}", 200,
	     "\"state\":\"UNAVAILABLE\",\"reason\":\"there is no stub `idntity`; did you mean `identity`?\"}]");
	post(*state, "/v2/repository/index", "{\"ready\":true}", 200,
	     "{\"name\":\"silent\",\"version\":\"1\",\"state\":\"READY\",\"reason\":\"\"}]");
	post(*state, "/v2/models/away/infer", X("1"), 503, "this server cannot load `s3://bucket/model`");
}

static void a_compressed_body_is_refused_as_such(void **state)
{
	static const char asked[] = "POST /v2/models/twice/infer HTTP/1.1\r\nHost: x\r\nContent-Encoding: %s\r\n"
				   "Content-Length: 2\r\n\r\n{}";
	static const char *const codings[] = {"gzip", "deflate", "identity"};
	for (size_t i = 0; i < 3; i++) {
		char said[ASKED_BYTES];
		snprintf(said, sizeof said, asked, codings[i]);
		expect(*state, said, i < 2 ? 415 : 400, i < 2 ? "content-encoding" : "has no inputs");
	}
}

/* Fetch standard, 2.2.2: of these requests a page sends those of forms without a preflight, and loading needs no body at all. */
static void a_page_of_a_browser_changes_nothing(void **state)
{
	static const char *const pages[] = {"Origin: https://evil.example\r\n", "Origin: null\r\nContent-Type: text/plain\r\n",
					    "Origin: https://evil.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"};
	static const char *const paths[] = {"/v2/repository/models/twice/unload", "/v2/repository/models/twice/load",
					    "/v2/models/twice/infer"};
	for (size_t i = 0; i < 9; i++) {
		char asked[ASKED_BYTES];
		snprintf(asked, sizeof asked, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s",
			 paths[i / 3], pages[i % 3], sizeof X("4") - 1, X("4"));
		expect(*state, asked, 403, "{\"error\":\"pages of a browser may not call this model server\"}");
	}
	expect(*state, "GET /v2/models/twice/ready HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 200, "\"ready\":true");
}

/* `help metrics`: calls that the server has answered, errors among them, of which INPUT is the caller's. */
static void calls_that_are_refused_before_the_model_count(void **state)
{
	struct stand *stand = *state;
	const struct catalog_model *twice = catalog_find(stand->catalog, TEXT("twice"), (struct text){0});
	const struct catalog_model *away = catalog_find(stand->catalog, TEXT("away"), (struct text){0});
	post(stand, "/v2/models/twice/infer", X("4"), 200, "r1");
	post(stand, "/v2/models/twice/infer", "{", 400, "{\"error\":");
	post(stand, "/v2/models/twice/versions/1/infer", X("\"no number\""), 400, "{\"error\":");
	expect(stand, "POST /v2/models/twice/infer HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
	       415, "{\"error\":");
	post(stand, "/v2/models/nobody/infer", "{", 400, "{\"error\":");
	assert_int_equal(twice->counts.calls, 4);
	assert_int_equal(twice->counts.errors[ERROR_INPUT - 1], 3);
	post(stand, "/v2/models/away/infer", X("4"), 503, "{\"error\":");
	assert_int_equal(away->counts.calls, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
	const struct CMUnitTest tests[] = {
		TEST(it_says_that_it_lives_and_what_it_is),
		TEST(models_tell_what_they_take_and_give_where_it_is_fixed),
		TEST(models_answer_under_their_names_and_versions),
		TEST(a_models_file_answers_as_it_does_in_a_worker),
		TEST(faults_of_the_request_are_the_callers),
		TEST(methods_of_a_path_are_told),
		TEST(binary_data_goes_both_ways),
		TEST(a_compressed_body_is_refused_as_such),
		TEST(slow_models_hold_up_nobody_else),
		TEST(flaky_models_fail_the_first_calls_of_each_request),
		TEST(broken_replies_break_and_silent_models_are_silent),
		TEST(models_are_unloaded_and_loaded_as_their_files_say_now),
		TEST(a_page_of_a_browser_changes_nothing),
		TEST(calls_that_are_refused_before_the_model_count),
		TEST(a_name_may_leave_out_the_owner_where_one_model_has_it),
		TEST(the_index_lists_what_is_there_and_why_it_is_not_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
