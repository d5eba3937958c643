/* grpc.h: unary gRPC calls that do not wait, by nghttp2, driven by a loop.
 *
 * A call is started and its `done` entered once, in a later turn of the loop, with the
 * server's message and status, or with why there is none. All calls to one address
 * share its connections, as streams; a connection is made when it is first needed, and
 * again when the last was lost. What a server says of itself is kept to: fewer streams
 * than wanted wait here, a GOAWAY lets what it accepted end and sends the rest anew.
 *
 * A client belongs to its loop's thread.
 */
#ifndef SLUICE_NET_GRPC_H
#define SLUICE_NET_GRPC_H

#include "base/text.h"
#include "net/loop.h"
#include "net/tls.h"

struct grpc;

struct grpc_limits {
	size_t streams;		   /* at once on one connection; what the server allows may be less */
	size_t connections;	   /* to one address */
	int64_t connection_idle_s; /* an idle connection is closed after so long */
	size_t reply_bytes;	   /* a longer message ends the call with a LIMIT error */
	int64_t connect_ms;	   /* until a connection stands; each of a name's addresses has its share */
	int64_t silence_ms;	   /* of a server, while calls wait, until it is asked by a ping, and for the answer; 0: 10 s */
};

struct grpc_reply {
	int status;	    /* grpc-status; -1: no answer came, `error` says why */
	struct text words;  /* grpc-message, decoded; borrowed, until `done` returns, as is the body */
	struct text body;   /* the message, without its prefix */
	struct error error; /* REMOTE: refused, lost, no gRPC; LIMIT: reply_bytes; SYSTEM: memory */
	bool timed_out;	    /* that was why */
	bool lost;	    /* that was why: the connection was refused or lost, without a word on this call */
	bool unprocessed;   /* the server is known not to have seen it: it may be sent again at once */
};

struct grpc_call {
	/* By the caller, borrowed until `done` returns or the call is forgotten: */
	const char *address; /* host:port */
	bool tls;
	const char *path;	 /* "/inference.GRPCInferenceService/ModelInfer" */
	const struct text *body; /* parts of the message, one behind the other */
	size_t body_count;
	int64_t timeout_ms; /* sent along as grpc-timeout */
	/* May start other calls, and reuse this one; may not close the client. */
	void (*done)(struct grpc_call *call, const struct grpc_reply *reply);
	void *context;
	/* The client's: */
	struct grpc_stream *stream;
};

/* `files` is for calls with tls, borrowed as long as the client lives; NULL: the system's. */
struct grpc *grpc_open(struct loop *loop, const struct grpc_limits *limits, const struct tls_files *files, struct error *error);
void grpc_close(struct grpc *grpc); /* forgets what is under way; NULL is fine */

/* False when it could not be started: `done` does not come then. */
bool grpc_start(struct grpc *grpc, struct grpc_call *call, struct error *error);

/* `done` does not come any more (the stream is reset); the call is the caller's again. */
void grpc_forget(struct grpc *grpc, struct grpc_call *call);

#endif
