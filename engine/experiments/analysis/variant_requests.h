/* variant_requests.h: Requests of an experiment's variants, as exposures have them: how many there were, how many failed, and
 * quantiles of their latencies. Intervals take requests to be independent, and are for a single look. Pure. */
#ifndef SLUICE_EXPERIMENTS_ANALYSIS_VARIANT_REQUESTS_H
#define SLUICE_EXPERIMENTS_ANALYSIS_VARIANT_REQUESTS_H

#include "experiments/analysis/unit_join.h"
#include "methods/statistics/interval.h"

enum { VARIANT_QUANTILES = 3 };

struct latency_quantile {
	double ms;		  /* NaN: no latency is known */
	struct interval interval; /* an end is infinite where there are too few */
};

struct variant_requests {
	uint64_t requests;
	uint64_t errors;    /* they ended with an error, in the stage that chose */
	uint64_t fallbacks; /* the default answered, since the variant failed */
	uint64_t measured;  /* they have a latency, and the variant itself answered */
	struct latency_quantile latencies[VARIANT_QUANTILES];
};

extern const double variant_quantiles[VARIANT_QUANTILES]; /* 0.5, 0.95, 0.99 */

/* Of each variant of what was joined. NULL: the arena is full. */
struct variant_requests *variant_requests_count(const struct joined *joined, double alpha, struct arena *arena);

#endif
