/* manual.h: Documentation of the commands, printed from their rows: the overview, the help of one command, the man
 * page, the reference page. Called by tools/cli/command.c and tools/cli/help.c. */
#pragma once

#include "tools/help/command_row.h"
#include "tools/view/help_page.h"

void manual_overview(struct help_page *page, const struct command *const *commands);
void manual_command(struct help_page *page, const struct command *command);

/* Prints one option of a command, as in its help. */
void manual_option(struct help_page *page, const struct option *row);

/* Environment variables that every command reads; ends with a row without a name. */
struct manual_variable {
	const char *name;
	const char *help;
};
extern const struct manual_variable manual_variables[];

/* Prints the verbs of a noun: `sluice models`. */
void manual_noun(struct help_page *page, const struct command *const *commands, const char *noun);

/* Prints the page of one command for `man`, with NAME, SYNOPSIS, DESCRIPTION, OPTIONS, EXAMPLES: sluice-errors-list(1). */
void manual_page(struct help_page *page, const struct command *const *commands, const struct command *command);

/* Prints the beginning of sluice(1) and of pages of topics; nothing in the other forms. */
void manual_begin(struct help_page *page);

/* Prints all commands: sluice(1), and the reference page of the commands. */
void manual_all(struct help_page *page, const struct command *const *commands);

/* Whether `word` is the noun of that command, in the singular or the plural. */
bool manual_is_noun(const struct command *command, const char *word);
