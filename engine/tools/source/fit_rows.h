/* fit_rows.h: Input data of `sluice fit` from a file, as the messages that a step would get. It is the rows of a CSV with a header,
 * or requests, one on each line. */
#pragma once

#include "message/avro/mapped.h"
#include "compiler/step/step.h"

/* A field of a row, with its position in the file. */
struct csv_field {
	struct text text;
	size_t line;
	size_t line_begin, begin; /* offsets of its line and of the field */
};

/* A column of a CSV; missing numbers are NaN, and numbers may be infinite (csv_field.h). */
struct csv_column {
	struct text name;	 /* empty: not a tensor */
	bool number;		 /* all its fields are numbers, or missing; or it is a flag */
	bool flag;		 /* all its fields are `true` or `false`, or missing: 1, 0 and NaN */
	struct csv_field other;	 /* the first formatted number or one with a unit, else the first other field, unless `number` */
	size_t numbers, others;	 /* fields that are numbers, and others; those that are missing are neither */
	size_t flags, formatted; /* of the others: flags, and formatted numbers (csv_field.h) */
	size_t with_unit;	 /* of the others: numbers with a unit, which are not formatted otherwise */
	const void *elements;	 /* data of its own tensor in the last message */
	size_t gathered;	 /* index of its tensor of several columns; SIZE_MAX: its own tensor */
	size_t at;		 /* its column in that tensor */
};

/* Where a row begins, and its time. */
struct fit_row_place {
	int64_t time_ms;
	size_t at, line, line_begin; /* as in struct fit_rows */
};

struct fit_rows {
	const char *file;
	struct text text;
	struct arena *arena;
	const struct mapping *mapping; /* of requests; NULL: they are in a format without mapping */
	bool csv;
	size_t begin, at;    /* offsets of the first row and of the next in the text */
	size_t begin_line;   /* of the first row */
	size_t number, line; /* number and line of the next row */
	size_t line_begin;   /* offset of that line in the text */
	size_t column_count;
	struct csv_column *columns;
	const struct csv_column **by_name; /* sorted; of equal names the first is first */
	size_t tensor_count;		   /* tensors of several columns, by --tensor */
	struct fit_tensor {
		struct text name;
		const char *columns; /* joined by commas */
		size_t count;
	} * tensors;
	struct csv_field *fields; /* of the current row */
	struct text id;		  /* of the last request; empty: it has none */
	struct message message;	  /* the last request, with its key and headers, for expressions */
	/* Of rows whose times are used, and that have the time of the mapping: requests, or a CSV with a column of its path. */
	bool timed;
	size_t time_column;	      /* of a CSV; SIZE_MAX: none */
	int64_t time_ms;	      /* of the row that was read last */
	struct fit_row_place *places; /* of all rows, in the order of their times */
	size_t place_count, place;    /* how many, and the next */
};

/* Scans the text once; a text that begins with `{` contains requests. `gather` are NAME=COLUMN,COLUMN. `timed`: the times of rows
 * are used. If rows have times then, they are in the order of these; a CSV's field of the time that is none is an error.
 * Everything is borrowed. */
bool fit_rows_open(struct fit_rows *rows, const char *file, struct text text, const struct name_list *gather,
		   const struct mapping *mapping, bool timed, struct arena *arena, struct error *error);

struct fit_source fit_rows_source(struct fit_rows *rows);
