/* local_model.h: Trained model that is evaluated in the process (methods/predictors/predictor.h), called with tensors. Used by
 * the step kind that runs it in the worker, and by the built-in model server.
 *
 * Its input is one numeric tensor of rows: [rows, features], or [features] for one row. Its output is FP64: [rows]
 * where it gives one number for a row, else [rows, outputs]. Where its classes have names, it also outputs the name
 * of each row's class, as BYTES [rows]. Immutable; may be shared by threads.
 */
#pragma once

#include "methods/predictors/predictor.h"
#include "compiler/step/step.h"

#define LOCAL_MODEL_OUTPUT "predict"
#define LOCAL_MODEL_LABEL "label"

struct local_model {
	const struct predictor *predictor;
	const char *whose;  /* for errors: "step `x`" */
	struct text input;  /* the input tensor; empty: the only numeric one */
	struct text output; /* the name of the output tensor */
	const char *marked; /* the model named in the provenance of its answers (message/provenance.h); NULL: none */
	size_t label_count; /* 0: no names */
	const struct text *labels;
};

/* INPUT: the tensors do not fit. REMOTE: they do not, and came from a model. LIMIT: the arena. */
bool local_model_answer(const struct local_model *model, const struct payload *request, struct arena *arena, struct tensors *answer,
			struct error *error);

/* The types of its output. CONFIG: the known part of `in` can never fit. */
bool local_model_types(const struct local_model *model, const struct tensor_types *in, struct arena *arena,
		       struct tensor_types *out, struct error *error);
