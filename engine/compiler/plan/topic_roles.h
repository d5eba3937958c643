/* topic_roles.h: Table of the roles of topics, and the names of the topics that belong to sluice. Names are made only here. */
#pragma once

#include "base/arena.h"

enum topic_role {
	TOPIC_INPUTS,
	TOPIC_OUTPUTS,
	TOPIC_ERRORS,
	TOPIC_EXTERNAL,
	TOPIC_STAGE,
	TOPIC_STEP_INPUTS,
	TOPIC_STEP_OUTPUTS,
	TOPIC_STATE,
	TOPIC_MODEL_INPUTS,
	TOPIC_MODEL_OUTPUTS,
	TOPIC_EXPLANATIONS,
	TOPIC_EXPOSURES,
	TOPIC_SHADOW,
	TOPIC_FEEDBACK,
	TOPIC_OUTCOMES,
	TOPIC_VERDICTS,
	TOPIC_IMPORTANCE,
	TOPIC_POLICY,
	TOPIC_ALERTS,
	TOPIC_MOVES,
	TOPIC_ROLES
};

#define TOPIC_NONE ((size_t)-1)
#define SHADOW_TOPIC "shadow" /* rest of the name of TOPIC_SHADOW */
#define PREFIX_DEFAULT "sluice"
#define NAMESPACE_DEFAULT "default"

/* The namespace that is asked for; NULL asks for the default one. */
const char *namespace_or_default(const char *asked);

/* The name of a topic that belongs to sluice; `rest` is "inputs", "step.a.outputs", ... NULL: memory ran out. */
const char *topic_own_name(struct arena *arena, const char *prefix, const char *namespace, const char *pipeline, const char *rest);

/* The name of the topic of an experiment's moves: that of its own name, or of its pipeline and step if it has theirs. NULL: memory
 * ran out. */
const char *topic_moves_name(struct arena *arena, const char *prefix, const char *namespace, const char *experiment);

/* The name of a topic of a namespace that belongs to no pipeline; `rest` is "status", "control", ... NULL: memory ran out. */
const char *topic_namespace_name(struct arena *arena, const char *prefix, const char *namespace, const char *rest);

/* The topic of a namespace for the status of its engines (observe/status.h). */
const char *topic_status_name(struct arena *arena, const char *prefix, const char *namespace);

/* The topic of a namespace from which gateways read answers to their calls (message/records/reply.h). */
const char *topic_cancels_name(struct arena *arena, const char *prefix, const char *namespace);
const char *topic_claims_name(struct arena *arena, const char *prefix, const char *namespace);
const char *topic_replies_name(struct arena *arena, const char *prefix, const char *namespace);

struct topic_role_row {
	const char *name;
	bool read, written;   /* by the engine */
	int64_t retention_ms; /* 0: compacted, or not set by sluice */
	bool compacted;
	bool ordered; /* it has exactly one partition, because all its records have one order */
	const char *help;
};

extern const struct topic_role_row topic_roles[TOPIC_ROLES];
