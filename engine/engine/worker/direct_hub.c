/* direct_hub.c: see direct_hub.h. */
#include "engine/worker/direct_hub.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "net/loop.h"

#define BLOCK_BYTES ((size_t)2048) /* of a message, unless it is longer */

#ifdef ARENA_EVERY_ALLOCATION_APART
#define SPARE_MAX 0
#else
#define SPARE_MAX 512
#endif

/* Blocks of messages that were closed, for the next ones that the same thread makes: it closes as many as it makes, for each
 * request one. The heap would take a lock for a block that another thread has allocated, and has no quick way for one of this size.
 */
struct direct_spares {
	struct direct_message *first;
	size_t count;
};

/* A stack that any thread adds to, and one empties. */
struct direct_stack {
	_Atomic(struct direct_message *) top;
	int bell;
};

#define SLOT_SERVED ((uint64_t)1) /* with the name of a slot: requests are taken */

struct direct_slot {
	struct direct_port *port;
	_Atomic uint64_t name; /* hash of the pipeline's; 0: this slot was never used, nor were those after it */
	atomic_size_t open;
	size_t left;		/* requests that have left since the output was ended last; the worker's own */
	size_t ended;		/* those that had left when it was, and are not acknowledged; the worker's own */
	atomic_size_t unlogged; /* both */
	int64_t waits_until_ms; /* requests wait for the log, and are refused then; 0: none do; the worker's own */
	atomic_bool is_stalled; /* they are refused */
};

struct direct_port {
	struct direct_hub *hub;
	struct direct_stack requests;
	atomic_bool taken; /* by a worker */
	bool is_given;	   /* requests since its worker was woken last; the gateway's own */
	struct direct_spares spares; /* the worker's own */
	struct direct_slot slots[DIRECT_PIPELINES_MAX];
};

