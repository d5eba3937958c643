/* expression_compile.c: Compiler of an expression: parses its text, checks its types, and emits its instructions. */
#include "compiler/expression/expression_run.h"

static bool acceptable_text(struct text source, struct place place, struct error *error)
{
	if (!text_is_utf8(source))
		return error_set(error, ERROR_CONFIG, place, "the expression is not UTF-8; save the file in that encoding");
	if (text_characters(source) > EXPRESSION_CHARACTERS_MAX)
		return error_set(
			error, ERROR_CONFIG, place,
			"the expression has %zu characters, and at most %d are taken; set a part of it under a name of its own",
			text_characters(source), EXPRESSION_CHARACTERS_MAX);
	return true;
}

const struct expression *expression_compile(struct arena *arena, struct text source, struct place place, unsigned uses,
					    struct error *error)
{
	if (!acceptable_text(source, place, error))
		return NULL;
	struct expression *expression = ARENA_NEW(arena, struct expression);
	const char *kept = arena_copy(arena, source.bytes ? source.bytes : "", source.length);
	if (!expression || !kept)
		return error_null(error_memory(error, ERROR_SYSTEM, "compiling an expression"));
	*expression = (struct expression){.source = {kept, source.length}, .place = place, .uses = uses};
	struct value_type type;
	if (!expression_parse(expression, arena, error) || !expression_check(expression, NULL, arena, &type, error))
		return NULL;
	if (!expression_emit(expression, true, arena))
		return error_null(error_memory(error, ERROR_SYSTEM, "compiling an expression"));
	return trailing_compile(expression, arena, error) ? expression : NULL;
}

struct text expression_source(const struct expression *expression)
{
	return expression->source;
}

struct text expression_header(const struct expression *expression, size_t nth)
{
	return nth < expression->headers_count ? expression->headers[nth] : (struct text){0};
}

struct place expression_place(const struct expression *expression)
{
	return expression->place;
}
