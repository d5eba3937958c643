/* grpc_server.h: Server of gRPC calls, by nghttp2, on a loop. Calls are unary, except conversations.
 *
 * Each call is passed to `called` once its message is complete, and answered by grpc_server_answer(), at once or
 * later. The caller may disconnect. The deadline of its grpc-timeout may pass, which the server answers by itself. In
 * both cases grpc_request_is_over() is true; the answer is still required then, and has no effect. A caller that has only ended
 * its side of the connection gets the answers that fit the windows of flow control that it left.
 *
 * A conversation is a call of any number of messages. Each is passed to `received`, and answered by one message, at once or later,
 * in any order. The status follows when the caller has ended its side and all is answered. A caller that sends faster than it is
 * answered is slowed by the window of its stream.
 *
 * A server belongs to its loop's thread.
 */
#pragma once

#include <sys/socket.h>

#include "message/records/header_name.h"
#include "net/acceptor.h"
#include "net/http/body_budget.h"
#include "net/loop.h"
#include "net/tls.h"

struct grpc_server;
struct grpc_request; /* one received call, until it is answered */

#define GRPC_METADATA_ENTRIES_MAX 128 /* of a call: as many as HTTP/1.1 takes headers. An entry may be one byte on the wire */

struct grpc_server_config {
	const char *host;	       /* NULL: loopback */
	int port;		       /* 0: any free one, which grpc_server_port() returns */
	const struct tls_files *files; /* NULL: without TLS */
	size_t message_bytes;	       /* a longer one is refused (RESOURCE_EXHAUSTED) */
	size_t metadata_bytes;	       /* kept of each call's metadata; more is refused. 0: metadata is not kept */
	size_t streams;		       /* of one connection, as announced to callers */
	struct body_budget *bodies;    /* of all messages in flight: beyond it RESOURCE_EXHAUSTED; NULL: no limit */
	size_t connections;	       /* more are closed at once */
	size_t peer_connections;       /* of one peer (net/peers.h), likewise; 0: no limit of its own */
	const struct log_sink *log;    /* of net/acceptor.h */
	bool gzips; /* compresses answers for callers that compress, and accept gzip; not where metadata is not kept */
	int64_t silence_ms; /* time without data, after which a caller gets a ping, and the time for its answer; also
			     * for a handshake, and for a caller that does not read its answers, or one of them, which
			     * is then reset; 0: a minute */
	/* Serves what is no gRPC on the same port (net/http/http_exchange.h): connections of HTTP/1.1, and requests of other
	 * content types over HTTP/2, whose headers `metadata_bytes` limits. It `adopts`, and is closed before this server. NULL:
	  * none; they are refused. */
	struct http_server *http;
	/* `path` and `body` live until the call is answered, which may be at once. */
	void (*called)(void *context, struct grpc_request *request, struct text path, struct text body);
	/* Called when the head of a call is whole: whether a call of that path is a conversation. NULL: none is. If it sets a
	 * status, the call is refused before its message comes; the words are copied. */
	bool (*converses)(void *context, struct grpc_request *request, struct text path, int *status, const char **words);
	/* A message of a conversation, to be answered by grpc_conversation_answer(), at once or later. `path` lives until that,
	 * `message` until the return. False: it cannot be read, which ends the call (INVALID_ARGUMENT); it is not answered. */
	bool (*received)(void *context, struct grpc_request *request, struct text path, struct text message);
	/* Called for each call that the server refuses itself: for its head or its message, because that does not come in time or
	 * before the call's deadline, or because the server is crowded. Requests that it refuses in place of `http` are told to
	 * that, with the status of HTTP. NULL: nobody counts them. */
	void (*refused)(void *context, int status);
	void *context;
};

struct grpc_server *grpc_server_open(struct loop *loop, const struct grpc_server_config *config, struct error *error);
void grpc_server_close(struct grpc_server *server); /* drops requests that are not answered; NULL is fine */
int grpc_server_port(const struct grpc_server *server);
struct connection_counts grpc_server_counts(const struct grpc_server *server);

/* Sends GOAWAY to the callers that are connected: their further calls go elsewhere. Their open calls go on, and so do
 * conversations, whose new messages are passed on. New connections are still accepted, and not told to leave. */
void grpc_server_leave(struct grpc_server *server);

/* Stops accepting calls (GOAWAY); received ones may still be answered. Conversations take no further messages, and end as
 * UNAVAILABLE when the open ones are answered. True: no call is left. To be called again after each turn until then. */
bool grpc_server_drain(struct grpc_server *server);

/* As http_server_limit_bodies(), for messages. */
void grpc_server_limit_messages(struct grpc_server *server, size_t message_bytes);

/* As http_server_reload(). */
bool grpc_server_reload(struct grpc_server *server, const struct tls_files *files, struct error *error);

void *grpc_request_context(const struct grpc_request *request); /* of the server's configuration */
bool grpc_request_is_over(const struct grpc_request *request);

/* The value of the name `wanted`, in any case: the first (`place` 0), the second, and so on; lives until the answer. Bytes NULL:
 * there are no more, or metadata is not kept. */
struct text grpc_request_metadata(const struct grpc_request *request, const char *wanted, size_t place);

/* The same of a name that has a number. Names that the metadata do not have cost next to nothing. */
struct text grpc_request_known(const struct grpc_request *request, enum header_name name, size_t place);

/* The names with a number that more than one entry has: a bit for each (header_name_bit()). */
uint64_t grpc_request_repeated(const struct grpc_request *request);

/* The next name and value, in the order of the call; `place` is 0 at the first. False: there are no more. */
bool grpc_request_metadata_next(const struct grpc_request *request, size_t *place, struct text *name, struct text *value);

/* To be called by `converses`: the message of this call may have that length, which is less than that of the server. */
void grpc_request_limit_message(struct grpc_request *request, size_t message_bytes);

/* False: the connection is gone. */
bool grpc_request_peer(const struct grpc_request *request, struct sockaddr_storage *address);

/* Names in the caller's certificate, as from link_peer(), in `out`; empty: it has none. */
struct tls_peer grpc_request_certificate(const struct grpc_request *request, char *out, size_t size);

/* Since the head of its call began; of a message of a conversation, since that message began. */
int64_t grpc_request_age_ms(const struct grpc_request *request);

int64_t grpc_request_left_ms(const struct grpc_request *request); /* until its deadline; -1: it has none */

/* Adds metadata before the answer's message or status. Omits a name or value that gRPC does not allow, and everything
 * after GRPC_FIELDS_MAX. Copied. */
#define GRPC_FIELDS_MAX 70
void grpc_request_add_field(struct grpc_request *request, struct text name, struct text value);

/* Answers a request and ends it. `status` is gRPC's number; 0: `body` is the answer, else `words` are the reason.
 * Copied. */
void grpc_server_answer(struct grpc_request *request, int status, struct text words, struct text body);

/* Answers one message of a conversation, which had `message_bytes`. Copied. */
void grpc_conversation_answer(struct grpc_request *request, size_t message_bytes, struct text body);

/* Sends a message of a conversation beside the answer to one that is open. Copied. */
void grpc_conversation_send(struct grpc_request *request, struct text body);

/* Takes no further messages of a conversation, which ends with that status when the open ones are answered. `words` must be
 * constant. */
void grpc_conversation_finish(struct grpc_request *request, int status, const char *words);

/* Finishes a conversation as grpc_conversation_finish(), and ends one message of it, which had `message_bytes`, without an
 * answer: if nothing was sent before, the caller gets the status alone. */
void grpc_conversation_refuse(struct grpc_request *request, size_t message_bytes, int status, const char *words);
