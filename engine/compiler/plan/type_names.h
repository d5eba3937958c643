/* type_names.h: Check of the names in expressions against the known tensors; and the state that types.c and
 * type_names.c share. */
#pragma once

#include "compiler/plan/types.h"

/* The steps that one step waits for, directly or through others; computed for one step at a time. */
struct awaited {
	size_t reader; /* STEP_NONE: not yet computed */
	bool *steps;   /* that step's result is among its inputs or triggers */
	bool *seen;    /* that step's own sources have been visited */
	size_t *stack;
};

struct inference {
	const struct graph *graph;
	const struct called_model *called; /* of each step */
	const struct models_metadata *metadata;
	const struct file_source *files;
	const struct spec *spec;
	bool draws_laws; /* compiler/plan/types.h */
	struct arena *arena;
	struct faults *faults;
	struct graph_types *types;
	bool *done; /* steps whose types have been inferred */
	struct awaited *awaited;
	struct type_bounds *bounds; /* compiler/plan/type_bounds.h */
};

/* Checks `when` and the expressions in the options of a step, over its inputs. False: a fault was added. */
bool type_names_check(const struct inference *inference, size_t step, const struct tensor_types *inputs);
