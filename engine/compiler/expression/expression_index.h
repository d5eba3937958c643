/* expression_index.h: Indexing of values: x[0], x[1:3], x["volume"]. Private to engine/compiler/expression/expression_*.c. */
#pragma once

#include "compiler/expression/expression_tree.h"

/* Indexes `base`. `indices` are the values of the node's dimensions, two for a slice. `result` may be `base`. */
bool value_index(struct evaluation *evaluation, const struct expression_node *node, const struct value *base,
		 const struct value *indices, struct value *result);

/* The number of the column of that name. False: `why` gives the reason; it is NULL when memory ran out. */
bool column_number(struct parameters parameters, struct text name, struct arena *arena, int64_t *column, const char **why);

/* The axis that `along` gives; a negative number counts from the end. */
bool value_axis(struct evaluation *evaluation, const struct value *value, int64_t along, uint32_t *axis);
