/* plan_addresses_test.c: models of one name that belong to different resources, and the addresses that options give them. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler/resources/inline_models.h"
#include "steps/kinds.h"

#define DEPLOYMENT(name, predictors)                                                                                               \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: " name "}\nspec:\n  protocol: v2\n"    \
	"  predictors: [" predictors "]\n---\n"
#define ONE(uri) "{name: default, graph: {name: classifier, modelUri: '" uri "'}}"
#define TWO                                                                                                                        \
	"{name: main, traffic: 50, graph: {name: classifier, modelUri: 's3://a'}}, "                                               \
	"{name: canary, traffic: 50, graph: {name: classifier, modelUri: 's3://b'}}"
#define PIPELINE(name, steps)                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec: {steps: [" steps "]}\n---\n"
#define STEP(name, options) "{name: " name ", model: {name: m, " options "}}"
#define MODEL(uri) "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: '" uri "'}\n---\n"
#define SERVER                                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n"                                                \
	"spec: {serverConfig: c, capabilities: [sklearn], endpoints: ['http://s:1']}\n---\n"
#define GIVEN_MOST 3
#define MODELS_MOST 3

struct address_row {
	const char *yaml;
	const char *given[GIVEN_MOST];
	struct {
		const char *name;
		const char *words; /* its addresses, or part of the advice */
	} models[MODELS_MOST];
};

static const struct callee *callee_named(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].callee_count; j++)
			if (strcmp(plan->pipelines[i].callees[j].name, name) == 0)
				return &plan->pipelines[i].callees[j];
	fail_msg("no step calls %s", name);
	return NULL;
}

static void expect_addresses(const struct address_row *row)
{
	struct planning p;
	struct plan plan;
	struct name given[GIVEN_MOST] = {0};
	size_t count = 0;
	for (; count < GIVEN_MOST && row->given[count]; count++)
		given[count].text = row->given[count];
	const struct plan_options options = {.kinds = step_kinds, .servers = {count, given}};
	planning_read(&p, row->yaml, step_kinds);
	assert_true(inline_models_name(&p.spec));
	planning_plan(&p, &options, &plan);
	assert_int_equal(planning_errors(&p), 0);
	for (size_t i = 0; i < MODELS_MOST && row->models[i].name; i++) {
		const struct endpoint *endpoint = &callee_named(&plan, row->models[i].name)->endpoint;
		const char *said = endpoint->addresses ? endpoint->addresses : endpoint->advice;
		if (!strstr(said, row->models[i].words))
			fail_msg("%s has \"%s\", which lacks \"%s\"", row->models[i].name, said, row->models[i].words);
	}
	planning_close(&p);
}

static void a_node_has_the_model_of_its_deployment(void **state)
{
	static const struct address_row rows[] = {
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://b")),
		 {"a/classifier=http://x:1", "b/classifier=http://y:1"},
		 {{"a/classifier", "http://x:1"}, {"b/classifier", "http://y:1"}}},
		/* a closer name goes before a short one, which is then that of the other deployment alone */
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://b")),
		 {"classifier=http://x:1", "b/classifier=http://y:1"},
		 {{"a/classifier", "http://x:1"}, {"b/classifier", "http://y:1"}}},
		/* both at one address, on purpose */
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://b")),
		 {"a/classifier=http://x:1", "b/classifier=http://x:1"},
		 {{"a/classifier", "http://x:1"}, {"b/classifier", "http://x:1"}}},
		{DEPLOYMENT("a", TWO),
		 {"a.main/classifier=http://x:1", "a.canary/classifier=http://y:1"},
		 {{"a.main/classifier", "http://x:1"}, {"a.canary/classifier", "http://y:1"}}},
		{DEPLOYMENT("a", TWO),
		 {"main/classifier=http://x:1", "canary/classifier=http://y:1"},
		 {{"a.main/classifier", "http://x:1"}, {"a.canary/classifier", "http://y:1"}}},
		/* one artifact is one model */
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://a")),
		 {"classifier=http://x:1"},
		 {{"a/classifier", "http://x:1"}, {"b/classifier", "http://x:1"}}},
		/* predictors of one deployment may share a container */
		{DEPLOYMENT("a", "{name: main, traffic: 50, graph: {name: classifier}}, "
				 "{name: canary, traffic: 50, graph: {name: classifier, methods: [TRANSFORM_INPUT, "
				 "TRANSFORM_OUTPUT]}}"),
		 {"classifier=http://x:1"},
		 {{"a.main/classifier", "http://x:1"},
		  {"a.canary/classifier", "http://x:1"},
		  {"a.canary.transform-output/classifier", "http://x:1"}}},
		/* a Model of that name is another one */
		{DEPLOYMENT("a", "{name: default, graph: {name: m, modelUri: 's3://a'}}") MODEL("http://y:1")
			 PIPELINE("p", "{name: m}"),
		 {"a/m=http://x:1"},
		 {{"a/m", "http://x:1"}, {"m", "http://y:1"}}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_addresses(&rows[i]);
}

