/* condition_type.h: Check of the type of a condition: one truth, which depends on something. */
#ifndef SLUICE_COMPILER_GRAPH_CONDITION_TYPE_H
#define SLUICE_COMPILER_GRAPH_CONDITION_TYPE_H

#include "compiler/yaml/fault.h"
#include "compiler/expression/expression.h"

/* Adds the fault of a condition whose result is of that type. The arena holds its text. */
void condition_type_check(const struct expression *condition, const struct value_type *type, struct arena *arena,
			  struct faults *faults);

#endif
