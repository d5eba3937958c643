/* main.c: the one place that exits, and that knows the step kinds. */
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"

static const struct step_kind *const step_kinds[] = {NULL};

int main(int count, char **arguments)
{
	const char *fail_at = getenv("SLUICE_FAIL_ALLOCATION");
	if (fail_at)
		memory_fail_at(strtoull(fail_at, NULL, 10));
	struct session session = {
		.in = stdin,
		.out = stdout,
		.err = stderr,
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.progress = isatty(STDERR_FILENO),
		.kinds = step_kinds,
	};
	return command_main(&session, count, (const char *const *)arguments);
}
