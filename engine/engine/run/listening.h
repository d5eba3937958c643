/* listening.h: Serving side of a command that listens: the checks of its host and certificate options, and the loop until
 * a signal.
 *
 * The command opens its server on the loop and closes it before listening_close().
 */
#pragma once

#include "net/tls.h"
#include "engine/run/heap_trim.h"
#include "engine/run/stop_signal.h"
#include "compiler/yaml/workspace.h"

/* Options of the command line. */
struct listening_asked {
	const char *host;
	struct tls_files files; /* no certificate: a server without TLS */
	bool insecure;
};

/* CONFIG: a key or authorities without a certificate, or revocations without authorities. The names of the options begin with
 * `prefix`; `name` is the name of the server in the message. */
bool listening_check_tls(const struct tls_files *files, const char *prefix, const char *name, struct error *error);

/* CONFIG: other machines can connect to the host. `reason` names the risk, and `advice` the options that avoid it. */
bool listening_check_host(const struct listening_asked *asked, const char *reason, const char *advice, struct error *error);

/* `--authorities` and `--revocations` of a server: with `prefix` as above. */
#define LISTENING_AUTHORITIES_ROWS(owner, member, prefix, callers)                                                                 \
	ROW(prefix "authorities", TEXT, owner, member.authorities, .word = "FILE",                                                 \
	    .help = "A file of authorities, in PEM: " callers " needs a certificate that one of them has signed."),                \
		ROW(prefix "revocations", TEXT, owner, member.revocations, .word = "FILE",                                         \
		    .help = "A file of revocation lists (CRL) of these authorities, in PEM, one of each: certificates that they "  \
			    "have revoked are refused, and so are all others once a list has expired. When the file changes, "     \
			    "new connections get the new lists.")

/* Server of a command, with the operations that every such server has. */
struct listening_server {
	void *server;
	/* True: drained; called again after each turn, and once at the end of its time. */
	bool (*drain)(void *server, int64_t until_ms);
};

struct listening {
	struct loop *loop;
	struct stop_signal stopping;
	struct heap_trim trim;
};

/* Opens the loop, on which SIGTERM and SIGINT are received. */
bool listening_open(struct listening *listening, struct error *error);
void listening_close(struct listening *listening); /* allowed when it is zeroed and not opened */

/* Serves until a signal, and then until the server has drained, at most for that long. */
bool listening_serve(struct listening *listening, const struct listening_server *server, int64_t drain_ms, struct error *error);
