/* signature.h: what a model takes and gives, from metadata or from the rows of the
 * built-in stubs. Used by types.c, and by the command that reads --models.
 */
#ifndef SLUICE_PLAN_SIGNATURE_H
#define SLUICE_PLAN_SIGNATURE_H

#include "step/step.h"

struct model_signature {
	struct text name;
	struct tensor_types inputs; /* count 0: whatever comes */
	struct tensor_types outputs;
};

struct models_metadata {
	size_t count;
	const struct model_signature *items;
};

/* Reads {"MODEL": {"inputs": [{"name", "datatype", "shape"}], "outputs": [...]}}, the
 * metadata of the Open Inference Protocol; -1 is a dimension that may be anything.
 * CONFIG errors have the place in the file. What is read lives in the arena. */
bool metadata_read(struct arena *arena, const char *file, struct text json, struct models_metadata *metadata, struct error *error);

/* NULL: that model is not in it. */
const struct model_signature *metadata_find(const struct models_metadata *metadata, const char *model);

/* The signature of a stub, where it is fixed, in the arena; NULL: it is not, or `uri`
 * (stub://NAME?options) names none. */
const struct model_signature *stub_signature(struct arena *arena, struct text uri);

#endif
