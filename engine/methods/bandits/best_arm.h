/* best_arm.h: Posteriors of the mean rewards of arms, draws from them, and the chance of each arm to be the best one.
 *
 * Posteriors are independent. Rewards of 0..1 have a beta posterior; others a normal one when their variance is known,
 * and otherwise Student's t, which a normal-inverse-gamma posterior leaves for the mean.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stddef.h>

#include "base/number/random.h"

#define BEST_ARM_MOST 64 /* arms, as many as an assignment has ways */

enum posterior_kind { POSTERIOR_BETA, POSTERIOR_NORMAL, POSTERIOR_STUDENT };

struct arm_posterior {
	enum posterior_kind kind;
	double alpha, beta; /* of POSTERIOR_BETA */
	double mean, scale; /* of the others; the scale is above 0 */
	double freedom;	    /* of POSTERIOR_STUDENT */
};

/* The chance of each arm to have the greatest mean, by quadrature: the error is below 1e-6, and the chances sum to 1.
 * All posteriors are of one kind, or normal and Student. At most BEST_ARM_MOST. */
void best_arm_chances(const struct arm_posterior *arms, size_t count, double *chances);

/* A number from the standard normal distribution, and one from 0..1 without its ends. */
double normal_draw(struct random *random);
double uniform_draw(struct random *random);
