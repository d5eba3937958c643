/* server_stand.h: an HTTP server on a loop, whose paths say what it answers, for callers by hand (guest.h). It listens at a port of
 * its own, or at one that it shares with a gRPC server. */
#pragma once

#include "guest.h"
#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"

#define BODY_BYTES_MAX 1000
#define LAST_BYTES 256
#define LARGE_BYTES ((size_t)16 << 20) /* of the answer of /large: more than sockets take */
#define REFUSAL_BYTES 12000	       /* of /refused-at-length: a few of them are more than is compressed in a turn */
#define HEAD_MS 300
#define BODY_MS 400
#define IDLE_MS 500
#define PATIENT_IDLE_MS 60000
#define FRONT_STREAMS 8
#define FRONT_METADATA_BYTES ((size_t)32 << 10)

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, headers, body) "POST " path " HTTP/1.1\r\nHost: x\r\n" headers "\r\n" body

struct server_stand {
	struct loop *loop;
	struct http_server *server;
	struct grpc_server *front; /* whose port it shares; NULL: it has its own */
	struct http_incoming *waiting; /* of /later, and of /pieces */
	int calls, heads; /* requests, and those whose head was looked at */
	char last[LAST_BYTES];
	struct body_budget bodies;
};

int server_stand_open(void **state);
int server_stand_open_patient(void **state); /* callers that read nothing are not closed while a test runs */
int server_stand_close(void **state);
extern bool server_stand_shares; /* its port, from the next opening on */
int server_stand_port(const struct server_stand *stand);
struct guest server_stand_call(const struct server_stand *stand);
