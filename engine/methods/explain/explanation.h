/* explanation.h: Explanation of one record: what each feature contributes to each output
 * beyond a base value, and how far that is to be trusted.
 *
 * Base value and contributions add up to the prediction but for a residual, which is
 * reported with each record. Rounding leaves less than EXPLANATION_RESIDUAL_MAX; more says that
 * base value, contributions and prediction are not of one model.
 */
#pragma once

#include "methods/predictors/predictor.h"

#define EXPLANATION_CELLS_MAX ((size_t)1 << 20) /* outputs times features: 16 MiB with their errors */
#define EXPLANATION_RESIDUAL_MAX 1e-9		/* in parts of 1 + |prediction| */

enum explanation_method {
	EXPLANATION_PATHS,	  /* trees, by the training rows of their branches */
	EXPLANATION_INTERVENTION, /* trees, against a background */
	EXPLANATION_LINEAR,
	EXPLANATION_GRADIENTS,
	EXPLANATION_EXACT,   /* all coalitions */
	EXPLANATION_SAMPLED, /* some of them; there are standard errors */
	EXPLANATION_ANCHORS, /* a rule, and no contributions */
	EXPLANATION_PERMUTATION, /* mean squared changes of the answer, which add up to nothing: residuals are NaN */
};

#define EXPLANATION_CONDITIONS_MAX 8

/* A rule under which the answer stays as it is, whatever the other features are. */
struct explanation_rule {
	size_t count;			/* of conditions; 0: the answer is the same everywhere */
	const struct text *conditions; /* "28 < age <= 37" */
	uint32_t features[EXPLANATION_CONDITIONS_MAX]; /* of each condition */
	double precision; /* share of perturbations under the rule that have the same answer */
	double coverage;  /* share of the background that satisfies it */
	bool holds;	  /* the precision is as it has to be; false: no rule's was, and this one comes next to it */
	size_t width;	  /* features of the row */
	size_t perturbations;
};

struct explanation {
	enum explanation_method method;
	enum predictor_scale scale; /* of base, prediction and contributions */
	size_t features, outputs; /* features: or groups of them */
	const struct text *names; /* of features; borrowed; NULL: they have none */
	const double *row;	  /* borrowed: their values; NULL: of groups */
	double *base;		  /* [outputs], as are prediction and residual */
	double *prediction;
	double *residual;      /* prediction - base - sum of contributions */
	double *contributions; /* [outputs][features] */
	double *errors;	       /* standard errors, likewise; 0 of exact values */
	size_t asked;	       /* coalitions that the method wants; 0: it asks for none */
	size_t answered;       /* of them, so far */
	const struct explanation_rule *rule; /* of anchors: then there are no features; else NULL */
};

/* Room for an explanation. LIMIT: too many numbers, or the arena is full. */
bool explanation_open(struct explanation *explanation, size_t features, size_t outputs, struct arena *arena, struct error *error);

/* Fills in the residuals. */
void explanation_settle(struct explanation *explanation);
