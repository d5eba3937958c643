/* call_setup.h: Preparation of a call from a received request, for all protocols: its target, its deadline, and the
 * headers that are passed on. Pure.
 *
 * What is refused has a status of HTTP; call_outcome.h maps it to other protocols.
 */
#ifndef SLUICE_GATEWAY_CALL_SETUP_H
#define SLUICE_GATEWAY_CALL_SETUP_H

#include "gateway/gateway.h"

/* A received request, as its front end has it. */
struct call_source {
	const struct gateway_config *config;
	const struct gateway_targets *targets;
	int64_t now_ms;		  /* since 1970 */
	const char *content_type; /* of the record; NULL: the request's own */
	const void *context;
	struct text (*header)(const void *context, const char *name); /* bytes NULL: it has no such header */
};

struct call_refusal {
	int status; /* of HTTP */
	char words[ERROR_TEXT_MAX];
};

/* The target that a request names, beside its header `seldon-model`. */
struct call_name {
	struct text namespace; /* empty: any, and the header is preferred to `name` */
	struct text name;      /* empty: the only target, if there is one */
	bool pipeline_only;    /* for the refusal */
};

/* The name of what is asked for. Empty: none is given, and there are several. */
struct text call_name_asked(const struct call_source *source, const struct call_name *asked);

/* The header is `NAME` or `NAME.pipeline`, as in Seldon. NULL: refused. */
const struct gateway_target *call_target_find(const struct call_source *source, const struct call_name *asked,
					      struct call_refusal *refusal);

/* Whether a caller can wait for the target's answer to a body of that length. False: refused. */
bool call_is_possible(const struct gateway_target *target, size_t body_bytes, struct call_refusal *refusal);

/* The deadline by the gateway's clock: `x-deadline-ms` is a time of day, `x-timeout-ms` is relative to now; without
 * both it is the configured timeout. False: refused. */
bool call_deadline_read(const struct call_source *source, int64_t *deadline_ms, struct call_refusal *refusal);

/* The header with the request's id; empty: it has none. False: refused. */
bool call_id_read(const struct call_source *source, struct text *id, struct call_refusal *refusal);

/* The headers that go to Kafka: only listed ones. Credentials, cookies, and sluice's own never do. Lists are in the
 * arena; values are borrowed. */
struct headers call_headers_passed(const struct call_source *source, struct arena *arena);

#endif
