/* graph.h: a pipeline as a graph whose edges are resolved.
 *
 * Made once from a resource; immutable; in the plan's arena. Every reference of the
 * YAML has become a `struct source` that says which step's inputs or outputs it
 * means, or the request itself. What cannot be resolved went to the faults of the
 * spec.
 */
#ifndef SLUICE_PLAN_GRAPH_H
#define SLUICE_PLAN_GRAPH_H

#include "message/mapped.h"
#include "spec/resource.h"

struct name_index; /* plan/names.h */

enum source_point {
	SOURCE_REQUEST,	    /* what the pipeline was sent */
	SOURCE_STEP_INPUTS, /* what step `step` was sent */
	SOURCE_STEP_OUTPUTS /* what it gave */
};

#define STEP_NONE ((size_t)-1)

struct rename {
	struct text from; /* a tensor of this source */
	struct text to;
};

/* One reference. */
struct source {
	enum source_point point;
	size_t step;	    /* index into graph->steps; STEP_NONE for the request */
	struct text tensor; /* only this one; empty: all */
	size_t rename_count;
	const struct rename *renames;
	struct text reference; /* as the user wrote it */
	struct place place;
};

/* Sources of one point and step stand side by side, in the order of their first
 * mention, and none is there twice: all of a step's outputs swallows a single one of
 * them (but not among triggers, where each reference is a condition). */
struct join {
	enum join_type type;
	int64_t window_ms;
	size_t count;
	const struct source *sources;
};

/* The reference dialect's list in a tensorMap: the value of `decision` chooses the
 * model that is called. */
struct model_switch {
	struct text decision; /* a tensor of the step's input; not sent on. Empty: none */
	size_t count;
	const struct name *models;
};

struct graph_step {
	const struct step_spec *spec;
	const char *name;
	struct join inputs;
	struct join triggers; /* count 0: none */
	struct model_switch model_switch;
	bool answers; /* an ancestor of the output, or the output: its failure fails the reply */
	bool on_cycle;
	int64_t timeout_ms; /* of each attempt: the step's, the pipeline's, the runtime's; 0: the model's or 30 s */
	int64_t kept_ms; /* so long replies to its calls are used again, as it says; 0: it says nothing */
	const struct assignment *assignment; /* of a kind with shares; NULL */
};

/* What another pipeline gives to this one: input.externalInputs. */
struct external {
	const char *pipeline;
	enum source_point point; /* SOURCE_REQUEST: its inputs; SOURCE_STEP_OUTPUTS with step NULL: its outputs */
	const char *step;	 /* NULL: the pipeline's own inputs or outputs */
	struct text tensor;
	size_t rename_count;
	const struct rename *renames;
	struct place place;
};

/* Such references are one source of a join. */
bool external_same_topic(const struct external *a, const struct external *b);

/* How many points of other pipelines a graph reads. */
struct graph;
size_t external_points(const struct graph *graph);

struct externals {
	enum join_type type;
	int64_t window_ms;
	size_t count;
	const struct external *items;
};

/* ---- a stage's part of a graph; made by stage_graph.c ---- */

/* Where a step runs, as a stage sees it. */
enum step_side {
	STEP_HERE,
	STEP_BEFORE, /* in a stage whose records come here: what became of it comes with the message */
	STEP_AFTER,  /* in a stage that this one's records go on to */
	STEP_APART   /* in one that comes neither before nor behind */
};

/* By what the records to a stage are keyed. */
enum stage_key {
	STAGE_KEY_CLIENT, /* the request's own */
	STAGE_KEY_SAME,	  /* as they came here */
	STAGE_KEY_REQUEST_ID,
	STAGE_KEY_EXPRESSION
};

/* A stage that a stage sends records to. */
struct graph_next {
	size_t stage;
	/* Steps that run there, behind it, or where their results are joined with those: while
	 * any of them may still run, the message goes on. */
	const bool *steps;
	bool answer; /* the answer is among them */
	bool always; /* another stage's records are joined with these: each message goes on */
	/* What goes along: of which steps what they were sent and what they gave, and the request. */
	const bool *inputs;
	const bool *outputs;
	bool request;
	enum stage_key key;
	size_t key_step; /* over whose inputs the expression is evaluated */
	const struct expression *key_expression;
};

