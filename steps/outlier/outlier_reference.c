/* outlier_reference.c: see outlier_reference.h. */
#include "steps/outlier/outlier_reference.h"

#include <math.h>

#include "methods/outliers/isolation.h"
#include "steps/prepare/json_rows.h"

#define FORMAT "sluice_outlier/1"
#define WIDTH_MAX 65536 /* as of a model's row */
#define FOREST_BYTES_MAX ((size_t)128 << 20)
#define PERCENT 100.0
#define SHARE_USUAL 0.05 /* of a normal reference at most */
#define SEED 1 /* the same rows give the same forest */

/* What the file has. */
struct outlier_file {
	int by;
	int64_t rows, width;
	struct name_list columns;
	struct number_list median, factor, mean, covariance;
	const char *forest;
};

static const struct option file_rows[] = {
	ROW("by", CHOICE, struct outlier_file, by, .choices = OUTLIER_BY_NAMES),
	ROW("rows", INTEGER, struct outlier_file, rows, .least = OUTLIER_ROWS_MIN, .most = 1e15),
	ROW("width", INTEGER, struct outlier_file, width, .least = 1, .most = WIDTH_MAX),
	ROW("columns", NAMES, struct outlier_file, columns, .help = "Their names."),
	ROW("median", NUMBERS, struct outlier_file, median, .help = "Of each column."),
	ROW("factor", NUMBERS, struct outlier_file, factor,
	    .help = "What a distance from the median is multiplied by; 0: the column is not judged."),
	ROW("mean", NUMBERS, struct outlier_file, mean, .help = "Of each column."),
	ROW("covariance", NUMBERS, struct outlier_file, covariance, .help = "Its lower triangle."),
	ROW("forest", NODE, struct outlier_file, forest, .help = "An isolation forest."),
	{.type = OPTION_END},
};

/* "column 2 (`ask`)"; in the arena. */
static const char *outlier_column(struct name_list columns, size_t column, struct arena *arena)
{
	if (column < columns.count)
		return arena_print(arena, "column %zu (`%s`)", column, columns.items[column].text);
	return arena_print(arena, "column %zu", column);
}

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "learning what is usual");
}

/* ---- learning ---- */

/* A sum of squares beyond the range of a double has no variance. */
static bool is_measurable(double number)
{
	return isfinite(number) && fabs(number) < 1e150;
}

static bool learn_numbers(const struct outlier_rows *rows, struct arena *arena, struct outlier_file *file, const char **remark,
			  struct error *error)
{
	const struct table *table = &rows->table;
	double *median = ARENA_ARRAY(arena, double, table->columns), *factor = ARENA_ARRAY(arena, double, table->columns);
	size_t still = 0, first = 0;
	if (!median || !factor)
		return out_of_memory(error);
	for (size_t i = 0; i < table->columns; i++) {
		struct modified_z fitted;
		const struct sorted sorted = column_sorted(table, i, arena);
		if (!sorted.values)
			return out_of_memory(error);
		if (sorted.count < OUTLIER_ROWS_MIN)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "%s of the reference has %zu numbers, and %d or more are needed; give more rows, or leave "
					 "the column out",
					 outlier_column(rows->columns, i, arena), sorted.count, OUTLIER_ROWS_MIN);
		if (!modified_z_fit(&fitted, &sorted, arena))
			return out_of_memory(error);
		if (fitted.rule == SPREAD_NONE && still++ == 0)
			first = i;
		median[i] = fitted.median;
		factor[i] = fitted.factor;
	}
	if (still == table->columns)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no column of the reference varies, so no number is unusual; give another reference");
	if (still > 0)
		*remark = arena_print(arena, "%zu %s not vary, and %s not judged; the first is %s", still,
				      still == 1 ? "column does" : "columns do", still == 1 ? "is" : "are",
				      outlier_column(rows->columns, first, arena));
	file->median = (struct number_list){table->columns, median};
	file->factor = (struct number_list){table->columns, factor};
	return true;
}

/* Mean and covariance of the rows without a missing number. */
static bool covariance_learn(const struct outlier_rows *rows, struct arena *arena, struct covariance *covariance, size_t *left_out,
			     struct error *error)
{
	const struct table *table = &rows->table;
	if (!covariance_open(covariance, table->columns, arena))
		return out_of_memory(error);
	for (size_t i = 0; i < table->rows; i++) {
		const double *row = table->values + i * table->columns;
		bool whole = true;
		for (size_t j = 0; whole && j < table->columns; j++)
			whole = !isnan(row[j]);
		if (whole)
			covariance_add(covariance, row);
	}
	*left_out = table->rows - covariance->rows;
	return true;
}

