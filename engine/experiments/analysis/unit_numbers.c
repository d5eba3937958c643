/* unit_numbers.c: see unit_numbers.h. */
#include "experiments/analysis/unit_numbers.h"

static double nearer_to_0(double number, double other)
{
	return fabs(number) < fabs(other) ? number : other;
}

/* The value and the covariate that are nearest to 0: without them, no number is more than twice as large as it was, whatever others
 * are. Sums and ratios are of no number that all units have alike. */
static struct arm_unit numbers_origin(const struct analysis_input *input, bool of_values, bool of_covariates)
{
	struct arm_unit origin = {of_values ? INFINITY : 0, of_covariates ? INFINITY : 0};
	for (size_t i = 0; of_values && i < input->value_count; i++)
		origin.value = nearer_to_0(input->values[i].value, origin.value);
	for (size_t i = 0; of_covariates && i < input->unit_count; i++)
		origin.beside = nearer_to_0(input->units[i].covariate, origin.beside);
	return (struct arm_unit){isfinite(origin.value) ? origin.value : 0, isfinite(origin.beside) ? origin.beside : 0};
}

bool unit_numbers_open(struct unit_numbers *numbers, const struct analysis_input *input, enum per_unit per_unit, bool covariate,
		       bool rates, struct arena *arena)
{
	const size_t cells = input->arms * (input->epochs + 1);
	*numbers = (struct unit_numbers){.input = input,
					 .per_unit = per_unit,
					 .origin = numbers_origin(input, per_unit == PER_UNIT_MEAN && !rates, covariate),
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
	const double covariate = isfinite(unit->covariate) ? unit->covariate - numbers->origin.beside : 0;
	const struct unit_values former = *known;
	known->counts = true;
	known->sum += value->enters ? 0 : value->value - numbers->origin.value;
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

static struct moments numbers_whole(const struct unit_numbers *numbers, struct moments moments)
{
	moments.mean += moments.count > 0 ? numbers->origin.value : 0;
	return moments;
}

struct moments unit_numbers_arm(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	const struct arm_sums *sums = numbers_sums(numbers, epoch, arm);
	return numbers->per_unit == PER_UNIT_RATIO ? arm_sums_ratio_moments(sums) : numbers_whole(numbers, arm_sums_values(sums));
}

struct moments unit_numbers_adjusted(const struct unit_numbers *numbers, size_t epoch, size_t arm)
{
	return numbers->cuped
		       ? numbers_whole(numbers, cuped_adjust_arm(numbers_cuped(numbers, epoch, 0), numbers->input->arms, arm))
		       : unit_numbers_arm(numbers, epoch, arm);
}

struct cuped unit_numbers_pair(const struct unit_numbers *numbers, size_t epoch, size_t treatment)
{
	const size_t control = numbers->input->control;
	if (numbers->cuped) {
		struct cuped both =
			cuped_adjust_filled(numbers_cuped(numbers, epoch, control), numbers_cuped(numbers, epoch, treatment));
		both.control = numbers_whole(numbers, both.control);
		both.treatment = numbers_whole(numbers, both.treatment);
		both.middle += numbers->origin.beside;
		return both;
	}
	return (struct cuped){.control = unit_numbers_arm(numbers, epoch, control),
			      .treatment = unit_numbers_arm(numbers, epoch, treatment)};
}

/* Of a unit from the mean of its arm; of a ratio that of its part. */
static double unit_away(const struct unit_numbers *numbers, const struct unit_values *unit, const struct arm_sums *sums)
{
	return numbers->per_unit == PER_UNIT_RATIO ? (unit->sum - arm_sums_ratio(sums) * unit->count) / sums->beside_mean
						   : unit_number(numbers, unit) - sums->mean;
}

static bool unit_is_of_pair(const struct unit_numbers *numbers, size_t index, const struct pair_epoch *epochs, size_t treatment)
{
	const struct analysis_unit *unit = &numbers->input->units[index];
	return numbers->units[index].counts && epochs[unit->epoch].share > 0 &&
	       (unit->arm == treatment || unit->arm == numbers->input->control);
}

double unit_numbers_skewness(const struct unit_numbers *numbers, const struct pair_epoch *epochs, size_t treatment)
{
	double squares = 0, cubes = 0, count = 0;
	for (int turn = 0; turn < 2; turn++) { /* cubes of deviations, so that no unit of the values makes them infinite */
		const double deviation = sqrt(squares / count);
		for (size_t i = 0; i < numbers->input->unit_count; i++) {
			const struct analysis_unit *unit = &numbers->input->units[i];
			if (!unit_is_of_pair(numbers, i, epochs, treatment))
				continue;
			const double away = unit_away(numbers, &numbers->units[i], numbers_sums(numbers, unit->epoch, unit->arm));
			count += turn == 0;
			squares += turn == 0 ? away * away : 0;
			cubes += turn == 1 ? away / deviation * (away / deviation) * (away / deviation) : 0;
		}
	}
	return cubes / count;
}

uint64_t unit_numbers_lacking(const struct unit_numbers *numbers, size_t epoch, size_t treatment)
{
	if (!numbers->cuped)
		return 0;
	return numbers_cuped(numbers, epoch, numbers->input->control)->lacking.count +
	       numbers_cuped(numbers, epoch, treatment)->lacking.count;
}
