/* first_pipeline.h: Files of a first pipeline, for the user to change: its YAML, a request, a test and the schema for editors. For
 * `sluice init`. They pass `sluice lint` and `sluice test` unchanged. */
#pragma once

#include "compiler/step/step.h"

#define FIRST_PIPELINE_SCHEMA "sluice.schema.json" /* editors find it by the first line of the YAML */
#define FIRST_PIPELINE_NAME_BYTES 64		    /* of a pipeline or a model, as in Kubernetes, with a NUL */

struct first_file {
	const char *path;
	const char *text; /* %p: the pipeline's name; %m: the model's; NULL: the schema */
};

struct first_pipeline {
	const struct step_kind *const *kinds;
	const char *folder;
	const char *model; /* that the pipeline calls; NULL: none */
	char pipeline[FIRST_PIPELINE_NAME_BYTES];
	const struct first_file *files; /* ends with one without a path */
};

/* Names the pipeline by its folder, and chooses the files. The returned text says why `model` cannot be so called; NULL: it can. */
const char *first_pipeline_prepare(struct first_pipeline *self);

/* CONFIG: a file is there already (then none is written), or it cannot be written. */
bool first_pipeline_write(const struct first_pipeline *self, struct error *error);
