/* model_pipeline.h: Pipelines of Models that can be asked by themselves: one step, which calls the model.
 *
 * A Model gets such a pipeline, of its own name, if no pipeline, experiment or deployment of the files names it. One that
 * is named has its requests there, and topics of its own would be read by nobody.
 */
#ifndef SLUICE_SPEC_MODEL_PIPELINE_H
#define SLUICE_SPEC_MODEL_PIPELINE_H

#include "spec/resource.h"

/* The document of the pipeline of a Model, as a node tree that is in no file. NULL: memory ran out. */
const struct node *model_pipeline(const struct resource *model, struct arena *arena);

/* The Models that get one, in the order of the files; `count` is their number. NULL: memory ran out. */
const struct resource **models_alone(const struct spec *spec, size_t *count);

#endif
