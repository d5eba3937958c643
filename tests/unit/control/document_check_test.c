/* document_check_test.c: Tests of the check of documents: what a keeper refuses for the documents' sake, with the
 * place of each error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/document_check.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"
#include "tests/unit/control_stand.h"

#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"
#define PIPELINE(name, steps)                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n  steps: " steps "\n"

static struct control_stand stand;
static struct document_checker checker = {.kinds = step_kinds, .namespace = "default"};

static int documents_setup(void **state)
{
	(void)state;
	control_open(&stand);
	stand.options.checker = document_check_of(&checker);
	control_keeper_start(&stand);
	return 0;
}

static int documents_teardown(void **state)
{
	(void)state;
	control_close(&stand);
	return 0;
}

static const struct control_verdict *propose(const char *kind, const char *name, const char *yaml)
{
	const struct proposal_item item = {.kind = text_of(kind),
					   .name = text_of(name),
					   .action = yaml ? PROPOSAL_APPLY : PROPOSAL_DELETE,
					   .document = text_of(yaml),
					   .expected = PROPOSAL_EXPECTS_ANY};
	return control_ask(&stand, (struct proposal){.items = {1, &item}});
}

static void accepts(const char *kind, const char *name, const char *yaml)
{
	const struct control_verdict *verdict = propose(kind, name, yaml);
	const struct verdict_fault *faults = verdict->faults.items;
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("%.*s: %.*s", TEXT_ARGUMENTS(verdict->why), TEXT_ARGUMENTS(faults ? faults->text : TEXT("")));
}

static const struct verdict_fault *refuses(const char *kind, const char *name, const char *yaml)
{
	const struct control_verdict *verdict = propose(kind, name, yaml);
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_true(verdict->faults.count > 0);
	return verdict->faults.items;
}

static void a_document_is_read_with_all_that_is_accepted(void **state)
{
	(void)state;
	accepts("Model", "m", MODEL("m"));
	accepts("Pipeline", "p", PIPELINE("p", "[{name: m}]"));
	accepts("Pipeline", "q",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
		"  input: {externalInputs: [p.outputs]}\n  steps: [{name: m}]\n");
}

/* As an earlier sluice would propose them. */
static void secrets_that_yaml_may_not_name_are_refused(void **state)
{
	(void)state;
#define WEBHOOK(secret)                                                                                                            \
	PIPELINE("p", "[{name: a, expression: {set: {y: x}}}]\n  output: {steps: [a]}\n  alerts:\n  - name: large\n"               \
		      "    condition: y > 1\n    actions: [{type: webhook, url: 'https://a.example/', "                            \
		      "format: pagerduty, secret: '" secret "'}]")
	static const char *const documents[] = {WEBHOOK("file:/etc/shadow"), WEBHOOK("env:KAFKA_PASSWORD"),
						WEBHOOK("file:../key")};
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		const struct verdict_fault *fault = refuses("Pipeline", "p", documents[i]);
		assert_true(text_is(fault->code, CODE_BAD_SECRET));
		assert_int_equal(fault->line, 10);
	}
	accepts("Pipeline", "p", WEBHOOK("env:SLUICE_SECRET_PAGER"));
	accepts("Pipeline", "p", WEBHOOK("file:pager/key"));
#undef WEBHOOK
}

static void errors_have_the_place_in_their_document(void **state)
{
	(void)state;
	accepts("Model", "m", MODEL("m"));
	const struct verdict_fault *fault = refuses("Pipeline", "p", PIPELINE("p", "[{name: m, inputz: [x]}]"));
	assert_true(text_is(fault->kind, "Pipeline") && text_is(fault->name, "p"));
	assert_int_equal(fault->line, 5);
	assert_int_equal(fault->column, 21);
	assert_true(text_is(fault->code, CODE_UNKNOWN_FIELD));
	fault = refuses("Pipeline", "p", "a: [");
	assert_true(text_is(fault->name, "p") && fault->line > 0);
	assert_null(ledger_resource_find(keeper_ledger(stand.keeper), TEXT("Pipeline"), TEXT("p")));
}

