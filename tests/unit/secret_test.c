/* secret_test.c: settings that point to a secret, and that nobody prints what is there. */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/client.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define SECRET "hunter2"
#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"                             \
	"  - {name: a, expression: {set: {x: \"1\"}}}\n  output: {steps: [a]}\n---\n"
#define RUNTIME(settings)                                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec: {config: {kafkaConfig: "            \
	"{bootstrap.servers: \"127.0.0.1:1\", producer: {" settings "}}}}\n"

static char path[] = "/tmp/sluice-secret-XXXXXX";
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	int descriptor = mkstemp(path);
	arena = arena_open((size_t)1 << 20);
	return descriptor < 0 || close(descriptor) || !arena || setenv("SLUICE_TEST_SECRET", SECRET, 1);
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return unlink(path);
}

static void a_setting_points_to_the_environment_or_to_a_file_or_is_itself(void **state)
{
	(void)state;
	struct error error = {0};
	write_file(path, SECRET "\r\n");
	assert_string_equal(secret_fetch("env:SLUICE_TEST_SECRET", "s", PLACE_NONE, arena, &error), SECRET);
	assert_string_equal(secret_fetch(arena_print(arena, "file:%s", path), "s", PLACE_NONE, arena, &error), SECRET);
	assert_string_equal(secret_fetch("plain", "s", PLACE_NONE, arena, &error), "plain");
	assert_false(secret_is_reference("plain"));
	assert_int_equal(error.kind, ERROR_NONE);
}

static void a_secret_that_is_not_there_is_named(void **state)
{
	(void)state;
	struct error error = {0};
	const struct place place = {"r.yaml", 7, 3};
	assert_null(secret_fetch("env:SLUICE_TEST_NO_SECRET", "sasl.password", place, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(error.place.line, 7);
	assert_non_null(strstr(error.text, "sasl.password"));
	assert_non_null(strstr(error.text, "SLUICE_TEST_NO_SECRET"));
	error = (struct error){0};
	assert_null(secret_fetch("file:/nowhere/at/all", "sasl.password", place, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "/nowhere/at/all"));
}

/* A file of nothing, as one that is not filled yet; and random bytes, of which the first is zero. */
static void a_key_that_is_empty_or_has_a_zero_is_refused(void **state)
{
	(void)state;
	static const char zeros[] = "\0\1\377";
	struct error error = {0};
	const char *reference = arena_print(arena, "file:%s", path);
	write_file(path, "\n");
	assert_string_equal(secret_fetch(reference, "secret", PLACE_NONE, arena, &error), "");
	assert_null(secret_fetch_key(reference, "secret", PLACE_NONE, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, arena_print(arena, "secret is empty, as file:%s has it", path)));
	error = (struct error){0};
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(zeros, 1, 3, file), 3);
	assert_int_equal(fclose(file), 0);
	assert_null(secret_fetch(reference, "secret", PLACE_NONE, arena, &error));
	assert_non_null(strstr(error.text, "which has a byte of zero"));
	error = (struct error){0};
	assert_string_equal(secret_fetch_key("env:SLUICE_TEST_SECRET", "s", PLACE_NONE, arena, &error), SECRET);
}

static void a_client_is_given_what_is_there_now(void **state)
{
	(void)state;
	char reference[64], value[64];
	size_t size = sizeof value;
	struct error error = {0};
	snprintf(reference, sizeof reference, "file:%s", path);
	const struct property property = {"client.id", reference};
	write_file(path, SECRET "\n");
	rd_kafka_conf_t *configuration = client_configuration((struct properties){0}, (struct properties){1, &property}, &error);
	assert_non_null(configuration);
	assert_int_equal(rd_kafka_conf_get(configuration, "client.id", value, &size), RD_KAFKA_CONF_OK);
	assert_string_equal(value, SECRET);
	rd_kafka_conf_destroy(configuration);
}

/* librdkafka's own words have the value in them. */
static void a_secret_that_is_refused_is_not_shown(void **state)
{
	(void)state;
	struct error error = {0};
	static const struct property property = {"security.protocol", "env:SLUICE_TEST_SECRET"};
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

static void no_command_prints_a_secret(void **state)
{
	(void)state;
	static const char *const commands[] = {"echo", "echo -o json", "plan", "plan -o json", "lint", "run -f"};
	static const char *const yaml[] = {
		PIPELINE RUNTIME("sasl.password: \"env:SLUICE_TEST_SECRET\", security.protocol: nonsense"),
		PIPELINE RUNTIME("sasl.password: " SECRET ", security.protocol: nonsense"),
		PIPELINE RUNTIME("sasl.password: " SECRET ", nonsense.of.ours: 1"),
		PIPELINE RUNTIME("\"ssl.key.password\" : '" SECRET "', acks: 0"),
	};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		for (size_t j = 0; j < sizeof yaml / sizeof *yaml; j++) {
			struct said said = say_of(commands[i], yaml[j]);
			if (strstr(said.out, SECRET) || strstr(said.err, SECRET))
				fail_msg("`sluice %s` prints the secret: %s%s", commands[i], said.out, said.err);
			said_close(&said);
		}
	struct said said = say_of("echo", yaml[0]);
	assert_non_null(strstr(said.out, "env:SLUICE_TEST_SECRET"));
	said_close(&said);
	said = say_of("echo", yaml[1]);
	assert_non_null(strstr(said.out, "(hidden)"));
	said_close(&said);
}

static void run_names_the_line_of_a_secret_that_is_not_there(void **state)
{
	(void)state;
	struct said said = say_of("run -f", PIPELINE RUNTIME("sasl.password: \"env:SLUICE_TEST_NO_SECRET\""));
	assert_non_null(strstr(said.err, ":12:"));
	assert_non_null(strstr(said.err, "SLUICE_TEST_NO_SECRET"));
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_setting_points_to_the_environment_or_to_a_file_or_is_itself),
		cmocka_unit_test(a_secret_that_is_not_there_is_named),
		cmocka_unit_test(a_key_that_is_empty_or_has_a_zero_is_refused),
		cmocka_unit_test(a_client_is_given_what_is_there_now),
		cmocka_unit_test(a_secret_that_is_refused_is_not_shown),
		cmocka_unit_test(a_line_with_a_secret_is_known),
		cmocka_unit_test(no_command_prints_a_secret),
		cmocka_unit_test(run_names_the_line_of_a_secret_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
