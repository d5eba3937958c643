/* models.h: Models of the cases of `sluice compute`: read from a file, or written out in the case. */
#pragma once

#include "compute/family.h"
#include "methods/predictors/dense.h"
#include "methods/predictors/predictor.h"

/* Reads the model of the file that `object` names by `model_file`, into the case's arena. NULL: an error that names
 * the file. */
const struct predictor *compute_model(const struct compute_case *one, const json_t *object, struct error *error);

/* Model that a case writes out: `type` is linear or logistic (w, b), trees (feature, threshold, left, right, value),
 * quadratic (z'Qz + w'z), product (a `formula` over z0, z1, ... or x0, x1, ...), or mlp (activation, layers). */
struct compute_example;

/* NULL: INPUT, or memory ran out. */
const struct compute_example *compute_example(const struct compute_case *one, const json_t *model, struct error *error);

/* Computes a number for each of `count` rows of `width` numbers. False: the model needs rows of another width, or a
 * formula failed. */
bool compute_example_answer(const struct compute_example *example, const struct compute_case *one, const double *rows, size_t width,
			    size_t count, double *answers, struct error *error);

/* Layers of an mlp; the single layer of a linear model. NULL: it has none. */
const struct dense *compute_example_layers(const struct compute_example *example);

/* Evaluates `text` for each row, over the columns z0, z1, ..., or x0, x1, .... */
bool compute_formula(const struct compute_case *one, const char *text, const double *rows, size_t width, size_t count,
		     double *answers, struct error *error);
