/* gateway_test.c: Tests of the pure parts of a gateway: routes of paths, and answers made of replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/calls/call_outcome.h"
#include "gateway/calls/call_setup.h"
#include "gateway/gateway_service.h"
#include "gateway/rest.h"
#include "gateway/calls/submission.h"
#include "message/records/reply.h"
#include "net/http/cors.h"
#include "net/grpc/grpc_wire.h"
#include "tests/unit/planning.h"

/* ---- routes ---- */

static const struct gateway_route *route_of(const char *method, const char *path, struct rest_request *request)
{
	static char allowed[64];
	*request = (struct rest_request){0};
	return rest_route_find(text_of(method), text_of(path), request, allowed, sizeof allowed);
}

static void a_path_finds_its_route_and_whom_it_names(void **state)
{
	static const struct {
		const char *method, *path, *route, *namespace, *name;
	} rows[] = {
		{"POST", "/v2/pipelines/p/infer", "/v2/pipelines/{pipeline}/infer", "", "p"},
		{"POST", "/v2/models/m/infer", "/v2/models/{model}/infer", "", "m"},
		{"POST", "/v2/models/m/versions/3/infer", "/v2/models/{model}/versions/{version}/infer", "", "m"},
		{"POST", "/v1/models/m:predict", "/v1/models/{model}:predict", "", "m"},
		{"POST", "/seldon/ns/d/api/v1.0/predictions", "/api/v1.0/predictions", "ns", "d"},
		{"POST", "/seldon/ns/d/v2/models/m/infer", "/v2/models/{model}/infer", "ns", "d"},
		{"GET", "/seldon/ns/d/api/v1.0/metadata", "/api/v1.0/metadata", "ns", "d"},
		{"GET", "/seldon/ns/d/api/v1.0/metadata/m", "/api/v1.0/metadata/{node}", "ns", "d"},
		{"GET", "/api/v1.0/metadata/m", "/api/v1.0/metadata/{node}", "", ""},
		{"GET", "/v2", "/v2", "", ""},
		{"HEAD", "/v2/health/live", "/v2/health/live", "", ""},
		{"GET", "/v2/models/m/ready", "/v2/models/{model}/ready", "", "m"},
		{"POST", "/v2", NULL, "", ""},
		{"GET", "/v2/pipelines/p/infer", NULL, "", ""},
		{"POST", "/v2/pipelines//infer", NULL, "", ""},
		{"POST", "/v2/pipelines/p/infer/more", NULL, "", ""},
		{"POST", "/v2/pipelines/p", NULL, "", ""},
		{"POST", "/v1/models/:predict", NULL, "", ""},
		{"POST", "/v1/models/m/versions/3:predict", "/v1/models/{model}/versions/{version}:predict", "", "m"},
		{"POST", "/seldon/ns/d/v1/models/m/versions/3:predict", "/v1/models/{model}/versions/{version}:predict", "ns", "d"},
		{"POST", "/v1/models/m/versions/:predict", NULL, "", ""},
		{"POST", "/v1/models/m/versions/3", NULL, "", ""},
		{"GET", "/v1/models/m", "/v1/models/{model}", "", "m"},
		{"POST", "/v1/models/m", NULL, "", ""},
		{"POST", "/v1/models/m:explain", "/v1/models/{model}:explain", "", "m"},
		{"POST", "/v2/pipelines/p/explain", "/v2/pipelines/{pipeline}/explain", "", "p"},
		{"POST", "/seldon/ns/d/api/v1.0/explanations", "/api/v1.0/explanations", "ns", "d"},
		{"POST", "/seldon/ns/d-explainer/main/api/v1.0/explain", "/api/v1.0/explain", "ns", "d"},
		{"POST", "/seldon/ns/d-explainer/main/api/v1.0/explain/", "/api/v1.0/explain", "ns", "d"},
		{"POST", "/seldon/ns/d-explainer/api/v1.0/explain", "/api/v1.0/explain", "ns", "d-explainer"},
		{"POST", "/seldon/ns/d-explainer/main/api/v1.0/predictions", NULL, "", ""},
		{"POST", "/seldon/ns/d/main/api/v1.0/explain", NULL, "", ""},
		{"POST", "/seldon/ns/-explainer/main/api/v1.0/explain", NULL, "", ""},
		{"POST", "/v2/pipelines/p/feedback", "/v2/pipelines/{pipeline}/feedback", "", "p"},
		{"POST", "/seldon/ns/d/api/v1.0/feedback", "/api/v1.0/feedback", "ns", "d"},
		{"GET", "/v2/pipelines/p/explain", NULL, "", ""},
		{"GET", "/v2/pipelines/p/requests/1-2-3-4-5", "/v2/pipelines/{pipeline}/requests/{request}", "", "p"},
		{"POST", "/v2/pipelines/p/requests/1-2-3-4-5", NULL, "", ""},
		{"GET", "/v2/pipelines/p/requests/1-2/explanations", "/v2/pipelines/{pipeline}/requests/{request}/explanations", "",
		 "p"},
		{"DELETE", "/v2/pipelines/p/requests/1-2/explanations", NULL, "", ""},
		{"DELETE", "/v2/pipelines/p/requests/1-2-3-4-5", "/v2/pipelines/{pipeline}/requests/{request}", "", "p"},
		{"DELETE", "/v2/models/m/requests/1-2-3-4-5", "/v2/models/{model}/requests/{request}", "", "m"},
		{"DELETE", "/v2/pipelines/p/requests/1-2-3-4-5/watch", NULL, "", ""},
		{"GET", "/v2/pipelines/p/requests/1-2/watch", "/v2/pipelines/{pipeline}/requests/{request}/watch", "", "p"},
		{"GET", "/seldon/ns/d/v2/models/m/requests/1-2/watch", "/v2/models/{model}/requests/{request}/watch", "ns", "d"},
		{"POST", "/v1/models/m:classify", NULL, "", ""},
		{"POST", "/seldon/ns", NULL, "", ""},
		{"GET", "", NULL, "", ""},
		{"GET", "/", NULL, "", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rest_request request;
		const struct gateway_route *route = route_of(rows[i].method, rows[i].path, &request);
		if (!route != !rows[i].route || (route && strcmp(route->path, rows[i].route) != 0))
			fail_msg("%s %s came to %s", rows[i].method, rows[i].path, route ? route->path : "nothing");
		if (route && (!text_is(request.name, rows[i].name) || !text_is(request.namespace, rows[i].namespace)))
			fail_msg("%s names another", rows[i].path);
	}
}

static void a_path_says_which_methods_it_has(void **state)
{
	struct rest_request request = {0};
	char allowed[64];
	(void)state;
	assert_null(rest_route_find(TEXT("DELETE"), TEXT("/v2/pipelines/p/infer"), &request, allowed, sizeof allowed));
	assert_string_equal(allowed, "POST");
	assert_null(rest_route_find(TEXT("GET"), TEXT("/v3"), &request, allowed, sizeof allowed));
	assert_string_equal(allowed, "");
}

/* ---- outcomes ---- */

static void a_kind_of_error_has_a_status(void **state)
{
	static const struct {
		const char *kind, *limit;
		int status;
		const char *input;
	} rows[] = {{"INPUT", "", 400, ""},	     {"INPUT", "", 422, "tensor"}, {"INPUT", "", 400, "rubbish"},
		    {"REMOTE", "", 502, "tensor"},   {"LIMIT", "", 400, ""},	   {"LIMIT", "deadline", 504, ""},
		    {"LIMIT", "admission", 429, ""}, {"LIMIT", "cancel", 410, ""}, {"LIMIT", "answer", 500, ""},
		    {"LIMIT", "expiry", 504, ""},    {"SYSTEM", "", 500, ""},	   {"CONFIG", "", 500, ""},
		    {"rubbish", "", 500, ""}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(call_status(text_of(rows[i].kind), text_of(rows[i].limit), text_of(rows[i].input)),
				 rows[i].status);
}

static void a_reply_is_read_by_its_headers(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	const struct header answered[] = {{TEXT("content-type"), TEXT("application/json")},
					  {TEXT("x-model"), TEXT("m")},
					  {TEXT("Sluice-Inner"), TEXT("kept")},
					  {TEXT("Sluice-Experiment"), TEXT("e=new")},
					  {TEXT(REPLY_ID_HEADER), TEXT("r")},
					  {TEXT(REPLY_HEADER), TEXT("0/0123456789abcdef/1/p")}};
	const struct header refused[] = {{TEXT(REPLY_ERROR_HEADER), TEXT("LIMIT")}, {TEXT(REPLY_LIMIT_HEADER), TEXT("admission")}};
	const struct header filtered[] = {{TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FILTERED)}};
	struct call_outcome outcome;
	(void)state;
	assert_true(call_outcome_read(&outcome, TEXT("{}"), (struct headers){6, answered}, arena));
	assert_int_equal(outcome.end, CALL_ANSWERED);
	assert_int_equal(outcome.status, 200);
	assert_true(text_is(outcome.id, "r"));
	assert_int_equal(outcome.headers.count, 2); /* what a step set, and what an experiment chose */
	assert_true(text_is(outcome.headers.items[0].name, "x-model"));
	assert_true(text_is(outcome.headers.items[1].value, "e=new"));
	assert_true(call_outcome_read(&outcome, TEXT("{}"), (struct headers){2, refused}, arena));
	assert_int_equal(outcome.end, CALL_FAILED);
	assert_int_equal(outcome.status, 429);
	assert_true(outcome.retry_after_s > 0);
	assert_true(call_outcome_read(&outcome, (struct text){0}, (struct headers){1, filtered}, arena));
	assert_int_equal(outcome.end, CALL_FILTERED);
	assert_int_equal(outcome.status, 204);
	assert_false(call_outcome_read(&outcome, (struct text){0}, (struct headers){0}, arena)); /* no value is no answer */
	arena_close(arena);
}

static void a_failure_has_a_status_of_grpc(void **state)
{
	static const struct {
		const char *kind, *limit;
		int status;
	} rows[] = {{"INPUT", "", GRPC_INVALID_ARGUMENT},	   {"REMOTE", "", GRPC_UNAVAILABLE},
		    {"LIMIT", "", GRPC_RESOURCE_EXHAUSTED},	   {"LIMIT", "deadline", GRPC_DEADLINE_EXCEEDED},
		    {"LIMIT", "admission", GRPC_RESOURCE_EXHAUSTED}, {"SYSTEM", "", GRPC_INTERNAL}};
	static const struct {
		int http;
		int status;
	} own[] = {{404, GRPC_NOT_FOUND}, {409, GRPC_FAILED_PRECONDITION}, {413, GRPC_RESOURCE_EXHAUSTED}, {499, GRPC_CANCELLED},
		   {401, GRPC_UNAUTHENTICATED}, {403, GRPC_PERMISSION_DENIED}, {429, GRPC_RESOURCE_EXHAUSTED},
		   {501, GRPC_UNIMPLEMENTED}, {503, GRPC_UNAVAILABLE}, {504, GRPC_DEADLINE_EXCEEDED}, {422, GRPC_INVALID_ARGUMENT}};
	struct arena *arena = arena_open((size_t)1 << 16);
	struct call_outcome outcome;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct header headers[] = {{TEXT(REPLY_ERROR_HEADER), text_of(rows[i].kind)},
						 {TEXT(REPLY_LIMIT_HEADER), text_of(rows[i].limit)}};
		assert_true(call_outcome_read(&outcome, TEXT("{}"), (struct headers){2, headers}, arena));
		assert_int_equal(call_grpc_status(&outcome), rows[i].status);
	}
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		outcome = (struct call_outcome){.end = CALL_FAILED, .status = own[i].http};
		assert_int_equal(call_grpc_status(&outcome), own[i].status);
	}
	arena_close(arena);
}

