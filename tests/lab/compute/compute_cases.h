/* compute_cases.h: Cases of `sluice compute`: read from a file, run by a family, their results written as lines of JSON.
 *
 * A file is one JSON document (a list under `cases`, or one case), or has a document on each line. A case that fails has no result
 * and is reported to the workspace as a note, with its name, or with the line on which its JSON is wrong. The others still run.
 */
#pragma once

#include <stdio.h>

#include "base/text.h"
#include "compute/family.h"
#include "compiler/yaml/workspace.h"

struct compute_cases { /* starts with the first four */
	const struct workspace *workspace;
	const struct compute_family *family;
	const char *file; /* "-": standard input */
	FILE *out;
	size_t failed;	       /* cases, and lines that are not JSON */
	const char *directory; /* of the file: that of files that a case names */
	struct arena *arena;   /* of one case */
	struct buffer line;    /* one result */
};

/* Runs all cases, in the order of the file. False: the file cannot be read, or is too long (LIMIT); nothing ran then. */
bool compute_cases_run(struct compute_cases *cases, struct error *error);
