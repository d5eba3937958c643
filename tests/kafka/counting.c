/* request_counts.c: sluice with one step kind more, `tally`, which counts messages by their keys
 * (tests/unit/tally.h): for state.sh. */
#include "tools/cli/command.h"
#include "tests/unit/tally.c" /* NOLINT(bugprone-suspicious-include): programs of this folder are made of one file each */

int main(int count, char **arguments)
{
	struct session session = {.out = stdout, .err = stderr, .kinds = tally_kinds, .commands = command_table};
	return command_main(&session, count, (const char *const *)arguments);
}
