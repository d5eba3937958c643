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
#include "control/keeper_service.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"
#include "tests/unit/status_stand.h"

#define ABSENT_MS 800 /* a busy machine may stop the keeper for that long */
#define LINE_BYTES 1024
#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"
#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps: [{name: m}] # one step\n"

static struct mock mock;
static struct arena *arena;
static struct keeper_service_config config;
static struct keeper_service *service;
static char folder[] = "/tmp/apply_test.XXXXXX";

static int broker_setup(void **state)
{
	(void)state;
	struct error error = {0};
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	mock_open(&mock);
	arena = arena_open((size_t)1 << 20);
	config = (struct keeper_service_config){.brokers = mock.brokers,
						.consumer = mock_quick,
						.producer = mock_quick,
						.namespace = "default",
						.engine = "engine-1",
						.kinds = step_kinds,
						.absent_ms = ABSENT_MS};
	assert_true(control_topics_name(&config.topics, "sluice", "default", arena, &error));
	const char *const names[] = {config.topics.control, config.topics.proposals, config.topics.status, config.topics.feed,
				     config.topics.artifacts};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(mock.cluster, names[i], 1, 1);
	service = NULL;
	return 0;
}

static int broker_teardown(void **state)
{
	char line[LINE_BYTES];
	(void)state;
	keeper_service_close(service);
	mock_close(&mock);
	arena_close(arena);
	(void)snprintf(line, sizeof line, "rm -r %s", folder);
	return system(line);
}

static int keeper_setup(void **state)
{
	struct error error = {0};
	(void)broker_setup(state);
	service = keeper_service_open(&config, &error);
	return service ? 0 : 1;
}

static void file_write(const char *name, const char *text)
{
	char path[LINE_BYTES];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	write_file(path, text);
}

/* Runs a command; `%s` in the line is the folder. Checks the exit code, and that the output has the words. */
__attribute__((format(printf, 3, 4))) static void runs(int code, const char *words, const char *format, ...)
{
	char line[LINE_BYTES], whole[2 * LINE_BYTES];
	va_list values;
	va_start(values, format);
	(void)vsnprintf(line, sizeof line, format, values);
	va_end(values);
	(void)snprintf(whole, sizeof whole, "%s --brokers %s", line, mock.brokers);
	struct said said = say_with(step_kinds, whole);
	if (said.code != code || !(strstr(said.out, words) || strstr(said.err, words)))
		fail_msg("`%s` ends with %d:\n%s%s", line, said.code, said.out, said.err);
	said_close(&said);
}

static void documents_are_kept_as_they_were_written(void **state)
{
	(void)state;
	file_write("a.yaml", "# the model\n" MODEL("m") "---\n# the pipeline\n" PIPELINE "# its end\n");
	runs(EXIT_GOOD, "Model/m version 1 accepted (change 1)\nPipeline/p version 1 accepted (change 1)\n",
	     "apply %s --author ann --reason begin", folder);
	runs(EXIT_GOOD, "# the model\n" MODEL("m") "---\n# the pipeline\n" PIPELINE "# its end\n", "get -o yaml");
	runs(EXIT_GOOD, "Model/m\nPipeline/p\n", "get -o name");
	runs(EXIT_GOOD, "{\"kind\": \"Pipeline\", \"name\": \"p\", ", "get pipelines -o json");
	runs(EXIT_GOOD, "ann                      begin\n", "history pipeline/p");
	runs(EXIT_GOOD, "Model/m unchanged\nPipeline/p unchanged\n", "apply -f %s", folder);
}

static void a_list_and_documents_with_aliases_are_applied_too(void **state)
{
	(void)state;
	file_write("a.yaml", "apiVersion: v1\nkind: List\nitems:\n"
			     "- apiVersion: mlops.seldon.io/v1alpha1\n  kind: Model\n  metadata: {name: one}\n"
			     "  spec: &spec {storageUri: 'stub://echo'}\n"
			     "- apiVersion: mlops.seldon.io/v1alpha1\n  kind: Model\n  metadata: {name: two}\n  spec: *spec\n");
	runs(EXIT_GOOD, "Model/one version 1 accepted (change 1)\nModel/two version 1 accepted (change 1)\n", "apply %s", folder);
	runs(EXIT_GOOD, "stub://echo", "get model/two -o yaml");
}

