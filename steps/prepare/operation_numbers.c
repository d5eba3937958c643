/* operation_numbers.c: Operations of preprocess that change numbers in place, and the learning of their constants. */
#include <math.h>

#include "methods/numeric/imputing.h"
#include "methods/numeric/power.h"
#include "methods/numeric/ranks.h"
#include "methods/numeric/scaling.h"
#include "steps/prepare/operations.h"

#define IMPUTE_CONSTANT (IMPUTE_MOST_FREQUENT + 1)

static bool no_constants(const char *kind, const char *what, struct place place, struct error *error)
{
	return error_set(error, ERROR_CONFIG, place,
			 "`%s` has no constants; write `%s`, or `fitted: FILE` of `sluice fit preprocess`", kind, what);
}

/* Space for one number a column, which the list gets; NULL: the arena is full. */
static double *list_make(struct number_list *list, size_t count, struct arena *arena)
{
	double *items = ARENA_ARRAY(arena, double, count + 1);
	*list = (struct number_list){items ? count : 0, items};
	return items;
}

bool constant_learnt(double constant, const char *kind, const struct table *table, size_t column, struct error *error)
{
	bool empty = true;
	if (__builtin_isfinite(constant))
		return true;
	for (size_t row = 0; row < table->rows; row++)
		empty = empty && __builtin_isnan(table->values[row * table->columns + column]);
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 empty ? "`%s` has nothing to learn from in column %zu: all of it is missing; leave it out by `columns`"
			       : "`%s` cannot learn from column %zu: its numbers are too large; `clip` them before it, or leave it "
				 "out by `columns`",
			 kind, column);
}

/* The same of one constant a column. */
static bool constants_learnt(const struct number_list *list, const char *kind, const struct table *table, struct error *error)
{
	for (size_t i = 0; i < list->count; i++)
		if (!constant_learnt(list->items[i], kind, table, i, error))
			return false;
	return true;
}

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "learning constants");
}

/* ---- clip, log1p ---- */

static bool clip_check(const void *options, struct place place, struct error *error)
{
	const struct operation_clip *self = options;
	if (!self->low_here.line && !self->high_here.line)
		return error_set(error, ERROR_CONFIG, place, "`clip` has no bound; write `low`, `high` or both");
	if (self->low_here.line && self->high_here.line && self->low > self->high)
		return error_set(error, ERROR_CONFIG, self->low_here, "`low` is above `high`; exchange them");
	return true;
}

static void clip_apply(const struct operation_instruction *instruction, const struct table *table)
{
	const struct operation_clip *self = instruction->options;
	scaling_clip(table, self->low_here.line ? self->low : -INFINITY, self->high_here.line ? self->high : INFINITY);
}

static void log1p_apply(const struct operation_instruction *instruction, const struct table *table)
{
	(void)instruction;
	for (size_t i = 0; i < table->rows * table->columns; i++)
		table->values[i] = log1p(table->values[i]);
}

/* ---- impute ---- */

static bool impute_check(const void *options, struct place place, struct error *error)
{
	const struct operation_impute *self = options;
	return self->values.count || no_constants("impute", "values", place, error);
}

static size_t impute_constants(const struct operation_instruction *instruction)
{
	return ((const struct operation_impute *)instruction->options)->values.count;
}

static void impute_apply(const struct operation_instruction *instruction, const struct table *table)
{
	const struct operation_impute *self = instruction->options;
	imputing_apply(table, self->values.items, self->values.count > 1);
}

static bool impute_fit(void *options, const struct cells *cells, struct arena *arena, struct error *error)
{
	struct operation_impute *self = options;
	if (self->by == IMPUTE_CONSTANT && self->values.count)
		return true;
	if (self->by == IMPUTE_CONSTANT)
		return no_constants("impute", "values", PLACE_NONE, error);
	double *values = list_make(&self->values, cells->numbers.columns, arena);
	if (!values || !imputing_fit(&cells->numbers, (enum imputing)self->by, values, arena))
		return out_of_memory(error);
	return constants_learnt(&self->values, "impute", &cells->numbers, error);
}

/* ---- scale ---- */

struct scale {
	bool each, stretches, clips;
	const double *center, *scale;
	double low, high;
};

static bool is_stretch(const struct number_list *list)
{
	return list->count == 0 || (list->count == 2 && numbers_rise(list));
}

static bool scale_settings(const void *options, struct place place, struct error *error)
{
	const struct operation_scale *self = options;
	if (!is_stretch(&self->range))
		return error_set(error, ERROR_CONFIG, place, "`range` is two numbers, the lower first");
	return is_stretch(&self->quantiles) ||
	       error_set(error, ERROR_CONFIG, place, "`quantiles` are two numbers, the lower first");
}

