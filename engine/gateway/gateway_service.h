/* gateway_service.h: Gateway of a command: opened with the command's options, and updated when the files change. For
 * `sluice gateway`, and for `sluice run` with a gateway inside.
 */
#pragma once

#include "gateway/gateway.h"
#include "gateway/access/gateway_access.h"
#include "gateway/calls/topic_presence.h"
#include "net/host_names.h"
#include "engine/run/certificate_watch.h"
#include "engine/setup/revision.h"
#include "engine/setup/revision_topics.h"

/* Options of the command line; GATEWAY_ROWS fill them, except `insecure`. */
struct gateway_asked {
	struct listening_asked listening;
	struct gateway_access_asked access;
	struct name_list passed, cors_origins, hosts;
	int64_t timeout_ns, lame_duck_ns;
	int64_t peer_connections;
	int compat;
};

#define GATEWAY_ROWS(owner, member)                                                                                                \
	ROW("host", TEXT, owner, member.listening.host, .fallback = "127.0.0.1",                                                   \
	    .help = "The address on which the gateway listens."),                                                                  \
		ROW("timeout", DURATION, owner, member.timeout_ns, .fallback = "30s",                                              \
		    .help = "The timeout of a call without x-timeout-ms or x-deadline-ms. No call takes more than 10 minutes."),   \
		ROW("lame-duck", DURATION, owner, member.lame_duck_ns, .word = "TIME",                                             \
		    .help = "How long the gateway still accepts connections and calls, but is not ready, when it is told to "      \
			    "stop. In Kubernetes 5s: callers learn only after SIGTERM that a pod ends. Without it: no time."),     \
		ROW("compat", CHOICE, owner, member.compat, .choices = COMPAT_CHOICES, .fallback = "sluice",                       \
		    .help = "seldon: errors have Seldon's forms, and answers of Seldon Core 1 have meta.puid, as with "            \
			    "serviceConfig.compat of the files."),                                                                 \
		ROW("pass-header", NAMES, owner, member.passed, .word = "NAME",                                                    \
		    .help = "A header of requests that is copied to their records, beside content-type, traceparent, "             \
			    "tracestate, seldon-route, and those that the files read by header(), or by which experiments "        \
			    "choose. Lines of one name are joined by commas. Those of seldon-route and x-seldon-route are "        \
			    "joined without one. A request without traceparent gets one from headers of B3. If lines of "          \
			    "traceparent differ, neither these nor tracestate are copied, "                                        \
			    "so that a new trace begins; `sluice_gateway_dropped_traces_total` counts such requests. "             \
			    "Credentials and cookies are never copied."),                                                          \
		ROW("cors-origin", NAMES, owner, member.cors_origins, .word = "ORIGIN",                                            \
		    .help = "An origin, as https://app.example, whose pages may call the gateway from a browser (CORS); * is "     \
			    "every origin."),                                                                                      \
		HOST_NAMES_ROW(owner, member.hosts),                                                                               \
		ROW("peer-connections", INTEGER, owner, member.peer_connections, .word = "N", .fallback = "8192", .least = 1,      \
		    .most = 16384,                                                                                                 \
		    .help = "The most connections of one peer: an IPv4 address, or an IPv6 network of 64 bits. More are closed "   \
			    "at once; the first time, the log names the peer. In all there are at most 16384."),                   \
		ROW("certificate", TEXT, owner, member.listening.files.certificate,                                                \
		    .help = "A file with the gateway's certificate, in PEM: it then accepts only TLS."),                           \
		ROW("key", TEXT, owner, member.listening.files.key, .help = "A file with the certificate's key, in PEM."),         \
		LISTENING_AUTHORITIES_ROWS(owner, member.listening.files, "", "each caller"),                                      \
		GATEWAY_ACCESS_ROWS(owner, member.access)

struct gateway_service { /* starts as `{0}` */
	const struct workspace *workspace;
	const struct gateway_asked *asked;
	struct gateway_access *access, accesses[2]; /* the current one, and memory for the next */
	struct tls_files files;
	struct gateway_config config;
	struct certificate_watch certificates;
	struct gateway *gateway;
};

/* Checks for options that need other options, or that would send credentials to Kafka; CONFIG. */
bool gateway_asked_check(const struct gateway_asked *asked, struct error *error);

/* Reads the access settings, before anything is opened. Borrows the options. CONFIG: also if the gateway would accept
 * other machines without authentication. To be closed also on failure. */
bool gateway_service_begin(struct gateway_service *service, const struct workspace *workspace, const struct gateway_asked *asked,
			   const struct revision *revision, struct error *error);

/* Opens the gateway, whose certificate is loaded again when its files change. `ports` has the ports, Kafka's settings, and
 * `record_bytes`; the service fills in the rest. What `ports` borrows must outlive the service. */
bool gateway_service_open(struct gateway_service *service, struct loop *loop, const struct gateway_config *ports,
			  const struct plan *plan, struct error *error);
void gateway_service_close(struct gateway_service *service);

/* The gateway's own topics (gateway/calls/topic_presence.h), which it needs beside the topics of requests. NULL name: no memory. */
void gateway_own_topics(const struct revision *revision, struct properties settings, struct wanted_topic topics[GATEWAY_TOPICS]);

/* Whether gateway_service_follow() could serve that revision, as far as files show: its pipelines, if there are any, its access
 * settings, and a key set that they name anew. CONFIG. Any thread. */
bool gateway_service_check(const struct gateway_service *service, const struct revision *revision, struct error *error);

/* Serves this revision from now on, with its access settings. False: nothing has changed. */
bool gateway_service_follow(struct gateway_service *service, const struct revision *revision, struct error *error);

/* Reads callers' keys and policies, and the certificate again. False: some have errors, which are reported; the
 * versions in use of these are kept. */
bool gateway_service_reread(struct gateway_service *service);