/* ---- setting up ---- */

struct asked_header {
	const char *name, *value;
};

static struct text header_given(const void *context, enum header_name name)
{
	for (const struct asked_header *header = context; header->name; header++)
		if (text_equal_caseless(text_of(header->name), header_name_text(name)))
			return text_of(header->value);
	return (struct text){0};
}

/* With `compat: seldon` a pipeline's failures are all one status; those of the gateway itself keep theirs. */
static void what_is_counted_is_the_status_that_is_sent(void **state)
{
	static const struct {
		int status;
		bool limit;
		int rest, grpc, seldon_rest, seldon_grpc;
	} ends[] = {{400, false, 400, GRPC_INVALID_ARGUMENT, 400, GRPC_UNKNOWN},
		    {400, true, 400, GRPC_RESOURCE_EXHAUSTED, 400, GRPC_UNKNOWN},
		    {502, false, 502, GRPC_UNAVAILABLE, 400, GRPC_UNKNOWN},
		    {504, false, 504, GRPC_DEADLINE_EXCEEDED, 504, GRPC_DEADLINE_EXCEEDED}};
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const struct call_outcome outcome = {.end = CALL_FAILED, .status = ends[i].status, .limit = ends[i].limit};
		assert_int_equal(call_counted_status(COUNTED_REST, false, &outcome), ends[i].rest);
		assert_int_equal(call_counted_status(COUNTED_GRPC, false, &outcome), ends[i].grpc);
		assert_int_equal(call_counted_status(COUNTED_REST, true, &outcome), ends[i].seldon_rest);
		assert_int_equal(call_counted_status(COUNTED_GRPC, true, &outcome), ends[i].seldon_grpc);
	}
	const struct call_outcome good = {.end = CALL_ANSWERED, .status = 200};
	assert_int_equal(call_counted_status(COUNTED_REST, true, &good), 200);
	assert_int_equal(call_counted_status(COUNTED_GRPC, true, &good), GRPC_OK);
}

