/* null_law.c: see null_law.h. */
#include "methods/drift/tests/null_law.h"

#include <math.h>

#include "methods/numeric/quantile.h"

#define BODY 0.05   /* the tail is fitted from here */
#define FAR 0.0075  /* to here: 30 draws are beyond */
#define SHOULDER 0.25 /* the power is chosen so that it fits here too */

static double drawn_at(const double *drawn, double p)
{
	return quantile_sorted(drawn, NULL_LAW_DRAWS, 1 - p, QUANTILE_LINEAR);
}

static void tail_through(struct null_law *law, double near, double far, double power)
{
	const double from = pow(near, power), to = pow(far, power);
	law->power = power;
	law->slope = (log(BODY) - log(FAR)) / (to - from);
	law->level = -log(BODY) - law->slope * from;
}

void null_law_fit(struct null_law *law, double *drawn)
{
	quantile_sort(drawn, NULL_LAW_DRAWS);
	*law = (struct null_law){.drawn = drawn};
	const double shoulder = drawn_at(drawn, SHOULDER), near = drawn_at(drawn, BODY), far = drawn_at(drawn, FAR);
	if (!(far > near))
		return; /* of one value: nothing exceeds it */
	double best = INFINITY;
	for (int eighths = 8; eighths <= 16; eighths++) {
		const double power = eighths / 8.0;
		struct null_law tried = *law;
		tail_through(&tried, near, far, power);
		const double apart = fabs(tried.level + tried.slope * pow(shoulder, power) + log(SHOULDER));
		if (apart < best) {
			best = apart;
			law->level = tried.level;
			law->slope = tried.slope;
			law->power = power;
		}
	}
}

double null_law_distance(const struct null_law *law, double p, double common)
{
	double reached;
	if (p >= FAR || law->slope == 0)
		reached = drawn_at(law->drawn, p >= FAR ? p : 0);
	else
		reached = pow((-log(p) - law->level) / law->slope, 1 / law->power);
	return reached / sqrt(common);
}

double null_law_p(const struct null_law *law, double distance, double common)
{
	const double reached = distance * sqrt(common);
	const size_t below = sorted_below(law->drawn, NULL_LAW_DRAWS, reached);
	const double share = (double)(NULL_LAW_DRAWS - below + 1) / (NULL_LAW_DRAWS + 1);
	if (share >= FAR || law->slope == 0)
		return share;
	return exp(-(law->level + law->slope * pow(reached, law->power)));
}
