/* trailing_order.c: Extremes and order of a window's values; see trailing.h. */
#include <math.h>
#include <string.h>

#include "methods/numeric/quantile.h"
#include "methods/numeric/trailing_parts.h"

/* ---- order ---- */

/* How many of the values stand before that one: by value, then by age. */
static uint32_t order_rank(const struct trailing_parts *parts, uint32_t count, uint16_t place)
{
	const double value = parts->values[place];
	const uint32_t age = trailing_age(parts, place);
	uint32_t low = 0, high = count;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		double other = parts->values[parts->order[middle]];
		if (other < value || (other == value && trailing_age(parts, parts->order[middle]) < age))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether one of those beside the n-th is equal to it. */
static bool order_repeats(const struct trailing_parts *parts, uint32_t count, uint32_t rank)
{
	const double value = parts->values[parts->order[rank]];
	return (rank > 0 && parts->values[parts->order[rank - 1]] == value) ||
	       (rank + 1 < count && parts->values[parts->order[rank + 1]] == value);
}

void trailing_order_add(struct trailing_parts *parts, uint16_t place)
{
	uint32_t count = parts->head->values; /* with this one */
	uint32_t rank = order_rank(parts, count - 1, place);
	memmove(parts->order + rank + 1, parts->order + rank, (count - 1 - rank) * sizeof *parts->order);
	parts->order[rank] = place;
	parts->head->distinct = (uint16_t)(parts->head->distinct + !order_repeats(parts, count, rank));
}

void trailing_order_take(struct trailing_parts *parts, uint16_t place)
{
	uint32_t count = parts->head->values; /* with this one */
	uint32_t rank = order_rank(parts, count, place);
	parts->head->distinct = (uint16_t)(parts->head->distinct - !order_repeats(parts, count, rank));
	memmove(parts->order + rank, parts->order + rank + 1, (count - 1 - rank) * sizeof *parts->order);
}

double trailing_quantile(const struct trailing *form, const void *window, uint32_t capacity, double q)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	if (!parts.head->values)
		return NAN;
	double rank = q * (parts.head->values - 1), below = floor(rank);
	uint32_t at = (uint32_t)below;
	double low = parts.values[parts.order[at]];
	return rank == below ? low : quantile_between(low, parts.values[parts.order[at + 1]], rank - below);
}

uint32_t trailing_distinct(const void *window)
{
	return ((const struct trailing_head *)window)->distinct;
}

/* ---- extremes ---- */

/* One of the two queues. `sign`: what makes its values rise. */
struct queue {
	uint16_t *places;
	uint16_t *first, *count;
	double sign;
};

static struct queue queue_least(const struct trailing_parts *parts)
{
	return (struct queue){parts->least, &parts->head->least_first, &parts->head->least_count, 1};
}

static struct queue queue_greatest(const struct trailing_parts *parts)
{
	return (struct queue){parts->greatest, &parts->head->greatest_first, &parts->head->greatest_count, -1};
}

static uint32_t queue_at(const struct queue *queue, uint32_t nth, uint32_t capacity)
{
	uint32_t at = *queue->first + nth;
	return at < capacity ? at : at - capacity;
}

static void queue_add(const struct queue *queue, const struct trailing_parts *parts, uint16_t place)
{
	const double value = parts->values[place] * queue->sign;
	uint32_t count = *queue->count;
	while (count && parts->values[queue->places[queue_at(queue, count - 1, parts->capacity)]] * queue->sign >= value)
		count--;
	queue->places[queue_at(queue, count, parts->capacity)] = place;
	*queue->count = (uint16_t)(count + 1);
}

static void queue_take(const struct queue *queue, const struct trailing_parts *parts, uint16_t place)
{
	if (!*queue->count || queue->places[*queue->first] != place)
		return;
	*queue->first = (uint16_t)queue_at(queue, 1, parts->capacity);
	--*queue->count;
}

void trailing_extremes_add(struct trailing_parts *parts, uint16_t place)
{
	const struct queue least = queue_least(parts), greatest = queue_greatest(parts);
	if (parts->least)
		queue_add(&least, parts, place);
	if (parts->greatest)
		queue_add(&greatest, parts, place);
}

void trailing_extremes_take(struct trailing_parts *parts, uint16_t place)
{
	const struct queue least = queue_least(parts), greatest = queue_greatest(parts);
	if (parts->least)
		queue_take(&least, parts, place);
	if (parts->greatest)
		queue_take(&greatest, parts, place);
}

void trailing_extremes_anew(struct trailing_parts *parts)
{
	struct trailing_head *head = parts->head;
	head->least_first = head->least_count = head->greatest_first = head->greatest_count = 0;
	for (uint32_t age = 0; age < head->count; age++) {
		uint16_t place = trailing_place(parts, age);
		if (!isnan(parts->values[place]))
			trailing_extremes_add(parts, place);
	}
}

double trailing_least(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	return parts.head->least_count ? parts.values[parts.least[parts.head->least_first]] : NAN;
}

double trailing_greatest(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	return parts.head->greatest_count ? parts.values[parts.greatest[parts.head->greatest_first]] : NAN;
}
