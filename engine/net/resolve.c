/* resolve.c: Look-ups of names, by a task each, which is left when its caller forgets it: so no caller waits for a resolver that
 * hangs. See resolve.h.
 */
#include "net/resolve.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "net/loop_task.h"

#define HOST_MAX 256 /* longer than the limit of names in DNS */
#define PORT_MAX 8

struct resolve {
	struct loop_task task;
	char host[HOST_MAX];
	char port[PORT_MAX];
	int code;
	struct addrinfo *addresses;
	void (*found)(void *context, struct addrinfo *addresses, const char *words);
	void *context;
};

static int look_up(const char *host, const char *port, int flags, struct addrinfo **addresses)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
	*addresses = NULL;
	return getaddrinfo(host, port, &hints, addresses);
}

struct addrinfo *resolve_numeric(const char *host, const char *port)
{
	struct addrinfo *addresses;
	return look_up(host, port, AI_NUMERICHOST, &addresses) == 0 ? addresses : NULL;
}

static void resolve_close(void *context)
{
	struct resolve *resolve = context;
	if (resolve->addresses)
		freeaddrinfo(resolve->addresses);
	memory_give(resolve);
}

/* Other threads handle signals. */
static void resolve_run(void *context)
{
	struct resolve *resolve = context;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	resolve->code = look_up(resolve->host, resolve->port, AI_ADDRCONFIG, &resolve->addresses);
}

static void resolve_on_end(void *context)
{
	struct resolve *resolve = context;
	struct addrinfo *addresses = resolve->addresses;
	resolve->addresses = NULL;
	resolve->found(resolve->context, addresses, addresses ? NULL : gai_strerror(resolve->code));
	resolve_close(resolve);
}

struct resolve *resolve_start(struct loop *loop, const char *host, const char *port,
			      void (*found)(void *context, struct addrinfo *addresses, const char *words), void *context,
			      struct error *error)
{
	assert(loop && found);
	if (strlen(host) >= HOST_MAX || strlen(port) >= PORT_MAX)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE, "`%.80s` is no name of a host: it is too long", host));
	struct resolve *resolve = memory_take(1, sizeof *resolve);
	if (!resolve)
		return error_null(error_memory(error, ERROR_SYSTEM, "looking up a host"));
	*resolve = (struct resolve){.found = found, .context = context};
	resolve->task = (struct loop_task){
		.run = resolve_run, .done = resolve_on_end, .left = resolve_close, .context = resolve};
	memcpy(resolve->host, host, strlen(host) + 1);
	memcpy(resolve->port, port, strlen(port) + 1);
	if (loop_task_start(&resolve->task, loop, "looks up a host", error))
		return resolve;
	memory_give(resolve);
	return NULL;
}

void resolve_forget(struct resolve *resolve)
{
	if (resolve)
		loop_task_leave(&resolve->task);
}
