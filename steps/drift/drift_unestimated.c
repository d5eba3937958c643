/* drift_unestimated.c: see drift_unestimated.h. */
#include "steps/drift/drift_unestimated.h"

#include <math.h>

#include "base/quote.h"

static bool is_within(double number, double most)
{
	return number >= 0 && number <= most;
}

/* The reason why a row of probabilities is not in the estimate; UNESTIMATED_REASONS: it is. */
static enum unestimated_reason chances_reason(const struct drift_chances *chances, size_t row)
{
	struct performance performance = {0};
	if (!chances->tensor)
		return UNESTIMATED_LACKING;
	for (size_t i = 0; i < chances->classes; i++)
		if (!is_within(tensor_number(chances->tensor, row * chances->classes + i), 1))
			return UNESTIMATED_OUTSIDE;
	drift_chances_judge(chances, row, &performance);
	return performance.rows > 0 ? UNESTIMATED_REASONS : UNESTIMATED_SUM;
}

static enum unestimated_reason errors_reason(const struct drift_chances *chances, size_t row)
{
	if (!chances->errors)
		return UNESTIMATED_LACKING;
	return is_within(tensor_number(chances->errors, row), EXPECTED_ERROR_MAX) ? UNESTIMATED_REASONS : UNESTIMATED_OUTSIDE;
}

void drift_unestimated_add(struct drift_unestimated *sums, const struct drift_chances *chances, size_t row)
{
	const bool regressor = chances->options->error.here.line > 0;
	const enum unestimated_reason reason = (regressor ? errors_reason : chances_reason)(chances, row);
	sums->rows++;
	if (reason < UNESTIMATED_REASONS)
		sums->unused[reason]++;
}

uint64_t drift_unestimated_count(const struct drift_unestimated *sums)
{
	uint64_t count = 0;
	for (size_t i = 0; i < UNESTIMATED_REASONS; i++)
		count += sums->unused[i];
	return count;
}

static const char *tensor_of(const struct drift_estimate_options *options)
{
	return options->error.here.line > 0 ? options->error.expected.text : options->probabilities.text;
}

void drift_unestimated_say(const struct drift_unestimated *sums, const struct drift_estimate_options *options, struct buffer *out)
{
	const bool regressor = options->error.here.line > 0;
	const char *const words[UNESTIMATED_REASONS] = {[UNESTIMATED_LACKING] = "lack the tensor",
							[UNESTIMATED_OUTSIDE] = regressor ? "have no error from 0 to 1e100 in"
											  : "have no probability from 0 to 1 in",
							[UNESTIMATED_SUM] = "have probabilities that are not 1 together in"};
	const char *before = ":";
	buffer_print(out, "%llu of %llu rows are in the estimate", (unsigned long long)(sums->rows - drift_unestimated_count(sums)),
		     (unsigned long long)sums->rows);
	for (size_t i = 0; i < UNESTIMATED_REASONS; i++) {
		if (sums->unused[i] == 0)
			continue;
		buffer_print(out, "%s %llu %s `", before, (unsigned long long)sums->unused[i], words[i]);
		buffer_shown(out, text_of(tensor_of(options)));
		buffer_byte(out, '`');
		before = ",";
	}
}

const char *drift_unestimated_why(const struct drift_estimate_options *options, struct arena *arena)
{
	const bool regressor = options->error.here.line > 0;
	return arena_print(
		arena, "no row is in the estimate, since messages lack the tensor `%s`, or it has no %s", tensor_of(options),
		regressor ? "errors from 0 to 1e100" : "probabilities: numbers from 0 to 1, of several classes 1 together");
}
