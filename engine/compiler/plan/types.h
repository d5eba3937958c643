/* types.h: Static types of all tensors of a graph.
 *
 * They are inferred from the request on, step by step. The sources are the mapping of records, the declarations of
 * models (given metadata, or a stub's fixed types), and the inference of step kinds. An unknown type is never a
 * fault. A contradiction is a fault, which shows both sides.
 */
#pragma once

#include "compiler/graph/graph.h"
#include "compiler/graph/signature.h"

/* The model that a step calls, if there is exactly one: its name and its storage URI (NULL: not known). */
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
	struct tensor_types expected; /* tensors for callers to send: those of `request`, or else those that models take of it */
	struct step_types *steps; /* NULL: not inferred */
	struct tensor_types answer;
	bool refused; /* more than STEP_TENSORS_MAX tensors would come to a step: a fault; the pipeline cannot run */
};

/* Inputs of the inference besides the graph. */
struct types_known {
	const struct models_metadata *metadata; /* NULL: none */
	const struct file_source *files;	/* named by steps; NULL: no file is read */
	size_t *bytes_left;			/* memory left for the types of the whole plan; NULL: not bounded */
	const struct spec *spec;		/* of all pipelines: one that calls it, or is called, may give its messages marks */
	bool draws_laws;			/* warns also of what needs seconds to be known (step_kind.remark) */
};

/* `called` has one entry for each step; name NULL: none, or several. A file source without a file fails with REMOTE;
 * the step is then treated as if no file could be read. The memory of types is bounded (compiler/plan/type_bounds.h). False
 * only when memory ran out. */
bool types_infer(const struct graph *graph, const struct called_model *called, const struct types_known *known,
		 struct arena *arena, struct faults *faults, struct graph_types *types);

/* Whether the single tensor that the step gives is renamed to the one output that it declares. */
bool step_renames(const struct step_spec *spec);
