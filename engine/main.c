/* main.c: The one place that exits, and that knows the step kinds. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "tools/cli/command.h"
#include "steps/kinds.h"

/* NO_COLOR counts when it is set to anything (no-color.org: not to nothing); a dumb terminal has none. */
static bool wants_colour(int descriptor)
{
	const char *forbidden = getenv("NO_COLOR"), *terminal = getenv("TERM");
	return isatty(descriptor) && !(forbidden && *forbidden) && !(terminal && strcmp(terminal, "dumb") == 0);
}

/* 0: it is no terminal. */
static size_t columns_of(int descriptor)
{
	struct winsize size = {0};
	if (!isatty(descriptor))
		return 0;
	(void)ioctl(descriptor, TIOCGWINSZ, &size);
	return size.ws_col > 0 ? size.ws_col : TERMINAL_COLUMNS;
}

/* Keys and passwords are in memory, and would be in a file after a crash. The limit is one byte: of 0 a program that core_pattern
 * names is handed a dump all the same (core(5)), of 1 not. The hard limit stays, so that `prlimit` can allow dumps. */
static void core_dumps_refuse(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max > 0 ? 1 : 0;
	(void)setrlimit(RLIMIT_CORE, &limit);
}

/* The commands of the laboratory (tests/lab) are another program's, which stands beside this one where both were built. */
static void laboratory_try(int count, char **arguments)
{
	static const char suffix[] = "-lab";
	char path[PATH_MAX];
	if (count < 2 || (strcmp(arguments[1], "compute") != 0 && strcmp(arguments[1], "sim") != 0))
		return;
	const ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof suffix);
	if (length <= 0)
		return;
	memcpy(path + length, suffix, sizeof suffix);
	(void)execv(path, arguments);
}

/* SLUICE_FAIL_ALLOCATION=7 makes the seventh allocation fail, for tests/torture.py;
 * 0 makes none fail and says at the end how many there were. */
int main(int count, char **arguments)
{
	const char *fail_at = getenv("SLUICE_FAIL_ALLOCATION");
	laboratory_try(count, arguments);
	if (fail_at)
		memory_fail_at(strtoull(fail_at, NULL, 10));
	struct session session = {
		.out = stdout,
		.err = stderr,
		.colour = wants_colour(STDOUT_FILENO),
		.colour_beside = wants_colour(STDERR_FILENO),
		.columns = columns_of(STDOUT_FILENO),
		.columns_beside = columns_of(STDERR_FILENO),
		.kinds = step_kinds,
		.commands = command_table,
	};
	core_dumps_refuse();
	int code = command_main(&session, count, (const char *const *)arguments);
	if (fail_at && fail_at[0] == '0')
		fprintf(stderr, "allocations: %" PRIu64 "\n", memory_taken());
	return code;
}
