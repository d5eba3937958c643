/* fetch.h: one file by HTTP, waited for: for what is read before anything runs. Never on the
 * way of a message.
 *
 * Any thread may call.
 */
#ifndef SLUICE_NET_FETCH_H
#define SLUICE_NET_FETCH_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/text.h"

#define FETCH_HEADERS_MAX 2

/* How long a server may send less than a KiB a second, and how long a fetch may take in all. Whoever fetches waits so long, but a
 * SIGTERM, SIGINT or SIGHUP that is blocked and waits to be taken ends it within a second. */
#define FETCH_SLOW_SECONDS 10
#define FETCH_SECONDS_MAX 300

struct fetch_request {
	const char *url; /* http: or https: */
	/* Signed as AWS wants it (Signature Version 4) when there is a region; the login is then
	 * the key's id and the secret. NULL: not signed. */
	const char *region;
	const char *service;			/* "s3" */
	const char *login;			/* "user:password"; NULL: none but what the URL says */
	const char *headers[FETCH_HEADERS_MAX]; /* "Name: value", beside the usual ones; up to NULL */
	const atomic_bool *given_up;		/* set by another thread, it ends the fetch within a second; NULL: none does */
};

/* Appends the body to `body`, whose ceiling bounds it. Redirections are followed where nothing
 * is signed. False: CONFIG, with the reason but not the URL, at `place`; or SYSTEM. */
bool fetch(const struct fetch_request *request, struct place place, struct buffer *body, struct error *error);

#endif
