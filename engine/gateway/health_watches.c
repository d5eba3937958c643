/* health_watches.c: see health_watches.h. */
#include "gateway/health_watches.h"

#include "base/memory.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_wire.h"
#include "models/server/seldon_proto.h"

#define STATUS_BYTES_MAX ((size_t)16)
#define CROWDED_WORDS "as many callers watch this gateway's health as may; call Check now and then"
#define STOPPING_WORDS "this gateway is stopping; watch another one"

enum { SERVICE = 1 }; /* field of a HealthCheckRequest */
enum { STATUS = 1 };  /* of a HealthCheckResponse */

struct health_watch {
	struct list_node node;
	struct grpc_request *stream;
	size_t message_bytes;
	struct peer *peer;
	bool is_known; /* its service */
	enum health_serving sent;
};

/* ---- messages ---- */

bool health_service_is_known(struct text service)
{
	return service.length == 0 || text_is(service, INFERENCE_PACKAGE "." INFERENCE_SERVICE) ||
	       text_is(service, SELDON_PACKAGE "." SELDON_SERVICE) || text_is(service, HEALTH_PACKAGE "." HEALTH_SERVICE);
}

void health_status_write(enum health_serving status, struct buffer *out)
{
	char bytes[2];
	const char *end = protobuf_put_varint(protobuf_put_tag(bytes, STATUS, WIRE_VARINT), (uint64_t)status);
	buffer_append(out, bytes, (size_t)(end - bytes));
}

/* ---- one watch ---- */

static enum health_serving status_of(const struct health_watches *watches, const struct health_watch *watch)
{
	if (!watch->is_known)
		return HEALTH_SERVICE_UNKNOWN;
	return !watches->draining && watches->is_ready(watches->context) ? HEALTH_SERVING : HEALTH_NOT_SERVING;
}

static void watch_forget(struct health_watches *watches, struct health_watch *watch)
{
	list_remove(&watch->node);
	peers_leave(&watches->peers, watch->peer);
	watches->count--;
	memory_give(watch);
}

/* `is_last`: with the answer to the watch's message, which then ends. */
static void watch_send(struct health_watch *watch, enum health_serving status, bool is_last)
{
	struct buffer out;
	buffer_open(&out, STATUS_BYTES_MAX);
	health_status_write(status, &out);
	if (is_last)
		grpc_conversation_answer(watch->stream, watch->message_bytes, buffer_view(&out));
	else
		grpc_conversation_send(watch->stream, buffer_view(&out));
	watch->sent = status;
	buffer_close(&out);
}

static void watch_end(struct health_watches *watches, struct health_watch *watch)
{
	grpc_conversation_finish(watch->stream, GRPC_UNAVAILABLE, STOPPING_WORDS);
	watch_send(watch, HEALTH_NOT_SERVING, true);
	watch_forget(watches, watch);
}

static void watch_look(struct health_watches *watches, struct health_watch *watch)
{
	const enum health_serving status = status_of(watches, watch);
	if (grpc_request_is_over(watch->stream)) {
		grpc_conversation_answer(watch->stream, watch->message_bytes, (struct text){0});
		watch_forget(watches, watch);
	} else if (status != watch->sent) {
		watch_send(watch, status, false);
	}
}

/* ---- all watches ---- */

static void health_watches_on_due(void *context)
{
	struct health_watches *watches = context;
	for (struct list_node *node = watches->open.first, *next; node; node = next) {
		next = node->next;
		watch_look(watches, LIST_OWNER(node, struct health_watch, node));
	}
	if (watches->count > 0) /* the timer's slot in the heap is free again, so this needs no memory */
		(void)loop_timer_set(watches->loop, &watches->timer, loop_now_ms(watches->loop) + HEALTH_WATCH_MS,
				     &(struct error){0});
}

static bool watch_exists(const struct health_watches *watches, const struct grpc_request *stream)
{
	for (const struct list_node *node = watches->open.first; node; node = node->next)
		if (LIST_OWNER(node, struct health_watch, node)->stream == stream)
			return true;
	return false;
}

/* NULL: there are too many, or memory ran out. */
static struct health_watch *watch_open(struct health_watches *watches, struct grpc_request *stream)
{
	struct sockaddr_storage at = {.ss_family = AF_INET};
	(void)grpc_request_peer(stream, &at); /* false: the caller is gone, and its watch is forgotten soon */
	const struct peer_address address = peer_address_of(&at);
	struct peer *peer = watches->count < HEALTH_WATCHES_MAX ? peers_enter(&watches->peers, &address) : NULL;
	const bool has_share = peer && peer->connections <= HEALTH_PEER_WATCHES_MAX;
	struct health_watch *watch = has_share ? memory_take(1, sizeof *watch) : NULL;
	if (watch && watches->count == 0 &&
	    !loop_timer_set(watches->loop, &watches->timer, loop_now_ms(watches->loop) + HEALTH_WATCH_MS, &(struct error){0})) {
		memory_give(watch);
		watch = NULL;
	}
	if (!watch) {
		peers_leave(&watches->peers, peer);
		return NULL;
	}
	*watch = (struct health_watch){.stream = stream, .peer = peer};
	list_add(&watches->open, &watch->node);
	watches->count++;
	return watch;
}

bool health_watch_begin(struct health_watches *watches, struct grpc_request *stream, struct text message)
{
	if (watch_exists(watches, stream))
		return false;
	struct health_watch *watch = watch_open(watches, stream);
	if (!watch) {
		grpc_conversation_refuse(stream, message.length, GRPC_RESOURCE_EXHAUSTED, CROWDED_WORDS);
		return true;
	}
	watch->message_bytes = message.length;
	watch->is_known = health_service_is_known(protobuf_read_text(message, SERVICE));
	if (watches->draining)
		watch_end(watches, watch);
	else
		watch_send(watch, status_of(watches, watch), false);
	return true;
}

void health_watches_drain(struct health_watches *watches)
{
	watches->draining = true;
	while (watches->open.first)
		watch_end(watches, LIST_OWNER(watches->open.first, struct health_watch, node));
}

void health_watches_set_up(struct health_watches *watches, struct loop *loop, bool (*is_ready)(void *context), void *context)
{
	*watches = (struct health_watches){.loop = loop, .is_ready = is_ready, .context = context};
	watches->timer = (struct loop_timer){.due = health_watches_on_due, .context = watches};
}

void health_watches_close(struct health_watches *watches)
{
	if (!watches->loop)
		return;
	loop_timer_stop(watches->loop, &watches->timer);
	while (watches->open.first)
		watch_forget(watches, LIST_OWNER(watches->open.first, struct health_watch, node));
}
