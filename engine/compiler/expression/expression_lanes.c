/* expression_lanes.c: see expression_lanes.h. */
#include "compiler/expression/expression_lanes.h"

#include <math.h>

#include "compiler/expression/expression_index.h"

static void lanes_by_axis(const struct value *value, uint32_t axis, struct expression_lanes *lanes)
{
	*lanes = (struct expression_lanes){.count = 1, .length = (size_t)value->shape[axis], .inner = 1};
	for (uint32_t i = 0; i < value->rank; i++) {
		if (i == axis)
			continue;
		lanes->shape[lanes->rank++] = value->shape[i];
		lanes->count *= (size_t)value->shape[i];
		if (i > axis)
			lanes->inner *= (size_t)value->shape[i];
	}
}

bool lanes_of(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
	      struct expression_lanes *lanes)
{
	uint32_t axis;
	if (!node->has_along) {
		lanes->count = 1;
		lanes->length = value->count;
		lanes->inner = 1;
		lanes->rank = 0;
		return true;
	}
	if (!value_axis(evaluation, value, node->along, &axis))
		return false;
	lanes_by_axis(value, axis, lanes);
	return true;
}

bool lanes_along(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
		 struct expression_lanes *lanes)
{
	if (node->has_along || value->rank == 0)
		return lanes_of(evaluation, node, value, lanes);
	lanes_by_axis(value, value->rank - 1, lanes);
	return true;
}

const double *lane_gather(const struct expression_lanes *lanes, const double *items, size_t lane, double *room)
{
	if (lanes->inner == 1)
		return items + lane * lanes->length;
	for (size_t i = 0; i < lanes->length; i++)
		room[i] = items[lane_at(lanes, lane, i)];
	return room;
}

/* ---- sorting ---- */

static void swap_items(unsigned char *a, unsigned char *b, size_t size)
{
	unsigned char kept[sizeof(struct text)];
	memcpy(kept, a, size);
	memcpy(a, b, size);
	memcpy(b, kept, size);
}

static void sift_down(unsigned char *items, size_t root, size_t count, size_t size, items_order *order)
{
	for (;;) {
		size_t child = 2 * root + 1;
		if (child >= count)
			return;
		if (child + 1 < count && order(items + child * size, items + (child + 1) * size) < 0)
			child++;
		if (order(items + root * size, items + child * size) >= 0)
			return;
		swap_items(items + root * size, items + child * size, size);
		root = child;
	}
}

void sort_items(void *items, size_t count, size_t size, items_order *order)
{
	for (size_t root = count / 2; root-- > 0;)
		sift_down(items, root, count, size, order);
	for (size_t end = count; end-- > 1;) {
		swap_items(items, (unsigned char *)items + end * size, size);
		sift_down(items, 0, end, size, order);
	}
}

int order_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	if (isnan(left) || isnan(right))
		return (isnan(left) != 0) - (isnan(right) != 0);
	return (left > right) - (left < right);
}

int order_signed(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

int order_unsigned(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

int order_bools(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

int order_texts(const void *a, const void *b)
{
	const struct text *left = a, *right = b;
	size_t shorter = left->length < right->length ? left->length : right->length;
	int order = shorter ? memcmp(left->bytes, right->bytes, shorter) : 0;
	return order ? order : (left->length > right->length) - (left->length < right->length);
}