static void a_version_that_was_not_seen_is_a_conflict(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m"));
	runs(EXIT_GOOD, "version 1 accepted", "apply %s --author ann", folder);
	file_write("a.yaml", MODEL("m") "# other\n");
	runs(EXIT_FAULTS, "sluice: conflict: `Model/m` is at version 1, applied by ann, and version 0 was expected",
	     "apply %s --expect model/m=0", folder);
	runs(EXIT_FAULTS, "{\"outcome\": \"conflict\", \"why\": ", "apply %s --expect models/m=0 -o json", folder);
	runs(EXIT_GOOD, "version 2 accepted", "apply %s --expect model/m=1", folder);
	runs(EXIT_MISUSE, "--expect takes KIND/NAME=VERSION", "apply %s --expect model/m", folder);
	runs(EXIT_MISUSE, "--expect names `model/q`, which is not in the files", "apply %s --expect model/q=1", folder);
}

static void faults_have_the_place_in_the_file(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m") "---\n" PIPELINE "  output: {steps: [nobody]}\n");
	runs(EXIT_FAULTS, "a.yaml:11:", "apply %s", folder);
	runs(EXIT_FAULTS, "\"outcome\": \"refused\"", "apply %s -o json", folder);
	runs(EXIT_GOOD, "namespace `default` has no such resource", "get");
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
	file_write("a.yaml", yaml);
	runs(EXIT_FAULTS, "more than 1048576 values once its aliases are written out", "apply %s", folder);
}

static void a_secret_in_clear_is_not_proposed(void **state)
{
	(void)state;
#define RUNTIME(password)                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec:\n  config:\n" \
	"    kafkaConfig:\n      producer:\n        sasl.password: " password "\n"
	file_write("r.yaml", RUNTIME("hunter2"));
	runs(1, "r.yaml:8:24: a secret would be stored in Kafka in clear", "apply %s/r.yaml", folder);
	runs(1, "r.yaml:8:24: a secret would be stored in Kafka in clear", "apply --dry-run %s/r.yaml", folder);
	file_write("r.yaml", RUNTIME("env:APPLY_TEST_PASSWORD"));
	assert_int_equal(setenv("APPLY_TEST_PASSWORD", "hunter2", 1), 0);
	runs(0, "version 1 accepted", "apply %s/r.yaml", folder);
#undef RUNTIME
}

static void a_dry_run_proposes_nothing(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m"));
	runs(EXIT_GOOD, "Model/m created\n", "apply %s --dry-run", folder);
	runs(EXIT_FAULTS, "--- nothing\n+++ Model/m in the files\n@@ -0,0 +1,4 @@\n", "diff %s", folder);
	runs(EXIT_GOOD, "namespace `default` has no such resource", "get");
	runs(EXIT_GOOD, "version 1 accepted", "apply %s", folder);
	file_write("a.yaml", MODEL("m") "# more\n");
	file_write("b.yaml", MODEL("n"));
	runs(EXIT_GOOD, "Model/m changed\nModel/n created\n", "apply %s --dry-run", folder);
	runs(EXIT_FAULTS, "+# more\n", "diff %s", folder);
	runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s", folder);
	runs(EXIT_GOOD, "", "diff %s -o json", folder);
}

#define TRAFFIC(a, b)                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                               \
	"  steps: [{name: by, traffic: {shares: [{weight: " a ", call: a}, {weight: " b ", call: b}]}}]\n"

