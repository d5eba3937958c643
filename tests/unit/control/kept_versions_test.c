/* Versions of Models that experiments name, MODEL@VERSION: what the keeper accepts and keeps, and what engines get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/keeper/change_order.h"
#include "control/keeper/kept_versions.h"
#include "compiler/plan/plan.h"
#include "engine/setup/revision.h"
#include "engine/setup/spec_check.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"
#include "tests/unit/planning.h"
#include "tests/unit/session.h"
#include "tests/unit/table_stand.h"

#define MODEL(name, place)                                                                                                         \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'http://" place "'}\n"
#define EXPERIMENT(candidates)                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: m\n"                       \
	"  candidates: " candidates "\n"
#define ONE_TO_ONE(name) EXPERIMENT("[{name: m, weight: 50}, {name: " name ", weight: 50}]")

#define CHANGES_MOST 100

static const char *const places[] = {"one:1", "two:2", "three:3", "four:4", "five:5", "six:6"};

/* All that is accepted comes into force. */
static void activate(void)
{
	int64_t prepared[CHANGES_MOST];
	const size_t count = (size_t)keeper_ledger(table_stand.keeper)->last_change;
	assert_true(count <= CHANGES_MOST);
	for (size_t i = 0; i < count; i++)
		prepared[i] = (int64_t)i + 1;
	table_report(prepared, count, NULL, 0);
}

/* A version of the Model `m` at one of the places, in force. */
static void model_propose(size_t nth)
{
	static const char *const documents[] = {MODEL("m", "one:1"),  MODEL("m", "two:2"),  MODEL("m", "three:3"),
						MODEL("m", "four:4"), MODEL("m", "five:5"), MODEL("m", "six:6")};
	table_propose("Model", "m", documents[nth]);
	activate();
}

static void models_propose(size_t count)
{
	for (size_t i = 0; i < count; i++)
		model_propose(i);
}

static void expect_refusal(const char *kind, const char *name, const char *yaml, const char *words)
{
	const struct proposal_item item = table_item(kind, name, yaml);
	const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
	const struct verdict_fault *faults = verdict->faults.items;
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_true(verdict->faults.count == 1);
	if (!memmem(faults->text.bytes, faults->text.length, words, strlen(words)))
		fail_msg("`%.*s` does not have `%s`", TEXT_ARGUMENTS(faults->text), words);
	assert_true(faults->line > 0);
}

static void collect(int64_t keep)
{
	const struct proposal_item item = {.action = PROPOSAL_COLLECT, .to = keep, .expected = PROPOSAL_EXPECTS_ANY};
	assert_int_equal(control_ask(&table_stand, (struct proposal){.items = {1, &item}})->outcome, VERDICT_ACCEPTED);
}

static bool version_is_kept(int64_t version)
{
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	return ledger_version_find(ledger_resource_find(ledger, TEXT("Model"), TEXT("m")), version) != NULL;
}

/* ---- what an engine gets ---- */

/* The URL that the pipeline calls for that candidate; NULL: it calls none. */
static const char *called_at(const struct engine_view *view, const char *candidate)
{
	const struct pipeline_plan *plan = plan_find(&view->revision->plan, "p");
	for (size_t i = 0; plan && i < plan->callee_count; i++)
		if (strcmp(plan->callees[i].name, candidate) == 0) {
			const struct model_addresses addresses =
				endpoint_addresses(&plan->callees[i].endpoint, candidate, table_stand.arena);
			assert_int_equal(addresses.count, 1);
			return addresses.items[0].url;
		}
	return NULL;
}

static void expect_call(const struct engine_view *view, const char *candidate, const char *place)
{
	char expected[100];
	snprintf(expected, sizeof expected, "http://%s/v2/models/m/infer", place);
	assert_string_equal(called_at(view, candidate), expected);
}

