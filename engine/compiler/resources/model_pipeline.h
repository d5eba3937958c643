/* model_pipeline.h: Pipelines of Models and Experiments that can be called by themselves: one step, which calls the
 * model, or splits among the candidates.
 *
 * A Model gets such a pipeline, of its own name, if no pipeline or deployment of the files names it. A Model that is
 * named gets its requests through those, and topics of its own only with `standalone`: each costs three topics, and
 * rights to them. The `default` of an Experiment gets them in any case: who asks it by its name asks the experiment, and
 * callers keep that name when a pipeline is added. The candidates of an experiment may be called by themselves too. An Experiment
 * gets a pipeline unless a Pipeline has its name.
 */
#pragma once

#include "compiler/resources/resource.h"

/* The document of a Model's pipeline of that name, as a node tree that is in no file. NULL: memory ran out. */
const struct node *model_pipeline(const struct resource *model, const char *name, struct arena *arena);

/* The document of an Experiment's pipeline, likewise. NULL: it has no candidate, or memory ran out. */
const struct node *experiment_pipeline(const struct resource *experiment, struct arena *arena);

/* The Models that get such a pipeline, in the order of the files; `count` is their number. NULL: memory ran out. */
const struct resource **models_alone(const struct spec *spec, size_t *count);
