/* namespace_processes.c: see namespace_processes.h. */
#include "tools/process/namespace_processes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/records/control_topics.h"

#define LOOK_MS 1000 /* besides signals */

struct namespace_process {
	const char *namespace;
	pid_t pid; /* 0: none */
	int64_t due_ms; /* of its next start */
};

struct namespace_processes {
	const struct workspace *workspace;
	size_t count;
	struct namespace_process items[NAMESPACES_MAX];
	const char *served; /* in a process of a namespace; NULL: in that which waits */
	bool is_orphan;	    /* the one that waits has ended meanwhile */
	sigset_t signals, before;
	int64_t began_ms;
	bool is_stopping, has_settled;
	int code; /* of the last that ended by an error */
};

/* ---- names ---- */

static bool name_add(struct namespace_list *list, const char *name, struct error *error)
{
	if (!name[0])
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--namespaces takes names with commas between them, as in a,b");
	if (!namespace_check(name, error))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->names[i], name) == 0)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "--namespaces has `%s` twice", name);
	if (list->count == NAMESPACES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "--namespaces takes at most %d names; start another engine for the others", NAMESPACES_MAX);
	list->names[list->count++] = name;
	return true;
}

bool namespaces_read(const char *text, struct arena *arena, struct namespace_list *list, struct error *error)
{
	list->count = 0;
	for (const char *at = text;; at++) {
		const size_t length = strcspn(at, ",");
		const char *name = arena_copy(arena, at, length);
		if (!name)
			return error_memory(error, ERROR_SYSTEM, "reading --namespaces");
		if (!name_add(list, name, error))
			return false;
		at += length;
		if (!*at)
			return true;
	}
}

/* ---- processes ---- */

static void process_start(struct namespace_processes *processes, struct namespace_process *process)
{
	const pid_t parent = getpid();
	(void)fflush(NULL); /* what is buffered would be written by both */
	process->pid = fork();
	if (process->pid == 0) {
		/* The parent passes signals on: those of a terminal would come twice. */
		(void)setpgid(0, 0);
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		processes->is_orphan = getppid() != parent;
		processes->served = process->namespace;
	}
	if (process->pid < 0) {
		workspace_note(processes->workspace, "namespace %s: no process could be started: %s", process->namespace,
			       strerror(errno));
		process->pid = 0;
		process->due_ms = clock_ms() + NAMESPACE_RESTART_MS;
	}
}

static void processes_signal(const struct namespace_processes *processes, int number)
{
	for (size_t i = 0; i < processes->count; i++)
		if (processes->items[i].pid > 0)
			(void)kill(processes->items[i].pid, number);
}

static void process_end(struct namespace_processes *processes, struct namespace_process *process, int status)
{
	const bool by_signal = WIFSIGNALED(status);
	const int code = by_signal ? EXIT_FAILURE : WEXITSTATUS(status);
	process->pid = 0;
	process->due_ms = clock_ms() + NAMESPACE_RESTART_MS;
	if (code != EXIT_SUCCESS)
		processes->code = code;
	if (!processes->is_stopping)
		workspace_note(processes->workspace, "namespace %s: its engine ended by %s %d; it is started again in %d s",
			       process->namespace, by_signal ? "signal" : "status", by_signal ? WTERMSIG(status) : code,
			       NAMESPACE_RESTART_MS / MS_PER_S);
}

static void processes_reap(struct namespace_processes *processes)
{
	int status;
	for (size_t i = 0; i < processes->count; i++)
		if (processes->items[i].pid > 0 && waitpid(processes->items[i].pid, &status, WNOHANG) > 0)
			process_end(processes, &processes->items[i], status);
}

static size_t processes_live(const struct namespace_processes *processes)
{
	size_t live = 0;
	for (size_t i = 0; i < processes->count; i++)
		live += processes->items[i].pid > 0;
	return live;
}

/* Waits for a signal, or a while, and does what is due. */
static void processes_turn(struct namespace_processes *processes)
{
	const struct timespec wait = {.tv_sec = LOOK_MS / MS_PER_S};
	const int number = sigtimedwait(&processes->signals, NULL, &wait);
	const int64_t now_ms = clock_ms();
	if (number == SIGTERM || number == SIGINT) {
		processes->is_stopping = true;
		processes->code = EXIT_SUCCESS; /* what ended before was started again */
	}
	if (number > 0 && number != SIGCHLD)
		processes_signal(processes, number);
	processes_reap(processes);
	processes->has_settled |= processes_live(processes) > 0 && now_ms - processes->began_ms >= NAMESPACE_SETTLED_MS;
	processes->is_stopping |= processes_live(processes) == 0 && !processes->has_settled;
	for (size_t i = 0; i < processes->count && !processes->is_stopping && !processes->served; i++)
		if (processes->items[i].pid == 0 && now_ms >= processes->items[i].due_ms)
			process_start(processes, &processes->items[i]);
}

int namespaces_run(const struct workspace *workspace, const struct namespace_list *list,
		   int (*serve)(void *context, const char *namespace), void *context)
{
	struct namespace_processes processes = {
		.workspace = workspace, .count = list->count, .began_ms = clock_ms()};
	sigemptyset(&processes.signals);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&processes.signals, (const int[]){SIGTERM, SIGINT, SIGHUP, SIGCHLD}[i]);
	sigprocmask(SIG_BLOCK, &processes.signals, &processes.before);
	for (size_t i = 0; i < list->count && !processes.served; i++) {
		processes.items[i].namespace = list->names[i];
		process_start(&processes, &processes.items[i]);
	}
	while (!processes.served && (!processes.is_stopping || processes_live(&processes) > 0))
		processes_turn(&processes);
	if (processes.served)
		sigaddset(&processes.before, SIGHUP); /* as stop_signal_hold_hangup(): one may wait already */
	sigprocmask(SIG_SETMASK, &processes.before, NULL);
	if (processes.served)
		return processes.is_orphan ? EXIT_FAILURE : serve(context, processes.served);
	return processes.code;
}
