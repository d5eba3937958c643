/* plan.h: Compiled form of the pipelines of a spec, with a reason for every choice.
 *
 * A plan is data: stages, topics, groups, calls, and notes. It is made once from a spec, lives in an arena, and never
 * changes. The printers (text.c, json.c, drawing.c, acls.c, targets.c) only read it. The same files give the same
 * plan, byte for byte.
 */
#pragma once

#include <assert.h>

#include "compiler/graph/endpoint.h"
#include "compiler/graph/graph.h"
#include "compiler/plan/types.h"
#include "compiler/plan/topic_roles.h"

#define STAGES_MAX 64 /* for a pipeline: more passes of one request through Kafka are a planning mistake */

static_assert(STAGES_MAX <= 64, "which stages a request goes on to is a number's bits, from the cut to the record between them");

/* ---- stages ---- */

/* Reason for the start of a stage. */
enum boundary {
	BOUNDARY_REQUEST,  /* it reads the requests */
	BOUNDARY_KEY,	   /* its records are partitioned by another key */
	BOUNDARY_ISOLATED, /* its step, or the step that it reads, is marked `isolate` */
	BOUNDARY_JOIN	   /* it joins the results of different stages for one request */
};

struct stage {
	const char *name; /* of its first step; "request" for the first stage, "output" for one that only joins the output */
	enum boundary boundary;
	const char *reason;
	const char *key;    /* the expression that partitions its records; NULL: the record's own key */
	uint64_t parents;   /* stages that write to its topic, as a bit set */
	uint64_t ancestors; /* itself and all stages whose records reach it, as a bit set */
	size_t topic;	    /* its input, besides the pipeline's inputs; TOPIC_NONE: the first stage */
	bool isolated;	    /* it has exactly one step, which is isolated, or observers alone */
	const char *state;  /* description of its state between requests, and of the state's key; NULL: no state */
	bool joins;	    /* the state also has parts of requests that wait for others */
	const char *risk;   /* effect of a crash on that state with at-least-once delivery; NULL: only repeated answers */
	size_t count;
	const size_t *steps; /* in the order in which they run */
	/* The graph that a flow runs: the pipeline's own if there is one stage, else that graph with this stage's part. */
	const struct graph *graph;
};

/* ---- topics ---- */

struct topic {
	const char *name;
	enum topic_role role;
	bool bound;	      /* belongs to the user or to another pipeline: not created or changed */
	bool best_effort;     /* a tap without dependent readers: outside the transaction */
	int64_t partitions;   /* 0: the broker's default */
	int64_t retention_ms; /* 0: compacted, or not set by sluice */
	/* The stage or step that it belongs to. For an external topic the index of its reference, inputs before
	 * triggers. TOPIC_NONE: the pipeline. */
	size_t of;
	int64_t percent; /* of a model: the share of its calls that it contains */
	const char *key;   /* key of its records */
	const char *reason;
};

/* ---- calls ---- */

struct callee {
	size_t step;
	enum call_target target;
	const char *name;
	const char *how;	  /* condition on which it is chosen; NULL: none */
	bool copy;		  /* shadow request: no step waits for it */
	struct endpoint endpoint; /* for a model */
	size_t tap; /* the topic of its inputs by `logger.percent`, before that of its outputs; 0: none */
};

/* ---- pipelines ---- */

struct note {
	struct place place; /* line 0: no particular place */
	const char *text;
};

struct notes {
	size_t count, room;
	struct note *items;
};

/* How the observer of a step gets what it watches: the path writes the watched tensors to the topic of the observer's stage, in
 * the transaction of the answer. */
struct observer_plan {
	const char *step;  /* the watched one */
	const char *topic; /* NULL: memory ran out */
	const char *why;   /* the observer does not read another topic */
	double share;	   /* of messages, 0 to 1; of a message the same each time */
	bool slices;	   /* messages that follow one another share a record (message/records/slice.h) */
	double bytes;	   /* of a message in the share, at most, if it were the only observer */
	bool bytes_assumed;
	size_t shared_count; /* other steps whose observers get the same record */
	const char **shared_with;
};

/* Records and bytes in Kafka for one request. Those of observers are counted apart. */
struct volume {
	size_t requests;    /* records in inputs that the engine writes: of direct ingress */
	size_t answers;	    /* records in outputs, or of the leaf steps if the pipeline has no output */
	size_t stage_links; /* between stages */
	size_t taps;	    /* step topics */
	size_t states;	    /* changelog */
	size_t exposures;   /* of experiments that write them */
	double shadows;	    /* replies of mirrors, by their percentages */
	size_t bytes;	    /* of all of them, estimated */
	double observed;    /* records for observers, at most: those of several messages may be one */
	double observed_bytes;
	bool bytes_assumed; /* a tensor's size was not known */
};

/* Records for one request, those of observers too. */
double volume_records(const struct volume *volume);

