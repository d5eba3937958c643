/* type_list.c: see type_list.h. */
#include "compiler/graph/type_list.h"

#include "base/number/number.h"
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"

static bool is_number(const struct expression *expression)
{
	double number;
	return number_read_double(expression_source(expression), &number);
}

void condition_type_check(const struct expression *condition, const struct value_type *type, struct arena *arena,
			  struct faults *faults)
{
	const struct text source = expression_source(condition);
	const struct place place = expression_place(condition);
	if (type->class == VALUE_TEXT)
		fault_add(faults, CODE_WRONG_EXPRESSION, place, NULL,
			  "the condition `" TEXT_FORMAT "` is a text; compare it with something", TEXT_ARGUMENTS(source));
	else if (type_has_elements(type))
		fault_add(faults, CODE_WRONG_EXPRESSION, place, NULL,
			  "the condition `" TEXT_FORMAT "` has more than one element, %s; write any(..) or all(..)",
			  TEXT_ARGUMENTS(source), type_text(type, arena));
	else if (type->class == VALUE_DURATION || is_number(condition))
		fault_add(faults, CODE_IDLE_EXPRESSION, place, NULL,
			  "the condition `" TEXT_FORMAT "` is %s and compares nothing: it is true for every value but 0; "
			  "compare it with something",
			  TEXT_ARGUMENTS(source), type->class == VALUE_DURATION ? "a duration" : "a number");
}

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
