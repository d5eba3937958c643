/* trailing.c: Values of a window, and the updates when one is added or removed; see trailing.h. */
#include "methods/numeric/trailing.h"

#include <math.h>

#include "methods/numeric/trailing_parts.h"

#define CAPACITY_AT_FIRST 2
#define CAPACITY_KEPT 8 /* a window is not made smaller than that */
#define ANEW_AT_LEAST 8 /* values added between two times that sums are made anew */

size_t trailing_bytes(const struct trailing *form, uint32_t capacity)
{
	const size_t rings = (form->tracks & TRACK_LEAST ? 1U : 0) + (form->tracks & TRACK_GREATEST ? 1U : 0) +
			     (form->tracks & TRACK_ORDER ? 1U : 0);
	return sizeof(struct trailing_head) + (form->tracks & TRACK_SUM ? sizeof(struct sum) : 0) +
	       (form->tracks & TRACK_SPREAD ? sizeof(struct trailing_spread) : 0) +
	       (form->messages ? 0 : capacity * sizeof(int64_t)) + capacity * sizeof(double) +
	       ((rings * capacity * sizeof(uint16_t) + 7) & ~(size_t)7);
}

/* ---- capacity ---- */

static uint32_t messages_left(const struct trailing *form, const struct trailing_parts *parts, int64_t newest_ms)
{
	uint32_t old = 0;
	while (old < parts->head->count && trailing_too_old(form, parts->times[trailing_place(parts, old)], newest_ms))
		old++;
	return parts->head->count - old;
}

uint32_t trailing_capacity(const struct trailing *form, const void *window, uint32_t capacity, int64_t newest_ms)
{
	if (!window)
		return form->messages == 1 ? 1 : CAPACITY_AT_FIRST;
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	const uint32_t count = parts.head->count;
	if (form->messages) {
		if (count < capacity || capacity == form->messages)
			return capacity;
		return capacity * 2 < form->messages ? capacity * 2 : form->messages;
	}
	if (capacity > CAPACITY_KEPT && count < capacity / 4)
		return capacity / 2;
	if (count < capacity || messages_left(form, &parts, newest_ms) < capacity)
		return capacity;
	/* By half, for it need not become full; one of messages does, and is moved less often. */
	const uint32_t grown = capacity + (capacity + 1) / 2;
	return grown <= TRAILING_VALUES_MAX	? grown
	       : capacity < TRAILING_VALUES_MAX ? TRAILING_VALUES_MAX
						: TRAILING_VALUES_MAX + 1;
}

/* A ring of places, each of which becomes its value's age: the values stand by age where
 * they are moved to. */
static void places_move(const struct trailing_parts *from, const uint16_t *places, uint32_t first, uint32_t count, uint16_t *to)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = first + i < from->capacity ? first + i : first + i - from->capacity;
		to[i] = (uint16_t)trailing_age(from, places[at]);
	}
}

void trailing_move(const struct trailing *form, const void *from, uint32_t from_capacity, void *to, uint32_t to_capacity)
{
	const struct trailing_parts old = trailing_parts(form, from, from_capacity);
	const struct trailing_parts new = trailing_parts(form, to, to_capacity);
	const struct trailing_head *head = old.head;
	*new.head = *head;
	new.head->first = new.head->least_first = new.head->greatest_first = 0;
	if (old.sum)
		*new.sum = *old.sum;
	if (old.spread)
		*new.spread = *old.spread;
	for (uint32_t age = 0; age < head->count; age++) {
		uint16_t place = trailing_place(&old, age);
		new.values[age] = old.values[place];
		if (old.times)
			new.times[age] = old.times[place];
	}
	if (old.order)
		places_move(&old, old.order, 0, head->values, new.order);
	if (old.least)
		places_move(&old, old.least, head->least_first, head->least_count, new.least);
	if (old.greatest)
		places_move(&old, old.greatest, head->greatest_first, head->greatest_count, new.greatest);
}

/* ---- values that come and go ---- */

static void forget_oldest(struct trailing_parts *parts)
{
	struct trailing_head *head = parts->head;
	uint16_t place = head->first;
	double value = parts->values[place];
	if (!isnan(value)) {
		if (parts->order)
			trailing_order_take(parts, place);
		trailing_extremes_take(parts, place);
		head->values--;
		head->zeros = (uint16_t)(head->zeros - (value == 0));
		if (isinf(value))
			head->infinite--;
		else
			trailing_moments_take(parts, value, (uint32_t)head->values - head->infinite);
	}
	head->count--;
	head->first = head->count ? trailing_place(parts, 1) : 0;
}

/* Moves the values that are newer than `time_ms` one place on; the age that this one has. */
static uint32_t make_room(struct trailing_parts *parts, int64_t time_ms)
{
	uint32_t age = parts->head->count;
	while (age > 0 && parts->times[trailing_place(parts, age - 1)] > time_ms) {
		uint16_t from = trailing_place(parts, age - 1), to = trailing_place(parts, age);
		parts->times[to] = parts->times[from];
		parts->values[to] = parts->values[from];
		age--;
	}
	return age;
}

