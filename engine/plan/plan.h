/* plan.h: what the pipelines of a spec compile to, with a reason for every choice.
 *
 * A plan is data: stages, topics, groups, calls, and notes. It is made once from a
 * spec, lives in an arena, and never changes; printing it (text.c, json.c,
 * drawing.c, acls.c, targets.c) reads it only. The same files give the same plan,
 * byte for byte.
 */
#ifndef SLUICE_PLAN_PLAN_H
#define SLUICE_PLAN_PLAN_H

#include <assert.h>

#include "plan/endpoint.h"
#include "plan/graph.h"
#include "plan/types.h"

#define STAGES_MAX 64 /* of a pipeline: a request that crosses Kafka more often is planned by mistake */

static_assert(STAGES_MAX <= 64, "which stages a request goes on to is a number's bits, from the cut to the record between them");

/* ---- stages ---- */

/* Why a stage begins where it begins. */
enum boundary {
	BOUNDARY_REQUEST,  /* the request comes in here */
	BOUNDARY_KEY,	   /* its records are partitioned by another key */
	BOUNDARY_ISOLATED, /* its step is marked `isolate`, or the one it reads is */
	BOUNDARY_JOIN	   /* it puts together what different stages made of one request */
};

struct stage {
	const char *name; /* its first step; "request" for the first stage, "output" for one that only joins the output */
	enum boundary boundary;
	const char *reason;
	const char *key;    /* the expression its records are partitioned by; NULL: the record's own key */
	uint64_t parents;   /* stages that write to its topic, as bits */
	uint64_t ancestors; /* itself and all whose records reach it, as bits */
	size_t topic;	    /* which it reads, beside what the pipeline reads; TOPIC_NONE: the first stage */
	bool isolated;	    /* it holds one isolated step and nothing else */
	const char *state;  /* what it keeps between requests, and for whom; NULL: nothing */
	const char *risk;   /* what a crash may do to that where delivery is at-least-once; NULL: nothing but repeat answers */
	size_t count;
	const size_t *steps; /* in the order in which they run */
	/* What a flow runs: the pipeline's own graph where there is one stage, else the same
	 * with this stage's part of it. */
	const struct graph *graph;
};

/* ---- topics ---- */

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
	TOPIC_ROLES
};

#define TOPIC_NONE ((size_t)-1)
#define PREFIX_DEFAULT "sluice"
#define NAMESPACE_DEFAULT "default"

/* The name of a topic that is sluice's own; `rest` is "inputs", "step.a.outputs", ... NULL:
 * memory ran out. */
const char *topic_own_name(struct arena *arena, const char *prefix, const char *namespace, const char *pipeline, const char *rest);

/* The one of a namespace where its engines say how they are (observe/status.h). */
const char *topic_status_name(struct arena *arena, const char *prefix, const char *namespace);

/* The one of a namespace in which gateways read answers to the calls that they took (message/reply.h). */
const char *topic_replies_name(struct arena *arena, const char *prefix, const char *namespace);

struct topic_role_row {
	const char *name;
	bool read, written;   /* by the engine */
	int64_t retention_ms; /* 0: compacted, or not ours to say */
	bool compacted;
	const char *help;
};

extern const struct topic_role_row topic_roles[TOPIC_ROLES];

struct topic {
	const char *name;
	enum topic_role role;
	bool bound;	      /* the user's own, or another pipeline's: left as it is */
	bool best_effort;     /* a tap that no one depends on: outside the transaction */
	int64_t partitions;   /* 0: the broker's default */
	int64_t retention_ms; /* 0: compacted, or not ours to say */
	/* The stage or step it belongs to; of an external topic its reference, inputs before
	 * triggers; TOPIC_NONE: the pipeline. */
	size_t of;
	const char *model; /* of whose calls it is told; NULL: of none */
	int64_t percent;   /* how many of them */
	const char *key;   /* what its records are keyed by */
	const char *reason;
};

/* ---- calls ---- */

struct callee {
	size_t step;
	enum call_target target;
	const char *name;
	const char *how;	  /* NULL, or on what condition it is chosen */
	bool copy;		  /* off the path: nothing waits for it */
	struct endpoint endpoint; /* of a model */
};

/* ---- pipelines ---- */

struct note {
	struct place place; /* line 0: of nothing in particular */
	const char *text;
};

struct notes {
	size_t count, room;
	struct note *items;
};

