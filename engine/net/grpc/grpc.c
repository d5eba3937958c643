/* grpc.c: Calls of the gRPC client: their start, cancellation and result, and the addresses they go to. See
 * grpc_client.h for the other parts. */
#include "net/grpc/grpc.h"

#include "base/memory.h"
#include "base/number/random_seed.h"
#include "net/grpc/grpc_client.h"

#define SILENCE_MS 10000
#define FAR_MS INT64_MAX
#define KEPT_BYTES ((size_t)1 << 20) /* of a reply's buffer, for a stream in the pool */
#define WORDS_BYTES ((size_t)8 << 10)
#define MESSAGE_BYTES UINT32_MAX /* the largest length that the prefix can contain */

/* ---- lists and queues ---- */

void grpc_stream_leave(struct grpc_stream *stream)
{
	if (stream->node.list == &stream->peer->line) {
		assert(stream->peer->line_length > 0);
		stream->peer->line_length--;
	}
	list_remove(&stream->node);
}

void grpc_line_add(struct grpc_stream *stream)
{
	struct list *line = &stream->peer->line;
	struct list_node *place = line->last;
	while (place && grpc_stream_of(place)->number > stream->number)
		place = place->previous;
	stream->peer->line_length++;
	list_add_behind(line, place, &stream->node);
}

void grpc_wake(struct grpc *grpc)
{
	if (!grpc->awake)
		loop_timer_set(grpc->loop, &grpc->now, loop_now_ms(grpc->loop), &(struct error){0}); /* a move needs no memory */
	grpc->awake = true;
}

/* ---- results ---- */

void grpc_stream_finish(struct grpc_stream *stream)
{
	struct grpc *grpc = stream->grpc;
	loop_timer_stop(grpc->loop, &stream->deadline);
	grpc_stream_leave(stream);
	list_add(&grpc->finished, &stream->node);
	grpc_wake(grpc);
}

static void stream_to_pool(struct grpc_stream *stream)
{
	if (stream->body.capacity > KEPT_BYTES) {
		buffer_close(&stream->body);
		buffer_open(&stream->body, stream->grpc->limits.reply_bytes);
	}
	grpc_stream_leave(stream);
	list_add(&stream->grpc->pool, &stream->node);
}

static void tell_finished(struct grpc *grpc)
{
	struct list_node *last = grpc->finished.last; /* calls that `done` adds come later */
	for (bool more = last; more;) {
		struct grpc_stream *stream = grpc_stream_of(grpc->finished.first);
		struct grpc_call *call = stream->call;
		more = &stream->node != last;
		if (call) {
			call->stream = NULL;
			stream->call = NULL;
			call->done(call, &stream->reply);
		}
		stream_to_pool(stream);
	}
}

/* ---- queues ---- */

static struct grpc_connection *connection_with_room(struct grpc_peer *peer)
{
	for (struct list_node *node = peer->connections.first; node; node = node->next)
		if (grpc_connection_has_room(grpc_connection_of(node)))
			return grpc_connection_of(node);
	return NULL;
}

/* Whether a queued call needs another connection. It is sent at once, or when a connection in progress is established. */
static bool wants_connection(const struct grpc_peer *peer)
{
	size_t hoped_for = 0;
	if (peer->connection_count > 0 && loop_now_ms(peer->grpc->loop) < peer->pause_until_ms)
		return false;
	for (struct list_node *node = peer->connections.first; node; node = node->next) {
		const struct grpc_connection *connection = grpc_connection_of(node);
		hoped_for += connection->standing || connection->leaving ? 0 : peer->grpc->limits.streams;
	}
	return peer->line_length > hoped_for && peer->connection_count < peer->grpc->limits.connections;
}

void grpc_peer_fail(struct grpc_peer *peer, const struct error *error)
{
	while (peer->line.first) {
		struct grpc_stream *stream = grpc_stream_of(peer->line.first);
		stream->reply.error = *error;
		stream->reply.lost = stream->reply.unprocessed = true;
		grpc_stream_finish(stream);
	}
}

void grpc_peer_slow_down(struct grpc_peer *peer, unsigned tries)
{
	struct loop *loop = peer->grpc->loop;
	int64_t until_ms = loop_now_ms(loop) + ((int64_t)1 << tries);
	if (until_ms > peer->line_until_ms && loop_timer_set(loop, &peer->again, until_ms, &(struct error){0}))
		peer->line_until_ms = until_ms;
}

static void grpc_on_again(void *context)
{
	struct grpc_peer *peer = context;
	grpc_wake(peer->grpc);
}

