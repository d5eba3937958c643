/* local.h: Models in local files, for the built-in model server: the evaluator that a step has in the worker
 * (compiler/expression/local_model.h), called over the network.
 */
#ifndef SLUICE_MODELS_SERVER_LOCAL_H
#define SLUICE_MODELS_SERVER_LOCAL_H

#include "compiler/graph/signature.h"
#include "models/server/stub.h"
#include "compiler/expression/local_model.h"

/* Whether the URI is `file:model.json`, or a name that ends as a model's file does. */
bool served_file_takes(struct text uri);

/* Reads the model into the arena. Relative names are relative to the YAML of the place. NULL: CONFIG at the
 * place, or SYSTEM. */
const struct local_model *served_file_open(struct arena *arena, const char *uri, struct place place, struct error *error);

/* The outputs of the model. Its inputs may have any name. NULL: memory ran out. */
const struct model_signature *served_file_signature(struct arena *arena, const struct local_model *model);

/* As stub_answer(). */
bool served_file_answer(const struct local_model *model, const struct payload *request, struct arena *arena,
			struct stub_reply *reply);

#endif
