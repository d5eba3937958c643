/* reference_rows.c: see reference_rows.h. */
#include "steps/reference_rows.h"

#include <math.h>

#include "base/memory.h"
#include "message/columns.h"

#define MESSAGE_BYTES_MAX ((size_t)1 << 30)
#define ROOM_FIRST 1024 /* numbers; doubled when they are full */

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "collecting rows to learn from");
}

/* ---- names of columns ---- */

struct name_list column_names(const struct tensor *tensor, struct arena *arena)
{
	struct columns columns;
	struct text name;
	size_t count = 0;
	if (!columns_begin(&columns, tensor->parameters, arena))
		return (struct name_list){0};
	while (columns_next(&columns, &name))
		count++;
	struct name *names = ARENA_ARRAY(arena, struct name, count);
	if (!names || !columns_begin(&columns, tensor->parameters, arena))
		return (struct name_list){0};
	for (size_t i = 0; i < count && columns_next(&columns, &name); i++)
		names[i].text = arena_copy(arena, name.bytes, name.length);
	return (struct name_list){count, names};
}

bool column_names_agree(struct parameters parameters, struct name_list names, struct arena *arena)
{
	struct columns columns;
	struct text name;
	size_t count = 0;
	if (names.count == 0 || !columns_begin(&columns, parameters, arena))
		return true;
	for (; columns_next(&columns, &name); count++)
		if (count == names.count || !text_is(name, names.items[count].text))
			return false;
	return count == names.count;
}

const char *column_names_shown(struct name_list names, struct arena *arena)
{
	struct buffer shown;
	buffer_open(&shown, MESSAGE_BYTES_MAX);
	for (size_t i = 0; i < names.count; i++)
		buffer_print(&shown, "%s%s", i ? "," : "", names.items[i].text);
	const char *made = arena_copy(arena, shown.bytes, shown.length);
	buffer_close(&shown);
	return made ? made : "";
}

/* ---- rows ---- */

static bool rows_grow(struct reference_rows *rows, size_t more)
{
	const size_t need = rows->table.rows * rows->table.columns + more;
	size_t room = rows->room ? rows->room : ROOM_FIRST;
	while (room < need)
		room *= 2;
	if (room == rows->room)
		return true;
	double *values = memory_resize(rows->table.values, room, sizeof *values);
	if (!values)
		return false;
	rows->table.values = values;
	rows->room = room;
	return true;
}

static bool tensor_refuse(const struct tensor *tensor, struct arena *arena, const char *why, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE, "`" TEXT_FORMAT "` is %s, and %s", TEXT_ARGUMENTS(tensor->name),
			 tensor_type_text(arena, tensor), why);
}

static bool rows_check(const struct reference_rows *rows, const struct tensor *tensor, const struct row_shape *shape,
		       const double *values, struct arena *arena, struct error *error)
{
	if (shape->columns == 0 && shape->rows > 0)
		return tensor_refuse(tensor, arena, "its rows have no numbers", error);
	if (rows->table.columns && rows->table.columns != shape->columns)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`" TEXT_FORMAT "` has %zu columns after messages with %zu; give messages of one form",
				 TEXT_ARGUMENTS(tensor->name), shape->columns, rows->table.columns);
	if (!column_names_agree(tensor->parameters, rows->columns, arena))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the columns of `" TEXT_FORMAT "` are not %s as in the messages before; give messages of one form",
				 TEXT_ARGUMENTS(tensor->name), column_names_shown(rows->columns, arena));
	for (size_t i = 0; i < shape->rows * shape->columns; i++)
		if (isinf(values[i]))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "nothing can be learnt from an infinite number, as column %zu of `" TEXT_FORMAT
					 "` has it; leave the field empty",
					 i % shape->columns, TEXT_ARGUMENTS(tensor->name));
	return true;
}

/* `texts` gets the tensor if it has texts. */
static bool rows_take(struct reference_rows *rows, const struct step *step, const struct name *wanted,
		      const struct payload *payload, struct arena *arena, const struct tensor **texts, struct error *error)
{
	struct row_shape shape;
	const struct tensor *tensor = tensors_find(payload->tensors, text_of(wanted->text));
	if (!tensor)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "tensor `%s` is missing; send it, or for a CSV name its columns by --tensor", wanted->text);
	if (tensor->datatype == DATATYPE_BYTES) {
		*texts = tensor;
		return tensor_refuse(tensor, arena, "numbers are needed", error);
	}
	if (!row_shape_of(tensor, rows->table.columns == 1, &shape))
		return tensor_refuse(tensor, arena, "rows have one or two dimensions; write [rows, columns]", error);
	const double *values = tensor_doubles(tensor, arena);
	if (!values)
		return out_of_memory(error);
	if (!rows_check(rows, tensor, &shape, values, arena, error))
		return false;
	if (shape.rows * shape.columns == 0)
		return true;
	if (rows->table.columns == 0)
		rows->columns = column_names(tensor, step->arena);
	rows->table.columns = shape.columns;
	if (!rows_grow(rows, shape.rows * shape.columns))
		return out_of_memory(error);
	memcpy(rows->table.values + rows->table.rows * shape.columns, values, shape.rows * shape.columns * sizeof *values);
	rows->table.rows += shape.rows;
	return true;
}

bool reference_rows_open(struct reference_rows *rows, const struct step *step, const struct name *tensor,
			 const struct fit_source *source, struct error *error)
{
	struct payload payload;
	struct arena *arena = arena_open(MESSAGE_BYTES_MAX);
	*rows = (struct reference_rows){0};
	if (!arena)
		return out_of_memory(error);
	source->rewind(source->context);
	for (; source->next(source->context, arena, &payload, error); arena_reset(arena)) {
		const struct tensor *texts = NULL;
		if (rows_take(rows, step, tensor, &payload, arena, &texts, error))
			continue;
		if (error->kind != ERROR_INPUT || !source->refused(source->context, texts, error))
			break;
		*error = (struct error){0};
	}
	arena_close(arena);
	if (error->kind == ERROR_NONE && rows->table.rows == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "there is no row with `%s` to learn from", tensor->text);
	return error->kind == ERROR_NONE;
}

void reference_rows_close(struct reference_rows *rows)
{
	memory_give(rows->table.values);
	rows->table.values = NULL;
}
