/* arguments.h: a command line, read by the rows of its command.
 *
 *   --name value   --name=value   -x value   -xvalue   -x=value   -abc (flags)
 *
 * `--` ends the options; `-` alone is an argument. An option of type OPTION_NAMES
 * may be given again, every other one once. Everything is borrowed from `words`, or
 * lives in the arena.
 */
#ifndef SLUICE_CLI_ARGUMENTS_H
#define SLUICE_CLI_ARGUMENTS_H

#include "cli/command.h"

struct arguments {
	const char *const *items; /* what was neither option nor value, and the values of options that say so */
	size_t count;
	const bool *given; /* by row of the command: whether the line has it */
	bool help; /* --help or -h was there: the rest was not looked at */
};

/* Fills in `options`, which must be zeroed: the fallbacks first. A CONFIG error is a
 * misuse, said in one sentence. */
bool arguments_parse(const struct command *command, const char *const *words, size_t count, struct arena *arena, void *options,
		     struct arguments *arguments, struct error *error);

/* Whether rows of that type can stand in a command. */
bool arguments_read_type(enum option_type type);

#endif