static bool scale_check(const void *options, struct place place, struct error *error)
{
	const struct operation_scale *self = options;
	if (!self->center.count && !self->scale.count)
		return no_constants("scale", "center` and `scale", place, error);
	if (self->center.count > 1 && self->scale.count > 1 && self->center.count != self->scale.count)
		return error_set(error, ERROR_CONFIG, place, "`scale` has %zu numbers in `center` and %zu in `scale`; give as many",
				 self->center.count, self->scale.count);
	if (!scale_settings(options, place, error))
		return false;
	if ((self->range.count || self->clip) && self->by != SCALE_MIN_MAX)
		return error_set(error, ERROR_CONFIG, place,
				 "`range` and `clip` belong to `by: min-max`; write that, or leave them out");
	return true;
}

static size_t scale_constants(const struct operation_instruction *instruction)
{
	const struct operation_scale *self = instruction->options;
	return self->center.count > self->scale.count ? self->center.count : self->scale.count;
}

static const double *list_spread(const struct number_list *list, size_t count, double absent, struct arena *arena)
{
	double *items = ARENA_ARRAY(arena, double, count + 1);
	for (size_t i = 0; items && i < count; i++)
		items[i] = list->count == 0 ? absent : list->items[list->count > 1 ? i : 0];
	return items;
}

static bool scale_make(const struct step *step, struct operation_instruction *instruction, struct arena *arena, struct error *error)
{
	const struct operation_scale *self = instruction->options;
	struct scale *made = ARENA_NEW(arena, struct scale);
	const size_t count = scale_constants(instruction);
	(void)step;
	if (!made)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	*made = (struct scale){.each = count > 1,
			       .stretches = self->range.count == 2,
			       .clips = self->clip,
			       .center = list_spread(&self->center, count, 0, arena),
			       .scale = list_spread(&self->scale, count, 1, arena),
			       .low = self->range.count ? self->range.items[0] : 0,
			       .high = self->range.count ? self->range.items[1] : 1};
	instruction->made = made;
	return true;
}

static void scale_apply(const struct operation_instruction *instruction, const struct table *table)
{
	const struct scale *made = instruction->made;
	scaling_apply(table, made->center, made->scale, made->each);
	if (made->stretches)
		scaling_stretch(table, made->low, made->high);
	if (made->clips)
		scaling_clip(table, made->low, made->high);
}

static bool scale_fit(void *options, const struct cells *cells, struct arena *arena, struct error *error)
{
	struct operation_scale *self = options;
	const struct table *table = &cells->numbers;
	double *center = list_make(&self->center, table->columns, arena), *scale = list_make(&self->scale, table->columns, arena);
	const double low = self->quantiles.count ? self->quantiles.items[0] : 25,
		     high = self->quantiles.count ? self->quantiles.items[1] : 75;
	if (!center || !scale)
		return out_of_memory(error);
	if (self->by == SCALE_STANDARD)
		scaling_fit_standard(table, center, scale);
	else if (self->by == SCALE_MIN_MAX)
		scaling_fit_min_max(table, center, scale);
	else if (self->by == SCALE_MAX_ABS)
		scaling_fit_max_abs(table, center, scale);
	else if (!scaling_fit_robust(table, low / 100, high / 100, center, scale, arena))
		return out_of_memory(error);
	return constants_learnt(&self->center, "scale", table, error) && constants_learnt(&self->scale, "scale", table, error);
}

/* ---- power ---- */

static bool power_check(const void *options, struct place place, struct error *error)
{
	const struct operation_power *self = options;
	return self->lambdas.count || no_constants("power", "lambdas", place, error);
}

static size_t power_constants(const struct operation_instruction *instruction)
{
	return ((const struct operation_power *)instruction->options)->lambdas.count;
}

static void power_run(const struct operation_instruction *instruction, const struct table *table)
{
	const struct operation_power *self = instruction->options;
	power_apply(table, (enum power)self->by, self->lambdas.items, self->lambdas.count > 1);
}

/* Powers rise, so that the ends of a column say whether they make one number of it. */
static bool power_keeps(const struct sorted *column, enum power by, double lambda, bool narrow)
{
	const double first = power_of(column->values[0], lambda, by),
		     last = power_of(column->values[column->count - 1], lambda, by);
	const bool varies = narrow ? (float)first < (float)last : first < last;
	return column->values[0] == column->values[column->count - 1] ||
	       (varies && __builtin_isfinite(first) && __builtin_isfinite(last));
}

static bool power_column(const struct operation_power *self, const struct cells *cells, size_t at, double *lambda,
			 struct arena *arena, struct error *error)
{
	const enum power by = (enum power)self->by;
	const struct sorted column = column_sorted(&cells->numbers, at, arena);
	if (!column.values || !power_fit(&column, by, lambda, arena))
		return out_of_memory(error);
	if (column.count == 0)
		return constant_learnt(NAN, "power", &cells->numbers, at, error);
	if (by == POWER_BOX_COX && column.values[0] <= 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`power` cannot learn from column %zu: Box-Cox needs numbers above 0, and its least is %g; write "
				 "`by: yeo-johnson`",
				 at, column.values[0]);
	return power_keeps(&column, by, *lambda, cells->narrow) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "`power` cannot learn from column %zu: the most likely lambda, %g, makes one number of all from %g to %g; "
			 "put `scale: {by: min-max, range: [1, 2]}` before it, or leave the column out by `columns`",
			 at, *lambda, column.values[0], column.values[column.count - 1]);
}

