/* expression_index.h: x[0], x[1:3], x["volume"]; private to
 * engine/step/expression_*.c. */
#ifndef SLUICE_STEP_EXPRESSION_INDEX_H
#define SLUICE_STEP_EXPRESSION_INDEX_H

#include "step/expression_tree.h"

/* `indices` are the values of the node's dimensions, two for a slice. `result` may
 * be `base`. */
bool value_index(struct evaluation *evaluation, const struct node *node, const struct value *base, const struct value *indices,
		 struct value *result);

/* The elements start, start+step, ... of one axis; an axis of `drops` leaves the
 * shape. */
struct axis_choice {
	int64_t start;
	int64_t count;
	bool drops;
};

/* A value of those elements; a view where they stand together. */
bool value_pick(struct evaluation *evaluation, const struct value *base, const struct axis_choice *axes, struct value *result);

/* The axis that `along` names, counted from the end when below zero. */
bool value_axis(struct evaluation *evaluation, const struct value *value, int64_t along, uint32_t *axis);

#endif
