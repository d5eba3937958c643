/* The files that an engine runs, read again: which pipelines are other ones then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/setup/revision.h"
#include "models/calls/caller_config.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define API "apiVersion: mlops.seldon.io/v1alpha1\nkind: "

static char file[] = "/tmp/sluice-revision-XXXXXX", certificate[] = "/tmp/sluice-certificate-XXXXXX";

static void make_file(char *path)
{
	memcpy(path + strlen(path) - 6, "XXXXXX", 6); /* for each test anew */
	int descriptor = mkstemp(path);
	assert_true(descriptor >= 0);
	close(descriptor);
}

static int make_files(void **state)
{
	(void)state;
	make_file(file);
	make_file(certificate);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(file) || unlink(certificate);
}

/* Of the pipelines `calls` and `other`, of which only the first calls anything. */
struct versions {
	uint64_t calls, other;
};

struct files_say {
	const char *rows, *port, *factor, *certificate;
};

static uint64_t version_of(const struct revision *revision, const char *name)
{
	for (size_t i = 0; i < revision->plan.count; i++)
		if (text_is(text_of(revision->plan.pipelines[i].graph->name), name))
			return revision_version(revision, &revision->plan.pipelines[i], step_kinds);
	fail_msg("there is no pipeline %s", name);
	return 0;
}

static struct versions read_files(struct files_say say)
{
	char text[4000];
	const char *const paths[] = {file};
	struct session session = {.out = stderr, .err = stderr, .kinds = step_kinds, .arena = arena_open((size_t)1 << 20)};
	const struct revision_options options = {.paths = paths, .path_count = 1};
	struct error error = {0};
	snprintf(text, sizeof text,
		 API
		 "Pipeline\nmetadata: {name: calls}\nspec:\n  steps:\n  - {name: m}\n"
		 "  - {name: r, inputs: [m], route: {cases: [{when: \"true\", call: called}]}}\n  output: {steps: [r]}\n---\n" API
		 "Pipeline\nmetadata: {name: called}\nspec:\n  steps:\n  - {name: e, expression: {set: {y: x * %s}}}\n"
		 "  output: {steps: [e]}\n---\n" API
		 "Pipeline\nmetadata: {name: other}\nspec:\n  steps:\n  - {name: e, expression: {set: {y: x * 2}}}\n"
		 "  output: {steps: [e]}\n---\n" API
		 "Model\nmetadata: {name: m}\nspec: {storageUri: \"gs://m\", server: s}\n---\n" API
		 "Server\nmetadata: {name: s}\nspec: {serverConfig: c, endpoints: [\"https://127.0.0.1:%s\"], "
		 "tls: {authorities: %s}}\n---\n"
		 "kind: Performance\nperformance_optimizations: {batching: {maxBatchSize: %s}}\n",
		 say.factor, say.port, certificate, say.rows);
	write_file(file, text);
	write_file(certificate, say.certificate);
	struct revision *revision = revision_open_in_workspace(command_workspace(&session), &options, &error);
	assert_string_equal(error.text, "");
	assert_non_null(revision);
	write_file(certificate, "what comes later counts when the files are read again");
	const struct versions versions = {version_of(revision, "calls"), version_of(revision, "other")};
	revision_close(revision);
	arena_close(session.arena);
	return versions;
}

static void a_pipeline_is_another_when_what_its_calls_depend_on_is(void **state)
{
	(void)state;
	const struct files_say now = {.rows = "8", .port = "1", .factor = "2", .certificate = "one"};
	struct files_say performance = now, server = now, called = now, renewed = now;
	performance.rows = "9";
	server.port = "2";
	called.factor = "3";
	renewed.certificate = "two";
	const struct files_say changes[] = {performance, server, called, renewed};
	const struct versions before = read_files(now), same = read_files(now);
	assert_int_equal(before.calls, same.calls);
	assert_int_equal(before.other, same.other);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		const struct versions after = read_files(changes[i]);
		assert_int_not_equal(before.calls, after.calls);
		assert_int_equal(before.other, after.other);
	}
}

#define SMALL                                                                                                                      \
	API "Pipeline\nmetadata: {name: small}\nspec:\n  steps:\n  - {name: e, expression: {set: {y: \"%d\"}}}\n"                  \
	    "  output: {steps: [e]}\n"

