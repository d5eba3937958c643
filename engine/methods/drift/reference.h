/* reference.h: Reference of a drift monitor: the rows that are usual, feature by feature.
 *
 * Rows are kept in the order in which they came, since only so the dependence of a row on the row before
 * (autocorrelation) can be known. Of a longer source, `rows` are blocks of `block` rows that followed one another; all
 * its rows are in `all_rows`, `missing`, `least` and `greatest`.
 *
 * A feature has numbers, or categories; a category is known by its index. NaN is a missing value of either. Free texts are two
 * features: of categories, the last of which is of all texts but the commonest; and the lengths of the texts, in characters.
 * Where categories have fingerprints, the rows that are compared have those of their texts, and not indices.
 *
 * Plain data, borrowed from whoever made it. Any thread may read it.
 */
#pragma once

#include "base/text.h"
#include "methods/drift/arrivals.h"

#define DRIFT_REFERENCE_ROWS_MIN 100	/* fewer rows establish no change but a huge one */
#define DRIFT_REFERENCE_ROWS_MAX 4000	/* more make tests barely surer, and the file large */
#define DRIFT_VALUES_MIN (DRIFT_REFERENCE_ROWS_MIN / 2) /* of a feature: with fewer, only its quality is judged */
#define DRIFT_FEATURES_MAX 256
#define DRIFT_CATEGORIES_MAX 1000 /* of a feature; more are free texts */
#define DRIFT_COMMON_MAX 50	  /* free texts that are a category each */

struct drift_feature {
	struct text name;
	bool categories;
	bool open;	      /* of categories: the last one is of all texts that are none of the others */
	const double *values; /* `rows` of them */
	size_t category_count;
	const struct text *category_names;
	const double *fingerprints; /* of the named categories; NULL: rows have indices */
	uint64_t missing;
	uint64_t mistyped;	/* values of another type (mistyped.h), at most; they are among the missing ones */
	double least, greatest; /* of numbers */
	size_t width;		/* of the vectors of a tensor of which it is a direction (projection.h); 0: it is none */
};

struct drift_reference {
	uint64_t all_rows;
	size_t rows;
	size_t block; /* at least 1; `rows` if all followed one another */
	size_t feature_count;
	const struct drift_feature *features;
	struct arrivals arrivals; /* of all rows; without times, where they are not known */
};

/* Whether the feature has enough values, which are not missing, that others are compared with them. `rows`: of the reference. */
bool drift_feature_is_compared(const struct drift_feature *feature, size_t rows);

/* Whether some feature has. */
bool drift_reference_compares(const struct drift_reference *reference);

/* Twice the rank of each value, ties in the middle, about 0; a missing one has 0. Returns how many are not missing. `sorted`: as
 * many numbers. */
size_t drift_ranks(const double *values, size_t count, double *ranks, double *sorted);

/* How many of `values` say as much as one independent value, at least 1: 1 where no value follows from those before. It is learnt
 * from their ranks, and from how far these are from the middle, since their spread may follow from rows before, too: by those of
 * neighbours in a block, and of rows up to 4 apart, as of an autoregression of first order; and by sums of up to a tenth of the
 * rows; where these still grow, by how they do. Its uncertainty is added. Of rows in states that last, some twenty of them have to
 * be in the reference: where there are fewer, it is too small. `scratch`: 2 * count numbers. */
double drift_dependence(const double *values, size_t count, size_t block, double *scratch);

/* The same of categories: by how many times the chi-square of neighbours is that of independent rows. `scratch`: 2 * categories
 * numbers. */
double drift_dependence_of_categories(const double *values, size_t count, size_t block, size_t categories, double *scratch);
