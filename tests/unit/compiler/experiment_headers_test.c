/* experiment_headers_test.c: Tests of the choice of an experiment by headers, routes and overrides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/experiment_stand.h"

#include <cmocka.h>

#define OF_PIPELINE(name)                                                                                                          \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n  steps: [{name: m}]\n"

#define HEADED                                                                                                                     \
	"  default: old\n  candidates:\n"                                                                                          \
	"  - {name: old, weight: 100}\n"                                                                                           \
	"  - {name: new, weight: 0, trafficConfig: {headers: [{name: X-Version, value: \"2\"}]}}\n"                                \
	"  - {name: new_2, weight: 0}\n"                                                                                           \
	"  overrides: {somebody: new_2}\n"

static void headers_come_before_routes_and_these_before_overrides(void **state)
{
	static const struct {
		const char *name, *value, *candidate, *reason;
	} rows[] = {
		{"x-version", "2", "new", "header"},
		{"X-VERSION", "22", "new_2", "override"},
		{"x-seldon-route", ":new_1:", "new", "route"},
		{"x-seldon-route", ":other_3::old_7:", "old", "route"},
		{"x-seldon-route", "new", "new", "route"},
		{"x-seldon-route", ":gone_1:", "new_2", "override"},
		{"x-seldon-route", ":new_x:", "new_2", "override"},
		{"x-seldon-route", "", "new_2", "override"},
	};
	(void)state;
	open_experiment(EXPERIMENT HEADED PIPELINE BY_NAME);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = candidate_with(NULL, (struct header){text_of(rows[i].name), text_of(rows[i].value)});
		if (strcmp(got, rows[i].candidate) != 0 || strcmp(assigned_reason_name(chosen.reason), rows[i].reason) != 0)
			fail_msg("%s: %s gave %s by %s", rows[i].name, rows[i].value, got, assigned_reason_name(chosen.reason));
		assert_true(chosen.probability == 1);
		assert_true(text_is(chosen.experiment, "e") && text_is(chosen.variant, got));
	}
	struct message *message = message_keyed("b", "nobody", 1);
	assert_string_equal(candidate_of(message), "old");
	assert_int_equal(chosen.reason, ASSIGNED_WEIGHT);
	close_experiment();
}

#define PIPELINES_SPLIT "  resourceType: pipeline\n  default: a\n  candidates: [{name: a, weight: 100}, {name: b, weight: 0}]\n"

/* As Seldon gives it to a pipeline: `:b.pipeline:`, in a header of its own beside that of a model of it. */
static void a_route_names_a_pipeline_as_seldon_does(void **state)
{
	static const struct {
		const char *route, *candidate;
	} rows[] = {
		{":b.pipeline:", "b"},	      {":b_1:", "b"},	      {":b:", "b"},	  {":s_1::b.pipeline:", "b"},
		{":s_1:, :b.pipeline:", "b"}, {":b.pipelines:", "a"}, {":b.model:", "a"},
	};
	const struct header apart[] = {{TEXT(ROUTE_HEADER), TEXT(":b.pipeline:")}, {TEXT("X-Seldon-Route"), TEXT(":s_1:")}};
	(void)state;
	open_experiment(EXPERIMENT PIPELINES_SPLIT PIPELINE BY_NAME OF_PIPELINE("a") OF_PIPELINE("b"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = candidate_with(NULL, (struct header){TEXT(ROUTE_HEADER), text_of(rows[i].route)});
		if (strcmp(got, rows[i].candidate) != 0)
			fail_msg("%s gave %s", rows[i].route, got);
	}
	struct message *message = message_keyed(NULL, "somebody", 1);
	message->headers = (struct headers){2, apart};
	assert_string_equal(candidate_of(message), "b");
	struct message answered = {.assigned = &chosen};
	assert_true(text_is(assigned_route(&answered, scene_arena), ":b.pipeline:"));
	close_experiment();
}

/* Of equal names the last counts, for headers as for the route; a list is one value. */
static void a_header_counts_once_and_as_a_whole(void **state)
{
	const struct {
		struct header headers[2];
		const char *candidate;
	} rows[] = {
		{{{TEXT("x-version"), TEXT("1")}, {TEXT("X-Version"), TEXT("2")}}, "new"},
		{{{TEXT("x-version"), TEXT("2")}, {TEXT("X-Version"), TEXT("1")}}, "new_2"},
		{{{TEXT("x-version"), TEXT("1, 2")}, {TEXT("other"), TEXT("2")}}, "new_2"},
		{{{TEXT("x-version"), TEXT(" 2")}, {TEXT("other"), TEXT("2")}}, "new_2"},
		{{{TEXT("x-version"), {0}}, {TEXT("other"), TEXT("2")}}, "new_2"},
		{{{TEXT("x-seldon-route"), TEXT(":new_1:")}, {TEXT("x-seldon-route"), TEXT(":old_1:")}}, "old"},
		{{{TEXT("x-seldon-route"), TEXT(":old_1:")}, {TEXT("X-Seldon-Route"), TEXT(":gone_1::new_1:")}}, "new"},
	};
	(void)state;
	open_experiment(EXPERIMENT HEADED PIPELINE BY_NAME);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct message *message = message_keyed(NULL, "somebody", 1);
		message->headers = (struct headers){2, rows[i].headers};
		const char *got = candidate_of(message);
		if (strcmp(got, rows[i].candidate) != 0)
			fail_msg("row %zu gave %s", i, got);
	}
	close_experiment();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(headers_come_before_routes_and_these_before_overrides),
		TEST(a_route_names_a_pipeline_as_seldon_does),
		TEST(a_header_counts_once_and_as_a_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
