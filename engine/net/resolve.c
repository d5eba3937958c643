/* resolve.c: Look-ups of names, by a thread each; see resolve.h.
 *
 * A look-up belongs to its thread and to its caller; the last of them to release it frees it. So no caller waits for
 * a resolver that hangs.
 */
#include "net/resolve.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"

#define HOST_MAX 256 /* longer than the limit of names in DNS */
#define PORT_MAX 8

struct resolve {
	atomic_int holders;
	int bell;
	char host[HOST_MAX];
	char port[PORT_MAX];
	/* Written by the thread, before the bell rings: */
	int code;
	struct addrinfo *addresses;
	/* Owned by the caller: */
	struct loop *loop;
	struct watch watch;
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

static void let_go(struct resolve *resolve)
{
	if (atomic_fetch_sub(&resolve->holders, 1) > 1)
		return;
	if (resolve->addresses)
		freeaddrinfo(resolve->addresses);
	close(resolve->bell);
	memory_give(resolve);
}

static void *resolve_run(void *context)
{
	struct resolve *resolve = context;
	resolve->code = look_up(resolve->host, resolve->port, AI_ADDRCONFIG, &resolve->addresses);
	bell_ring(resolve->bell);
	let_go(resolve);
	return NULL;
}

static void resolve_on_bell(void *context, uint32_t events)
{
	(void)events;
	struct resolve *resolve = context;
	if (!bell_quiet(resolve->bell))
		return;
	struct addrinfo *addresses = resolve->addresses;
	resolve->addresses = NULL;
	loop_unwatch(resolve->loop, &resolve->watch);
	resolve->found(resolve->context, addresses, addresses ? NULL : gai_strerror(resolve->code));
	let_go(resolve);
}

/* Starts a thread with all signals blocked: other threads handle them. */
static bool start_thread(struct resolve *resolve)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&thread, &attributes, resolve_run, resolve) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
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
	*resolve = (struct resolve){.holders = 2, .loop = loop, .found = found, .context = context};
	resolve->watch = (struct watch){.ready = resolve_on_bell, .context = resolve};
	memcpy(resolve->host, host, strlen(host) + 1);
	memcpy(resolve->port, port, strlen(port) + 1);
	resolve->bell = bell_open(error);
	if (resolve->bell < 0) {
		memory_give(resolve);
		return NULL;
	}
	bool watched = loop_watch(loop, &resolve->watch, resolve->bell, EPOLLIN, error);
	if (watched && start_thread(resolve))
		return resolve;
	if (watched) {
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "no thread could be started to look up `%s`; raise the limit on threads",
			  host);
		loop_unwatch(loop, &resolve->watch);
	}
	close(resolve->bell);
	memory_give(resolve);
	return NULL;
}

void resolve_forget(struct resolve *resolve)
{
	if (!resolve)
		return;
	loop_unwatch(resolve->loop, &resolve->watch);
	let_go(resolve);
}
