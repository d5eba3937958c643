/* document.h: Conversion of one YAML document to a resource of a spec. For spec.c only. */
#pragma once

#include "compiler/resources/resource.h"

/* Adds the resource, or several for a Kubernetes List. Errors are added to the spec's faults. If memory runs out, the
 * spec's arena has failed. */
void document_read(struct spec *spec, const struct document *document, const struct spec_options *options);

/* Add the pipelines of Experiments, and those of Models (compiler/resources/model_pipeline.h). Called in this order when all
 * documents were read. */
void documents_read_experiments(struct spec *spec, const struct spec_options *options);
void documents_read_models(struct spec *spec, const struct spec_options *options);
