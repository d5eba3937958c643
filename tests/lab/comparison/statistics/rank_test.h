/* rank_test.h: The test of Mann and Whitney: how often a unit of the treatment is above one of the control.
 *
 * It describes; it decides nothing. Ties have the middle of their ranks, and the variance is corrected for them.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"

struct rank_test {
	double u;		 /* pairs in which the treatment is above, ties counted half */
	double area;		 /* of all pairs: the area under the ROC curve */
	double p;		 /* of two sides, by the normal with the correction for continuity */
	double p_not_continuous; /* without that correction */
	double p_exact;		 /* NaN with ties, or with more than RANK_TEST_EXACT_MOST in an arm */
};

#define RANK_TEST_EXACT_MOST 40 /* numbers of an arm up to which the distribution is counted out: 1,601 values */

/* False: the arena is full, or an arm has no number or a NaN. */
bool rank_test(const double *control, size_t control_count, const double *treatment, size_t treatment_count, struct arena *arena,
	       struct rank_test *test);
