/* outlier.h: Scores of how unusual a number or a row is: modified z, and Mahalanobis distance with its covariance.
 *
 * What is learnt lives in the arena of whoever learnt it and may then be shared by threads. Isolation forests are
 * read and asked by methods/predictors/predictor.h.
 *
 * Pure. NaN is for the caller to leave out; a row with one has the distance NaN.
 */
#pragma once

#include "base/error.h"
#include "methods/outliers/covariance.h"
#include "methods/numeric/table.h"

/* ---- numbers ---- */

/* What a modified z is divided by. */
enum spread_rule {
	SPREAD_MEDIAN, /* the median distance from the median */
	SPREAD_MEAN,   /* the mean distance, where more than half of the numbers are equal */
	SPREAD_NONE    /* all numbers are equal, and every score is 0 */
};

struct modified_z {
	double median, deviation; /* the median distance from it */
	double factor;		  /* a score is factor * (number - median) */
	enum spread_rule rule;
};

/* Of at least one number. False: the arena is full. */
bool modified_z_fit(struct modified_z *fitted, const struct sorted *sample, struct arena *arena);

static inline double modified_z_score(const struct modified_z *fitted, double number)
{
	return fitted->factor * (number - fitted->median);
}

/* ---- rows ---- */

#define MAHALANOBIS_COLUMNS_MAX 512 /* a distance costs the square of it */

/* The inverse of the covariance's Cholesky factor, in blocks of four rows. */
struct mahalanobis {
	size_t columns, blocks;
	const double *mean;    /* padded to blocks of four */
	const double *inverse; /* block by block, column by column, four rows each */
};

/* `ridge` is added to each variance, 0 for none. CONFIG: too many columns, fewer than two rows, or columns that depend
 * on each other so that there is no inverse. */
bool mahalanobis_fit(struct mahalanobis *fitted, const struct covariance *covariance, double freedom, double ridge,
		     struct arena *arena, struct error *error);

#define OUTLIER_CHANCE 0.001 /* of rows like a normal reference that the limit takes for outliers */

/* The squared distance that normal rows exceed so rarely, beside a mean and a covariance of as many rows as were learnt, which are
 * more than the columns. */
double mahalanobis_limit(double rows, double columns);

/* One number of the inverse factor: of row i, column j at most i. */
double mahalanobis_inverse(const struct mahalanobis *fitted, size_t i, size_t j);

/* The squared distance of a row; for normal columns it is chi-square with as many degrees of freedom. */
double mahalanobis_squared(const struct mahalanobis *fitted, const double *row);