static bool covariance_check(const struct outlier_rows *rows, const struct covariance *covariance, size_t left_out,
			     struct arena *arena, struct error *error)
{
	const size_t least = covariance->columns + 1 > OUTLIER_ROWS_MIN ? covariance->columns + 1 : OUTLIER_ROWS_MIN;
	struct mahalanobis fitted;
	struct error why = {0};
	if (covariance->rows < least)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the reference has %llu rows without a missing number (%zu with one), and a Mahalanobis distance "
				 "of %zu columns is learnt of %zu or more; give more rows",
				 (unsigned long long)covariance->rows, left_out, covariance->columns, least);
	for (size_t i = 0; i < covariance->columns; i++)
		if (!(covariance_of(covariance, i, i, 1) > 0))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "%s does not vary in the reference, so it has no place in a Mahalanobis distance; leave "
					 "the column out, or write `by: modified-z`",
					 outlier_column(rows->columns, i, arena));
	if (mahalanobis_fit(&fitted, covariance, 1, 0, arena, &why))
		return true;
	return why.kind == ERROR_CONFIG
		       ? error_set(error, ERROR_CONFIG, PLACE_NONE,
				   "columns of the reference follow from one another, so their covariance has no inverse; leave "
				   "some out, or write `by: isolation-forest`")
		       : out_of_memory(error);
}

static bool learn_rows(const struct outlier_rows *rows, struct arena *arena, struct outlier_file *file, const char **remark,
		       struct error *error)
{
	struct covariance covariance;
	size_t left_out = 0, count = 0;
	if (rows->table.columns > MAHALANOBIS_COLUMNS_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a Mahalanobis distance has at most %d columns, and these are %zu; leave columns out, or write "
				 "`by: isolation-forest`",
				 MAHALANOBIS_COLUMNS_MAX, rows->table.columns);
	if (!covariance_learn(rows, arena, &covariance, &left_out, error) ||
	    !covariance_check(rows, &covariance, left_out, arena, error))
		return false;
	double *triangle = ARENA_ARRAY(arena, double, covariance.columns * (covariance.columns + 1) / 2);
	if (!triangle)
		return out_of_memory(error);
	for (size_t i = 0; i < covariance.columns; i++)
		for (size_t j = 0; j <= i; j++)
			triangle[count++] = covariance_of(&covariance, i, j, 1);
	if (left_out > 0)
		*remark = arena_print(arena, "%zu row%s with a missing number %s left out", left_out, left_out == 1 ? "" : "s",
				      left_out == 1 ? "was" : "were");
	file->rows = (int64_t)covariance.rows;
	file->mean = (struct number_list){covariance.columns, covariance.mean};
	file->covariance = (struct number_list){count, triangle};
	return true;
}

static bool learn_forest(const struct outlier_rows *rows, struct arena *arena, struct outlier_file *file, const char **remark,
			 struct error *error)
{
	for (size_t i = 0; i < rows->table.columns; i++) {
		bool any = false;
		for (size_t j = 0; !any && j < rows->table.rows; j++)
			any = !isnan(rows->table.values[j * rows->table.columns + i]);
		if (!any)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s of the reference has no number; leave the column out",
					 outlier_column(rows->columns, i, arena));
	}
	const struct isolation_settings settings = {.trees = ISOLATION_TREES, .sample = ISOLATION_SAMPLE, .seed = SEED};
	struct buffer forest;
	buffer_open(&forest, FOREST_BYTES_MAX);
	const double limit = rows->limit > 0 ? rows->limit : ISOLATION_LIMIT_USUAL;
	double share = 0;
	const bool good = isolation_fit(&rows->table, &settings, &forest, error) &&
			  isolation_share(&rows->table, buffer_view(&forest), limit, &share, error);
	if (good)
		*remark = arena_print(arena, "%.3g%% of the reference are above the limit %.6g%s", PERCENT * share, limit,
				      share > SHARE_USUAL ? "; if most of it is normal, write a higher `limit`" : "");
	file->forest = good ? arena_copy(arena, forest.bytes, forest.length) : NULL;
	buffer_close(&forest);
	return !good || file->forest ? good : out_of_memory(error);
}

