/* posterior.h: Bayesian comparisons of two rates by their beta posteriors. */
#pragma once

#include "methods/statistics/interval.h"

struct beta_posterior {
	double alpha, beta;
};

/* The chance that `one` is above `other`, by quadrature. */
double posterior_above(struct beta_posterior one, struct beta_posterior other);

/* What choosing `chosen` loses on average: the mean of other - chosen where that is positive, else 0. */
double posterior_loss(struct beta_posterior chosen, struct beta_posterior other);
