/* drift_rows.c: see drift_rows.h. */
#include "steps/drift/drift_rows.h"

#include <math.h>

#include "message/columns.h"
#include "methods/drift/mistyped.h"
#include "message/key.h"
#include "message/records/drift_score.h"
#include "steps/reference_rows.h"

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "reading features");
}

/* ---- lengths ---- */

#define LENGTHS_BEGIN "length("

const char *drift_lengths_name(const char *column, struct arena *arena)
{
	return arena_print(arena, LENGTHS_BEGIN "%s)", column);
}

struct text drift_column_of(struct text feature)
{
	const struct text begin = TEXT(LENGTHS_BEGIN);
	if (!text_starts_with(feature, begin) || !text_ends_with(feature, TEXT(")")))
		return feature;
	return (struct text){feature.bytes + begin.length, feature.length - begin.length - 1};
}

size_t drift_feature_of_lengths(const struct drift_reference *reference, size_t feature)
{
	const struct text name = reference->features[feature].name, texts = drift_column_of(name);
	for (size_t i = 0; i < feature && texts.length < name.length; i++)
		if (reference->features[i].categories && text_equal(reference->features[i].name, texts))
			return i;
	return feature;
}

/* ---- layouts ---- */

static bool shape_refuse(const struct tensor *tensor, struct arena *arena, struct error *error)
{
	return error_set_tensor(error, PLACE_NONE,
				"`" TEXT_FORMAT "` is %s, and rows have one or two dimensions; send [rows, columns]",
				TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor));
}

size_t drift_features_of(size_t columns, bool texts)
{
	if (texts || columns < PROJECTION_WIDTH_MIN)
		return columns;
	return columns <= PROJECTION_WIDTH_MAX ? PROJECTION_DIRECTIONS : 0;
}

static bool width_check(const struct drift_layout *layout, const struct tensor *tensor, size_t columns, size_t features,
			struct error *error)
{
	if (features == 0 && columns > 0)
		return error_set_tensor(error, PLACE_NONE,
					"`" TEXT_FORMAT
					"` has %zu columns, and %d are the most that can be watched; send fewer, or "
					"name other tensors by `tensors`",
					TEXT_ARGUMENTS(tensor->name), columns, PROJECTION_WIDTH_MAX);
	return layout->count + features <= DRIFT_FEATURES_MAX ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "with `" TEXT_FORMAT
			 "` of %zu columns the message has more than the %d features that can be watched: " DRIFT_FEATURES_WORDS,
			 TEXT_ARGUMENTS(tensor->name), columns, DRIFT_FEATURES_MAX);
}

/* The name of a feature of the tensor. NULL: the arena is full. */
static const char *feature_name(const struct drift_column *column, struct name_list names, struct arena *arena)
{
	const char *tensor = column->tensor.bytes;
	if (column->projection)
		return projection_feature(tensor, column->column, arena);
	if (column->columns == 1)
		return tensor;
	return names.count == column->columns ? arena_print(arena, "%s.%s", tensor, names.items[column->column].text)
					      : arena_print(arena, "%s.%zu", tensor, column->column);
}

static bool layout_add(struct drift_layout *layout, const struct tensor *tensor, struct arena *arena, struct error *error)
{
	struct row_shape shape;
	const struct name_list names = column_names(tensor, arena);
	const struct text name = text_of(arena_copy(arena, tensor->name.bytes, tensor->name.length));
	const bool texts = tensor->datatype == DATATYPE_BYTES;
	if (!row_shape_of(tensor, false, &shape))
		return shape_refuse(tensor, arena, error);
	const size_t features = drift_features_of(shape.columns, texts);
	const struct projection *projection = NULL;
	if (!width_check(layout, tensor, shape.columns, features, error))
		return false;
	if (features < shape.columns && !(projection = projection_open(arena, name, shape.columns)))
		return out_of_memory(error);
	for (size_t i = 0; i < features; i++) {
		struct drift_column *column = &layout->columns[layout->count++];
		*column = (struct drift_column){.tensor = name,
						.column = i,
						.columns = shape.columns,
						.texts = texts,
						.nameless = names.count == 0,
						.projection = projection};
		column->name = feature_name(column, names, arena);
		if (!column->name)
			return out_of_memory(error);
	}
	return true;
}