/* What is left behind is named, not what is deleted. */
static void a_rollout_that_the_keeper_could_not_run_is_refused(void **state)
{
	(void)state;
	static const char yaml[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				   "  default: a\n  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
				   "  progressiveDeployment: {schedule: [5, 50], checkEvery: 10ms}\n";
	accepts("Model", "a", MODEL("a"));
	accepts("Model", "b", MODEL("b"));
	const struct verdict_fault *fault = refuses("Experiment", "e", yaml);
	assert_int_equal(fault->line, 7);
	assert_non_null(memmem(fault->text.bytes, fault->text.length, "checkEvery is below 1 s", 23));
}

static void a_criterion_is_judged_by_the_keeper_as_by_lint(void **state)
{
	(void)state;
#define BY(metric)                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  default: a\n  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                             \
	"  progressiveDeployment: {schedule: [5, 50]}\n"                                                                           \
	"  successCriteria: [{metricName: " metric ", threshold: 100, operator: \"<\"}]\n"
	accepts("Model", "a", MODEL("a"));
	accepts("Model", "b", MODEL("b"));
	const struct verdict_fault *fault = refuses("Experiment", "e", BY("latency_p100"));
	assert_int_equal(fault->line, 8);
	assert_non_null(memmem(fault->text.bytes, fault->text.length, "not `latency_p100`", 18));
	accepts("Experiment", "e", BY("latency_p99"));
}

#define EXPERIMENT(candidates)                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: " candidates "\n"

static void a_candidate_cannot_be_deleted(void **state)
{
	(void)state;
	accepts("Model", "a", MODEL("a"));
	accepts("Model", "b", MODEL("b"));
	accepts("Experiment", "e", EXPERIMENT("[{name: a, weight: 50}, {name: b, weight: 50}]"));
	const struct verdict_fault *fault = refuses("Model", "b", NULL);
	assert_true(text_is(fault->kind, "Experiment") && text_is(fault->name, "e"));
	assert_true(text_starts_with(fault->text, TEXT("the experiment needs `b`, which is to be deleted")));
	accepts("Model", "c", MODEL("c"));
	accepts("Experiment", "e", NULL);
	accepts("Model", "b", NULL);
}

/* As in Seldon: one of them would take no calls. */
static void a_second_experiment_with_a_default_is_refused(void **state)
{
	(void)state;
#define NAMED(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: " name "}\nspec:\n  default: a\n"                \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
	accepts("Model", "a", MODEL("a"));
	accepts("Model", "b", MODEL("b"));
	accepts("Experiment", "e", NAMED("e"));
	const struct verdict_fault *fault = refuses("Experiment", "d", NAMED("d"));
	assert_int_equal(fault->line, 5);
	assert_true(text_is(fault->kind, "Experiment") && text_is(fault->name, "d"));
	assert_non_null(memmem(fault->text.bytes, fault->text.length, "is the default of the experiment `e` already", 44));
	accepts("Experiment", "e", NAMED("e"));
	accepts("Experiment", "e", NULL);
	accepts("Experiment", "d", NAMED("d"));
}

/* As files are deployed, one by one, in the order of their names. */
static void an_experiment_may_come_before_its_candidates(void **state)
{
	(void)state;
	accepts("Experiment", "e", EXPERIMENT("[{name: a, weight: 50}, {name: b, weight: 50}]"));
	accepts("Pipeline", "p", PIPELINE("p", "[{name: m}]"));
	accepts("Model", "a", MODEL("a"));
	accepts("Experiment", "e", EXPERIMENT("[{name: a, weight: 60}, {name: b, weight: 40}]"));
	accepts("Model", "b", MODEL("b"));
}

static void a_delete_that_breaks_another_document_is_refused(void **state)
{
	(void)state;
	accepts("Pipeline", "p", PIPELINE("p", "[{name: m}]\n  output: {steps: [m]}"));
	accepts("Pipeline", "q",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
		"  input: {externalInputs: [p.step.m.outputs]}\n  steps: [{name: m}]\n");
	const struct verdict_fault *fault = refuses("Pipeline", "p", PIPELINE("p", "[{name: other}]\n  output: {steps: [other]}"));
	assert_true(text_is(fault->kind, "Pipeline") && text_is(fault->name, "q"));
	fault = refuses("Pipeline", "p", NULL);
	assert_true(text_is(fault->kind, "Pipeline") && text_is(fault->name, "q"));
	accepts("Pipeline", "q", NULL);
	accepts("Pipeline", "p", NULL);
}

static void a_model_that_a_pipeline_calls_cannot_be_deleted(void **state)
{
	(void)state;
	accepts("Model", "m", MODEL("m"));
	accepts("Pipeline", "p", PIPELINE("p", "[{name: m}]"));
	const struct verdict_fault *fault = refuses("Model", "m", NULL);
	assert_true(text_is(fault->kind, "Pipeline") && text_is(fault->name, "p") && fault->line == 1);
	assert_true(text_is(fault->text, "the pipeline needs `m`, which is to be deleted; delete or change it too"));
	const struct proposal_item both[] = {
		{.kind = TEXT("Model"), .name = TEXT("m"), .action = PROPOSAL_DELETE, .expected = PROPOSAL_EXPECTS_ANY},
		{.kind = TEXT("Pipeline"), .name = TEXT("p"), .action = PROPOSAL_DELETE, .expected = PROPOSAL_EXPECTS_ANY},
	};
	accepts("Pipeline", "m", PIPELINE("m", "[{name: other}]"));
	accepts("Pipeline", "m", NULL); /* the model of that name is still there */
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {2, both}})->outcome, VERDICT_ACCEPTED);
}

