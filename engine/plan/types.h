/* types.h: what is known of every tensor before anything runs.
 *
 * From the request on, step by step: what mapped records say, what models declare
 * (metadata handed in, or a stub's fixed types), what kinds infer. What is not known
 * stays unknown and is never a fault; what contradicts itself is one, with both sides
 * shown.
 */
#ifndef SLUICE_PLAN_TYPES_H
#define SLUICE_PLAN_TYPES_H

#include "plan/graph.h"
#include "plan/signature.h"

/* The model that a step calls, where there is exactly one: its name and where it is
 * stored (NULL: not known). */
struct called_model {
	const char *name;
	const char *storage_uri;
};

struct step_types {
	struct tensor_types inputs;
	struct tensor_types outputs;
};

struct graph_types {
	struct tensor_types request;
	struct step_types *steps; /* NULL: not inferred */
	struct tensor_types answer;
	bool refused; /* more tensors than STEP_TENSORS_MAX would come to a step: that is a fault, and the pipeline cannot run */
};

/* What is handed in. */
struct types_known {
	const struct models_metadata *metadata; /* NULL: none */
	const struct file_source *files;	/* that steps name; NULL: none is read */
	size_t *bytes_left; /* for the types of a whole plan, from which those of the graph are taken; NULL: no such bound */
};

/* `called` has one for each step; name NULL: none, or several. A source of files that has not got
 * one fails with REMOTE: then its step is taken as if no file could be read. What the types take is bounded
 * (plan/type_bounds.h). False only when memory ran out. */
bool types_infer(const struct graph *graph, const struct called_model *called, const struct types_known *known,
		 struct arena *arena, struct faults *faults, struct graph_types *types);

/* Whether the only tensor of what the step gives gets the name of the one output that it declares. */
bool step_renames(const struct step_spec *spec);

/* "FP32[-1,16]"; "?" where nothing is known. */
const char *type_text(const struct value_type *type, struct arena *arena);

#endif
