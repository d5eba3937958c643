/* fetch.h: Blocking download of one file by HTTP, for files that are read before anything runs. Never used while a
 * message is processed.
 *
 * Any thread may call.
 */
#pragma once

#include <stdatomic.h>

#include "base/error.h"
#include "base/text.h"

#define FETCH_HEADERS_MAX 2

/* How long a server may send less than a KiB a second, and how long a fetch may take in all. The caller waits that
 * long, but a blocked and pending SIGTERM or SIGINT ends the fetch within a second. */
#define FETCH_SLOW_SECONDS 10
#define FETCH_SECONDS_MAX 300

struct fetch_request {
	const char *url; /* http: or https: */
	/* With a region the request is signed for AWS (Signature Version 4); the login is then the key's id and
	 * the secret. NULL: not signed. */
	const char *region;
	const char *service;			/* "s3" */
	const char *login;			/* "user:password"; NULL: none but the URL's */
	const char *headers[FETCH_HEADERS_MAX]; /* "Name: value", in addition to the usual ones; up to NULL */
	const atomic_bool *given_up;		/* set by another thread, it ends the fetch within a second; NULL: there is none */
	int slow_seconds, seconds_max;		/* 0: FETCH_SLOW_SECONDS, FETCH_SECONDS_MAX */
};

/* Appends the body to `body`, whose ceiling bounds it. Redirections are followed where nothing is signed, and from https to https
 * alone. False: CONFIG at `place`, with the reason but not the URL; or SYSTEM. */
bool fetch(const struct fetch_request *request, struct place place, struct buffer *body, struct error *error);
