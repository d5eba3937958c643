/* url_mask_test.c: secrets in URLs are not printed, and what others wrote commands no terminal. */
#include "base/url_mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/quote.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"
#include "tools/view/findings.h"

static void a_login_becomes_three_stars(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"redis://:secret@host:6379/0", "redis://***@host:6379/0"},
		{"https://user:pa@ss@host/x?a=b", "https://***@host/x?a=b"},
		{"https://token@host", "https://***@host"},
		{"a://u:p@h", "a://***@h"},
		{"a://u@h", "a://*@h"},
		{"redis://:pa/ss@host", "redis://***@host"},
		{"https://host/a@b", "https://host/a@b"},
		{"https://host:80/a@b", "https://host:80/a@b"},
		{"https://[::1]:80/a", "https://[::1]:80/a"},
		{"see http://u:secret@a and \"http://v:other@b/c\", mail x@y", "see http://***@a and \"http://***@b/c\", mail x@y"},
		{"grpc://a:1,grpc://u:secret@b:2", "grpc://a:1,grpc://***@b:2"},
		{"grpc://u:sec,ret@a:1, and later http://b", "grpc://***@a:1, and later http://b"},
		{"://", "://"},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = strdup(rows[i][0]);
		mask_string(text);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

/* Names of the signatures of S3, Azure and Google, and of what webhooks and gateways ask for. */
static void a_secret_of_a_query_becomes_three_stars(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"https://b.s3.example/m?X-Amz-Algorithm=A&X-Amz-Credential=AKIA%2F1&X-Amz-Expires=60&X-Amz-Signature=fe57",
		 "https://b.s3.example/m?X-Amz-Algorithm=A&X-Amz-Credential=***&X-Amz-Expires=60&X-Amz-Signature=***"},
		{"https://a.blob.example/m?sv=2022&sr=b&sig=abc%3D&se=2030",
		 "https://a.blob.example/m?sv=2022&sr=b&sig=***&se=2030"},
		{"https://u:secret@h/x?token=abcd#top", "https://***@h/x?token=***#top"},
		{"https://h/x?a=1;token=abcd;b=2&c=3", "https://h/x?a=1;token=***&c=3"},
		{"https://h/x?a=1#access_token=abcd&b=2", "https://h/x?a=1#access_token=***&b=2"},
		{"https://h/x#access_token=abcd", "https://h/x#access_token=***"},
		{"https://h/x?sas=abcd", "https://h/x?sas=***"},
		{"xstub://h?token=abcd", "xstub://h?token=***"},
		{"http://h?API-KEY=abcd&v=2", "http://h?API-KEY=***&v=2"},
		{"http://h/p?password=abcd&amp;access_token=efgh", "http://h/p?password=***&amp;access_token=***"},
		{"http://h/p?key=ab", "http://h/p?key=**"},
		{"http://h/p?key=&token=abcd&&secret=abcd", "http://h/p?key=&token=***&&secret=***"},
		{"fetch http://h/p?code=abcd: refused, as was `http://h/q?code=efgh`.",
		 "fetch http://h/p?code=***: refused, as was `http://h/q?code=***`."},
		{"(see http://h/p?code=abcd), http://a?jwt=abcd,http://b?pwd=a,b",
		 "(see http://h/p?code=***), http://a?jwt=***,http://b?pwd=***"},
		{"\\\"http://h/p?token=abcd\\\"", "\\\"http://h/p?token=***\\\""},
		{"http://h/p?version=2&shape=a%20b", "http://h/p?version=2&shape=a%20b"},
		{"http://h/p?token&key", "http://h/p?token&key"},
		{"stub://flaky?fails=2&code=503", "stub://flaky?fails=2&code=503"},
		{"no URL?token=abcd", "no URL?token=abcd"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = strdup(rows[i][0]);
		mask_string(text);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

static void an_error_shows_no_login_and_is_one_plain_line(void **state)
{
	(void)state;
	struct error error = {0};
	error_set(&error, ERROR_REMOTE, PLACE_NONE, "connect to %s failed:\n%s", "http://u:secret@host:1", "a\033[2Jb");
	assert_string_equal(error.text, "connect to http://***@host:1 failed: a?[2Jb");
}

static void a_finding_of_doctor_shows_no_secret(void **state)
{
	(void)state;
	struct findings findings = {.arena = arena_open((size_t)1 << 16)};
	findings_add(&findings, GRADE_GOOD, "registry", NULL, "%s", "http://u:secret@host?api_key=secret");
	assert_string_equal(findings.items[0].words, "http://***@host?api_key=***");
	arena_close(findings.arena);
}

static void no_command_prints_a_secret_of_a_url(void **state)
{
	(void)state;
	static char path[] = "/tmp/sluice-mask-XXXXXX";
	static const char *const commands[] = {"echo", "echo -o json", "plan", "plan -o json",
					       "plan -o dot", "lint", "lint -o json", "run -f"};
	static const char yaml[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		"  steps: [{name: m, model: {cache: {ttl: 1m}}}, {name: b, inputs: [nothing]}]\n  output: {steps: [m]}\n---\n"
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n"
		"spec: {storageUri: \"https://me:hunter2@host/m?X-Amz-Signature=hunter2&version=1\", server: s}\n---\n"
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n"
		"spec: {serverConfig: c, endpoints: [\"http://me:hunter2@127.0.0.1:1\", \"nonsense://me:hunter2@b\",\n"
		"  \"nonsense://b?token=hunter2\"]}\n";
	int file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	for (size_t faulty = 0; faulty < 2; faulty++)
		for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
			char line[200], text[sizeof yaml];
			memcpy(text, yaml, sizeof yaml);
			if (!faulty) { /* without what is wrong with it */
				memcpy(strstr(text, "[nothing]"), "[m]      ", 9);
				memset(strstr(text, ", \"nonsense"), ' ', strlen(", \"nonsense://me:hunter2@b\""));
				memset(strstr(text, "\n  \"nonsense"), ' ', strlen("\n  \"nonsense://b?token=hunter2\""));
			}
			write_file(path, text);
			snprintf(line, sizeof line, "%s %s", commands[i], path);
			struct said said = say_with(step_kinds, line);
			if (strstr(said.out, "hunter2") || strstr(said.err, "hunter2"))
				fail_msg("`sluice %s` prints a secret: %s%s", commands[i], said.out, said.err);
			said_close(&said);
		}
	unlink(path);
}

static void what_is_shown_commands_no_terminal(void **state)
{
	(void)state;
	static const struct {
		struct text text;
		const char *shown;
	} rows[] = {
		{{"caf\xC3\xA9 1.5", 9}, "caf\xC3\xA9 1.5"},
		{{"a\033[2Jb\r\n\tc", 10}, "a\\u001b[2Jb\\u000d\\u000a\\u0009c"},
		{{"\x7F", 1}, "\\u007f"},
		{{"\xC2\x9B" "31m", 5}, "\\u009b31m"},
		{{"\xE2\x80\xAE" "abc", 6}, "\\u202eabc"}, /* NOLINT(misc-misleading-bidirectional): such are masked */
		{{"\xE2\x81\xA6", 3}, "\\u2066"}, /* NOLINT(misc-misleading-bidirectional): likewise */
		{{"\xE2\x82\xAC", 3}, "\xE2\x82\xAC"},
		{{"\xFF\x9B", 2}, "\\u00ff\\u009b"},
		{{"a\0b", 3}, "a\\u0000b"},
	};
	struct arena *arena = arena_open((size_t)1 << 16);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(text_shown(rows[i].text, arena), rows[i].shown);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_becomes_three_stars),
		cmocka_unit_test(a_secret_of_a_query_becomes_three_stars),
		cmocka_unit_test(an_error_shows_no_login_and_is_one_plain_line),
		cmocka_unit_test(a_finding_of_doctor_shows_no_secret),
		cmocka_unit_test(no_command_prints_a_secret_of_a_url),
		cmocka_unit_test(what_is_shown_commands_no_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
