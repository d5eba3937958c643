/* json_rows.h: Options in files of JSON, such as the constants that `sluice fit` learns: read and written by the rows that
 * read the same options from YAML (base/option.h).
 *
 * A map is an object whose keys are the names of its rows; an unknown key is refused. NaN and infinities are texts. A row
 * of type OPTION_NODE has a const char * here: any JSON, as written. Rows of other types than texts, names, choices, flags,
 * numbers and lists are refused.
 *
 * A refusal is a CONFIG error in the scan, with the offset of the fault; the scan then ends.
 */
#pragma once

#include "base/option.h"
#include "message/json/json_scan.h"

struct json_rows {
	struct json_scan *scan;
	struct place place; /* of the file's name in the YAML; all that is read gets it */
	const char *field;  /* being read, for errors */
};

/* Reads the object at the scan into the struct of the rows. It does not set fallbacks. */
bool json_rows_read_map(struct json_rows *reading, const struct option *rows, void *into);

/* Reads an object, or, as the row with short_form accepts it, another value. */
bool json_rows_read(struct json_rows *reading, const struct option *rows, void *into);

/* Sets the fallbacks of choices, flags and integers. */
void json_rows_fall_back(const struct option *rows, void *into);

/* Writes an object. It leaves out what is empty or absent, and `fitted`. */
void json_rows_write(struct buffer *out, const struct option *rows, const void *options);

/* Reads a whole file: an object with `format` and the keys of the rows. False: a CONFIG error at the file's place in the
 * YAML, with `format` in it if the file has another one. */
bool json_rows_read_file(const struct name *file, struct text content, const char *format, const struct option *rows,
			 struct arena *arena, void *into, struct error *error);

/* Writes a whole file. */
void json_rows_write_file(struct buffer *out, const char *format, const struct option *rows, const void *options);

/* ---- for readers of other structures ---- */

/* Ends the scan with an error: what is wrong there; NULL: memory ran out. Always false. */
bool json_rows_fail(struct json_scan *scan, const char *why);

/* The same, of the field that is being read. Always false. */
bool json_rows_refuse(struct json_rows *reading, const char *what);

/* The row of that name; NULL: there is none. */
const struct option *json_rows_find(const struct option *rows, struct text name);

/* The next item of a list that grows, zeroed; NULL: the arena is full. */
void *json_rows_item(struct json_rows *reading, const struct option *row, struct item_list *list);
