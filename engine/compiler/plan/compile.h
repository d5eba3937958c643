/* compile.h: Shared parts of plan_make(), which compiles pipelines: its state and its phases. Private to plan.c, notes.c, feeds.c,
 * stages.c, stage_graph.c, topics.c, calls.c, shared_addresses.c, candidates.c, delivery.c, groups.c, direct.c, answer_order.c,
 * observers.c, shared_observers.c and volume.c.
 */
#pragma once

#include "compiler/graph/names.h"
#include "compiler/plan/plan.h"

struct compiler {
	struct arena *arena;
	const struct spec *spec;
	const struct plan_options *options;
	struct plan *plan;
	const struct runtime_spec *runtime; /* NULL: the files have none */
	size_t types_left;		    /* bytes for the types of all pipelines */
	bool faulty;			    /* the spec already has errors before planning */
	struct name_index pipelines;	    /* name -> index into plan->pipelines */
	/* Step topics that another pipeline reads: for each pipeline two flags for each step (inputs, outputs); NULL: none. */
	bool **read_topics;
};

static inline uint64_t stage_bit(size_t stage) /* in a set of stages */
{
	return (uint64_t)1 << stage;
}

#define PLAN_LIST_FIRST 8 /* elements of a list of a plan, before it grows */

/* notes.c */
void note_add(struct compiler *compiler, struct notes *notes, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* feeds.c: finds the pipeline topics that other pipelines read. Also checks whether a pipeline calls itself, directly
 * or through those that it calls. */
bool plan_feeds(struct compiler *compiler);
/* To be called after plan_topics() and plan_delivery() of all pipelines. Finds pipelines that would read back their
 * own output, and pairs that would split the records of a topic that both need completely. */
void plan_between(const struct compiler *compiler);
/* Warns of alerts and silences that name what the files do not have. */
void plan_alerts(const struct compiler *compiler);

/* Warns of Models with a requirement that no Server offers. */
void plan_requirements(const struct compiler *compiler);

/* metrics.c: the metrics of each pipeline, and faults of them. To be called when the types of all pipelines are
 * known; without options, types are checked elsewhere. */
void plan_metrics(const struct compiler *compiler);

/* metric_families.c: faults of metrics that would be one in Prometheus. */
void plan_metric_families(const struct compiler *compiler);

/* Whether a declared metric names truth or reward. A tensor of the answer that is called `reward` is not distinguished yet. */
bool metrics_need_feedback(const struct graph *graph, struct arena *arena);

/* stages.c: cuts the pipeline into stages, with reasons. */
void plan_stages(struct compiler *compiler, struct pipeline_plan *plan);

/* The key by which a step's records must be partitioned; NULL: none. */
const struct expression *step_key(const struct graph *graph, size_t step);

/* The key of a stage that joins the inputs of one request from several pipelines, and of the stages after it. No
 * expression has this text. */
#define STAGE_KEY_ID "request id"

/* stage_graph.c: the part of the graph that each stage runs, and the records that it sends. */
void plan_stage_graphs(struct compiler *compiler, struct pipeline_plan *plan);

/* outcomes.c: the stage to which the outcomes of a stage's experiments go on, STEP_NONE if that is none; whether what they choose
 * is judged; and a fault where it is not. */
size_t plan_stage_onward(const struct pipeline_plan *plan, size_t stage);
bool plan_stage_judges(const struct pipeline_plan *plan, size_t stage);
void plan_outcomes(struct compiler *compiler, const struct pipeline_plan *plan);

/* Adds the relay of feedback, if an observer of the graph waits for truths. */
void plan_truth_relay(struct compiler *compiler, struct pipeline_plan *plan);
bool plan_awaits_truths(const struct graph *graph);

/* topics.c */
void plan_topics(struct compiler *compiler, struct pipeline_plan *plan);
void plan_model_topics(struct compiler *compiler, struct pipeline_plan *plan); /* to be called after plan_calls() */

/* calls.c: the targets of the steps' calls, and their endpoints. */
void plan_calls(struct compiler *compiler, struct pipeline_plan *plan);
struct endpoint plan_model(struct compiler *compiler, const struct resource *model);

/* shared_addresses.c: takes their endpoint from models that would be called by one name at one address and are not one model. To be
 * called after plan_calls() of all pipelines. */
void plan_shared_addresses(struct compiler *compiler);

/* absent_callees.c: warns of Models and Experiments that the steps call and the files do not have. */
void plan_absent_callees(const struct compiler *compiler, const struct graph *graph);

/* candidates.c: warns of candidates of experiments that are gone. */
void plan_candidates(const struct compiler *compiler);

/* Refuses a choice of an experiment of pipelines that is a version of one. False: it is none. */
bool pipeline_version_refuse(const struct compiler *compiler, const char *experiment, const struct name *choice);

/* delivery.c: delivery guarantee, order and longest wait, with their reasons. */
void plan_delivery(struct compiler *compiler, struct pipeline_plan *plan);

/* direct.c: whether requests may be answered before they are logged, and a fault if they cannot though the pipeline says so. Part
 * of plan_delivery(). */
void plan_direct(struct compiler *compiler, struct pipeline_plan *plan);

/* answer_order.c: the order of results, and a fault where it is weaker than usual. Part of plan_delivery(). */
void plan_order(struct compiler *compiler, struct pipeline_plan *plan);

/* groups.c: the names of its groups. Part of plan_delivery(). */
void plan_name_groups(struct compiler *compiler, struct pipeline_plan *plan);

/* shared_observers.c: whether two observers are one stage, in which one record of a message serves both: the same comes to the
 * steps that they watch, whenever anything does. */
bool plan_observers_meet(const struct graph *graph, size_t observer, size_t other);

/* observers.c: how observers get what they watch, and what that costs. To be called before plan_volume(). */
void plan_observers(struct compiler *compiler, struct pipeline_plan *plan);

/* Bytes of a record with these tensors. *known is made false where one of them is not known. */
size_t volume_record_bytes(const struct tensor_types *types, bool *known);

/* volume.c: the records and bytes in Kafka for one request. */
void plan_volume(struct compiler *compiler, struct pipeline_plan *plan);

/* Whether records of the stage `other` reach the stage, or it is the stage itself. */
static inline bool stage_reads(const struct stage *stage, size_t other)
{
	return (stage->ancestors >> other & 1) != 0;
}

/* The steps whose outputs no step reads. They are the purpose of a pipeline without output. */
bool *leaf_steps(const struct graph *graph, struct arena *arena);

/* The timeout of an attempt when none is given. */
#define TIMEOUT_MS_DEFAULT 30000
#define ATTEMPTS_MAX 3 /* of a call that fails or times out; after the last the request fails */
