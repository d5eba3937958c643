/* posterior_draw.c: see posterior_draw.h. */
#include "comparison/bandits/posterior_draw.h"

#include <math.h>

/* The logarithm of a gamma variate (Marsaglia and Tsang, 2000); below a shape of 1 it would underflow itself. */
static double log_gamma_draw(double shape, struct random *random)
{
	if (shape < 1)
		return log_gamma_draw(shape + 1, random) + log(uniform_draw(random)) / shape;
	const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
	for (;;) {
		const double x = normal_draw(random), root = 1 + c * x, v = root * root * root;
		if (root > 0 && log(uniform_draw(random)) < x * x / 2 + d - d * v + d * log(v))
			return log(d * v);
	}
}

static double posterior_draw(const struct arm_posterior *arm, struct random *random)
{
	if (arm->kind == POSTERIOR_BETA) {
		const double success = log_gamma_draw(arm->alpha, random), failure = log_gamma_draw(arm->beta, random);
		return 1 / (1 + exp(failure - success));
	}
	double t = normal_draw(random);
	if (arm->kind == POSTERIOR_STUDENT)
		t *= sqrt(arm->freedom / 2) * exp(-log_gamma_draw(arm->freedom / 2, random) / 2);
	return arm->mean + arm->scale * t;
}

size_t bandit_draw(const struct bandit *bandit, struct random *random)
{
	double draws[BANDIT_ARMS_MOST];
	for (size_t i = 0; i < bandit_options(bandit)->arms; i++) {
		const struct arm_posterior posterior = bandit_posterior(bandit, i);
		draws[i] = posterior_draw(&posterior, random);
	}
	return arm_of_greatest(draws, bandit_options(bandit)->arms);
}
