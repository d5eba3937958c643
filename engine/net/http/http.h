/* http.h: Client of HTTP/1.1 requests that do not block, plain or through TLS, on a loop.
 *
 * A request is started, and its `done` is called once, in a later turn of the loop. It gets the reply or the reason
 * why there is none. Interim answers (1xx) are skipped. A body may come in chunks, with trailers, or end with its
 * connection, as in HTTP/1.0; net/http/http_wire.h describes what is refused. No content encoding is requested or decoded.
 * A redirection is an answer like any other. No proxy is used.
 *
 * Connections are kept and shared by all requests of one client to a host, one request at a time on each. A server
 * may close a connection after its last answer. A request that finds it closed, before any byte of its own answer has
 * come, is sent once more on a new connection. A request that starts on a new connection is sent once. The addresses
 * of a name are tried in turn, and cached for a minute, or until none of them answers. A warm client allocates no
 * memory. Connections that have become too old are replaced, one a second: the next request opens a successor, and an old one is
 * closed when that is established. While the name cannot be looked up, or the successor cannot be established, the old ones stay.
 *
 * A server may send more answers than it has requests. HTTP/1.1 does not number them, so a surplus answer would be
 * taken for the next request's. A connection is closed when bytes follow an answer or arrive before the next request
 * is sent. A surplus answer that arrives later is recognized only by an id that the server echoes (`check_echo`).
 * Then the request is sent once more on a new connection.
 *
 * A client belongs to its loop's thread.
 */
#pragma once

#include "net/loop.h"
#include "net/tls.h"

struct http;

struct http_limits {
	size_t connections_a_host; /* requests beyond these wait in the client */
	int64_t connection_idle_s; /* an idle connection is closed after so long; at least 1 */
	int64_t connection_age_ms; /* the most, after which one is replaced (net/connection_age.h); that may take one more than
				    * `connections_a_host`; 0: any age */
	size_t reply_bytes;       /* a longer body ends the request with a LIMIT error */
	int64_t connect_ms;	   /* time to establish a connection; each of a name's addresses has its share */
	const struct tls_files *tls; /* of https, read by http_open(); NULL: the system's authorities */
};

/* Progress of a request that got no answer. */
enum http_stage {
	HTTP_UNMET, /* no connection */
	HTTP_SENT,  /* the connection ended before any of an answer came */
	HTTP_BEGUN, /* the connection ended within an answer */
};

/* Request whose id an answer echoes: none, this one, another. */
enum http_echo { HTTP_ECHO_NONE, HTTP_ECHO_OWN, HTTP_ECHO_OTHER };

#define HTTP_HEADERS_MAX 4

struct http_reply {
	long status;       /* 0: no answer came, `error` has the reason */
	struct text body;  /* borrowed, until `done` returns */
	struct error error; /* REMOTE: refused, lost, timed out; LIMIT: reply_bytes; SYSTEM: memory */
	bool timed_out;     /* the reason is a timeout */
	enum http_stage stage;
	struct text header; /* value of `wanted_header`; bytes NULL: it did not come */
};

struct http_request {
	/* By the caller, borrowed until `done` returns or the request is forgotten: */
	const char *url;	  /* http or https; its login, if it has one, is sent as `login` would be (base/url.h) */
	const char *content_type; /* NULL: none is sent */
	struct text body;  /* posted; bytes NULL: GET */
	const char *login; /* user:password, sent at once (basic); NULL: none */
	int64_t timeout_ms; /* of the whole request, with waiting and connecting */
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", in addition to the usual ones; NULL: none */
	const char *wanted_header;	       /* of the reply; NULL: none */
	/* Looks for the request's id in a complete answer, before `done`; NULL: the request has no id. An answer
	 * with another id belongs to another request if the connection has echoed an id before. Else the server
	 * generates ids of its own, and the answer is accepted. */
	enum http_echo (*check_echo)(const struct http_request *request, long status, struct text body, struct text header);
	/* May start other requests, and reuse this one. */
	void (*done)(struct http_request *request, const struct http_reply *reply);
	void *context;
	/* The client's: */
	struct exchange *exchange;
};

/* NULL: CONFIG, with the name of the TLS file; SYSTEM. */
struct http *http_open(struct loop *loop, const struct http_limits *limits, struct error *error);
void http_close(struct http *http); /* cancels all requests in flight; NULL is fine */

/* Starts a request that is not in flight. False: it could not be started, and `done` does not come. SYSTEM, or CONFIG: a header
 * contains a line end. */
bool http_start(struct http *http, struct http_request *request, struct error *error);

/* Makes one request on a client and a loop of its own, and waits until its `done` has set `answered`. For commands. False:
 * as http_open() and http_start(). */
bool http_ask(const struct http_limits *limits, struct http_request *request, const bool *answered, struct error *error);

/* Cancels a request: `done` does not come any more, and the request belongs to the caller again. Its connection is
 * closed, unless the answer was complete. Fine when it is over. */
void http_forget(struct http *http, struct http_request *request);
