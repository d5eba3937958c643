/* operations.h: rows that the lists of operations in preprocess and postprocess share.
 * Nothing is kept of them until those kinds can run. */
#ifndef SLUICE_STEPS_OPERATIONS_H
#define SLUICE_STEPS_OPERATIONS_H

#include "step/step.h"

/* On what an operation works, and what its result is called. */
#define OPERATION_TARGET                                                                                                           \
	CHECKED("tensor", TEXT, .help = "The tensor that it works on."),                                                           \
		CHECKED("tensors", NAMES, .least = 1, .help = "The tensors that it works on; default: all numeric ones."),         \
		CHECKED("columns", NAMES, .least = 1, .help = "Which columns of them; default: all."),                             \
		CHECKED("as", TEXT, .help = "The name of the result; default: in place.")

#define OPERATION(key, operation_rows, text)                                                                                       \
	{                                                                                                                          \
		.name = key, .type = OPTION_MAP, .offset = OPTION_UNSTORED, .rows = operation_rows, .help = text                   \
	}

/* The one row of such a kind: the list itself. */
#define OPERATIONS_LIST(operation_rows)                                                                                            \
	{                                                                                                                          \
		.type = OPTION_OPERATIONS, .short_form = true, .offset = OPTION_UNSTORED, .rows = operation_rows, .least = 1,      \
		.help = "The operations, in order."                                                                                \
	}

extern const struct option operation_target_rows[]; /* nothing but the target; also a bare tensor name */
extern const struct option operation_rename_rows[];
extern const struct option operation_cast_rows[];
extern const struct option operation_clip_rows[];
extern const struct option operation_reshape_rows[];
extern const struct option operation_concat_rows[];
extern const struct option operation_names_rows[]; /* a list of tensors: drop, keep */
extern const struct option operation_set_rows[];   /* free names, each an expression */

/* The operations that both kinds know. */
#define OPERATIONS_OF_BOTH                                                                                                         \
	OPERATION("rename", operation_rename_rows, "Gives tensors new names: old to new."),                                        \
		OPERATION("cast", operation_cast_rows, "Turns elements into another datatype."),                                   \
		OPERATION("clip", operation_clip_rows, "Cuts elements off at a low and a high."),                                  \
		OPERATION("reshape", operation_reshape_rows, "Gives a tensor another shape."),                                     \
		OPERATION("concat", operation_concat_rows, "Joins tensors along an axis."),                                        \
		OPERATION("set", operation_set_rows, "Makes tensors by expressions, in order."),                                   \
		OPERATION("drop", operation_names_rows, "Leaves tensors out."),                                                    \
		OPERATION("keep", operation_names_rows, "Leaves out all but these tensors.")

#endif
