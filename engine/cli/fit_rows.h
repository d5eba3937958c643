/* fit_rows.h: the data of `sluice fit`, as messages that a step would get: the rows of a CSV
 * with a header, or requests, one a line. */
#ifndef SLUICE_CLI_FIT_ROWS_H
#define SLUICE_CLI_FIT_ROWS_H

#include "message/mapped.h"
#include "step/step.h"

/* A field of a row, and where it stands in the file. */
struct csv_field {
	struct text text;
	size_t line;
	size_t line_begin, begin; /* offsets: of its line, of itself */
};

/* A column of a CSV; empty fields of numbers are NaN. */
struct csv_column {
	struct text name;	/* empty: it is no tensor */
	bool number;		/* all its fields are numbers, or empty */
	struct csv_field other; /* the first that is not, unless `number` */
	const void *elements;	/* of its own tensor in the last message */
	size_t gathered;	/* into which tensor of several columns; its own when there is none: SIZE_MAX */
	size_t at;		/* at which of its columns */
};

struct fit_rows {
	const char *file;
	struct text text;
	struct arena *arena;
	const struct mapping *mapping; /* of requests; NULL: they are in a format of their own */
	bool csv;
	size_t begin, at;    /* of the first row, and of the next, in the text */
	size_t begin_line;   /* of the first row */
	size_t number, line; /* of the next row; and where it stands */
	size_t line_begin;   /* of that line, in the text */
	size_t column_count;
	struct csv_column *columns;
	size_t tensor_count; /* of several columns, by --tensor */
	struct fit_tensor {
		struct text name;
		const char *columns; /* joined by commas */
		size_t count;
	} * tensors;
	struct csv_field *fields; /* of the row in hand */
};

/* Looks at the text once: a text that begins with `{` is requests. `gather` are NAME=COLUMN,COLUMN.
 * Everything is borrowed. */
bool fit_rows_open(struct fit_rows *rows, const char *file, struct text text, const struct name_list *gather,
		   const struct mapping *mapping, struct arena *arena, struct error *error);

struct fit_source fit_rows_source(struct fit_rows *rows);

#endif
