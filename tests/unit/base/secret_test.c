/* secret_test.c: settings that point to a secret, and that nobody prints what is there. */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kafka/client.h"
#include "engine/run/stop_signal.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define SECRET "hunter2"
#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"                             \
	"  - {name: a, expression: {set: {x: \"1\"}}}\n  output: {steps: [a]}\n---\n"
#define RUNTIME(settings)                                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec: {config: {kafkaConfig: "            \
	"{bootstrap.servers: \"127.0.0.1:1\", producer: {" settings "}}}}\n"

static const char path[] = "given.yaml", folder[] = "secrets"; /* in the test's own folder */
static struct arena *arena;

static int set_up(void **state)
{
	arena = arena_open((size_t)1 << 20);
	return !arena || folder_enter(state) != 0 || mkdir(folder, 0700) || mkdir("secrets/below", 0700) ||
	       setenv("SLUICE_SECRET_TEST", SECRET, 1) || setenv("OPERATORS_SECRET", SECRET, 1);
}

static int tear_down(void **state)
{
	arena_close(arena);
	return folder_leave(state);
}

/* What YAML gets of a reference; NULL: it is refused, and `refusal` says why. */
static struct error refusal;

static const char *yaml_fetch(const char *reference)
{
	refusal = (struct error){0};
	return secret_fetch_bound(folder, reference, "s", PLACE_NONE, arena, &refusal);
}

static void the_operator_points_to_the_environment_or_to_a_file_or_gives_the_value(void **state)
{
	(void)state;
	struct error error = {0};
	write_file(path, SECRET "\r\n");
	assert_string_equal(secret_fetch("env:OPERATORS_SECRET", "s", PLACE_NONE, arena, &error), SECRET);
	assert_string_equal(
		secret_fetch("file:given.yaml", "s", PLACE_NONE, arena, &error), SECRET);
	assert_string_equal(secret_fetch("plain", "s", PLACE_NONE, arena, &error), "plain");
	assert_false(secret_is_reference("plain"));
	assert_int_equal(error.kind, ERROR_NONE);
}

static void yaml_names_variables_with_the_prefix_alone(void **state)
{
	(void)state;
	assert_string_equal(yaml_fetch("env:SLUICE_SECRET_TEST"), SECRET);
	assert_string_equal(yaml_fetch("plain"), "plain");
	static const char *const others[] = {"env:OPERATORS_SECRET", "env:PATH", "env:SLUICE_SECRET_",
					     "env:SLUICE_SECRETS", "env:"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_null(yaml_fetch(others[i]));
		assert_int_equal(refusal.kind, ERROR_CONFIG);
		assert_non_null(strstr(refusal.text, "env:SLUICE_SECRET_NAME"));
		assert_non_null(secret_fault(others[i]));
	}
	assert_null(secret_fault("env:SLUICE_SECRET_TEST"));
	assert_null(secret_fault("plain"));
}

static void yaml_names_files_of_the_folder_alone(void **state)
{
	(void)state;
	write_file("secrets/key", SECRET "\n");
	write_file("secrets/below/key", "below");
	assert_string_equal(yaml_fetch("file:key"), SECRET);
	assert_string_equal(yaml_fetch("file:below/key"), "below");
	assert_string_equal(yaml_fetch("file:./below//key"), "below");
	static const char *const by_form[] = {"file:/etc/hostname", "file:../key", "file:below/../../key",
					      "file:below/..", "file:"};
	for (size_t i = 0; i < sizeof by_form / sizeof *by_form; i++) {
		assert_null(yaml_fetch(by_form[i]));
		assert_non_null(strstr(refusal.text, "write the name that the file has there: file:NAME"));
		assert_non_null(secret_fault(by_form[i]));
	}
	assert_null(secret_fault("file:..key"));
	assert_null(yaml_fetch("file:below"));
	assert_non_null(strstr(refusal.text, "below is not a file"));
	assert_null(yaml_fetch("file:absent"));
	assert_int_equal(refusal.kind, ERROR_CONFIG);
	struct error error = {0};
	assert_null(secret_fetch_bound(NULL, "file:key", "s", PLACE_NONE, arena, &error));
	assert_non_null(strstr(error.text, "there is no folder of secrets; give --secrets DIR"));
}

/* Kubernetes mounts a Secret as a folder of links: NAME to ..data/NAME, and ..data to a folder with a time. A folder beside it,
 * whose name begins as that of the folder does, is not in it. */
