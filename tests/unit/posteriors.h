/* posteriors.h: Comparison of what bandits know of their arms. */
#pragma once

#include "methods/bandits/best_arm.h"

/* Fails the test if a number of the two differs. Numbers of arms that have been played are not all 0. */
static inline void expect_equal_posteriors(const struct arm_posterior *one, const struct arm_posterior *other)
{
	const double numbers[][2] = {{one->alpha, other->alpha},
				     {one->beta, other->beta},
				     {one->mean, other->mean},
				     {one->scale, other->scale},
				     {one->freedom, other->freedom}};
	assert_int_equal(one->kind, other->kind);
	assert_true(one->alpha > 0 || one->scale > 0);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_true(numbers[i][0] == numbers[i][1]);
}