static const char pipeline[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
			       "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n";

static void a_candidate_calls_the_version_that_it_names(void **state)
{
	struct engine_view view;
	(void)state;
	models_propose(3);
	table_propose("Experiment", "e",
		      EXPERIMENT("[{name: m, weight: 50}, {name: m@2, weight: 20}]\n  mirror: {name: m@1, percent: 5}"));
	table_propose("Experiment", "other",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: other}\nspec:\n"
		      "  candidates: [{name: m@2, weight: 50}, {name: third, weight: 50}]\n");
	table_propose("Pipeline", "p", pipeline);
	activate();
	engine_view_open(&view, CONTROL_IN_FORCE, NULL);
	assert_int_equal(view.documents.count, 6); /* each version once */
	expect_call(&view, "m", places[2]);
	expect_call(&view, "m@1", places[0]);
	expect_call(&view, "m@2", places[1]);
	engine_view_close(&view);
	model_propose(3);
	engine_view_open(&view, CONTROL_IN_FORCE, NULL);
	expect_call(&view, "m", places[3]);
	expect_call(&view, "m@1", places[0]);
	engine_view_close(&view);
}

/* Labels of the newest version of a resource that name a version of a Model. */
static size_t labels_count(const char *kind, const char *name)
{
	const struct ledger_resource *resource =
		ledger_resource_find(keeper_ledger(table_stand.keeper), text_of(kind), text_of(name));
	const struct record_list *labels = &ledger_newest(resource)->record.labels;
	const struct control_label *items = labels->items;
	size_t count = 0;
	for (size_t i = 0; i < labels->count; i++)
		count += text_starts_with(items[i].key, TEXT(KEPT_LABEL));
	return count;
}

static void a_default_may_be_a_version(void **state)
{
	(void)state;
	models_propose(2);
	table_propose("Experiment", "e",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		      "  default: m@1\n  candidates: [{name: m@1, weight: 50}, {name: m@2, weight: 50}]\n");
	assert_int_equal(labels_count("Experiment", "e"), 2);
}

static void an_experiment_in_a_step_may_name_a_version(void **state)
{
	struct engine_view view;
	(void)state;
	models_propose(2);
	table_propose("Pipeline", "p",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		      "  steps:\n"
		      "  - {name: s, experiment: {default: m@1, candidates: [{name: m, weight: 1}, {name: m@1, weight: 1}]}}\n"
		      "  - {name: t, experiment: {default: m, candidates: [{name: m, weight: 1}, {name: m@1, weight: 1}]}}\n"
		      "  output: {steps: [s]}\n");
	activate();
	engine_view_open(&view, CONTROL_IN_FORCE, NULL);
	expect_call(&view, "m@1", places[0]);
	assert_int_equal(view.documents.count, 3);
	assert_int_equal(labels_count("Pipeline", "p"), 1);
	engine_view_close(&view);
	collect(1);
	assert_true(version_is_kept(1));
}

/* What a change prepares has the versions that it names, before it is in force. */
static void a_change_has_the_versions_that_it_names(void **state)
{
	struct engine_view view;
	(void)state;
	models_propose(2);
	table_propose("Pipeline", "p", pipeline);
	activate();
	table_propose("Experiment", "e", ONE_TO_ONE("m@1"));
	engine_view_open(&view, keeper_ledger(table_stand.keeper)->last_change, NULL);
	expect_call(&view, "m@1", places[0]);
	engine_view_close(&view);
}

/* ---- what is kept ---- */

static void a_version_stays_as_long_as_a_kept_version_names_it(void **state)
{
	(void)state;
	models_propose(4);
	table_propose("Experiment", "e", ONE_TO_ONE("m@2"));
	activate();
	collect(1);
	assert_false(version_is_kept(1));
	assert_true(version_is_kept(2));
	assert_false(version_is_kept(3));
	assert_true(version_is_kept(4));
	table_propose("Experiment", "e", ONE_TO_ONE("m@4"));
	activate();
	collect(2);
	assert_true(version_is_kept(2)); /* a rollback of the experiment needs it */
	collect(1);
	collect(1); /* the experiment's version went, then what it named */
	assert_false(version_is_kept(2));
}

static void a_version_stays_also_where_old_versions_are_collected_by_themselves(void **state)
{
	(void)state;
	models_propose(2);
	table_propose("Experiment", "e", ONE_TO_ONE("m@1"));
	activate();
	for (size_t i = 0; i < KEEPER_VERSIONS + 5; i++)
		model_propose(i % 6);
	assert_true(version_is_kept(1));
	assert_false(version_is_kept(2));
}

