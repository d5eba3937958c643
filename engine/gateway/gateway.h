/* gateway.h: Gateway of a namespace: HTTP in front of its pipelines, for callers that know nothing of Kafka.
 *
 * A request becomes a record of its pipeline's topic, with the address of this gateway's partition of the replies topic
 * (message/reply.h). Whichever engine answers it sends a copy of the answer there, which ends the call. So a gateway holds
 * connections and open calls, and nothing that must outlive it.
 *
 * Everything happens on the loop of its thread; opening waits for Kafka. The parts: targets.h says what can be asked, calls.h
 * holds the open calls, rest.h has the table of routes.
 */
#ifndef SLUICE_GATEWAY_GATEWAY_H
#define SLUICE_GATEWAY_GATEWAY_H

#include "gateway/calls.h"
#include "net/tls.h"

struct gateway;

#define GATEWAY_TIMEOUT_MS 30000   /* of a call that says nothing */
#define GATEWAY_DEADLINE_MAX_MS 600000 /* of any call: as long as replies are kept */
#define GATEWAY_REPLIES_RETENTION_MS GATEWAY_DEADLINE_MAX_MS
#define GATEWAY_REPLIES_PARTITIONS 16
#define GATEWAY_RECORD_BYTES ((size_t)1048588) /* Kafka's own max.message.bytes, where a topic's is not known */

struct gateway_config {
	const char *host; /* NULL: loopback */
	int http_port;	  /* 0: a free one */
	const struct tls_files *files; /* NULL: without TLS */
	const char *brokers;
	struct properties consumer, producer;
	size_t record_bytes; /* limit of a request's record; 0: as the topics say */
	int64_t timeout_ms;  /* 0: GATEWAY_TIMEOUT_MS */
	struct name_list passed; /* headers of requests that go along, beside the usual ones */
};

/* For the pipelines of the plan, which is borrowed until gateway_follow() has another; the configuration as long as the gateway
 * lives. The topics are there: those of requests, and that of replies. */
struct gateway *gateway_open(struct loop *loop, const struct gateway_config *config, const struct plan *plan, struct error *error);
void gateway_close(struct gateway *gateway); /* NULL is fine */
int gateway_http_port(const struct gateway *gateway);

/* Serves this plan from now on. False: all stays as it was. */
bool gateway_follow(struct gateway *gateway, const struct plan *plan, struct error *error);

/* New connections get the certificate that the files hold now; false: it stays as it was, and CONFIG says why. With TLS. */
bool gateway_reload_tls(struct gateway *gateway, struct error *error);

/* It is not ready any more, takes no new call, and ends its open ones. True once no connection is left: to be asked again after
 * each turn. */
bool gateway_drain(struct gateway *gateway);

/* False: no call can be answered any more, and `error` says why. */
bool gateway_is_well(const struct gateway *gateway, struct error *error);

struct calls_counts gateway_counts(const struct gateway *gateway);

#endif
