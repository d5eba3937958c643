/* local_model.h: a trained model (numeric/predictor.h) asked with tensors: for the step kind
 * that has it in the worker, and for the built-in model server.
 *
 * It takes one numeric tensor of rows: [rows, features], or [features], which is one row.
 * It answers FP64: [rows] where it gives a number a row, else [rows, outputs]; and where
 * its classes have names, also the name for which each row decides, as BYTES [rows].
 * Immutable; may be shared by threads.
 */
#ifndef SLUICE_STEP_LOCAL_MODEL_H
#define SLUICE_STEP_LOCAL_MODEL_H

#include "numeric/predictor.h"
#include "step/step.h"

#define LOCAL_MODEL_OUTPUT "predict"
#define LOCAL_MODEL_LABEL "label"

struct local_model {
	const struct predictor *predictor;
	const char *whose;  /* for errors: "step `x`" */
	struct text input;  /* the tensor it takes; empty: the only numeric one */
	struct text output; /* the name of what it answers */
	const char *marked; /* the model that its answers are marked with (message/provenance.h); NULL: with none */
	size_t label_count; /* 0: no names */
	const struct text *labels;
};

/* INPUT: what came is not what it takes; REMOTE: a model replied so; LIMIT: the arena. */
bool local_model_answer(const struct local_model *model, const struct payload *request, struct arena *arena, struct tensors *answer,
			struct error *error);

/* The types of that; CONFIG where what is known of `in` can never do. */
bool local_model_types(const struct local_model *model, const struct tensor_types *in, struct arena *arena,
		       struct tensor_types *out, struct error *error);

#endif
