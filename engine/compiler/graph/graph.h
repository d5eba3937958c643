/* graph.h: Graph of a pipeline, with resolved edges.
 *
 * It is made once from a resource, is immutable, and lives in the plan's arena. Every reference of the YAML is
 * resolved to a `struct source`: the inputs or outputs of a step, or the request itself. References that cannot be
 * resolved are faults of the spec.
 */
#pragma once

#include "compiler/conditions/alert_condition.h"
#include "message/avro/mapped.h"
#include "compiler/resources/resource.h"

struct name_index; /* compiler/graph/names.h */

enum source_point {
	SOURCE_REQUEST,	    /* the input of the pipeline */
	SOURCE_STEP_INPUTS, /* the input of step `step` */
	SOURCE_STEP_OUTPUTS /* the output of that step */
};

#define STEP_NONE ((size_t)-1)

struct tensor_rename {
	struct text from; /* a tensor of this source */
	struct text to;
};

/* One resolved reference. */
struct source {
	enum source_point point;
	size_t step;	    /* index into graph->steps; STEP_NONE for the request */
	struct text tensor; /* the only one read; empty: all */
	size_t rename_count;
	const struct tensor_rename *renames;
	struct text reference; /* as the user wrote it */
	struct place place;
};

/* Join of a step. Sources of one point and step are adjacent, in the order of their first mention, without
 * duplicates. A single output is left out if all outputs of its step are listed (but not among triggers, where each
 * reference is a condition). */
struct join {
	enum join_type type;
	int64_t window_ms;
	size_t count;
	const struct source *sources;
};

/* List in a tensorMap of the reference dialect: the value of `decision` selects the called model. */
struct model_switch {
	struct text decision; /* a tensor of the step's input; not sent on. Empty: none */
	size_t count;
	const struct name *models;
};

/* An experiment that steps of a graph use: its choices, and the table of its units (compiler/step/assignment.h). The table follows
 * from the experiment's name and weights, so pipelines that use one experiment agree. */
struct graph_experiment {
	const char *name;
	const struct experiment_spec *spec;
	bool inside;		 /* it is written in a step, and splits the calls of that step only */
	bool of_ways;		 /* its choices are the ways of a step, whose table it has: it splits no calls */
	enum call_target target; /* of its choices */
	size_t count;		 /* the candidates in their order and then, unless it is among them, the default */
	const struct share *shares;
	const double *probabilities; /* of each choice */
	const struct assignment *assignment;
	size_t fallback; /* the choice that answers if another fails; `count`: none */
	size_t given;	 /* the choice of the default; `count`: there is none */
	struct audience audience; /* units outside get the default */
	struct text layer;	  /* of which they are; empty: none */
	size_t paired;	 /* the choice of which a rollout counts only the baseline; `count`: none */
	bool exposes;	 /* its exposures are written to the pipeline's topic */
	bool carried;	 /* each is in a header of the answer, or written if another stage answers */
	size_t number;	 /* among those of the graph */
	bool learns;	 /* it has bandits: choices are drawn by their policy, once there is one */
	struct context_form context; /* of that policy */
	const struct bandit_prior *priors; /* of each choice: its warm start; NULL: it has none */
	bool judged;	 /* a keeper moves its weights, by the truths of its exposures too */
};

struct graph_step {
	const struct step_spec *spec;
	const char *name;
	struct join inputs;
	struct join triggers; /* count 0: none */
	struct model_switch model_switch;
	bool answers; /* an ancestor of the output, or the output: its failure fails the answer */
	bool on_cycle;
	int64_t timeout_ms; /* of each attempt: the step's, the pipeline's, the runtime's; 0: the model's or 30 s */
	int64_t kept_ms; /* cache time of replies to its calls, as the step sets it; 0: not set */
	const struct assignment *assignment; /* for a kind with shares; else NULL */
	const struct step *explained; /* the step that it explains, and whose inputs are one of its sources; NULL: none */
	size_t explained_index;
	const struct expression *key; /* of an observer: its own name, so that one task has all its messages; else NULL */
	const struct graph_experiment *experiment; /* for a kind that names or has one; else NULL */
	const struct graph_experiment *split;	   /* whose choices its ways are; NULL: they are of none */
	const struct step_spec *written; /* as in the file, where nothing offers the model that it calls, and the step is built in
					  * instead; else NULL */
};

/* Input from another pipeline: input.externalInputs. */
struct external {
	const char *pipeline;
	enum source_point point; /* SOURCE_REQUEST: its inputs; SOURCE_STEP_OUTPUTS with step NULL: its outputs */
	const char *step;	 /* NULL: the pipeline's own inputs or outputs */
	struct text tensor;
	size_t rename_count;
	const struct tensor_rename *renames;
	struct place place;
};