static void move_line(struct grpc_peer *peer)
{
	if (loop_now_ms(peer->grpc->loop) < peer->line_until_ms)
		return;
	struct grpc_connection *connection;
	if (peer->line.first)
		grpc_connections_renew(peer);
	/* A call whose time is over is not sent: its timer ends it. */
	while (peer->line.first && grpc_stream_of(peer->line.first)->deadline.due_ms > loop_now_ms(peer->grpc->loop) &&
	       (connection = connection_with_room(peer)))
		if (!grpc_stream_submit(grpc_stream_of(peer->line.first), connection))
			break;
	struct error error = {0};
	if (peer->line.first && wants_connection(peer) && !grpc_connection_open(peer, &error) && peer->connection_count == 0)
		grpc_peer_fail(peer, &error);
}

static void grpc_flush(struct grpc_peer *peer)
{
	for (struct list_node *node = peer->connections.first, *next; node; node = next) {
		next = node->next;
		if (grpc_connection_of(node)->dirty)
			grpc_connection_flush(grpc_connection_of(node));
	}
}

static void grpc_on_now(void *context)
{
	struct grpc *grpc = context;
	/* The timer stays set, in the slot that it has just left, so waking never needs memory. */
	loop_timer_set(grpc->loop, &grpc->now, FAR_MS, &(struct error){0});
	grpc->awake = false;
	tell_finished(grpc);
	for (struct grpc_peer *peer = grpc->peers; peer; peer = peer->next) {
		move_line(peer);
		grpc_flush(peer);
	}
}

/* ---- addresses ---- */