static const char *power_remark(const void *options, const struct cells *cells, struct arena *arena)
{
	const struct operation_power *self = options;
	for (size_t i = 0; self->by == POWER_BOX_COX && i < self->lambdas.count; i++) {
		const struct sorted column = column_sorted(&cells->numbers, i, arena);
		if (column.values && power_is_bounded(&column, self->lambdas.items[i]))
			return arena_print(arena,
					   "`power`: lambda of column %zu, %g, is where its powers leave the range of FP64; the "
					   "most likely one lies beyond: put a `scale` before it, or write `by: yeo-johnson`",
					   i, self->lambdas.items[i]);
	}
	return NULL;
}

static bool power_learn(void *options, const struct cells *cells, struct arena *arena, struct error *error)
{
	struct operation_power *self = options;
	double *lambdas = list_make(&self->lambdas, cells->numbers.columns, arena);
	for (size_t i = 0; lambdas && i < cells->numbers.columns; i++)
		if (!power_column(self, cells, i, &lambdas[i], arena, error))
			return false;
	return lambdas || out_of_memory(error);
}

/* ---- quantile ---- */

static bool quantile_check(const void *options, struct place place, struct error *error)
{
	const struct operation_quantile *self = options;
	const struct numbers_item *items = self->values.items;
	if (!self->values.count)
		return no_constants("quantile", "values", place, error);
	for (size_t i = 0; i < self->values.count; i++) {
		const struct number_list *list = &items[i].numbers;
		if (list->count == 0)
			return error_set(error, ERROR_CONFIG, place, "`values[%zu]` is empty; write the quantiles of that column",
					 i);
		for (size_t j = 1; j < list->count; j++)
			if (!(list->items[j - 1] <= list->items[j]))
				return error_set(error, ERROR_CONFIG, place,
						 "`values[%zu]` falls at its number %zu; quantiles rise", i, j);
	}
	return true;
}

static size_t quantile_constants(const struct operation_instruction *instruction)
{
	return ((const struct operation_quantile *)instruction->options)->values.count;
}

static void quantile_apply(const struct operation_instruction *instruction, const struct table *table)
{
	const struct operation_quantile *self = instruction->options;
	const struct numbers_item *items = self->values.items;
	const bool each = self->values.count > 1;
	double *at = table->values;
	for (size_t row = 0; row < table->rows; row++, at += table->columns)
		for (size_t i = 0; i < table->columns; i++) {
			const struct number_list *list = &items[each ? i : 0].numbers;
			at[i] = (self->to ? rank_normal : rank_of)(list->items, list->count, at[i]);
		}
}

static bool quantile_fit(void *options, const struct cells *cells, struct arena *arena, struct error *error)
{
	struct operation_quantile *self = options;
	const struct table *table = &cells->numbers;
	const size_t count = (size_t)self->size < table->rows ? (size_t)self->size : table->rows;
	struct numbers_item *items = ARENA_ARRAY(arena, struct numbers_item, table->columns + 1);
	for (size_t i = 0; items && i < table->columns; i++) {
		const struct sorted column = column_sorted(table, i, arena);
		double *quantiles = list_make(&items[i].numbers, count, arena);
		if (!column.values || !quantiles)
			return out_of_memory(error);
		ranks_fit(&column, quantiles, count);
		for (size_t j = 0; j < count; j++)
			if (!constant_learnt(quantiles[j], "quantile", table, i, error))
				return false;
	}
	self->values = (struct item_list){table->columns, items};
	return items || out_of_memory(error);
}

/* ---- normalise ---- */

static void normalise_apply(const struct operation_instruction *instruction, const struct table *table)
{
	rows_normalise(table, (enum norm)((const struct operation_normalise *)instruction->options)->by);
}

const struct operation_kind operations_on_numbers[] = {
	{.name = "clip", .on_columns = true, .check = clip_check, .apply = clip_apply},
	{.name = "log1p", .on_columns = true, .apply = log1p_apply},
	{.name = "impute",
	 .on_columns = true,
	 .check = impute_check,
	 .constants = impute_constants,
	 .fills = true,
	 .apply = impute_apply,
	 .fit = impute_fit},
	{.name = "scale",
	 .on_columns = true,
	 .settings = scale_settings,
	 .check = scale_check,
	 .make = scale_make,
	 .constants = scale_constants,
	 .apply = scale_apply,
	 .fit = scale_fit},
	{.name = "power",
	 .on_columns = true,
	 .check = power_check,
	 .constants = power_constants,
	 .apply = power_run,
	 .fit = power_learn,
	 .remark = power_remark},
	{.name = "quantile",
	 .on_columns = true,
	 .check = quantile_check,
	 .constants = quantile_constants,
	 .apply = quantile_apply,
	 .fit = quantile_fit},
	{.name = "normalise", .on_columns = true, .apply = normalise_apply},
	{0},
};
