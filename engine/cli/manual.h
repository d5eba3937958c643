/* manual.h: what commands are, printed from their rows: the overview, the help of
 * one, the man page, the reference page. Called by cli/command.c and cli/help.c. */
#ifndef SLUICE_CLI_MANUAL_H
#define SLUICE_CLI_MANUAL_H

#include "cli/command.h"
#include "cli/page.h"

void manual_overview(struct page *page);
void manual_command(struct page *page, const struct command *command);

/* One option of a command, as its help lists it. */
void manual_option(struct page *page, const struct option *row);

/* Environment variables that mean something to every command; ends with a row without a name. */
struct manual_variable {
	const char *name;
	const char *help;
};
extern const struct manual_variable manual_variables[];

/* The verbs of a noun: `sluice models`. */
void manual_noun(struct page *page, const char *noun);

/* What a page for `man` begins with, of whatever it is; nothing in the other forms. */
void manual_begin(struct page *page);

/* All of them: sluice(1), and the reference page of the commands. */
void manual_all(struct page *page);

/* Whether `word` is the noun of that command, in the singular or the plural. */
bool manual_is_noun(const struct command *command, const char *word);

#endif
