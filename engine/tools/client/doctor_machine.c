/* doctor_machine.c: see doctor_machine.h. */
#include "tools/client/doctor_machine.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "engine/setup/process_memory.h"

#define DESCRIPTORS_LEAST 4096 /* a connection to each broker and replica, by each client of each worker */
#define CLOCK_ERROR_MAX_US 500000
#define MIB (1024.0 * 1024)

static void examine_descriptors(struct findings *findings)
{
	struct rlimit limit = {0};
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < DESCRIPTORS_LEAST)
		findings_add(findings, GRADE_WARNING, "limits", "Raise it: `ulimit -n`, or LimitNOFILE of the service.",
			     "at most %llu open files; too few for many brokers and models, %d are enough",
			     (unsigned long long)limit.rlim_cur, DESCRIPTORS_LEAST);
	else
		findings_add(findings, GRADE_GOOD, "limits", NULL, "at most %llu open files", (unsigned long long)limit.rlim_cur);
}

static void examine_processors(const struct machine_needs *needs, struct findings *findings)
{
	cpu_set_t ours;
	size_t count = sched_getaffinity(0, sizeof ours, &ours) == 0 ? (size_t)CPU_COUNT(&ours) : 1;
	if (needs->workers > count)
		findings_add(findings, GRADE_WARNING, "processors", "Give --workers as many as there are processors.",
			     "%zu workers of each delivery are to run on %zu processors", needs->workers, count);
	else
		findings_add(findings, GRADE_GOOD, "processors", NULL, "%zu", count);
}

/* Of the group of processes that a container is, else of the machine. */
static double memory_limit(void)
{
	const double whole = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	const double limit = (double)memory_cgroup_limit("");
	return limit < whole ? limit : whole;
}

static void examine_memory(const struct machine_needs *needs, struct findings *findings)
{
	const double limit = memory_limit();
	if (needs->memory_bytes + (double)MEMORY_BESIDE_BYTES > limit)
		findings_add(findings, GRADE_FAULT, "memory", "Lower --memory, or give the container more.",
			     "--memory is %.0f MiB, the process needs %.0f MiB beside it, and there are %.0f MiB",
			     needs->memory_bytes / MIB, (double)MEMORY_BESIDE_BYTES / MIB, limit / MIB);
	else
		findings_add(findings, GRADE_GOOD, "memory", NULL, "--memory is %.0f MiB of %.0f MiB", needs->memory_bytes / MIB,
			     limit / MIB);
}

static void examine_clock(struct findings *findings)
{
	struct timex clock = {0};
	int state = ntp_adjtime(&clock);
	if (state < 0)
		findings_add(findings, GRADE_WARNING, "clock", "Check on the host that it is synchronized with a time server.",
			     "it cannot be checked here: %s", strerror(errno));
	else if (state == TIME_ERROR || (clock.status & STA_UNSYNC))
		findings_add(findings, GRADE_WARNING, "clock",
			     "Synchronize it with a time server: chrony, or systemd-timesyncd.",
			     "it is not synchronized; deadlines and times of events depend on it");
	else if (clock.maxerror > CLOCK_ERROR_MAX_US)
		findings_add(findings, GRADE_WARNING, "clock", "Check its time server.", "it may be wrong by %ld ms",
			     clock.maxerror / 1000);
	else
		findings_add(findings, GRADE_GOOD, "clock", NULL, "it is synchronized with a time server, to %ld ms",
			     clock.maxerror / 1000);
}

static void examine_disk(const struct machine_needs *needs, struct findings *findings)
{
	struct statvfs disk;
	if (!needs->state_folder)
		return;
	if (statvfs(needs->state_folder, &disk) != 0 || access(needs->state_folder, W_OK | X_OK) != 0) {
		findings_add(findings, GRADE_FAULT, "disk",
			     "Create the folder of --state, writable for the user that runs the engine.", "%s: %s",
			     needs->state_folder, strerror(errno));
		return;
	}
	double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
	if (free_bytes < needs->state_bytes)
		findings_add(findings, GRADE_WARNING, "disk", "Free disk space, or lower --state-memory.",
			     "%s has %.0f MiB free, and the state of one partition may take %.0f MiB", needs->state_folder,
			     free_bytes / MIB, needs->state_bytes / MIB);
	else
		findings_add(findings, GRADE_GOOD, "disk", NULL, "%s has %.0f MiB free", needs->state_folder, free_bytes / MIB);
}

void machine_examine(const struct machine_needs *needs, struct findings *findings)
{
	examine_descriptors(findings);
	examine_processors(needs, findings);
	examine_memory(needs, findings);
	examine_clock(findings);
	examine_disk(needs, findings);
}
