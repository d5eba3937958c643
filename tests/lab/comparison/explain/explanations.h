/* explanations.h: Methods of explanation that other packages offer and no pipeline uses: the best anchor of all rules, permutation
 * importance, the nearest counterfactual of a logistic model, the local model of LIME, and groups of features. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "methods/explain/anchors.h"

/* The next rule of the same number of features, in lexicographic order; false: it was the last. */
bool anchor_rule_next(struct anchor_rule *rule, size_t features);

/* The best of all rules of up to `most` features over rows whose answers are known. */
struct anchor_rule anchor_best(const struct anchor_rows *rows, const bool *agrees, double threshold, size_t most,
			       struct anchor_measure *measure);

/* Fills in the rows with one column permuted: row i takes it from row order[i]. */
void importance_permute(const double *rows, size_t count, size_t features, size_t column, const size_t *order, double *permuted);

/* The mean of squared differences. */
double importance_squared_loss(const double *answers, const double *truth, size_t count);

/* The nearest row, by Euclidean distance, at which a logistic model answers `probability`; returns the distance.
 * NaN: all weights are 0, or the probability is not between 0 and 1. */
double linear_counterfactual(const double *weights, double bias, const double *row, size_t features, double probability,
			     double *nearest);

/* A weighted ridge regression, whose intercept is not penalised: the local model of LIME. */
struct linear_ridge {
	const double *rows; /* row-major */
	const double *wanted;
	const double *weights; /* of rows */
	size_t count, features;
	double penalty;
};

/* False: LIMIT, `working` is full; INPUT: the rows do not settle the coefficients. */
bool linear_ridge_fit(const struct linear_ridge *ridge, double *coefficients, double *intercept, struct arena *working,
		      struct error *error);

/* Groups of features as one list each: fills `player_of`. CONFIG: a feature is in none or in two. */
bool coalition_group(const size_t *const *groups, const size_t *sizes, size_t players, size_t features, uint32_t *player_of,
		     struct error *error);

/* Weight of the Shapley kernel, and leverage score, of each coalition of `size` of the players, 0 < size < players. */
double coalition_kernel_weight(size_t players, size_t size);
double coalition_leverage(size_t players, size_t size);