static void a_deadline_is_the_callers_within_the_most(void **state)
{
	static const struct {
		struct asked_header given[3];
		int64_t deadline_ms; /* -1: refused */
	} rows[] = {
		{{{0}}, 1000 + GATEWAY_TIMEOUT_MS},
		{{{"x-timeout-ms", "5"}}, 995},
		{{{"x-timeout-ms", "5"}, {"x-deadline-ms", "1200"}}, 1200},
		{{{"x-timeout-ms", "999999999999999999"}}, 1000 + GATEWAY_DEADLINE_MAX_MS},
		{{{"x-deadline-ms", "9999999999999"}}, 1000 + GATEWAY_DEADLINE_MAX_MS},
		{{{"x-timeout-ms", "0"}}, -1},
		{{{"x-deadline-ms", "soon"}}, -1},
	};
	const struct gateway_config config = {0};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct call_source source = {
			.config = &config, .now_ms = 1000, .arrived_ms = 990, .context = rows[i].given, .header = header_given};
		struct call_refusal refusal;
		int64_t deadline_ms = -1;
		bool read = call_deadline_read(&source, &deadline_ms, &refusal);
		assert_int_equal(read, rows[i].deadline_ms >= 0);
		if (read)
			assert_int_equal(deadline_ms, rows[i].deadline_ms);
		else
			assert_int_equal(refusal.status, 400);
	}
}

