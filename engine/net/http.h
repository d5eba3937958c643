/* http.h: HTTP/1.1 requests that do not wait, plain or through TLS, driven by a loop.
 *
 * A request is started and its `done` entered once, in a later turn of the loop, with
 * the reply or with why there is none. What a server may send is taken: interim answers
 * (1xx) are passed over, and a body comes in chunks, with trailers, or ends with its
 * connection, as HTTP/1.0's do (net/http_wire.h says what is refused). No encoding of it is
 * asked for, and none is undone; a redirection is an answer like any other; no proxy is asked.
 *
 * Connections are kept and shared by all requests of one client to a host, one request at a
 * time on each. A server may close one behind its last answer: a request that finds it so,
 * before any byte of its own answer has come, is sent once more on a new one. What is sent on
 * a new connection is sent once. The addresses of a name are tried in turn, and believed for a
 * minute, or until none of them answers. A warm client takes no memory.
 *
 * A server may send more answers than it has requests. HTTP/1.1 does not number them, so a surplus
 * answer would be taken for the next request's. A connection is closed when bytes follow an answer
 * or arrive before the next request is sent. A surplus answer that arrives later is recognized only
 * by an id that the server echoes (`check_echo`): then the request is sent once more on a new
 * connection.
 *
 * A client belongs to its loop's thread.
 */
#ifndef SLUICE_NET_HTTP_H
#define SLUICE_NET_HTTP_H

#include "base/text.h"
#include "net/loop.h"
#include "net/tls.h"

struct http;

struct http_limits {
	size_t connections_a_host; /* more requests than these wait inside */
	int64_t connection_idle_s; /* an idle connection is closed after so long; at least 1 */
	size_t reply_bytes;       /* a longer body ends the request with a LIMIT error */
	int64_t connect_ms;	   /* until a connection stands; each of a name's addresses has its share */
	const struct tls_files *tls; /* of https, read by http_open(); NULL: the system's authorities */
};

/* How far a request came that has no answer. */
enum http_stage {
	HTTP_UNMET, /* no connection */
	HTTP_SENT,  /* the connection ended before any of an answer came */
	HTTP_BEGUN, /* an answer broke off */
};

/* Whose id an answer echoes. */
enum http_echo { HTTP_ECHO_NONE, HTTP_ECHO_OWN, HTTP_ECHO_OTHER };

#define HTTP_HEADERS_MAX 2

struct http_reply {
	long status;       /* 0: no answer came, `error` says why */
	struct text body;  /* borrowed, until `done` returns */
	struct error error; /* REMOTE: refused, lost, timed out; LIMIT: reply_bytes; SYSTEM: memory */
	bool timed_out;     /* that was why */
	enum http_stage stage;
	struct text header; /* the value of the wanted one; bytes NULL: it did not come */
};

struct http_request {
	/* By the caller, borrowed until `done` returns or the request is forgotten: */
	const char *url; /* http or https; its login, if it has one, is said as `login` would be (net/url.h) */
	const char *content_type; /* NULL: none is said */
	struct text body;  /* posted; bytes NULL: GET */
	const char *login; /* user:password, said at once (basic); NULL: none */
	int64_t timeout_ms; /* of all of it, with waiting and connecting */
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", beside the usual ones; NULL: none */
	const char *wanted_header;	       /* of the reply; NULL: none */
	/* Looks for the request's id in an answer that is whole, before `done`; NULL: the request has no id. An
	 * answer with another id belongs to another request if the connection has echoed an id before. Else the
	 * server makes up ids of its own, and the answer is taken. */
	enum http_echo (*check_echo)(const struct http_request *request, long status, struct text body, struct text header);
	/* May start other requests, and reuse this one. */
	void (*done)(struct http_request *request, const struct http_reply *reply);
	void *context;
	/* The client's: */
	struct exchange *exchange;
};

/* NULL: CONFIG, naming the file of TLS; SYSTEM. */
struct http *http_open(struct loop *loop, const struct http_limits *limits, struct error *error);
void http_close(struct http *http); /* forgets what is under way; NULL is fine */

/* False when it could not be started: SYSTEM, or a header holds the end of a line (CONFIG). `done`
 * does not come then. */
bool http_start(struct http *http, struct http_request *request, struct error *error);

/* `done` does not come any more; the request is the caller's again. Its connection is closed, unless
 * the answer was whole. Fine when it is over. */
void http_forget(struct http *http, struct http_request *request);

#endif