/* A metric of a pipeline: one that it declares, with what customMetrics add, or one of customMetrics. */
struct pipeline_metric {
	struct metric_spec spec;
	bool of_feedback; /* it names truth or reward: */
	bool of_truth, of_reward;
	bool of_variant;  /* it names the variant */
	bool of_latency;  /* it names the latency */
	bool of_request;  /* it names the request or its parameters */
	bool of_answer;	  /* it names a tensor of the answer */
	const char *const *labels; /* their names */
	struct series_form form;
};

#define FEEDBACK_METRICS_COUNTED 7 /* of truth and reward, of a pipeline */
#define PIPELINE_METRIC_SERIES ((size_t)500) /* samples that the metrics of a pipeline share; each has one series at least */

#define FORMER_GROUPS_MAX 3

/* The requests in whose order answers leave. */
enum answer_order {
	ANSWER_ORDER_NONE,	/* or those with equal values of a stage's own key */
	ANSWER_ORDER_KEY,	/* those of one key */
	ANSWER_ORDER_PARTITION, /* those of one partition */
	ANSWER_ORDER_BOTH,	/* those of one key; and those of one partition that have none */
};

struct pipeline_plan {
	const struct graph *graph;
	const char *namespace;
	const char *prefix;
	struct text key;	/* key of the incoming records; empty: their own */
	enum delivery delivery; /* never DELIVERY_DEFAULT */
	const char *delivery_reason;
	bool direct; /* `ingress: direct`, which is possible */
	enum answer_order order;
	const char *order_reason;
	int64_t wait_ms; /* longest delay of a result by an earlier one; 0: none */
	const char *wait_reason;
	const char *group;	     /* reads for all stages but those that only observe or explain */
	const char *observers_group; /* reads for those; NULL: there are none */
	const char *explainers_group; /* reads for stages that only explain beside the answer; NULL: there are none */
	/* Groups that read it before, when its delivery, or whether it reads other pipelines' topics, was different.
	 * The first has read all its inputs, the others only its own topics. NULL: no more. */
	const char *former_groups[FORMER_GROUPS_MAX];
	size_t stage_count;
	struct stage *stages;
	size_t *stage_of;    /* index of the stage of each step */
	size_t answer_stage; /* the stage that produces the answers */
	size_t topic_count, topic_room;
	struct topic *topics;
	size_t callee_count, callee_room;
	struct callee *callees;
	struct graph_types types;
	size_t metric_count; /* METRICS_MAX at most */
	const struct pipeline_metric *metrics;
	size_t observer_count;
	const struct observer_plan *observers;
	/* Of the relay of its feedback to observers that wait for truths: it runs no step, and its part names their stages. NULL:
	 * none waits. */
	const struct graph *relay;
	struct volume volume;
	struct notes notes;
};

/* Plan of a Model, or of another resource that is not a pipeline. */
struct model_plan {
	const struct resource *resource;
	struct endpoint endpoint;
};

struct plan_options {
	const struct step_kind *const *kinds;
	const struct models_metadata *metadata; /* NULL: none given */
	struct name_list servers;		/* NAME=URL */
	const struct file_source *files;	/* named by steps, for type inference; NULL: no file is read */
	const char *prefix;			/* of topics, where no SeldonRuntime sets one; NULL: PREFIX_DEFAULT */
	const char *secrets;			/* folder of the files that YAML names as secrets; NULL: none */
	bool models_served;			/* Models without an endpoint get one later */
	bool files_alone;			/* the plan runs without a control plane: no version of a Model is there */
};

struct plan {
	const struct spec *spec;
	size_t count;
	struct pipeline_plan *pipelines; /* in the order of the files */
	size_t model_count;
	struct model_plan *models;
	struct notes notes;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
};

/* Finds the faults of the expressions of a pipeline's metrics, where the types of its answer are known. plan_make() does it too. */
void metrics_check_types(const struct graph *graph, const struct graph_types *types, struct arena *arena, struct faults *faults);

/* Finds metrics of the pipeline by which a rollout judges otherwise than they are declared. plan_make() does it too. */
void metrics_check_criteria(const struct graph *graph, struct faults *faults);

/* Finds conditions and groups of a pipeline's alerts that do not fit its figures, or the results of any step; warns of those that
 * use what no step gives. It is known where the types of all are. plan_make() does it too. */
void alerts_check_types(const struct graph *graph, const struct graph_types *types, struct arena *arena, struct faults *faults);

/* Reads what a declared metric names, without types; its form has no labels. Faults, which plan_make() finds too, are added. */
void pipeline_metric_read(struct pipeline_metric *metric, const struct metric_spec *spec, const struct graph *graph,
			  struct arena *arena, struct faults *faults);

/* Finds the faults of stages, topic names and circular pipelines without making a plan. A failed arena: memory ran out. */
void plan_check(const struct spec *spec, const struct graph *const *graphs, size_t count, struct arena *arena);

/* Makes a plan. Faults of graphs and types are added to the spec's. If the spec has errors, the plan is made as far
 * as possible, for display, and must not be run. False only when memory ran out. */
bool plan_make(const struct spec *spec, const struct plan_options *options, struct arena *arena, struct plan *plan,
	       struct error *error);

/* Removes the pipelines that are rejected for the number of their tensors (compiler/plan/types.h), and returns how many those
 * were. Each is an error among the faults. The others may be run. */
