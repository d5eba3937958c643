/* gateway_test.c: the pure parts of a gateway: paths find their routes, and replies become what callers see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/call_outcome.h"
#include "gateway/rest.h"
#include "message/reply.h"
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
		{"GET", "/v2", "/v2", "", ""},
		{"HEAD", "/v2/health/live", "/v2/health/live", "", ""},
		{"GET", "/v2/models/m/ready", "/v2/models/{model}/ready", "", "m"},
		{"POST", "/v2", NULL, "", ""},
		{"GET", "/v2/pipelines/p/infer", NULL, "", ""},
		{"POST", "/v2/pipelines//infer", NULL, "", ""},
		{"POST", "/v2/pipelines/p/infer/more", NULL, "", ""},
		{"POST", "/v2/pipelines/p", NULL, "", ""},
		{"POST", "/v1/models/:predict", NULL, "", ""},
		{"POST", "/v1/models/m:explain", NULL, "", ""},
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
	} rows[] = {{"INPUT", "", 400},	   {"REMOTE", "", 502}, {"LIMIT", "", 400},	 {"LIMIT", "deadline", 504},
		    {"LIMIT", "admission", 429}, {"SYSTEM", "", 500}, {"CONFIG", "", 500}, {"rubbish", "", 500}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(call_status(text_of(rows[i].kind), text_of(rows[i].limit)), rows[i].status);
}

static void a_reply_is_read_by_its_headers(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	const struct header answered[] = {{TEXT("content-type"), TEXT("application/json")},
					  {TEXT("x-model"), TEXT("m")},
					  {TEXT("Sluice-Inner"), TEXT("kept")},
					  {TEXT(REPLY_ID_HEADER), TEXT("r")},
					  {TEXT(REPLY_HEADER), TEXT("0/0123456789abcdef/1/p")}};
	const struct header refused[] = {{TEXT(REPLY_ERROR_HEADER), TEXT("LIMIT")}, {TEXT(REPLY_LIMIT_HEADER), TEXT("admission")}};
	const struct header filtered[] = {{TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FILTERED)}};
	struct call_outcome outcome;
	(void)state;
	assert_true(call_outcome_read(&outcome, TEXT("{}"), (struct headers){5, answered}, arena));
	assert_int_equal(outcome.end, CALL_ANSWERED);
	assert_int_equal(outcome.status, 200);
	assert_true(text_is(outcome.id, "r"));
	assert_int_equal(outcome.headers.count, 1); /* what a step set */
	assert_true(text_is(outcome.headers.items[0].name, "x-model"));
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

/* ---- targets ---- */

static const char *refusal_of(const char *steps)
{
	static char kept[256];
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	planning_open_steps(&planning, steps);
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_int_equal(targets.count, 1);
	assert_string_equal(targets.topics[0], "sluice.default.pipeline.p.inputs");
	(void)snprintf(kept, sizeof kept, "%s", targets.items[0].refusal ? targets.items[0].refusal : "");
	planning_close(&planning);
	return kept;
}

static void a_pipeline_that_answers_otherwise_names_the_step(void **state)
{
	(void)state;
	assert_string_equal(refusal_of("  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n"), "");
	assert_non_null(strstr(refusal_of("  - {name: rows, split: {by: rows, tensors: [x]}}\n"
					  "  output: {steps: [rows]}\n"),
			       "`rows`"));
	assert_string_equal(refusal_of("  - {name: rows, split: {by: rows, tensors: [x]}}\n"
				       "  - {name: all, inputs: [rows], aggregate: {parts: rows}}\n  output: {steps: [all]}\n"),
			    "");
	assert_non_null(strstr(refusal_of("  - {name: m, aggregate: {window: {tumbling: 1m}, set: {n: count()}}}\n"
					  "  output: {steps: [m]}\n"),
			       "`m`"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_finds_its_route_and_whom_it_names),
		cmocka_unit_test(a_path_says_which_methods_it_has),
		cmocka_unit_test(a_kind_of_error_has_a_status),
		cmocka_unit_test(a_reply_is_read_by_its_headers),
		cmocka_unit_test(a_pipeline_that_answers_otherwise_names_the_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
