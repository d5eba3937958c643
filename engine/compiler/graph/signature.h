/* signature.h: Signature of a model: the types of its inputs and outputs, from metadata or from the rows of the
 * built-in stubs. Used by types.c, and by the command that reads --models. */
#pragma once

#include "compiler/step/step.h"

struct model_signature {
	struct text name;
	struct tensor_types inputs; /* count 0: any */
	struct tensor_types outputs;
};

struct models_metadata {
	size_t count;
	const struct model_signature *items;
	bool has_whole_names; /* of models, as of a survey; else they may leave out what precedes the slash */
};

/* Parses {"MODEL": {"inputs": [{"name", "datatype", "shape"}], "outputs": [...]}}, the metadata of the Open Inference
 * Protocol. -1 is a dimension of any size. CONFIG errors have the place in the file. The result lives in the arena. */
bool metadata_read(struct arena *arena, const char *file, struct text json, struct models_metadata *metadata, struct error *error);

/* By the name that fits the model best (model_name.h). NULL: the metadata do not contain that model. */
const struct model_signature *metadata_find(const struct models_metadata *metadata, const char *model);

/* The signature of a stub, in the arena. NULL: it is not fixed, or `uri` (stub://NAME?options) names no stub. */
const struct model_signature *stub_signature(struct arena *arena, struct text uri);
