/* projection.h: Projection of wide vectors, such as embeddings, onto random directions: as few numbers as a monitor can watch.
 *
 * Each number of a vector belongs to one direction, the next number to the next one, and gets a random sign; a direction is the
 * sum of its numbers, divided by the root of how many it has. So directions have the length 1 and are orthogonal, and a change of
 * the mean, the spread or the clusters of vectors changes the numbers of some of them. The signs follow from the name of the tensor
 * and from its width alone: every engine, command and reference has the same directions.
 *
 * The kind and the count of directions are measured, with 1 alarm in 100,000 rows declared, a reference of 1,000 vectors and a
 * window of 500. The vectors have unit length and 20 clusters around a mean, some common directions, and four numbers of large
 * spread. Found of 30 draws of 768 numbers, and of 20 draws of 1,536:
 *
 *                                      768 numbers: 32, 64, 128 directions   1,536 numbers: 32, 64, 128
 *   8 numbers move by 1/sqrt(width)                 19, 30, 30                               5, 11, 19
 *   the mean moves by 0.12                          24, 25, 29                              18, 19, 20
 *   half of the common directions turn              20, 20, 27                              11, 16, 19
 *   one row in 10 is of a new cluster                7, 12, 12                              10, 11, 10
 *
 * More directions cost more in every row, and fewer tensors fit into DRIFT_FEATURES_MAX. Directions of all numbers, each with a
 * random sign, found 8, 11, 14 and 6 of 16 draws where these found 15, 14, 11 and 3, and 64 of a Hadamard transform 7, 12, 9 and 5:
 * a number of large spread is in all of theirs, and here in one. They cost 121 and 48 instructions a number, and
 * these 3.6 of 768 and 3.1 of 1,536 (FP32).
 *
 * Pure. A projection is immutable once made, so any thread may use it.
 */
#pragma once

#include "methods/drift/reference.h"

#define PROJECTION_DIRECTIONS 64
#define PROJECTION_WIDTH_MIN (DRIFT_FEATURES_MAX + 1) /* of a vector; the numbers of a shorter one can be features themselves */
#define PROJECTION_WIDTH_MAX 65536		      /* the signs of such a tensor take 512 KiB */

struct projection;

/* Of vectors of so many numbers, 1 to PROJECTION_WIDTH_MAX, of that tensor. NULL: the arena is full. */
struct projection *projection_open(struct arena *arena, struct text tensor, size_t width);

/* Projects one vector; there are PROJECTION_DIRECTIONS directions. If a number of it is missing (NaN), all directions are; else, if
 * one is infinite or too large to add, all are infinite. */
void projection_of_doubles(const struct projection *projection, const double *numbers, double *directions);
void projection_of_floats(const struct projection *projection, const float *numbers, double *directions);

/* The name of a direction's feature, in the arena: "embedding.direction7". NULL: it is full. */
const char *projection_feature(const char *tensor, size_t direction, struct arena *arena);

/* The tensor of a direction's feature: the name without that of the direction. */
struct text projection_tensor(struct text feature);

/* Whether a feature is the tensor, or a column of it, by the names alone: a column is TENSOR.COLUMN. */
bool projection_name_is_of(struct text feature, struct text tensor);

/* Whether the feature of the reference is of the tensor: is the tensor itself, a column, or a direction. Of a tensor that is
 * projected only its directions are: a feature without a width, whose name begins like theirs, is of another tensor. */
bool projection_feature_is_of(const struct drift_reference *reference, size_t feature, struct text tensor);

/* How many of the features are the first directions of one tensor, in their order. */
size_t projection_run(const struct drift_feature *features, size_t count);
