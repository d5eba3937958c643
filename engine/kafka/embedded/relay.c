/* relay.c: see relay.h. */
#include "kafka/embedded/relay.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "kafka/embedded/relay_queue.h"
#include "net/listen.h"

#define HOST "127.0.0.1"
#define ADDRESS_BYTES 32
#define LENGTH_BYTES 4
#define READ_BYTES ((size_t)64 << 10)
#define PILED_MAX ((size_t)4 << 20) /* waiting to be written: with more, nothing is read from the client */

struct relay_link;

struct end {
	struct relay_link *link;
	struct watch watch;
	struct buffer in, out;
	size_t written; /* of `out` */
	uint32_t events;
};

struct relay_link {
	struct relay *relay;
	struct end client, broker;
	struct relay_queue queue; /* of requests whose answers have not left */
	struct relay_link *next, *previous;
};

struct relay {
	struct loop *loop;
	struct embedded_broker *cluster;
	struct watch watch;
	int port, mock_port;
	char address[ADDRESS_BYTES];
	struct relay_link *links;
	size_t link_count;
};

/* ---- links ---- */

static void end_close(struct relay *relay, struct end *end)
{
	if (end->watch.descriptor >= 0) {
		int descriptor = end->watch.descriptor;
		loop_unwatch(relay->loop, &end->watch);
		close(descriptor);
	}
	buffer_close(&end->in);
	buffer_close(&end->out);
}

static void link_close(struct relay_link *link)
{
	struct relay *relay = link->relay;
	end_close(relay, &link->client);
	end_close(relay, &link->broker);
	relay_queue_close(&link->queue);
	if (link->next)
		link->next->previous = link->previous;
	*(link->previous ? &link->previous->next : &relay->links) = link->next;
	relay->link_count--;
	memory_give(link);
}

/* ---- requests ---- */

static int16_t topic_make(void *context, struct text name, int32_t partitions)
{
	const struct relay *relay = context;
	char text[256];
	snprintf(text, sizeof text, TEXT_FORMAT, TEXT_ARGUMENTS(name));
	return embedded_broker_make(relay->cluster, text, partitions);
}

/* Answers a request here, after the answers to earlier ones. */
static bool take_answered(struct relay_link *link, const struct relay_request *request)
{
	const struct relay_topics topics = {topic_make, link->relay};
	struct buffer answer;
	buffer_open(&answer, RELAY_FRAME_MAX);
	bool good = relay_answer(request, &topics, &answer) && !buffer_failed(&answer);
	struct relay_pending *pending = good ? relay_queue_add(&link->queue, answer.bytes, answer.length) : NULL;
	buffer_close(&answer);
	if (pending)
		pending->here = true;
	return pending != NULL;
}

/* Passes a request on. It is kept whole if the broker's answer must be changed; otherwise only its head is. */
static bool take_passed(struct relay_link *link, struct text frame, const struct relay_request *request)
{
	bool whole = request->api == RELAY_METADATA;
	const size_t kept = whole ? frame.length : request->header.length;
	struct relay_pending *pending = relay_queue_add(&link->queue, frame.bytes, kept);
	if (!pending)
		return false;
	pending->request = relay_request_read((struct text){pending->bytes, pending->length});
	pending->silent = relay_is_silent(request);
	relay_ask(request, &pending->all, &link->broker.out);
	return !buffer_failed(&link->broker.out);
}

static bool take_request(struct relay_link *link, struct text frame)
{
	struct relay_request request = relay_request_read(frame);
	if (request.header.length == 0)
		return false;
	bool here = request.api == RELAY_API_VERSIONS || request.api == RELAY_CREATE_TOPICS ||
		    request.api == RELAY_DESCRIBE_CONFIGS;
	return here ? take_answered(link, &request) : take_passed(link, frame, &request);
}

/* ---- answers ---- */

/* Sends the answers that are next in order. */
static void answers_leave(struct relay_link *link)
{
	const struct relay_pending *first;
	while ((first = link->queue.first) && first->here) {
		buffer_append(&link->client.out, first->bytes, first->length);
		relay_queue_drop(&link->queue);
	}
}

static bool take_response(struct relay_link *link, struct text frame)
{
	const struct relay *relay = link->relay;
	answers_leave(link); /* after the previous response */
	const struct relay_pending *pending = link->queue.first;
	if (!pending || frame.length < LENGTH_BYTES)
		return false;
	bool good = pending->silent || relay_change(&pending->request, pending->all, frame, HOST, relay->port, &link->client.out);
	relay_queue_drop(&link->queue);
	return good && !buffer_failed(&link->client.out);
}

/* ---- bytes ---- */

static uint32_t frame_length(const char *bytes)
{
	uint32_t length;
	memcpy(&length, bytes, sizeof length);
	return ntohl(length);
}

static bool is_piled(const struct end *end)
{
	return end->out.length - end->written >= PILED_MAX;
}

/* Whether the client has sent too many requests without reading the answers. */
static bool is_ahead(const struct relay_link *link)
{
	return relay_queue_is_full(&link->queue) || is_piled(&link->client);
}

/* Takes the complete frames received; none while the client is ahead. */
static bool take_frames(struct end *end, bool (*take)(struct relay_link *link, struct text frame))
{
	const bool client = end == &end->link->client;
	size_t at = 0;
	while (end->in.length - at >= LENGTH_BYTES && !(client && is_ahead(end->link))) {
		size_t length = frame_length(end->in.bytes + at);
		if (length > RELAY_FRAME_MAX)
			return false;
		if (end->in.length - at - LENGTH_BYTES < length)
			break;
		if (!take(end->link, (struct text){end->in.bytes + at + LENGTH_BYTES, length}))
			return false;
		at += LENGTH_BYTES + length;
	}
	if (at == 0)
		return true;
	memmove(end->in.bytes, end->in.bytes + at, end->in.length - at);
	end->in.length -= at;
	return true;
}