static void one_address_for_two_models_is_refused_with_the_lines_to_write(void **state)
{
#define BOTH(name) "give each its own: --server a" name "/classifier=http://HOST:PORT --server "
	static const struct address_row rows[] = {
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://b")),
		 {"classifier=http://x:1"},
		 {{"a/classifier", BOTH("") "b/classifier=http://HOST:PORT"}, {"b/classifier", "more than one"}}},
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://b")),
		 {"default/classifier=http://x:1"},
		 {{"a/classifier", BOTH("") "b/classifier"}, {"b/classifier", "more than one"}}},
		{DEPLOYMENT("a", ONE("s3://a")) DEPLOYMENT("b", ONE("s3://b")),
		 {"any=http://x:1"},
		 {{"a/classifier", BOTH("") "b/classifier"}, {"b/classifier", "more than one"}}},
		/* containers, of which nothing is known */
		{DEPLOYMENT("a", "{name: d, graph: {name: classifier}}") DEPLOYMENT("b", "{name: d, graph: {name: classifier}}"),
		 {"classifier=http://x:1"},
		 {{"a/classifier", BOTH("") "b/classifier"}}},
		{DEPLOYMENT("a", TWO), {"a/classifier=http://x:1"}, {{"a.main/classifier", BOTH(".main") "a.canary/classifier"}}},
		/* a Server has one model of a name */
		{DEPLOYMENT("a", "{name: d, graph: {name: classifier, implementation: SKLEARN_SERVER, modelUri: 's3://a'}}")
			 DEPLOYMENT("b", "{name: d, graph: {name: classifier, implementation: SKLEARN_SERVER, modelUri: 's3://b'}}")
				 SERVER,
		 {NULL},
		 {{"a/classifier", BOTH("") "b/classifier"}}},
		{DEPLOYMENT("a", "{name: d, graph: {name: classifier, implementation: SKLEARN_SERVER, modelUri: 's3://a'}}")
			 DEPLOYMENT("b", "{name: d, graph: {name: classifier, implementation: SKLEARN_SERVER, modelUri: 's3://b'}}")
				 SERVER,
		 {"b/classifier=http://x:1"},
		 {{"a/classifier", "http://s:1"}, {"b/classifier", "http://x:1"}}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_addresses(&rows[i]);
}

