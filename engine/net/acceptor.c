/* acceptor.c: see acceptor.h. */
#include "net/acceptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "net/listen.h"

#define PAUSE_MS 100 /* until the next attempt, if no file descriptor is free */
#define ACCEPTED_A_TURN 8 /* 10 microseconds each; a turn more costs one */

/* Logs the first peer that reaches the limit: one behind which many callers are, such as a proxy, needs another limit. */
static void acceptor_log_peer(struct acceptor *acceptor, const struct peer_address *address)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* IPv4 (RFC 4291, 2.5.5.2) */
	const bool is_old = memcmp(address->bytes, mapped, sizeof mapped) == 0;
	char words[INET6_ADDRSTRLEN] = "";
	if (acceptor->is_logged || !acceptor->config.log)
		return;
	acceptor->is_logged = true;
	(void)inet_ntop(is_old ? AF_INET : AF_INET6, is_old ? address->bytes + sizeof mapped : address->bytes, words, sizeof words);
	log_say(acceptor->config.log, LOG_LEVEL_WARN, NULL,
		"%s has %zu connections, as many as one peer may have at port %d; more of a peer are closed at once, which the "
		"metrics count. If it is a proxy, raise --peer-connections",
		words, acceptor->config.peer_connections, acceptor->port);
}

/* Counts a connection of a peer. NULL: it is refused, which is counted. */
static struct peer *acceptor_enter(struct acceptor *acceptor, const struct peer_address *address)
{
	const struct acceptor_config *config = &acceptor->config;
	struct peer *peer = acceptor->connections < config->connections ? peers_enter(&acceptor->peers, address) : NULL;
	if (!peer) {
		acceptor->counts.refused++;
		return NULL;
	}
	if (!config->peer_connections || peer->connections <= config->peer_connections)
		return peer;
	acceptor->counts.peer_refused++;
	acceptor_log_peer(acceptor, address);
	peers_leave(&acceptor->peers, peer);
	return NULL;
}

void acceptor_leave(struct acceptor *acceptor, struct peer *peer)
{
	assert(acceptor->connections > 0); /* `accepted` got it */
	acceptor->connections--;
	peers_leave(&acceptor->peers, peer);
}

static void acceptor_pause(struct acceptor *acceptor)
{
	struct error error = {0};
	loop_watch_for(acceptor->loop, &acceptor->watch, 0, &error);
	loop_timer_set(acceptor->loop, &acceptor->again, loop_now_ms(acceptor->loop) + PAUSE_MS, &error);
}

/* New connections are accepted when this turn's descriptors are served. */
static void on_connection(void *context, uint32_t events)
{
	(void)events;
	struct acceptor *acceptor = context;
	/* Without memory it is called again in the next turn. */
	loop_timer_set(acceptor->loop, &acceptor->turn, loop_now_ms(acceptor->loop), &(struct error){0});
}

static void acceptor_on_turn(void *context)
{
	struct acceptor *acceptor = context;
	for (int i = 0; i < ACCEPTED_A_TURN && acceptor->watch.descriptor >= 0; i++) {
		struct sockaddr_storage address = {0};
		socklen_t length = sizeof address;
		int socket = accept4(acceptor->watch.descriptor, (struct sockaddr *)&address, &length,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (socket < 0) {
			if (listen_is_exhausted(errno))
				acceptor_pause(acceptor);
			return;
		}
		const struct peer_address from = peer_address_of(&address);
		struct peer *peer = acceptor_enter(acceptor, &from);
		if (!peer) {
			close(socket);
			continue;
		}
		acceptor->connections++;
		acceptor->counts.accepted++;
		acceptor->config.accepted(acceptor->config.context, socket, peer);
	}
}

static void acceptor_on_again(void *context)
{
	struct acceptor *acceptor = context;
	if (acceptor->watch.descriptor >= 0)
		loop_watch_for(acceptor->loop, &acceptor->watch, EPOLLIN, &(struct error){0});
}

bool acceptor_open(struct acceptor *acceptor, struct loop *loop, const struct acceptor_config *config, struct error *error)
{
	assert(loop && config->accepted);
	*acceptor = (struct acceptor){.loop = loop, .config = *config, .port = config->port};
	acceptor->watch = (struct watch){.ready = on_connection, .context = acceptor, .descriptor = -1};
	acceptor->turn = (struct loop_timer){.due = acceptor_on_turn, .context = acceptor};
	acceptor->again = (struct loop_timer){.due = acceptor_on_again, .context = acceptor};
	int listener = listen_open(config->host, &acceptor->port, error);
	if (listener < 0)
		return false;
	if (loop_watch(loop, &acceptor->watch, listener, EPOLLIN, error))
		return true;
	close(listener);
	acceptor->watch.descriptor = -1;
	return false;
}

void acceptor_shut(struct acceptor *acceptor)
{
	if (!acceptor->loop || acceptor->watch.descriptor < 0)
		return;
	int listener = acceptor->watch.descriptor;
	loop_timer_stop(acceptor->loop, &acceptor->turn);
	loop_timer_stop(acceptor->loop, &acceptor->again);
	loop_unwatch(acceptor->loop, &acceptor->watch);
	close(listener);
	acceptor->watch.descriptor = -1;
}
