/* record_file.h: Records in a file: JSON objects, one in each line, or records of a schema in Avro's single-object encoding, one
 * after another. Both may be in one file. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Files that are neither a CSV nor requests in lines, known by their first bytes.
 *
 * Pure; any thread may call.
 */

/* What it is, and what to do, as the rest of a sentence; NULL: it may be one of both. */
const char *foreign_file_fault(struct text text);

struct record_file {
	const char *path;   /* `-`: standard input */
	const char *schema; /* its name: `feedback` */
	struct arena *arena; /* the file is read whole into it, and records borrow from it */
	void *context;
	bool (*take)(void *context, struct text record, struct error *error);
};

/* Passes all records to `take`. Blank lines are passed over. INPUT: a record is not whole, or `take` says so: the error has the
 * line. CONFIG: the file cannot be read. */
bool record_file_read(const struct record_file *file, struct error *error);
