/* drift_rows.h: Features of messages, as the step `drift` watches them: each column of each watched tensor is one; of tensors with
 * more columns than DRIFT_FEATURES_MAX, such as embeddings, each direction onto which they are projected
  * (methods/drift/projection.h).
 *
 * A feature of numbers or of texts has the name of its tensor, and behind a point that of its column, if the tensor has
 * several: `x.bid`, or `x.1` where columns have no names. The rows of a message are those of its tensors, which have equally
 * many. The lengths of texts are features too: `length(note)`, or `length(note.0)`. Directions are `embedding.direction0` and so
 * on: the numbers of such a tensor count by their order, whatever the names of its columns are.
 */
#pragma once

#include "methods/drift/projection.h"
#include "compiler/step/step.h"

struct drift_column {
	const char *name;
	struct text tensor;
	size_t column, columns; /* of the tensor; `column` of a projected one is the direction */
	bool texts;
	bool nameless; /* the columns of its tensor have no names */
	const struct projection *projection; /* of the tensor; NULL: the column is the feature */
};

struct drift_layout {
	size_t count;
	struct drift_column *columns;
};

/* A value of one feature. */
struct drift_cell {
	double number;	  /* NaN: missing, or of another type (methods/drift/mistyped.h); of texts it is not used else */
	struct text text; /* of texts only; without characters it is missing */
};

/* The name of the feature that has the lengths of a column's texts, in the arena. NULL: it is full. */
const char *drift_lengths_name(const char *column, struct arena *arena);

/* The column of whose texts a feature of that name has the lengths; else the name. */
struct text drift_column_of(struct text feature);

/* The feature before it that has the texts of which a feature has the lengths. The feature itself: it has none. */
size_t drift_feature_of_lengths(const struct drift_reference *reference, size_t feature);

/* What counts towards DRIFT_FEATURES_MAX, in errors. */
#define DRIFT_FEATURES_WORDS                                                                                                       \
	"each column is one, and a tensor of more than 256 columns of numbers has 64; name fewer tensors by `tensors`"
_Static_assert(PROJECTION_WIDTH_MIN == 257 && PROJECTION_DIRECTIONS == 64, "both are in the words");

/* How many features a tensor of so many columns has, without the lengths of texts. 0: it has too many columns to be projected. */
size_t drift_features_of(size_t columns, bool texts);

/* The width of the feature by the column that it is (methods/drift/reference.h). */
static inline size_t drift_column_width(const struct drift_column *column)
{
	return column->projection ? column->columns : 0;
}

/* The features of a message: of the tensors that are named, or, if none is, of all numeric ones. In the arena. INPUT: a
 * tensor is missing, its rows have more than two dimensions, or there is no feature or too many. */
bool drift_layout_make(struct drift_layout *layout, const struct payload *payload, const struct name_list *tensors,
		       struct arena *arena, struct error *error);

/* The same of those tensors that the message has, which may be none. */
bool drift_layout_of_present(struct drift_layout *layout, const struct payload *payload, const struct name_list *tensors,
			     struct arena *arena, struct error *error);

/* The cells of a message, row by row, in the arena. INPUT: it does not fit the layout; `texts` is then the tensor that has
 * texts where numbers are watched, if that is the reason. */
bool drift_rows_read(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
		     const struct drift_cell **cells, size_t *rows, const struct tensor **texts, struct error *error);

/* The same of a message that may lack tensors, whose values are then missing. INPUT also: it has none of them. */
bool drift_rows_read_present(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
			     const struct drift_cell **cells, size_t *rows, const struct tensor **texts, struct error *error);

/* The same of a message that may lack tensors, whose values are then missing, and have others of another type. It has one of the
 * tensors at least: INPUT. `whole`: it has all of them, of the right types. */
bool drift_rows_read_some(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
			  const struct drift_cell **cells, size_t *rows, bool *whole, struct error *error);

/* Whether the tensors of texts of a source's message are meant as such, among those that are named. */
bool drift_texts_check(const struct name_list *tensors, const struct fit_source *source, const struct payload *payload,
		       struct error *error);

/* ---- segments: of a step with `groupBy`, a value of the expression as text; without it there is one, with the name "" ---- */

/* The segments of `rows` rows, in `arena`: the expression gives one element, for all of them, or one for each. INPUT: it gives
 * another number, or a name of more than DRIFT_SEGMENT_BYTES_MAX bytes. */
bool drift_segments_of(const struct expression *group, const struct scope *scope, size_t rows, struct arena *arena,
		       struct text **segments, struct error *error);

/* The segment of a message's first row: "" if it has none. */
struct text drift_segment_first(const struct expression *group, const struct scope *scope, struct arena *arena);