static void a_dry_run_shows_how_many_buckets_move(void **state)
{
	(void)state;
	file_write("a.yaml", TRAFFIC("90", "10"));
	runs(EXIT_GOOD, "Pipeline/p created\n", "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "version 1 accepted", "apply %s", folder);
	file_write("a.yaml", TRAFFIC("75", "25"));
	runs(EXIT_GOOD, "Pipeline/p changed\np/by moves 1500 of 10000 buckets: a 75.00 %, b 25.00 %\n", "apply %s --dry-run",
	     folder);
	runs(EXIT_GOOD, "\"choice\": \"p/by\", \"effect\": \"moved\", \"moved\": 1500}\n", "apply %s --dry-run -o json", folder);
	runs(EXIT_GOOD, "version 2 accepted", "apply %s", folder);
	runs(EXIT_GOOD, "Pipeline/p unchanged\n", "apply %s --dry-run", folder);
}

static void what_is_no_longer_in_the_folder_is_pruned(void **state)
{
	(void)state;
	char path[LINE_BYTES];
	file_write("a.yaml", MODEL("m"));
	file_write("b.yaml", MODEL("n"));
	(void)snprintf(path, sizeof path, "%s/b.yaml", folder);
	runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s", folder);
	file_write("alone.yaml", MODEL("elsewhere"));
	runs(EXIT_GOOD, "Model/elsewhere version 1 accepted", "apply %s/alone.yaml", folder);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof path, "%s/alone.yaml", folder);
	assert_int_equal(unlink(path), 0);
	runs(EXIT_GOOD, "Model/n deleted\nModel/m unchanged\n", "apply %s --prune --dry-run", folder);
	runs(EXIT_GOOD, "Model/n version 2 accepted", "apply %s --prune", folder);
	runs(EXIT_GOOD, "Model/m unchanged\n", "apply %s --prune --dry-run", folder);
	runs(EXIT_MISUSE, "--prune needs one folder", "apply %s/a.yaml --prune", folder);
}

#define LABELLED(name, labels)                                                                                                     \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name ", labels: " labels "}\n"                 \
	"spec: {storageUri: 'stub://echo'}\n"

static void labels_of_the_metadata_select(void **state)
{
	(void)state;
	file_write("a.yaml", LABELLED("one", "{team: x, tier: gold}") LABELLED("two", "{team: y}") "---\n" MODEL("three"));
	runs(EXIT_GOOD, "Model/two version 1 accepted", "apply %s", folder);
	runs(EXIT_GOOD, "Model/one\n", "get -l team=x -l tier!=silver,!zone -o name");
	runs(EXIT_GOOD, "Model/one unchanged\n", "apply %s", folder);
	file_write("a.yaml", LABELLED("one", "{team: z, sluice.io/folder: elsewhere}"));
	runs(EXIT_GOOD, "Model/one version 2 accepted", "apply %s", folder);
	runs(EXIT_GOOD, "has no such resource", "get -l sluice.io/folder=elsewhere");
}

static void what_moved_to_another_folder_is_not_pruned(void **state)
{
	char path[64], line[128];
	(void)state;
	(void)snprintf(line, sizeof line, "mkdir %s/a %s/b", folder, folder);
	assert_int_equal(system(line), 0);
	file_write("a/m.yaml", MODEL("m"));
	file_write("a/n.yaml", MODEL("n"));
	runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s/a", folder);
	runs(EXIT_GOOD, "Model/n unchanged", "apply %s/a", folder);
	file_write("b/n.yaml", MODEL("n"));
	(void)snprintf(path, sizeof path, "%s/a/n.yaml", folder);
	assert_int_equal(unlink(path), 0);
	runs(EXIT_GOOD, "Model/n version 2 accepted", "apply %s/b", folder);
	runs(EXIT_GOOD, "Model/m unchanged\n", "apply %s/a --prune", folder);
	runs(EXIT_GOOD, "Model/n unchanged\n", "apply %s/b", folder);
	runs(EXIT_GOOD, "Model/n unchanged\n", "apply %s/b/n.yaml", folder);
}

static void repository_make(const char *name, const char *url)
{
	char line[LINE_BYTES], path[64];
	(void)snprintf(line, sizeof line, "mkdir -p %s/%s/.git %s/%s/pipelines", folder, name, folder, name);
	assert_int_equal(system(line), 0);
	(void)snprintf(path, sizeof path, "%s/.git/config", name);
	(void)snprintf(line, sizeof line,
		       "[core]\n\tbare = false\n[remote \"up\"]\n\turl = x\n[remote \"origin\"]\n\turl = %s\n", url);
	file_write(path, line);
}

