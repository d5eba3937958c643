/* drift_quality.c: Family `drift_quality`: rows of a stream at which the change detector raises an alarm. */
#include "compute/values.h"
#include "methods/drift/change/change.h"

#define REFERENCE_ROWS 400
#define FALSE_ALARMS 0.5	 /* a thousand rows */
#define FALSE_ALARMS_LEAST 0.001 /* what a rate of 0 stands for: of tools that were never seen to raise one */

/* Rows of a case: lists of numbers, or numbers where there is one column. */
static bool quality_rows_read(const struct compute_case *one, struct table *rows, struct error *error)
{
	const json_t *list = json_object_get(one->input, "rows");
	if (json_is_array(json_array_get(list, 0))) {
		struct compute_table table;
		if (!compute_table(one, one->input, "rows", &table, error))
			return false;
		*rows = (struct table){table.rows, table.columns, table.items};
		return true;
	}
	struct compute_row row;
	if (!compute_row(one, one->input, "rows", &row, error))
		return false;
	*rows = (struct table){row.count, 1, row.items};
	return true;
}

static json_t *quality_alarms(struct change_detector *detector, const struct table *rows, size_t from)
{
	json_t *alarms = json_array();
	for (size_t i = from; i < rows->rows; i++)
		if (change_add(detector, rows->values + i * rows->columns, NULL))
			json_array_append_new(alarms, json_integer((json_int_t)i));
	return alarms;
}

static json_t *quality_run(const struct compute_case *one, struct error *error)
{
	struct table rows;
	double references = compute_number_or(one->params, "reference_rows", REFERENCE_ROWS, error);
	double rate = compute_number_or(one->params, "rate", FALSE_ALARMS, error);
	if (error->kind != ERROR_NONE || !quality_rows_read(one, &rows, error))
		return NULL;
	if (!(references >= 0 && references <= (double)rows.rows)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`reference_rows` is %g of %zu rows; give a number of them", references,
			  rows.rows);
		return NULL;
	}
	struct table reference = {(size_t)references, rows.columns, rows.values};
	struct change_detector *detector =
		change_open(one->arena, &reference, rate == 0 ? FALSE_ALARMS_LEAST : rate, error);
	if (!detector)
		return NULL;
	json_t *result = json_object();
	compute_put(result, "alarms", quality_alarms(detector, &rows, reference.rows), error);
	return compute_made(result, error);
}

static const struct compute_method quality_methods[] = {
	{"change", "of `rows` the first `reference_rows` are the reference; scores by rank of location, scale, shape and "
	 "dependence, summed over "
		   "windows of 3 to 256 rows, each with the level that chance crosses at its part of `rate` (false alarms a "
			   "thousand rows)"},
	{NULL, NULL},
};

const struct compute_family compute_drift_quality = {
	.name = "drift_quality",
	.summary = "at which rows of a stream the change detector raises an alarm",
	.methods = quality_methods,
	.parameters = "rate reference_rows",
	.run = quality_run,
};
