/* direct_hub.c: see direct_hub.h. */
#include "worker/direct_hub.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "net/loop.h"

/* A stack that any thread adds to, and one empties. */
struct direct_stack {
	_Atomic(struct direct_message *) top;
	int bell;
};

struct direct_port {
	struct direct_hub *hub;
	struct direct_stack requests;
	atomic_bool taken; /* by a worker */
	atomic_size_t open;
	size_t left;		/* requests that have left since the output was ended last; the worker's own */
	size_t ended;		/* those that had left when it was, and are not acknowledged; the worker's own */
	atomic_size_t unlogged; /* both */
	_Atomic uint64_t pipelines[DIRECT_PIPELINES_MAX]; /* hashes of their names; 0: no more */
};

struct direct_hub {
	struct direct_stack replies;
	atomic_size_t port_count; /* ports that were ever taken: the first ones */
	struct direct_port ports[DIRECT_PORTS_MAX];
};

/* ---- messages ---- */

static struct text text_keep(char **to, struct text text)
{
	char *at = *to;
	if (!text.bytes)
		return text;
	if (text.length > 0)
		memcpy(at, text.bytes, text.length);
	at[text.length] = '\0';
	*to += text.length + 1;
	return (struct text){at, text.length};
}

static size_t message_size(const struct direct_request *from)
{
	size_t size = sizeof(struct direct_message) + from->headers.count * sizeof(struct header) + from->pipeline.length +
		      from->place.length + from->key.length + from->value.length + 4;
	for (size_t i = 0; i < from->headers.count; i++)
		size += from->headers.items[i].name.length + from->headers.items[i].value.length + 2;
	return size;
}

/* NULL: memory ran out. */
static struct direct_message *message_make(const struct direct_request *from)
{
	struct direct_message *message = memory_take_raw(message_size(from));
	if (!message)
		return NULL;
	*message = (struct direct_message){.record = {.partition = -1, .offset = OFFSET_NONE, .time_ms = from->time_ms}};
	struct header *headers = (struct header *)(message + 1);
	char *to = (char *)&headers[from->headers.count];
	for (size_t i = 0; i < from->headers.count; i++) {
		headers[i].name = text_keep(&to, from->headers.items[i].name);
		headers[i].value = text_keep(&to, from->headers.items[i].value);
	}
	message->record.headers = (struct headers){from->headers.count, headers};
	message->pipeline = text_keep(&to, from->pipeline);
	message->place = text_keep(&to, from->place);
	message->record.key = text_keep(&to, from->key);
	message->record.value = text_keep(&to, from->value);
	return message;
}

void direct_message_close(struct direct_message *message)
{
	if (message && message->port)
		atomic_fetch_sub_explicit(&message->port->open, 1, memory_order_release);
	memory_give(message);
}

/* ---- stacks ---- */

static void stack_add(struct direct_stack *stack, struct direct_message *message)
{
	struct direct_message *top = atomic_load_explicit(&stack->top, memory_order_relaxed);
	do
		message->next = top;
	while (!atomic_compare_exchange_weak_explicit(&stack->top, &top, message, memory_order_acq_rel, memory_order_relaxed));
	if (!top)
		bell_ring(stack->bell);
}

/* Empties the stack, and returns what was in it in the order in which it came. */
static struct direct_message *stack_take(struct direct_stack *stack)
{
	struct direct_message *first = NULL, *message = atomic_exchange_explicit(&stack->top, NULL, memory_order_acq_rel);
	while (message) {
		struct direct_message *before = message->next;
		message->next = first;
		first = message;
		message = before;
	}
	return first;
}

static void stack_close(struct direct_stack *stack)
{
	struct direct_message *message = stack_take(stack);
	while (message) {
		struct direct_message *next = message->next;
		direct_message_close(message);
		message = next;
	}
	if (stack->bell >= 0)
		close(stack->bell);
}

/* ---- hub ---- */

struct direct_hub *direct_hub_open(struct error *error)
{
	struct direct_hub *hub = memory_take(1, sizeof *hub);
	if (!hub) {
		error_memory(error, ERROR_SYSTEM, "opening direct ingress");
		return NULL;
	}
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++)
		hub->ports[i].requests.bell = -1;
	hub->replies.bell = bell_open(error);
	if (hub->replies.bell >= 0)
		return hub;
	memory_give(hub);
	return NULL;
}

void direct_hub_close(struct direct_hub *hub)
{
	if (!hub)
		return;
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++)
		stack_close(&hub->ports[i].requests);
	stack_close(&hub->replies);
	memory_give(hub);
}

int direct_hub_bell(const struct direct_hub *hub)
{
	return hub->replies.bell;
}

struct direct_message *direct_hub_take(struct direct_hub *hub)
{
	return stack_take(&hub->replies);
}

/* ---- choice of a port ---- */

static uint64_t name_hash(struct text name)
{
	return hash_bytes(name.bytes, name.length, 0) | 1;
}

static bool port_serves(const struct direct_port *port, uint64_t hash)
{
	for (size_t i = 0; i < DIRECT_PIPELINES_MAX; i++) {
		const uint64_t served = atomic_load_explicit(&port->pipelines[i], memory_order_acquire);
		if (served == hash || served == 0)
			return served != 0;
	}
	return false;
}

