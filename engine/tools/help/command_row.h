/* command_row.h: Row of a command: its name, arguments, options and help texts, and the function that runs it.
 *
 * The parser of arguments, the help, the man page and the shells' completion read it. Rows are constants; each is in the file of
 * its command (tools/cli/command.h). Functions that need all of them get their table, which ends with NULL.
 */
#pragma once

#include "base/option.h"

struct session; /* of tools/cli/command.h */

/* A further part of a command's help, below its options. */
struct command_section {
	const char *title; /* NULL: no more */
	const char *text;
};

/* An option of another command that a reader may expect of this one. */
struct absent_option {
	const char *name; /* NULL: no more */
	const char *why;  /* and what to do: it follows "there is no option --NAME: " */
};

struct command {
	const char *name; /* "lint"; "models serve" for a verb under a noun */
	/* Text of the usage line; it also determines the number of arguments. "NAME FILE..." is two or more,
	 * "[DIR]..." any number, "[FILE]" at most one; NULL: none. */
	const char *arguments;
	const char *summary;	      /* one sentence */
	const char *help;	      /* a paragraph or two, with an example */
	const struct command_section *sections; /* NULL: there are none */
	const struct option *options; /* its options, including -o, -n, -f; of the types that arguments.c reads; NULL: none */
	size_t options_size;
	const struct absent_option *absent; /* NULL: there are none */
	const char *group; /* group in the overview: "write", "run", "deploy", "look" */
	/* `options` is the filled struct; `arguments` are the words that are neither option nor value. */
	int (*run)(struct session *session, const void *options, const char *const *arguments, size_t count);
};
