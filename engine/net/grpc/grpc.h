/* grpc.h: Client of unary gRPC calls that do not block, on a loop.
 *
 * A call is started, and its `done` is called once, in a later turn of the loop. It gets the server's message and
 * status, or the reason why there is none. All calls to one address share its connections, as streams. A connection
 * is made when it is first needed, and again when the last was lost. The server's limits are respected: calls beyond
 * its number of streams wait here. After a GOAWAY, calls that the server accepted end there, and the others are sent
 * again. A connection that has become too old gets a successor, and takes calls until that is established.
 *
 * A client belongs to its loop's thread.
 */
#pragma once

#include "net/loop.h"
#include "net/tls.h"

struct grpc;

struct grpc_limits {
	size_t streams;		   /* in flight on one connection; the server's limit may be lower */
	size_t connections;	   /* to one address */
	int64_t connection_idle_s; /* an idle connection is closed after so long */
	int64_t connection_age_ms; /* the most, after which one is replaced (net/connection_age.h); that may take one more than
				    * `connections`; 0: any age */
	size_t reply_bytes;	   /* a longer message ends the call with a LIMIT error */
	int64_t connect_ms;	   /* time to establish a connection; each of a name's addresses has its share */
	int64_t silence_ms;	   /* time without data, while calls wait, before a ping is sent, and for its answer; 0: 10 s */
};

struct grpc_reply {
	int status;	    /* grpc-status; -1: no answer came, `error` has the reason */
	struct text words;  /* grpc-message, decoded; borrowed until `done` returns, as is the body */
	struct text body;   /* the message, without its prefix */
	struct error error; /* REMOTE: refused, lost, not gRPC; LIMIT: reply_bytes; SYSTEM: memory */
	bool timed_out;	    /* the reason is a timeout */
	bool lost;	    /* the reason is a connection that was refused or lost, before any answer to this call */
	bool unprocessed;   /* the server certainly has not seen it: it may be sent again at once */
};

#define GRPC_METADATA_MAX 8

/* Metadata that is sent with a call. The name is in lower-case letters. */
struct grpc_field {
	struct text name, value;
};

struct grpc_call {
	/* By the caller, borrowed until `done` returns or the call is forgotten: */
	const char *address; /* host:port */
	bool tls;
	const char *path;	 /* "/inference.GRPCInferenceService/ModelInfer" */
	const struct text *body; /* parts of the message, in their order */
	size_t body_count;
	int64_t timeout_ms; /* also sent as grpc-timeout */
	const struct grpc_field *metadata;
	size_t metadata_count; /* at most GRPC_METADATA_MAX */
	/* May start other calls, and reuse this one; may not close the client. */
	void (*done)(struct grpc_call *call, const struct grpc_reply *reply);
	void *context;
	/* The client's: */
	struct grpc_stream *stream;
};

/* `files` is for calls with tls, borrowed as long as the client lives; NULL: the system's. */
struct grpc *grpc_open(struct loop *loop, const struct grpc_limits *limits, const struct tls_files *files, struct error *error);
void grpc_close(struct grpc *grpc); /* cancels all calls in flight; NULL is fine */

/* Starts a call that is not in flight. False: it could not be started, and `done` does not come. */
bool grpc_start(struct grpc *grpc, struct grpc_call *call, struct error *error);

/* Cancels a call: `done` does not come any more (the stream is reset), and the call belongs to the caller again. */
void grpc_forget(struct grpc *grpc, struct grpc_call *call);
