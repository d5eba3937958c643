/* columns.c: see columns.h. */
#include "message/columns.h"

#include "message/avro/mapped.h"

bool row_shape_of(const struct tensor *tensor, bool single, struct row_shape *shape)
{
	if (tensor->rank > 2)
		return false;
	if (tensor->rank == 2)
		*shape = (struct row_shape){(size_t)tensor->shape[0], (size_t)tensor->shape[1]};
	else
		*shape = single ? (struct row_shape){tensor->count, 1} : (struct row_shape){1, tensor->count};
	return true;
}

const double *tensor_doubles(const struct tensor *tensor, struct arena *arena)
{
	if (tensor->datatype == DATATYPE_FP64)
		return tensor->data;
	double *numbers = arena_take_raw(arena, tensor->count * sizeof *numbers);
	if (numbers && tensor->datatype == DATATYPE_FP32)
		for (size_t i = 0; i < tensor->count; i++)
			numbers[i] = (double)((const float *)tensor->data)[i];
	else
		for (size_t i = 0; numbers && i < tensor->count; i++)
			numbers[i] = tensor_number(tensor, i);
	return numbers;
}

static const struct parameter *text_parameter(struct parameters parameters, struct text name)
{
	const struct parameter *found = parameters_find(parameters, name);
	return found && found->type == PARAMETER_TEXT ? found : NULL;
}

struct parameters columns_parameters(struct parameters parameters)
{
	const struct parameter *found = text_parameter(parameters, TEXT(MAPPED_COLUMNS));
	if (!found)
		found = text_parameter(parameters, TEXT("names"));
	return (struct parameters){found != NULL, found};
}

bool columns_begin(struct columns *columns, struct parameters parameters, struct arena *arena)
{
	const struct parameters named = columns_parameters(parameters);
	columns->written = columns->rest = named.count ? named.items->value.text : (struct text){0};
	columns->json = named.count && !text_is(named.items->name, MAPPED_COLUMNS);
	columns->unheard = (struct error){0};
	if (!columns->json)
		return named.count > 0;
	json_begin(&columns->scan, columns->written, "names", arena, &columns->unheard);
	return columns->written.bytes && json_peek(&columns->scan) == JSON_ARRAY && json_enter(&columns->scan);
}

bool columns_next(struct columns *columns, struct text *name)
{
	if (columns->json)
		return json_item(&columns->scan) && json_peek(&columns->scan) == JSON_STRING && json_text(&columns->scan, name);
	if (!columns->rest.bytes)
		return false;
	const char *comma = columns->rest.length ? memchr(columns->rest.bytes, ',', columns->rest.length) : NULL;
	*name = (struct text){columns->rest.bytes, comma ? (size_t)(comma - columns->rest.bytes) : columns->rest.length};
	columns->rest = comma ? (struct text){comma + 1, columns->rest.length - name->length - 1} : (struct text){0};
	return true;
}

bool columns_find(struct parameters parameters, struct text name, struct arena *arena, size_t *column)
{
	struct columns columns;
	struct text item;
	if (columns_begin(&columns, parameters, arena))
		for (*column = 0; columns_next(&columns, &item); ++*column)
			if (text_equal(item, name))
				return true;
	return false;
}
