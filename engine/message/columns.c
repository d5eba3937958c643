/* columns.c: see columns.h. */
#include "message/columns.h"

static struct text text_parameter(struct parameters parameters, struct text name)
{
	const struct parameter *found = parameters_find(parameters, name);
	return found && found->type == PARAMETER_TEXT ? found->value.text : (struct text){0};
}

bool columns_begin(struct columns *columns, struct parameters parameters, struct arena *arena)
{
	columns->written = columns->rest = text_parameter(parameters, TEXT("columns"));
	columns->json = columns->written.bytes == NULL;
	columns->unheard = (struct error){0};
	if (!columns->json)
		return true;
	columns->written = text_parameter(parameters, TEXT("names"));
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
