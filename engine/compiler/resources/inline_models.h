/* inline_models.h: Models that steps of Pipelines locate themselves, by a storageUri or a Server, without a Model.
 *
 * Such a model belongs to its pipeline. As long as all steps and Models of the files that use its name mean one model, it has that
 * name alone. Otherwise each pipeline's is called PIPELINE/NAME (compiler/graph/model_name.h), and of a pipeline whose steps differ
 * PIPELINE.STEP/NAME. Names that experiments have stay, since experiments split the calls of a model by its name; it is a fault if
 * such a name means several models.
 */
#pragma once

#include "compiler/resources/resource.h"

/* Gives the models of all steps their names. For spec.c, when all documents were read. False: memory ran out. */
bool inline_models_name(struct spec *spec);

/* The Model whose settings a model has: that of its name, or of PIPELINE/NAME that of NAME. NULL: it has none. */
const struct resource *spec_model(const struct spec *spec, const char *name);

/* Whether a storageUri is the address of a server, or a stub, and not the place of an artifact. NULL: no. */
bool model_uri_is_address(const char *uri);
