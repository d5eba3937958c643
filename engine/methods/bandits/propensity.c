/* propensity.c: see propensity.h. */
#include "methods/bandits/propensity.h"

#include <math.h>

/* Shares of a wealth that are bet: small ones for small deviations of many records, large ones for large deviations. */
static const double stakes[PROPENSITY_STAKES] = {0.001, 0.005, 0.02, 0.1, 0.3, 0.9};

void propensity_begin(struct propensity_test *test, size_t arms)
{
	*test = (struct propensity_test){.arms = arms};
}

/* log (e^a + e^b) */
static double logs_added(double a, double b)
{
	const double high = fmax(a, b);
	return isinf(high) ? high : high + log(exp(a - high) + exp(b - high));
}

/* The mean of all wealths. */
static double wealth_log(const struct propensity_test *test)
{
	double sum = -INFINITY;
	for (size_t stake = 0; stake < PROPENSITY_STAKES; stake++) {
		const double lost = (double)test->records * log1p(-stakes[stake]);
		for (size_t arm = 0; arm < test->arms; arm++)
			sum = logs_added(sum, lost + test->of_arm[arm][stake]);
		for (size_t shared = 0; shared < PROPENSITY_SHARED; shared++)
			sum = logs_added(sum, test->of_all[shared][stake]);
	}
	return sum - log((double)(PROPENSITY_STAKES * (test->arms + PROPENSITY_SHARED)));
}

void propensity_add(struct propensity_test *test, size_t arm, double probability)
{
	test->records++;
	test->chosen[arm]++;
	test->recorded[arm] += probability;
	for (size_t i = 0; i < PROPENSITY_STAKES; i++) {
		test->of_arm[arm][i] += log1p(stakes[i] * (1 / probability - 1)) - log1p(-stakes[i]);
		for (size_t shared = 1; shared <= PROPENSITY_SHARED; shared++) {
			const bool is_high = probability * ((double)shared + 1) > 1;
			const double gain = is_high ? 1 / ((double)shared * probability) - 1 : -1;
			test->of_all[shared - 1][i] += log1p(stakes[i] * gain);
		}
	}
}

struct propensity_verdict propensity_verdict(const struct propensity_test *test)
{
	struct propensity_verdict verdict = {.refuted = wealth_log(test) >= -log(PROPENSITY_ALPHA), .records = test->records};
	double most = -1;
	for (size_t arm = 0; arm < test->arms; arm++) {
		const double chosen = (double)test->chosen[arm];
		const double recorded = chosen > 0 ? test->recorded[arm] / chosen : 0;
		const double apart = chosen > 0 ? fabs(recorded - chosen / (double)test->records) : 0;
		if (apart > most) {
			most = apart;
			verdict.arm = arm;
			verdict.chosen = test->chosen[arm];
			verdict.recorded = recorded;
		}
	}
	return verdict;
}