static void a_link_leads_where_it_may(void **state)
{
	(void)state;
	write_file("secrets/below/mounted", SECRET);
	assert_int_equal(mkdir("secrets-beside", 0700), 0);
	write_file("secrets-beside/stolen", "stolen");
	assert_int_equal(symlink("below", "secrets/..data"), 0);
	assert_int_equal(symlink("..data/mounted", "secrets/mounted"), 0);
	assert_int_equal(symlink("../secrets-beside/stolen", "secrets/out"), 0);
	assert_int_equal(symlink("../secrets-beside", "secrets/away"), 0);
	assert_int_equal(symlink("/proc/self/environ", "secrets/proc"), 0);
	assert_int_equal(mkfifo("secrets/pipe", 0600), 0);
	assert_string_equal(yaml_fetch("file:mounted"), SECRET);
	static const char *const outside[] = {"file:out", "file:away/stolen", "file:proc"};
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
		assert_null(yaml_fetch(outside[i]));
		assert_int_equal(refusal.kind, ERROR_CONFIG);
		assert_non_null(strstr(refusal.text, "leads out of its folder"));
	}
	assert_null(yaml_fetch("file:pipe"));
	assert_non_null(strstr(refusal.text, "is not a file"));
}

static void a_secret_that_is_not_there_is_named(void **state)
{
	(void)state;
	struct error error = {0};
	const struct place place = {"r.yaml", 7, 3};
	assert_null(secret_fetch_bound(folder, "env:SLUICE_SECRET_ABSENT", "sasl.password", place, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(error.place.line, 7);
	assert_non_null(strstr(error.text, "sasl.password"));
	assert_non_null(strstr(error.text, "SLUICE_SECRET_ABSENT"));
	error = (struct error){0};
	assert_null(secret_fetch_bound(folder, "file:absent", "sasl.password", place, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(error.place.line, 7);
	assert_non_null(strstr(error.text, "secrets/absent"));
}

/* A file of nothing, as one that is not filled yet; and random bytes, of which the first is zero. */
static void a_key_that_is_empty_or_has_a_zero_is_refused(void **state)
{
	(void)state;
	static const char zeros[] = "\0\1\377";
	struct error error = {0};
	static const char empty[] = "secrets/empty";
	write_file(empty, "\n");
	assert_string_equal(secret_fetch_bound(folder, "file:empty", "secret", PLACE_NONE, arena, &error), "");
	assert_null(secret_fetch_key(folder, "file:empty", "secret", PLACE_NONE, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "secret is empty, as file:empty has it"));
	error = (struct error){0};
	FILE *file = fopen(empty, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(zeros, 1, 3, file), 3);
	assert_int_equal(fclose(file), 0);
	assert_null(secret_fetch_bound(folder, "file:empty", "secret", PLACE_NONE, arena, &error));
	assert_non_null(strstr(error.text, "which has a byte of zero"));
	error = (struct error){0};
	assert_string_equal(secret_fetch_key(folder, "env:SLUICE_SECRET_TEST", "s", PLACE_NONE, arena, &error), SECRET);
}

/* The value of client.id of a client that is opened with that property; NULL: the client is refused. */
static const char *client_id(const struct property *property)
{
	char value[64];
	size_t size = sizeof value;
	refusal = (struct error){0};
	rd_kafka_conf_t *configuration = client_configuration((struct properties){0}, (struct properties){1, property}, &refusal);
	if (!configuration)
		return NULL;
	assert_int_equal(rd_kafka_conf_get(configuration, "client.id", value, &size), RD_KAFKA_CONF_OK);
	rd_kafka_conf_destroy(configuration);
	return arena_copy(arena, value, strlen(value));
}

static void a_client_is_given_what_is_there_now(void **state)
{
	(void)state;
	write_file("secrets/id", "before\n");
	const char *bound = secret_bind("secrets//", "file:id", "client.id", PLACE_NONE, arena, &refusal);
	assert_string_equal(bound, "file:secrets//id");
	write_file("secrets/id", SECRET "\n");
	assert_string_equal(client_id(&(struct property){"client.id", bound}), SECRET);
	write_file(path, "operator's");
	assert_string_equal(client_id(&(struct property){"client.id", "file:given.yaml"}), "operator's");
	assert_int_equal(unlink("secrets/id"), 0);
	assert_int_equal(symlink("../given.yaml", "secrets/id"), 0);
	assert_null(client_id(&(struct property){"client.id", bound}));
	assert_non_null(strstr(refusal.text, "leads out of its folder"));
}

/* librdkafka's own words have the value in them. */
static void a_secret_that_is_refused_is_not_shown(void **state)
{
	(void)state;
	struct error error = {0};
	static const struct property property = {"security.protocol", "env:OPERATORS_SECRET"};
	assert_null(client_configuration((struct properties){0}, (struct properties){1, &property}, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "security.protocol"));
	assert_null(strstr(error.text, SECRET));
}

static void a_line_with_a_secret_is_known(void **state)
{
	(void)state;
	static const char *const with[] = {
		"sasl.password: a", "  {x: 1, \"ssl.key.password\" : 'a', y: 2}", "- {url: u, secret:\ta}",
		"ssl.key.pem: |",   "login: me:a", "password: env:A, secret: b", "sslpassword2: b",
	};
	static const char *const without[] = {
		"", "password", "password:", "password: ", "sasl.password: \"env:A\"", "secret: file:/a",
		"secret: {name: a}", "secretName a: b", "# no secret here", "pass: a",
	};
	for (size_t i = 0; i < sizeof with / sizeof *with; i++)
		assert_true(secret_is_written(text_of(with[i])));
	for (size_t i = 0; i < sizeof without / sizeof *without; i++)
		assert_false(secret_is_written(text_of(without[i])));
}

static struct said say_of(const char *command, const char *yaml)
{
	char line[128];
	write_file(path, yaml);
	snprintf(line, sizeof line, "%s %s", command, path);
	return say_with(step_kinds, line);
}

/* `run` waits for Kafka where nothing is wrong with its settings: it is told to stop before it begins. */
static struct said say_of_stopped(const char *command, const char *yaml)
{
	sigset_t set, before;
	stop_signals_all(&set);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	struct said said = say_of(command, yaml);
	stop_signals_restore(&before);
	return said;
}

static void no_command_prints_a_secret(void **state)
{
	(void)state;
	static const char *const commands[] = {"echo", "echo -o json", "plan", "plan -o json", "lint", "run -f"};
	static const char *const yaml[] = {
		PIPELINE RUNTIME("sasl.password: \"env:SLUICE_SECRET_TEST\", security.protocol: nonsense"),
		PIPELINE RUNTIME("sasl.password: " SECRET ", security.protocol: nonsense"),
		PIPELINE RUNTIME("sasl.password: " SECRET ", nonsense.of.ours: 1"),
		PIPELINE RUNTIME("\"ssl.key.password\" : '" SECRET "', acks: 0"),
	};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		for (size_t j = 0; j < sizeof yaml / sizeof *yaml; j++) {
			struct said said = say_of_stopped(commands[i], yaml[j]);
			if (strstr(said.out, SECRET) || strstr(said.err, SECRET))
				fail_msg("`sluice %s` prints the secret: %s%s", commands[i], said.out, said.err);
			said_close(&said);
		}
	struct said said = say_of("echo", yaml[0]);
	assert_non_null(strstr(said.out, "env:SLUICE_SECRET_TEST"));
	said_close(&said);
	said = say_of("echo", yaml[1]);
	assert_non_null(strstr(said.out, "(hidden)"));
	said_close(&said);
}

static void run_names_the_line_of_a_secret_that_is_not_there(void **state)
{
	(void)state;
	struct said said = say_of("run -f", PIPELINE RUNTIME("sasl.password: \"env:SLUICE_SECRET_ABSENT\""));
	assert_non_null(strstr(said.err, ":12:"));
	assert_non_null(strstr(said.err, "SLUICE_SECRET_ABSENT"));
	said_close(&said);
}

/* By form: with the line, before anything is sent. */
static void lint_and_run_refuse_other_references(void **state)
{
	(void)state;
	static const char *const commands[] = {"lint", "plan", "run -f"};
	static const char *const others[] = {RUNTIME("sasl.password: \"env:KAFKA_PASSWORD\""),
					     RUNTIME("client.id: \"file:/etc/hostname\"")};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		for (size_t j = 0; j < sizeof others / sizeof *others; j++) {
			struct said said = say_of(commands[i], arena_print(arena, PIPELINE "%s", others[j]));
			const char *found = strstr(said.err, "SL0543") ? said.err : said.out;
			assert_non_null(strstr(found, ":12:"));
			assert_non_null(strstr(found, "SL0543"));
			assert_int_not_equal(said.code, 0);
			said_close(&said);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_operator_points_to_the_environment_or_to_a_file_or_gives_the_value),
		cmocka_unit_test(yaml_names_variables_with_the_prefix_alone),
		cmocka_unit_test(yaml_names_files_of_the_folder_alone),
		cmocka_unit_test(a_link_leads_where_it_may),
		cmocka_unit_test(a_secret_that_is_not_there_is_named),
		cmocka_unit_test(a_key_that_is_empty_or_has_a_zero_is_refused),
		cmocka_unit_test(a_client_is_given_what_is_there_now),
		cmocka_unit_test(a_secret_that_is_refused_is_not_shown),
		cmocka_unit_test(a_line_with_a_secret_is_known),
		cmocka_unit_test(no_command_prints_a_secret),
		cmocka_unit_test(run_names_the_line_of_a_secret_that_is_not_there),
		cmocka_unit_test(lint_and_run_refuse_other_references),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