static bool split_address(struct grpc_peer *peer, char *parts, const char *address, struct error *error)
{
	size_t length = strlen(address);
	memcpy(peer->address, address, length + 1);
	memcpy(parts, address, length + 1);
	char *colon = strrchr(parts, ':'), *host = parts;
	if (!colon || colon == parts || colon[1] == '\0')
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` is no address of a gRPC server: write HOST:PORT", address);
	*colon = '\0';
	if (*host == '[' && colon[-1] == ']') { /* IPv6, as in URLs */
		colon[-1] = '\0';
		host++;
	}
	peer->dial_host.host = host;
	peer->dial_host.port = colon + 1;
	return true;
}

static struct grpc_peer *peer_of(struct grpc *grpc, const struct grpc_call *call, struct error *error)
{
	for (struct grpc_peer *peer = grpc->peers; peer; peer = peer->next)
		if (peer->tls == call->tls && strcmp(peer->address, call->address) == 0)
			return peer;
	size_t room = strlen(call->address) + 1;
	struct grpc_peer *peer = memory_take(1, sizeof *peer + 2 * room);
	if (!peer)
		return error_null(error_memory(error, ERROR_SYSTEM, "starting a gRPC call"));
	peer->grpc = grpc;
	peer->tls = call->tls;
	peer->dial_host.loop = grpc->loop;
	peer->again = (struct loop_timer){.due = grpc_on_again, .context = peer};
	if (!split_address(peer, peer->address + room, call->address, error)) {
		memory_give(peer);
		return NULL;
	}
	peer->next = grpc->peers;
	grpc->peers = peer;
	return peer;
}

/* ---- calls ---- */

static void grpc_on_deadline(void *context)
{
	struct grpc_stream *stream = context;
	struct grpc_reply *reply = &stream->reply;
	error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s did not answer %s within %lld ms", stream->peer->address,
		  stream->call->path, (long long)stream->call->timeout_ms);
	reply->timed_out = true;
	reply->unprocessed = !stream->whole_sent;
	if (stream->connection)
		grpc_stream_reset(stream);
	grpc_stream_finish(stream);
}

static struct grpc_stream *stream_take(struct grpc *grpc)
{
	if (grpc->pool.last) {
		struct grpc_stream *pooled = grpc_stream_of(grpc->pool.last);
		list_remove(&pooled->node);
		return pooled;
	}
	struct grpc_stream *stream = memory_take(1, sizeof *stream);
	if (!stream)
		return NULL;
	stream->grpc = grpc;
	stream->deadline = (struct loop_timer){.due = grpc_on_deadline, .context = stream};
	buffer_open(&stream->body, grpc->limits.reply_bytes);
	buffer_open(&stream->words, WORDS_BYTES);
	return stream;
}

static void stream_set_up(struct grpc_stream *stream, struct grpc_call *call, struct grpc_peer *peer)
{
	stream->call = call;
	stream->peer = peer;
	stream->connection = NULL;
	stream->number = ++stream->grpc->calls;
	stream->anew = 0;
	stream->reply.status = GRPC_NO_STATUS;
	stream->reply.error.kind = ERROR_NONE;
	stream->reply.error.text[0] = '\0';
	stream->reply.timed_out = stream->reply.lost = stream->reply.unprocessed = false;
	stream->reply.words = stream->reply.body = (struct text){0};
	stream->whole_sent = false;
	call->stream = stream;
}

static bool call_measure(const struct grpc_call *call, size_t *length, struct error *error)
{
	size_t head = strlen(call->path) + strlen(call->address);
	*length = 0;
	if (call->metadata_count > GRPC_METADATA_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "a call to %s has %zu pieces of metadata; the limit is %d",
				 call->address, call->metadata_count, GRPC_METADATA_MAX);
	for (size_t i = 0; i < call->metadata_count; i++)
		head += call->metadata[i].name.length + call->metadata[i].value.length;
	if (head > GRPC_HEAD_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "a call to %s has %zu bytes of path and metadata; the limit is %zu: send less metadata",
				 call->address, head, GRPC_HEAD_BYTES_MAX);
	for (size_t i = 0; i < call->body_count; i++)
		if (__builtin_add_overflow(*length, call->body[i].length, length) || *length > MESSAGE_BYTES)
			return error_set(error, ERROR_LIMIT, PLACE_NONE,
					 "a message for %s has more than the 4 GiB that gRPC can carry: split it", call->address);
	return true;
}

static bool have_tls(struct grpc *grpc, const struct grpc_call *call, struct error *error)
{
	return !call->tls || grpc->tls || (grpc->tls = tls_open_client(NULL, TLS_HTTP2, error));
}

bool grpc_start(struct grpc *grpc, struct grpc_call *call, struct error *error)
{
	assert(call->address && call->path && !call->stream);
	size_t length;
	struct grpc_peer *peer;
	if (!call_measure(call, &length, error) || !have_tls(grpc, call, error) || !(peer = peer_of(grpc, call, error)))
		return false;
	struct grpc_stream *stream = stream_take(grpc);
	if (!stream)
		return error_memory(error, ERROR_SYSTEM, "starting a gRPC call");
	stream->peer = peer;
	if (!loop_timer_set(grpc->loop, &stream->deadline, loop_now_ms(grpc->loop) + call->timeout_ms, error)) {
		list_add(&grpc->pool, &stream->node);
		return false;
	}
	stream_set_up(stream, call, peer);
	stream->length = length;
	grpc_line_add(stream);
	grpc_wake(grpc);
	return true;
}

void grpc_forget(struct grpc *grpc, struct grpc_call *call)
{
	struct grpc_stream *stream = call->stream;
	if (!stream)
		return;
	call->stream = NULL;
	stream->call = NULL;
	if (stream->connection)
		grpc_stream_reset(stream);
	if (stream->node.list != &grpc->finished)
		grpc_stream_finish(stream);
}

/* ---- the client ---- */

struct grpc *grpc_open(struct loop *loop, const struct grpc_limits *limits, const struct tls_files *files, struct error *error)
{
	struct grpc *grpc = memory_take(1, sizeof *grpc);
	if (!grpc)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gRPC client"));
	grpc->loop = loop;
	grpc->limits = *limits;
	grpc->ages = random_seeded();
	if (!grpc->limits.silence_ms)
		grpc->limits.silence_ms = SILENCE_MS;
	grpc->now = (struct loop_timer){.due = grpc_on_now, .context = grpc};
	if (!loop_timer_set(loop, &grpc->now, FAR_MS, error) ||
	    (files && !(grpc->tls = tls_open_client(files, TLS_HTTP2, error)))) {
		grpc_close(grpc);
		return NULL;
	}
	return grpc;
}

static void give_streams(struct list *list)
{
	while (list->first) {
		struct grpc_stream *stream = grpc_stream_of(list->first);
		if (stream->call)
			stream->call->stream = NULL;
		grpc_session_drop(stream);
		grpc_stream_leave(stream);
		loop_timer_stop(stream->grpc->loop, &stream->deadline);
		buffer_close(&stream->body);
		buffer_close(&stream->words);
		memory_give(stream);
	}
}

void grpc_close(struct grpc *grpc)
{
	if (!grpc)
		return;
	for (struct grpc_peer *peer = grpc->peers; peer; peer = peer->next)
		while (peer->connections.first) {
			struct grpc_connection *connection = grpc_connection_of(peer->connections.first);
			give_streams(&connection->streams);
			grpc_connection_end(connection, NULL);
		}
	for (struct grpc_peer *peer = grpc->peers; peer; peer = peer->next)
		give_streams(&peer->line);
	give_streams(&grpc->finished);
	give_streams(&grpc->pool);
	while (grpc->peers) {
		struct grpc_peer *next = grpc->peers->next;
		loop_timer_stop(grpc->loop, &grpc->peers->again);
		dial_host_close(&grpc->peers->dial_host);
		memory_give(grpc->peers);
		grpc->peers = next;
	}
	loop_timer_stop(grpc->loop, &grpc->now);
	tls_close(grpc->tls);
	memory_give(grpc);
}
