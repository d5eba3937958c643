/* targets.h: Targets of a gateway's calls: the pipelines of a plan. Each has the topics of its requests and of its feedback, and
 * states whether it can answer a caller that waits. Pure.
 */
#pragma once

#include "compiler/plan/plan.h"

struct gateway_target {
	const char *name;
	const char *namespace;
	const struct pipeline_plan *plan;
	const struct resource *deployment; /* the SeldonDeployment that the pipeline answers for; NULL: none */
	int64_t version;		   /* in force, by the number of the control plane; 0: files have none */
	uint32_t topic;	       /* of the requests: index in `topics` */
	const char *outputs;   /* topic of the answers; NULL: none */
	const char *explanations; /* topic of explanations; NULL: no step explains */
	size_t request_bytes;  /* limit of a body; set by gateway.c */
	bool limit_is_known;   /* Kafka has said it; else it is a usual one */
	uint32_t feedback;     /* topic of its feedback: index in `topics` */
	bool takes_feedback;   /* false: it has no experiment, and no such topic */
	bool direct;	       /* `ingress: direct`: an engine of this process may answer it at once */
	bool answers_roam;     /* a later stage answers, so an answer without a key may be in any partition of the outputs */
	bool answers;	       /* false: it has no output, and ends when Kafka has the request */
	/* The pipeline of the Experiment that splits its calls, and gets them instead; NULL: none. */
	const struct gateway_target *front;
	const char *refusal;   /* why it cannot answer a waiting caller; NULL: it can */
};

#define GATEWAY_VERSION_BYTES 24

struct gateway_targets {
	size_t count;
	struct gateway_target *items;
	size_t topic_count;
	const char **topics; /* of requests, feedback and cancellations */
	uint32_t cancels;    /* topic of cancellations (observe/cancel_board.h): index in `topics` */
	const char *prefix, *namespace; /* of the replies topic */
	const struct spec *spec;	/* of the plan */
	bool has_seldon_errors;		/* `compat: seldon` of the files */
	struct name_list read;		/* headers of requests that experiments and expressions read, but no credentials */
};

/* Makes targets of all pipelines of the plan. All of it is in the arena, and borrows from the plan. Topics that were there
 * `before` (NULL: none) keep their indexes. A plan without pipelines, as when the last one was deleted, has the namespace and
 * the prefix of `before`. CONFIG: it has none before either; the pipelines have several namespaces or topic prefixes. */
bool gateway_targets_make(const struct plan *plan, const struct gateway_targets *before, struct arena *arena,
			  struct gateway_targets *targets, struct error *error);

/* Why a pipeline cannot answer a caller that waits, so that it takes submitted requests alone; NULL: it can. In the arena. */
const char *gateway_refusal_of(const struct graph *graph, struct arena *arena);

/* Credentials, cookies and headers of sluice's own: the gateway never writes them to Kafka. */
bool gateway_header_is_secret(struct text name);

/* Name of a topic of the gateway's own, as by topic_replies_name(); to be freed by memory_give(). NULL: memory ran out. */
char *gateway_topic_name(const char *(*name)(struct arena *arena, const char *prefix, const char *namespace),
			 const struct gateway_targets *targets);

/* NULL: there is none of that name. `namespace` empty: any. */
const struct gateway_target *gateway_target_find(const struct gateway_targets *targets, struct text namespace, struct text name);

/* The one that a request without a name asks: shadows of deployments answer nobody. `count`: among how many. NULL: not one. */
const struct gateway_target *gateway_target_only(const struct gateway_targets *targets, size_t *count);

/* The version of a target that callers may name, in `digits`. Files have no versions, and theirs is 1. */
struct text gateway_target_version(const struct gateway_target *target, char digits[GATEWAY_VERSION_BYTES]);

/* Whether there is a Model of that name. It may still be no target: because other resources call it, or because no
 * server has it. */
bool gateway_targets_have_model(const struct gateway_targets *targets, struct text name);