static void a_document_is_the_resource_that_it_is_said_to_be(void **state)
{
	(void)state;
	const struct verdict_fault *fault = refuses("Pipeline", "p", MODEL("p"));
	assert_true(text_is(fault->text, "the document is another resource than the one under whose name it is proposed"));
	assert_true(text_is(fault->name, "p") && fault->line == 0);
	(void)refuses("Model", "n", MODEL("m"));
	fault = refuses("Model", "m", MODEL("m") "---\n" MODEL("n"));
	assert_true(text_is(fault->text, "the document has several resources; propose each under its own name"));
	fault = refuses("Model", "m",
			"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m, namespace: other}\n"
			"spec: {storageUri: 'stub://echo'}\n");
	assert_true(text_is(fault->text, "the resource is in the namespace `other`, and is proposed for `default`"));
}

/* Aliases that multiply: the parser's own limit. */
static void a_yaml_bomb_is_refused(void **state)
{
	static char yaml[4096];
	size_t length = 0;
	(void)state;
	length += (size_t)snprintf(yaml, sizeof yaml, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		length += (size_t)snprintf(yaml + length, sizeof yaml - length, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			length += (size_t)snprintf(yaml + length, sizeof yaml - length, "%s*a%d", j ? ", " : "", i - 1);
		length += (size_t)snprintf(yaml + length, sizeof yaml - length, "]\n");
	}
	const struct verdict_fault *fault = refuses("Pipeline", "p", yaml);
	assert_true(fault->line > 0);
	assert_non_null(memmem(fault->text.bytes, fault->text.length, "values once its aliases are written out", 39));
}

/* Texts of a megabyte that are some fifty times as large when they are read. */
static void documents_that_need_too_much_memory_are_refused(void **state)
{
	enum { COUNT = 12, ONES = 480000 };
	struct proposal_item items[COUNT];
	struct buffer yaml;
	(void)state;
	buffer_open(&yaml, (size_t)1 << 20);
	buffer_string(&yaml, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: [1");
	for (size_t i = 0; i < ONES; i++)
		buffer_string(&yaml, ",1");
	buffer_string(&yaml, "]\n");
	for (size_t i = 0; i < COUNT; i++)
		items[i] = (struct proposal_item){.kind = TEXT("Model"),
						  .name = text_of(arena_print(stand.arena, "m%zu", i)),
						  .document = buffer_view(&yaml)};
	const struct record_list list = {COUNT, items};
	struct keeper_findings findings = {0};
	struct error error = {0};
	const struct keeper_checker keeper = document_check_of(&checker);
	assert_true(keeper.check(keeper.context, &list, keeper_ledger(stand.keeper), stand.arena, &findings, &error));
	assert_true(findings.faults.count == 1);
	assert_true(text_is(((const struct verdict_fault *)findings.faults.items)->text,
			    "the documents so far need more than 256 MiB of memory; propose smaller ones"));
	buffer_close(&yaml);
}

/* The Server was accepted before: it is not among the files of the one who applies the Model. */
static void a_requirement_that_no_accepted_server_offers_is_a_warning(void **state)
{
	static const char *const documents[] = {"sklern==1.4", "sklearn==1.4"};
	const struct keeper_checker keeper = document_check_of(&checker);
	(void)state;
	accepts("Server", "s",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n"
		"spec: {capabilities: [sklearn], endpoints: ['http://127.0.0.1:9']}\n");
	for (size_t i = 0; i < 2; i++) {
		const struct proposal_item item = {
			.kind = TEXT("Model"),
			.name = TEXT("m"),
			.document = text_of(
				arena_print(stand.arena,
					    "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec:\n"
					    "  storageUri: gs://b/m\n  requirements: [%s]\n",
					    documents[i]))};
		const struct record_list list = {1, &item};
		struct keeper_findings findings = {0};
		struct error error = {0};
		assert_true(keeper.check(keeper.context, &list, keeper_ledger(stand.keeper), stand.arena, &findings, &error));
		assert_int_equal(findings.faults.count, 0);
		assert_int_equal(findings.warnings.count, 1 - i);
		const struct verdict_fault *warning = findings.warnings.items;
		if (i > 0)
			continue;
		assert_true(text_is(warning->name, "m") && text_is(warning->code, "SL0532"));
		assert_int_equal(warning->line, 6);
		assert_true(text_is(warning->text, "no Server has the capability `sklern==1.4`: there is none at which the model "
						   "can be called; did you mean `sklearn`?"));
	}
}

#define ECHO "[{name: a, expression: {set: {y: x}}}]"

/* The warning that the document has anyway is none of the proposal. */
static void a_document_is_warned_of_that_loses_what_it_names_by_the_proposal(void **state)
{
	static const char *const deleted[] = {"other", "trading"};
	(void)state;
	accepts("Pipeline", "trading", PIPELINE("trading", ECHO));
	accepts("Pipeline", "other", PIPELINE("other", ECHO));
	accepts("Pipeline", "w",
		PIPELINE("w", ECHO "\n  alerts:\n"
				   "  - {name: quiet, absent: trading for 5m, actions: [{type: topic}]}\n"
				   "  - {name: former, absent: nothing for 5m, actions: [{type: topic}]}\n"));
	for (size_t i = 0; i < 2; i++) {
		const struct proposal_item item = {
			.kind = TEXT("Pipeline"), .name = text_of(deleted[i]), .action = PROPOSAL_DELETE, .expected = 1};
		const struct record_list list = {1, &item};
		struct record_list warnings = {0};
		struct error error = {0};
		assert_true(document_check_others(&checker, &list, keeper_ledger(stand.keeper), stand.arena, &warnings, &error));
		assert_int_equal(warnings.count, i);
		const struct verdict_fault *warning = warnings.items;
		if (i > 0)
			assert_true(text_is(warning->name, "w") && text_is(warning->code, "SL0525"));
	}
}

/* As after an upgrade: the keeper's checker is stricter than the one that accepted the document. */
static void an_error_in_an_accepted_document_refuses_only_what_touches_it(void **state)
{
	const struct keeper_checker strict = stand.options.checker;
	(void)state;
	stand.options.checker = (struct keeper_checker){0};
	control_keeper_start(&stand);
	accepts("Pipeline", "broken", PIPELINE("broken", "[{name: m, inputz: [x]}]"));
	accepts("Pipeline", "p", PIPELINE("p", "[{name: m}]\n  output: {steps: [m]}"));
	stand.options.checker = strict;
	control_keeper_start(&stand);
	accepts("Pipeline", "p", PIPELINE("p", "[{name: other}]\n  output: {steps: [other]}"));
	const struct proposal_item back = {
		.kind = TEXT("Pipeline"), .name = TEXT("p"), .action = PROPOSAL_ROLLBACK, .to = 1, .expected = 2};
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {1, &back}})->outcome, VERDICT_ACCEPTED);
	accepts("Pipeline", "q",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
		"  input: {externalInputs: [p.step.m.outputs]}\n  steps: [{name: m}]\n");
	const struct verdict_fault *fault = refuses("Pipeline", "p", PIPELINE("p", "[{name: n}]\n  output: {steps: [n]}"));
	assert_true(text_is(fault->name, "q")); /* which was good before */
	fault = refuses("Pipeline", "broken", PIPELINE("broken", "[{name: m, inputz: [x]}]"));
	assert_true(text_is(fault->name, "broken") && fault->line == 5); /* its own error */
	fault = refuses("Pipeline", "p", PIPELINE("p", "[{name: m, inputz: [x]}]"));
	assert_true(text_is(fault->name, "p") && fault->line == 5); /* the same error elsewhere */
	accepts("Pipeline", "broken", NULL);
}

