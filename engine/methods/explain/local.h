/* local.h: Explanations of models that run inside the engine, which need no calls.
 *
 * Trees are explained by their paths, or against a background; linear models by how far a
 * row is from the background's means; networks by integrated gradients from those means.
 * Explained are the outputs of the answer, before the link: their margins (methods/predictors/predictor.h), times the share of a
 * forest. What these are to the answer is the explanation's scale. A pair of outputs, 1 - p and p, has the log-odds of
 * each.
 *
 * An explainer is immutable and may be shared by threads.
 */
#pragma once

#include "methods/explain/explanation.h"
#include "methods/predictors/predictor.h"

/* Explanations of linear models. */

/* Shapley values of the sum of weights times features: each weight times how far its feature is from its mean.
 * Returns the base value: `bias` and the weights at the means. Weights stand `stride` numbers apart. */
double linear_shap(const double *weights, size_t stride, double bias, const double *means, const double *row, size_t features,
		   double *contributions);

struct local_explainer;

/* What stands for a feature that is not known. */
struct local_background {
	const double *rows; /* row-major; copied as far as it is needed */
	size_t count;	    /* 0: none; trees are then explained by their paths, others from rows of zeros */
	size_t width;
};

/* An explainer of the predictor, which it borrows, in the arena. NULL: CONFIG or LIMIT (as of tree_shap_open(); a background too
 * narrow, or for a linear model or network with a number missing), or SYSTEM. */
const struct local_explainer *local_explainer_open(struct arena *arena, const struct predictor *predictor,
						   const struct local_background *background, struct error *error);

/* Explains a row, which is borrowed, in the arena. False: LIMIT. */
bool local_explain(const struct local_explainer *explainer, const double *row, struct explanation *explanation, struct arena *arena,
		   struct error *error);
