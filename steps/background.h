/* background.h: Background of explanations: rows that stand for features that are not known, from a file or from the requests.
 *
 * A file has rows of numbers separated by commas; its first line may name them. An empty field or `nan` is a missing number.
 * A running sample has each request so far with the same chance, by a fixed seed. It is of one opened step.
 */
#ifndef SLUICE_STEPS_BACKGROUND_H
#define SLUICE_STEPS_BACKGROUND_H

#include "base/random.h"
#include "step/step.h"

#define BACKGROUND_ROWS_LEAST 2	  /* the mean of one row is no mean */
#define BACKGROUND_SAMPLE_LEAST 20 /* requests before a sample is used: fewer say nothing of what is usual */

struct background {
	double *rows; /* row-major; NULL: none yet */
	size_t count, width;
	const struct text *names; /* of the columns; NULL: none */
	/* Of a running sample. */
	size_t most; /* rows that it keeps; 0: it is of a file */
	size_t room; /* numbers for which `rows` has memory */
	uint64_t seen;
	struct random random;
};

/* Reads a file. CONFIG: it has no such rows, or fewer than BACKGROUND_ROWS_LEAST, with the place of the name. */
bool background_read(struct background *background, const struct step *step, const struct name *file, struct error *error);

/* Leaves out the columns of a file behind the first `width`, for a model that ignores them. */
void background_narrow(struct background *background, size_t width);

/* A running sample of up to so many rows. */
void background_sample(struct background *background, size_t most);

/* Adds a row to a running sample; one of a file stays as it is. A row of another width than before begins the sample anew while it
 * is not ready; then such rows are left out. LIMIT: memory. */
bool background_add(struct background *background, const double *row, size_t width, struct arena *arena, struct error *error);

/* Whether there are enough rows. */
bool background_is_ready(const struct background *background);

/* INPUT or CONFIG: the background has other columns than these features, or (`whole`) a number that is missing. */
bool background_fits(const struct background *background, size_t features, const struct text *names, bool whole,
		     struct error *error);

#endif
