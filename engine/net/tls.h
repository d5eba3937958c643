/* tls.h: TLS settings of connections: trusted authorities, what they have revoked, and our own certificate and key.
 *
 * Each file is in PEM. NULL: the system's authorities, or no certificate. Borrowed.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

struct tls_files {
	const char *authorities; /* trusted authorities; a server with them requires certificates of its clients */
	const char *certificate; /* ours */
	const char *key;
	const char *revocations; /* of a server: lists of certificates that its authorities have revoked; NULL: there are none */
};

/* Names in a peer's certificate that was verified. Bytes NULL: it has no such name. */
struct tls_peer {
	struct text subject; /* in the form of RFC 2253, with UTF-8 unescaped: `CN=batch,O=Example` */
	struct text uri;     /* of its subjectAltName, if that has one URI alone, as SPIFFE requires. It begins with a scheme and a
			      * colon, as no subject does */
};

/* Advice after the reason why a peer's certificate is invalid. */
#define TLS_ADVICE "; check the server's certificate, and the file that `authorities` names"

struct ssl_ctx_st; /* OpenSSL's context, from which links get their sessions (net/link.h) */

/* Protocols that a client may offer, by their ALPN names. */
#define TLS_HTTP1 "http/1.1"
#define TLS_HTTP2 "h2"
/* Those of a server, which chooses the first of them that the client offers: */
#define TLS_SERVER_HTTP1 "http/1.1,http/1.0"
#define TLS_SERVER_HTTP2_OR_1 "h2,http/1.1,http/1.0"

/* Opens a context, TLS 1.2 or later. A client offers one protocol (NULL: none). A server supports some, in a constant;
 * in the handshake it refuses clients that offer only others, and accepts clients that offer none. `files` is read
 * here and not kept; NULL: the system's authorities and no certificate. NULL: CONFIG, with the file's name; or
 * SYSTEM. */
struct ssl_ctx_st *tls_open_client(const struct tls_files *files, const char *protocol, struct error *error);
struct ssl_ctx_st *tls_open_server(const struct tls_files *files, const char *protocol, struct error *error);

/* Replaces a context that is in use: the files are read again. False: they cannot be used, and the context stays
 * as it was. */
bool tls_reload_server(struct ssl_ctx_st **tls, const struct tls_files *files, const char *protocol, struct error *error);

void tls_close(struct ssl_ctx_st *tls); /* links that were opened with it may outlive it; NULL is fine */
