/* typing.h: Known tensor types during the inference of a step that adds to them. The list is shared with earlier
 * steps until something in it changes. */
#pragma once

#include "compiler/step/step.h"

struct typing {
	struct tensor_types types;
	bool own; /* the list is not shared */
	struct arena *arena;
};

/* NULL: the type is unknown; or, if the types are complete, there is no such tensor. */
const struct tensor_type *typing_find(const struct typing *typing, struct text name);

/* Puts a type in place of the one of that name, else at the end. False only when memory ran out; likewise for the
 * next three. */
bool typing_put(struct typing *typing, struct text name, const struct value_type *type);
bool typing_put_tensor(struct typing *typing, const struct tensor_type *tensor);

/* Makes a copy that may be changed, with space for the same number more. */
bool typing_own(struct typing *typing);

/* Keeps only the types for which `stays` returns true. */
bool typing_pick(struct typing *typing, bool (*stays)(const void *context, struct text name), const void *context);

/* For struct expression_types, with a typing as context: the type of a plain name. */
bool typing_of_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest);

/* The same, for a name whose existence was not checked yet. */
bool typing_of_present(void *context, const struct expression_name *name, struct value_type *type, const char **suggest);