/* Two teams with a folder of the same name; and the same folder in two checkouts. */
static void a_folder_is_known_by_its_repository(void **state)
{
	(void)state;
	repository_make("one", "https://robot:secret@git.example/one/shop.git");
	repository_make("two", "git@git.example:two/shop.git");
	repository_make("again", "git@git.example:one/shop");
	file_write("one/pipelines/m.yaml", MODEL("m"));
	file_write("two/pipelines/n.yaml", MODEL("n"));
	file_write("again/pipelines/o.yaml", MODEL("o"));
	runs(EXIT_GOOD, "Model/m version 1 accepted", "apply %s/one/pipelines", folder);
	runs(EXIT_GOOD, "Model/n created\n", "apply %s/two/pipelines --prune --dry-run", folder);
	runs(EXIT_GOOD, "Model/m\n", "get -l sluice.io/folder=git.example/one/shop:pipelines -o name");
	runs(EXIT_GOOD, "Model/o created\nModel/m deleted\n", "apply %s/again/pipelines --prune --dry-run", folder);
}

static void a_set_has_the_name_that_its_owner_chose(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m"));
	file_write("b.yaml", MODEL("n"));
	runs(EXIT_GOOD, "Model/n version 1 accepted", "apply %s --set shop", folder);
	runs(EXIT_GOOD, "Model/m unchanged\n", "apply %s/a.yaml --set shop --dry-run", folder);
	runs(EXIT_GOOD, "Model/n deleted\nModel/m unchanged\n", "apply %s/a.yaml --set shop --prune --dry-run", folder);
	runs(EXIT_GOOD, "Model/m changed\n", "apply %s/a.yaml --set other --prune --dry-run", folder);
}

/* An engine with --topic-prefix acme. */
static int prefix_setup(void **state)
{
	struct error error = {0};
	(void)broker_setup(state);
	assert_true(control_topics_name(&config.topics, "acme", "default", arena, &error));
	const char *const names[] = {config.topics.control, config.topics.proposals, config.topics.status, config.topics.feed};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(mock.cluster, names[i], 1, 1);
	service = keeper_service_open(&config, &error);
	return service ? 0 : 1;
}

static void the_topics_have_the_prefix_that_is_asked_for(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m"));
	runs(EXIT_GOOD, "Model/m version 1 accepted", "apply %s/a.yaml --topic-prefix acme", folder);
	runs(EXIT_GOOD, "Model/m\n", "get -o name --topic-prefix acme");
	file_write("r.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\n"
			     "spec: {config: {kafkaConfig: {topicPrefix: acme}}}\n");
	runs(EXIT_GOOD, "SeldonRuntime/r version 1 accepted", "apply %s", folder);
	runs(EXIT_MISUSE, "--topic-prefix is `other`, and the SeldonRuntime of the files has `topicPrefix: acme`",
	     "apply %s --topic-prefix other", folder);
	runs(EXIT_MISUSE, "`a/b` is no prefix of topics", "get --topic-prefix a/b");
	runs(EXIT_MISUSE, "--topic-prefix is for --control", "run %s --topic-prefix acme", folder);
}

static void a_deleted_resource_is_brought_back(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("scorer"));
	runs(EXIT_GOOD, "version 1 accepted", "apply %s", folder);
	runs(EXIT_MISUSE, "namespace `default` has no `Model/scorrer`; did you mean `Model/scorer`?", "delete model/scorrer");
	runs(EXIT_GOOD, "Model/scorer version 2 accepted", "delete model/scorer");
	runs(EXIT_GOOD, "deleted: 1, the last Model/scorer at ", "get");
	runs(EXIT_GOOD, "; `sluice history Model/scorer` lists its versions", "get models");
	runs(EXIT_GOOD, "namespace `default` has no such resource\n", "get pipelines"); /* none was */
	runs(EXIT_MISUSE, "`Model/scorer` is deleted already", "delete model/scorer");
	runs(EXIT_GOOD, "Model/scorer version 3 accepted", "rollback model/scorer --to 1");
	runs(EXIT_FAULTS, "has no version 9 any more", "rollback model/scorer --to 9");
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
	status_append(&mock, config.topics.status, &report_form, &report);
}

