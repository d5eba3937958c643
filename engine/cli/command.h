/* command.h: one file a command, one row each.
 *
 * The rows of a command parse its arguments and print its help, its man page and
 * the shells' completion. A command writes its result to `out` (text, or JSON with
 * `-o json`), what it has to say beside it to `err`, and returns the exit code:
 * 0 good, 1 faults found, 2 misuse. Nothing but main exits.
 */
#ifndef SLUICE_CLI_COMMAND_H
#define SLUICE_CLI_COMMAND_H

#include <stdio.h>

#include "base/option.h"
#include "step/step.h"

enum exit_code { EXIT_GOOD = 0, EXIT_FAULTS = 1, EXIT_MISUSE = 2 };

struct session {
	FILE *in;
	FILE *out;
	FILE *err;
	bool colour;   /* `out` is a terminal and NO_COLOR is not set */
	bool progress; /* `err` is a terminal */
	const struct step_kind *const *kinds;
};

struct command {
	const char *name;      /* "lint"; "models serve" for a verb under a noun */
	const char *arguments; /* "FILE...", for the usage line; NULL: takes none */
	const char *summary;   /* one sentence */
	const char *help;      /* a paragraph or two, with an example */
	const struct option *options; /* the command's own; -o, -n, -f stand in the rows of those that take them */
	size_t options_size;
	const char *group; /* of the overview: "write", "run", "look" */
	/* `options` is the filled-in struct; `arguments` what was neither option nor value. */
	int (*run)(struct session *session, const void *options, const char *const *arguments, size_t count);
};

extern const struct command *const command_table[]; /* ends with NULL; cli/commands.c */

/* Finds the command (plural and singular nouns alike), parses, runs. */
int command_main(struct session *session, int count, const char *const *arguments);

/* Says on `err` what was misused and how to go on; returns EXIT_MISUSE. */
int command_misuse(struct session *session, const struct command *command, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Says an error on `err`, with its place; returns EXIT_FAULTS. */
int command_failed(struct session *session, const struct error *error);

/* `-o text|json`, shared by most. */
enum output_form { OUTPUT_TEXT, OUTPUT_JSON };

#endif
