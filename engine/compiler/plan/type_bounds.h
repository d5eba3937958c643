/* type_bounds.h: Bounds of the memory for tensor types in a plan, so that a small file cannot make a large plan.
 *
 * A join keeps one type for each name, the first, as expressions do. The number of tensors that a request would
 * really have there is only counted. Private to types.c and type_bounds.c.
 */
#pragma once

#include "compiler/plan/type_names.h"

/* Limit of tensors of one request that come to a step; those of one name are counted each time. Steps that each read
 * several earlier steps, and pass all of it on, multiply them. A pipeline with more is rejected. */
#define STEP_TENSORS_MAX 10000

/* Memory for the types of one pipeline. Types that exceed it are unknown. */
#define PIPELINE_TYPES_BYTES ((size_t)4 << 20)

/* Memory for the types of all pipelines of a plan: ten thousand of ten tensors fit. */
#define PLAN_TYPES_BYTES ((size_t)64 << 20)

struct type_bounds {
	size_t bytes_left; /* of the pipeline */
	bool spent;	   /* types were left out because of this bound; that was reported */
	size_t *inputs;	   /* for each step, the least number of tensors that come to it: STEP_TENSORS_MAX + 1 for more */
	size_t *outputs;
};

/* `left`: bytes left of the plan's bound; NULL: only the pipeline's bound applies. False only when memory ran out. */
bool type_bounds_open(struct type_bounds *bounds, const struct graph *graph, const size_t *left, struct arena *arena);

/* Whether a list of `count` types fits. If so, its memory is counted. */
bool type_bounds_take(struct type_bounds *bounds, size_t count);

/* Removes all types except the first of each name. False: memory ran out. */
bool type_bounds_once(struct tensor_type *items, size_t *count, struct arena *arena);

/* Counts the tensors of a join; the counts of the earlier steps must be known. */
size_t type_bounds_joined(const struct type_bounds *bounds, const struct join *join);

/* Counts the tensors that a step gives, of which `types` are known. `passes`: the step passes its input on. */
void type_bounds_given(struct type_bounds *bounds, size_t step, const struct step_types *types, bool passes);
