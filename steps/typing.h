/* typing.h: what is known of the tensors while a step that adds to them is gone through:
 * a list that is shared with the steps above until something in it changes. */
#ifndef SLUICE_STEPS_TYPING_H
#define SLUICE_STEPS_TYPING_H

#include "step/step.h"

struct typing {
	struct tensor_types types;
	bool own; /* nobody else has it */
	struct arena *arena;
};

/* NULL: it is not known; where the types are complete there is none. */
const struct tensor_type *typing_find(const struct typing *typing, struct text name);

/* In the place of the one of that name, else behind all. False only when memory ran out; so
 * with the next three. */
bool typing_put(struct typing *typing, struct text name, const struct value_type *type);
bool typing_put_tensor(struct typing *typing, const struct tensor_type *tensor);

/* A copy that may be changed, with room for as many more. */
bool typing_own(struct typing *typing);

/* Leaves out those of which `stays` says so. */
bool typing_pick(struct typing *typing, bool (*stays)(const void *context, struct text name), const void *context);

/* For struct expression_types, with a typing as context: the type of a plain name. */
bool typing_of_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest);

/* The same, where nobody has asked yet whether there can be such a tensor. */
bool typing_of_present(void *context, const struct expression_name *name, struct value_type *type, const char **suggest);

#endif