/* A pipeline in which `steps` steps each pass on twice what the one before them did. */
static void write_doubling(int steps, int small)
{
	char text[4000];
	int length = snprintf(text, sizeof text,
			      SMALL "---\n" API "Pipeline\nmetadata: {name: doubling}\nspec:\n  steps:\n"
				    "  - {name: s0, expression: {set: {y: \"1\"}}}\n"
				    "  - {name: s1, inputs: [s0], expression: {set: {z: \"1\"}}}\n",
			      small);
	for (int i = 2; i < steps; i++)
		length += snprintf(text + length, sizeof text - (size_t)length,
				   "  - {name: s%d, inputs: [s%d, s%d], expression: {set: {x: \"1\"}}}\n", i, i - 1, i - 2);
	snprintf(text + length, sizeof text - (size_t)length, "  output: {steps: [s%d]}\n", steps - 1);
	write_file(file, text);
}

static void the_running_plan_stays_when_two_files_have_one_pipeline(void **state)
{
	(void)state;
	static char copy[] = "/tmp/sluice-revision-XXXXXX";
	const char *const paths[] = {file, copy};
	char text[1000], said[4000] = "";
	FILE *lines = fmemopen(said, sizeof said, "w");
	struct session session = {.out = lines, .err = lines, .kinds = step_kinds, .arena = arena_open((size_t)1 << 20)};
	struct revision_options options = {.paths = paths, .path_count = 1};
	struct error error = {0};
	assert_non_null(lines);
	make_file(copy);
	snprintf(text, sizeof text, SMALL, 1);
	write_file(file, text);
	write_file(copy, text);
	struct revision *now = revision_open_in_workspace(command_workspace(&session), &options, &error);
	assert_non_null(now);
	options.path_count = 2;
	options.before = &now->plan;
	assert_null(revision_open_in_workspace(command_workspace(&session), &options, &error));
	fclose(lines);
	assert_non_null(strstr(said, "SL0205"));
	assert_non_null(strstr(said, "the Pipeline `small` is already in "));
	revision_close(now);
	arena_close(session.arena);
	assert_int_equal(unlink(copy), 0);
}

static struct revision *open_now(struct session *session, const struct plan *before)
{
	const char *const paths[] = {file};
	const struct revision_options options = {.paths = paths, .path_count = 1, .before = before};
	struct error error = {0};
	struct revision *revision = revision_open_in_workspace(command_workspace(session), &options, &error);
	assert_string_equal(error.text, "");
	return revision;
}

static void a_pipeline_that_is_too_much_is_left_out_and_the_others_run(void **state)
{
	(void)state;
	FILE *said = tmpfile();
	struct session session = {.out = said, .err = said, .kinds = step_kinds, .arena = arena_open((size_t)1 << 20)};
	write_doubling(40, 1);
	struct revision *revision = open_now(&session, NULL);
	assert_non_null(revision);
	assert_int_equal(revision->plan.count, 1);
	assert_string_equal(revision->plan.pipelines[0].graph->name, "small");
	/* As files that are read again: the small one changes, and the other is none that runs. */
	write_doubling(40, 2);
	struct revision *again = open_now(&session, &revision->plan);
	assert_non_null(again);
	assert_int_not_equal(version_of(revision, "small"), version_of(again, "small"));
	revision_close(again);
	revision_close(revision);
	/* One that runs is not stopped by what would be refused: nothing changes. */
	write_doubling(5, 1);
	revision = open_now(&session, NULL);
	assert_int_equal(revision->plan.count, 2);
	write_doubling(40, 1);
	assert_null(open_now(&session, &revision->plan));
	revision_close(revision);
	arena_close(session.arena);
	fclose(said);
}

/* lint is not the only one that tells what has no effect. */
static void what_has_no_effect_is_reported_when_files_are_read(void **state)
{
	(void)state;
	char *said = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&said, &length);
	struct session session = {.out = to, .err = to, .kinds = step_kinds, .arena = arena_open((size_t)1 << 20)};
	write_file(file, "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n"
			 "  predictors:\n  - name: main\n    replicas: 2\n"
			 "    graph: {name: m, type: MODEL, endpoint: {type: REST, service_host: h, service_port: 1}}\n");
	struct revision *revision = open_now(&session, NULL);
	fclose(to);
	assert_non_null(revision);
	assert_int_equal(faults_count(revision->spec.faults, SEVERITY_WARNING), 0);
	assert_int_not_equal(faults_total(revision->spec.faults), 0);
	if (!strstr(said, "replicas"))
		fail_msg("`%s` does not name replicas", said);
	revision_close(revision);
	arena_close(session.arena);
	free(said);
}

