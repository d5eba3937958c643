/* host_names.h: Names by which callers may address a server on loopback: the protection of a machine's user against DNS rebinding.
 *
 * A page in a browser may send any request to its own origin. Its owner can let the name of that origin lead to 127.0.0.1 once the
 * page is loaded. Then the page reaches a server on loopback as its own, and neither CORS nor a preflight protects the server. But
 * the browser sends the page's name in `Host`. So a server that only this machine reaches, and that authenticates nobody,
 * serves requests that are addressed to it alone: to an address, to localhost, to the machine's own name, or to a name that its
 * user lists. Others get 421 (RFC 9110, 15.5.20: misdirected), which says more than 403: no credential would help, only another
 * address. A server beyond loopback does so if its user lists names: the port of a container may be published on loopback.
 *
 * Only a browser's requests are looked at, which have `Accept-Language` or `Origin`. Other clients name the server as they like: a
 * call of a forwarded port has the public name of the service in `Host`, as in KServe's first steps.
 *
 * With TLS a page of another name gets no connection, since the certificate is not of its name. gRPC is not checked, since a
 * browser's page cannot speak it.
 */
#pragma once

#include <limits.h>

#include "base/option.h"
#include "base/text.h"

#define HOST_NAMES_ANY "*"
#define HOST_NAMES_WORDS                                                                                                           \
	"this server is for pages of this machine alone, and the request's `Host` is another name; use localhost or an address, "  \
	"or list the name by --allow-host"

/* `--allow-host` of the commands that listen; `member` of `owner` is a name_list. */
#define HOST_NAMES_ROW(owner, member)                                                                                              \
	ROW("allow-host", NAMES, owner, member, .word = "NAME",                                                                    \
	    .help = "A name by which a browser may address a port that only this machine reaches and that does not "               \
		    "authenticate callers; * is every name. Others are refused by 421, so that pages cannot reach it through "     \
		    "names of theirs (DNS rebinding). Addresses, localhost and the machine's own name need not be listed. If it "  \
		    "is given, it also holds for ports that other machines reach.")

struct host_names {
	bool any; /* all names are right: it is reached from elsewhere and no names are listed; or it has TLS, or asks who calls */
	struct text listens;	     /* the host at which the server listens; borrowed. Empty: loopback */
	struct name_list listed;     /* borrowed */
	char own[HOST_NAME_MAX + 1]; /* of this machine; "": unknown */
};

/* For a server that listens at `host` (NULL: loopback). `any` is set if `*` is listed, or if others than this machine reach it and
 * nothing is. */
struct host_names host_names_of(const char *host, struct name_list listed);

/* Whether a request with that header `Host` is addressed to the server. Empty: yes, since no browser leaves it out. */
bool host_names_allow(const struct host_names *names, struct text host);
