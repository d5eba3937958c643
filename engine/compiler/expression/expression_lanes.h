/* expression_lanes.h: View of a value as lanes of elements along one axis. Private to engine/compiler/expression/expression_*.c.
 * Without an axis, the whole value is one lane. */
#pragma once

#include "compiler/expression/expression_tree.h"

struct expression_lanes {
	size_t count;  /* of lanes */
	size_t length; /* elements of each */
	size_t inner;  /* distance between neighbours in a lane, in elements */
	uint32_t rank; /* of the result, where each lane is one element */
	int64_t shape[TENSOR_RANK_MAX];
};

/* The lanes along the node's `along`. False: an error; there is no such axis. */
bool lanes_of(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
	      struct expression_lanes *lanes);

/* The lanes along the axis given, else along the last. A single element is one lane. */
bool lanes_along(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
		 struct expression_lanes *lanes);

static inline size_t lane_at(const struct expression_lanes *lanes, size_t lane, size_t index)
{
	return lane / lanes->inner * lanes->length * lanes->inner + lane % lanes->inner + index * lanes->inner;
}

/* The doubles of a lane, contiguous: in `items` itself if they are so there, else copied to `room`. */
const double *lane_gather(const struct expression_lanes *lanes, const double *items, size_t lane, double *room);

/* Sorts in place without additional memory (heapsort). */
typedef int items_order(const void *a, const void *b);
void sort_items(void *items, size_t count, size_t size, items_order *order);
items_order order_doubles, order_signed, order_unsigned, order_bools, order_texts; /* nan is sorted last */
