/* expression_lex.c: Lexer of expressions. Called by the parser only. */
#include <stdio.h>

#include "base/number/number.h"
#include "compiler/expression/expression_tree.h"

static struct text source_of(const struct lexer *lexer)
{
	return lexer->expression->source;
}

static char peek(const struct lexer *lexer, size_t ahead)
{
	struct text source = source_of(lexer);
	return lexer->at + ahead < source.length ? source.bytes[lexer->at + ahead] : '\0';
}

/* Bytes beyond ASCII are letters: names may be in any language. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_byte(char c)
{
	return is_letter(c) || byte_is_digit(c);
}

static bool expression_lex_refuse(const struct lexer *lexer, size_t at, const char *text)
{
	return error_set(lexer->error, ERROR_CONFIG, expression_place_at(lexer->expression, at), "%s", text);
}

/* The end of the name that begins at `at`: letters, digits, and dashes with one of
 * them on both sides. */
static uint32_t name_end(const struct lexer *lexer, uint32_t at)
{
	struct text source = source_of(lexer);
	while (at < source.length) {
		bool inner_dash = source.bytes[at] == '-' && at + 1 < source.length && is_name_byte(source.bytes[at + 1]);
		if (!is_name_byte(source.bytes[at]) && !inner_dash)
			break;
		at++;
	}
	return at;
}

/* One part of a name, bare or in backquotes, to the end of which the lexer moves. */
static bool lex_part(struct lexer *lexer, struct text *part, bool *quoted)
{
	struct text source = source_of(lexer);
	uint32_t begin = lexer->at;
	*quoted = source.bytes[begin] == '`';
	if (!*quoted) {
		lexer->at = name_end(lexer, begin);
		*part = (struct text){source.bytes + begin, lexer->at - begin};
		return true;
	}
	const char *end = memchr(source.bytes + begin + 1, '`', source.length - begin - 1);
	if (!end)
		return expression_lex_refuse(lexer, begin, "this backquote is not closed; write `the name` between two of them");
	*part = (struct text){source.bytes + begin + 1, (size_t)(end - source.bytes) - begin - 1};
	if (part->length == 0)
		return expression_lex_refuse(lexer, begin, "there is no name between these backquotes; write one");
	lexer->at = (uint32_t)(end + 1 - source.bytes);
	return true;
}

static bool part_follows(const struct lexer *lexer)
{
	return peek(lexer, 0) == '.' && (is_name_byte(peek(lexer, 1)) || peek(lexer, 1) == '`');
}

/* A name, or owner.name; what comes behind a further point belongs to the name. */
static bool lex_name(struct lexer *lexer, struct token *token)
{
	token->kind = TOKEN_NAME;
	if (!lex_part(lexer, &token->text, &token->quoted))
		return false;
	if (!part_follows(lexer))
		return true;
	token->owner = token->text;
	lexer->at++;
	if (!lex_part(lexer, &token->text, &token->quoted))
		return false;
	while (!token->quoted && part_follows(lexer) && peek(lexer, 1) != '`') {
		lexer->at = name_end(lexer, lexer->at + 1);
		token->text.length = (size_t)(source_of(lexer).bytes + lexer->at - token->text.bytes);
	}
	return true;
}

static bool expression_lex_unescape(char c, char *out)
{
	static const char from[] = "\\\"'nrt";
	static const char to[] = "\\\"'\n\r\t";
	const char *found = c ? strchr(from, c) : NULL;
	if (found)
		*out = to[found - from];
	return found;
}

static bool lex_text(struct lexer *lexer, struct token *token)
{
	struct text source = source_of(lexer);
	uint32_t begin = lexer->at;
	char quote = source.bytes[begin];
	char *bytes = arena_take_raw(lexer->arena, source.length - begin);
	if (!bytes)
		return error_memory(lexer->error, ERROR_SYSTEM, "reading an expression");
	size_t length = 0;
	for (uint32_t at = begin + 1; at < source.length; at++) {
		char c = source.bytes[at];
		if (c == quote) {
			token->kind = TOKEN_TEXT;
			token->text = (struct text){bytes, length};
			lexer->at = at + 1;
			return true;
		}
		if (c == '\\' && !expression_lex_unescape(at + 1 < source.length ? source.bytes[++at] : '\0', &c))
			return expression_lex_refuse(lexer, at - 1,
						     "this escape is unknown; write one of \\\\ \\\" \\' \\n \\r \\t, "
						     "and a backslash itself as \\\\");
		bytes[length++] = c;
	}
	return expression_lex_refuse(
		lexer, begin, quote == '"' ? "this text is not closed; end it with \"" : "this text is not closed; end it with '");
}

static const struct duration_unit {
	const char *name;
	int64_t ms;
} duration_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};

static const struct duration_unit *unit_of(struct text name)
{
	for (size_t i = 0; i < sizeof duration_units / sizeof *duration_units; i++)
		if (text_is(name, duration_units[i].name))
			return &duration_units[i];
	return NULL;
}

