/* apply_test.c: Tests of the commands of the control plane, against a keeper on a broker: apply, get and the others. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "steps/kinds.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/session.h"
#include "tests/unit/status_stand.h"

#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps: [{name: m}] # one step\n"

static void documents_are_kept_as_they_were_written(void **state)
{
	(void)state;
	apply_file("a.yaml", "# the model\n" MODEL("m") "---\n# the pipeline\n" PIPELINE "# its end\n");
	apply_runs(EXIT_GOOD, "Model/m version 1 accepted (change 1)\nPipeline/p version 1 accepted (change 1)\n",
		   "apply %s --author ann --reason begin", apply_stand.folder);
	apply_runs(EXIT_GOOD, "# the model\n" MODEL("m") "---\n# the pipeline\n" PIPELINE "# its end\n", "get -o yaml");
	apply_runs(EXIT_GOOD, "Model/m\nPipeline/p\n", "get -o name");
	apply_runs(EXIT_GOOD, "{\"kind\": \"Pipeline\", \"name\": \"p\", ", "get pipelines -o json");
	apply_runs(EXIT_GOOD, "ann                      begin\n", "history pipeline/p");
	apply_runs(EXIT_GOOD, "Model/m unchanged\nPipeline/p unchanged\n", "apply -f %s", apply_stand.folder);
}

static void a_list_and_documents_with_aliases_are_applied_too(void **state)
{
	(void)state;
	apply_file("a.yaml", "apiVersion: v1\nkind: List\nitems:\n"
			     "- apiVersion: mlops.seldon.io/v1alpha1\n  kind: Model\n  metadata: {name: one}\n"
			     "  spec: &spec {storageUri: 'stub://echo'}\n"
			     "- apiVersion: mlops.seldon.io/v1alpha1\n  kind: Model\n  metadata: {name: two}\n  spec: *spec\n");
	apply_runs(EXIT_GOOD, "Model/one version 1 accepted (change 1)\nModel/two version 1 accepted (change 1)\n", "apply %s",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "stub://echo", "get model/two -o yaml");
}

static void a_version_that_was_not_seen_is_a_conflict(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s --author ann", apply_stand.folder);
	apply_file("a.yaml", MODEL("m") "# other\n");
	apply_runs(EXIT_FAULTS, "sluice: conflict: `Model/m` is at version 1, applied by ann, and version 0 was expected",
		   "apply %s --expect model/m=0", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "{\"outcome\": \"conflict\", \"why\": ", "apply %s --expect models/m=0 -o json",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "version 2 accepted", "apply %s --expect model/m=1", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "--expect takes KIND/NAME=VERSION", "apply %s --expect model/m", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "--expect names `model/q`, which is not in the files", "apply %s --expect model/q=1",
		   apply_stand.folder);
}

static void faults_have_the_place_in_the_file(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m") "---\n" PIPELINE "  output: {steps: [nobody]}\n");
	apply_runs(EXIT_FAULTS, "a.yaml:11:", "apply %s", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "\"outcome\": \"refused\"", "apply %s -o json", apply_stand.folder);
	apply_runs(EXIT_GOOD, "namespace `default` has no such resource", "get");
}

/* Aliases that multiply. */
static void a_yaml_bomb_is_not_proposed(void **state)
{
	char yaml[2 * LINE_BYTES];
	size_t length = 0;
	(void)state;
	length += (size_t)snprintf(yaml, sizeof yaml, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		length += (size_t)snprintf(yaml + length, sizeof yaml - length, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			length += (size_t)snprintf(yaml + length, sizeof yaml - length, "%s*a%d", j ? ", " : "", i - 1);
		length += (size_t)snprintf(yaml + length, sizeof yaml - length, "]\n");
	}
	apply_file("a.yaml", yaml);
	apply_runs(EXIT_FAULTS, "more than 1048576 values once its aliases are written out", "apply %s", apply_stand.folder);
}

static void a_secret_in_clear_is_not_proposed(void **state)
{
	(void)state;
#define RUNTIME(password)                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec:\n  config:\n" \
	"    kafkaConfig:\n      producer:\n        sasl.password: " password "\n"
	apply_file("r.yaml", RUNTIME("hunter2"));
	apply_runs(1, "r.yaml:8:24: a secret would be stored in Kafka in clear", "apply %s/r.yaml", apply_stand.folder);
	apply_runs(1, "r.yaml:8:24: a secret would be stored in Kafka in clear", "apply --dry-run %s/r.yaml", apply_stand.folder);
	apply_file("r.yaml", RUNTIME("env:SLUICE_SECRET_APPLY_TEST"));
	assert_int_equal(setenv("SLUICE_SECRET_APPLY_TEST", "hunter2", 1), 0);
	apply_runs(0, "version 1 accepted", "apply %s/r.yaml", apply_stand.folder);
#undef RUNTIME
}

static void a_dry_run_proposes_nothing(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "Model/m created\n", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "--- nothing\n+++ Model/m in the files\n@@ -0,0 +1,4 @@\n", "diff %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "namespace `default` has no such resource", "get");
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s", apply_stand.folder);
	apply_file("a.yaml", MODEL("m") "# of https://host/?token=secret\n");
	apply_file("b.yaml", MODEL("n"));
	apply_runs(EXIT_GOOD, "Model/m changed\nModel/n created\n", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "+# of https://host/?token=***\n", "diff %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "", "diff %s -o json", apply_stand.folder);
}

#define TRAFFIC(a, b)                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                               \
	"  steps: [{name: by, traffic: {shares: [{weight: " a ", call: a}, {weight: " b ", call: b}]}}]\n"

static void a_dry_run_shows_how_many_buckets_move(void **state)
{
	(void)state;
	apply_file("a.yaml", TRAFFIC("90", "10"));
	apply_runs(EXIT_GOOD, "Pipeline/p created\n", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s", apply_stand.folder);
	apply_file("a.yaml", TRAFFIC("75", "25"));
	apply_runs(EXIT_GOOD, "Pipeline/p changed\np/by moves 1500 of 10000 buckets: a 75.00 %, b 25.00 %\n", "apply %s --dry-run",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "\"choice\": \"p/by\", \"effect\": \"moved\", \"moved\": 1500}\n", "apply %s --dry-run -o json",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "version 2 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Pipeline/p unchanged\n", "apply %s --dry-run", apply_stand.folder);
}

static void what_is_no_longer_in_the_folder_is_pruned(void **state)
{
	(void)state;
	char path[LINE_BYTES];
	apply_file("a.yaml", MODEL("m"));
	apply_file("b.yaml", MODEL("n"));
	(void)snprintf(path, sizeof path, "%s/b.yaml", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s", apply_stand.folder);
	apply_file("alone.yaml", MODEL("elsewhere"));
	apply_runs(EXIT_GOOD, "Model/elsewhere version 1 accepted", "apply %s/alone.yaml", apply_stand.folder);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof path, "%s/alone.yaml", apply_stand.folder);
	assert_int_equal(unlink(path), 0);
	apply_runs(EXIT_GOOD, "Model/n deleted\nModel/m unchanged\n", "apply %s --prune --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n version 2 accepted", "apply %s --prune", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m unchanged\n", "apply %s --prune --dry-run", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "--prune needs one folder", "apply %s/a.yaml --prune", apply_stand.folder);
}

#define LABELLED(name, labels)                                                                                                     \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name ", labels: " labels "}\n"                 \
	"spec: {storageUri: 'stub://echo'}\n"

static void labels_of_the_metadata_select(void **state)
{
	(void)state;
	apply_file("a.yaml", LABELLED("one", "{team: x, tier: gold}") LABELLED("two", "{team: y}") "---\n" MODEL("three"));
	apply_runs(EXIT_GOOD, "Model/two version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/one\n", "get -l team=x -l tier!=silver,!zone -o name");
	apply_runs(EXIT_GOOD, "Model/one unchanged\n", "apply %s", apply_stand.folder);
	apply_file("a.yaml", LABELLED("one", "{team: z, sluice.io/folder: elsewhere}"));
	apply_runs(EXIT_GOOD, "Model/one version 2 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "has no such resource", "get -l sluice.io/folder=elsewhere");
}

static void what_moved_to_another_folder_is_not_pruned(void **state)
{
	char path[64], line[128];
	(void)state;
	(void)snprintf(line, sizeof line, "mkdir %s/a %s/b", apply_stand.folder, apply_stand.folder);
	assert_int_equal(system(line), 0);
	apply_file("a/m.yaml", MODEL("m"));
	apply_file("a/n.yaml", MODEL("n"));
	apply_runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s/a", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n unchanged", "apply %s/a", apply_stand.folder);
	apply_file("b/n.yaml", MODEL("n"));
	(void)snprintf(path, sizeof path, "%s/a/n.yaml", apply_stand.folder);
	assert_int_equal(unlink(path), 0);
	apply_runs(EXIT_GOOD, "Model/n version 2 accepted", "apply %s/b", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m unchanged\n", "apply %s/a --prune", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n unchanged\n", "apply %s/b", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n unchanged\n", "apply %s/b/n.yaml", apply_stand.folder);
}

static void repository_make(const char *name, const char *url)
{
	char line[LINE_BYTES], path[64];
	(void)snprintf(line, sizeof line, "mkdir -p %s/%s/.git %s/%s/pipelines", apply_stand.folder, name, apply_stand.folder,
		       name);
	assert_int_equal(system(line), 0);
	(void)snprintf(path, sizeof path, "%s/.git/config", name);
	(void)snprintf(line, sizeof line,
		       "[core]\n\tbare = false\n[remote \"up\"]\n\turl = x\n[remote \"origin\"]\n\turl = %s\n", url);
	apply_file(path, line);
}

/* Two teams with a folder of the same name; and the same folder in two checkouts. */
static void a_folder_is_known_by_its_repository(void **state)
{
	(void)state;
	repository_make("one", "https://robot:secret@git.example/one/shop.git");
	repository_make("two", "git@git.example:two/shop.git");
	repository_make("again", "git@git.example:one/shop");
	apply_file("one/pipelines/m.yaml", MODEL("m"));
	apply_file("two/pipelines/n.yaml", MODEL("n"));
	apply_file("again/pipelines/o.yaml", MODEL("o"));
	apply_runs(EXIT_GOOD, "Model/m version 1 accepted", "apply %s/one/pipelines", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n created\n", "apply %s/two/pipelines --prune --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m\n", "get -l sluice.io/folder=git.example/one/shop:pipelines -o name");
	apply_runs(EXIT_GOOD, "Model/o created\nModel/m deleted\n", "apply %s/again/pipelines --prune --dry-run",
		   apply_stand.folder);
}

static void a_set_has_the_name_that_its_owner_chose(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_file("b.yaml", MODEL("n"));
	apply_runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s --set shop", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m unchanged\n", "apply %s/a.yaml --set shop --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n deleted\nModel/m unchanged\n", "apply %s/a.yaml --set shop --prune --dry-run",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m changed\n", "apply %s/a.yaml --set other --prune --dry-run", apply_stand.folder);
}

/* An engine with --topic-prefix acme. */
static int prefix_setup(void **state)
{
	struct error error = {0};
	(void)apply_broker_setup(state);
	assert_true(control_topics_name(&apply_stand.config.topics, "acme", "default", apply_stand.arena, &error));
	const char *const names[] = {apply_stand.config.topics.control, apply_stand.config.topics.proposals,
				     apply_stand.config.topics.status, apply_stand.config.topics.feed};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(apply_stand.mock.cluster, names[i], 1, 1);
	apply_stand.service = keeper_service_open(&apply_stand.config, &error);
	return apply_stand.service ? 0 : 1;
}

static void the_topics_have_the_prefix_that_is_asked_for(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "Model/m version 1 accepted", "apply %s/a.yaml --topic-prefix acme", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m\n", "get -o name --topic-prefix acme");
	apply_file("r.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\n"
			     "spec: {config: {kafkaConfig: {topicPrefix: acme}}}\n");
	apply_runs(EXIT_GOOD, "SeldonRuntime/r version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "--topic-prefix is `other`, and the SeldonRuntime of the files has `topicPrefix: acme`",
		   "apply %s --topic-prefix other", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "`a/b` is no prefix of topics", "get --topic-prefix a/b");
	apply_runs(EXIT_MISUSE, "--topic-prefix is for --control", "run %s --topic-prefix acme", apply_stand.folder);
}

static void a_deleted_resource_is_brought_back(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("scorer"));
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "namespace `default` has no `Model/scorrer`; did you mean `Model/scorer`?", "delete model/scorrer");
	apply_runs(EXIT_GOOD, "Model/scorer version 2 accepted", "delete model/scorer");
	apply_runs(EXIT_GOOD, "deleted: 1, the last Model/scorer at ", "get");
	apply_runs(EXIT_GOOD, "; `sluice history Model/scorer` lists its versions", "get models");
	apply_runs(EXIT_GOOD, "namespace `default` has no such resource\n", "get pipelines"); /* none was */
	apply_runs(EXIT_MISUSE, "`Model/scorer` is deleted already", "delete model/scorer");
	apply_runs(EXIT_GOOD, "Model/scorer version 3 accepted", "rollback model/scorer --to 1");
	apply_runs(EXIT_FAULTS, "has no version 9 any more", "rollback model/scorer --to 9");
}

#define NAMED(name, more)                                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n" more                           \
	"  steps: [{name: a, expression: {set: {y: x}}}]\n  output: {steps: [a]}\n"
#define FIRES                                                                                                                      \
	"Pipeline/watcher:5:34: warning: `absent` names `trading`, and the namespace has no pipeline of that name: the alert "     \
	"fires until it has one"

static void a_pipeline_whose_absence_an_alert_watches_is_deleted_with_a_warning(void **state)
{
	char path[LINE_BYTES];
	(void)state;
	apply_file("a.yaml", NAMED("watcher", "  alerts: [{name: quiet, absent: trading for 5m, actions: [{type: topic}]}]\n"));
	apply_runs(EXIT_FAULTS, "a.yaml:5:34: warning: `absent` names `trading`", "diff %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "a.yaml:5:34: warning: `absent` names `trading`", "apply %s", apply_stand.folder);
	apply_file("b.yaml", NAMED("trading", ""));
	apply_runs(EXIT_GOOD, "Pipeline/trading version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, FIRES, "delete pipeline/trading");
	apply_runs(EXIT_GOOD, "Pipeline/trading version 3 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, FIRES, "rollback pipeline/trading --to 2");
	apply_runs(EXIT_GOOD, "Pipeline/trading version 5 accepted", "apply %s", apply_stand.folder);
	(void)snprintf(path, sizeof path, "%s/b.yaml", apply_stand.folder);
	assert_int_equal(unlink(path), 0);
	apply_runs(EXIT_GOOD, "a.yaml:5:34: warning: `absent` names `trading`", "apply %s --prune --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "a.yaml:5:34: warning: `absent` names `trading`", "apply %s --prune", apply_stand.folder);
}

/* An engine that has prepared the change `prepared`, and cannot prepare the change `failed`; 0: none. */
static void engine_prepares(int64_t prepared, int64_t failed)
{
	static int64_t sequence;
	const struct failed_change failure = {failed, TEXT("its model is away")};
	const struct engine_report report = {.namespace = TEXT("default"),
					     .engine = TEXT("one"),
					     .started_ms = 1,
					     .sequence = ++sequence, /* cppcheck-suppress unknownEvaluationOrder */
					     .prepared = {prepared > 0, &prepared},
					     .failed = {failed > 0, &failure}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &report_form, &report);
}

/* An engine is there that has prepared nothing, and the keeper knows of it: without an engine, a version is active at once. */
static void engine_is_known(void)
{
	engine_prepares(0, 0);
	status_is_heard(&apply_stand.mock, apply_stand.config.topics.status);
}

static void model_apply(const char *text, const char *words)
{
	apply_file("a.yaml", text);
	apply_runs(EXIT_GOOD, words, "apply %s", apply_stand.folder);
}

static void a_rollback_returns_to_what_was_before_the_version_in_force(void **state)
{
	(void)state;
	model_apply(MODEL("m") "# one\n", "version 1 accepted");
	apply_runs(EXIT_GOOD, "is active", "wait model/m --for active");
	model_apply(MODEL("m") "# two\n", "version 2 accepted");
	apply_runs(EXIT_GOOD, "is active", "wait model/m --for active");
	engine_is_known();
	model_apply(MODEL("m") "# three\n", "version 3 accepted");
	engine_prepares(0, 3);
	apply_runs(EXIT_FAULTS, "its model is away", "wait model/m --for active");
	apply_runs(EXIT_GOOD, "version 4 accepted", "rollback model/m"); /* 2 is in force */
	engine_prepares(4, 0);
	apply_runs(EXIT_GOOD, "is active", "wait model/m --for active");
	apply_runs(EXIT_GOOD, "# one", "get model/m -o yaml");
	model_apply(MODEL("m") "# five\n", "version 5 accepted");
	apply_runs(EXIT_GOOD, "version 6 accepted", "rollback model/m"); /* 5 is not decided, and 4 is in force */
	engine_prepares(6, 0);
	apply_runs(EXIT_GOOD, "is active", "wait model/m --for active");
	apply_runs(EXIT_GOOD, "# one", "get model/m -o yaml");
}

/* The first change waits for the model that the second one corrects: it would fail, and take the other documents with it. */
static void documents_of_a_change_that_waits_go_along_with_what_corrects_it(void **state)
{
	(void)state;
	apply_file("k.yaml", MODEL("k"));
	apply_runs(EXIT_GOOD, "Model/k version 1 accepted (change 1)\n", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait model/k --for active");
	engine_is_known();
	apply_file("m.yaml", MODEL("m"));
	apply_file("n.yaml", MODEL("n"));
	apply_runs(EXIT_GOOD, "Model/n version 1 accepted (change 2)\nModel/k unchanged\n", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n unchanged\n", "apply %s", apply_stand.folder);
	apply_file("m.yaml", MODEL("m") "# at another address\n");
	apply_runs(EXIT_GOOD, "Model/m changed\nModel/n changed\nModel/k unchanged\n", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/n version 2 accepted (change 3)\nModel/k unchanged\n", "apply %s", apply_stand.folder);
	engine_prepares(3, 2);
	apply_runs(EXIT_GOOD, "is active", "wait model/n --for active");
	apply_file("m.yaml", MODEL("m") "# at a third address\n");
	apply_runs(EXIT_GOOD, "Model/m version 3 accepted (change 4)\nModel/k unchanged\nModel/n unchanged\n", "apply %s",
		   apply_stand.folder);
}

#define DELIVERED(delivery, step, output)                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  delivery: " delivery                  \
	"\n  steps: [" step "]\n  output: {steps: [" output "]}\n"
#define COUNTED(delivery) DELIVERED(delivery, "{name: last, features: {set: {count: count(x over 1h)}}}", "last")
#define PLAIN(delivery) DELIVERED(delivery, "{name: s, expression: {set: {y: x * 2}}}", "s")
#define OF_P "sluice.default.pipeline.p."
#define OF_STATE OF_P "stage.request.state: the state of step `last` for each key of a record"

static void p_becomes_active(const char *yaml, const char *words)
{
	model_apply(yaml, words);
	apply_runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
}

static void a_dry_run_shows_what_becomes_of_groups_and_state(void **state)
{
	(void)state;
	apply_file("a.yaml", PLAIN("at-least-once"));
	apply_runs(EXIT_GOOD, "p: pipeline-added\np: topic-added " OF_P "inputs", "apply %s --dry-run", apply_stand.folder);
	p_becomes_active(PLAIN("at-least-once"), "version 1 accepted");
	apply_file("a.yaml", COUNTED("exactly-once"));
	apply_runs(
		EXIT_GOOD,
		"p: group-changed sluice.default.exactly-once: was sluice.default.at-least-once; it goes on where that one ended, "
		"when no engine reads with that one any more\n",
		"apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "p: state-added " OF_STATE " begins empty", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD,
		   "{\"pipeline\": \"p\", \"effect\": \"state-added\", \"of\": \"" OF_P "stage.request.state\", "
		   "\"why\": \"the state of step `last` for each key of a record begins empty\"}\n",
		   "apply %s --dry-run -o json", apply_stand.folder);
}

/* Version 3 left the state; 4 would have had it, and failed; 5 did not have it either. */
static void a_rollback_says_what_its_state_has_not_seen(void **state)
{
	(void)state;
	p_becomes_active(PLAIN("exactly-once"), "version 1 accepted");
	p_becomes_active(COUNTED("exactly-once"), "version 2 accepted");
	p_becomes_active(PLAIN("exactly-once"), "version 3 accepted");
	engine_is_known();
	model_apply(COUNTED("at-least-once"), "version 4 accepted");
	engine_prepares(0, 4);
	apply_runs(EXIT_FAULTS, "its model is away", "wait pipeline/p --for active");
	model_apply(PLAIN("at-least-once"), "version 5 accepted");
	engine_prepares(5, 0);
	apply_runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	apply_runs(EXIT_GOOD, "p: state-added " OF_P "stage.request.state: continues from the state of version 3 at 20",
		   "rollback pipeline/p --to 2");
	engine_prepares(6, 0);
	apply_runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	apply_file("a.yaml", PLAIN("exactly-once"));
	apply_runs(EXIT_GOOD, "p: state-left " OF_STATE " stays in Kafka, and does not see what comes\n", "apply %s --dry-run",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "p: state-left " OF_STATE, "rollback pipeline/p --to 3");
	engine_prepares(7, 0);
	apply_runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	apply_file("a.yaml", COUNTED("exactly-once"));
	apply_runs(EXIT_GOOD, "continues from the state of version 7 at 20", "apply %s --dry-run", apply_stand.folder);
}

/* ---- gc beside an apply ---- */

static bool others_apply; /* whenever all topics are listed */
static size_t others_applied;
/* Another author's version is accepted, whose state has another form, and an engine creates its changelog. */
static void another_applies(void)
{
	char yaml[LINE_BYTES], line[LINE_BYTES];
	static const char form[] = DELIVERED("exactly-once", "{name: c%zu, features: {set: {n: count(x over 1h)}}}", "c%zu");
	(void)snprintf(yaml, sizeof yaml, form, others_applied, others_applied);
	others_applied++;
	others_apply = false; /* that apply lists topics too */
	apply_file("a.yaml", yaml);
	struct said said = say_with(
		step_kinds, arena_print(apply_stand.arena, "apply %s --brokers %s", apply_stand.folder, apply_stand.mock.brokers));
	const char *name = strstr(said.out, OF_P "stage.request.form-");
	(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(name, ": "), name);
	assert_int_equal(rd_kafka_mock_topic_create(apply_stand.mock.cluster, line, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	said_close(&said);
	others_apply = true;
}

/* In place of librdkafka's. */
rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only_rkt,
				      const struct rd_kafka_metadata **metadatap, int timeout_ms)
{
	rd_kafka_resp_err_t (*own)(rd_kafka_t *, int, rd_kafka_topic_t *, const struct rd_kafka_metadata **, int);
	*(void **)&own = dlsym(RTLD_NEXT, "rd_kafka_metadata");
	if (all_topics && others_apply)
		another_applies();
	return own(rk, all_topics, only_rkt, metadatap, timeout_ms);
}

static void gc_keeps_changelogs_of_versions_accepted_meanwhile(void **state)
{
	(void)state;
	p_becomes_active(COUNTED("exactly-once"), "version 1 accepted");
	others_apply = true;
	apply_runs(EXIT_GOOD, "kept\n0 files removed", "gc"); /* and no line of a changelog between */
	others_apply = false;
	assert_true(others_applied > 0);
}

static void a_command_says_that_nobody_decides(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_FAULTS, "no keeper of namespace `default` has decided in 1 s", "apply %s --timeout 1s", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "`../x` is not the name of a namespace", "apply %s -n ../x", apply_stand.folder);
	apply_runs(EXIT_MISUSE, "there is no kind `pipelin`; did you mean `Pipeline`?", "get pipelin/p");
}

/* ---- files ---- */

#define SCORED(file)                                                                                                               \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: scored}\nspec:\n  steps:\n"                        \
	"  - {name: s, preprocess: [fitted: prep.json]}\n  - {name: m, inputs: [s], model: {local: " file "}}\n"
#define SHA_OF_ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" /* sha256sum of "one" */

/* A file of that size, of zeros. */
static void file_extend(const char *name, int64_t size)
{
	char path[LINE_BYTES];
	(void)snprintf(path, sizeof path, "%s/%s", apply_stand.folder, name);
	assert_int_equal(truncate(path, size), 0);
}

static void files_go_along_and_a_changed_one_is_a_new_version(void **state)
{
	(void)state;
	apply_file("a.yaml", SCORED("m.json"));
	apply_file("prep.json", "two");
	apply_file("m.json", "one");
	apply_runs(EXIT_GOOD, "m.json sent (3 bytes, sha256:7692c3ad3540)\n", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "prep.json sent (3 bytes, sha256:", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "\"size_bytes\": 3, \"sha256\": \"" SHA_OF_ONE "\", \"effect\": \"sent\"}",
		   "apply %s --dry-run -o json", apply_stand.folder);
	apply_runs(EXIT_GOOD, "m.json sent", "apply %s --dry-run", apply_stand.folder); /* the one before sent nothing */
	apply_runs(EXIT_GOOD, "m.json sent", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "m.json unchanged", "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Pipeline/scored unchanged\n", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "\nm.json                                   3          " SHA_OF_ONE "\n", "describe pipeline/scored");
	apply_runs(EXIT_GOOD, "\"files\": [{\"name\": \"prep.json\", \"size_bytes\": 3, ", "describe pipeline/scored -o json");
	apply_runs(EXIT_GOOD, "", "diff %s", apply_stand.folder);
	apply_file("m.json", "three");
	apply_runs(EXIT_FAULTS, "Pipeline/scored names another m.json than version 1: sha256:" SHA_OF_ONE " then, ", "diff %s",
		   apply_stand.folder);
	apply_runs(EXIT_FAULTS, "\"version\": 1, \"file\": \"m.json\", \"sha256\": \"", "diff %s -o json", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Pipeline/scored version 2 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Pipeline/scored version 3 accepted", "rollback pipeline/scored --to 1");
	apply_runs(EXIT_GOOD, SHA_OF_ONE, "describe pipeline/scored");
	apply_runs(EXIT_GOOD, "0 files removed, 3 kept\n", "gc");
}

static void a_file_that_is_missing_has_its_place(void **state)
{
	(void)state;
	apply_file("prep.json", "two");
	apply_file("a.yaml", SCORED("m.json"));
	apply_runs(EXIT_FAULTS, "a.yaml:7:43: ", "apply %s", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "m.json cannot be read: No such file or directory", "apply %s", apply_stand.folder);
	apply_file("a.yaml", SCORED("/no/such/m.json"));
	apply_runs(EXIT_GOOD, "/no/such/m.json is not on this machine, and is not sent: engines read it at that path", "apply %s",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "Pipeline/scored unchanged", "apply %s", apply_stand.folder);
	apply_file("a.yaml", SCORED("'https://models.example/m.json'"));
	apply_runs(EXIT_GOOD, "Pipeline/scored version 2 accepted", "apply %s", apply_stand.folder);
}

static void a_file_has_64_mib_at_most(void **state)
{
	(void)state;
	apply_file("prep.json", "two");
	apply_file("m.json", "");
	apply_file("a.yaml", SCORED("m.json"));
	file_extend("m.json", (int64_t)64 << 20);
	apply_runs(EXIT_GOOD, "m.json sent (67108864 bytes, ", "apply %s --dry-run", apply_stand.folder);
	file_extend("m.json", ((int64_t)64 << 20) + 1);
	apply_runs(EXIT_FAULTS,
		   "m.json has more than 64 MiB, the most that goes along with a document; put it at an https: or s3: ",
		   "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_GOOD, "", "get"); /* it was not proposed either */
}

/* Of the files it is not known whether something was learnt. */
static void another_warm_start_is_announced(void **state)
{
#define LEARNING(more)                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  candidates: [{name: a, weight: 0}, {name: b, weight: 0}]\n  bandits: {algorithm: thompson" more "}\n---\n"              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
	static const char effect[] =
		"p: warm-start e: if its bandits have a policy, they go on from it, and warmStart changes nothing; "
		"if they have none, or begin again, they start with it\n";
	(void)state;
	apply_file("e.yaml", LEARNING(""));
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_file("e.yaml", LEARNING(", warmStart: {a: {plays: 50, mean: 0.5}}"));
	apply_runs(EXIT_GOOD, effect, "apply %s --dry-run", apply_stand.folder);
	apply_runs(EXIT_FAULTS, effect, "diff %s", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "\"effect\": \"warm-start\", \"of\": \"e\"", "diff %s -o json", apply_stand.folder);
	apply_runs(EXIT_GOOD, effect, "apply %s", apply_stand.folder);
#undef LEARNING
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(another_warm_start_is_announced, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(documents_are_kept_as_they_were_written, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_list_and_documents_with_aliases_are_applied_too, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_version_that_was_not_seen_is_a_conflict, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(faults_have_the_place_in_the_file, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_yaml_bomb_is_not_proposed, apply_broker_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_secret_in_clear_is_not_proposed, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_shows_how_many_buckets_move, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_proposes_nothing, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(what_moved_to_another_folder_is_not_pruned, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(the_topics_have_the_prefix_that_is_asked_for, prefix_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(labels_of_the_metadata_select, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_folder_is_known_by_its_repository, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_set_has_the_name_that_its_owner_chose, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_longer_in_the_folder_is_pruned, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_deleted_resource_is_brought_back, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_pipeline_whose_absence_an_alert_watches_is_deleted_with_a_warning,
						apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_shows_what_becomes_of_groups_and_state, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_rollback_says_what_its_state_has_not_seen, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_rollback_returns_to_what_was_before_the_version_in_force, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(documents_of_a_change_that_waits_go_along_with_what_corrects_it, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(gc_keeps_changelogs_of_versions_accepted_meanwhile, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(files_go_along_and_a_changed_one_is_a_new_version, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_missing_has_its_place, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_file_has_64_mib_at_most, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_command_says_that_nobody_decides, apply_broker_setup, apply_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
