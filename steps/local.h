/* local.h: Reader of a model's file for a step: the options of `local` and similar options. */
#ifndef SLUICE_STEPS_LOCAL_H
#define SLUICE_STEPS_LOCAL_H

#include "compiler/expression/local_model.h"

struct local_options {
	struct name file;
	const char *digest; /* NULL: any file is accepted */
	const char *input;  /* NULL: the only numeric tensor */
	const char *output; /* NULL: LOCAL_MODEL_OUTPUT */
	struct name_list labels;
	const char *marked; /* see struct local_model */
	enum predictor_iterations iterations;
};

/* Reads the model into the arena. NULL: CONFIG at the file's place, or SYSTEM. */
const struct local_model *local_read(const struct step *step, const struct local_options *options, struct arena *arena,
				     struct error *error);

#endif
