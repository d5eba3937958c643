/* type_list.h: Lists of tensor types: search by name, and types as texts. */
#pragma once

#include "compiler/expression/expression.h"
#include "compiler/step/step.h"
#include "compiler/yaml/fault.h"

/* Check of the type of a condition: one truth, which depends on something. */

/* Adds the fault of a condition whose result is of that type. The arena holds its text. */
void condition_type_check(const struct expression *condition, const struct value_type *type, struct arena *arena,
			  struct faults *faults);

/* "FP32[-1,16]"; "?" for an unknown type. */
const char *type_text(const struct value_type *type, struct arena *arena);

/* Whether it has a dimension above 1, so that it is not of one element. */
bool type_has_elements(const struct value_type *type);

const struct tensor_type *types_find(const struct tensor_types *types, struct text name); /* NULL: not found */
const char *types_nearest(const struct tensor_types *types, struct text name, struct arena *arena); /* NULL: none is like it */
