/* dial.c: Addresses of one host, and each attempt to connect to one of them; see dial.h. */
#include "net/dial.h"

#include "net/resolve.h"

#define REFRESH_PAUSE_MS 1000 /* so that a resolver that fails is not asked for each request */
#define PREFERRED_MS (10 * 60 * 1000)
#define ADDRESSES_KEPT_MS (60 * 1000) /* as long as the answers of many resolvers are valid */

/* ---- the end of a dial ---- */

static void dial_hang_up(struct dial *dial)
{
	if (dial->watched)
		loop_unwatch(dial->host->loop, &dial->watch);
	dial->watched = false;
}

static void dial_end(struct dial *dial)
{
	list_remove(&dial->node);
	loop_timer_stop(dial->host->loop, &dial->timer);
	dial->timer.due = NULL;
	dial_hang_up(dial);
}

void dial_stop(struct dial *dial)
{
	if (!dial->timer.due) /* never started, or over */
		return;
	dial_end(dial);
	link_close(dial->link);
}

static void dial_fail(struct dial *dial, const struct error *why)
{
	dial_host_forget(dial->host);
	dial_stop(dial);
	dial->done(dial->context, why);
}

/* ---- addresses ---- */

static bool address_is_preferred(const struct dial_host *host, const struct addrinfo *address)
{
	return address->ai_addrlen == host->preferred_length &&
	       memcmp(address->ai_addr, &host->preferred, host->preferred_length) == 0;
}

/* Prefers the address of the peer. It is read from the socket, because the host's addresses may be newer than the
 * dialled one. */
static void host_prefer_peer(struct dial_host *host, int socket)
{
	host->preferred_length = sizeof host->preferred;
	if (getpeername(socket, (struct sockaddr *)&host->preferred, &host->preferred_length) != 0)
		host->preferred_length = 0;
	host->preferred_until_ms = loop_now_ms(host->loop) + PREFERRED_MS;
}

static size_t host_preferred_place(const struct dial_host *host)
{
	size_t place = 0;
	if (loop_now_ms(host->loop) >= host->preferred_until_ms)
		return 0;
	for (const struct addrinfo *address = host->addresses; address; address = address->ai_next, place++)
		if (address_is_preferred(host, address))
			return place;
	return 0;
}

/* The address to be tried now: the preferred one first, then those after it, then those before it. NULL: all have
 * failed. */
static const struct addrinfo *dial_address(const struct dial *dial)
{
	const struct dial_host *host = dial->host;
	if (dial->tried >= host->address_count)
		return NULL;
	const struct addrinfo *address = host->addresses;
	for (size_t place = (dial->begin + dial->tried) % host->address_count; place > 0; place--)
		address = address->ai_next;
	return address;
}

/* ---- one address after the other ---- */

static void dial_address_failed(struct dial *dial, const struct error *why);
static void dial_on_due(void *context);

static void dial_established(struct dial *dial)
{
	if (dial->tried > 0)
		host_prefer_peer(dial->host, dial->link->socket);
	dial_end(dial);
	dial->done(dial->context, NULL);
}

static void dial_on_ready(void *context, uint32_t events)
{
	(void)events;
	struct dial *dial = context;
	struct error error = {0};
	switch (link_establish(dial->link, &error)) {
	case LINK_LATER:
		if (!loop_watch_for(dial->host->loop, &dial->watch, link_events(dial->link), &error))
			dial_fail(dial, &error);
		return;
	case LINK_BROKEN:
		dial_address_failed(dial, &error);
		return;
	case LINK_DONE:
		dial_established(dial);
	}
}

/* Sets the time of this attempt: the remaining time divided by the number of remaining addresses. While there are
 * several, the time ends at the waiting caller's deadline. */
static bool dial_set_share(struct dial *dial, struct error *error)
{
	struct loop *loop = dial->host->loop;
	const int64_t left = (int64_t)(dial->host->address_count - dial->tried), now_ms = loop_now_ms(loop);
	const int64_t until_ms = left > 1 && dial->deadline_ms < dial->until_ms ? dial->deadline_ms : dial->until_ms;
	dial->share_until_ms = now_ms + (until_ms - now_ms) / left;
	return loop_timer_set(loop, &dial->timer, dial->share_until_ms, error);
}

/* Tries the next address that does not refuse at once. */
static void dial_try(struct dial *dial)
{
	struct dial_host *host = dial->host;
	struct link *link = dial->link;
	struct error error = {0};
	for (const struct addrinfo *address; (address = dial_address(dial)); dial->tried++) {
		error = (struct error){0};
		if (!link_dial(link, address->ai_addr, address->ai_addrlen, &error))
			continue;
		if (host->tls && !link_secure(link, host->tls, host->host, &error))
			break;
		link->any_protocol = host->any_protocol;
		dial->watched = loop_watch(host->loop, &dial->watch, link->socket, link_events(link), &error);
		if (dial->watched && dial_set_share(dial, &error))
			return;
		break;
	}
	dial_fail(dial, &error);
}

static void dial_begin(struct dial *dial)
{
	dial->begin = host_preferred_place(dial->host);
	dial_try(dial);
}

