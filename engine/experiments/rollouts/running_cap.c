/* running_cap.c: see running_cap.h. */
#include "experiments/rollouts/running_cap.h"

#include <assert.h>
#include <math.h>

#include "base/memory.h"
#include "experiments/rollouts/cap_limits.h"
#include "methods/statistics/sequence.h"
#include "compiler/step/assignment.h"

#define ROOM_AT_FIRST 256

struct running_cap {
	double cap;
	bool known;
	bool has_common; /* each arm has its units: it is known whether a value is common */
	struct cap_limits limits;
	size_t others; /* values that differ from the common one */
	size_t count, room;
	struct waiting_value *values;
	uint64_t units[ASSIGNMENT_WAYS_MAX]; /* of each arm */
};

struct running_cap *running_cap_open(double cap)
{
	assert(cap > 0.5 && cap < 1);
	struct running_cap *made = memory_take(1, sizeof *made);
	if (made) {
		made->cap = cap;
		made->limits = CAP_LIMITS_NONE;
	}
	return made;
}

void running_cap_close(struct running_cap *cap)
{
	if (cap)
		memory_give(cap->values);
	memory_give(cap);
}

bool running_cap_is_known(const struct running_cap *cap)
{
	return cap->known;
}

/* False: there is no space for another value. */
static bool room_make(struct running_cap *cap)
{
	struct waiting_value *grown = cap->count < RUNNING_CAP_VALUES_MAX
					      ? memory_grow(cap->values, cap->count, &cap->room, ROOM_AT_FIRST, sizeof *grown)
					      : NULL;
	cap->values = grown ? grown : cap->values;
	return grown;
}

static bool units_are_enough(const struct running_cap *cap)
{
	bool over = true;
	for (size_t i = 0; i < ASSIGNMENT_WAYS_MAX; i++)
		over = over && (cap->units[i] == 0 || cap->units[i] >= BURN_IN_UNITS);
	return over;
}

/* NULL: memory ran out. */
static double *numbers_copy(const struct running_cap *cap)
{
	double *numbers = memory_take_raw(cap->count * sizeof *numbers);
	for (size_t i = 0; numbers && i < cap->count; i++)
		numbers[i] = cap->values[i].value;
	return numbers;
}

/* Finds the common value once, when the units are enough. */
static void cap_find_common(struct running_cap *cap)
{
	double *numbers = numbers_copy(cap);
	cap->has_common = true;
	if (numbers)
		cap->limits.common = cap_common(numbers, cap->count);
	for (size_t i = 0; i < cap->count; i++)
		cap->others += cap->values[i].value != cap->limits.common;
	memory_give(numbers);
}

/* Without memory nothing is capped. */
static void cap_freeze(struct running_cap *cap)
{
	if (!cap->has_common)
		cap_find_common(cap);
	double *numbers = numbers_copy(cap);
	cap->known = true;
	if (numbers)
		cap->limits = cap_limits_of(numbers, cap->count, cap->cap, cap->limits.common);
	memory_give(numbers);
}

/* Whether the burn-in has ended with the newest value. */
static bool burn_in_ends(struct running_cap *cap)
{
	if (!cap->has_common && !units_are_enough(cap))
		return false;
	if (cap->has_common)
		cap->others += cap->values[cap->count - 1].value != cap->limits.common;
	else
		cap_find_common(cap);
	return isnan(cap->limits.common) || cap->others >= CAP_OTHERS_LEAST;
}

bool running_cap_wait(struct running_cap *cap, const struct waiting_value *value)
{
	assert(!cap->known && value->arm < ASSIGNMENT_WAYS_MAX);
	if (!room_make(cap)) {
		/* Without memory even the first value is lost, and the next one tries again. */
		if (cap->count > 0)
			cap_freeze(cap);
		return cap->known;
	}
	cap->values[cap->count++] = *value;
	cap->units[value->arm] += value->is_first;
	if (burn_in_ends(cap) || cap->count == RUNNING_CAP_VALUES_MAX)
		cap_freeze(cap);
	return cap->known;
}

void running_cap_give(struct running_cap *cap, void (*give)(void *context, const struct waiting_value *value), void *context)
{
	assert(cap->known);
	for (size_t i = 0; i < cap->count; i++) {
		struct waiting_value value = cap->values[i];
		value.value = running_cap_apply(cap, value.value);
		give(context, &value);
	}
	memory_give(cap->values);
	cap->values = NULL;
	cap->count = cap->room = 0;
}

double running_cap_apply(const struct running_cap *cap, double value)
{
	assert(cap->known);
	return cap_limits_apply(&cap->limits, value);
}
