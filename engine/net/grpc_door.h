/* grpc_door.h: what the files of the gRPC server share; for them alone.
 *
 *   grpc_server.c   the door: who may come in, and how it is closed
 *   grpc_caller.c   one connection: accepted, tended, drained, lost
 *   grpc_request.c  one call on it: what comes, and what is answered
 *
 * A request is held by the wire, from its first header to the end of its stream, and by
 * the application, from `called` to its answer; it goes back to the pool when both have
 * let go. What is to be sent is sent once a turn, by the server's one timer.
 */
#ifndef SLUICE_NET_GRPC_DOOR_H
#define SLUICE_NET_GRPC_DOOR_H

#include "net/acceptor.h"
#include "net/grpc_server.h"
#include "net/grpc_wire.h"
#include "net/http2.h"

struct grpc_request {
	struct grpc_server *server;
	struct grpc_caller *caller; /* NULL: gone */
	bool on_wire;
	struct grpc_request *next, *previous;
	int32_t id;
	bool called; /* and not answered yet */
	bool over;   /* nothing more can be sent */
	/* What has come: */
	bool is_post, is_grpc;
	struct buffer path;
	struct grpc_intake intake;
	struct buffer body;
	struct body_charge charge; /* of the budget of bodies */
	int64_t timeout_ms; /* -1: none */
	struct loop_timer deadline;
	/* The answer, with its prefix, and what of it has been handed to nghttp2: */
	struct buffer answer;
	size_t offset;
};

enum grpc_leaving { GRPC_STAYS, GRPC_NOTICED, GRPC_LEAVES }; /* noticed: told so, but what it sends meanwhile still counts */

struct grpc_caller {
	struct http2 http2;
	struct grpc_server *server;
	struct grpc_caller *next, *previous;
	struct peer *peer, *body_peer; /* its address' places in the acceptor and in the budget of bodies */
	size_t on_wire;	  /* requests */
	size_t held;	  /* by the application, of those that came from here */
	size_t answering; /* answers that are not wholly sent */
	enum grpc_leaving leaving;
	bool dirty; /* the session may have something to say */
	struct loop_timer tend;
	int64_t heard_ms;  /* when anything came */
	int64_t moved_ms;  /* when an answer last moved on */
	int64_t pinged_ms; /* 0: no ping is under way */
};

struct grpc_server {
	struct loop *loop;
	struct grpc_server_config config;
	struct ssl_ctx_st *tls;
	nghttp2_session_callbacks *callbacks;
	struct acceptor acceptor;
	struct grpc_caller *callers;
	struct grpc_request *requests, *pool;
	size_t called;	   /* and not answered */
	size_t held_bytes; /* of messages that have come */
	struct loop_timer now;
	bool awake; /* `now` is due at once */
	bool draining;
	char room[64 << 10]; /* that all connections read into */
};

/* ---- grpc_server.c ---- */

void grpc_caller_is_dirty(struct grpc_caller *caller);

/* ---- grpc_caller.c ---- */

void grpc_caller_accept(void *context, int socket, struct peer *peer); /* takes the socket, for the server's acceptor */
void grpc_caller_end(struct grpc_caller *caller);
void grpc_caller_speak(struct grpc_caller *caller);  /* and closes it when it is over: then it is gone */
void grpc_caller_drain(struct grpc_caller *caller);  /* may close it too */
void grpc_caller_leaves(struct grpc_caller *caller); /* it has noticed: nothing new from now on */

/* ---- grpc_request.c ---- */

void grpc_request_set_up_callbacks(nghttp2_session_callbacks *callbacks);
void grpc_request_leave_wire(struct grpc_request *request); /* its stream, or its connection, is gone */
void grpc_request_give(struct grpc_request *request);	    /* its memory */

#endif
