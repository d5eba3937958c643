/* rest_memo_test.c: Tests of the route that a gateway keeps for the next request of the same path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "gateway/rest.h"

static bool text_is_within(struct text part, struct text whole)
{
	return part.length == 0 || (part.bytes >= whole.bytes && part.bytes + part.length <= whole.bytes + whole.length);
}

/* A route is looked for by the head of a request and again with its body, whose bytes may have moved. */
static void a_path_that_is_asked_again_names_its_own_bytes(void **state)
{
	static const struct {
		const char *method, *path, *route, *name, *version, *submission;
	} rows[] = {
		{"POST", "/v2/models/m/versions/3/infer", "/v2/models/{model}/versions/{version}/infer", "m", "3", ""},
		{"POST", "/v2/models/n/versions/3/infer", "/v2/models/{model}/versions/{version}/infer", "n", "3", ""},
		{"GET", "/v2/models/m/requests/1-2", "/v2/models/{model}/requests/{request}", "m", "", "1-2"},
		{"DELETE", "/v2/models/m/requests/1-2", "/v2/models/{model}/requests/{request}", "m", "", "1-2"},
		{"GET", "/v2/models/m/requests/1-2", "/v2/models/{model}/requests/{request}", "m", "", "1-2"},
		{"POST", "/v2/models/m/requests/1-2", NULL, "", "", ""},
		{"GET", "/v2", "/v2", "", "", ""},
		{"POST", "/seldon/ns/d/v2/models/m/infer", "/v2/models/{model}/infer", "d", "", ""},
	};
	static struct rest rest;
	(void)state;
	for (size_t i = 0; i < 3 * sizeof rows / sizeof *rows; i++) {
		char path[2][64], allowed[64];
		for (size_t turn = 0; turn < 2; turn++) {
			struct rest_request request = {.rest = &rest};
			(void)snprintf(path[turn], sizeof path[turn], "%s", rows[i / 3].path);
			const struct text asked = text_of(path[turn]);
			const struct gateway_route *route =
				rest_route_find(text_of(rows[i / 3].method), asked, &request, allowed, sizeof allowed);
			if (!rows[i / 3].route) {
				assert_null(route);
				assert_string_equal(allowed, "GET, HEAD, DELETE");
				continue;
			}
			assert_string_equal(route->path, rows[i / 3].route);
			assert_string_equal(route->method, rows[i / 3].method);
			assert_true(text_is(request.name, rows[i / 3].name) && text_is_within(request.name, asked));
			assert_true(text_is(request.version, rows[i / 3].version) && text_is_within(request.version, asked));
			assert_true(text_is(request.submission, rows[i / 3].submission) &&
				    text_is_within(request.submission, asked));
			assert_true(text_is_within(request.namespace, asked) && text_is_within(request.other, asked));
			assert_false(request.pipeline_only);
		}
	}
}

/* What is kept of one method is not found by another, be it as long, shorter, or the beginning of it. */
static void a_method_finds_no_route_that_was_kept_for_another(void **state)
{
	static const char path[] = "/v2/models/m/requests/1-2";
	static const struct {
		const char *method, *route; /* NULL: it has none at the path */
	} methods[] = {{"GET", "GET"}, {"DELETE", "DELETE"}, {"HEAD", "GET"}, {"POST", NULL},  {"OPTIONS", NULL},
		       {"PUT", NULL},  {"GE", NULL},	     {"GETS", NULL},  {"DELET", NULL}, {"DELETED", NULL}};
	const size_t count = sizeof methods / sizeof *methods;
	static struct rest rest;
	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		char allowed[64];
		for (size_t turn = 0; turn < 2; turn++) {
			const size_t at = turn == 0 ? i / count : i % count;
			struct rest_request request = {.rest = &rest};
			const struct gateway_route *route =
				rest_route_find(text_of(methods[at].method), TEXT(path), &request, allowed, sizeof allowed);
			assert_int_equal(route != NULL, methods[at].route != NULL);
			assert_string_equal(route ? route->method : allowed, route ? methods[at].route : "GET, HEAD, DELETE");
			assert_true(!route || text_is(request.submission, "1-2"));
		}
	}
}

static void a_path_too_long_to_be_kept_finds_its_route(void **state)
{
	static struct rest rest;
	char path[400], allowed[64];
	(void)state;
	for (size_t length = 200; length < 350; length++) {
		struct rest_request request = {.rest = &rest};
		(void)snprintf(path, sizeof path, "/v2/pipelines/%0*d/infer", (int)length, 7);
		const struct text asked = text_of(path);
		for (size_t turn = 0; turn < 2; turn++) {
			assert_non_null(rest_route_find(TEXT("POST"), asked, &request, allowed, sizeof allowed));
			assert_true(request.name.length == length && request.pipeline_only && text_is_within(request.name, asked));
			request = (struct rest_request){.rest = &rest};
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_that_is_asked_again_names_its_own_bytes),
		cmocka_unit_test(a_method_finds_no_route_that_was_kept_for_another),
		cmocka_unit_test(a_path_too_long_to_be_kept_finds_its_route),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
