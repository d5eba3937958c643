/* waiting_listener.h: Listener at the ports of a gateway that is not open yet: probes learn that the process lives, and why it is
 * not ready.
 *
 * /v1/health/live and /v2/health/live are 200; every other request is 503 with the reason, which may be sent again. Calls of gRPC
 * are UNAVAILABLE with the reason, but ServerLive. It listens as the gateway will: at its host, by its names, and with its
 * certificate, which is loaded again when its files change.
 *
 * Belongs to its loop's thread.
 */
#pragma once

#include "base/option.h"
#include "engine/run/listening.h"

struct waiting_listener;

struct waiting_listener_config { /* copied; what it points to is borrowed */
	const struct workspace *workspace; /* gets the news of the certificate */
	const struct listening_asked *listening;
	struct name_list hosts; /* by which requests may address it (net/host_names.h) */
	int http_port, grpc_port; /* not above 0: none; both may be one */
	const char *(*unready)(void *context); /* the reason, as text that lives until the next call */
	void *context;
};

/* NULL: it cannot listen there, or with these files (CONFIG), or memory ran out (SYSTEM). */
struct waiting_listener *waiting_listener_open(struct loop *loop, const struct waiting_listener_config *config,
					       struct error *error);
void waiting_listener_close(struct waiting_listener *listener); /* NULL is fine */
