/* trailing_parts.h: Memory layout of a window. Private to engine/methods/numeric/trailing*.c. */
#pragma once

#include "methods/numeric/moments.h"
#include "methods/numeric/trailing.h"

/* Head of a window, whose values are a ring buffer of `capacity` positions. */
struct trailing_head {
	_Alignas(double) uint16_t first; /* position of the oldest */
	uint16_t count;			 /* messages */
	uint16_t values;		 /* of them, not NaN */
	uint16_t zeros;
	uint16_t infinite;
	uint16_t distinct;
	uint16_t since; /* values added since sums and spread were computed again */
	uint16_t least_first, least_count;
	uint16_t greatest_first, greatest_count;
};

/* Spread of the distances from `origin`, so that a large offset costs no digits. */
struct trailing_spread {
	double origin;
	double mean;
	double squares;
	double peak; /* the greatest value of `squares` since it was computed again */
};

struct trailing_parts {
	struct trailing_head *head;
	struct sum *sum;
	struct trailing_spread *spread;
	int64_t *times;
	double *values;
	uint16_t *order; /* positions, by value, then age */
	uint16_t *least; /* ring of positions: ascending values, the oldest first */
	uint16_t *greatest;
	uint32_t capacity;
};

static inline struct trailing_parts trailing_parts(const struct trailing *form, const void *window, uint32_t capacity)
{
	union {
		const void *in;
		char *out;
	} bytes = {.in = window}; /* readers pass constant windows and do not write */
	struct trailing_parts parts = {.capacity = capacity};
	void *at = bytes.out;
	parts.head = at;
	at = parts.head + 1;
	if (form->tracks & TRACK_SUM) {
		parts.sum = at;
		at = parts.sum + 1;
	}
	if (form->tracks & TRACK_SPREAD) {
		parts.spread = at;
		at = parts.spread + 1;
	}
	if (!form->messages) {
		parts.times = at;
		at = parts.times + capacity;
	}
	parts.values = at;
	uint16_t *places = (uint16_t *)(void *)(parts.values + capacity);
	if (form->tracks & TRACK_ORDER) {
		parts.order = places;
		places += capacity;
	}
	if (form->tracks & TRACK_LEAST) {
		parts.least = places;
		places += capacity;
	}
	if (form->tracks & TRACK_GREATEST)
		parts.greatest = places;
	return parts;
}

/* The position of the value that is the n-th in age; the oldest is 0. */
static inline uint16_t trailing_place(const struct trailing_parts *parts, uint32_t age)
{
	uint32_t place = parts->head->first + age;
	return (uint16_t)(place < parts->capacity ? place : place - parts->capacity);
}

static inline uint32_t trailing_age(const struct trailing_parts *parts, uint16_t place)
{
	uint32_t first = parts->head->first;
	return place >= first ? place - first : place + parts->capacity - first;
}

/* Whether that time is too old for a window of a duration. */
static inline bool trailing_too_old(const struct trailing *form, int64_t time_ms, int64_t newest_ms)
{
	int64_t border;
	return !__builtin_sub_overflow(newest_ms, form->duration_ms, &border) && time_ms <= border;
}

/* ---- tracked results; the caller leaves out NaN ---- */

/* trailing_moments.c: for finite values; `count` is their number after the addition or removal. */
void trailing_moments_add(struct trailing_parts *parts, double value, uint32_t count);
void trailing_moments_take(struct trailing_parts *parts, double value, uint32_t count);
void trailing_moments_anew(struct trailing_parts *parts);
/* Whether most of their digits come from removed values, or they overflowed. */
bool trailing_moments_worn(const struct trailing_parts *parts);

/* trailing_order.c: for the value in that position. For extremes the oldest one is removed. */
void trailing_order_add(struct trailing_parts *parts, uint16_t place);
void trailing_order_take(struct trailing_parts *parts, uint16_t place);
void trailing_extremes_add(struct trailing_parts *parts, uint16_t place);
void trailing_extremes_take(struct trailing_parts *parts, uint16_t place);
void trailing_extremes_anew(struct trailing_parts *parts);