/* The order's places of those that were moved. */
static void follow_order(struct trailing_parts *parts, uint32_t age)
{
	for (uint32_t i = 0; parts->order && i < parts->head->values; i++) {
		uint32_t before = trailing_age(parts, parts->order[i]);
		if (before >= age)
			parts->order[i] = trailing_place(parts, before + 1);
	}
}

static void remember(struct trailing_parts *parts, int64_t time_ms, double value)
{
	struct trailing_head *head = parts->head;
	uint32_t age = parts->times ? make_room(parts, time_ms) : head->count;
	bool between = age < head->count;
	uint16_t place = trailing_place(parts, age);
	if (between)
		follow_order(parts, age);
	parts->values[place] = value;
	if (parts->times)
		parts->times[place] = time_ms;
	head->count++;
	if (!isnan(value)) {
		head->values++;
		head->zeros = (uint16_t)(head->zeros + (value == 0));
		if (isinf(value))
			head->infinite++;
		else
			trailing_moments_add(parts, value, (uint32_t)head->values - head->infinite);
		if (parts->order)
			trailing_order_add(parts, place);
		if (!between)
			trailing_extremes_add(parts, place);
	}
	if (between)
		trailing_extremes_anew(parts);
}

void trailing_add(const struct trailing *form, void *window, uint32_t capacity, int64_t time_ms, int64_t newest_ms, double value)
{
	struct trailing_parts parts = trailing_parts(form, window, capacity);
	struct trailing_head *head = parts.head;
	if (form->messages && head->count == form->messages)
		forget_oldest(&parts);
	while (!form->messages && head->count && trailing_too_old(form, parts.times[head->first], newest_ms))
		forget_oldest(&parts);
	if (form->messages || !trailing_too_old(form, time_ms, newest_ms)) {
		remember(&parts, time_ms, value);
		head->since++;
	}
	if ((head->since >= head->count && head->since >= ANEW_AT_LEAST) || trailing_moments_worn(&parts))
		trailing_moments_anew(&parts);
}

/* ---- what is read ---- */

static const struct trailing_head *head_of(const void *window)
{
	return window;
}

bool trailing_warm(const struct trailing *form, const void *window)
{
	return !form->messages || head_of(window)->count == form->messages;
}

bool trailing_spent(const struct trailing *form, const void *window, uint32_t capacity, int64_t newest_ms)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	const uint32_t count = parts.head->count;
	return !count || (parts.times && trailing_too_old(form, parts.times[trailing_place(&parts, count - 1)], newest_ms));
}

uint32_t trailing_values(const void *window)
{
	return head_of(window)->values;
}

uint32_t trailing_zeros(const void *window)
{
	return head_of(window)->zeros;
}

double trailing_oldest(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	return parts.head->count ? parts.values[parts.head->first] : NAN;
}

double trailing_first(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	for (uint32_t age = 0; age < parts.head->count; age++)
		if (!isnan(parts.values[trailing_place(&parts, age)]))
			return parts.values[trailing_place(&parts, age)];
	return NAN;
}

double trailing_last(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	for (uint32_t age = parts.head->count; age > 0; age--)
		if (!isnan(parts.values[trailing_place(&parts, age - 1)]))
			return parts.values[trailing_place(&parts, age - 1)];
	return NAN;
}

/* ---- rests of integers ---- */

struct trailing trailing_rests_form(const struct trailing *form)
{
	return (struct trailing){.messages = form->messages, .duration_ms = form->duration_ms};
}

void trailing_rests_begin(const struct trailing *form, const void *window, uint32_t capacity, void *rests)
{
	const struct trailing rests_form = trailing_rests_form(form);
	const struct trailing_parts of = trailing_parts(form, window, capacity);
	const struct trailing_parts parts = trailing_parts(&rests_form, rests, capacity);
	*parts.head = (struct trailing_head){
		.first = of.head->first, .count = of.head->count, .values = of.head->values, .zeros = of.head->values};
	for (uint32_t age = 0; age < of.head->count; age++) {
		const uint16_t place = trailing_place(&of, age);
		parts.values[place] = isnan(of.values[place]) ? NAN : 0;
		if (of.times)
			parts.times[place] = of.times[place];
	}
}

double trailing_rest_of_extreme(const struct trailing *form, const void *window, const void *rests, uint32_t capacity,
				bool greatest)
{
	const struct trailing rests_form = trailing_rests_form(form);
	const struct trailing_parts of = trailing_parts(form, window, capacity);
	const struct trailing_parts parts = trailing_parts(&rests_form, rests, capacity);
	double best = NAN, rest = NAN;
	for (uint32_t age = 0; age < of.head->count; age++) {
		const uint16_t place = trailing_place(&of, age);
		const double value = of.values[place], its = parts.values[place];
		if (isnan(value))
			continue;
		const bool beyond =
			greatest ? value > best || (value == best && its > rest) : value < best || (value == best && its < rest);
		if (isnan(best) || beyond) {
			best = value;
			rest = its;
		}
	}
	return rest;
}
