/* unit_numbers.c: see unit_numbers.h. */
#include "experiments/unit_numbers.h"

#include <math.h>

bool unit_numbers_open(struct unit_numbers *numbers, const struct analysis_input *input, enum per_unit per_unit, bool covariate,
		       struct arena *arena)
{
	const size_t cells = input->arms * (input->epochs + 1);
	*numbers = (struct unit_numbers){.input = input,
					 .per_unit = per_unit,
					 .units = ARENA_ARRAY(arena, struct unit_values, input->unit_count + 1),
					 .sums = ARENA_ARRAY(arena, struct arm_sums, cells)};
	if (covariate && per_unit != PER_UNIT_RATIO)
		numbers->cuped = ARENA_ARRAY(arena, struct cuped_sums, cells);
	return !arena_failed(arena);
}

static struct arm_sums *numbers_sums(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	return &numbers->sums[epoch * numbers->input->arms + arm];
}

static const struct cuped_sums *numbers_cuped(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	return &numbers->cuped[epoch * numbers->input->arms + arm];
}

/* Where the unit's number is beside the covariate. */
static struct arm_sums *numbers_beside(const struct unit_numbers *numbers, const struct analysis_unit *unit)
{
	struct cuped_sums *sums = &numbers->cuped[unit->epoch * numbers->input->arms + unit->arm];
	return isfinite(unit->covariate) ? &sums->known : &sums->lacking;
}

static double unit_number(const struct unit_numbers *numbers, const struct unit_values *unit)
{
	return numbers->per_unit == PER_UNIT_MEAN ? unit->sum / unit->count : unit->sum;
}

bool unit_numbers_add(struct unit_numbers *numbers, const struct analysis_value *value)
{
	const struct analysis_unit *unit = &numbers->input->units[value->unit];
	struct unit_values *known = &numbers->units[value->unit];
	struct arm_sums *sums = numbers_sums(numbers, unit->epoch, unit->arm);
	struct arm_sums *beside = numbers->cuped ? numbers_beside(numbers, unit) : NULL;
	const double covariate = isfinite(unit->covariate) ? unit->covariate : 0;
	const struct unit_values former = *known;
	known->counts = true;
	known->sum += value->enters ? 0 : value->value;
	known->count += !value->enters;
	const double number = unit_number(numbers, known);
	if (!former.counts) {
		arm_sums_add(sums, number, known->count);
		if (beside)
			arm_sums_add(beside, number, covariate);
		return true;
	}
	const double before = unit_number(numbers, &former);
	arm_sums_replace(sums, (struct arm_unit){before, former.count}, (struct arm_unit){number, known->count});
	if (beside)
		arm_sums_replace(beside, (struct arm_unit){before, covariate}, (struct arm_unit){number, covariate});
	return false;
}

uint64_t unit_numbers_count(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	return numbers_sums(numbers, epoch, arm)->count;
}

struct moments unit_numbers_arm(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	const struct arm_sums *sums = numbers_sums(numbers, epoch, arm);
	return numbers->per_unit == PER_UNIT_RATIO ? arm_sums_ratio_moments(sums) : arm_sums_values(sums);
}

struct moments unit_numbers_adjusted(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	return numbers->cuped ? cuped_adjust_arm(numbers_cuped(numbers, epoch, 0), numbers->input->arms, arm)
			      : unit_numbers_arm(numbers, epoch, arm);
}

struct cuped unit_numbers_pair(const struct unit_numbers *numbers, size_t epoch, size_t treatment)
{
	const size_t control = numbers->input->control;
	if (numbers->cuped)
		return cuped_adjust_filled(numbers_cuped(numbers, epoch, control), numbers_cuped(numbers, epoch, treatment));
	return (struct cuped){.control = unit_numbers_arm(numbers, epoch, control),
			      .treatment = unit_numbers_arm(numbers, epoch, treatment)};
}

uint64_t unit_numbers_lacking(const struct unit_numbers *numbers, size_t epoch, size_t treatment)
{
	if (!numbers->cuped)
		return 0;
	return numbers_cuped(numbers, epoch, numbers->input->control)->lacking.count +
	       numbers_cuped(numbers, epoch, treatment)->lacking.count;
}
