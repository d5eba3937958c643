/* drift_remarks.c: see drift_remarks.h. */
#include "steps/drift_remarks.h"

#include <assert.h>
#include <math.h>

const char *drift_reference_unjudged(const struct drift_reference *reference)
{
	static_assert(DRIFT_VALUES_MIN == 50, "the number is in the text");
	return reference->rows == 0 || drift_reference_compares(reference)
		       ? NULL
		       : "every feature has fewer than 50 values there, so only missing values are judged";
}

const char *drift_reference_remark(const struct drift_reference *reference, struct arena *arena)
{
	size_t blind = 0, first = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		if (!drift_feature_is_compared(&reference->features[i], reference->rows) && blind++ == 0)
			first = i;
	if (blind == 0)
		return NULL;
	return arena_print(arena,
			   "%zu of %zu features have fewer than %d values in the reference: only their missing values are judged, "
			   "and no drift is found in them; the first is `" TEXT_FORMAT "`",
			   blind, reference->feature_count, DRIFT_VALUES_MIN, TEXT_ARGUMENTS(reference->features[first].name));
}

/* Whether its values are all equal, `value` says to which. Texts that are none of the commonest may differ. */
static bool is_constant(const struct drift_feature *feature, size_t rows, double *value)
{
	*value = (double)NAN;
	for (size_t i = 0; i < rows; i++) {
		if (isnan(feature->values[i]))
			continue;
		if (!isnan(*value) && feature->values[i] != *value)
			return false;
		*value = feature->values[i];
	}
	if (!drift_feature_is_compared(feature, rows))
		return false;
	return feature->categories ? !feature->open || *value + 1 < (double)feature->category_count
				   : feature->least == feature->greatest;
}

const char *drift_constants_remark(const struct drift_reference *reference, struct arena *arena)
{
	size_t some = 0, first = 0;
	double value, always = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		if (is_constant(&reference->features[i], reference->rows, &value) && some++ == 0) {
			first = i;
			always = value;
		}
	if (some == 0)
		return NULL;
	const struct drift_feature *feature = &reference->features[first];
	const char *number = arena_print(arena, "%.6g", always);
	const struct text shown = feature->categories ? feature->category_names[(size_t)always] : text_of(number ? number : "");
	return arena_print(arena,
			   "%zu of %zu features have a single value in the reference: a window is judged by how many of its values "
			   "are another one, however near that is; the first is `" TEXT_FORMAT "`, always " TEXT_FORMAT,
			   some, reference->feature_count, TEXT_ARGUMENTS(feature->name), TEXT_ARGUMENTS(shown));
}

/* To two digits; in print, %.2g would give those of a large number an exponent. */
static double two_digits_of(double number)
{
	const double unit = pow(10, floor(log10(number)) - 1);
	return round(number / unit) * unit;
}

#define LOST_SELDOM 1e-5 /* of windows: so few alarms more are of no account */

const char *drift_lost_remark(const struct drift_reference *reference, const struct monitor_settings *settings, struct arena *arena)
{
	size_t some = 0, most = 0;
	double chance = 0;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const double own = monitor_lost_chance(reference, i, settings);
		some += own > LOST_SELDOM;
		most = own > chance ? i : most;
		chance = own > chance ? own : chance;
	}
	if (some == 0)
		return NULL;
	return arena_print(
		arena,
		"%zu of %zu features are missing in runs, too few to know how long these become. A window that lacks nine "
		"tenths of such a feature has an alarm of quality beyond `falseAlarms`: without a loss about one window in "
		"%.6g for `" TEXT_FORMAT "`, which has the most",
		some, reference->feature_count, two_digits_of(1 / chance), TEXT_ARGUMENTS(reference->features[most].name));
}
