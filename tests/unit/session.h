/* session.h: a command run in a test, with what it wrote. */
#ifndef TESTS_SESSION_H
#define TESTS_SESSION_H

#include "cli/command.h"

struct said {
	int code;
	char *out; /* owned; said_close() frees both */
	char *err;
};

/* Runs `sluice` with the words of `line`, blanks between them, without step kinds. */
struct said say(const char *line);
struct said say_with(const struct step_kind *const *kinds, const char *line);
void said_close(struct said *said);

#endif
