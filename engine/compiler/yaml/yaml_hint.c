/* yaml_hint.c: see yaml_hint.h. In a pipeline libyaml mostly stops at an expression that needs quotes. */
#include "compiler/yaml/yaml_hint.h"

static bool yaml_hint_is(const char *words, const char *wanted)
{
	return words && strcmp(words, wanted) == 0;
}

static char character_at(const struct yaml_stop *stop, uint32_t column)
{
	return column >= 1 && column <= stop->line.length ? stop->line.bytes[column - 1] : '\0';
}

/* The last one before the column that is no blank. */
static char character_before(const struct yaml_stop *stop)
{
	uint32_t column = stop->column - 1;
	while (character_at(stop, column) == ' ')
		column--;
	return character_at(stop, column);
}

/* Where the value of the line's first key begins with that character; 0: it does not. */
static uint32_t value_begins(const struct yaml_stop *stop, char with)
{
	for (uint32_t column = 1; column + 2 <= stop->line.length; column++)
		if (character_at(stop, column) == ':' && character_at(stop, column + 1) == ' ') {
			column += 2;
			while (character_at(stop, column) == ' ')
				column++;
			return character_at(stop, column) == with ? column : 0;
		}
	return 0;
}

const char *yaml_hint(struct yaml_stop *stop)
{
	const char at = character_at(stop, stop->column);
	bool braces = yaml_hint_is(stop->context, "while parsing a flow mapping");
	uint32_t tag = value_begins(stop, '!');
	if (braces && at == '[')
		return "inside braces a `[` begins a list, so a text that has one in it wants quotes: {y: \"x[0]\"}";
	if (braces && at == ':')
		return "inside braces a `: ` begins a value, so a text that has one in it wants quotes";
	if (yaml_hint_is(stop->problem, "mapping values are not allowed in this context"))
		return "a `: ` begins a value, and this line has one already: a text that has it inside wants quotes";
	if (yaml_hint_is(stop->problem, "found character that cannot start any token") && at && strchr("`@%", at))
		return "a text that begins with this character wants quotes";
	if (stop->context && tag) {
		stop->column = tag;
		return "a text that begins with `!` wants quotes; in an expression, `not` says the same";
	}
	char before = character_before(stop);
	if (stop->context && (before == '"' || before == '\'') && !braces && at && !strchr("]}:,", at))
		return "the text ends with the quote before this; where more follows, quote the whole: '\"x\" == 3'";
	return NULL;
}
