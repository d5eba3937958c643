/* score_series.h: Series of the change detector's scores in the reference: the moments of one, and how much more its sums vary than
 * those of independent rows.
 *
 * Pure; any thread may call.
 */
#pragma once

#include "methods/drift/change/change_parts.h"
#include "methods/numeric/table.h"

struct score_traits {
	double mean, deviation, skewness;
	double tails;			   /* excess of the fourth moment */
	double inflations[CHANGE_WINDOWS]; /* variances of its sums over windows, beside those of independent rows; at least 1 */
	double freedoms[CHANGE_WINDOWS];   /* degrees of freedom of these as estimates; INFINITY where rows are independent */
	double jumps[CHANGE_WINDOWS]; /* skewnesses of these, as jumps of as many deviations of independent rows would have; or 0 */
};

/* The moments of a column of scores; the inflations are 0. */
struct score_traits score_moments(const struct table *scores, size_t series);

/* How well the reference says how its rows follow from rows before. */
struct score_dependence {
	bool depends; /* they are known to; sums that vary more than those of independent rows count as they are, and not only where
		       * chance does not explain them */
	double caution; /* with so many deviations more: too high a variance only makes alarms rarer. Then it counts as known:
			 * levels further out, too, would see no wider spread beside one that lasts */
};

/* All traits of it. `sums`: an array of one more number than there are rows. */
void score_traits_fit(struct score_traits *traits, const struct table *scores, size_t series, struct score_dependence dependence,
		      double *sums);

/* What the squares of autocorrelations, times the rows, have more by chance where scores have such tails: two rare values beside
 * each other are no dependence yet. */
static inline double scores_chance_of_tails(double tails)
{
	return tails > 0 ? tails / 2 : 0;
}

/* Whether scores follow from those up to twenty before, or all a little from several before, as rows of one sender do; that is so
 * where the sum of autocorrelations is that many standard deviations above 0. Of series that do not, SCORES_SURE takes 2.6 in a
 * hundred for ones that do, and SCORES_SURER 6 in a thousand. */
#define SCORES_SURE 2.5
#define SCORES_SURER 3.3
bool scores_depend(const struct table *scores, size_t series, double sure);

/* The variance that scores have where they vary most, beside that of all, where their spread follows from rows before: it is above
 * this in one part of twenty of the rows. `sums`: as above. */
double scores_burst(const struct table *scores, size_t series, double *sums);
