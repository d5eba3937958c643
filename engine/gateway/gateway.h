/* gateway.h: Gateway of a namespace: servers of HTTP and gRPC in front of its pipelines, for callers without Kafka.
 *
 * A request becomes a record of its pipeline's topic, with the address of this gateway's partition of the replies
 * topic (message/records/reply.h). The engine that answers it sends a copy of the answer there, which ends the call. So a
 * gateway has connections and open calls, and no state that must outlive it.
 *
 * Everything runs on the loop of its thread; only opening waits for Kafka, some seconds. What Kafka has not answered then, or is
 * asked later, is asked in threads of their own. Its parts: targets.h has the
 * pipelines that can be called, calls.h the open calls, rest.h the routes of REST, and grpc_front.h the methods of
 * gRPC.
 */
#pragma once

#include "gateway/access/access.h"
#include "gateway/calls/calls.h"
#include "net/acceptor.h"

struct direct_hub;
struct gateway;
struct log_sink;
struct wanted_topic;

#define GATEWAY_TIMEOUT_MS 30000   /* of a call without a timeout of its own */
#define GATEWAY_DEADLINE_MAX_MS 600000 /* of any call: as long as replies are kept */
#define GATEWAY_REPLIES_RETENTION_MS GATEWAY_DEADLINE_MAX_MS
#define GATEWAY_REPLIES_PARTITIONS 16
#define GATEWAY_PEER_CONNECTIONS 8192 /* of one peer: half of all that there may be */
#define GATEWAY_CLAIMS_PARTITIONS 16

struct gateway_config {
	const char *host; /* NULL: loopback */
	bool serves_http;
	int http_port;	  /* 0: a free one */
	bool serves_grpc;
	int grpc_port;	  /* 0: a free one. The port of HTTP: it serves both, and REST over HTTP/2 too */
	const struct tls_files *files; /* NULL: without TLS */
	const char *brokers;
	struct properties consumer, producer;
	struct direct_hub *direct; /* to the engine of this process (engine/worker/direct_hub.h); NULL: there is none */
	const struct wanted_topic *own_topics; /* gateway/calls/topic_presence.h: as they are created again; NULL: they are not */
	size_t memory_bytes;	 /* of bodies, answers, and records that wait; 0: MEMORY_USUAL_BYTES */
	size_t peer_connections; /* of one peer; 0: GATEWAY_PEER_CONNECTIONS */
	size_t record_bytes; /* limit of a request's record; 0: the topic's own */
	int64_t timeout_ms;  /* 0: GATEWAY_TIMEOUT_MS */
	int64_t lame_duck_ms;		      /* for which it accepts calls and connections after it was told to stop, not ready */
	const struct access_settings *access; /* access control; NULL: everybody may do everything */
	struct name_list hosts;	       /* by which requests may address it on loopback, where nobody is asked (net/host_names.h) */
	struct name_list cors_origins; /* net/http/cors.h; empty: no CORS */
	int compat; /* form of errors: of COMPAT_CHOICES; the files may choose it, too */
	struct name_list passed; /* headers of requests that are passed on, besides the usual ones */
	const struct log_sink *log; /* NULL: none */
};

/* Opens a gateway for the pipelines of the plan. Borrows the plan until gateway_follow() replaces it, and the
 * configuration as long as the gateway lives. The topics of requests and of replies must exist. */
struct gateway *gateway_open(struct loop *loop, const struct gateway_config *config, const struct plan *plan, struct error *error);
void gateway_close(struct gateway *gateway); /* NULL is fine */
int gateway_http_port(const struct gateway *gateway); /* 0: it does not serve HTTP */
int gateway_grpc_port(const struct gateway *gateway); /* 0: it does not serve gRPC */

/* Serves this plan from now on. Limits of the bodies are those that are known, until Kafka has given those of new topics. False:
 * nothing has changed. */
bool gateway_follow(struct gateway *gateway, const struct plan *plan, struct error *error);

/* For so many seconds no broker of Kafka has answered the gateway; from GATEWAY_SILENCE_S on it is not ready. */
#define GATEWAY_SILENCE_S 10
unsigned gateway_silent_s(const struct gateway *gateway);

/* Loads the certificate again for new connections. False: it is unchanged, and CONFIG has the reason. Only with
 * TLS. */
bool gateway_reload_tls(struct gateway *gateway, struct error *error);

/* Uses these access settings from now on (NULL: everybody may do everything); they are borrowed like the
 * configuration. False: nothing has changed. */
bool gateway_protect(struct gateway *gateway, const struct access_settings *settings, struct error *error);

/* Reads the files of the current access settings again, as access_reread(). */
bool gateway_reread_access(struct gateway *gateway, struct error *error);

/* The policies of its access settings, until a file is read again; NULL: there are none. */
const struct access_policy *gateway_policies(const struct gateway *gateway);

/* Drains the gateway. It reports not ready, tells its callers to connect elsewhere, and serves whoever comes for `lame_duck_ms`,
 * and all messages of open streams. Then it accepts no new connection, no new call and no new message, and awaits the answers to
 * its open calls; GATEWAY_LAST_MS before `until_ms` of the loop's clock, or in the last quarter of a shorter time, those that are
 * left get 503, and the log says how many. True: no connection is left. To be called again after each turn. */
#define GATEWAY_LAST_MS 250 /* for the last answers to reach their callers */
bool gateway_drain(struct gateway *gateway, int64_t until_ms);

/* Whether what it needs of Kafka can be read: replies, and claims of idempotency keys. False: `error` has the reason. */
bool gateway_is_well(const struct gateway *gateway, struct error *error);

/* Why it can answer no call (gateway/gateway_readiness.h), as text that lives until the next call; NULL: it is ready. */
const char *gateway_unready(struct gateway *gateway);

/* Writes the metrics of refusals and of each pipeline; with Seldon's names, too, if metricsConfig of the files is enabled. */
void gateway_write_pipelines(const struct gateway *gateway, struct exposition *exposition);

struct calls_counts gateway_counts(const struct gateway *gateway);
struct client_counts gateway_client_counts(const struct gateway *gateway, bool of_producer); /* calls_client_counts() */

/* The key set and its age are those of the current access settings; failures are counted since the gateway was opened. */
struct access_counts gateway_access_counts(const struct gateway *gateway);
uint64_t gateway_tls_failures(const struct gateway *gateway);		   /* of gateway_reload_tls() */

/* Connections that it closed because of its limits, at all its ports. */
struct connection_counts gateway_connection_counts(const struct gateway *gateway);
