/* namespace_processes.h: Supervisor of `sluice run --control --namespaces A,B`: runs an engine for each namespace, as a process.
 *
 * An engine serves one namespace: its topics, groups, transactional ids and folder of artifacts have that name in theirs. So the
 * command starts a process for each, passes signals on, and waits. The processes share nothing: neither memory nor threads nor
 * connections. A pipeline that breaks, a model that is overloaded, or an apply of one namespace does not delay another one, and
 * an engine that ends by an error is started again alone. If none runs any more before one has run for NAMESPACE_SETTLED_MS,
 * the command ends with its status: then the settings are wrong.
 */
#pragma once

#include "compiler/yaml/workspace.h"

#define NAMESPACES_MAX 64 /* each is a process with threads and connections of its own */
#define NAMESPACE_RESTART_MS 2000
#define NAMESPACE_SETTLED_MS 10000

struct namespace_list {
	size_t count;
	const char *names[NAMESPACES_MAX];
};

/* Reads `A,B`; the names are in the arena. CONFIG: one is empty, not such a name, or there twice; LIMIT: there are more than
 * NAMESPACES_MAX. */
bool namespaces_read(const char *text, struct arena *arena, struct namespace_list *list, struct error *error);

/* Runs them until SIGTERM or SIGINT. `serve` runs an engine for a namespace and returns the exit status. It is called in each of
 * the processes, where this function returns with it. To be called without threads. Returns the exit status. */
int namespaces_run(const struct workspace *workspace, const struct namespace_list *list,
		   int (*serve)(void *context, const char *namespace), void *context);