/* False: the connection has ended, or has failed. */
static bool read_some(struct end *end)
{
	char *room = buffer_room(&end->in, READ_BYTES);
	ssize_t got = room ? recv(end->watch.descriptor, room, READ_BYTES, 0) : 0;
	if (got > 0)
		buffer_grown(&end->in, (size_t)got);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool write_some(struct end *end)
{
	while (end->written < end->out.length) {
		const char *from = end->out.bytes + end->written;
		ssize_t put = send(end->watch.descriptor, from, end->out.length - end->written, MSG_NOSIGNAL);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR;
		end->written += (size_t)put;
	}
	buffer_clear(&end->out);
	end->written = 0;
	return true;
}

/* Does not read requests from a client that reads its answers too slowly. */
static bool wait_for(struct end *end, const struct end *other)
{
	struct error error = {0};
	bool more = !is_piled(other) && !(end == &end->link->client && is_ahead(end->link));
	uint32_t events = (end->out.length > end->written ? EPOLLOUT : 0u) | (more ? EPOLLIN : 0u);
	if (events == end->events)
		return true;
	end->events = events;
	return loop_watch_for(end->link->relay->loop, &end->watch, events, &error);
}

/* After answers were sent, earlier requests can be processed. */
static bool link_turn(struct relay_link *link, struct end *end, uint32_t events)
{
	size_t waiting;
	if ((events & ~(uint32_t)EPOLLOUT) && !read_some(end))
		return false;
	do {
		waiting = link->client.in.length;
		if (!take_frames(&link->broker, take_response) || !take_frames(&link->client, take_request))
			return false;
		answers_leave(link);
		if (buffer_failed(&link->client.out) || !write_some(&link->client) || !write_some(&link->broker))
			return false;
	} while (link->client.in.length < waiting);
	return wait_for(&link->client, &link->broker) && wait_for(&link->broker, &link->client);
}

static void relay_on_ready(void *context, uint32_t events)
{
	struct end *end = context;
	if (!link_turn(end->link, end, events))
		link_close(end->link);
}

/* ---- connections ---- */

static int mock_connect(const struct relay *relay)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)relay->mock_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int opened = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (opened >= 0 && connect(opened, (const struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
		close(opened);
		return -1;
	}
	return opened;
}

static bool end_open(struct end *end, struct relay_link *link, int descriptor)
{
	struct error error = {0};
	end->link = link;
	end->watch = (struct watch){.ready = relay_on_ready, .context = end, .descriptor = -1};
	end->events = EPOLLIN;
	buffer_open(&end->in, RELAY_FRAME_MAX + 2 * READ_BYTES);
	buffer_open(&end->out, 2 * RELAY_FRAME_MAX);
	if (descriptor >= 0 && loop_watch(link->relay->loop, &end->watch, descriptor, EPOLLIN, &error))
		return true;
	end->watch.descriptor = -1;
	if (descriptor >= 0)
		close(descriptor);
	return false;
}

static void link_open(struct relay *relay, int client)
{
	struct relay_link *link = relay->link_count < RELAY_LINKS_MAX ? memory_take(1, sizeof *link) : NULL;
	if (!link) {
		close(client);
		return;
	}
	*link = (struct relay_link){.relay = relay, .next = relay->links};
	relay_queue_open(&link->queue);
	if (link->next)
		link->next->previous = link;
	relay->links = link;
	relay->link_count++;
	bool client_good = end_open(&link->client, link, client);
	bool broker_good = end_open(&link->broker, link, mock_connect(relay));
	if (!client_good || !broker_good)
		link_close(link);
}

static void on_client(void *context, uint32_t events)
{
	(void)events;
	struct relay *relay = context;
	int client = accept4(relay->watch.descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client >= 0)
		link_open(relay, client);
}

/* ---- opening and closing ---- */

static int listen_there(int *port, struct error *error)
{
	struct error why = {0};
	int listening = listen_open(HOST, port, &why);
	if (listening < 0)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the broker %s. Another `sluice dev` may run; give --port NUMBER, or --port 0 for one that is free",
			  why.text);
	return listening;
}

struct relay *relay_open(struct loop *loop, struct embedded_broker *cluster, int port, struct error *error)
{
	assert(loop && cluster);
	struct relay *relay = memory_take(1, sizeof *relay);
	if (!relay) {
		error_memory(error, ERROR_SYSTEM, "opening the embedded broker");
		return NULL;
	}
	const char *colon = strrchr(embedded_broker_brokers(cluster), ':');
	*relay = (struct relay){.loop = loop, .cluster = cluster, .port = port};
	relay->mock_port = colon ? (int)strtol(colon + 1, NULL, 10) : 0;
	relay->watch = (struct watch){.ready = on_client, .context = relay, .descriptor = -1};
	int listening = listen_there(&relay->port, error);
	if (listening >= 0 && loop_watch(loop, &relay->watch, listening, EPOLLIN, error)) {
		snprintf(relay->address, sizeof relay->address, HOST ":%d", relay->port);
		return relay;
	}
	relay->watch.descriptor = -1;
	if (listening >= 0)
		close(listening);
	relay_close(relay);
	return NULL;
}

void relay_close(struct relay *relay)
{
	if (!relay)
		return;
	while (relay->links)
		link_close(relay->links);
	if (relay->watch.descriptor >= 0) {
		int listening = relay->watch.descriptor;
		loop_unwatch(relay->loop, &relay->watch);
		close(listening);
	}
	memory_give(relay);
}

const char *relay_brokers(const struct relay *relay)
{
	return relay->address;
}