static struct text letters_at(const struct lexer *lexer, uint32_t at)
{
	struct text source = source_of(lexer);
	uint32_t end = at;
	while (end < source.length && is_letter(source.bytes[end]))
		end++;
	return (struct text){source.bytes + at, end - at};
}

static bool keep_literal(struct lexer *lexer, struct token *token, enum datatype storage, const void *element)
{
	size_t size = datatype_stride(storage);
	void *kept = arena_take_raw(lexer->arena, size);
	if (!kept)
		return error_memory(lexer->error, ERROR_SYSTEM, "reading an expression");
	memcpy(kept, element, size);
	static const int64_t no_shape[1];
	token->number = (struct value){.data = kept, .shape = no_shape, .count = 1, .storage = (uint8_t)storage};
	return true;
}

/* 250ms, 1.5s, 1h30m: parts one behind the other, whole milliseconds in all. */
static bool lex_duration(struct lexer *lexer, struct token *token, double number)
{
	double total_ms = 0;
	uint32_t begin = lexer->at;
	for (;;) {
		struct text name = letters_at(lexer, lexer->at);
		const struct duration_unit *unit = unit_of(name);
		if (!unit)
			return expression_lex_refuse(
				lexer, lexer->at,
				"this is no unit of time; write ms, s, m, h or d after a number, or an operator between the two");
		total_ms += number * (double)unit->ms;
		lexer->at += (uint32_t)name.length;
		if (!byte_is_digit(peek(lexer, 0)))
			break;
		struct decimal decimal;
		struct text source = source_of(lexer);
		size_t length = decimal_scan(text_from(source, lexer->at), &decimal);
		if (!length)
			return expression_lex_refuse(lexer, lexer->at, "this is no number; write a duration as 1h30m");
		number = decimal_to_double(&decimal);
		lexer->at += (uint32_t)length;
	}
	int64_t ms = (int64_t)(total_ms < 9e12 ? total_ms : 0);
	if ((double)ms != total_ms)
		return expression_lex_refuse(lexer, begin,
					     total_ms < 9e12 ? "this duration is no whole number of milliseconds; write it in ms"
							     : "this duration is longer than 285 years; write a shorter one");
	token->kind = TOKEN_DURATION;
	return keep_literal(lexer, token, DATATYPE_INT64, &ms);
}

static bool lex_float(struct lexer *lexer, struct token *token, const struct decimal *decimal)
{
	double number = decimal_to_double(decimal);
	if (number > 1.7976931348623157e308)
		return expression_lex_refuse(lexer, token->at, "this number is too large; the largest is 1.7976931348623157e308");
	token->kind = TOKEN_NUMBER;
	return keep_literal(lexer, token, DATATYPE_FP64, &number);
}

static bool lex_integer(struct lexer *lexer, struct token *token, const struct decimal *decimal)
{
	int64_t number;
	uint64_t natural;
	token->kind = TOKEN_NUMBER;
	if (decimal_to_int64(decimal, &number)) {
		if (!keep_literal(lexer, token, DATATYPE_INT64, &number))
			return false;
	} else if (decimal_to_uint64(decimal, &natural)) {
		if (!keep_literal(lexer, token, DATATYPE_UINT64, &natural))
			return false;
	} else {
		return expression_lex_refuse(lexer, token->at,
					     "this integer does not fit 64 bits; write it with a point, as a float");
	}
	token->number.fits_any = true;
	return true;
}

static bool lex_number(struct lexer *lexer, struct token *token)
{
	struct text source = source_of(lexer);
	struct decimal decimal;
	size_t length = decimal_scan(text_from(source, lexer->at), &decimal);
	if (length == 0)
		return expression_lex_refuse(
			lexer, lexer->at,
			peek(lexer, 0) == '0' && byte_is_digit(peek(lexer, 1))
				? "a number has no leading zeros; leave them out"
				: "this is no number; write digits on both sides of the point, and in an exponent");
	lexer->at += (uint32_t)length;
	char next = peek(lexer, 0);
	if (next == '%') {
		lexer->at++;
		decimal.exponent -= 2;
		decimal.whole = false;
		return lex_float(lexer, token, &decimal);
	}
	if (is_letter(next))
		return lex_duration(lexer, token, decimal_to_double(&decimal));
	return decimal.whole ? lex_integer(lexer, token, &decimal) : lex_float(lexer, token, &decimal);
}