/* Whether two references have the same topic; they are then one source of a join. */
bool external_same_topic(const struct external *a, const struct external *b);

/* The number of points of other pipelines that a graph reads. */
struct graph;
size_t external_points(const struct graph *graph);

struct externals {
	enum join_type type;
	int64_t window_ms;
	size_t count;
	const struct external *items;
};

/* ---- a stage's part of a graph; made by stage_graph.c ---- */

/* Position of a step relative to a stage. */
enum step_side {
	STEP_HERE,
	STEP_BEFORE, /* in a stage whose records come here: its result comes with the message */
	STEP_AFTER,  /* in a stage that reads this one's records */
	STEP_APART   /* in a stage neither before nor after this one */
};

/* Key of the records to a stage. */
enum stage_key {
	STAGE_KEY_CLIENT, /* key of the request */
	STAGE_KEY_SAME,	  /* key of the incoming record */
	STAGE_KEY_REQUEST_ID,
	STAGE_KEY_EXPRESSION
};

/* Successor of a stage: a stage that reads its records. */
struct graph_next {
	size_t stage;
	/* Steps that run in that stage, in the stages after it, or where their results are joined. While any of these
	 * steps may still run, the message is sent on. */
	const bool *steps;
	bool answer; /* one of these stages makes the answer */
	bool always; /* its input is joined with another stage's records: each message is sent */
	/* Contents of the record: the steps whose inputs it contains, those whose outputs it contains, and whether it
	 * contains the request. */
	const bool *inputs;
	const bool *outputs;
	bool request;
	bool results; /* whether there are such steps, besides those that its observers watch */
	enum stage_key key;
	size_t observer_count; /* steps of that stage, if all of them are observers: nothing of the request is answered there */
	const size_t *observers;
	const char *const *observer_names;
	bool slices;	 /* these take the rows of several messages as one (message/records/slice.h) */
	bool truths;	 /* one of them waits for truths, so its rows have their requests (message/records/truth_link.h) */
	size_t key_step; /* the step over whose inputs the expression is evaluated */
	const struct expression *key_expression;
	struct text key_text; /* of a stage that observes: what the expression gives, which is the same for every message */
};

struct graph_part {
	size_t stage;
	const char *name;		 /* name of the stage */
	bool own_key;			 /* its records have the request's key */
	size_t parent_count;		 /* stages whose records it reads; if several, those of a request are joined */
	const char *const *parents;	 /* their names */
	int64_t window_ms;		 /* of that join, and of external inputs */
	bool gathers; /* the request is joined here from the external inputs, which the first stage has read */
	const unsigned char *sides; /* enum step_side, of each step */
	bool first;		    /* it reads the requests */
	bool observes;		    /* all its steps are observers */
	bool answers;		    /* it produces the answer */
	/* Every path to the answer leads through this stage. So an error or a drop here is answered here, and not
	 * again in a later stage. */
	bool decides;
	/* What experiments choose here is judged by what becomes of the request: this stage answers, or one alone follows on the
	 * way to the answer, and the stages on that way join nothing. Of `next` that one; STEP_NONE: none is on the way. */
	bool judges;
	size_t onward;
	size_t next_count;
	const struct graph_next *next;
};

/* Child messages in a graph, where a step makes them (compiler/step/step.h). */
struct graph_offspring {
	/* For each step, and then for the output: the step whose children come to it; STEP_NONE: the message itself comes. */
	const size_t *of;
	const bool *gathers; /* it collects the children: its output belongs to their parent */
};

struct graph {
	const char *name;
	const struct resource *resource; /* the Pipeline */
	const struct pipeline_spec *spec;
	size_t count;
	struct graph_step *steps;
	const struct name_index *names; /* of the steps */
	const size_t *order;		/* indexes of the steps, each after its sources (cycles broken at their entry) */
	bool has_output;
	struct join output; /* over the sources of the answer */
	struct externals inputs;
	struct externals triggers;
	const struct mapping *mapping; /* of input.tensors; NULL: requests contain tensors directly */
	bool cyclic;
	int64_t max_visits;	       /* of a step for one request: maxStepRevisits + 1 */
	size_t experiment_count; /* experiments of its steps and of their calls, each once */
	const struct graph_experiment *const *experiments;
	size_t reachable_count; /* experiments that its messages reach: those, and once linked those of pipelines that it calls */
	const struct graph_experiment *const *reachable;
	const struct name_index *callees;	 /* enum call_target by the plain names that its steps call; NULL: none */
	const struct graph_offspring *offspring; /* NULL: no step makes children */
	const struct graph_part *part; /* the part of one stage among several; NULL: one stage runs the whole graph */
};

