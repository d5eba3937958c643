/* planning.h: for tests of graphs and plans: YAML in, a graph or its faults out. */
#pragma once

#include "compiler/plan/plan.h"

struct planning {
	struct spec spec;
	struct arena *arena;
	struct graph *graph; /* of the first Pipeline; NULL: none could be built */
};

/* Reads the YAML, with the real step kinds, and builds the graph of its first pipeline. */
void planning_open(struct planning *planning, const char *yaml);
void planning_close(struct planning *planning);

/* The graph of that pipeline, linked with the others of the YAML. */
struct graph *planning_linked(struct planning *planning, const char *pipeline);

/* The same with other kinds than the real ones; nothing is built. */
void planning_read(struct planning *planning, const char *yaml, const struct step_kind *const *kinds);

/* The plan of all that was read; `options` may be NULL. */
void planning_plan(struct planning *planning, const struct plan_options *options, struct plan *plan);

/* The same for a pipeline called `p` whose steps and whatever follows them are given:
 * they stand behind `steps:`, which is line 5. */
void planning_open_steps(struct planning *planning, const char *steps);

/* Whether one of the notes has those words. */
bool plan_is_noted(const struct notes *notes, const char *words);

size_t planning_errors(const struct planning *planning);

/* The first fault of that code; fails the test when there is none. */
const struct fault *planning_fault(const struct planning *planning, const char *code);

/* "a c b": the steps in their order. */
const char *planning_order(const struct planning *planning);

/* "a.outputs.x>y, request": the sources of a join, with their renames. */
const char *planning_join(const struct planning *planning, const struct join *join);