static bool layout_fill(struct drift_layout *layout, const struct payload *payload, const struct name_list *tensors, bool whole,
			struct arena *arena, struct error *error)
{
	*layout = (struct drift_layout){.columns = ARENA_ARRAY(arena, struct drift_column, DRIFT_FEATURES_MAX)};
	if (!layout->columns)
		return out_of_memory(error);
	for (size_t i = 0; i < tensors->count; i++) {
		const struct tensor *tensor = tensors_find(payload->tensors, text_of(tensors->items[i].text));
		if (!tensor && whole)
			return error_set(error, ERROR_INPUT, tensors->items[i].place,
					 "tensor `%s` is missing; send it, or for a CSV name its columns by --tensor",
					 tensors->items[i].text);
		if (tensor && !layout_add(layout, tensor, arena, error))
			return false;
	}
	for (size_t i = 0; tensors->count == 0 && i < payload->tensors.count; i++)
		if (payload->tensors.items[i]->datatype != DATATYPE_BYTES &&
		    !layout_add(layout, payload->tensors.items[i], arena, error))
			return false;
	return true;
}

bool drift_layout_make(struct drift_layout *layout, const struct payload *payload, const struct name_list *tensors,
		       struct arena *arena, struct error *error)
{
	if (!layout_fill(layout, payload, tensors, true, arena, error))
		return false;
	return layout->count > 0 ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the message has no numeric tensor; name the tensors by `tensors`");
}

bool drift_layout_of_present(struct drift_layout *layout, const struct payload *payload, const struct name_list *tensors,
			     struct arena *arena, struct error *error)
{
	return layout_fill(layout, payload, tensors, false, arena, error);
}

/* ---- rows ---- */

static bool type_fits(const struct drift_column *column, const struct tensor *tensor)
{
	return (tensor->datatype == DATATYPE_BYTES) == column->texts;
}

static bool tensor_lacks(const struct drift_column *column, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "tensor `" TEXT_FORMAT "` is missing; send it, or for a CSV name its columns by --tensor",
			 TEXT_ARGUMENTS(column->tensor));
}

/* Counts its rows, which are as many as those of other tensors. */
static bool rows_agree(const struct drift_column *column, const struct tensor *tensor, struct arena *arena, size_t *rows,
		       struct error *error)
{
	struct row_shape shape;
	if (!row_shape_of(tensor, column->columns == 1, &shape))
		return shape_refuse(tensor, arena, error);
	if (shape.columns != column->columns && type_fits(column, tensor))
		return error_set_tensor(error, PLACE_NONE, "`" TEXT_FORMAT "` has %zu columns, and %zu are watched",
					TEXT_ARGUMENTS(tensor->name), shape.columns, column->columns);
	if (*rows != SIZE_MAX && *rows != shape.rows)
		return error_set_tensor(error, PLACE_NONE, "`" TEXT_FORMAT "` has %zu rows, and other tensors have %zu",
					TEXT_ARGUMENTS(tensor->name), shape.rows, *rows);
	*rows = shape.rows;
	return true;
}

static bool column_agrees(const struct drift_column *column, const struct tensor *tensor, struct arena *arena, size_t *rows,
			  const struct tensor **texts, struct error *error)
{
	if (type_fits(column, tensor))
		return rows_agree(column, tensor, arena, rows, error);
	*texts = column->texts ? NULL : tensor;
	return error_set_tensor(error, PLACE_NONE, "`" TEXT_FORMAT "` is %s, and %s are watched", TEXT_ARGUMENTS(tensor->name),
				tensor_type_text(arena, tensor), column->texts ? "texts" : "numbers");
}

