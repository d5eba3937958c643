/* metrics_listener.h: HTTP listener for metrics and probes, on its own port. It is read-only.
 *
 * It answers GET and HEAD of three paths to anybody who can connect, and OPTIONS by these methods:
 *
 *   /metrics   the metrics of this process, as Prometheus or OpenMetrics reads them (observe/exposition.h)
 *   /live      200 as long as the process answers
 *   /ready     200, with what requests wait for if they do, or 503 with a reason
 *
 * It is plain HTTP, or TLS with a certificate of its own, which is loaded again when its files change
 * (runtime/certificate_watch.h). With authorities, clients must present certificates; nobody is asked for a token.
 *
 * Connections and their times are limited. An answer is computed from counts that other threads write without locks.
 * So neither a scrape nor a slow client delays messages, and no worker delays a scrape.
 *
 * A listener belongs to its loop's thread.
 */
#ifndef SLUICE_RUNTIME_METRICS_LISTENER_H
#define SLUICE_RUNTIME_METRICS_LISTENER_H

#include "base/option.h"
#include "observe/exposition.h"
#include "runtime/certificate_watch.h"
#include "runtime/listening.h"
#include "spec/protection.h"

#define METRICS_CONNECTIONS ((size_t)32)
#define METRICS_PEER_CONNECTIONS ((size_t)16)
#define METRICS_HEAD_MS 5000
#define METRICS_IDLE_MS 75000 /* longer than Prometheus' usual minute between two scrapes */
#define METRICS_URL_BYTES_MAX 300
#define METRICS_BYTES_MAX ((size_t)64 << 20)

struct metrics_listener;

struct metrics_address {
	char host[256]; /* "": loopback */
	int port;	/* 0: any free one */
};

/* Reads `PORT`, or `HOST:PORT` with an IPv6 address in brackets. False: CONFIG, with the reason. */
bool metrics_address_read(const char *text, struct metrics_address *address, struct error *error);

/* Options of the command line; METRICS_ROWS fill them. */
struct metrics_asked {
	const char *address; /* NULL: no listener */
	const char *certificate, *key, *authorities, *revocations;
};

#define METRICS_ROWS(owner, member)                                                                                                \
	ROW("metrics", TEXT, owner, member.address, .word = "PORT",                                                                \
	    .help = "Where `/metrics`, `/live` and `/ready` are answered: PORT on this machine alone, or HOST:PORT; 0: a free "    \
		    "port."),                                                                                                      \
		ROW("metrics-certificate", TEXT, owner, member.certificate, .word = "FILE",                                        \
		    .help = "A file with the certificate of the port of --metrics, in PEM: it then accepts only TLS. When the "    \
			    "file changes, new connections get the new certificate."),                                             \
		ROW("metrics-key", TEXT, owner, member.key, .word = "FILE",                                                        \
		    .help = "A file with that certificate's key, in PEM."),                                                        \
		LISTENING_AUTHORITIES_ROWS(owner, member, "metrics-", "who reads metrics")

/* Gives it another port, so many above its own; 0 stays 0. The address is in the arena. CONFIG: it is no address; SYSTEM. */
bool metrics_asked_move(struct metrics_asked *asked, int ports, struct arena *arena, struct error *error);

/* Checks the options alone: the address, and that the files have a certificate, and a port. CONFIG. */
bool metrics_asked_check(const struct metrics_asked *asked, struct error *error);

/* Whether the listener has TLS where the files ask for encryption (`protection`), or serves this machine alone. Else CONFIG. */
bool metrics_check_protection(const struct metrics_asked *asked, const struct protection *protection, struct error *error);

/* Owner of a listener: its metrics in addition to those of the process, and its readiness. */
struct metrics_owner {
	/* Writes its metrics; called in the listener's thread. NULL: it has none. */
	void (*write)(void *context, struct exposition *exposition);
	/* The reason why it is not ready, as text that lives until the next call; NULL: it is ready. No function: it
	 * is always ready. */
	const char *(*unready)(void *context);
	void *context;
	/* What is to be known of it although it is ready, likewise. NULL: nothing; no function: likewise. */
	const char *(*remark)(void *context);
};

/* Writes the metrics of the process and of the owner. Look at the buffer's failure. */
void metrics_write(const struct metrics_owner *owner, enum exposition_form form, struct buffer *out);

struct metrics_config {			   /* borrowed as long as the listener lives */
	const struct metrics_asked *asked; /* with an address */
	const struct workspace *workspace; /* gets the news of the certificate */
	struct name_list hosts;		   /* by which requests may address it on loopback (net/host_names.h) */
};

/* NULL: it cannot listen there, or with these files (CONFIG), or memory ran out (SYSTEM). */
struct metrics_listener *metrics_listener_open(struct loop *loop, const struct metrics_config *config,
					       const struct metrics_owner *owner, struct error *error);
void metrics_listener_close(struct metrics_listener *listener); /* NULL is fine */
int metrics_listener_port(const struct metrics_listener *listener);

/* URL of its metrics, for people: with the host as they wrote it, and the port that it has. */
const char *metrics_listener_url(const struct metrics_listener *listener, char url[METRICS_URL_BYTES_MAX]);

#endif
