/* type_names.h: names in expressions, held against what is known of the tensors where
 * they stand; and what types.c and type_names.c share.
 */
#ifndef SLUICE_PLAN_TYPE_NAMES_H
#define SLUICE_PLAN_TYPE_NAMES_H

#include "plan/types.h"

/* Which steps one step waits for, itself or through others: worked out for one step at a time. */
struct awaited {
	size_t reader; /* STEP_NONE: of none yet */
	bool *steps;   /* its inputs or triggers have what that one gave */
	bool *seen;    /* its own sources have been looked at */
	size_t *stack;
};

struct inference {
	const struct graph *graph;
	const struct called_model *called; /* of each step */
	const struct models_metadata *metadata;
	const struct file_source *files;
	struct arena *arena;
	struct faults *faults;
	struct graph_types *types;
	bool *done; /* steps whose types have been inferred */
	struct awaited *awaited;
	struct type_bounds *bounds; /* plan/type_bounds.h */
};

/* Checks `when` and the expressions in the options of a step, over what comes in; false
 * after a fault. */
bool type_names_check(const struct inference *inference, size_t step, const struct tensor_types *inputs);

const struct tensor_type *types_find(const struct tensor_types *types, struct text name); /* NULL: not there */
const char *types_nearest(const struct tensor_types *types, struct text name, struct arena *arena);

#endif
