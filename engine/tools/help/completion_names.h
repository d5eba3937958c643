/* completion_names.h: Names that a user's files define, offered by the shells' completion: pipelines, steps, experiments, alerts,
 * and resources as KIND/NAME.
 *
 * A shell may evaluate what it is offered, so that names with other characters than letters, digits and `._-/` are left
 * out. Faults in the files are not reported: completion has no place for them.
 */
#pragma once

#include "compiler/yaml/workspace.h"

/* PIPELINE, STEP, ALERT, EXPERIMENT or KIND/NAME, for a usage line that begins with one of them, also as [ALERT] or
 * KIND/NAME..., and for the name of an option in lower case; NULL: names of the sort are not known. */
const char *completion_names_sort(const char *usage);

/* Appends a line for each name. `sort` is one of those words; without `paths`, the files are those of the current folder.
 * False: the word is none of them, or a file cannot be read. */
bool completion_names_print(const struct workspace *workspace, const char *sort, const char *const *paths, size_t count,
			    struct buffer *out, struct error *error);