static void model_apply(const char *text, const char *words)
{
	file_write("a.yaml", text);
	runs(EXIT_GOOD, words, "apply %s", folder);
}

static void a_rollback_returns_to_what_was_before_the_version_in_force(void **state)
{
	(void)state;
	model_apply(MODEL("m") "# one\n", "version 1 accepted");
	runs(EXIT_GOOD, "is active", "wait model/m --for active");
	model_apply(MODEL("m") "# two\n", "version 2 accepted");
	runs(EXIT_GOOD, "is active", "wait model/m --for active");
	engine_prepares(0, 0);
	status_is_heard(&mock, config.topics.status); /* else no engine is known, and the version is active at once */
	model_apply(MODEL("m") "# three\n", "version 3 accepted");
	engine_prepares(0, 3);
	runs(EXIT_FAULTS, "its model is away", "wait model/m --for active");
	runs(EXIT_GOOD, "version 4 accepted", "rollback model/m"); /* 2 is in force */
	engine_prepares(4, 0);
	runs(EXIT_GOOD, "is active", "wait model/m --for active");
	runs(EXIT_GOOD, "# one", "get model/m -o yaml");
	model_apply(MODEL("m") "# five\n", "version 5 accepted");
	runs(EXIT_GOOD, "version 6 accepted", "rollback model/m"); /* 5 is not decided, and 4 is in force */
	engine_prepares(6, 0);
	runs(EXIT_GOOD, "is active", "wait model/m --for active");
	runs(EXIT_GOOD, "# one", "get model/m -o yaml");
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
	runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
}

