/* expression_place.c: Places in the source of an expression, and errors there; see expression_tree.h. */
#include "compiler/expression/expression_tree.h"

struct place expression_place_at(const struct expression *expression, size_t at)
{
	struct place place = expression->place;
	const char *source = expression->source.bytes;
	size_t line_start = 0;
	for (size_t i = 0; i < at && i < expression->source.length; i++) {
		if (source[i] != '\n')
			continue;
		line_start = i + 1;
		place.line++;
		place.column = 1;
	}
	if (at > expression->source.length)
		at = expression->source.length;
	place.column += (uint32_t)text_characters((struct text){source + line_start, at - line_start});
	return place;
}

bool expression_refuse(const struct expression *expression, const struct expression_node *node, struct error *error,
		       const char *words)
{
	return error_set(error, ERROR_CONFIG, expression_place_at(expression, node->at), "%s", words);
}
