/* condition.c: operators in an alert's condition that look right and are not. The
 * expression language would call them a syntax error; here one can say what was meant. */
#include "spec/fault_codes.h"
#include "spec/options.h"

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

bool condition_fault(struct reading *reading, const struct node *node)
{
	const struct text text = node->scalar;
	if (text.length > EXPRESSION_CHARACTERS_MAX)
		return false; /* the expression language refuses it for its length */
	for (size_t at = 0, end; at < text.length; at = end) {
		for (end = at; end < text.length && is_sign(text.bytes[end]);)
			end++;
		struct text sign = {text.bytes + at, end - at};
		const char *meant = operator_meant(sign);
		if (meant && !inside_quotes(text, at)) {
			fault_add(reading->faults, CODE_BAD_CONDITION, node->place, meant,
				  "`%s`: `" TEXT_FORMAT "` is no operator in `%s`", reading->field, TEXT_ARGUMENTS(sign),
				  text.bytes);
			return true;
		}
		end += end == at;
	}
	return false;
}