/* ---- submitted requests ---- */

#define NONCE "00112233445566778899aabbccddeeff"

static void a_nonce_is_drawn_and_must_be_whole(void **state)
{
	struct submission first = {0}, second = {0};
	char text[SUBMISSION_NONCE_DIGITS];
	(void)state;
	assert_true(submission_draw(&first) && submission_draw(&second));
	assert_false(submission_is_of(&first, submission_nonce(&second)));
	assert_true(submission_is_of(&first, submission_nonce(&first)));
	for (size_t i = 0; i < sizeof text; i++) {
		memcpy(text, first.nonce, sizeof text);
		text[i] = text[i] == '0' ? '1' : '0';
		assert_false(submission_is_of(&first, (struct text){text, sizeof text}));
	}
	assert_false(submission_is_of(&first, (struct text){0}));
	assert_false(submission_is_of(&first, (struct text){first.nonce, sizeof first.nonce - 1}));
}

/* Which has the words alone, in the format of its request. */
static void an_error_from_the_outputs_has_the_form_of_a_reply(void **state)
{
	const struct {
		struct text body;
		const char *type;
	} rows[] = {
		{TEXT("{\"error\":\"e\"}"), "application/json"},
		{TEXT("{\"status\":{\"code\":400,\"info\":\"e\",\"status\":\"FAILURE\"}}"), "application/json"},
		{TEXT("\x08\x03\x12\1e"), "application/x-protobuf"},
	};
	struct arena *arena = arena_open((size_t)1 << 16);
	struct buffer body;
	(void)state;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct header headers[] = {{TEXT(REPLY_ERROR_HEADER), TEXT("INPUT")},
						 {TEXT("content-type"), text_of(rows[i].type)}};
		const struct outcome_record record = {{2, headers}, TEXT("in/0/1"), TEXT("r"), arena};
		struct call_outcome outcome;
		assert_true(call_outcome_read(&outcome, rows[i].body, record.headers, arena));
		call_outcome_explain(&outcome, &record, &body);
		assert_true(text_is(outcome.id, "r"));
		assert_true(text_is(outcome.body, "{\"error\":\"e\",\"kind\":\"INPUT\",\"place\":\"in/0/1\",\"id\":\"r\"}"));
	}
	struct call_outcome told;
	const struct header whole[] = {{TEXT(REPLY_ERROR_HEADER), TEXT("REMOTE")},
				       {TEXT(REPLY_PLACE_HEADER), TEXT("p.yaml:1:2")},
				       {TEXT(REPLY_STEP_HEADER), TEXT("s")},
				       {TEXT(REPLY_ATTEMPTS_HEADER), TEXT("3")}};
	assert_true(call_outcome_read(&told, rows[0].body, (struct headers){4, whole}, arena));
	assert_int_equal(told.headers.count, 0);
	call_outcome_explain(&told, &(struct outcome_record){{4, whole}, TEXT("in/0/1"), TEXT("r"), arena}, &body);
	assert_true(text_is(told.body,
			    "{\"error\":\"e\",\"kind\":\"REMOTE\",\"place\":\"p.yaml:1:2\",\"step\":\"s\",\"attempts\":3,"
			    "\"id\":\"r\"}"));
	struct call_outcome unread = {.end = CALL_FAILED, .body = TEXT("of no format")};
	call_outcome_explain(&unread, &(struct outcome_record){.arena = arena}, &body);
	assert_true(text_is(unread.body, "of no format"));
	struct call_outcome good = {.end = CALL_ANSWERED, .body = TEXT("{\"error\":\"a tensor's name\"}")};
	call_outcome_explain(&good, &(struct outcome_record){.arena = arena}, &body);
	assert_true(text_is(good.body, "{\"error\":\"a tensor's name\"}"));
	buffer_close(&body);
	arena_close(arena);
}

