/* model.h: Model that a step of kind `model` asks, for a step that explains its answers. */
#pragma once

#include "compiler/expression/local_model.h"

struct asked_model {
	const char *name;
	const struct local_model *local; /* NULL: a server has it */
	const char *input;		 /* the only tensor that it is sent; NULL: all, or the only numeric one */
	struct parameters parameters;	 /* of each call */
};

/* Whether a step is of that kind. */
bool step_asks_model(const struct step *step);

/* The only tensor that such a step sends; NULL: all, or the only numeric one. */
const char *model_input(const struct step *step);

/* The model that the step asks, read into the step's arena. False: CONFIG or SYSTEM, as when the step itself is opened. */
bool asked_model_read(struct step *step, struct asked_model *asked, struct error *error);