/* The variant that answered: that of the message's last experiment, or its default if that one failed. NULL: none of this graph. */
const char *graph_variant(const struct graph *graph, const struct message *message);

/* Whether the experiment that splits calls of the step, or whose choices are its ways, has a mirror. */
bool graph_step_mirrors(const struct graph *graph, size_t step);

/* Whether answers are to have the exposures of its experiment. Those of a stage that gives no answer are written instead. */
bool graph_step_carries(const struct graph *graph, size_t step);

/* Whether the step explains, and keeps the importance of features. */
bool graph_step_weighs(const struct graph *graph, size_t step);

/* Whether the step is a `drift`: its observer closes windows, and writes a verdict on each. */
static inline bool graph_step_watches(const struct graph *graph, size_t step)
{
	const struct step_kind *kind = graph->steps[step].spec->kind;
	return kind && kind->monitors && kind->monitors->judges_windows;
}

/* Whether the step is an `outlier` whose observer learns what is usual. */
static inline bool graph_step_learns_usual(const struct graph *graph, size_t step)
{
	const struct step_spec *spec = graph->steps[step].spec;
	const struct step self = {.kind = spec->kind, .options = spec->options};
	return step_facts(&self).observer && !graph_step_watches(graph, step);
}

/* The step that an observer watches. */
static inline size_t graph_step_watched(const struct graph *graph, size_t observer)
{
	return graph->steps[observer].inputs.sources->step;
}

/* Whether the pipeline declares a metric of that name which feedback is needed for. NULL: it does not. */
bool graph_computes(const struct graph *graph, const char *metric);

/* The figures that alerts of the pipeline can use, beside those of any. */
struct alert_sources graph_figures(const struct graph *graph);

/* Whether an error is answered by the stage that runs the graph. If not, it is joined with the results of other
 * stages, and the stage that joins them answers. */
static inline bool graph_decides(const struct graph *graph)
{
	return !graph->part || graph->part->answers || graph->part->decides || !graph->has_output;
}

/* Builds the graph of a pipeline. Faults (unknown, repeated, self, cyclic, unreachable, bad references) are added to
 * `faults`; the graph may be run if none of them is an error. NULL: memory ran out, or there is nothing to build. */
struct graph *graph_build(const struct resource *pipeline, const struct spec *spec, struct arena *arena, struct faults *faults);

/* The same, where models are offered besides the files: NAME=URL. A step that calls such a model is not built in. */
struct graph *graph_build_served(const struct resource *pipeline, const struct spec *spec, const struct name_list *servers,
				 struct arena *arena, struct faults *faults);

/* Finds the experiments that messages of each graph can reach, also by calls of pipelines among these graphs, however deep. Called
 * when all graphs are built. False: memory ran out. */
bool graphs_link(struct graph *const *graphs, size_t count, struct arena *arena);

/* The graphs of all pipelines of the files, linked; a pipeline whose graph cannot be built is left out. */
struct linked_graphs {
	size_t count;
	struct graph **items;
};

bool linked_graphs_build(struct linked_graphs *linked, const struct spec *spec, struct arena *arena);

/* The experiment of that name which messages of the graph can reach. NULL: none. */
const struct graph_experiment *graph_reachable_experiment(const struct graph *graph, const char *experiment);

/* The shares of a step, and the number of buckets of each; 0: it has none. Both arrays have space for ASSIGNMENT_WAYS_MAX. */
size_t graph_shares(const struct graph *graph, size_t step, struct share *shares, size_t *buckets);

/* Marks the steps that get child messages. Called by graph_build(). */
void graph_mark_offspring(struct graph *graph, struct arena *arena, struct faults *faults);

/* Resolves the target of a call: the step's `target`, or for a plain name (CALL_ANY) its meaning in the files. A
 * Model comes before a Pipeline before an Experiment; an unknown name is a model. Never CALL_ANY. */
enum call_target graph_callee(const struct graph *graph, enum call_target target, const char *name);

/* The experiment that splits a call of a step, by its resolved target: the step's own, the one of that name, or the one
 * whose default is called. NULL: none. */
const struct graph_experiment *graph_experiment_find(const struct graph *graph, size_t step, enum call_target target,
						     const char *name);

/* The resolved calls of a step, with the choices and the mirror in place of an experiment: the n-th, until it returns
 * false. The step has options. */
bool graph_calls(const struct graph *graph, size_t step, size_t nth, enum call_target *target, const char **name);

/* The step in the form that its kind's hooks take. */
struct step step_seen(const struct graph *graph, size_t step);

size_t graph_find(const struct graph *graph, const char *step); /* STEP_NONE: no such step */
