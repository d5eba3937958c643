/* value_caps.c: see value_caps.h. */
#include "experiments/analysis/value_caps.h"

#include <stdlib.h>

static int values_compare(const void *left, const void *right)
{
	const struct analysis_value *const *a = left, *const *b = right;
	if ((*a)->time_ms != (*b)->time_ms)
		return (*a)->time_ms < (*b)->time_ms ? -1 : 1;
	return (*a > *b) - (*a < *b);
}

/* How many of the values, by time, the burn-in has: until each arm has its units; all, if it never has. */
static size_t burn_in_count(const struct analysis_input *input, const struct analysis_value *const *by_time, size_t count,
			    bool *met)
{
	uint64_t units[ANALYSIS_ARMS_MAX] = {0};
	size_t ready = 0;
	for (size_t i = 0; i < count; i++) {
		const struct analysis_value *value = by_time[i];
		const uint32_t arm = input->units[value->unit].arm;
		units[arm] += !met[value->unit];
		ready += !met[value->unit] && units[arm] == BURN_IN_UNITS;
		met[value->unit] = true;
		if (ready == input->arms)
			return i + 1;
	}
	return count;
}

/* The same where one value is common: until CAP_OTHERS_LEAST others have come. */
static size_t others_count(const struct analysis_value *const *by_time, size_t count, size_t burn_in, double common)
{
	size_t others = 0;
	for (size_t i = 0; i < count && !isnan(common); i++) {
		others += by_time[i]->value != common;
		if (others >= CAP_OTHERS_LEAST && i + 1 >= burn_in)
			return i + 1;
	}
	return isnan(common) ? burn_in : count;
}

bool values_cap(struct analysis_input *input, double cap, struct arena *arena, struct value_cap *made)
{
	const size_t count = input->value_count;
	struct analysis_value *capped = ARENA_ARRAY(arena, struct analysis_value, count + 1);
	const struct analysis_value **by_time = ARENA_ARRAY(arena, const struct analysis_value *, count + 1);
	double *numbers = ARENA_ARRAY(arena, double, count + 1);
	bool *met = ARENA_ARRAY(arena, bool, input->unit_count + 1);
	if (!capped || !by_time || !numbers || !met)
		return false;
	size_t valued = 0;
	for (size_t i = 0; i < count; i++)
		if (!input->values[i].enters)
			by_time[valued++] = &input->values[i];
	if (valued == 0)
		return true;
	qsort(by_time, valued, sizeof *by_time, values_compare);
	made->asked = true;
	made->burn_in = burn_in_count(input, by_time, valued, met);
	for (size_t i = 0; i < made->burn_in; i++)
		numbers[i] = by_time[i]->value;
	const double common = cap_common(numbers, made->burn_in);
	made->burn_in = others_count(by_time, valued, made->burn_in, common);
	for (size_t i = 0; i < made->burn_in; i++)
		numbers[i] = by_time[i]->value;
	made->limits = cap_limits_of(numbers, made->burn_in, cap, common);
	memcpy(capped, input->values, count * sizeof *capped);
	for (size_t i = 0; i < count; i++) {
		const double value = capped[i].value;
		capped[i].value = capped[i].enters ? 0 : cap_limits_apply(&made->limits, value);
		made->capped += value != capped[i].value;
	}
	input->values = capped;
	return true;
}
