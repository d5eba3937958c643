/* rare_law.h: Law of the chi-square distance (binned_chi_square_distance()) of a feature with rare categories, without drift: draws
 * of two samples from the reference, as a reference and a window would be.
 *
 * A value of a category that came more than once is in one sample alone, since both are as independent as the reference and a
 * window are. Where all are in one, both have them again. A category that came once says how often the next ones are new, and not
 * that it comes again (Good and Turing): in the window's sample it is one never seen. On the safe side, that sample has one
 * standard deviation more of them than came.
 *
 * Bins that are expected less than once in a window, and those that came once, are pooled with those never seen: else the chance of
 * each of them would hide what the common ones do.
 *
 * A draw costs as many random numbers as the window has rows, and as the reference has that neither sample takes, or that the
 * other one does, whichever are fewer. Values of a category that most have cost none: how many are in a sample follows from how
 * many others are, of which there are two numbers each.
 */
#pragma once

#include "methods/drift/tests/null_law.h"

/* The feature, all of it borrowed, and the sizes of both samples. */
struct rare_feature {
	size_t rows;
	const double *values; /* `rows` of them, by their bins; NaN: missing */
	size_t count;	      /* values that are not missing */
	size_t bin_count;
	const double *counts; /* of the values, by bin */
	size_t once;	      /* bins with one value, of a feature of which new categories may come; else 0 */
	const bool *pooled;   /* bins that count as one in the distance; NULL: none */
	size_t left_rows, right_rows; /* rows of the reference's sample, and of the window's */
};

/* Draws NULL_LAW_DRAWS distances, from a seed. False: the scratch is full. */
bool rare_law_draw(const struct rare_feature *feature, struct arena *scratch, double *drawn);

/* The same of the whole reference and a window, of `counts` alone. The shares of the bins are not known but for what the reference
 * says of them: a bin that it has never seen, or once, may have been lucky. So each row of the window makes the next ones of its
 * bin likelier (Polya's urn), which begins with the reference and one row more, that all bins share. Where nearly all values are in
 * one bin, that is most of how samples differ. How many rows are in the other bins has the law of Beta and binomial: the draws have
 * its quantiles, one each. So a draw costs as many random numbers as rows of the window are in these, and none if there is one.
 * Of one bin alone all distances are 0. */
bool rare_law_predict(const struct rare_feature *feature, struct arena *scratch, double *drawn);
