/* session.h: a command run in a test, with what it reads and what it wrote. */
#pragma once

#include "tools/cli/command.h"

struct said {
	int code;
	char *out; /* owned; said_close() frees both */
	char *err;
};

/* Runs `sluice` with the words of `line`, blanks between them, without step kinds. */
struct said say(const char *line);
struct said say_with(const struct step_kind *const *kinds, const char *line);
void said_close(struct said *said);

/* What a command is given to read; the test fails where it cannot be written. */
void write_file(const char *path, const char *text);

/* Makes a new folder, in which the test then works; and removes it with its contents. For tests that run commands on files.
 * Set-up and tear-down of a group. */
int folder_enter(void **state);
int folder_leave(void **state);

/* Fails the test, and shows the text, where those words are not in it. */
void expect_words(const char *text, const char *words);
