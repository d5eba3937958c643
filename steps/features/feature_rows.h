/* feature_rows.h: Rows of numbers that a model gets in a request: its features, their names, and requests with other numbers in
 * their place.
 *
 * Features are the elements of a row of each numeric tensor, in the order of the tensors. The first dimension of a tensor of
 * two or more is the row. A tensor of one dimension is one row, or has one feature for each row where another tensor
 * has as many rows. Texts are no features; they stay as they are.
 */
#pragma once

#include "message/message.h"

struct feature_rows {
	const struct payload *payload; /* of the request; borrowed */
	size_t rows, features;
	const double *values;	  /* [rows][features] */
	const struct text *names; /* of the features */
	bool named;		  /* the request names all of them; else they are named `x[0]` */
	size_t part_count;	  /* of `parts`: one for each tensor that is sent */
	struct feature_part {
		const struct tensor *tensor;
		size_t first, columns; /* columns 0: a text, or no numbers */
	} * parts;
};

/* Which features a model takes. */
struct feature_wanted {
	const char *whose;  /* for errors: "step `why`" */
	struct text tensor; /* the only tensor that is sent; empty: all, or the only numeric one */
	bool single;	    /* one tensor is sent */
	size_t count;	    /* of the features; 0: any. Further ones are left out */
};

/* INPUT: the tensors have no rows of features. LIMIT: the arena is full. */
bool feature_rows_read(struct feature_rows *rows, const struct payload *payload, const struct feature_wanted *wanted,
		       struct arena *arena, struct error *error);

/* A request with `count` rows of other values, [count][features], and the texts of one row. NULL: INPUT, a value does not fit the
 * datatype of its tensor; or LIMIT. */
const struct payload *feature_rows_request(const struct feature_rows *rows, size_t row, const double *values, size_t count,
					   struct arena *arena, struct error *error);
