/* process_usage.c: see process_usage.h. */
#include "engine/run/process_usage.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number/number.h"

#define LINE_BYTES 4096
#define STAT_START_FIELD 20 /* of starttime, counted from the field after the program's name (proc(5)) */

/* Reads the first line of a file; false: it cannot be read. */
static bool line_read(const char *path, char line[LINE_BYTES])
{
	FILE *file = fopen(path, "r");
	bool good = file && fgets(line, LINE_BYTES, file);
	if (file)
		(void)fclose(file);
	return good;
}

/* The n-th word of a line as a number; NaN: there is none. */
static double number_at(const char *line, size_t place)
{
	double number;
	for (; place > 0; place--) {
		line += strcspn(line, " \n");
		line += strspn(line, " \n");
	}
	return number_read_double((struct text){line, strcspn(line, " \n")}, &number) ? number : NAN;
}

/* The field of /proc/self/statm, in bytes (proc(5)); NaN: it cannot be read. */
static double memory_read(size_t place)
{
	char line[LINE_BYTES];
	return line_read("/proc/self/statm", line) ? number_at(line, place) * (double)sysconf(_SC_PAGESIZE) : NAN;
}

double process_resident_bytes(void)
{
	return memory_read(1);
}

/* Reads the start time of the process. The kernel gives it relative to boot, whose age is in /proc/uptime. */
static double start_read(void)
{
	char stat[LINE_BYTES], uptime[LINE_BYTES];
	if (!line_read("/proc/self/stat", stat) || !line_read("/proc/uptime", uptime))
		return NAN;
	const char *behind = strrchr(stat, ')'); /* the name may contain spaces */
	double ticks = behind ? number_at(behind, STAT_START_FIELD) : NAN;
	double ago = number_at(uptime, 0) - ticks / (double)sysconf(_SC_CLK_TCK);
	return (double)time_of_day_ms() / MS_PER_S - ago;
}

static double descriptors_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	double count = -1; /* do not count the folder's own descriptor */
	if (!folder)
		return NAN;
	for (const struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	(void)closedir(folder);
	return count;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / (MS_PER_S * US_PER_MS);
}

struct process_state process_usage(void)
{
	struct rusage used = {0};
	struct rlimit limit = {0};
	struct process_state state = {.virtual_bytes = memory_read(0),
				      .resident_bytes = process_resident_bytes(),
				      .open_fds = descriptors_count(),
				      .start_seconds = start_read()};
	state.cpu_seconds = getrusage(RUSAGE_SELF, &used) == 0 ? seconds_of(used.ru_utime) + seconds_of(used.ru_stime) : NAN;
	state.max_fds = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? (double)limit.rlim_cur : NAN;
	return state;
}
