/* window_functions.c: Functions over a window; see window_functions.h. */
#include "steps/windows/window_functions.h"

#include <math.h>
#include <string.h>

#include "methods/numeric/quantile.h"
#include "methods/numeric/summary.h"

static double answer_count(const struct window_element *element)
{
	return (double)summary_count(element->summary);
}

static double answer_sum(const struct window_element *element)
{
	return summary_sum(element->tracks, element->summary);
}

static double answer_mean(const struct window_element *element)
{
	return summary_mean(element->tracks, element->summary);
}

static double answer_var(const struct window_element *element)
{
	return summary_variance(element->tracks, element->summary, 1);
}

static double answer_std(const struct window_element *element)
{
	return sqrt(answer_var(element));
}

static double answer_pvar(const struct window_element *element)
{
	return summary_variance(element->tracks, element->summary, 0);
}

static double answer_pstd(const struct window_element *element)
{
	return sqrt(answer_pvar(element));
}

static double answer_min(const struct window_element *element)
{
	return summary_least(element->tracks, element->summary);
}

static double answer_max(const struct window_element *element)
{
	return summary_greatest(element->tracks, element->summary);
}

static double answer_norm(const struct window_element *element)
{
	return summary_norm(element->tracks, element->summary);
}

static double answer_first(const struct window_element *element)
{
	return summary_first(element->tracks, element->summary);
}

static double answer_last(const struct window_element *element)
{
	return summary_last(element->tracks, element->summary);
}

static double answer_quantile(const struct window_element *element)
{
	return quantile_sorted(element->sorted, element->count, element->q, QUANTILE_LINEAR);
}

static double answer_distinct(const struct window_element *element)
{
	size_t distinct = element->count > 0;
	for (size_t i = 1; i < element->count; i++)
		distinct += element->sorted[i] != element->sorted[i - 1];
	return (double)distinct;
}

static double answer_approx_quantile(const struct window_element *element)
{
	return summary_quantile(element->tracks, element->summary, element->q);
}

static double answer_approx_distinct(const struct window_element *element)
{
	return summary_distinct(element->tracks, element->summary);
}

/* The functions over a window, by name. */
static const struct window_function functions[] = {
	{"count", answer_count, 0, ANSWER_WHOLE, false},
	{"sum", answer_sum, SUMMARY_SUM, ANSWER_SUM, false},
	{"mean", answer_mean, SUMMARY_SUM, ANSWER_FLOAT, false},
	{"std", answer_std, SUMMARY_SPREAD, ANSWER_FLOAT, false},
	{"var", answer_var, SUMMARY_SPREAD, ANSWER_FLOAT, false},
	{"pstd", answer_pstd, SUMMARY_SPREAD, ANSWER_FLOAT, false},
	{"pvar", answer_pvar, SUMMARY_SPREAD, ANSWER_FLOAT, false},
	{"min", answer_min, SUMMARY_LEAST, ANSWER_ALIKE, false},
	{"max", answer_max, SUMMARY_LEAST, ANSWER_ALIKE, false},
	{"norm", answer_norm, SUMMARY_SQUARES, ANSWER_FLOAT, false},
	{"first", answer_first, SUMMARY_ENDS, ANSWER_GIVEN, false},
	{"last", answer_last, SUMMARY_ENDS, ANSWER_GIVEN, false},
	{"median", answer_quantile, 0, ANSWER_FLOAT, true},
	{"quantile", answer_quantile, 0, ANSWER_FLOAT, true},
	{"distinct", answer_distinct, 0, ANSWER_WHOLE, true},
	{"approx_quantile", answer_approx_quantile, SUMMARY_QUANTILES, ANSWER_FLOAT, false},
	{"approx_distinct", answer_approx_distinct, SUMMARY_DISTINCT, ANSWER_WHOLE, false},
};

const struct window_function *window_function_find(const char *name)
{
	const struct window_function *function = functions;
	while (strcmp(function->name, name) != 0)
		function++;
	return function;
}