static void a_record_without_a_value_ends_a_submitted_request(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	const struct header filtered[] = {{TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FILTERED)}, {TEXT(REPLY_ID_HEADER), TEXT("r")}};
	const struct header late[] = {{TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FAILED)}, {TEXT(REPLY_ERROR_HEADER), TEXT("LIMIT")},
				      {TEXT(REPLY_LIMIT_HEADER), TEXT("deadline")}, {TEXT(REPLY_ID_HEADER), TEXT("r")}};
	struct call_outcome outcome;
	struct buffer body;
	(void)state;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	assert_true(call_outcome_of_end(&outcome, (struct text){0}, (struct headers){2, filtered}, arena, &body));
	assert_int_equal(outcome.end, CALL_FILTERED);
	assert_int_equal(outcome.status, 204);
	assert_true(text_is(outcome.id, "r"));
	assert_true(call_outcome_of_end(&outcome, (struct text){0}, (struct headers){4, late}, arena, &body));
	assert_int_equal(outcome.end, CALL_FAILED);
	assert_int_equal(outcome.status, 504);
	assert_true(text_is(outcome.id, "r"));
	assert_true(text_is(outcome.body, "{\"error\":\"the request failed, and its pipeline answers no errors; its dead letters "
					  "say why\",\"kind\":\"LIMIT\",\"id\":\"r\"}"));
	const struct header step[] = {
		late[0], late[1], {TEXT(REPLY_STEP_HEADER), TEXT("s")}, {TEXT(REPLY_ATTEMPTS_HEADER), TEXT("x")}};
	assert_true(call_outcome_of_end(&outcome, (struct text){0}, (struct headers){4, step}, arena, &body));
	assert_true(text_ends_with(outcome.body, TEXT("\"kind\":\"LIMIT\",\"step\":\"s\"}")));
	assert_false(call_outcome_of_end(&outcome, TEXT("{}"), (struct headers){2, filtered}, arena, &body));
	assert_false(call_outcome_of_end(&outcome, (struct text){0}, (struct headers){0}, arena, &body));
	buffer_close(&body);
	arena_close(arena);
}

