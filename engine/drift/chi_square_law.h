/* chi_square_law.h: Law of the chi-square statistic of the categories of a reference and a window, without drift: of this
 * reference, over the windows that may follow it.
 *
 * One row of a rare category makes the statistic large, and the more so the rarer it is. So neither the law of large samples nor
 * that of samples of other sizes is of use. The shares of the categories are not known but for what the reference says: each
 * counts as half a row more than it came (Jeffreys), and each row of the window makes the next ones of its category likelier
 * (Polya's urn). Values of categories never seen are not in it.
 *
 * The law has two parts. Windows are drawn, and the tail of their statistic is fitted (null_law.h): those that have no more rows
 * of any category than all but one in some hundred. Windows with more rows of one are too seldom for draws. Their chance follows
 * from the urn, and their statistic is that of this category and of all others together, and what the others vary beside it.
 *
 * A draw costs as many random numbers as the window has rows. A law takes 4 KB. Pure; chance comes from a seed.
 */
#ifndef SLUICE_DRIFT_CHI_SQUARE_LAW_H
#define SLUICE_DRIFT_CHI_SQUARE_LAW_H

#include "base/arena.h"

#define CHI_SQUARE_LAW_PLACES 512

struct chi_square_law {
	double window_rows;		       /* for which it is */
	double common;			       /* the largest common size that it holds for */
	double step;			       /* of the root of the statistic, from place to place */
	double chances[CHI_SQUARE_LAW_PLACES]; /* logarithms of the chances that it is exceeded, falling */
};

/* The reference, which is borrowed, and the window. */
struct chi_square_samples {
	size_t bin_count;
	const double *counts; /* of the reference, by bin */
	double dependence;    /* so many rows count as one, of both */
	double window_rows;
	double rows_most; /* of a window that is drawn; larger ones count as that one */
};

/* False: the scratch is full. */
bool chi_square_law_learn(struct chi_square_law *law, const struct chi_square_samples *samples, struct arena *scratch);

/* The root of the statistic that chance exceeds with probability `p`: 0 if it is always 0. */
double chi_square_law_root(const struct chi_square_law *law, double p);

#endif
