/* grpc_server.h: a door for unary gRPC calls, by nghttp2, driven by a loop.
 *
 * Each call that comes is handed to `called` once its message is whole, and answered
 * by grpc_server_answer(), at once or later. A caller that has gone, and a deadline of
 * its grpc-timeout that has passed (which the server has answered by itself), are seen by
 * grpc_request_is_over(); answering then is fine, does nothing, and is still due.
 *
 * A server belongs to its loop's thread.
 */
#ifndef SLUICE_NET_GRPC_SERVER_H
#define SLUICE_NET_GRPC_SERVER_H

#include "base/text.h"
#include "net/body_budget.h"
#include "net/loop.h"
#include "net/tls.h"

struct grpc_server;
struct grpc_request; /* one call that came; until it is answered */

struct grpc_server_config {
	const char *host;	       /* NULL: loopback */
	int port;		       /* 0: any free one, which grpc_server_port() tells */
	const struct tls_files *files; /* NULL: without TLS */
	size_t message_bytes;	       /* a longer one is refused (RESOURCE_EXHAUSTED) */
	size_t streams;		       /* of one connection, as it is told to callers */
	struct body_budget *bodies;    /* of all messages that are on their way: beyond it RESOURCE_EXHAUSTED; NULL: none */
	size_t connections;	       /* more are closed at once */
	size_t peer_connections;       /* of one peer (net/peers.h), likewise; 0: as many as there may be */
	int64_t silence_ms;	       /* of a caller, until it is asked by a ping, and for the answer; also for a handshake, and
					* for one that does not read its answers; 0: a minute */
	/* `path` and `body` live until the call is answered, which may be at once. */
	void (*called)(void *context, struct grpc_request *request, struct text path, struct text body);
	void *context;
};

struct grpc_server *grpc_server_open(struct loop *loop, const struct grpc_server_config *config, struct error *error);
void grpc_server_close(struct grpc_server *server); /* requests that are not answered die with it; NULL is fine */
int grpc_server_port(const struct grpc_server *server);

/* No new calls from now on (GOAWAY), what has come may still be answered; true once none is left.
 * To be asked again after each turn, until then. */
bool grpc_server_drain(struct grpc_server *server);

/* As http_server_reload(). */
bool grpc_server_reload(struct grpc_server *server, const struct tls_files *files, struct error *error);

bool grpc_request_is_over(const struct grpc_request *request);

/* `status` as gRPC numbers them; 0: `body`, else `words` say why. Copied. Ends the request. */
void grpc_server_answer(struct grpc_request *request, int status, struct text words, struct text body);

#endif
