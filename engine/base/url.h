/* url.h: Parser of HTTP URLs. Pure; allocates no memory.
 *
 *   http://user:password@host:8080/path?query#fragment
 *
 * The parts borrow from the text that was parsed. They may be sent as they are: a URL with spaces or control
 * characters is refused.
 */
#pragma once

#include <ctype.h>

#include "base/error.h"
#include "base/text.h"

/* A host as URLs and authorities have it, for printf(): an IPv6 address is in brackets. */
#define URL_HOST_FORMAT "%s%s%s"
#define URL_HOST_ARGUMENTS(host) strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : ""

struct url {
	bool tls;
	struct text login;     /* user, or user:password, percent-encoded; bytes NULL: none */
	struct text host;      /* a name, or a numeric address without brackets */
	struct text port;      /* the scheme's default if the URL has none */
	struct text authority; /* host, and port unless it is the scheme's default, as in `Host` */
	struct text target;    /* path and query; a slash is to be sent before it if it does not begin with one */
};

/* Parses a URL. False: `error` has the reason, as REMOTE, because a request to it cannot reach any server. */
bool url_read(const char *text, struct url *url, struct error *error);

/* How many bytes at the beginning of a text may be of the name of a scheme (RFC 3986, 3.1). */
static inline size_t url_scheme_length(struct text text)
{
	size_t length = 0;
	while (length < text.length && (isalnum((unsigned char)text.bytes[length]) || memchr("+-.", text.bytes[length], 3)))
		length++;
	return length;
}

#define URL_ESCAPE_BYTES 3 /* `%`, and two hexadecimal digits */

/* The byte that the escape at the beginning of a text stands for; -1: it begins with none. */
int url_escape(struct text text);

/* Appends the decoded form of a percent-encoded text; `%` without two digits stays as it is. */
void url_decode(struct buffer *out, struct text encoded);