/* The names of the pipelines of a revision that is for one namespace. */
static void assert_pipelines(const char *namespace, bool one_namespace, const char *const *names, size_t count)
{
	const char *const paths[] = {file};
	struct session session = {.out = stderr, .err = stderr, .kinds = step_kinds, .arena = arena_open((size_t)1 << 20)};
	const struct revision_options options = {
		.paths = paths, .path_count = 1, .namespace = namespace, .one_namespace = one_namespace};
	struct error error = {0};
	struct revision *revision = revision_open_in_workspace(command_workspace(&session), &options, &error);
	assert_non_null(revision);
	assert_int_equal(revision->plan.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(revision->plan.pipelines[i].graph->name, names[i]);
	revision_close(revision);
	arena_close(session.arena);
}

static void a_namespace_is_chosen_where_the_files_have_pipelines_of_it(void **state)
{
	(void)state;
	static const char spec[] = "spec: {steps: [{name: e, expression: {set: {y: x}}}], output: {steps: [e]}}\n";
	static const char *const all[] = {"one", "other", "third"}, *const first[] = {"one", "third"}, *const second[] = {"other"};
	char text[2000];
	snprintf(text, sizeof text,
		 API "Pipeline\nmetadata: {name: one, namespace: nsa}\n%s---\n" API
		     "Pipeline\nmetadata: {name: other, namespace: nsb}\n%s---\n" API
		     "Pipeline\nmetadata: {name: third, namespace: nsa}\n%s",
		 spec, spec, spec);
	write_file(file, text);
	assert_pipelines("nsa", true, first, 2);
	assert_pipelines("nsb", true, second, 1);
	assert_pipelines("nsc", true, all, 3); /* it is that of resources that name none, and there are none */
	assert_pipelines(NULL, true, all, 3);
	assert_pipelines("nsb", false, all, 3);
}

static size_t rollouts_told, rollouts_refused;

static void rollouts_count(void *context, const struct faults *faults)
{
	(void)context;
	for (size_t i = 0; i < faults_total(faults); i++) {
		rollouts_told += strcmp(faults_at(faults, i)->code->code, "SL0608") == 0;
		rollouts_refused += strcmp(faults_at(faults, i)->code->code, "SL0418") == 0;
	}
}

#define ROLLED_OUT                                                                                                                 \
	API "Experiment\nmetadata: {name: e}\nspec:\n  default: a\n  candidates: [{name: a, weight: 1}, {name: b, weight: 1}]\n"   \
	    "  progressiveDeployment: {schedule: [%s]}\n---\n" API                                                                 \
	    "Model\nmetadata: {name: a}\nspec: {storageUri: 'http://127.0.0.1:1/a'}\n---\n" API                                    \
	    "Model\nmetadata: {name: b}\nspec: {storageUri: 'http://127.0.0.1:1/b'}\n"

/* Reads the file, and counts what is said of its rollouts. NULL: it is refused. */
static struct revision *rollouts_read(bool has_keeper)
{
	const char *const paths[] = {file};
	struct arena *names = arena_open((size_t)1 << 20);
	struct error error = {0};
	const struct revision_options options = {.kinds = step_kinds,
						 .names = names,
						 .report = {.faults = rollouts_count},
						 .paths = paths,
						 .path_count = 1,
						 .has_keeper = has_keeper};
	rollouts_told = rollouts_refused = 0;
	struct revision *revision = revision_open(&options, &error);
	assert_string_equal(error.text, "");
	arena_close(names);
	return revision;
}

/* Notes of the rollouts of a file. */
static size_t rollouts_tell(bool has_keeper)
{
	struct revision *revision = rollouts_read(has_keeper);
	assert_non_null(revision);
	revision_close(revision);
	return rollouts_told;
}

static void write_schedule(const char *schedule)
{
	char text[2000];
	assert_in_range(snprintf(text, sizeof text, ROLLED_OUT, schedule), 1, sizeof text - 1);
	write_file(file, text);
}

static void an_engine_beside_a_keeper_does_not_ask_for_one(void **state)
{
	(void)state;
	write_schedule("10");
	assert_int_equal(rollouts_tell(false), 1);
	assert_int_equal(rollouts_tell(true), 0);
}

/* Its first stage would give the candidate all of the traffic. */
static void a_rollout_that_could_not_run_is_refused_at_the_start(void **state)
{
	static const char *const schedules[] = {"500, 100", "10, 5", "-1", ".nan, 100", "1e308"};
	static const char written[] =
		API "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		    "  - {name: a, expression: {set: {y: x + 1}}}\n  - {name: b, expression: {set: {y: x + 2}}}\n"
		    "  - {name: s, experiment: {default: a, candidates: [{name: a, weight: 1}, {name: b, weight: 1}], "
		    "progressiveDeployment: {schedule: [500, 100]}}}\n  output: {steps: [s]}\n";
	(void)state;
	for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
		write_schedule(schedules[i]);
		assert_null(rollouts_read(false));
		assert_int_equal(rollouts_refused, 1);
	}
	write_file(file, written);
	assert_null(rollouts_read(false));
	write_schedule("10, 100");
	struct revision *revision = rollouts_read(false);
	assert_non_null(revision);
	assert_int_equal(rollouts_refused, 0);
	revision_close(revision);
}

