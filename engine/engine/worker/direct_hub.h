/* direct_hub.h: Direct ingress: passes requests from the gateway of a process to the workers of its engine, and replies back,
 * without Kafka between them. Replies to requests that this gateway sent through Kafka come back this way too.
 *
 * Each worker has a port, which lists the pipelines that it takes requests of. The gateway chooses among the ports of a pipeline:
 * by the key of the request, so that requests of a key keep their order, else the one with the fewest open requests of the
 * pipeline. Limits are of a pipeline at a port, so that a pipeline that stands still leaves the others alone. A message has one
 * owner at a time. Ports and replies are lock-free stacks, whose taker reverses them, so a message is passed on by one exchange.
 * A thread is woken when the other one has passed on all that it has at the moment, so what is passed on together is taken
 * together.
 *
 * A hub is opened before the engine and the gateway, and closed after both.
 */
#pragma once

#include "kafka/record.h"

#define DIRECT_PORTS_MAX 256	  /* workers of a process; further ones take no direct requests */
/* Pipelines of a worker, with those that it takes no requests of any more and still has some. Requests of further ones go through
 * Kafka. */
#define DIRECT_PIPELINES_MAX 256
/* Requests of a pipeline that a worker has, until they have left; further ones are refused. */
#define DIRECT_OPEN_MAX ((size_t)2048)
/* The same, begun, with those that have left and whose log Kafka has not acknowledged. More than a worker answers in the time of a
 * commit. Further ones wait in the worker. Once Kafka has acknowledged nothing for DIRECT_LOG_WAIT_MS meanwhile, they are refused,
 * until it does. */
#define DIRECT_UNLOGGED_MAX ((size_t)16384)
#define DIRECT_LOG_WAIT_MS 2000
/* Calls whose callers are known to have left: the last one of each number modulo this. A power of two. */
#define DIRECT_CALLS_MAX ((size_t)1 << 16)

struct direct_hub;
struct direct_port;
struct direct_slot; /* a pipeline at a port */

/* A request or a reply: one block with all that it refers to. */
struct direct_message {
	struct direct_message *next;
	struct direct_hub *hub;
	struct direct_slot *slot; /* of a request that a worker has: counted as open there */
	struct record record;	  /* without `held` */
	struct text pipeline;	  /* of a request */
	struct text place;	  /* likewise: where it came in, for the place of errors */
	uint64_t call;		  /* likewise: the gateway's number of the call; 0: none */
	bool is_returned;	  /* the request itself, which no worker took: it goes through Kafka */
	bool is_refused;	  /* likewise, but its call fails: the log stands still (DIRECT_STALLED) */
	bool is_block;		  /* it has the size of those that are kept for the next ones */
};

/* Requests in the order in which they came. Starts as {0}. */
struct direct_queue {
	struct direct_message *first, *last;
};

void direct_queue_add(struct direct_queue *queue, struct direct_message *message);
struct direct_message *direct_queue_take(struct direct_queue *queue); /* NULL: it is empty */

/* NULL: SYSTEM. */
struct direct_hub *direct_hub_open(struct error *error);
void direct_hub_close(struct direct_hub *hub); /* NULL is fine */

/* Ends a message. Its memory is kept for the next one that the thread makes: to be called by the thread that took it, while its
 * port is open. NULL is fine. */
void direct_message_close(struct direct_message *message);

/* Likewise, by any thread and at any time: its memory is freed. */
void direct_message_drop(struct direct_message *message);

/* ---- of the gateway's thread ---- */

int direct_hub_bell(const struct direct_hub *hub); /* rings when there are replies; never silenced, so its edges are watched */

enum direct_verdict {
	DIRECT_SENT,
	DIRECT_ABSENT,	/* no worker takes requests of this pipeline now */
	DIRECT_FULL,	/* the one chosen has as many of this pipeline as it may, or memory ran out */
	DIRECT_STALLED, /* the one chosen waits for Kafka, for DIRECT_LOG_WAIT_MS or longer */
};

