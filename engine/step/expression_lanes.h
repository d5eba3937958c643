/* expression_lanes.h: a value seen as lanes of elements along one axis; private to
 * engine/step/expression_*.c. Without an axis, all of it is one lane. */
#ifndef SLUICE_STEP_EXPRESSION_LANES_H
#define SLUICE_STEP_EXPRESSION_LANES_H

#include "step/expression_tree.h"

struct expression_lanes {
	size_t count;  /* of lanes */
	size_t length; /* elements of each */
	size_t inner;  /* elements from one to the next of a lane */
	uint32_t rank; /* of what is left when each lane is one element */
	int64_t shape[TENSOR_RANK_MAX];
};

/* By the node's `along`; false and an error when there is no such axis. */
bool lanes_of(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
	      struct expression_lanes *lanes);

/* Along the axis that is written, else the last; for a single element, that. */
bool lanes_along(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
		 struct expression_lanes *lanes);

static inline size_t lane_at(const struct expression_lanes *lanes, size_t lane, size_t index)
{
	return lane / lanes->inner * lanes->length * lanes->inner + lane % lanes->inner + index * lanes->inner;
}

/* The doubles of a lane one behind the other: where they stand, or in `room`. */
const double *lane_gather(const struct expression_lanes *lanes, const double *items, size_t lane, double *room);

/* Sorts in place without further memory (heapsort). */
typedef int items_order(const void *a, const void *b);
void sort_items(void *items, size_t count, size_t size, items_order *order);
items_order order_doubles, order_signed, order_unsigned, order_bools, order_texts; /* nan stands last */

#endif
