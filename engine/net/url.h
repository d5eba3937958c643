/* url.h: an address over HTTP, taken apart. Pure, and takes no memory.
 *
 *   http://user:password@host:8080/path?query#fragment
 *
 * The parts borrow from the text that was read. What they hold may be sent as it stands:
 * an address with blanks or control characters is refused.
 */
#ifndef SLUICE_NET_URL_H
#define SLUICE_NET_URL_H

#include "base/error.h"
#include "base/text.h"

struct url {
	bool tls;
	struct text login;     /* user, or user:password, percent-encoded; bytes NULL: none */
	struct text host;      /* a name, or a numeric address without brackets */
	struct text port;      /* the scheme's where none is written */
	struct text authority; /* host, and port where it is not the scheme's, as `Host` says them */
	struct text target;    /* path and query; where it does not begin with a slash, one goes before */
};

/* False: `error` says as REMOTE why it can be no address; for to whoever calls it, nobody is there. */
bool url_read(const char *text, struct url *url, struct error *error);

/* Appends what a percent-encoded text stands for; `%` without two digits stands for itself. */
void url_decode(struct buffer *out, struct text encoded);

int url_digit(char byte); /* hexadecimal; -1: none */

#endif