struct direct_hub {
	struct direct_stack replies;
	struct direct_spares spares; /* the gateway's own */
	atomic_size_t port_count; /* ports that were ever taken: the first ones */
	_Atomic uint64_t epoch;	  /* of the gateway that takes replies; 0: none */
	_Atomic uint64_t left_count; /* callers that have left */
	_Atomic uint64_t left[DIRECT_CALLS_MAX]; /* calls whose callers have left, each in the place of its number; 0: none */
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

static struct direct_message *spare_take(struct direct_spares *spares)
{
	struct direct_message *spare = spares->first;
	if (spare) {
		spares->first = spare->next;
		spares->count--;
	}
	return spare;
}

static void spare_give(struct direct_spares *spares, struct direct_message *message)
{
	if (!message->is_block || spares->count == SPARE_MAX) {
		memory_give(message);
		return;
	}
	message->next = spares->first;
	spares->first = message;
	spares->count++;
}

static void spares_close(struct direct_spares *spares)
{
	struct direct_message *spare;
	while ((spare = spare_take(spares)))
		memory_give(spare);
}

/* Spares of NULL: there are none. NULL: memory ran out. */
static struct direct_message *message_make(struct direct_hub *hub, struct direct_spares *spares, const struct direct_request *from)
{
	const size_t size = message_size(from);
	const bool is_block = size <= BLOCK_BYTES && SPARE_MAX > 0;
	struct direct_message *message = is_block && spares ? spare_take(spares) : NULL;
	message = message ? message : memory_take_raw(is_block ? BLOCK_BYTES : size);
	if (!message)
		return NULL;
	*message = (struct direct_message){.hub = hub,
					   .record = {.partition = -1, .offset = OFFSET_NONE, .time_ms = from->time_ms},
					   .call = from->call,
					   .is_block = is_block};
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

static void message_leave_slot(const struct direct_message *message)
{
	if (message->slot)
		atomic_fetch_sub_explicit(&message->slot->open, 1, memory_order_release);
}

void direct_message_close(struct direct_message *message)
{
	if (!message)
		return;
	message_leave_slot(message);
	spare_give(message->slot ? &message->slot->port->spares : &message->hub->spares, message);
}

void direct_message_drop(struct direct_message *message)
{
	if (message)
		message_leave_slot(message);
	memory_give(message);
}

void direct_queue_add(struct direct_queue *queue, struct direct_message *message)
{
	message->next = NULL;
	if (queue->first)
		queue->last->next = message;
	else
		queue->first = message;
	queue->last = message;
}

struct direct_message *direct_queue_take(struct direct_queue *queue)
{
	struct direct_message *first = queue->first;
	queue->first = first ? first->next : NULL;
	return first;
}

/* ---- stacks ---- */

static void stack_add(struct direct_stack *stack, struct direct_message *message)
{
	struct direct_message *top = atomic_load_explicit(&stack->top, memory_order_relaxed);
	do
		message->next = top;
	while (!atomic_compare_exchange_weak_explicit(&stack->top, &top, message, memory_order_acq_rel, memory_order_relaxed));
}

/* Wakes the taker, unless it took everything already. */
static void stack_ring(const struct direct_stack *stack)
{
	if (atomic_load_explicit(&stack->top, memory_order_relaxed))
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
		direct_message_drop(message);
		message = next;
	}
	if (stack->bell >= 0)
		close(stack->bell);
}

/* ---- hub ---- */

struct direct_hub *direct_hub_open(struct error *error)
{
	struct direct_hub *hub = memory_take(1, sizeof *hub);
	if (!hub)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening direct ingress"));
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
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++)
		spares_close(&hub->ports[i].spares);
	spares_close(&hub->spares);
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

/* ---- pipelines of a port ---- */

static uint64_t name_hash(struct text name)
{
	return (hash_bytes(name.bytes, name.length, 0) | 2) & ~SLOT_SERVED;
}

static uint64_t slot_name(const struct direct_slot *slot)
{
	return atomic_load_explicit(&slot->name, memory_order_acquire);
}

/* The slot after that one, or the first one after NULL, of those that were ever used. NULL: there are no more, or no port. */
static struct direct_slot *slot_next(struct direct_port *port, struct direct_slot *slot)
{
	struct direct_slot *next = slot ? slot + 1 : port ? port->slots : NULL;
	return next && next < &port->slots[DIRECT_PIPELINES_MAX] && slot_name(next) != 0 ? next : NULL;
}

/* The slot of that name, of which the bits of `mask` are compared; NULL: there is none. */
static struct direct_slot *slot_of(struct direct_port *port, uint64_t name, uint64_t mask)
{
	struct direct_slot *slot = NULL;
	while ((slot = slot_next(port, slot)) && (slot_name(slot) & mask) != name)
		;
	return slot;
}

static size_t slot_open_count(const struct direct_slot *slot)
{
	return atomic_load_explicit(&slot->open, memory_order_acquire);
}

static size_t slot_unlogged(const struct direct_slot *slot)
{
	return atomic_load_explicit(&slot->unlogged, memory_order_relaxed);
}

static bool slot_has_room(const struct direct_slot *slot)
{
	return slot_open_count(slot) < DIRECT_OPEN_MAX;
}

/* A slot that no requests refer to. NULL: there is none. */
static struct direct_slot *slot_spare(struct direct_port *port)
{
	for (struct direct_slot *slot = port->slots; slot < &port->slots[DIRECT_PIPELINES_MAX]; slot++)
		if (!(slot_name(slot) & SLOT_SERVED) && slot_open_count(slot) + slot_unlogged(slot) == 0)
			return slot;
	return NULL;
}

static void slot_serve(struct direct_port *port, uint64_t name)
{
	struct direct_slot *slot = slot_of(port, name, ~SLOT_SERVED);
	slot = slot ? slot : slot_spare(port);
	if (slot)
		atomic_store_explicit(&slot->name, name | SLOT_SERVED, memory_order_release);
}

/* ---- choice of a port ---- */

/* The port with the greatest weight is chosen: of a key, one that has nothing to do with the other ports, so that a key moves only
 * to a port that is new, or from one that is gone (rendezvous hashing). */
static uint64_t slot_weight(const struct direct_slot *slot, size_t port, struct text key)
{
	return key.bytes ? hash_bytes(key.bytes, key.length, port + 1) : UINT64_MAX - slot_open_count(slot);
}

/* NULL: no port takes requests of the pipeline. */
static struct direct_slot *slot_choose(struct direct_hub *hub, uint64_t name, struct text key)
{
	const size_t all = atomic_load_explicit(&hub->port_count, memory_order_acquire);
	struct direct_slot *best = NULL;
	uint64_t most = 0;
	for (size_t i = 0; i < all; i++) {
		struct direct_slot *slot = slot_of(&hub->ports[i], name | SLOT_SERVED, UINT64_MAX);
		const uint64_t weight = slot ? slot_weight(slot, i, key) : 0;
		if (!slot || (best && weight <= most))
			continue;
		best = slot;
		most = weight;
	}
	return best;
}

enum direct_verdict direct_hub_send(struct direct_hub *hub, const struct direct_request *request)
{
	struct direct_slot *slot = slot_choose(hub, name_hash(request->pipeline), request->key);
	if (!slot)
		return DIRECT_ABSENT;
	if (atomic_load_explicit(&slot->is_stalled, memory_order_relaxed))
		return DIRECT_STALLED;
	struct direct_message *message = slot_has_room(slot) ? message_make(hub, &hub->spares, request) : NULL;
	if (!message)
		return DIRECT_FULL;
	message->slot = slot;
	atomic_fetch_add_explicit(&slot->open, 1, memory_order_relaxed);
	stack_add(&slot->port->requests, message);
	slot->port->is_given = true;
	return DIRECT_SENT;
}

void direct_hub_wake(struct direct_hub *hub)
{
	const size_t all = atomic_load_explicit(&hub->port_count, memory_order_acquire);
	for (size_t i = 0; i < all; i++) {
		if (hub->ports[i].is_given)
			stack_ring(&hub->ports[i].requests);
		hub->ports[i].is_given = false;
	}
}

/* ---- replies ---- */

void direct_hub_expect(struct direct_hub *hub, uint64_t epoch)
{
	atomic_store_explicit(&hub->epoch, epoch, memory_order_relaxed);
}

bool direct_hub_expects(const struct direct_hub *hub, uint64_t epoch)
{
	return hub && epoch != 0 && atomic_load_explicit(&hub->epoch, memory_order_relaxed) == epoch;
}

bool direct_hub_reply(struct direct_hub *hub, struct direct_port *port, const struct outgoing *reply)
{
	const struct direct_request from = {.value = reply->value, .headers = reply->headers};
	struct direct_message *message = message_make(hub, port ? &port->spares : NULL, &from);
	if (message)
		stack_add(&hub->replies, message);
	return message != NULL;
}

void direct_hub_wake_gateway(struct direct_hub *hub)
{
	stack_ring(&hub->replies);
}

/* ---- callers that leave ---- */

/* A later call of the same place may replace it; the request is processed then, for nobody. */
void direct_hub_leave(struct direct_hub *hub, uint64_t call)
{
	assert(call != 0);
	const size_t ports = atomic_load_explicit(&hub->port_count, memory_order_acquire);
	atomic_store_explicit(&hub->left[call % DIRECT_CALLS_MAX], call, memory_order_relaxed);
	atomic_fetch_add_explicit(&hub->left_count, 1, memory_order_release);
	for (size_t i = 0; i < ports; i++)
		bell_ring(hub->ports[i].requests.bell);
}

uint64_t direct_port_lost_callers(const struct direct_port *port)
{
	return atomic_load_explicit(&port->hub->left_count, memory_order_acquire);
}

bool direct_port_has_lost_caller(const struct direct_port *port, const struct direct_message *request)
{
	const uint64_t call = request->call;
	return call != 0 && atomic_load_explicit(&port->hub->left[call % DIRECT_CALLS_MAX], memory_order_relaxed) == call;
}

/* ---- ports ---- */

/* Sets a port up that was never open. */
static bool port_set_up(struct direct_port *port, struct direct_hub *hub)
{
	struct error error = {0};
	port->hub = hub;
	for (size_t i = 0; i < DIRECT_PIPELINES_MAX; i++)
		port->slots[i].port = port;
	port->requests.bell = bell_open(&error);
	return port->requests.bell >= 0;
}

struct direct_port *direct_port_open(struct direct_hub *hub)
{
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++) {
		struct direct_port *port = &hub->ports[i];
		bool taken = false;
		if (!atomic_compare_exchange_strong(&port->taken, &taken, true))
			continue;
		if (port->requests.bell < 0 && !port_set_up(port, hub)) {
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

static bool is_among(const char *const *pipelines, size_t count, uint64_t name)
{
	for (size_t i = 0; i < count; i++)
		if (name_hash(text_of(pipelines[i])) == name)
			return true;
	return false;
}

void direct_port_serve(struct direct_port *port, const char *const *pipelines, size_t count)
{
	assert(count == 0 || pipelines);
	for (struct direct_slot *slot = NULL; (slot = slot_next(port, slot));) {
		const uint64_t name = slot_name(slot) & ~SLOT_SERVED;
		if (!is_among(pipelines, count, name))
			atomic_store_explicit(&slot->name, name, memory_order_release);
	}
	for (size_t i = 0; i < count; i++)
		slot_serve(port, name_hash(text_of(pipelines[i])));
}

void direct_port_close(struct direct_port *port)
{
	if (!port)
		return;
	direct_port_serve(port, NULL, 0);
	struct direct_queue rest = {.first = stack_take(&port->requests)};
	direct_port_return_all(port, &rest);
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

static void request_give_back(struct direct_port *port, struct direct_message *request)
{
	assert(request->slot); /* the hub has given it to this port */
	atomic_fetch_sub_explicit(&request->slot->open, 1, memory_order_relaxed);
	request->slot = NULL;
	stack_add(&port->hub->replies, request);
	stack_ring(&port->hub->replies);
}

void direct_port_return(struct direct_port *port, struct direct_message *request)
{
	request->is_returned = true;
	request_give_back(port, request);
}

void direct_port_refuse(struct direct_port *port, struct direct_message *request)
{
	atomic_store_explicit(&request->slot->is_stalled, true, memory_order_relaxed);
	request->is_refused = true;
	request_give_back(port, request);
}

void direct_port_return_all(struct direct_port *port, struct direct_queue *queue)
{
	struct direct_message *message;
	while ((message = direct_queue_take(queue)))
		direct_port_return(port, message);
}

/* ---- the log ---- */

static void unlogged_set(struct direct_slot *slot, size_t left, size_t ended)
{
	slot->left = left;
	slot->ended = ended;
	atomic_store_explicit(&slot->unlogged, left + ended, memory_order_relaxed);
}

static void log_goes_on(struct direct_slot *slot)
{
	slot->waits_until_ms = 0;
	atomic_store_explicit(&slot->is_stalled, false, memory_order_relaxed);
}

/* As many as may be open fit in beside those that have left. */
bool direct_message_may_begin(const struct direct_message *request)
{
	return slot_unlogged(request->slot) <= DIRECT_UNLOGGED_MAX - DIRECT_OPEN_MAX;
}

int64_t direct_message_waits(const struct direct_message *request, int64_t now_ms)
{
	if (request->slot->waits_until_ms == 0)
		request->slot->waits_until_ms = now_ms + DIRECT_LOG_WAIT_MS;
	return request->slot->waits_until_ms;
}

void direct_message_leaves(const struct direct_message *request)
{
	unlogged_set(request->slot, request->slot->left + 1, request->slot->ended);
}

bool direct_port_has_left(struct direct_port *port)
{
	struct direct_slot *slot = NULL;
	while ((slot = slot_next(port, slot)) && slot->left == 0)
		;
	return slot != NULL;
}

void direct_port_ended(struct direct_port *port)
{
	for (struct direct_slot *slot = NULL; (slot = slot_next(port, slot));)
		unlogged_set(slot, 0, slot->ended + slot->left);
}

void direct_port_logged(struct direct_port *port)
{
	for (struct direct_slot *slot = NULL; (slot = slot_next(port, slot));)
		unlogged_set(slot, slot->left, 0), log_goes_on(slot);
}

void direct_port_void(struct direct_port *port)
{
	for (struct direct_slot *slot = NULL; (slot = slot_next(port, slot));)
		unlogged_set(slot, 0, 0), log_goes_on(slot);
}