static size_t warnings;
static char warned[2000];

static void warning_take(void *context, const char *line)
{
	(void)context;
	warnings++;
	strncat(warned, line, sizeof warned - strlen(warned) - 1);
}

static void faults_ignore(void *context, const struct faults *faults)
{
	(void)context, (void)faults;
}

/* Documents that were accepted while YAML could name any secret. They run, but for what needs the secrets: no variable of the
 * engine is read. */
static void documents_in_force_run_without_secrets_of_a_former_form(void **state)
{
	const struct spec_document documents[] = {
		{.file = "Pipeline/p@2",
		 .text = TEXT(API "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
				  "  - {name: m, model: {storageUri: 'http://127.0.0.1:1'}}\n  output: {steps: [m]}\n  alerts:\n"
				  "  - {name: a, condition: error_rate > 0.5, actions: [{type: webhook, url: "
				  "'https://example.com/', secret: 'env:OWN_KEY'}]}\n"),
		 .version = 2},
		{.file = "Performance/c@5",
		 .text = TEXT("kind: Performance\nmetadata: {name: c}\nperformance_optimizations:\n"
			      "  caching: {enabled: true, backend: redis, address: 'cache:6379', login: 'file:/etc/redis'}\n"),
		 .version = 5}};
	struct arena *names = arena_open((size_t)1 << 20);
	struct caller_config caller;
	struct error error = {0};
	struct revision_options options = {.kinds = step_kinds,
					   .names = names,
					   .report = {.faults = faults_ignore, .note = warning_take, .warning = warning_take},
					   .documents = documents,
					   .document_count = 2};
	(void)state;
	assert_null(revision_open(&options, &error)); /* no control plane gave them */
	warnings = 0;
	warned[0] = '\0';
	options.has_keeper = true;
	struct revision *revision = revision_open(&options, &error);
	assert_non_null(revision);
	assert_int_equal(revision->plan.count, 1);
	assert_int_equal(warnings, 2);
	assert_non_null(strstr(warned, "Pipeline/p@2:9:"));
	assert_non_null(strstr(warned, "rename it: env:SLUICE_SECRET_NAME"));
	assert_non_null(strstr(warned, "Performance/c@5:4:"));
	assert_int_equal(revision->withheld_count, 2);
	assert_string_equal(revision->withheld[0].document, "Pipeline/p@2");
	assert_true(caller_configure(&revision->plan, &revision->plan.pipelines[0], names, &caller, &error));
	assert_int_equal(caller.models[0].cache.backend, CACHE_NONE);
	assert_null(caller.models[0].cache.login);
	revision_close(revision);
	arena_close(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pipeline_is_another_when_what_its_calls_depend_on_is, make_files, remove_files),
		cmocka_unit_test_setup_teardown(the_running_plan_stays_when_two_files_have_one_pipeline, make_files, remove_files),
		cmocka_unit_test_setup_teardown(an_engine_beside_a_keeper_does_not_ask_for_one, make_files, remove_files),
		cmocka_unit_test_setup_teardown(a_rollout_that_could_not_run_is_refused_at_the_start, make_files, remove_files),
		cmocka_unit_test(documents_in_force_run_without_secrets_of_a_former_form),
		cmocka_unit_test_setup_teardown(a_pipeline_that_is_too_much_is_left_out_and_the_others_run, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(what_has_no_effect_is_reported_when_files_are_read, make_files, remove_files),
		cmocka_unit_test_setup_teardown(a_namespace_is_chosen_where_the_files_have_pipelines_of_it, make_files,
						remove_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