/* Lists the ports that take requests of the pipeline. */
static size_t ports_serving(struct direct_hub *hub, uint64_t hash, struct direct_port *ports[DIRECT_PORTS_MAX])
{
	const size_t all = atomic_load_explicit(&hub->port_count, memory_order_acquire);
	size_t count = 0;
	for (size_t i = 0; i < all; i++)
		if (port_serves(&hub->ports[i], hash))
			ports[count++] = &hub->ports[i];
	return count;
}

static size_t port_open_count(const struct direct_port *port)
{
	return atomic_load_explicit(&port->open, memory_order_acquire);
}

/* A request that leaves meanwhile counts twice, and never not at all: `unlogged` is read last, and set first. */
static bool port_has_room(const struct direct_port *port)
{
	const size_t open = port_open_count(port);
	return open < DIRECT_OPEN_MAX && open + atomic_load_explicit(&port->unlogged, memory_order_relaxed) < DIRECT_UNLOGGED_MAX;
}

static struct direct_port *port_choose(struct direct_port *const *ports, size_t count, struct text key)
{
	if (key.bytes)
		return ports[hash_bytes(key.bytes, key.length, 0) % count];
	struct direct_port *least = ports[0];
	for (size_t i = 1; i < count; i++)
		if (port_open_count(ports[i]) < port_open_count(least))
			least = ports[i];
	return least;
}

enum direct_verdict direct_hub_send(struct direct_hub *hub, const struct direct_request *request)
{
	struct direct_port *ports[DIRECT_PORTS_MAX];
	const size_t count = ports_serving(hub, name_hash(request->pipeline), ports);
	if (count == 0)
		return DIRECT_ABSENT;
	struct direct_port *port = port_choose(ports, count, request->key);
	struct direct_message *message = port_has_room(port) ? message_make(request) : NULL;
	if (!message)
		return DIRECT_FULL;
	message->port = port;
	atomic_fetch_add_explicit(&port->open, 1, memory_order_relaxed);
	stack_add(&port->requests, message);
	return DIRECT_SENT;
}

/* ---- ports ---- */

struct direct_port *direct_port_open(struct direct_hub *hub)
{
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++) {
		struct direct_port *port = &hub->ports[i];
		struct error error = {0};
		bool taken = false;
		if (!atomic_compare_exchange_strong(&port->taken, &taken, true))
			continue;
		port->hub = hub;
		if (port->requests.bell < 0 && (port->requests.bell = bell_open(&error)) < 0) {
			atomic_store(&port->taken, false);
			return NULL;
		}
		size_t all = atomic_load(&hub->port_count);
		while (all <= i && !atomic_compare_exchange_weak(&hub->port_count, &all, i + 1))
			;
		return port;
	}
	return NULL;
}

void direct_port_serve(struct direct_port *port, const char *const *pipelines, size_t count)
{
	for (size_t i = 0; i < count && i < DIRECT_PIPELINES_MAX; i++)
		atomic_store_explicit(&port->pipelines[i], name_hash(text_of(pipelines[i])), memory_order_release);
	for (size_t i = count; i < DIRECT_PIPELINES_MAX; i++)
		atomic_store_explicit(&port->pipelines[i], 0, memory_order_release);
}

void direct_port_close(struct direct_port *port)
{
	if (!port)
		return;
	direct_port_serve(port, NULL, 0);
	struct direct_message *message = stack_take(&port->requests);
	while (message) {
		struct direct_message *next = message->next;
		direct_port_return(port, message);
		message = next;
	}
	direct_port_void(port);
	atomic_store(&port->taken, false);
}

int direct_port_bell(const struct direct_port *port)
{
	return port->requests.bell;
}

struct direct_message *direct_port_take(struct direct_port *port)
{
	return stack_take(&port->requests);
}

bool direct_port_reply(struct direct_port *port, const struct outgoing *reply)
{
	const struct direct_request from = {.value = reply->value, .headers = reply->headers};
	struct direct_message *message = message_make(&from);
	if (message)
		stack_add(&port->hub->replies, message);
	return message != NULL;
}

void direct_port_return(struct direct_port *port, struct direct_message *request)
{
	atomic_fetch_sub_explicit(&port->open, 1, memory_order_relaxed);
	request->port = NULL;
	request->is_returned = true;
	stack_add(&port->hub->replies, request);
}

/* ---- the log ---- */

static void unlogged_set(struct direct_port *port, size_t left, size_t ended)
{
	port->left = left;
	port->ended = ended;
	atomic_store_explicit(&port->unlogged, left + ended, memory_order_relaxed);
}

void direct_port_left(struct direct_port *port)
{
	unlogged_set(port, port->left + 1, port->ended);
}

bool direct_port_has_left(const struct direct_port *port)
{
	return port && port->left > 0;
}

void direct_port_ended(struct direct_port *port)
{
	if (port)
		unlogged_set(port, 0, port->ended + port->left);
}

void direct_port_logged(struct direct_port *port)
{
	if (port)
		unlogged_set(port, port->left, 0);
}

void direct_port_void(struct direct_port *port)
{
	if (port)
		unlogged_set(port, 0, 0);
}
