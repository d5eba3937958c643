/* tls.h: what a TLS connection is made with: whose word counts, and who we are.
 *
 * Each file is in PEM, and NULL where the system's, or none, will do. Borrowed.
 */
#ifndef SLUICE_NET_TLS_H
#define SLUICE_NET_TLS_H

#include "base/error.h"

struct tls_files {
	const char *authorities; /* of those whose signature counts; a server with them asks its callers for certificates */
	const char *certificate; /* ours */
	const char *key;
};

/* Behind why a peer's certificate does not hold: what to look at. */
#define TLS_ADVICE "; see its certificate, and whom `authorities` name"

struct ssl_ctx_st; /* OpenSSL's context, from which links take their sessions (net/link.h) */

/* The protocols that a client may offer, as ALPN names them. */
#define TLS_HTTP1 "http/1.1"
#define TLS_HTTP2 "h2"

/* TLS 1.2 at least. A client offers one protocol (NULL: none). A server speaks one, a constant, and refuses those in the
 * handshake who offer others alone; who offers none is taken. `files` is read here and not kept; NULL: the system's
 * authorities and no certificate. NULL: CONFIG, naming the file; or SYSTEM. */
struct ssl_ctx_st *tls_open_client(const struct tls_files *files, const char *protocol, struct error *error);
struct ssl_ctx_st *tls_open_server(const struct tls_files *files, const char *protocol, struct error *error);

/* In place of one that is in use: the files are read anew. False: they cannot be used, and it stays as it was. */
bool tls_reload_server(struct ssl_ctx_st **tls, const struct tls_files *files, const char *protocol, struct error *error);

void tls_close(struct ssl_ctx_st *tls); /* links that were opened with it may outlive it; NULL is fine */

#endif
