/* type_list.c: see type_list.h. */
#include "compiler/graph/type_list.h"

#include "base/suggest.h"

const char *type_text(const struct value_type *type, struct arena *arena)
{
	if (!type->datatype_known && !type->shape_known)
		return "?";
	const char *text = type->datatype_known ? datatype_rows[type->datatype].name : "?";
	if (!type->shape_known)
		return text;
	for (uint32_t i = 0; i < type->rank && text; i++)
		text = arena_print(arena, "%s%s%lld", text, i ? "," : "[", (long long)type->shape[i]);
	return text ? arena_print(arena, "%s%s", text, type->rank ? "]" : "[]") : "?";
}

bool type_has_elements(const struct value_type *type)
{
	bool several = false;
	for (uint32_t i = 0; type->shape_known && i < type->rank; i++)
		several |= type->shape[i] > 1;
	return several;
}

const struct tensor_type *types_find(const struct tensor_types *types, struct text name)
{
	for (size_t i = 0; i < types->count; i++)
		if (text_equal(types->items[i].name, name))
			return &types->items[i];
	return NULL;
}

const char *types_nearest(const struct tensor_types *types, struct text name, struct arena *arena)
{
	struct suggestion suggestion = suggest_begin(name);
	for (size_t i = 0; i < types->count; i++)
		suggest_offer(&suggestion, types->items[i].name);
	return suggestion.nearest.bytes ? arena_copy(arena, suggestion.nearest.bytes, suggestion.nearest.length) : NULL;
}