bool dial_pass_over(struct dial *dial)
{
	struct error error = {0};
	dial->tried++;
	if (!dial_address(dial)) {
		dial_host_forget(dial->host);
		return false;
	}
	dial->timer = (struct loop_timer){.due = dial_on_due, .context = dial};
	link_close(dial->link);
	if (loop_timer_set(dial->host->loop, &dial->timer, dial->until_ms, &error))
		dial_try(dial);
	else
		dial_fail(dial, &error);
	return true;
}

/* Handles a failed address. There may be newer and fewer addresses, if another dial has resolved the name meanwhile. */
static void dial_address_failed(struct dial *dial, const struct error *why)
{
	dial->tried++;
	if (!dial_address(dial)) {
		dial_fail(dial, why);
		return;
	}
	dial_hang_up(dial);
	link_close(dial->link);
	dial_try(dial);
}

static void dial_on_due(void *context)
{
	struct dial *dial = context;
	struct error error = {0};
	error_set(&error, ERROR_REMOTE, PLACE_NONE, "connecting took longer than %lld ms", (long long)dial->connect_ms);
	if (dial->node.list) /* it is waiting for addresses */
		dial_fail(dial, &error);
	else
		dial_address_failed(dial, &error);
}

/* ---- name resolution ---- */

static void host_take(struct dial_host *host, struct addrinfo *addresses)
{
	if (host->addresses)
		freeaddrinfo(host->addresses);
	host->addresses = addresses;
	host->address_count = 0;
	for (const struct addrinfo *address = addresses; address; address = address->ai_next)
		host->address_count++;
	host->addresses_until_ms = loop_now_ms(host->loop) + ADDRESSES_KEPT_MS;
}

static void host_on_found(void *context, struct addrinfo *addresses, const char *words)
{
	struct dial_host *host = context;
	struct error why = {0};
	struct list found = {0}; /* a failed caller may dial again at once, and waits for the next resolution */
	host->resolve = NULL;
	if (addresses)
		host_take(host, addresses);
	else
		error_set(&why, ERROR_REMOTE, PLACE_NONE, "%s", words);
	for (struct list_node *node; (node = host->waiting.first); list_add(&found, node))
		list_remove(node);
	while (found.first) {
		struct dial *dial = LIST_OWNER(found.first, struct dial, node);
		list_remove(&dial->node);
		if (addresses)
			dial_begin(dial);
		else
			dial_fail(dial, &why);
	}
}

static bool host_is_known(const struct dial_host *host)
{
	return host->addresses && loop_now_ms(host->loop) < host->addresses_until_ms;
}

/* Begins a look-up, unless one is under way; the addresses of a numeric host are known at once. */
static bool host_look_up(struct dial_host *host, struct error *error)
{
	struct addrinfo *numeric = host->resolve ? NULL : resolve_numeric(host->host, host->port);
	if (numeric)
		host_take(host, numeric);
	else if (!host->resolve)
		host->resolve = resolve_start(host->loop, host->host, host->port, host_on_found, host, error);
	return numeric || host->resolve;
}

static void dial_look_up(struct dial *dial)
{
	struct dial_host *host = dial->host;
	struct error why = {0}, error = {0};
	const bool is_begun = host_look_up(host, &why);
	if (is_begun && !host->resolve) {
		dial_begin(dial);
		return;
	}
	list_add(&host->waiting, &dial->node);
	if (is_begun)
		return;
	error_set(&error, ERROR_REMOTE, PLACE_NONE, "%s", why.text); /* as if no socket was free: it may be temporary */
	dial_fail(dial, &error);
}

/* ---- the owner's calls ---- */

void dial_start(struct dial *dial)
{
	assert(dial->host && dial->link && dial->done && !dial->timer.due);
	struct loop *loop = dial->host->loop;
	struct error error = {0};
	dial->node = (struct list_node){0};
	dial->watch = (struct watch){.ready = dial_on_ready, .context = dial};
	dial->watched = false;
	dial->timer = (struct loop_timer){.due = dial_on_due, .context = dial};
	dial->until_ms = loop_now_ms(loop) + dial->connect_ms;
	dial->tried = 0;
	if (!loop_timer_set(loop, &dial->timer, dial->until_ms, &error))
		dial_fail(dial, &error);
	else if (host_is_known(dial->host))
		dial_begin(dial);
	else
		dial_look_up(dial);
}

bool dial_host_is_fresh(struct dial_host *host)
{
	const int64_t now_ms = loop_now_ms(host->loop);
	if (!host_is_known(host) && now_ms >= host->refresh_from_ms) {
		host->refresh_from_ms = now_ms + REFRESH_PAUSE_MS;
		host_look_up(host, &(struct error){0}); /* else the next call tries again */
	}
	return host_is_known(host);
}

void dial_host_forget(struct dial_host *host)
{
	host->addresses_until_ms = 0;
}

void dial_host_close(struct dial_host *host)
{
	resolve_forget(host->resolve);
	if (host->addresses)
		freeaddrinfo(host->addresses);
	host->resolve = NULL;
	host->addresses = NULL;
}
