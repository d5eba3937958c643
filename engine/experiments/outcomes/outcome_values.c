/* outcome_values.c: see outcome_values.h. Values are lists in one pool. The first of each list is found in a table with open
 * addressing, which doubles when it is half full; what is taken out leaves no mark, since later entries move up. */
#include "experiments/outcomes/outcome_values.h"

#include <assert.h>

#include "base/memory.h"

#define VALUES_AT_FIRST 256
#define PLACES_AT_FIRST 256
#define GOLDEN UINT64_C(0x9E3779B97F4A7C15) /* 2^64 by the golden ratio: multiples of it lie apart */

struct waiting_outcome {
	double value;
	uint32_t next; /* number and 1; 0: the last */
	uint16_t metric;
	bool of_unit;
};

struct values_place {
	uint32_t slot;	/* and 1; 0: the place is free */
	uint32_t first; /* number and 1 of the newest value */
};

struct outcome_values {
	struct waiting_outcome *pool;
	size_t made, capacity, of_units; /* of the pool; those of units that wait */
	uint32_t spare;		      /* number and 1 of the first value that was given back */
	struct values_place *places;
	size_t place_count, used; /* a power of two; at most half of it */
};

static_assert(sizeof(struct waiting_outcome) == 16 && sizeof(struct values_place) == 8, "the memory of a value is promised");

struct outcome_values *outcome_values_open(void)
{
	return memory_take(1, sizeof(struct outcome_values));
}

void outcome_values_close(struct outcome_values *values)
{
	if (!values)
		return;
	memory_give(values->pool);
	memory_give(values->places);
	memory_give(values);
}

/* ---- places ---- */

static size_t slot_home(size_t place_count, uint32_t slot)
{
	return (size_t)(slot * GOLDEN >> 32) & (place_count - 1);
}

/* The place of a slot, or the free one where it would be. */
static struct values_place *place_find(struct values_place *places, size_t place_count, uint32_t slot)
{
	size_t at = slot_home(place_count, slot);
	while (places[at].slot != 0 && places[at].slot != slot)
		at = (at + 1) & (place_count - 1);
	return &places[at];
}

/* False: memory ran out. */
static bool places_grow(struct outcome_values *values)
{
	const size_t count = values->place_count > 0 ? 2 * values->place_count : PLACES_AT_FIRST;
	struct values_place *places = memory_take(count, sizeof *places);
	if (!places)
		return false;
	for (size_t i = 0; i < values->place_count; i++)
		if (values->places[i].slot != 0)
			*place_find(places, count, values->places[i].slot) = values->places[i];
	memory_give(values->places);
	values->places = places;
	values->place_count = count;
	return true;
}

/* Entries behind a free place move up, unless they would come before their home. */
static void place_free(struct outcome_values *values, struct values_place *place)
{
	const size_t mask = values->place_count - 1;
	size_t hole = (size_t)(place - values->places);
	for (size_t at = (hole + 1) & mask; values->places[at].slot != 0; at = (at + 1) & mask) {
		const size_t home = slot_home(values->place_count, values->places[at].slot);
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		values->places[hole] = values->places[at];
		hole = at;
	}
	values->places[hole] = (struct values_place){0};
	values->used--;
}

/* ---- values ---- */

/* Number and 1; 0: memory ran out. */
static uint32_t value_make(struct outcome_values *values)
{
	const uint32_t spare = values->spare;
	if (spare != 0) {
		values->spare = values->pool[spare - 1].next;
		return spare;
	}
	struct waiting_outcome *pool = values->made < UINT32_MAX - 1 ? memory_grow(values->pool, values->made, &values->capacity,
										   VALUES_AT_FIRST, sizeof *pool)
								     : NULL;
	if (!pool)
		return 0;
	values->pool = pool;
	return (uint32_t)++values->made;
}

bool outcome_values_add(struct outcome_values *values, size_t slot, const struct outcome_value *value)
{
	assert(slot < UINT32_MAX && value->metric <= UINT16_MAX);
	const uint32_t key = (uint32_t)slot + 1;
	if (2 * (values->used + 1) > values->place_count && !places_grow(values))
		return false;
	const uint32_t number = value_make(values);
	if (number == 0)
		return false;
	struct values_place *place = place_find(values->places, values->place_count, key);
	values->used += place->slot == 0;
	values->pool[number - 1] = (struct waiting_outcome){value->value, place->first, (uint16_t)value->metric, value->of_unit};
	*place = (struct values_place){key, number};
	values->of_units += value->of_unit;
	return true;
}

void outcome_values_take(struct outcome_values *values, size_t slot, void (*take)(void *context, const struct outcome_value *value),
			 void *context)
{
	if (values->used == 0)
		return;
	struct values_place *place = place_find(values->places, values->place_count, (uint32_t)slot + 1);
	uint32_t number = place->first;
	if (place->slot == 0)
		return;
	place_free(values, place);
	while (number != 0) {
		struct waiting_outcome *waiting = &values->pool[number - 1];
		const struct outcome_value value = {waiting->metric, waiting->value, waiting->of_unit};
		const uint32_t next = waiting->next;
		waiting->next = values->spare;
		values->spare = number;
		values->of_units -= waiting->of_unit;
		number = next;
		take(context, &value);
	}
}

size_t outcome_values_of_units(const struct outcome_values *values)
{
	return values->of_units;
}