struct direct_request {
	struct text pipeline;
	struct text place;
	struct text key; /* bytes NULL: none */
	struct text value;
	struct headers headers;
	int64_t time_ms; /* since 1970 */
	uint64_t call; /* never used again; 0: none */
};

/* Copies the request and gives it to a worker, which sees it at its next turn: direct_hub_wake() is to be called soon. */
enum direct_verdict direct_hub_send(struct direct_hub *hub, const struct direct_request *request);

/* Wakes the workers that were given requests since the last call, if they have not taken them yet. */
void direct_hub_wake(struct direct_hub *hub);

/* From now on replies to requests of that epoch (message/records/reply.h) come to the hub, however the requests were sent. 0: none
 * do. */
void direct_hub_expect(struct direct_hub *hub, uint64_t epoch);

/* The caller of that call, which has a number, has left: a worker that has not begun the request drops it, and one that has gives
 * it up. Workers are woken. */
void direct_hub_leave(struct direct_hub *hub, uint64_t call);

/* Takes all replies and returned requests, the oldest first; the caller closes each. */
struct direct_message *direct_hub_take(struct direct_hub *hub);

/* ---- of any worker's thread ---- */

/* Whether the gateway of this process sent requests of that epoch. A hub of NULL is fine. */
bool direct_hub_expects(const struct direct_hub *hub, uint64_t epoch);

/* Copies the reply and passes it on: direct_hub_wake_gateway() is to be called soon. The port is the worker's, whose memory is used
 * again; NULL: it has none. False: memory ran out, and the caller's deadline ends the call. */
bool direct_hub_reply(struct direct_hub *hub, struct direct_port *port, const struct outgoing *reply);

/* Wakes the gateway, if it has not taken all replies yet. */
void direct_hub_wake_gateway(struct direct_hub *hub);

/* ---- of the thread of the worker that has the port ---- */

/* NULL: there are as many ports as there may be. */
struct direct_port *direct_port_open(struct direct_hub *hub);

/* Returns what it still has to the gateway. NULL is fine. */
void direct_port_close(struct direct_port *port);

int direct_port_bell(const struct direct_port *port); /* rings when there are requests; never silenced, as the hub's */

/* Takes requests of these pipelines from now on, as far as there is space for them. */
void direct_port_serve(struct direct_port *port, const char *const *pipelines, size_t count);

/* Takes all requests, the oldest first; each is replied to and closed, or returned. */
struct direct_message *direct_port_take(struct direct_port *port);

/* Whether the caller of the request has left, so that nobody waits for a reply. */
bool direct_port_has_lost_caller(const struct direct_port *port, const struct direct_message *request);
uint64_t direct_port_lost_callers(const struct direct_port *port); /* how many have left so far, of any port */

void direct_port_return(struct direct_port *port, struct direct_message *request); /* takes the request */
void direct_port_return_all(struct direct_port *port, struct direct_queue *queue); /* a port of NULL is fine: it is empty */

/* ---- likewise, about the log; a port of NULL is fine ---- */

/* Whether the log has room for a request, which may begin then. */
bool direct_message_may_begin(const struct direct_message *request);

/* One may not begin at that time, on a clock that never goes back. Returns when those that wait with it are to be refused, unless
 * Kafka acknowledges a log before. */
int64_t direct_message_waits(const struct direct_message *request, int64_t now_ms);

/* Refuses a request that waited until then, and as DIRECT_STALLED those that would come after it. Takes the request. */
void direct_port_refuse(struct direct_port *port, struct direct_message *request);

/* A request leaves: its log was produced. It will be closed. */
void direct_message_leaves(const struct direct_message *request);

/* Whether requests have left since the output was ended last. */
bool direct_port_has_left(struct direct_port *port);

void direct_port_ended(struct direct_port *port);  /* the output is being ended, with all that has left */
void direct_port_logged(struct direct_port *port); /* Kafka has acknowledged all that was ended */
void direct_port_void(struct direct_port *port);   /* nothing that has left will be acknowledged */
