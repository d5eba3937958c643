/* arguments.h: Parser of a command line by the option rows of its command.
 *
 *   --name value   --name=value   -x value   -xvalue   -x=value   -abc (flags)
 *
 * `--` ends the options; `-` alone is an argument. An option of type OPTION_NAMES may be repeated, every other one
 * may not. Everything is borrowed from `words`, or lives in the arena.
 */
#pragma once

#include "tools/cli/command.h"

struct arguments {
	const char *const *items; /* arguments that are neither option nor value, and values of options marked as arguments */
	size_t count;
	const bool *given; /* by row of the command: whether the option was given */
	bool help; /* --help or -h was given: the rest was not parsed */
};

/* Fills `options`, which must be zeroed, with the defaults and then the given values. A CONFIG error describes a
 * misuse in one sentence. */
bool arguments_parse(const struct command *command, const char *const *words, size_t count, struct arena *arena, void *options,
		     struct arguments *arguments, struct error *error);
