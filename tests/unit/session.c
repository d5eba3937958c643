/* session.c: see session.h. */
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 32

struct said say_with(const struct step_kind *const *kinds, const char *line)
{
	char *copy = strdup(line);
	const char *words[WORDS_MAX] = {"sluice"};
	int count = 1;
	char *rest = NULL;
	for (char *word = strtok_r(copy, " ", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	struct said said = {0};
	size_t out_length, err_length;
	struct session session = {
		.out = open_memstream(&said.out, &out_length),
		.err = open_memstream(&said.err, &err_length),
		.kinds = kinds,
		.commands = command_table,
	};
	said.code = command_main(&session, count, words);
	fclose(session.out);
	fclose(session.err);
	free(copy);
	return said;
}

struct said say(const char *line)
{
	static const struct step_kind *const none[] = {NULL};
	return say_with(none, line);
}

void said_close(struct said *said)
{
	free(said->out);
	free(said->err);
}

void write_file(const char *path, const char *text)
{
	FILE *stream = fopen(path, "w");
	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
}

static char folder[] = "/tmp/sluice-test-XXXXXX";

int folder_enter(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

int folder_leave(void **state)
{
	char command[64];
	(void)state;
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return chdir("/") == 0 ? system(command) : 1;
}

void expect_words(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
}
