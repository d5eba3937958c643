/* call_setup.h: Preparation of a call from a received request, for all protocols: its target, its deadline, and the
 * headers that are passed on. Pure.
 *
 * A refusal has an HTTP status; call_outcome.h maps it to other protocols.
 */
#pragma once

#include "gateway/gateway.h"
#include "gateway/calls/idempotent_calls.h"
#include "message/records/header_name.h"

/* A received request, in the form that a front end passes in. */
struct call_source {
	const struct gateway_config *config;
	const struct gateway_targets *targets;
	int64_t now_ms;		  /* since 1970 */
	int64_t arrived_ms;	  /* likewise; of the request's head */
	const char *content_type; /* of the record; NULL: the request's own */
	bool suggests;		  /* names of targets, to a caller that names none: access is not controlled */
	uint64_t *dropped_traces; /* counts requests whose trace is not passed on; NULL: they are not counted */
	const void *context;
	struct text (*header)(const void *context, enum header_name name); /* bytes NULL: the request has no such header */
	struct text (*header_at)(const void *context, enum header_name name,
				 size_t place);						  /* the first (0), the second, and so on */
	struct text (*header_named)(const void *context, const char *name, size_t place); /* likewise, of any name */
};

struct call_refusal {
	int status; /* of HTTP */
	char words[ERROR_TEXT_MAX];
};

/* The target that a request names, apart from its header `seldon-model`. */
struct call_name {
	struct text namespace; /* empty: any, and the header is preferred to `name` */
	struct text name;      /* empty: the only target, if there is one */
	struct text version;   /* of it; empty: the one in force, as 1 is */
	bool pipeline_only;    /* for the text of a refusal */
};

/* The lines of a request's headers. */
struct call_lines {
	/* The next one; `place` is 0 at the beginning, and the source's own. False: there are no more. */
	bool (*next)(const void *context, size_t *place, struct text *name, struct text *value);
	const void *context;
	uint64_t repeated; /* names that more than one line has, a bit for each (message/records/header_name.h) */
	uint64_t more;	   /* likewise, names that steer requests of this protocol alone: call_names_of_grpc(), or 0 */
};

static inline uint64_t call_names_of_grpc(void)
{
	return header_name_bit(HEADER_SELDON) | header_name_bit(HEADER_NAMESPACE);
}

/* Whether no header has two values, of those that steer a request of any protocol or of this one, or that `targets` read:
 * experiments route by them. Walks the lines only if one of those with a number is repeated, or `targets` read any. False: refused
 * with 400, which names the header. */
bool call_headers_check(const struct call_lines *lines, const struct gateway_targets *targets, struct call_refusal *refusal);

/* As much of a name that a caller sent as a refusal shows. */
struct text call_name_shown(struct text name);

/* The name of the requested target. Empty: the request has none, and there are several targets. */
struct text call_name_asked(const struct call_source *source, const struct call_name *asked);

/* The header is `NAME` or `NAME.pipeline`, as in Seldon. A version that is not in force is not found, as by other servers of the
 * Open Inference Protocol. NULL: refused. */
const struct gateway_target *call_target_find(const struct call_source *source, const struct call_name *asked,
					      struct call_refusal *refusal);

/* Whether the target can answer a waiting caller, and a body of that length fits. False: refused. */
bool call_is_possible(const struct gateway_target *target, size_t body_bytes, struct call_refusal *refusal);

/* Whether a body of that length fits into the target's topic; enough for a request that is submitted. False: refused. */
bool call_body_fits(const struct gateway_target *target, size_t body_bytes, struct call_refusal *refusal);

/* The deadline by the gateway's clock: `x-deadline-ms` is a time of day, `x-timeout-ms` is relative to the arrival of the head,
 * since the caller's clock runs while the body comes and is decompressed. Without either, the configured timeout applies from now
 * on. False: refused. */
bool call_deadline_read(const struct call_source *source, int64_t *deadline_ms, struct call_refusal *refusal);

/* Whether the request has one of these two headers. */
bool call_has_deadline(const struct call_source *source);

/* The id of a request: the header x-request-id, else seldon-puid, by which Seldon's executor has it. Empty: it has none. `header`
 * is the name of the header that was looked at last. */
struct text call_id_find(const struct call_source *source, const char **header);

/* Whether that header's value can be the id of a request, which is in JSON and in protobuf. False: refused. */
bool call_id_check(const char *header, struct text id, struct call_refusal *refusal);

/* As call_id_find(). False: refused. */
bool call_id_read(const struct call_source *source, struct text *id, struct call_refusal *refusal);

/* The idempotency key, with or without quotes around it; bytes NULL: the request has none. False: refused. Explanations are
 * not in the outputs, where answers of keys are searched, so `explains` with a key is refused. */
bool call_key_read(const struct call_source *source, bool explains, struct text *key, struct call_refusal *refusal);

/* The headers that are sent to Kafka: only listed ones, and never credentials, cookies, or sluice's own. Of a route, which Seldon
 * gives in several, all are one value. Lists, and that value, are in the arena; other values are borrowed.
 *
 * A request is in one trace. If lines of traceparent differ, none is passed on, nor is tracestate, which belongs to it. So whoever
 * traces the request next begins a new trace, as for a traceparent that is invalid (W3C Trace Context, 4.3). A request without
 * traceparent that has headers of B3 gets it from those. */
struct headers call_headers_passed(const struct call_source *source, struct arena *arena);

/* The same and one more; without it if its value is empty. */
struct headers call_headers_with(struct headers headers, const char *name, struct text value, struct arena *arena);
