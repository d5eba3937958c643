/* condition.c: Check of the operators in an alert's condition: wrong ones from other languages, and those that need
 * blanks. The expression language would report a syntax error for the first and accept the second. This check names
 * the intended one. */

#include "base/number/duration.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/options.h"

#define SPACES " \t\r\n"

static const struct {
	const char *wrong, *meant;
} signs[] = {
	{"=>", ">="}, {"=<", "<="}, {"=", "=="}, {"===", "=="}, {"<>", "!="}, {"!==", "!="}, {"~=", "!="},
	{"=!", "!="}, {">>", ">"},  {"<<", "<"}, {"&", "&&"},	{"|", "||"},  {"=~", "=="},
};

static bool is_sign(char c)
{
	return memchr("<>=!~&|", c, 7) != NULL;
}

static bool inside_quotes(struct text text, size_t at)
{
	char quote = '\0';
	for (size_t i = 0; i < at; i++) {
		if (quote != '\0')
			quote = text.bytes[i] == quote ? '\0' : quote;
		else if (text.bytes[i] == '"' || text.bytes[i] == '\'' || text.bytes[i] == '`')
			quote = text.bytes[i];
	}
	return quote != '\0';
}

const char *operator_meant(struct text sign)
{
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (text_is(sign, signs[i].wrong))
			return signs[i].meant;
	return NULL;
}

static bool is_comparison(struct text sign)
{
	static const char *const comparisons[] = {"<", "<=", ">", ">=", "==", "!="};
	for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
		if (text_is(sign, comparisons[i]))
			return true;
	return false;
}

/* The condition with blanks around its comparisons: longer than it was if one was
 * missing. NULL when memory ran out. */
static char *spaced(struct arena *arena, struct text text)
{
	char *made = arena_take_raw(arena, 3 * text.length + 1);
	size_t length = 0;
	for (size_t at = 0, end; made && at < text.length; at = end) {
		for (end = at; end < text.length && is_sign(text.bytes[end]);)
			end++;
		bool comparison = is_comparison((struct text){text.bytes + at, end - at}) && !inside_quotes(text, at);
		end += end == at;
		if (comparison && at > 0 && text.bytes[at - 1] != ' ')
			made[length++] = ' ';
		memcpy(made + length, text.bytes + at, end - at);
		length += end - at;
		if (comparison && end < text.length && text.bytes[end] != ' ')
			made[length++] = ' ';
	}
	if (made)
		made[length] = '\0';
	return made;
}

/* The last word of the text, without which it is `rest`. */
static struct text word_last(struct text text, struct text *rest)
{
	size_t begin = text.length;
	while (begin > 0 && !memchr(SPACES, text.bytes[begin - 1], strlen(SPACES)))
		begin--;
	*rest = text_trimmed((struct text){text.bytes, begin}, SPACES);
	return text_from(text, begin);
}

/* `x > 1 for 5m`, as rules of other systems have it: here that is a field of the alert. With a colon it is a field of another kind.
 */
static bool duration_fault(struct reading *reading, const struct node *node)
{
	struct text rest, condition;
	int64_t ns;
	const struct text duration = word_last(text_trimmed(node->scalar, SPACES), &rest), word = word_last(rest, &condition);
	if ((!text_is(word, "for") && !text_is(word, "over")) || condition.length == 0 ||
	    memchr(condition.bytes, ':', condition.length) || duration_read(duration, &ns))
		return false;
	fault_add(reading->faults, CODE_BAD_CONDITION, node->place,
		  arena_print(reading->arena, TEXT_FORMAT, TEXT_ARGUMENTS(condition)),
		  "`%s`: `" TEXT_FORMAT " " TEXT_FORMAT "` is no part of it; write `" TEXT_FORMAT ": " TEXT_FORMAT "` beside it",
		  reading->field, TEXT_ARGUMENTS(word), TEXT_ARGUMENTS(duration), TEXT_ARGUMENTS(word), TEXT_ARGUMENTS(duration));
	return true;
}

bool condition_fault(struct reading *reading, const struct node *node)
{
	const struct text text = node->scalar;
	if (text.length > EXPRESSION_CHARACTERS_MAX)
		return false; /* the expression language refuses it for its length */
	if (duration_fault(reading, node))
		return true;
	for (size_t at = 0, end; at < text.length; at = end) {
		for (end = at; end < text.length && is_sign(text.bytes[end]);)
			end++;
		struct text sign = {text.bytes + at, end - at};
		const char *meant = operator_meant(sign);
		if (meant && !inside_quotes(text, at)) {
			fault_add(reading->faults, CODE_BAD_CONDITION, node->place, meant,
				  "`%s`: `" TEXT_FORMAT "` is not an operator in `%s`", reading->field, TEXT_ARGUMENTS(sign),
				  text.bytes);
			return true;
		}
		end += end == at;
	}
	const char *mended = spaced(reading->arena, text);
	if (!mended || strlen(mended) == text.length)
		return false;
	fault_add(reading->faults, CODE_BAD_CONDITION, node->place, mended,
		  "`%s`: spaces are missing around an operator of `%s`",
		  reading->field, text.bytes);
	return true;
}
