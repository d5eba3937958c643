/* access_policy_check_test.c: Tests of the warnings of policies that match nothing, and of their places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/access/access_policy_check.h"
#include "steps/kinds.h"
#include "tests/unit/planning.h"

#define STEPS "steps: [{name: s, expression: {set: {x: x}}}], output: {steps: [s]}"
#define DOCUMENT(kind, name, spec)                                                                                                 \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: " kind "\nmetadata: {name: " name ", namespace: shop}\nspec: {" spec "}" \
	"\n"
#define FILES                                                                                                                      \
	DOCUMENT("Pipeline", "fraud-eu", STEPS)                                                                                    \
	DOCUMENT("Model", "scorer", "storageUri: 'stub://x'")                                                                      \
	DOCUMENT("Experiment", "split", "resourceType: model, default: scorer, candidates: [{name: scorer, weight: 1}]")

static char told[2048];

static void on_report(void *context, struct place place, const char *words)
{
	const size_t length = strlen(told);
	(void)context;
	(void)snprintf(told + length, sizeof told - length, "%s:%u:%u: %s\n", place.file, place.line, place.column, words);
}

/* What is told of a file with this row. */
static const char *told_of(const char *row)
{
	const struct spec_options options = {.kinds = step_kinds, .model_pipelines = true};
	const struct spec_document document = {.file = "files.yaml", .text = {FILES, sizeof FILES - 1}};
	struct planning planning = {.arena = arena_open((size_t)64 << 20)};
	struct plan plan;
	struct error error = {0};
	char text[512];
	(void)snprintf(text, sizeof text, "policies:\n- %s\n", row);
	assert_true(spec_open(&planning.spec, &error) && spec_read_documents(&planning.spec, &document, 1, &options, &error));
	planning_plan(&planning, NULL, &plan);
	struct access_policy *policy = access_policy_read("p.yaml", text_of(text), &error);
	if (!policy)
		fail_msg("%s", error.text);
	told[0] = '\0';
	access_policy_check(policy, &plan, on_report, NULL);
	access_policy_close(policy);
	planning_close(&planning);
	return told;
}

static void what_is_served_is_not_told(void **state)
{
	static const char *const rows[] = {
		"{subject: anyone, resource: '*', verb: '*'}",
		"{subject: anyone, resource: 'pipeline/*', verb: '*'}",
		"{subject: anyone, resource: 'pipeline/fraud-*', verb: [infer, submit, poll, cancel, watch, metadata, health]}",
		"{subject: anyone, resource: [model/scorer, experiment/split], verb: infer, namespace: shop}",
		"{subject: anyone, resource: experiment/spl?t, verb: feedback, namespace: 'sh*'}",
		"{subject: anyone, resource: server, verb: metadata}",
		"{subject: anyone, resource: [server, pipeline/fraud-eu], verb: [infer, metadata]}",
		"{subject: 'key:nobody', resource: '*', verb: feedback}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(told_of(rows[i]), "");
}

static void a_resource_that_is_not_there_is_told(void **state)
{
	(void)state;
	assert_string_equal(told_of("{subject: anyone, resource: pipeline/frau-eu, verb: infer}"),
			    "p.yaml:2:31: no pipeline is called `frau-eu`; did you mean `fraud-eu`?\n");
	assert_string_equal(told_of("{subject: anyone, resource: ['pipeline/other-*', model/scorer], verb: infer}"),
			    "p.yaml:2:32: `other-*` matches no pipeline\n");
	assert_string_equal(told_of("{subject: anyone, resource: pipeline/scorer, verb: feedback}"),
			    "p.yaml:2:31: no pipeline is called `scorer`; `scorer` is a model: write model/scorer\n");
	assert_string_equal(told_of("{subject: anyone, resource: 'deployment/*', verb: infer}"),
			    "p.yaml:2:31: `*` matches no deployment\n");
	assert_string_equal(told_of("{subject: anyone, resource: 'pipeline/fraud-e?s', verb: infer}"),
			    "p.yaml:2:31: `fraud-e?s` matches no pipeline\n");
}

static void a_verb_that_nothing_has_is_told(void **state)
{
	(void)state;
	assert_string_equal(
		told_of("{subject: anyone, resource: pipeline/fraud-eu, verb: [infer, explain, feedback]}"),
		"p.yaml:2:64: the verb `explain` allows nothing here: nothing that the row names has a step `explain`\n"
		"p.yaml:2:73: the verb `feedback` allows nothing here: nothing that the row names has an experiment, or a "
		"metric of truth or reward\n");
	assert_string_equal(told_of("{subject: anyone, resource: server, verb: infer}"),
			    "p.yaml:2:45: the verb `infer` allows nothing here: of the server only metadata are asked\n");
	assert_string_equal(told_of("{subject: anyone, resource: '*', verb: metrics}"),
			    "p.yaml:2:42: the verb `metrics` allows nothing here: metrics have a port of their own, which asks "
			    "nobody\n");
}

static void a_namespace_that_is_not_served_is_told(void **state)
{
	(void)state;
	assert_string_equal(told_of("{subject: anyone, resource: pipeline/none, verb: infer, namespace: sho}"),
			    "p.yaml:2:70: no pipeline or model is in the namespace `sho`; there is `shop`\n");
	assert_string_equal(told_of("{subject: anyone, resource: '*', verb: infer, namespace: [default, shop]}"),
			    "p.yaml:2:61: no pipeline or model is in the namespace `default`; there is `shop`\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_served_is_not_told),
		cmocka_unit_test(a_resource_that_is_not_there_is_told),
		cmocka_unit_test(a_verb_that_nothing_has_is_told),
		cmocka_unit_test(a_namespace_that_is_not_served_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
