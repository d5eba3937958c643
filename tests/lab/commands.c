/* commands.c: Table of the laboratory's commands, in place of that of `sluice` (engine/tools/cli/commands.c), whose main they
 * share. */
#include "tools/cli/command.h"

extern const struct command command_compute;
extern const struct command command_help;
extern const struct command command_sim;

const struct command *const command_table[] = {
	&command_compute,
	&command_sim,
	&command_help,
	NULL,
};