/* ---- what is refused ---- */

static void a_version_that_is_not_there_is_refused(void **state)
{
	(void)state;
	expect_refusal("Experiment", "e", ONE_TO_ONE("m@1"),
		       "`m@1` is a version of the Model `m`, which the control plane does not have");
	models_propose(3);
	expect_refusal("Experiment", "e", ONE_TO_ONE("m@9"),
		       "the Model `m` has no version 9 that was in force; it has 3, 2, 1: name one of these");
	const struct failed_change of_other = {4, TEXT("it cannot")};
	table_propose("Model", "n", MODEL("n", "one:1"));
	table_report(NULL, 0, &of_other, 1);
	expect_refusal("Experiment", "e", ONE_TO_ONE("n@1"),
		       "version 1 of the Model `n` failed; none was ever in force: apply the Model first");
	expect_refusal("Experiment", "e", ONE_TO_ONE("n@2"),
		       "the Model `n` has no version 2 that was in force; none was ever in force: apply the Model first");
	table_propose("Model", "m", MODEL("m", "later:1"));
	expect_refusal("Experiment", "e", ONE_TO_ONE("m@4"),
		       "version 4 of the Model `m` is not in force yet; apply again when it is");
	const struct failed_change failed = {5, TEXT("it cannot")};
	table_report(NULL, 0, &failed, 1);
	expect_refusal("Experiment", "e", ONE_TO_ONE("m@4"),
		       "version 4 of the Model `m` failed; it has 3, 2, 1: name one of these");
	table_propose("Model", "m", NULL);
	activate();
	expect_refusal("Experiment", "e", ONE_TO_ONE("m@5"), "it has 3, 2, 1: name one of these"); /* the deletion */
}

static void a_model_of_which_a_version_is_named_cannot_be_deleted(void **state)
{
	(void)state;
	models_propose(2);
	table_propose("Model", "other", MODEL("other", "other:1"));
	table_propose("Experiment", "e",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		      "  candidates: [{name: other, weight: 50}, {name: m@1, weight: 50}]\n");
	activate();
	expect_refusal("Model", "m", NULL, "the experiment needs `m@1`, which is to be deleted; delete or change it too");
	table_propose("Experiment", "e", NULL);
	table_propose("Model", "m", NULL);
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	assert_true(change_waits(ledger, ledger_change_find(ledger, ledger->last_change))); /* for the experiment to go */
}

/* ---- names, and files ---- */

static void expect_name(const char *text, const char *model, int64_t version)
{
	struct text found = {0};
	int64_t number = 0;
	const bool is_read = named_version_read(text_of(text), &found, &number);
	assert_true(is_read == (version > 0));
	assert_true(!is_read || text_is(found, model));
	assert_true(number == version);
}

static void names_are_split_at_their_last_sign(void **state)
{
	(void)state;
	expect_name("m@7", "m", 7);
	expect_name("a@b@12", "a@b", 12);
	expect_name("m@9223372036854775807", "m", INT64_MAX);
	expect_name("m@9223372036854775808", NULL, 0);
	expect_name("m@18446744073709551617", NULL, 0);
	expect_name("m@07", NULL, 0);
	expect_name("m@0", NULL, 0);
	expect_name("m@", NULL, 0);
	expect_name("m@-1", NULL, 0);
	expect_name("m@1x", NULL, 0);
	expect_name("@7", NULL, 0);
	expect_name("m", NULL, 0);
	expect_name("", NULL, 0);
}

static const char files[] = MODEL("m", "one:1") "---\n" ONE_TO_ONE(
	"m@1") "---\n"
	       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
	       "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n";

