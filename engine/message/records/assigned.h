/* assigned.h: Assignments of a message: the variants that experiments have chosen for it.
 *
 * The flow adds an entry when an experiment chooses. The answer has all of them: in the field `assignments` of Avro
 * answers, and else in a header. Another header has the experiments whose mirror was to get a copy, so that a copy that was lost
 * with its engine is missed. A child message begins with the entries of its parent. Between the stages of a
 * pipeline the entries are a header of the stage link.
 *
 * Entries live in the message's arena and form a list from the latest to the first, so that several messages can share
 * its end. Names are borrowed from the graph.
 */
#pragma once

#include "message/message.h"

#define ASSIGNED_HEADER "sluice-experiment" /* of an answer: NAME=VARIANT; probability=0.3, and so on */
#define MIRRORED_HEADER "sluice-mirrored"   /* of an answer: the experiments whose mirror was to get a copy: NAME, NAME */
#define ROUTE_HEADER "x-seldon-route" /* of a request and its answer, as in Seldon: `:VARIANT_VERSION:` for each choice */
#define ROUTE_OF_PIPELINE ".pipeline" /* a variant that is a pipeline has this instead of a version */
#define ASSIGNED_MAX 64 /* of one message: more are not listed */

/* Cause of a choice. */
enum assigned_reason {
	ASSIGNED_WEIGHT,   /* by the weights, for the unit */
	ASSIGNED_MATCH,	   /* by trafficConfig.headers */
	ASSIGNED_ROUTE,	   /* by the header x-seldon-route */
	ASSIGNED_OVERRIDE, /* by a named override */
	ASSIGNED_POLICY,   /* by the policy of bandits */
	ASSIGNED_STAGE,	   /* by a stage of a progressive deployment */
	ASSIGNED_FALLBACK, /* the variant failed, and the default answered */
	ASSIGNED_LAYER,	   /* the unit is of another part of the layer, and gets the default */
	ASSIGNED_HOLDOUT,  /* the unit is held out, and gets the default */
	ASSIGNED_REPLAY,   /* the request failed before, and gets what it had then */
	ASSIGNED_REASONS
};

/* A feature of a request, of its context. */
struct exposure_feature {
	struct text name;
	double value;
};

/* A feature of a request that is a text. */
struct exposure_text {
	struct text name, value;
};

struct assigned {
	struct assigned *next; /* an earlier one; NULL: the first */
	struct text experiment;
	struct text variant;
	struct text unit; /* empty: none, the choice follows from the origin */
	uint64_t unit_hash; /* of an entry that was read from a header, which has no unit; 0: it had none */
	double probability;
	enum assigned_reason reason;
	uint64_t table; /* version of the table of units, or of the policy, by which it was chosen */
	size_t feature_count;
	const struct exposure_feature *features; /* the context that a policy saw; lost between stages */
	size_t text_count;
	const struct exposure_text *texts; /* likewise */
	struct text layer; /* of the experiment; empty: none */
	uint32_t stage;	   /* of the rollout whose table chose, from 1; 0: none did */
	bool exposed;	   /* an exposure record is written in this stage */
	bool carried;	   /* the answer is to carry it, if this stage makes the answer; false once one has */
	bool in_answer;	   /* the Avro answer that is written carries it (message/records/answer_exposures.h) */
	int64_t took_ms;   /* from the request to that answer */
	bool mirrored;	   /* the mirror was to get a copy */
	bool is_pipeline;  /* the variant is one; lost between stages */
};

const char *assigned_reason_name(enum assigned_reason reason); /* "weight" */

/* Such a choice is no exposure: the unit is not the experiment's, or was exposed before the request failed. */
static inline bool assigned_reason_keeps_out(enum assigned_reason reason)
{
	return reason == ASSIGNED_LAYER || reason == ASSIGNED_HOLDOUT || reason == ASSIGNED_REPLAY;
}

/* Such a choice follows from a table of units: that of the weights, or of a stage. */
static inline bool assigned_reason_has_table(enum assigned_reason reason)
{
	return reason == ASSIGNED_WEIGHT || reason == ASSIGNED_STAGE;
}

/* Such a choice was made by chance, and not by somebody. */
static inline bool assigned_reason_is_chance(enum assigned_reason reason)
{
	return assigned_reason_has_table(reason) || reason == ASSIGNED_POLICY;
}

bool assigned_reason_read(struct text name, enum assigned_reason *reason); /* false: no reason has that name */

/* Adds an entry, unless the message has one of the same experiment and variant, and returns it. NULL: the arena is
 * full. */
struct assigned *assigned_add(struct message *message, const struct assigned *one);

/* Adds the entries of another message, of which the message may have some. False: the arena is full. */
bool assigned_join(struct message *message, const struct message *from);

/* The entries from the first to the latest; `items` has space for ASSIGNED_MAX. Returns their number. */
size_t assigned_list(const struct message *message, const struct assigned **items);

/* The value of ASSIGNED_HEADER, and of ROUTE_HEADER, always with version 1. Empty: no entry, or the arena is
 * full. */
struct text assigned_header(const struct message *message, struct arena *arena);
struct text assigned_route(const struct message *message, struct arena *arena);

/* The value of MIRRORED_HEADER. Empty: no mirror was to get a copy, or the arena is full. */
struct text assigned_mirrored(const struct message *message, struct arena *arena);

/* Whether such a value has the experiment. */
bool assigned_mirrored_has(struct text value, struct text experiment);

/* Between stages: the headers of a message with its entries as an additional header, and the way back, which removes
 * it. False: the arena is full. */
bool assigned_write(const struct message *message, struct headers *headers);
bool assigned_read(struct message *message);
