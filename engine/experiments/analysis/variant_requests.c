/* variant_requests.c: see variant_requests.h. */
#include "experiments/analysis/variant_requests.h"

#include "methods/numeric/quantile.h"
#include "methods/statistics/quantile_interval.h"

const double variant_quantiles[VARIANT_QUANTILES] = {0.5, 0.95, 0.99};

static bool exposure_is_measured(const struct joined_exposure *exposure)
{
	return isfinite(exposure->latency_ms) && exposure->reason != ASSIGNED_FALLBACK;
}

static void exposures_count(const struct joined *joined, struct variant_requests *variants)
{
	for (size_t i = 0; i < joined->exposure_count; i++) {
		const struct joined_exposure *exposure = &joined->exposures[i];
		struct variant_requests *variant = &variants[exposure->arm];
		variant->requests++;
		variant->errors += exposure->failed;
		variant->fallbacks += exposure->reason == ASSIGNED_FALLBACK;
		variant->measured += exposure_is_measured(exposure);
	}
}

static void latencies_measure(double *latencies, double alpha, struct variant_requests *variant)
{
	const size_t count = quantile_sort(latencies, variant->measured);
	for (size_t i = 0; i < VARIANT_QUANTILES; i++)
		variant->latencies[i] =
			(struct latency_quantile){quantile_sorted(latencies, count, variant_quantiles[i], QUANTILE_LINEAR),
						  quantile_interval(latencies, count, variant_quantiles[i], alpha)};
}

struct variant_requests *variant_requests_count(const struct joined *joined, double alpha, struct arena *arena)
{
	struct variant_requests *variants = ARENA_ARRAY(arena, struct variant_requests, joined->arms + 1);
	double *latencies = ARENA_ARRAY(arena, double, joined->exposure_count + 1);
	if (!variants || !latencies)
		return NULL;
	exposures_count(joined, variants);
	for (size_t arm = 0; arm < joined->arms; arm++) {
		size_t count = 0;
		for (size_t i = 0; i < joined->exposure_count; i++)
			if (joined->exposures[i].arm == arm && exposure_is_measured(&joined->exposures[i]))
				latencies[count++] = joined->exposures[i].latency_ms;
		latencies_measure(latencies, alpha, &variants[arm]);
	}
	return variants;
}