static void an_id_leads_back_to_its_request(void **state)
{
	static const struct submission rows[] = {{0, 0, SUBMISSION_TIME_MS_LEAST, -1, NONCE},
						 {3, 41, 1700000000000, 7, NONCE},
						 {INT32_MAX, INT64_MAX, INT64_MAX, INT32_MAX, NONCE}};
	static const char *const wrong[] = {"",
					    "1",
					    "0-0-0-1-" NONCE,
					    "0-0-9999-1-" NONCE,
					    "0-0-86399999-1-" NONCE,
					    "1-2-1700000000000-" NONCE,
					    "1-2-1700000000000-4",
					    "1-2-1700000000000-4-",
					    "1-2-1700000000000-4-5",
					    "1-2-1700000000000-4-" NONCE "0",
					    "1-2-1700000000000-4-" NONCE "-",
					    "1-2-1700000000000-4-00112233445566778899aabbccddeef",
					    "1-2-1700000000000-4-00112233445566778899aabbccddeefg",
					    "1-2-1700000000000-4-00112233445566778899AABBCCDDEEFF",
					    "-1-2-1700000000000-4-" NONCE,
					    "a-2-1700000000000-4-" NONCE,
					    "1-2-1700000000000-0x4-" NONCE,
					    "1-+2-1700000000000-4-" NONCE,
					    "1-2-1700000000000-4 -" NONCE,
					    "2147483648-2-1700000000000-4-" NONCE,
					    "1-2-1700000000000-4294967297-" NONCE};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char id[SUBMISSION_ID_BYTES_MAX];
		struct submission read;
		assert_true(submission_read((struct text){id, submission_write(&rows[i], id)}, &read));
		assert_int_equal(read.partition, rows[i].partition);
		assert_int_equal(read.offset, rows[i].offset);
		assert_int_equal(read.time_ms, rows[i].time_ms);
		assert_int_equal(read.answers, rows[i].answers);
		assert_true(submission_is_of(&read, TEXT(NONCE)));
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (submission_read(text_of(wrong[i]), &(struct submission){0}))
			fail_msg("%s is read", wrong[i]);
}

/* ---- origins of pages ---- */

static void an_origin_is_a_scheme_and_a_host(void **state)
{
	static const struct {
		const char *origin;
		bool good;
	} rows[] = {{"*", true}, {"https://a.example", true}, {"http://localhost:3000", true}, {"moz-extension://ab-cd", true},
		    {"", false}, {"a.example", false}, {"https://", false}, {"://a", false}, {"https://a/", false},
		    {"https://a?b", false},
		    {"https://*.a", false}, {"https://a b", false}, {"https://a,https://b", false}, {"null", false}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct name name = {.text = rows[i].origin};
		const struct name_list list = {1, &name};
		struct error error = {0};
		if (cors_origins_check(&list, &error) != rows[i].good || (error.kind == ERROR_CONFIG) == rows[i].good)
			fail_msg("%s is taken otherwise", rows[i].origin);
	}
}

