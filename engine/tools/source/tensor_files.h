/* tensor_files.h: Requests made of files of NumPy's format .npy, one for each tensor: of all rows, or of each row. */
#pragma once

#include "base/arena.h"
#include "base/option.h"
#include "base/text.h"

/* Reads `NAME=FILE` of each item, and writes the request as an Avro record (message/avro/avro.h), which keeps every number as it
 * is. All is in the arena. CONFIG: an item that is not so, a name that is given twice, a file that cannot be read; INPUT: a
 * file that holds no tensor (message/formats/npy.h); LIMIT: a file or the request is longer than `bytes_max`. */
bool tensor_files_request(struct name_list items, size_t bytes_max, struct arena *arena, struct text *request,
			  struct error *error);

/* Tensors of such files, whose rows become requests. */
struct tensor_rows {
	size_t row_count; /* the first dimension of each tensor */
	size_t tensor_count;
	const struct tensor **tensors;
};

/* Reads the files, as above. INPUT: a file holds a single number, which has no rows, or the files have different numbers of
 * rows. */
bool tensor_rows_read(struct name_list items, size_t bytes_max, struct arena *arena, struct tensor_rows *rows, struct error *error);

/* Writes the request of one row, in the arena: its tensors have the shape [1, ...]. */
bool tensor_rows_request(const struct tensor_rows *rows, size_t row, size_t bytes_max, struct arena *arena, struct text *request,
			 struct error *error);