struct graph_part {
	size_t stage;
	const char *name;		 /* the stage's */
	bool own_key;			 /* its records are keyed as the request was */
	size_t parent_count;		 /* stages whose records come here; of several, those of a request are joined */
	const char *const *parents;	 /* their names */
	int64_t window_ms;		 /* of that, and of external inputs */
	bool gathers; /* the request is put together here from the external inputs, which the first stage has read */
	const unsigned char *sides; /* enum step_side, of each step */
	bool first;		    /* the request comes in here */
	bool answers;		    /* the answer leaves from here */
	/* All that could still change the answer has come here or comes from here: what
	 * settles it, an error or a drop, is answered here and not again behind it. */
	bool decides;
	size_t next_count;
	const struct graph_next *next;
};

/* Of a graph in which a step makes offspring (step/step.h). */
struct graph_offspring {
	/* Of each step, and of the output behind them: the step whose offspring come to it;
	 * STEP_NONE: the message itself does. */
	const size_t *of;
	const bool *gathers; /* it puts those together: what it gives is of the message that they were made of */
};

struct graph {
	const char *name;
	const struct resource *resource; /* the Pipeline; or the Model, of an implicit one-step pipeline */
	const struct pipeline_spec *spec;
	size_t count;
	struct graph_step *steps;
	const struct name_index *names; /* of the steps */
	const size_t *order;		/* indexes of the steps, each behind its sources (cycles broken at their entry) */
	bool has_output;
	struct join output; /* over the sources of the answer */
	struct externals inputs;
	struct externals triggers;
	const struct mapping *mapping; /* of input.tensors; NULL: requests hold tensors as they are */
	bool cyclic;
	int64_t max_visits;	       /* of a step by one request: maxStepRevisits + 1 */
	const struct name_index *callees;	 /* enum call_target by the bare names that its steps call; NULL: none */
	const struct graph_offspring *offspring; /* NULL: no step makes any */
	const struct graph_part *part; /* of one stage among several; NULL: all of it runs in one */
};

/* Whether an error is answered where a graph runs; else what others make of the request is joined with it, and that
 * stage answers. */
static inline bool graph_decides(const struct graph *graph)
{
	return !graph->part || graph->part->answers || graph->part->decides || !graph->has_output;
}

/* The graph of a pipeline; faults (unknown, repeated, self, cyclic, unreachable, bad
 * references) go to `faults`, whose errors say whether it may be run. NULL when
 * memory ran out or there is nothing to build. */
struct graph *graph_build(const struct resource *pipeline, const struct spec *spec, struct arena *arena, struct faults *faults);

/* Its steps that share messages out do so as those of the same name did in `before`, the
 * same pipeline's graph until now: what its weights still allow stays where it was. */
void graph_follow(struct graph *graph, const struct graph *before, struct arena *arena);

/* The shares of a step, and how many buckets each has; 0: it has none. Both have room for
 * ASSIGNMENT_WAYS_MAX. */
size_t graph_shares(const struct graph *graph, size_t step, struct share *shares, size_t *buckets);

/* The one-step pipeline as which a Model can be called; it is named as the model. */
struct graph *graph_of_model(const struct resource *model, const struct spec *spec, const struct step_kind *const *kinds,
			     struct arena *arena);

/* Which steps a message's offspring come to. Called by graph_build(). */
void graph_mark_offspring(struct graph *graph, struct arena *arena, struct faults *faults);

/* What is called: the step's `target`, and where a bare name is all it gives (CALL_ANY), what that means among the files:
 * a Model before a Pipeline before an Experiment, and a model where nothing is. Never CALL_ANY. */
enum call_target graph_callee(const struct graph *graph, enum call_target target, const char *name);

/* The step as its kind's hooks want to see it. */
struct step step_seen(const struct graph *graph, size_t step);

size_t graph_find(const struct graph *graph, const char *step); /* STEP_NONE: no such step */

#endif