size_t plan_leave_refused(struct plan *plan);

/* If some pipelines are of that namespace, removes the others. */
void plan_keep_namespace(struct plan *plan, const char *namespace);

/* The number of other errors among the faults: while there are any, nothing may be run. */
size_t plan_errors(const struct plan *plan);

/* Whether no pipeline before that one is in its namespace: for going through the namespaces of a plan. */
bool plan_is_first_of_namespace(const struct plan *plan, size_t index);

/* Whether an experiment that messages of the graph can reach has bandits: then engines learn. */
bool graph_learns(const struct graph *graph);

/* The topic from which the step's reference is learnt when an engine starts; NULL: none. */
const char *graph_reference_topic(const struct graph_step *step);

/* How many rows of the newest requests are the background of the step when an engine starts; 0: none. */
size_t graph_background_rows(const struct graph *graph, const struct graph_step *step);

/* Whether an engine counts the truths of experiments that its messages can reach for a keeper. */
bool graph_is_judged(const struct graph *graph);

/* The group of the engines that may join outcomes for the pipelines of its namespace. With a dot and the name of an engine it is
 * the transactional id of that engine. NULL: the arena is full. */
const char *plan_outcomes_group(const struct pipeline_plan *plan, struct arena *arena);

/* For commands that do not know the `--server` of engines: the model by which it depends on these whether there is the pipeline,
 * which is made of an Experiment; NULL: it does not. The words take the pipeline and the model, thrice. */
const char *plan_model_of_servers(const struct spec *spec, const struct resource *pipeline, struct arena *arena);
#define PLAN_MODEL_OF_SERVERS_WORDS                                                                                                \
	"the Experiment `%s` can be called by its name only in engines that have its model `%s`: the files have no Model `%s` "    \
	"and no "                                                                                                                  \
	"Server that offers it, so it needs --server %s=http://HOST:PORT there"

/* NULL: no such pipeline. If two namespaces have the name, the first. */
const struct pipeline_plan *plan_find(const struct plan *plan, const char *name);

/* Whether a pipeline reads topics of other pipelines, and so by a group of its own. */
bool plan_reads_others(const struct pipeline_plan *plan);

/* Adds those groups to the former ones of pipelines that read no others' topics, and are among `apart`: an earlier version
 * did. False: memory ran out. */
bool plan_name_formers(struct plan *plan, const struct name_list *apart, struct arena *arena);

/* The topic that the stage of the changelog `topic` reads; NULL: `topic` is no changelog. */
const char *plan_changelog_input(const struct pipeline_plan *plan, const struct topic *topic);

/* The consumer groups of its pipelines, each once, `count` of them; NULL: no memory. */
const char **plan_groups(const struct plan *plan, struct arena *arena, size_t *count);

/* A consumer group of a pipeline. Observers and explainers are read exactly once, whatever the delivery of their pipeline
 * is. */
struct plan_group {
	const char *name;
	bool exactly_once;
	bool observes; /* no answer waits for its stages: they only observe, or explain */
	bool explains; /* they explain: they call models, and may need all processors */
};

#define PLAN_GROUPS_MAX 3 /* of a pipeline */

size_t plan_pipeline_groups(const struct pipeline_plan *plan, struct plan_group groups[PLAN_GROUPS_MAX]);

/* Whether nothing but observers runs in a stage: no answer needs it. */
bool plan_stage_observes(const struct pipeline_plan *plan, size_t stage);

/* Whether nothing runs in a stage but steps that explain beside the answer, and that no answer needs. */
bool plan_stage_explains(const struct pipeline_plan *plan, size_t stage);

/* The group that reads for a stage; the one that reads a topic, or the input of a changelog. */
const char *plan_stage_group(const struct pipeline_plan *plan, size_t stage);
const char *plan_topic_group(const struct pipeline_plan *plan, const struct topic *topic);

/* The name of the first topic that has the role. NULL: there is none. */
const char *plan_topic_of(const struct pipeline_plan *plan, enum topic_role role);

/* Whether a stage reads that topic; whether it writes it. */
bool stage_reads_topic(const struct pipeline_plan *plan, size_t stage, size_t topic);
bool stage_writes_topic(const struct pipeline_plan *plan, size_t stage, size_t topic);

const char *boundary_name(enum boundary boundary);     /* "isolated" */
const char *call_target_name(enum call_target target); /* "model" */

/* ---- printing; appends to `out`, whose failure means that memory ran out ---- */

struct plan_view {
	double rate; /* requests per second; 0: not given */
	bool acls;
	bool targets;
	size_t columns; /* of the terminal, into which tables are fitted; 0: none */
};

void plan_print_text(const struct plan *plan, const struct plan_view *view, struct buffer *out);
void plan_print_json(const struct plan *plan, const struct plan_view *view, struct buffer *out);
void plan_print_dot(const struct plan *plan, struct buffer *out);
void plan_print_mermaid(const struct plan *plan, struct buffer *out);
void plan_print_svg(const struct plan *plan, struct buffer *out); /* a picture, which needs no other program */