static void files_have_no_versions(void **state)
{
	struct planning planning;
	struct plan plan;
	struct error error = {0};
	(void)state;
	planning_open(&planning, files); /* as lint reads them: they may be for a control plane */
	assert_true(spec_check(&planning.spec, false, &error));
	assert_int_equal(planning_errors(&planning), 0);
	assert_string_equal(planning_fault(&planning, CODE_NAMED_VERSION)->message,
			    "`m@1` is version 1 of the Model `m`: a control plane has it, `sluice run -f` has not");
	assert_int_equal(faults_total(planning.spec.faults), 1);
	planning_close(&planning);
	planning_read(&planning, files, step_kinds);
	planning_plan(&planning, &(struct plan_options){.kinds = step_kinds, .files_alone = true}, &plan);
	assert_true(planning_errors(&planning) > 0);
	assert_string_equal(planning_fault(&planning, CODE_MISSING_VERSION)->message,
			    "`m@1` is version 1 of the Model `m`, and files have no versions");
	planning_close(&planning);
}

/* Commands that run nothing need its names. */
static void a_plan_of_files_leaves_versions_to_the_control_plane(void **state)
{
	struct planning planning;
	struct plan plan;
	(void)state;
	planning_read(&planning, files, step_kinds);
	planning_plan(&planning, NULL, &plan);
	assert_int_equal(planning_errors(&planning), 0);
	(void)planning_fault(&planning, CODE_NAMED_VERSION);
	const struct pipeline_plan *p = plan_find(&plan, "p");
	assert_true(plan_is_noted(&p->notes, "`m@1`, which step `s` calls, is planned as the Model `m` of the files: the "
					     "control plane resolves the version"));
	assert_int_equal(p->callee_count, 2);
	assert_string_equal(p->callees[1].endpoint.addresses, p->callees[0].endpoint.addresses);
	planning_close(&planning);
}

static void expect_said(const char *line, int code, const char *words)
{
	struct said said = say_with(step_kinds, line);
	assert_int_equal(said.code, code);
	expect_words(code == 0 ? said.out : said.err, words);
	assert_null(strstr(said.err, CODE_MISSING_VERSION));
	said_close(&said);
}

/* No Kafka is asked for a pipeline that the files do not have. */
static void commands_that_need_names_take_files_with_versions(void **state)
{
	char folder[] = "/tmp/sluice-versions-XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	write_file("q.yaml", files);
	expect_said("plan q.yaml", 0, "the control plane resolves the version");
	expect_said("tail nobody -f q.yaml --brokers 127.0.0.1:1", 2, "the files have no pipeline `nobody`");
	expect_said("experiments analyze nobody -f q.yaml --brokers 127.0.0.1:1", 2, "no pipeline of the files has the experiment");
	struct said said = say_with(step_kinds, "run q.yaml --brokers 127.0.0.1:1");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, CODE_MISSING_VERSION);
	said_close(&said);
	(void)unlink("q.yaml");
	assert_int_equal(chdir("/"), 0);
	(void)rmdir(folder);
}

static void a_pipeline_has_no_versions_that_can_be_named(void **state)
{
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "1", "1"));
	table_propose("Pipeline", "q", TABLE_PIPELINE("q", "1", "1"));
	activate();
	table_propose("Experiment", "e",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		      "  resourceType: pipeline\n  default: p\n  candidates: [{name: p, weight: 1}, {name: p@1, weight: 1}]\n");
	expect_refusal("Pipeline", "r",
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: r}\nspec:\n"
		       "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n",
		       "the experiment `e` names `p@1`, a version of a Pipeline; deploy that version as a Pipeline of another "
		       "name");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, table_stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		WITH(a_candidate_calls_the_version_that_it_names),
		WITH(a_default_may_be_a_version),
		WITH(an_experiment_in_a_step_may_name_a_version),
		WITH(a_change_has_the_versions_that_it_names),
		WITH(a_version_stays_as_long_as_a_kept_version_names_it),
		WITH(a_version_stays_also_where_old_versions_are_collected_by_themselves),
		WITH(a_version_that_is_not_there_is_refused),
		WITH(a_model_of_which_a_version_is_named_cannot_be_deleted),
		cmocka_unit_test(names_are_split_at_their_last_sign),
		cmocka_unit_test(files_have_no_versions),
		cmocka_unit_test(a_plan_of_files_leaves_versions_to_the_control_plane),
		cmocka_unit_test(commands_that_need_names_take_files_with_versions),
		WITH(a_pipeline_has_no_versions_that_can_be_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
