/* post.h: Blocking delivery of one short text to another host: an HTTP POST (a webhook, metrics), or a mail by SMTP.
 *
 * For threads that may wait: never used while a message is processed. Any thread may call.
 *
 * Each address to which an HTTP POST connects, also after a redirection, is public or listed. So a file that names a
 * receiver cannot reach services of the engine's own network. The check is of the address that is connected to, so a name
 * that resolves differently the next time passes no other. Proxies of the environment are not used. The mail server is a
 * setting of the operator, and is not checked.
 */
#pragma once

#include <stdatomic.h>

#include "base/error.h"
#include "base/network.h"

#define POST_CONNECT_MS 5000
#define POST_MS 10000 /* in all */
#define POST_MAIL_MS 30000 /* likewise of a mail: servers let callers wait before the greeting and the login */
#define POST_WAIT_S_MAX ((int64_t)24 * 3600) /* what a receiver asks for beyond it counts as this */
#define POST_HEADERS_MAX 4
#define POST_REDIRECTIONS_MAX 3
#define POST_REPLY_BYTES 80

enum post_outcome {
	POST_DELIVERED,	  /* a status 2xx came, whatever became of its body; a mail server took the mail */
	POST_UNREACHABLE, /* it may succeed later: no connection, no answer in time, 408, 425, 429 or 5xx */
	POST_REFUSED,	  /* it cannot: another status, or an address that is not allowed */
};

/* Recipients of a mail. A server answers for each of them, so post() sets the outcome of each, and the reply: "" is none. */
struct post_recipients {
	size_t count;
	struct post_recipient {
		const char *address;
		enum post_outcome outcome;
		char reply[POST_REPLY_BYTES]; /* may be cut off */
	} * items;
};

struct post_request {
	const char *url; /* http, https; smtp, smtps for a mail */
	struct text body;
	bool stays; /* a redirection is an answer, and not followed; not for a mail */
	bool puts; /* by PUT, which replaces what is there; not for a mail */
	const char *headers[POST_HEADERS_MAX]; /* "Name: value", up to NULL; not for a mail, whose body has them */
	const struct network *allowed;	       /* networks that are not public, and may be reached */
	size_t allowed_count;
	const char *authorities; /* file of those that sign certificates of receivers, in PEM; NULL: the system's */
	/* A mail: its sender and recipients, and the login at the server ("user:password"; NULL: none). With smtp, TLS is
	 * required if there is a login, and is used if the server offers it otherwise. */
	const char *from;
	struct post_recipients recipients;
	const char *login;
	int64_t *wait_ms;	     /* set to how long the receiver asks to be left alone (Retry-After), or 0; NULL: not wanted */
	const atomic_bool *given_up; /* set by another thread, it ends the delivery within a second; NULL: there is none */
};

/* `error` has the reason, without the URL, unless it is delivered. A mail is unreachable while one of its recipients is, and else
 * refused if one was: the others have it. */
enum post_outcome post(const struct post_request *request, struct error *error);
