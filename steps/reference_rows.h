/* reference_rows.h: Rows of one tensor of all messages, from which a reference is learnt, in the order in which they came. */
#pragma once

#include "methods/numeric/table.h"
#include "compiler/step/step.h"

struct reference_rows {
	struct table table;	  /* `values` is on the heap */
	struct name_list columns; /* as the first message names them, in the step's arena; none: it does not */
	size_t room;
};

/* Collects the rows; close them also after a failure. A message without the tensor, with texts or an infinite number in
 * it, or with rows of another form than the first one, is left out or is an error, as the source decides. INPUT: there is
 * no row. */
bool reference_rows_open(struct reference_rows *rows, const struct step *step, const struct name *tensor,
			 const struct fit_source *source, struct error *error);

void reference_rows_close(struct reference_rows *rows);

/* The names of the tensor's columns, in the arena; none: it has no names. */
struct name_list column_names(const struct tensor *tensor, struct arena *arena);

/* Whether the tensor's columns have these names, or one of both has none. */
bool column_names_agree(struct parameters parameters, struct name_list names, struct arena *arena);

/* Joined by commas; in the arena. */
const char *column_names_shown(struct name_list names, struct arena *arena);