#define RUNTIME(prefix)                                                                                                            \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\n"                                         \
	"spec: {config: {kafkaConfig: {topicPrefix: " prefix "}}}\n"

static void a_runtime_has_the_prefix_of_the_control_plane(void **state)
{
	(void)state;
	checker.prefix = "acme";
	const struct verdict_fault *fault = refuses("SeldonRuntime", "r", RUNTIME("other"));
	if (!text_is(fault->text, "`topicPrefix` is `other`, and the topics of this control plane have `acme`: start its engines "
				  "with --topic-prefix, or leave it out"))
		fail_msg("%.*s", TEXT_ARGUMENTS(fault->text));
	accepts("SeldonRuntime", "r", RUNTIME("acme"));
	checker.prefix = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, documents_setup, documents_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_document_is_read_with_all_that_is_accepted),
		TEST(secrets_that_yaml_may_not_name_are_refused),
		TEST(errors_have_the_place_in_their_document),
		TEST(a_rollout_that_the_keeper_could_not_run_is_refused),
		TEST(a_criterion_is_judged_by_the_keeper_as_by_lint),
		TEST(a_candidate_cannot_be_deleted),
		TEST(a_second_experiment_with_a_default_is_refused),
		TEST(an_experiment_may_come_before_its_candidates),
		TEST(a_delete_that_breaks_another_document_is_refused),
		TEST(a_model_that_a_pipeline_calls_cannot_be_deleted),
		TEST(a_document_is_the_resource_that_it_is_said_to_be),
		TEST(an_error_in_an_accepted_document_refuses_only_what_touches_it),
		TEST(a_runtime_has_the_prefix_of_the_control_plane),
		TEST(a_yaml_bomb_is_refused),
		TEST(documents_that_need_too_much_memory_are_refused),
		TEST(a_requirement_that_no_accepted_server_offers_is_a_warning),
		TEST(a_document_is_warned_of_that_loses_what_it_names_by_the_proposal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
