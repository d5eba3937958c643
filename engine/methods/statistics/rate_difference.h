/* rate_difference.h: Confidence sequence of the difference of two rates, which may be read at every look, of however few
 * successes or failures.
 *
 * The product of the test martingales of both rates (methods/statistics/rate_sequence.h) is one of the pair of rates. So the pairs
 * below 1 / alpha hold at all looks together, without a normal approximation, and with them all differences that some of
 * these pairs have. Values of units between 0 and 1 may count as parts of a success: a mean of such values is a rate of no
 * larger spread, and the product is a supermartingale.
 *
 * Pure; any thread may call.
 */
#pragma once

#include "methods/statistics/rates.h"

/* The differences: the rate of the treatment less `kept` times that of the control. Both have trials; `kept` is not below 0. */
struct interval rate_difference(struct rate control, struct rate treatment, double kept, double alpha);

/* The same of pairs whose ratio of the rarer outcome is in its confidence sequence at `ratio_alpha`, too. */
struct interval rate_difference_rare(struct rate control, struct rate treatment, double kept, double alpha, double ratio_alpha);

/* The logarithm of the likelihood ratio against equal rates: the least one against any common rate. */
double rate_difference_log_ratio(struct rate control, struct rate treatment);

/* That of the shares which the arms have in the rarer outcome, against equal rates. */
double rate_shares_log_ratio(struct rate control, struct rate treatment);
