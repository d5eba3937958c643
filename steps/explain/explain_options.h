/* explain_options.h: Options of a step of kind `explain`, and the parameters of the reference dialect that stand for them.
 *
 * A step of that dialect that calls a model with these parameters is such a step, where nothing offers its model:
 *	explanation_method    what `by` is here: `shap`, `anchors` ...
 *	background_samples    the rows of the background, a running sample
 * It explains inline, and gives the explanation alone, as the model would answer.
 */
#pragma once

#include "compiler/step/step.h"
#include "steps/dialect.h"

#define EXPLAIN_METHOD_PARAMETER "explanation_method"
#define EXPLAIN_SAMPLES_PARAMETER "background_samples"

enum explain_delivery { DELIVER_BESIDE, DELIVER_INLINE, DELIVER_ON_REQUEST };

struct explain_step {
	struct place here;
	struct name step;
	int by; /* enum explain_by */
	struct explain_background {
		struct place here;
		struct name file;
		int64_t rows;
	} background;
	int deliver; /* enum explain_delivery */
	bool alone;  /* of the reference dialect: it gives the explanation alone, as a model answers */
	double share;
	struct explain_budget {
		int64_t calls;
		int64_t time_ns;
	} budget;
	struct explain_importance_options {
		struct place here; /* line 0: it keeps none */
		struct extent window;
	} importance;
};

extern const struct option explain_rows[];

/* Checks what the rows do not say; `options` are a struct explain_step. CONFIG. */
bool explain_options_check(const void *options, struct place place, struct error *error);

/* Options for these parameters, in the arena. NULL: none is meant for an explainer; or CONFIG, with the place of the parameter that
 * no explainer can have. `ignored` is set to the first that means nothing. */
const struct explain_step *explain_options_of(const struct dialect_parameter *parameters, size_t count, struct place place,
						 struct arena *arena, struct name *ignored, struct error *error);
