/* type_bounds.h: Bounds of what a plan holds of tensor types, so that a small file cannot make a large plan.
 *
 * A join keeps one type for each name, the first's, as expressions do; how many tensors a request would really have there is
 * only counted. Private to types.c and type_bounds.c.
 */
#ifndef SLUICE_PLAN_TYPE_BOUNDS_H
#define SLUICE_PLAN_TYPE_BOUNDS_H

#include "plan/type_names.h"

/* Tensors of one request that come to a step, those of one name counted each time. Steps that pass on all that they read,
 * each reading several before it, multiply them. A pipeline with more is refused. */
#define STEP_TENSORS_MAX 10000

/* Memory for the types of one pipeline; of what would need more nothing is known. */
#define PIPELINE_TYPES_BYTES ((size_t)4 << 20)

/* For those of all pipelines of a plan: ten thousand of ten tensors fit. */
#define PLAN_TYPES_BYTES ((size_t)64 << 20)

struct type_bounds {
	size_t bytes_left; /* of the pipeline */
	bool spent;	   /* something was left out for want of them: that was said */
	size_t *inputs;	   /* of each step, how many tensors come to it at least: STEP_TENSORS_MAX + 1 for all that is more */
	size_t *outputs;
};

/* `left`: of the plan; NULL: the pipeline's own bound alone. False only when memory ran out. */
bool type_bounds_open(struct type_bounds *bounds, const struct graph *graph, const size_t *left, struct arena *arena);

/* Whether a list of so many may be made, which is then counted. */
bool type_bounds_take(struct type_bounds *bounds, size_t count);

/* Takes out all but the first of each name. False: memory ran out. */
bool type_bounds_once(struct tensor_type *items, size_t *count, struct arena *arena);

/* Counts what the join gives; of the steps before, it is known. */
size_t type_bounds_joined(const struct type_bounds *bounds, const struct join *join);

/* Counts what a step gives, of which these are known; `passes`: what comes to it goes on. */
void type_bounds_given(struct type_bounds *bounds, size_t step, const struct step_types *types, bool passes);

#endif