static void a_dry_run_shows_what_becomes_of_groups_and_state(void **state)
{
	(void)state;
	file_write("a.yaml", PLAIN("at-least-once"));
	runs(EXIT_GOOD, "p: pipeline-added\np: topic-added " OF_P "inputs", "apply %s --dry-run", folder);
	p_becomes_active(PLAIN("at-least-once"), "version 1 accepted");
	file_write("a.yaml", COUNTED("exactly-once"));
	runs(EXIT_GOOD,
	     "p: group-changed sluice.default.exactly-once: was sluice.default.at-least-once; it goes on where that one ended, "
	     "when no engine reads with that one any more\n",
	     "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "p: state-added " OF_STATE " begins empty", "apply %s --dry-run", folder);
	runs(EXIT_GOOD,
	     "{\"pipeline\": \"p\", \"effect\": \"state-added\", \"of\": \"" OF_P "stage.request.state\", "
	     "\"why\": \"the state of step `last` for each key of a record begins empty\"}\n",
	     "apply %s --dry-run -o json", folder);
}

/* Version 3 left the state; 4 would have had it, and failed; 5 did not have it either. */
static void a_rollback_says_what_its_state_has_not_seen(void **state)
{
	(void)state;
	p_becomes_active(PLAIN("exactly-once"), "version 1 accepted");
	p_becomes_active(COUNTED("exactly-once"), "version 2 accepted");
	p_becomes_active(PLAIN("exactly-once"), "version 3 accepted");
	engine_prepares(0, 0);
	model_apply(COUNTED("at-least-once"), "version 4 accepted");
	engine_prepares(0, 4);
	runs(EXIT_FAULTS, "its model is away", "wait pipeline/p --for active");
	model_apply(PLAIN("at-least-once"), "version 5 accepted");
	engine_prepares(5, 0);
	runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	runs(EXIT_GOOD, "p: state-added " OF_P "stage.request.state: goes on as version 3 left it at 20",
	     "rollback pipeline/p --to 2");
	engine_prepares(6, 0);
	runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	file_write("a.yaml", PLAIN("exactly-once"));
	runs(EXIT_GOOD, "p: state-left " OF_STATE " stays in Kafka, and does not see what comes\n", "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "p: state-left " OF_STATE, "rollback pipeline/p --to 3");
	engine_prepares(7, 0);
	runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	file_write("a.yaml", COUNTED("exactly-once"));
	runs(EXIT_GOOD, "goes on as version 7 left it at 20", "apply %s --dry-run", folder);
}

/* What an engine with that version writes to `status`. */
static void engine_reports(const char *engine, int64_t version, bool ready, const char *what)
{
	static int64_t sequence;
	const struct engine_condition condition = {.kind = TEXT("Model"),
						   .name = TEXT("m"),
						   .version = version,
						   .ready = ready,
						   .what = text_of(what),
						   .why = text_of(ready ? "" : "its server is away"),
						   .since_ms = time_of_day_ms()};
	const struct engine_conditions conditions = {.namespace = TEXT("default"),
						     .engine = text_of(engine),
						     .sequence = ++sequence, /* cppcheck-suppress unknownEvaluationOrder */
						     .time_ms = time_of_day_ms(),
						     .conditions = {1, &condition}};
	status_append(&mock, config.topics.status, &conditions_form, &conditions);
}

static void a_version_is_ready_when_all_engines_say_so(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m"));
	runs(EXIT_GOOD, "version 1 accepted", "apply %s --author ann", folder);
	runs(EXIT_GOOD, "Model/m version 1 is active", "wait model/m --for active");
	runs(EXIT_FAULTS, "no engine of namespace `default` reports", "wait model/m --timeout 1s");
	runs(EXIT_GOOD, "No engine of this namespace reports.", "describe model/m");
	engine_reports("one", 1, true, "Ready");
	runs(EXIT_GOOD, "Model/m version 1 is ready", "wait model/m --timeout 1s");
	engine_reports("two", 1, false, "Waiting");
	runs(EXIT_FAULTS, "engine `two` runs version 1: Waiting its server is away", "wait model/m --timeout 1s");
	runs(EXIT_GOOD, "its server is away", "describe model/m");
	runs(EXIT_GOOD, "\"engine\": \"two\", \"live\": true, \"version\": 1, \"ready\": false", "describe model/m -o json");
	engine_reports("two", 0, true, "Ready");
	runs(EXIT_FAULTS, "engine `two` runs version 0", "wait model/m --timeout 1s");
	runs(EXIT_GOOD, "0 versions removed, 1 kept", "gc");
	runs(EXIT_MISUSE, "has no version that was in force before", "rollback model/m");
	runs(EXIT_GOOD, "version 2 accepted", "delete model/m");
	runs(EXIT_MISUSE, "`Model/m` is deleted by version 2", "wait model/m");
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
	file_write("a.yaml", yaml);
	struct said said = say_with(step_kinds, arena_print(arena, "apply %s --brokers %s", folder, mock.brokers));
	const char *name = strstr(said.out, OF_P "stage.request.form-");
	(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(name, ": "), name);
	assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, line, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
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
	runs(EXIT_GOOD, "kept\n0 files removed", "gc"); /* and no line of a changelog between */
	others_apply = false;
	assert_true(others_applied > 0);
}

static void a_command_says_that_nobody_decides(void **state)
{
	(void)state;
	file_write("a.yaml", MODEL("m"));
	runs(EXIT_FAULTS, "no keeper of namespace `default` has decided in 1 s", "apply %s --timeout 1s", folder);
	runs(EXIT_MISUSE, "`../x` is not the name of a namespace", "apply %s -n ../x", folder);
	runs(EXIT_MISUSE, "there is no kind `pipelin`; did you mean `Pipeline`?", "get pipelin/p");
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
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(truncate(path, size), 0);
}

static void files_go_along_and_a_changed_one_is_a_new_version(void **state)
{
	(void)state;
	file_write("a.yaml", SCORED("m.json"));
	file_write("prep.json", "two");
	file_write("m.json", "one");
	runs(EXIT_GOOD, "m.json sent (3 bytes, sha256:7692c3ad3540)\n", "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "prep.json sent (3 bytes, sha256:", "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "\"size_bytes\": 3, \"sha256\": \"" SHA_OF_ONE "\", \"effect\": \"sent\"}", "apply %s --dry-run -o json",
	     folder);
	runs(EXIT_GOOD, "m.json sent", "apply %s --dry-run", folder); /* the one before sent nothing */
	runs(EXIT_GOOD, "m.json sent", "apply %s", folder);
	runs(EXIT_GOOD, "m.json unchanged", "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "Pipeline/scored unchanged\n", "apply %s", folder);
	runs(EXIT_GOOD, "\nm.json                                   3          " SHA_OF_ONE "\n", "describe pipeline/scored");
	runs(EXIT_GOOD, "\"files\": [{\"name\": \"prep.json\", \"size_bytes\": 3, ", "describe pipeline/scored -o json");
	runs(EXIT_GOOD, "", "diff %s", folder);
	file_write("m.json", "three");
	runs(EXIT_FAULTS, "Pipeline/scored names another m.json than version 1: sha256:" SHA_OF_ONE " then, ", "diff %s", folder);
	runs(EXIT_FAULTS, "\"version\": 1, \"file\": \"m.json\", \"sha256\": \"", "diff %s -o json", folder);
	runs(EXIT_GOOD, "Pipeline/scored version 2 accepted", "apply %s", folder);
	runs(EXIT_GOOD, "Pipeline/scored version 3 accepted", "rollback pipeline/scored --to 1");
	runs(EXIT_GOOD, SHA_OF_ONE, "describe pipeline/scored");
	runs(EXIT_GOOD, "0 files removed, 3 kept\n", "gc");
}

static void a_file_that_is_missing_has_its_place(void **state)
{
	(void)state;
	file_write("prep.json", "two");
	file_write("a.yaml", SCORED("m.json"));
	runs(EXIT_FAULTS, "a.yaml:7:43: ", "apply %s", folder);
	runs(EXIT_FAULTS, "m.json cannot be read: No such file or directory", "apply %s", folder);
	file_write("a.yaml", SCORED("/no/such/m.json"));
	runs(EXIT_GOOD, "/no/such/m.json is not on this machine, and is not sent: engines read it at that path", "apply %s",
	     folder);
	runs(EXIT_GOOD, "Pipeline/scored unchanged", "apply %s", folder);
	file_write("a.yaml", SCORED("'https://models.example/m.json'"));
	runs(EXIT_GOOD, "Pipeline/scored version 2 accepted", "apply %s", folder);
}

static void a_file_has_64_mib_at_most(void **state)
{
	(void)state;
	file_write("prep.json", "two");
	file_write("m.json", "");
	file_write("a.yaml", SCORED("m.json"));
	file_extend("m.json", (int64_t)64 << 20);
	runs(EXIT_GOOD, "m.json sent (67108864 bytes, ", "apply %s --dry-run", folder);
	file_extend("m.json", ((int64_t)64 << 20) + 1);
	runs(EXIT_FAULTS, "m.json has more than 64 MiB, the most that goes along with a document; put it at an https: or s3: ",
	     "apply %s --dry-run", folder);
	runs(EXIT_GOOD, "", "get"); /* it was not proposed either */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(documents_are_kept_as_they_were_written, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_list_and_documents_with_aliases_are_applied_too, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_version_that_was_not_seen_is_a_conflict, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(faults_have_the_place_in_the_file, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_yaml_bomb_is_not_proposed, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_secret_in_clear_is_not_proposed, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_shows_how_many_buckets_move, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_proposes_nothing, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(what_moved_to_another_folder_is_not_pruned, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(the_topics_have_the_prefix_that_is_asked_for, prefix_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(labels_of_the_metadata_select, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_folder_is_known_by_its_repository, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_set_has_the_name_that_its_owner_chose, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_longer_in_the_folder_is_pruned, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_deleted_resource_is_brought_back, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_shows_what_becomes_of_groups_and_state, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_rollback_says_what_its_state_has_not_seen, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_rollback_returns_to_what_was_before_the_version_in_force, keeper_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(a_version_is_ready_when_all_engines_say_so, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(gc_keeps_changelogs_of_versions_accepted_meanwhile, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(files_go_along_and_a_changed_one_is_a_new_version, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_missing_has_its_place, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_file_has_64_mib_at_most, keeper_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_command_says_that_nobody_decides, broker_setup, broker_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
