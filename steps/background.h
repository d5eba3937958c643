/* background.h: Background of explanations: rows that stand for features that are not known, from a file or from the requests.
 *
 * A file has rows of numbers separated by commas; its first line may name them. An empty field or `nan` is a missing number.
 * A running sample has each request so far with the same chance, by a fixed seed. It is of one opened step, and may begin with the
 * sample that an engine took of the newest requests in the topic.
 */
#pragma once

#include "base/number/random.h"
#include "compiler/step/step.h"

#define BACKGROUND_ROWS_LEAST 2	  /* the mean of one row is no mean */
#define BACKGROUND_ROWS_DEFAULT 100 /* of a running sample */
#define BACKGROUND_SAMPLE_LEAST 20 /* requests before a sample is used: fewer say nothing of what is usual */

struct background {
	double *rows;	/* row-major; NULL: none yet */
	uint64_t *keys; /* of a running sample's rows, by which one is not added twice; 0: not known */
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

/* Key of a row of the request of that origin, as TOPIC-PARTITION-OFFSET. Empty: 0. */
uint64_t background_key(struct text origin, size_t row);

/* Whether it has all rows that it keeps: then it needs no keys. */
bool background_is_full(const struct background *background);

/* Adds a row to a running sample; one of a file stays as it is. A row of another width than before begins the sample anew while it
 * is not ready; then such rows are left out, as is one that a sample that is not full has already. LIMIT: memory. */
bool background_add(struct background *background, const double *row, size_t width, uint64_t key, struct arena *arena,
		    struct error *error);

/* Whether there are enough rows, and how many that takes. */
bool background_is_ready(const struct background *background);
size_t background_least(const struct background *background);

/* The rows of a running sample as bytes, for a step of the same process. */
void background_write(const struct background *background, struct buffer *bytes);

/* Adds such rows to a running sample, if they have `width` columns; `wider`: or more, of which the first ones count. LIMIT:
 * memory. */
bool background_fill(struct background *background, struct text bytes, size_t width, bool wider, struct arena *arena,
		     struct error *error);

/* INPUT or CONFIG: the background has other columns than these features, or (`whole`) a number that is missing. */
bool background_fits(const struct background *background, size_t features, const struct text *names, bool whole,
		     struct error *error);