/* The directions of all rows of a tensor of numbers, row by row. NULL: the arena is full. */
static const double *directions_make(const struct drift_column *column, const struct tensor *tensor, size_t rows,
				     struct arena *arena)
{
	const size_t width = column->columns;
	const bool direct = tensor->datatype == DATATYPE_FP64 || tensor->datatype == DATATYPE_FP32;
	double *made = arena_take_raw(arena, (rows * PROJECTION_DIRECTIONS + (direct ? 0 : width)) * sizeof *made);
	for (size_t row = 0; made && row < rows; row++) {
		double *numbers = made + rows * PROJECTION_DIRECTIONS, *to = made + row * PROJECTION_DIRECTIONS;
		if (tensor->datatype == DATATYPE_FP32) {
			projection_of_floats(column->projection, (const float *)tensor->data + row * width, to);
			continue;
		}
		for (size_t i = 0; !direct && i < width; i++)
			numbers[i] = tensor_number(tensor, row * width + i);
		projection_of_doubles(column->projection, direct ? (const double *)tensor->data + row * width : numbers, to);
	}
	return made;
}

/* Columns that are beside each other, all of one tensor. */
struct column_run {
	size_t begin, end;
	const struct tensor *tensor; /* NULL: the message has none */
	const double *numbers;	     /* row by row, `width` to each; NULL: the columns have no numbers */
	size_t width;
};

static struct column_run run_of(const struct drift_layout *layout, const struct payload *payload, size_t begin)
{
	const struct drift_column *first = &layout->columns[begin];
	struct column_run run = {.begin = begin, .end = begin + 1, .tensor = tensors_find(payload->tensors, first->tensor)};
	while (run.end < layout->count && text_equal(layout->columns[run.end].tensor, first->tensor))
		run.end++;
	return run;
}

/* False: the arena is full. */
static bool run_read(const struct drift_layout *layout, struct column_run *run, size_t rows, struct arena *arena)
{
	const struct drift_column *first = &layout->columns[run->begin];
	if (rows == 0 || first->texts || !run->tensor || !type_fits(first, run->tensor))
		return true;
	run->width = first->projection ? PROJECTION_DIRECTIONS : first->columns;
	run->numbers = first->projection ? directions_make(first, run->tensor, rows, arena) : tensor_doubles(run->tensor, arena);
	return run->numbers;
}

static void numbers_fill(const struct drift_layout *layout, const struct column_run *run, size_t row, struct drift_cell *cells)
{
	const double *numbers = run->numbers + row * run->width;
	for (size_t i = run->begin; i < run->end; i++) {
		const double number = numbers[layout->columns[i].column];
		cells[i].number = isnan(number) ? (double)NAN : number;
		cells[i].text = (struct text){0};
	}
}

static void others_fill(const struct drift_layout *layout, const struct column_run *run, size_t row, struct drift_cell *cells)
{
	for (size_t i = run->begin; i < run->end; i++) {
		const struct drift_column *column = &layout->columns[i];
		cells[i] = (struct drift_cell){0};
		if (!run->tensor)
			cells[i].number = (double)NAN;
		else if (!type_fits(column, run->tensor))
			cells[i].number = mistyped_value();
		else
			cells[i].text = ((const struct text *)run->tensor->data)[row * column->columns + column->column];
	}
}

static bool cells_make(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
		       const struct drift_cell **cells, size_t rows, struct error *error)
{
	struct drift_cell *made = ARENA_ARRAY_RAW(arena, struct drift_cell, rows * layout->count);
	for (size_t next = 0; made && next < layout->count;) {
		struct column_run run = run_of(layout, payload, next);
		if (!run_read(layout, &run, rows, arena))
			return out_of_memory(error);
		for (size_t row = 0; row < rows; row++)
			(run.numbers ? numbers_fill : others_fill)(layout, &run, row, made + row * layout->count);
		next = run.end;
	}
	*cells = made;
	return made || out_of_memory(error);
}

static bool typed_rows_read(const struct drift_layout *layout, const struct payload *payload, bool may_lack, struct arena *arena,
			    const struct drift_cell **cells, size_t *rows, const struct tensor **texts, struct error *error)
{
	*rows = SIZE_MAX;
	*texts = NULL;
	for (size_t i = 0; i < layout->count; i++) {
		const struct drift_column *column = &layout->columns[i];
		const struct tensor *tensor = tensors_find(payload->tensors, column->tensor);
		if (!tensor && !may_lack)
			return tensor_lacks(column, error);
		if (tensor && !column_agrees(column, tensor, arena, rows, texts, error))
			return false;
	}
	return *rows == SIZE_MAX ? tensor_lacks(&layout->columns[0], error)
				 : cells_make(layout, payload, arena, cells, *rows, error);
}