static void a_step_has_the_model_that_it_locates(void **state)
{
	static const struct address_row rows[] = {
		/* one artifact is one model, which has its name alone */
		{PIPELINE("p", STEP("s", "storageUri: 's3://a'")) PIPELINE("q", STEP("s", "storageUri: 's3://a'")),
		 {"m=http://x:1"},
		 {{"m", "http://x:1"}}},
		{PIPELINE("p", STEP("s", "storageUri: 's3://a'")) PIPELINE("q", STEP("s", "storageUri: 's3://b'")),
		 {"p/m=http://x:1", "q/m=http://y:1"},
		 {{"p/m", "http://x:1"}, {"q/m", "http://y:1"}}},
		{PIPELINE("p", STEP("s", "storageUri: 's3://a'")) PIPELINE("q", STEP("s", "storageUri: 's3://b'")),
		 {"m=http://x:1"},
		 {{"p/m", "--server p/m=http://HOST:PORT --server q/m=http://HOST:PORT"}, {"q/m", "more than one"}}},
		{PIPELINE("p", STEP("s", "storageUri: 'http://x:1/m'")) PIPELINE("q", STEP("s", "storageUri: 'http://y:1/m'")),
		 {NULL},
		 {{"p/m", "http://x:1/m"}, {"q/m", "http://y:1/m"}}},
		{PIPELINE("p", STEP("s", "storageUri: 's3://a'") ", " STEP("t", "storageUri: 's3://b'")),
		 {"p.s/m=http://x:1", "t/m=http://y:1"},
		 {{"p.s/m", "http://x:1"}, {"p.t/m", "http://y:1"}}},
		/* what a step says overrides the Model for that step alone; where its Model is served, it may name the artifact */
		{MODEL("http://x:1/m") PIPELINE("p", "{name: m}") PIPELINE("q", STEP("s", "storageUri: 'http://y:1/m'")),
		 {NULL},
		 {{"m", "http://x:1/m"}, {"q/m", "http://y:1/m"}}},
		{MODEL("http://x:1/m") PIPELINE("p", STEP("s", "storageUri: 's3://a'")), {NULL}, {{"m", "http://x:1/m"}}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_addresses(&rows[i]);
}

/* An Experiment splits the calls of a model by its name. */
static void a_model_of_an_experiment_keeps_its_name(void **state)
{
	static const struct address_row row = {
		PIPELINE("p", STEP("s", "storageUri: 'http://x:1/m'")) PIPELINE("q", STEP("s", "storageUri: 'http://y:1/m'"))
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"
		"spec: {default: m, candidates: [{name: m, weight: 1}, {name: n, weight: 1}]}\n---\n",
		{"n=http://z:1"},
		{{"m", "http://x:1/m"}, {"n", "http://z:1"}}};
	(void)state;
	expect_addresses(&row);
}

/* The settings of a Model are those of a step that has it elsewhere, and not of a node that only has its name. */
static void settings_are_those_of_the_model_of_the_step(void **state)
{
	struct planning p;
	(void)state;
	planning_read(&p,
		      MODEL("s3://m") PIPELINE("q", STEP("s", "storageUri: 's3://b'"))
			      DEPLOYMENT("d", "{name: default, graph: {name: m, modelUri: 's3://c'}}"),
		      step_kinds);
	assert_true(inline_models_name(&p.spec));
	assert_non_null(spec_model(&p.spec, "m"));
	assert_non_null(spec_model(&p.spec, "q/m"));
	assert_non_null(spec_model(&p.spec, "q.s/m"));
	assert_null(spec_model(&p.spec, "d/m"));
	assert_null(spec_model(&p.spec, "gone/m"));
	assert_null(spec_model(&p.spec, "/m"));
	planning_close(&p);
}

static void a_drawing_leaves_out_models_of_the_name_of_their_step(void **state)
{
	static const char *const rows[] = {
		DEPLOYMENT("d", TWO) DEPLOYMENT("e", ONE("s3://c")),
		PIPELINE("p", STEP("m", "storageUri: 's3://a'")) PIPELINE("q", STEP("m", "storageUri: 's3://b'")),
		PIPELINE("p", STEP("m", "storageUri: 's3://a'")) PIPELINE("q", STEP("s", "storageUri: 's3://b'")),
	};
	static const char *const drawn[] = {"{{\"d.main/classifier\"}}", NULL, "{{\"q/m\"}}"};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct plan_options options = {.kinds = step_kinds};
		struct planning p;
		struct plan plan;
		struct buffer out;
		planning_read(&p, rows[i], step_kinds);
		assert_true(inline_models_name(&p.spec));
		planning_plan(&p, &options, &plan);
		buffer_open(&out, (size_t)1 << 16);
		plan_print_mermaid(&plan, &out);
		buffer_byte(&out, '\0');
		if (drawn[i])
			assert_non_null(strstr(out.bytes, drawn[i])); /* the step has another name */
		else
			assert_null(strstr(out.bytes, "{{"));
		assert_null(strstr(out.bytes, "{{\"e/classifier\"}}"));
		assert_null(strstr(out.bytes, "{{\"p/m\"}}"));
		buffer_close(&out);
		planning_close(&p);
	}
}

/* They have the settings of one Model, and its topics. */
static void models_that_share_their_taps_have_them_once(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	const struct plan_options options = {.kinds = step_kinds};
	size_t taps = 0;
	planning_read(&p,
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n"
		      "spec: {storageUri: 's3://a', logger: {percent: 10}}\n---\n" PIPELINE(
			      "p", STEP("s1", "storageUri: 'http://x:1'") ", " STEP("s2", "storageUri: 'http://y:1'")),
		      step_kinds);
	assert_true(inline_models_name(&p.spec));
	planning_plan(&p, &options, &plan);
	const struct callee *one = callee_named(&plan, "p.s1/m"), *other = callee_named(&plan, "p.s2/m");
	for (size_t i = 0; i < plan.pipelines[0].topic_count; i++)
		taps += strcmp(plan.pipelines[0].topics[i].name, "sluice.default.model.m.inputs") == 0;
	assert_int_equal(taps, 1);
	assert_int_equal(one->tap, other->tap);
	assert_string_equal(plan.pipelines[0].topics[one->tap].name, "sluice.default.model.m.inputs");
	assert_string_equal(plan.pipelines[0].topics[one->tap + 1].name, "sluice.default.model.m.outputs");
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_has_the_model_of_its_deployment),
		cmocka_unit_test(one_address_for_two_models_is_refused_with_the_lines_to_write),
		cmocka_unit_test(a_step_has_the_model_that_it_locates),
		cmocka_unit_test(a_model_of_an_experiment_keeps_its_name),
		cmocka_unit_test(settings_are_those_of_the_model_of_the_step),
		cmocka_unit_test(models_that_share_their_taps_have_them_once),
		cmocka_unit_test(a_drawing_leaves_out_models_of_the_name_of_their_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
