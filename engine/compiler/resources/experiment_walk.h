/* experiment_walk.h: Walk over the experiments of a spec: its Experiments, and those that are written in steps of its Pipelines.
 *
 * An experiment of a step has the name that is written there, else PIPELINE/STEP.
 *
 * Any thread may call.
 */
#pragma once

#include "compiler/resources/resource.h"

struct experiment_walk {
	const struct spec *spec;
	size_t resource, step; /* that come next */
};

struct experiment_found {
	const char *name;
	const struct experiment_spec *spec;
	const struct resource *resource; /* that has it */
	const struct step_spec *step;	 /* in which it is written; NULL: it is an Experiment */
};

/* Begins a walk. The spec is borrowed. */
struct experiment_walk experiment_walk_begin(const struct spec *spec);

/* The next experiment, in the order of the spec. Names are in the arena, or the spec's. False: there is no more, or memory ran
 * out, which arena_failed() says. */
bool experiment_walk_next(struct experiment_walk *walk, struct arena *arena, struct experiment_found *found);

/* The first experiment of that name; NULL: there is none, or memory ran out. */
const struct experiment_spec *experiment_named(const struct spec *spec, const char *name, struct arena *arena);

/* The name of an experiment that is written in a step. NULL: memory ran out. */
const char *experiment_written_name(const struct step_spec *step, const char *pipeline, struct arena *arena);