static bool rows_check(const struct outlier_rows *rows, struct arena *arena, struct error *error)
{
	const struct table *table = &rows->table;
	if (table->rows < OUTLIER_ROWS_MIN)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the reference has %zu rows, and %d or more are needed to know what is unusual; give more rows",
				 table->rows, OUTLIER_ROWS_MIN);
	if (table->columns < 1 || table->columns > WIDTH_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the rows of the reference have %zu numbers, and 1 to %d are "
		"allowed",
				 table->columns, WIDTH_MAX);
	for (size_t i = 0; i < table->rows * table->columns; i++)
		if (!isnan(table->values[i]) && !is_measurable(table->values[i]))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "%s of row %zu of the reference is %g, which is too large to learn from; leave the row "
					 "out, or leave the field empty",
					 outlier_column(rows->columns, i % table->columns, arena), i / table->columns,
					 table->values[i]);
	return true;
}

bool outlier_reference_learn(enum outlier_by by, const struct outlier_rows *rows, struct arena *arena, struct buffer *file,
			     const char **remark, struct error *error)
{
	struct outlier_file learnt = {.by = (int)by,
				      .rows = (int64_t)rows->table.rows,
				      .width = (int64_t)rows->table.columns,
				      .columns = rows->columns};
	*remark = NULL;
	if (!rows_check(rows, arena, error) || !(by == OUTLIER_MODIFIED_Z    ? learn_numbers(rows, arena, &learnt, remark, error)
						 : by == OUTLIER_MAHALANOBIS ? learn_rows(rows, arena, &learnt, remark, error)
									     : learn_forest(rows, arena, &learnt, remark, error)))
		return false;
	json_rows_write_file(file, FORMAT, file_rows, &learnt);
	return !buffer_failed(file) || error_set(error, ERROR_LIMIT, PLACE_NONE, "the reference is too large for a file");
}

/* ---- reading ---- */

static bool outlier_reference_refuse(const struct name *file, struct error *error, const char *why)
{
	return error_set(error, ERROR_CONFIG, file->place, "%s %s; make it again by `sluice fit outlier`", file->text, why);
}

/* Whether the list has a finite number for each of so many. */
static bool list_fits(const struct number_list *list, size_t count)
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_measurable(list->items[i]))
			return false;
	return list->count == count;
}

static bool read_numbers(const struct name *file, const struct outlier_file *from, struct arena *arena,
			 struct outlier_reference *reference, struct error *error)
{
	struct modified_z *numbers = ARENA_ARRAY(arena, struct modified_z, reference->width);
	if (!numbers)
		return out_of_memory(error);
	if (!list_fits(&from->median, reference->width) || !list_fits(&from->factor, reference->width))
		return outlier_reference_refuse(file, error, "has no `median` and `factor` for each column");
	for (size_t i = 0; i < reference->width; i++)
		numbers[i] = (struct modified_z){.median = from->median.items[i], .factor = from->factor.items[i]};
	reference->numbers = numbers;
	reference->limit = OUTLIER_LIMIT_Z;
	reference->cost = reference->width;
	return true;
}

static bool read_rows(const struct name *file, const struct outlier_file *from, struct arena *arena,
		      struct outlier_reference *reference, struct error *error)
{
	struct covariance covariance;
	struct error why = {0};
	const size_t width = reference->width;
	if (width > MAHALANOBIS_COLUMNS_MAX || !list_fits(&from->mean, width) ||
	    !list_fits(&from->covariance, width * (width + 1) / 2) || from->rows <= from->width)
		return outlier_reference_refuse(file, error, "has no `mean` and `covariance` of its columns, or too few rows");
	if (!covariance_open(&covariance, width, arena))
		return out_of_memory(error);
	covariance.rows = (uint64_t)from->rows;
	memcpy(covariance.mean, from->mean.items, width * sizeof *covariance.mean);
	for (size_t i = 0; i < from->covariance.count; i++)
		covariance.products[i] = from->covariance.items[i] * (double)(from->rows - 1);
	if (!mahalanobis_fit(&reference->distance, &covariance, 1, 0, arena, &why))
		return why.kind == ERROR_CONFIG ? outlier_reference_refuse(file, error, "has a `covariance` without an inverse")
						: out_of_memory(error);
	reference->limit = mahalanobis_limit((double)from->rows, (double)width);
	reference->cost = outlier_distance_cost(width);
	return true;
}

