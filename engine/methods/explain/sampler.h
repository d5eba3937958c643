/* sampler.h: Shapley values of any model, estimated within a budget of coalitions.
 *
 * A design says which coalitions are to be asked: pairs of a coalition and its rest, by
 * leverage (all sizes equally often), none twice, in an order in which any beginning is a
 * design of its own. Whoever owns the model asks for them in batches as large as they like
 * (coalition_rows(), coalition_value()) and may estimate at any time of what was answered
 * so far: a deadline that is near, or calls that failed, cost precision alone.
 *
 * Where the budget covers all coalitions the values are exact. Else a surrogate fills in what was not
 * asked (surrogate.h), and standard errors come with the values.
 *
 * A sampler is immutable, the same for the same seed, and may be shared by threads.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* Coalitions. An estimate of 64 takes half a millisecond, of 512 nine; of 2048 it takes a fifth of a second and 32 MiB, beside
 * the 64 MiB that a sampler of so many keeps. */
#define SAMPLER_BUDGET_MAX 2048

struct sampler;

/* A sampler for so many players. `budget` is how many coalitions may be asked, beside those of none and of all. NULL:
 * CONFIG (a budget below 2, no players), LIMIT (too many players, or too large a budget), SYSTEM. */
const struct sampler *sampler_open(struct arena *arena, size_t players, size_t budget, uint64_t seed, struct error *error);

/* How many coalitions are to be asked: an even number; a pair stands together. */
size_t sampler_count(const struct sampler *sampler);
bool sampler_is_exact(const struct sampler *sampler); /* once all of them are answered */
const uint64_t *sampler_coalition(const struct sampler *sampler, size_t index);

/* An estimate of the values of the coalitions, NaN where one was not answered, and of those of none and of all.
 * Contributions add up to `all` - `none`. `errors` are standard errors, 0 of exact values. False: LIMIT: no pair was
 * answered, or one of none and all is no number; or `working` is full (it is not given back). */
bool sampler_estimate(const struct sampler *sampler, const double *values, double none, double all, double *contributions,
		      double *errors, struct arena *working, struct error *error);

/* Makes contributions add up to `sum`: what they lack goes to the players by their variance, or to all alike where there is none.
 */
void sampler_close(double *contributions, const double *errors, size_t players, double sum);
