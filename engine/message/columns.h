/* columns.h: Iterator over the names of a tensor's columns.
 *
 * The names are in a parameter of the tensor: joined by commas in `columns`, for mapped records, or as a JSON
 * list in `names`, as in Seldon's protocol.
 */
#pragma once

#include "message/json/json_scan.h"
#include "message/tensor.h"

/* Numbers of a tensor as rows, for what is computed row by row.
 *
 * A tensor of two dimensions is [rows, columns]. One of fewer dimensions is one row. Where a row has a single column,
 * each element of a tensor of one dimension is a row.
 */
struct row_shape {
	size_t rows;
	size_t columns;
};

/* `single`: a row has a single column. False: the tensor has more than two dimensions. */
bool row_shape_of(const struct tensor *tensor, bool single, struct row_shape *shape);

/* The elements as doubles: the tensor's own bytes if they are, else in the arena. NULL: the arena is full. Not for
 * BYTES. */
const double *tensor_doubles(const struct tensor *tensor, struct arena *arena);

struct columns {
	struct text written; /* all names, as written in the parameter */
	struct text rest;    /* rest of names joined by commas; NULL: none are left */
	bool json;
	struct json_scan scan;
	struct error unheard;
};

/* False: the tensor has no column names. */
bool columns_begin(struct columns *columns, struct parameters parameters, struct arena *arena);

/* The next name; false: there are no more. */
bool columns_next(struct columns *columns, struct text *name);

/* The index of the column of that name. False: there is none. */
bool columns_find(struct parameters parameters, struct text name, struct arena *arena, size_t *column);

/* The one parameter that contains column names; borrowed. */
struct parameters columns_parameters(struct parameters parameters);
