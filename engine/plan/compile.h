/* compile.h: what the parts of plan_make() share; private to plan.c, feeds.c, stages.c,
 * stage_graph.c, topics.c, calls.c, delivery.c, ordering.c and volume.c.
 */
#ifndef SLUICE_PLAN_COMPILE_H
#define SLUICE_PLAN_COMPILE_H

#include "plan/names.h"
#include "plan/plan.h"

struct compiler {
	struct arena *arena;
	const struct spec *spec;
	const struct plan_options *options;
	struct plan *plan;
	const struct runtime_spec *runtime; /* NULL: none among the files */
	size_t types_left;		    /* bytes for the types of all pipelines */
	bool faulty;			    /* the spec has errors before anything is planned */
	struct name_index pipelines;	    /* name -> index into plan->pipelines */
	/* Step topics that another pipeline reads: for each pipeline two flags a step
	 * (inputs, outputs); NULL: none of them. */
	bool **read_topics;
};

/* `items` with room for one more of `size`, doubled when it is full; NULL when memory
 * ran out. */
void *list_room(struct arena *arena, void *items, size_t count, size_t *room, size_t size);

void note_add(struct compiler *compiler, struct notes *notes, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* feeds.c: which topics of pipelines others read, and whether one calls itself by way of those that it calls. */
bool plan_feeds(struct compiler *compiler);
/* Behind plan_topics() and plan_delivery() of all: which would get back what it gave, and which two would share out the
 * records of a topic that both want whole. */
void plan_between(const struct compiler *compiler);

/* stages.c: where the pipeline is cut, and why. */
void plan_stages(struct compiler *compiler, struct pipeline_plan *plan);

/* The key by which a step needs its records; NULL: none. */
const struct expression *step_key(const struct graph *graph, size_t step);

/* The key of a stage where what other pipelines give of a request is brought together, and of those behind it: no expression
 * is written so. */
#define STAGE_KEY_ID "request id"

/* stage_graph.c: what each stage runs of the graph, and what it sends on. */
void plan_stage_graphs(struct compiler *compiler, struct pipeline_plan *plan);

/* topics.c */
void plan_topics(struct compiler *compiler, struct pipeline_plan *plan);
void plan_model_topics(struct compiler *compiler, struct pipeline_plan *plan); /* behind plan_calls() */

/* calls.c: whom the steps call, and where those are. */
void plan_calls(struct compiler *compiler, struct pipeline_plan *plan);
struct endpoint plan_model(struct compiler *compiler, const struct resource *model);

/* delivery.c: delivery, order and the longest wait, with their reasons. */
void plan_delivery(struct compiler *compiler, struct pipeline_plan *plan);

/* ordering.c: part of it; which order is kept, and a fault where that is less than is usual. */
void plan_order(struct compiler *compiler, struct pipeline_plan *plan);

/* volume.c: what a request costs in records and bytes. */
void plan_volume(struct compiler *compiler, struct pipeline_plan *plan);

/* The steps whose outputs no step reads: what a pipeline without output is there for. */
static inline bool stage_reads(const struct stage *stage, size_t other)
{
	return (stage->ancestors >> other & 1) != 0;
}

bool *leaf_steps(const struct graph *graph, struct arena *arena);

/* The wait for an attempt when nothing says another. */
#define TIMEOUT_MS_DEFAULT 30000
#define ATTEMPTS_MAX 3 /* of a call that fails or times out, before the request is given up */

#endif
