/* outlier_reference.h: Reference of the step `outlier`: what rows are usual, as learnt by `sluice fit outlier`, and the
 * scores of other rows by it.
 *
 * The file is JSON:
 *
 *	{"format": "sluice_outlier/1", "by": "mahalanobis", "rows": 400, "width": 2, "columns": ["bid", "ask"],
 *	 "mean": [99.5, 101.0], "covariance": [0.25, 0.1, 0.5]}
 *
 * `rows` is how many rows were learnt, `width` how many numbers a row has, and `columns` are their names, if they have
 * some. By the method it has `median` and `factor` of each column, `mean` and the lower triangle of `covariance` row by row,
 * or `forest`. The file of an isolation forest alone (methods/predictors/predictor.h) is a reference too.
 *
 * What is read lives in the arena and may be shared by threads.
 */
#pragma once

#include "methods/outliers/outlier.h"
#include "methods/predictors/predictor.h"
#include "compiler/step/step.h"

enum outlier_by { OUTLIER_MODIFIED_Z, OUTLIER_MAHALANOBIS, OUTLIER_FOREST };
#define OUTLIER_BY_NAMES "modified-z mahalanobis isolation-forest"

#define OUTLIER_ROWS_MIN 10	 /* fewer rows say nothing of what is unusual */
#define OUTLIER_LIMIT_Z 3.5	 /* of a modified z, by Iglewicz and Hoaglin (1993) */

struct outlier_reference {
	enum outlier_by by;
	size_t width;
	bool wider;		   /* rows may have more numbers, which are ignored */
	struct name_list columns;  /* none: their names are not known */
	double limit;		   /* a row is an outlier above it, if the step sets no other */
	const struct modified_z *numbers;
	struct mahalanobis distance;
	const struct predictor *forest;
	size_t cost; /* of a row, in the unit of arena->work */
};

/* Cost of a row's Mahalanobis distance. */
static inline size_t outlier_distance_cost(size_t columns)
{
	return columns * columns / 2;
}

/* Rows to learn from. */
struct outlier_rows {
	struct table table;
	struct name_list columns; /* as above */
	double limit;		  /* that the step declares; 0: none */
};

/* Learns and appends the file. `remark` gets a remark on what was learnt, in the arena, or NULL. CONFIG: such rows give no
 * reference. */
bool outlier_reference_learn(enum outlier_by by, const struct outlier_rows *rows, struct arena *arena, struct buffer *file,
			     const char **remark, struct error *error);

/* CONFIG at the file's place: it is no such file, is of another method, or does not hold together. */
bool outlier_reference_read(const struct name *file, struct text content, enum outlier_by by, struct arena *arena,
			    struct outlier_reference *reference, struct error *error);

/* Scores of rows of `width` numbers. The more unusual a row is, the higher: the largest modified z of its columns without
 * its sign, the squared Mahalanobis distance, or the score of the forest, from 0 to 1. NaN: numbers that it needs are
 * missing. False: the arena is full. */
bool outlier_reference_score(const struct outlier_reference *reference, const double *rows, size_t width, size_t count,
			     struct arena *arena, double *scores);