bool drift_rows_read(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
		     const struct drift_cell **cells, size_t *rows, const struct tensor **texts, struct error *error)
{
	return typed_rows_read(layout, payload, false, arena, cells, rows, texts, error);
}

bool drift_rows_read_present(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
			     const struct drift_cell **cells, size_t *rows, const struct tensor **texts, struct error *error)
{
	return typed_rows_read(layout, payload, true, arena, cells, rows, texts, error);
}

/* Rows are counted by the tensors that have the right type, and only without one of these by the others. */
bool drift_rows_read_some(const struct drift_layout *layout, const struct payload *payload, struct arena *arena,
			  const struct drift_cell **cells, size_t *rows, bool *whole, struct error *error)
{
	*rows = SIZE_MAX;
	*whole = true;
	for (int fitting = 1; fitting >= 0 && *rows == SIZE_MAX; fitting--)
		for (size_t i = 0; i < layout->count; i++) {
			const struct drift_column *column = &layout->columns[i];
			const struct tensor *tensor = tensors_find(payload->tensors, column->tensor);
			const bool fits = tensor && type_fits(column, tensor);
			*whole = *whole && fits;
			if (tensor && fits == (fitting > 0) && !rows_agree(column, tensor, arena, rows, error))
				return false;
		}
	return *rows == SIZE_MAX ? tensor_lacks(&layout->columns[0], error)
				 : cells_make(layout, payload, arena, cells, *rows, error);
}

bool drift_texts_check(const struct name_list *tensors, const struct fit_source *source, const struct payload *payload,
		       struct error *error)
{
	for (size_t i = 0; source->texts_check && i < tensors->count; i++) {
		const struct tensor *tensor = tensors_find(payload->tensors, text_of(tensors->items[i].text));
		if (tensor && tensor->datatype == DATATYPE_BYTES && !source->texts_check(source->context, tensor, true, error))
			return false;
	}
	return true;
}

/* ---- segments ---- */

static bool segment_read(const struct tensor *tensor, size_t element, const struct expression *group, struct arena *arena,
			 struct text *segment, struct error *error)
{
	struct tensor one = *tensor;
	one.data = (const char *)tensor->data + element * datatype_stride(tensor->datatype);
	one.count = 1;
	*segment = key_of_tensor(&one, arena);
	if (!segment->bytes)
		return error_memory(error, ERROR_LIMIT, "finding segments");
	return segment->length <= DRIFT_SEGMENT_BYTES_MAX ||
	       error_set(error, ERROR_INPUT, expression_place(group),
			 "a segment has a name of %zu bytes, and %d are the most; write a `groupBy` with shorter values",
			 segment->length, DRIFT_SEGMENT_BYTES_MAX);
}

bool drift_segments_of(const struct expression *group, const struct scope *scope, size_t rows, struct arena *arena,
		       struct text **segments, struct error *error)
{
	*segments = ARENA_ARRAY(arena, struct text, rows + 1);
	if (!*segments)
		return error_memory(error, ERROR_LIMIT, "finding segments");
	for (size_t i = 0; i < rows && !group; i++)
		(*segments)[i] = TEXT("");
	if (!group)
		return true;
	const struct tensor *tensor = expression_evaluate(group, scope, arena, error);
	if (!tensor)
		return false;
	if (tensor->count != 1 && tensor->count != rows)
		return error_set_tensor(error, expression_place(group),
					"`groupBy` gives %zu elements for %zu rows; let it give one, or one for each row",
					tensor->count, rows);
	for (size_t i = 0; i < rows; i++)
		if (!segment_read(tensor, tensor->count == 1 ? 0 : i, group, arena, &(*segments)[i], error))
			return false;
	return true;
}

struct text drift_segment_first(const struct expression *group, const struct scope *scope, struct arena *arena)
{
	struct error error = {0};
	struct text segment = TEXT("");
	const struct tensor *tensor = group ? expression_evaluate(group, scope, arena, &error) : NULL;
	return tensor && tensor->count && segment_read(tensor, 0, group, arena, &segment, &error) ? segment : TEXT("");
}