static bool read_forest(const struct name *file, struct text content, struct arena *arena, struct outlier_reference *reference,
			struct error *error)
{
	struct error why = {0};
	reference->forest = predictor_read(arena, content, ITERATIONS_BEST, &why);
	if (!reference->forest)
		return error_set(error, why.kind, file->place, "%s is no isolation forest: %s", file->text, why.text);
	const struct predictor_traits *traits = predictor_traits(reference->forest);
	if (strcmp(traits->format, "isolation_forest") != 0)
		return error_set(error, ERROR_CONFIG, file->place, "%s is a model of the format %s, and no isolation forest",
				 file->text, traits->format);
	if (reference->width > 0 && reference->width < traits->features)
		return outlier_reference_refuse(file, error, "has a `forest` that asks for more columns than its `width`");
	reference->wider = reference->width == 0 && traits->wider;
	reference->width = reference->width ? reference->width : traits->features;
	reference->limit = isnan(traits->limit) ? ISOLATION_LIMIT_USUAL : traits->limit;
	reference->cost = traits->steps;
	return true;
}

/* Whether it is a forest alone, as other programs write it. */
static bool is_forest(struct text content, struct arena *arena)
{
	struct json_scan scan;
	struct error unheard = {0};
	struct text key, format = {0};
	json_begin(&scan, content, "", arena, &unheard);
	if (json_peek(&scan) != JSON_OBJECT || !json_enter(&scan))
		return false;
	while (json_key(&scan, &key))
		if (text_is(key, "format") && json_peek(&scan) == JSON_STRING)
			json_text(&scan, &format);
		else
			json_skip(&scan);
	return json_end(&scan) && (format.length == 0 || text_is(format, "isolation_forest"));
}

bool outlier_reference_read(const struct name *file, struct text content, enum outlier_by by, struct arena *arena,
			    struct outlier_reference *reference, struct error *error)
{
	struct outlier_file from = {.by = -1};
	*reference = (struct outlier_reference){.by = by};
	content = text_unmarked(content);
	if (by == OUTLIER_FOREST && is_forest(content, arena))
		return read_forest(file, content, arena, reference, error);
	if (!json_rows_read_file(file, content, FORMAT, file_rows, arena, &from, error))
		return false;
	if (from.by != (int)by)
		return outlier_reference_refuse(file, error, "was made for another method than `by` of the step");
	if (from.rows == 0 || from.width == 0 || (from.columns.count && from.columns.count != (size_t)from.width))
		return outlier_reference_refuse(file, error, "has no `rows` and `width`, or other `columns` than these");
	reference->width = (size_t)from.width;
	reference->columns = from.columns;
	if (by == OUTLIER_MODIFIED_Z)
		return read_numbers(file, &from, arena, reference, error);
	if (by == OUTLIER_MAHALANOBIS)
		return read_rows(file, &from, arena, reference, error);
	return read_forest(file, text_of(from.forest ? from.forest : ""), arena, reference, error);
}

/* ---- scores ---- */

static double numbers_score(const struct outlier_reference *reference, const double *row)
{
	double most = NAN;
	for (size_t i = 0; i < reference->width; i++) {
		const double score = fabs(modified_z_score(&reference->numbers[i], row[i]));
		if (reference->numbers[i].factor > 0 && !(score <= most) && !isnan(score))
			most = score;
	}
	return most;
}

/* Infinite numbers may be subtracted from one another on the way; without a missing number, that is no missing distance. */
static double distance_score(const struct outlier_reference *reference, const double *row)
{
	const double score = mahalanobis_squared(&reference->distance, row);
	bool missing = false;
	if (!isnan(score))
		return score;
	for (size_t i = 0; i < reference->width; i++)
		missing = missing || isnan(row[i]);
	return missing ? NAN : INFINITY;
}

bool outlier_reference_score(const struct outlier_reference *reference, const double *rows, size_t width, size_t count,
			     struct arena *arena, double *scores)
{
	if (reference->by == OUTLIER_FOREST) {
		double *margins = arena_take_raw(arena, count * sizeof *margins);
		double *scratch = arena_take_raw(arena, predictor_scratch(reference->forest, count) * sizeof *scratch);
		if (!margins || !scratch)
			return false;
		predictor_margins(reference->forest, rows, width, count, margins, scratch);
		predictor_answers(reference->forest, margins, count, scores);
		for (size_t i = 0; i < count; i++)
			scores[i] = -scores[i];
	}
	for (size_t i = 0; i < count && reference->by != OUTLIER_FOREST; i++)
		scores[i] = reference->by == OUTLIER_MODIFIED_Z ? numbers_score(reference, rows + i * width)
								: distance_score(reference, rows + i * width);
	arena->work += count * reference->cost;
	return true;
}