static const struct sign_row {
	const char *text;
	enum sign sign;
	enum operator_kind operation;
	const char *refusal; /* what is written instead */
} sign_rows[] = {
	{"=>", SIGN_OPERATOR, OPERATOR_GREATER_EQUAL, "`=>` is no operator; write `>=`"},
	{"=<", SIGN_OPERATOR, OPERATOR_LESS_EQUAL, "`=<` is no operator; write `<=`"},
	{"<>", SIGN_OPERATOR, OPERATOR_NOT_EQUAL, "`<>` is no operator; write `!=`"},
	{"**", SIGN_OPERATOR, OPERATOR_POWER, "`**` is no operator; write `^`"},
	{"//", SIGN_OPERATOR, OPERATOR_DIVIDE, "`//` is no operator; write div(a, b), which rounds down"},
	{"??", SIGN_OPERATOR, OPERATOR_COALESCE, NULL},
	{"&&", SIGN_OPERATOR, OPERATOR_AND, NULL},
	{"||", SIGN_OPERATOR, OPERATOR_OR, NULL},
	{"<=", SIGN_OPERATOR, OPERATOR_LESS_EQUAL, NULL},
	{">=", SIGN_OPERATOR, OPERATOR_GREATER_EQUAL, NULL},
	{"==", SIGN_OPERATOR, OPERATOR_EQUAL, NULL},
	{"!=", SIGN_OPERATOR, OPERATOR_NOT_EQUAL, NULL},
	{"<", SIGN_OPERATOR, OPERATOR_LESS, NULL},
	{">", SIGN_OPERATOR, OPERATOR_GREATER, NULL},
	{"+", SIGN_OPERATOR, OPERATOR_ADD, NULL},
	{"-", SIGN_OPERATOR, OPERATOR_SUBTRACT, NULL},
	{"*", SIGN_OPERATOR, OPERATOR_MULTIPLY, NULL},
	{"/", SIGN_OPERATOR, OPERATOR_DIVIDE, NULL},
	{"^", SIGN_OPERATOR, OPERATOR_POWER, NULL},
	{"!", SIGN_NOT, OPERATOR_NOT, NULL},
	{"(", SIGN_OPEN, 0, NULL},
	{")", SIGN_CLOSE, 0, NULL},
	{"[", SIGN_OPEN_LIST, 0, NULL},
	{"]", SIGN_CLOSE_LIST, 0, NULL},
	{",", SIGN_COMMA, 0, NULL},
	{":", SIGN_COLON, 0, NULL},
	{"=", SIGN_OPERATOR, OPERATOR_EQUAL, "`=` is no operator; write `==`"},
	{"&", SIGN_OPERATOR, OPERATOR_AND, "`&` is no operator; write `and`"},
	{"|", SIGN_OPERATOR, OPERATOR_OR, "`|` is no operator; write `or`"},
	{"?", SIGN_OPERATOR, OPERATOR_COALESCE, "there is no `? :`; write where(condition, then, otherwise)"},
	{"%", SIGN_OPERATOR, OPERATOR_DIVIDE, "`%` is directly after a number, as in 5%; for the remainder write mod(a, b)"},
};

static const char axis_refusal[] = "an argument has no name; write the axis after `along`, as in sum(x along 0)";

/* Whether `axis` or `dim` stands before the sign: sum(x, axis=0). */
static bool lexer_names_axis(const struct lexer *lexer)
{
	struct text before = {source_of(lexer).bytes, lexer->at};
	while (before.length > 0 && before.bytes[before.length - 1] == ' ')
		before.length--;
	bool axis = before.length >= 4 && memcmp(before.bytes + before.length - 4, "axis", 4) == 0;
	bool dim = before.length >= 3 && memcmp(before.bytes + before.length - 3, "dim", 3) == 0;
	return peek(lexer, 0) == '=' && (axis || dim);
}

static bool lex_sign(struct lexer *lexer, struct token *token)
{
	struct text source = source_of(lexer);
	struct text rest = text_from(source, lexer->at);
	for (size_t i = 0; i < sizeof sign_rows / sizeof *sign_rows; i++) {
		const struct sign_row *row = &sign_rows[i];
		if (!text_starts_with(rest, text_of(row->text)))
			continue;
		if (row->refusal)
			return expression_lex_refuse(lexer, lexer->at, lexer_names_axis(lexer) ? axis_refusal : row->refusal);
		token->kind = TOKEN_SIGN;
		token->sign = row->sign;
		token->operation = row->operation;
		lexer->at += (uint32_t)strlen(row->text);
		return true;
	}
	char words[80];
	unsigned char c = (unsigned char)rest.bytes[0];
	snprintf(words, sizeof words,
		 c > ' ' && c < 0x7F ? "`%c` has no meaning here; leave it out"
				     : "the byte 0x%02X has no meaning here; leave it out",
		 c);
	return expression_lex_refuse(lexer, lexer->at, words);
}

bool lexer_next(struct lexer *lexer, struct token *token)
{
	while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t' || peek(lexer, 0) == '\n' || peek(lexer, 0) == '\r')
		lexer->at++;
	*token = (struct token){.at = lexer->at};
	bool taken = true;
	char c = peek(lexer, 0);
	if (lexer->at >= source_of(lexer).length)
		token->kind = TOKEN_END;
	else if (is_letter(c) || c == '`')
		taken = lex_name(lexer, token);
	else if (byte_is_digit(c) || (c == '.' && byte_is_digit(peek(lexer, 1))))
		taken = lex_number(lexer, token);
	else if (c == '"' || c == '\'')
		taken = lex_text(lexer, token);
	else
		taken = lex_sign(lexer, token);
	token->end = lexer->at;
	return taken;
}
