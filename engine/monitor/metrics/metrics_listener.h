/* metrics_listener.h: HTTP listener for metrics and probes, on its own port. It is read-only.
 *
 * It answers GET and HEAD of three paths to anybody who can connect, and OPTIONS by these methods:
 *
 *   /metrics   the metrics of this process, as Prometheus or OpenMetrics reads them (observe/exposition.h)
 *   /live      200 as long as the process answers
 *   /ready     200, with what requests wait for if they do, or 503 with a reason
 *
 * It is plain HTTP, or TLS with a certificate of its own, which is loaded again when its files change
 * (engine/run/certificate_watch.h). With authorities, clients must present certificates; nobody is asked for a token.
 *
 * Connections and their times are limited. An answer is computed from counts that other threads write without locks.
 * So neither a scrape nor a slow client delays messages, and no worker delays a scrape.
 *
 * A listener belongs to its loop's thread.
 */
#pragma once

#include "observe/exposition.h"
#include "engine/run/certificate_watch.h"
#include "engine/run/metrics_asked.h"

#define METRICS_CONNECTIONS ((size_t)32)
#define METRICS_PEER_CONNECTIONS ((size_t)16)
#define METRICS_HEAD_MS 5000
#define METRICS_IDLE_MS 75000 /* longer than Prometheus' usual minute between two scrapes */
#define METRICS_URL_BYTES_MAX 300
#define METRICS_BYTES_MAX ((size_t)64 << 20)

struct metrics_listener;

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