static void listed_origins_alone_are_allowed(void **state)
{
	const struct name some[] = {{.text = "https://a.example"}, {.text = "http://b:81"}}, any = {.text = "*"};
	const struct name_list list = {2, some}, all = {1, &any}, none = {0};
	(void)state;
	assert_string_equal(cors_origin_allowed(&list, TEXT("http://b:81")), "http://b:81");
	assert_string_equal(cors_origin_allowed(&list, TEXT("https://A.example")), "https://a.example");
	assert_null(cors_origin_allowed(&list, TEXT("https://a.example:444")));
	assert_null(cors_origin_allowed(&list, TEXT("https://a.example.b")));
	assert_null(cors_origin_allowed(&list, TEXT("null")));
	assert_string_equal(cors_origin_allowed(&all, TEXT("null")), "*");
	assert_null(cors_origin_allowed(&none, TEXT("https://a.example")));
}

/* Fetch standard, 2.2.2, "CORS-safelisted request-header". */
static void a_browser_sends_bodies_of_forms_without_asking(void **state)
{
	static const struct {
		const char *type;
		bool is_of_form;
	} rows[] = {{"", true},
		    {"text/plain", true},
		    {"Text/Plain;charset=UTF-8", true},
		    {"application/x-www-form-urlencoded", true},
		    {"multipart/form-data; boundary=x", true},
		    {"application/json", false},
		    {"application/octet-stream", false},
		    {"text/plainer", false},
		    {"application/json; text/plain", false}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (cors_type_is_of_form(text_of(rows[i].type)) != rows[i].is_of_form)
			fail_msg("%s", rows[i].type);
	assert_true(cors_type_is_of_form((struct text){0}));
}

/* Replies as long as the longest call; keys and cancellations for 24 hours. */
static void topics_of_a_gateway_keep_records_as_long_as_they_matter(void **state)
{
	static const struct {
		const char *name;
		int64_t retention_ms;
	} rows[GATEWAY_TOPICS] = {
		{"sluice.default.replies", 600000},
		{"sluice.default.claims", INT64_C(86400000) + 3600000}, /* clocks of gateways may differ by an hour */
		{"sluice.default.cancels", 86400000}};
	struct planning planning;
	struct plan plan;
	struct wanted_topic topics[GATEWAY_TOPICS];
	(void)state;
	planning_open_steps(&planning, "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	planning_plan(&planning, NULL, &plan);
	gateway_own_topics(&(struct revision){.plan = plan, .arena = planning.arena}, (struct properties){0}, topics);
	for (size_t i = 0; i < GATEWAY_TOPICS; i++) {
		assert_string_equal(topics[i].name, rows[i].name);
		assert_int_equal(topics[i].retention_ms, rows[i].retention_ms);
		assert_false(topics[i].compacted);
	}
	planning_close(&planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics_of_a_gateway_keep_records_as_long_as_they_matter),
		cmocka_unit_test(a_path_finds_its_route_and_whom_it_names),
		cmocka_unit_test(a_path_says_which_methods_it_has),
		cmocka_unit_test(a_kind_of_error_has_a_status),
		cmocka_unit_test(a_reply_is_read_by_its_headers),
		cmocka_unit_test(a_failure_has_a_status_of_grpc),
		cmocka_unit_test(what_is_counted_is_the_status_that_is_sent),
		cmocka_unit_test(a_deadline_is_the_callers_within_the_most),
		cmocka_unit_test(a_nonce_is_drawn_and_must_be_whole),
		cmocka_unit_test(an_error_from_the_outputs_has_the_form_of_a_reply),
		cmocka_unit_test(a_record_without_a_value_ends_a_submitted_request),
		cmocka_unit_test(an_id_leads_back_to_its_request),
		cmocka_unit_test(an_origin_is_a_scheme_and_a_host),
		cmocka_unit_test(listed_origins_alone_are_allowed),
		cmocka_unit_test(a_browser_sends_bodies_of_forms_without_asking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