/* What one request costs in Kafka. */
struct volume {
	size_t answers;	    /* records in outputs, or of the leaf steps of a pipeline without output */
	size_t stage_links; /* between stages */
	size_t taps;	    /* step topics */
	size_t states;	    /* changelog */
	size_t bytes;	    /* of all of them, about */
	bool bytes_assumed; /* a tensor's size was not known */
};

#define FORMER_GROUPS_MAX 3

struct pipeline_plan {
	const struct graph *graph;
	const char *namespace;
	const char *prefix;
	struct text key;	/* of the incoming records; empty: their own */
	enum delivery delivery; /* never DELIVERY_DEFAULT */
	const char *delivery_reason;
	const char *order_reason;
	int64_t wait_ms; /* the longest that a result can be held up by one before it; 0: nothing waits */
	const char *wait_reason;
	const char *group;
	/* That read it where its delivery, or whether it reads topics of others, was another: the first of all that it
	 * reads, those behind it of its own topics alone. NULL: no more. */
	const char *former_groups[FORMER_GROUPS_MAX];
	size_t stage_count;
	struct stage *stages;
	size_t *stage_of;    /* of each step */
	size_t answer_stage; /* from which answers leave */
	size_t topic_count, topic_room;
	struct topic *topics;
	size_t callee_count, callee_room;
	struct callee *callees;
	struct graph_types types;
	struct volume volume;
	struct notes notes;
};

/* A Model or another resource that is no pipeline, as far as the plan says something. */
struct model_plan {
	const struct resource *resource;
	struct endpoint endpoint;
};

struct plan_options {
	const struct step_kind *const *kinds;
	const struct models_metadata *metadata; /* NULL: none handed in */
	struct name_list servers;		/* NAME=URL */
	const struct file_source *files;	/* that steps name, for what they say of types; NULL: none is read */
	const struct plan *before;		/* that this one follows on, from where shares move; NULL: none */
};

struct plan {
	const struct spec *spec;
	size_t count;
	struct pipeline_plan *pipelines; /* in the order of the files */
	size_t model_count;
	struct model_plan *models;
	struct notes notes;
};

/* What cutting graphs into stages, naming their topics and leading one into another would find: for
 * who wants the faults and no plan. A failed arena: memory ran out. */
void plan_check(const struct spec *spec, const struct graph *const *graphs, size_t count, struct arena *arena);

/* Faults of graphs and types go to the spec's; a plan of a spec with errors among them
 * is made as far as it can be, for people to look at, and must not be run. False only
 * when memory ran out. */
bool plan_make(const struct spec *spec, const struct plan_options *options, struct arena *arena, struct plan *plan,
	       struct error *error);

/* Takes out the pipelines that are refused for the number of their tensors (plan/types.h), each of which is an error among the
 * faults: the others may be run. How many those were. */
size_t plan_leave_refused(struct plan *plan);

/* The errors among the faults but those: while there are any, nothing may be run. */
size_t plan_errors(const struct plan *plan);

/* NULL: none is called so. Of two namespaces the first. */
const struct pipeline_plan *plan_find(const struct plan *plan, const char *name);

/* The topic for whose messages a stage's changelog is written; NULL: that topic is no changelog. */
const char *plan_changelog_input(const struct pipeline_plan *plan, const struct topic *topic);

/* What groups read its pipelines, each once, `count` of them; NULL: no memory. */
const char **plan_groups(const struct plan *plan, struct arena *arena, size_t *count);

/* Whether a stage reads that topic, or writes it. */
bool stage_reads_topic(const struct pipeline_plan *plan, size_t stage, size_t topic);
bool stage_writes_topic(const struct pipeline_plan *plan, size_t stage, size_t topic);

const char *boundary_name(enum boundary boundary);     /* "isolated" */
const char *call_target_name(enum call_target target); /* "model" */

/* ---- printing; goes to the end of `out`, whose failure says that memory ran out ---- */

struct plan_view {
	double rate; /* requests a second; 0: not given */
	bool acls;
	bool targets;
};

void plan_print_text(const struct plan *plan, const struct plan_view *view, struct buffer *out);
void plan_print_json(const struct plan *plan, const struct plan_view *view, struct buffer *out);
void plan_print_dot(const struct plan *plan, struct buffer *out);
void plan_print_mermaid(const struct plan *plan, struct buffer *out);

#endif
