/* tree_shap.h: Shapley values of models of trees: how much each feature of a row adds to
 * what the trees answer.
 *
 * Two questions can be asked. Path-dependent: a feature that is left out sends a row both
 * ways of a split, in the shares of the training rows that went there; that needs the
 * covers of the model's file. Interventional: a feature that is left out has the value of
 * a background row; the answer is the mean over those.
 *
 * Explained are the margins, times the share of a forest whose trees are averaged
 * (predictor_parts()). Base value and contributions add up to the margin, but for rounding.
 *
 * Path-dependent values take one pass over each tree. The Shapley value of a leaf's product
 * of conditions is the integral of a polynomial, so few points of a Gauss-Legendre rule give
 * it exactly, with sums and products of numbers from 0 to 1 alone: nothing cancels, however
 * deep the trees are. A split costs as many operations as there are points, which is half
 * as many as a path has different features.
 *
 * An explainer is immutable and may be shared by threads; scratch belongs to one call.
 */
#pragma once

#include "methods/predictors/predictor.h"

#define TREE_SHAP_NODES_MAX ((size_t)1 << 24)	   /* 32 bytes each: 512 MiB; 500 full trees of depth 10 take 32 MiB */
#define TREE_SHAP_CELLS_MAX ((size_t)1 << 24)	   /* outputs times features of a record: 128 MiB */
#define TREE_SHAP_BACKGROUND_MAX ((size_t)1 << 16) /* rows: each is walked for each row that is explained */

struct tree_shap;

/* Room for the outputs and the features of what is explained. */
struct tree_shap_size {
	size_t features;
	size_t outputs;
	size_t scratch; /* doubles of a call */
	size_t bytes;	/* held by the explainer */
};

/* An explainer of the predictor, which it borrows, in the arena. `background` has `rows`
 * rows of `width` numbers, NaN where one is missing; without rows the values are path-dependent.
 * NULL: CONFIG (no model of trees; no covers and no background; a background too narrow),
 * LIMIT (too many nodes, outputs times features, or background rows), or SYSTEM. */
const struct tree_shap *tree_shap_open(struct arena *arena, const struct predictor *predictor, const double *background,
				       size_t rows, size_t width, struct error *error);

struct tree_shap_size tree_shap_size(const struct tree_shap *shap);
const double *tree_shap_base(const struct tree_shap *shap); /* a base value for each output */

/* Explains one row: `contributions` gets a number for each feature of each output, row-major by outputs. */
void tree_shap_explain(const struct tree_shap *shap, const double *row, double *contributions, double *scratch);
