/* expression_parse.c: from words to a tree, by precedence climbing. Only the grammar
 * is judged here, and what calls are written with; types are expression_check.c's. */
#include <stdarg.h>
#include <stdio.h>

#include "base/suggest.h"
#include "step/expression_tree.h"

#define CALL_ITEMS_MAX 64 /* arguments of a call, dimensions of an index */

const char *const operator_texts[] = {
	[OPERATOR_COALESCE] = "??", [OPERATOR_OR] = "or",        [OPERATOR_AND] = "and",      [OPERATOR_LESS] = "<",
	[OPERATOR_LESS_EQUAL] = "<=", [OPERATOR_GREATER] = ">",  [OPERATOR_GREATER_EQUAL] = ">=", [OPERATOR_EQUAL] = "==",
	[OPERATOR_NOT_EQUAL] = "!=", [OPERATOR_IN] = "in",       [OPERATOR_ADD] = "+",        [OPERATOR_SUBTRACT] = "-",
	[OPERATOR_MULTIPLY] = "*",  [OPERATOR_DIVIDE] = "/",     [OPERATOR_POWER] = "^",      [OPERATOR_NOT] = "not",
	[OPERATOR_NEGATE] = "-",
};

const char *const special_names[SPECIAL_COUNT] = {
	[SPECIAL_NONE] = "",         [SPECIAL_KEY] = "key",         [SPECIAL_ID] = "id",       [SPECIAL_TIME] = "ts",
	[SPECIAL_PIPELINE] = "pipeline", [SPECIAL_STEP] = "step",   [SPECIAL_VARIANT] = "variant", [SPECIAL_MODEL] = "model",
	[SPECIAL_VERSION] = "version",
};

enum level { LEVEL_COALESCE, LEVEL_OR, LEVEL_AND, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

static const enum level levels[] = {
	[OPERATOR_COALESCE] = LEVEL_COALESCE, [OPERATOR_OR] = LEVEL_OR,
	[OPERATOR_AND] = LEVEL_AND,           [OPERATOR_LESS] = LEVEL_COMPARE,
	[OPERATOR_LESS_EQUAL] = LEVEL_COMPARE, [OPERATOR_GREATER] = LEVEL_COMPARE,
	[OPERATOR_GREATER_EQUAL] = LEVEL_COMPARE, [OPERATOR_EQUAL] = LEVEL_COMPARE,
	[OPERATOR_NOT_EQUAL] = LEVEL_COMPARE, [OPERATOR_IN] = LEVEL_COMPARE,
	[OPERATOR_ADD] = LEVEL_SUM,           [OPERATOR_SUBTRACT] = LEVEL_SUM,
	[OPERATOR_MULTIPLY] = LEVEL_PRODUCT,  [OPERATOR_DIVIDE] = LEVEL_PRODUCT,
	[OPERATOR_POWER] = LEVEL_UNARY,
};

struct parser {
	struct expression *expression;
	struct arena *arena;
	struct error *error;
	struct lexer lexer;
	struct token token;    /* the next one */
	uint32_t before_end;   /* the end of the one before */
	unsigned depth;
	unsigned optional;     /* inside that many has() and left sides of ?? */
	size_t names_capacity;
};

static struct node *parse_level(struct parser *parser, enum level level);

static struct node *refuse(struct parser *parser, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

static struct node *refuse(struct parser *parser, size_t at, const char *format, ...)
{
	char words[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	error_set(parser->error, ERROR_CONFIG, expression_place_at(parser->expression, at), "%s", words);
	return NULL;
}

static bool advance(struct parser *parser)
{
	parser->before_end = parser->token.end;
	return lexer_next(&parser->lexer, &parser->token);
}

static bool at_sign(const struct parser *parser, enum sign sign)
{
	return parser->token.kind == TOKEN_SIGN && parser->token.sign == sign;
}

static bool at_word(const struct parser *parser, const char *word)
{
	const struct token *token = &parser->token;
	return token->kind == TOKEN_NAME && !token->quoted && !token->owner.bytes && text_is(token->text, word);
}

static const char *found_text(const struct parser *parser)
{
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_END)
		return "the expression ends";
	const char *copy = arena_print(parser->arena, "`" TEXT_FORMAT "` stands",
				       (int)(token->end - token->at > 40 ? 40 : token->end - token->at),
				       parser->expression->source.bytes + token->at);
	return copy ? copy : "something else stands";
}

static bool expect(struct parser *parser, enum sign sign, const char *what, uint32_t opened)
{
	if (at_sign(parser, sign))
		return advance(parser);
	refuse(parser, parser->token.at, "%s here, but the `%c` of character %u is still open; write %s", found_text(parser),
	       parser->expression->source.bytes[opened],
	       (unsigned)text_characters((struct text){parser->expression->source.bytes, opened}) + 1, what);
	return false;
}

static struct node *node_new(struct parser *parser, enum node_kind kind, uint32_t at, uint32_t count)
{
	struct node *node = ARENA_NEW(parser->arena, struct node);
	struct node **items = ARENA_ARRAY(parser->arena, struct node *, count);
	if (!node || !items) {
		error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
		return NULL;
	}
	node->kind = kind;
	node->at = at;
	node->end = parser->before_end;
	node->count = count;
	node->items = items;
	return node;
}

/* ---- literals ---- */

static struct node *node_literal(struct parser *parser, uint32_t at, enum value_class class, struct value value)
{
	struct node *node = node_new(parser, NODE_LITERAL, at, 0);
	if (node) {
		node->class = class;
		node->literal = value;
	}
	return node;
}

static struct node *literal_of(struct parser *parser, uint32_t at, enum value_class class, enum datatype storage, const void *element)
{
	static const int64_t no_shape[1];
	size_t size = datatype_stride(storage);
	void *kept = arena_take_raw(parser->arena, size);
	if (!kept) {
		error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
		return NULL;
	}
	memcpy(kept, element, size);
	return node_literal(parser, at, class,
			    (struct value){.data = kept, .shape = no_shape, .count = 1, .storage = (uint8_t)storage});
}

static enum value_class class_of_number(const struct value *number)
{
	return number->storage == DATATYPE_FP64 ? VALUE_FLOAT : VALUE_INTEGER;
}

/* Minus and a number are one literal, so that the smallest integer can be written. */
static struct node *negated(struct parser *parser, struct node *literal, uint32_t at)
{
	struct value *value = &literal->literal;
	int64_t integer;
	if (value->storage == DATATYPE_FP64) {
		double number = -*(const double *)value->data;
		return literal_of(parser, at, VALUE_FLOAT, DATATYPE_FP64, &number);
	}
	uint64_t natural = *(const uint64_t *)value->data;
	if (value->storage == DATATYPE_UINT64 && natural > (uint64_t)INT64_MAX + 1)
		return refuse(parser, at, "this integer does not fit 64 bits; write it with a point, as a float");
	integer = (int64_t)(0 - natural);
	struct node *node = literal_of(parser, at, literal->class, DATATYPE_INT64, &integer);
	if (node)
		node->literal.fits_any = integer >= 0;
	return node;
}

static struct node *parse_word_literal(struct parser *parser)
{
	uint32_t at = parser->token.at;
	static const struct {
		const char *word;
		double number;
	} floats[] = {{"nan", __builtin_nan("")}, {"inf", __builtin_inf()}};
	for (size_t i = 0; i < 2; i++)
		if (at_word(parser, floats[i].word))
			return advance(parser) ? literal_of(parser, at, VALUE_FLOAT, DATATYPE_FP64, &floats[i].number) : NULL;
	uint8_t truth = at_word(parser, "true");
	return advance(parser) ? literal_of(parser, at, VALUE_BOOL, DATATYPE_BOOL, &truth) : NULL;
}

static bool at_word_literal(const struct parser *parser)
{
	return at_word(parser, "true") || at_word(parser, "false") || at_word(parser, "nan") || at_word(parser, "inf");
}

/* A literal without its sign; NULL without an error when none stands here. */
static struct node *parse_literal(struct parser *parser)
{
	struct token token = parser->token;
	if (token.kind == TOKEN_NUMBER)
		return advance(parser) ? node_literal(parser, token.at, class_of_number(&token.number), token.number) : NULL;
	if (token.kind == TOKEN_DURATION)
		return advance(parser) ? node_literal(parser, token.at, VALUE_DURATION, token.number) : NULL;
	if (token.kind == TOKEN_TEXT)
		return advance(parser) ? literal_of(parser, token.at, VALUE_TEXT, DATATYPE_BYTES, &token.text) : NULL;
	return at_word_literal(parser) ? parse_word_literal(parser) : NULL;
}

static struct node *parse_list_item(struct parser *parser)
{
	uint32_t at = parser->token.at;
	bool minus = parser->token.kind == TOKEN_SIGN && parser->token.sign == SIGN_OPERATOR &&
		     parser->token.operator == OPERATOR_SUBTRACT;
	if (minus && !advance(parser))
		return NULL;
	struct node *item = parse_literal(parser);
	if (!item)
		return refuse(parser, parser->token.at, "%s here, but a list holds literals only; write [1, 2, 3] or [\"a\", \"b\"], "
							"and stack(a, b) for values",
			      found_text(parser));
	if (!minus)
		return item;
	if (item->class != VALUE_INTEGER && item->class != VALUE_FLOAT)
		return refuse(parser, at, "only a number has a sign; leave the minus out");
	return negated(parser, item, at);
}

/* Elements of one class; integers among floats become floats. */
static struct node *list_of(struct parser *parser, struct node *const *items, size_t count, uint32_t at)
{
	enum datatype storage = (enum datatype)items[0]->literal.storage;
	bool fits_any = true;
	for (size_t i = 0; i < count; i++) {
		enum value_class class = items[i]->class, first = items[0]->class;
		bool numbers = (class == VALUE_INTEGER || class == VALUE_FLOAT) && (first == VALUE_INTEGER || first == VALUE_FLOAT);
		if (class != first && !numbers)
			return refuse(parser, items[i]->at, "a list holds one kind of value; write numbers only, or texts only");
		if (items[i]->literal.storage == DATATYPE_FP64)
			storage = DATATYPE_FP64;
		else if (items[i]->literal.storage == DATATYPE_UINT64 && storage == DATATYPE_INT64)
			storage = DATATYPE_UINT64;
		fits_any = fits_any && items[i]->literal.fits_any;
	}
	if (storage == DATATYPE_UINT64 && !fits_any)
		return refuse(parser, at, "this list has numbers below zero and others beyond 9223372036854775807; write them as floats");
	size_t stride = datatype_stride(storage);
	unsigned char *data = arena_take_raw(parser->arena, count * stride);
	int64_t *shape = arena_take_raw(parser->arena, sizeof *shape);
	if (!data || !shape) {
		error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
		return NULL;
	}
	*shape = (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		const struct value *item = &items[i]->literal;
		if (storage == DATATYPE_FP64 && item->storage != DATATYPE_FP64) {
			double number = item->storage == DATATYPE_UINT64 ? (double)*(const uint64_t *)item->data
									 : (double)*(const int64_t *)item->data;
			memcpy(data + i * stride, &number, stride);
		} else {
			memcpy(data + i * stride, item->data, stride);
		}
	}
	struct value value = {.data = data, .shape = shape, .count = count, .rank = 1, .storage = (uint8_t)storage};
	value.fits_any = fits_any && storage != DATATYPE_FP64;
	enum value_class class = storage == DATATYPE_FP64 ? VALUE_FLOAT : items[0]->class;
	return node_literal(parser, at, class, value);
}

static struct node *parse_list(struct parser *parser)
{
	uint32_t at = parser->token.at;
	struct node **items = arena_take_raw(parser->arena, EXPRESSION_CHARACTERS_MAX / 2 * sizeof *items);
	size_t count = 0;
	if (!items) {
		error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
		return NULL;
	}
	do {
		if (!advance(parser))
			return NULL;
		if (count == 0 && at_sign(parser, SIGN_CLOSE_LIST))
			return refuse(parser, at, "this list is empty; write its elements, [1, 2]");
		struct node *item = parse_list_item(parser);
		if (!item)
			return NULL;
		items[count++] = item;
	} while (at_sign(parser, SIGN_COMMA));
	return expect(parser, SIGN_CLOSE_LIST, "`]` or `,`", at) ? list_of(parser, items, count, at) : NULL;
}

/* ---- names and calls ---- */

static struct node *node_name(struct parser *parser, const struct token *token)
{
	struct expression *expression = parser->expression;
	if (expression->names_count == parser->names_capacity) {
		size_t capacity = parser->names_capacity ? parser->names_capacity * 2 : 4;
		struct expression_name *names = ARENA_ARRAY(parser->arena, struct expression_name, capacity);
		if (!names) {
			error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
			return NULL;
		}
		if (expression->names_count)
			memcpy(names, expression->names, expression->names_count * sizeof *names);
		expression->names = names;
		parser->names_capacity = capacity;
	}
	struct node *node = node_new(parser, NODE_NAME, token->at, 0);
	if (!node)
		return NULL;
	node->name = (uint32_t)expression->names_count;
	expression->names[expression->names_count++] = (struct expression_name){
		.owner = token->owner.bytes ? token->owner : TEXT(""),
		.name = token->text,
		.place = expression_place_at(expression, token->at),
		.optional = parser->optional > 0,
	};
	for (int i = 1; i < SPECIAL_COUNT && !token->owner.bytes; i++)
		if (text_is(token->text, special_names[i]))
			node->special = (enum special_name)i;
	return node;
}

static struct node *parse_header(struct parser *parser, uint32_t at)
{
	uint32_t opened = parser->token.at;
	if (!advance(parser))
		return NULL;
	struct token token = parser->token;
	if (token.kind != TOKEN_TEXT)
		return refuse(parser, token.at, "header() takes the header's name as a text; write header(\"x-user\")");
	if (!advance(parser) || !expect(parser, SIGN_CLOSE, "`)`", opened))
		return NULL;
	struct node *node = node_new(parser, NODE_HEADER, at, 0);
	if (node)
		node->text = token.text;
	return node;
}

static bool parse_along(struct parser *parser, struct node *call)
{
	if (!advance(parser))
		return false;
	uint32_t at = parser->token.at;
	struct node *axis = parse_list_item(parser);
	if (!axis || axis->class != VALUE_INTEGER || axis->literal.storage != DATATYPE_INT64)
		return refuse(parser, at, "`along` takes the number of an axis; write `along 0`, or `along -1` for the last") != NULL;
	if (call->has_along)
		return refuse(parser, at, "`along` is written twice; leave one out") != NULL;
	call->has_along = true;
	call->along = *(const int64_t *)axis->literal.data;
	return true;
}

static bool parse_over(struct parser *parser, struct node *call)
{
	if (!advance(parser))
		return false;
	uint32_t at = parser->token.at;
	struct node *extent = parse_literal(parser);
	bool whole = extent && extent->literal.storage == DATATYPE_INT64 && *(const int64_t *)extent->literal.data > 0;
	if (!whole || (extent->class != VALUE_INTEGER && extent->class != VALUE_DURATION))
		return refuse(parser, at, "`over` takes a number of messages or a duration; write `over 20` or `over 5m`") != NULL;
	if (call->has_over)
		return refuse(parser, at, "`over` is written twice; leave one out") != NULL;
	call->has_over = true;
	call->over_count = extent->class == VALUE_INTEGER ? *(const int64_t *)extent->literal.data : 0;
	call->over_ms = extent->class == VALUE_DURATION ? *(const int64_t *)extent->literal.data : 0;
	return true;
}

/* The datatype that cast() takes stands where an argument would. */
static bool parse_datatype(struct parser *parser, struct node *call)
{
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_NAME && !token->owner.bytes && datatype_find(token->text, &call->datatype) &&
	    call->datatype != DATATYPE_BYTES)
		return advance(parser);
	struct suggestion suggestion = suggest_begin(token->kind == TOKEN_NAME ? token->text : TEXT(""));
	for (int i = 0; i < DATATYPE_COUNT; i++)
		suggest_offer(&suggestion, text_of(datatype_rows[i].name));
	const char *nearest = suggestion.nearest.bytes ? suggestion.nearest.bytes : "INT64";
	if (strcmp(nearest, "BYTES") == 0)
		return refuse(parser, token->at, "cast() makes numbers and bools; write text(x)") != NULL;
	return refuse(parser, token->at, "cast() takes a datatype here; write cast(x, %s)", nearest) != NULL;
}

static bool parse_arguments(struct parser *parser, struct node *call, bool is_cast)
{
	struct node *items[CALL_ITEMS_MAX];
	uint32_t opened = parser->token.at;
	if (!advance(parser))
		return false;
	uint32_t count = 0;
	while (!at_sign(parser, SIGN_CLOSE)) {
		if (count == CALL_ITEMS_MAX)
			return refuse(parser, parser->token.at, "a function takes at most %d arguments; nest two calls", CALL_ITEMS_MAX) != NULL;
		if (is_cast && count == 1) {
			if (!parse_datatype(parser, call))
				return false;
			is_cast = false;
			break;
		}
		items[count] = parse_level(parser, LEVEL_COALESCE);
		if (!items[count++])
			return false;
		while (at_word(parser, "along") || at_word(parser, "over"))
			if (!(at_word(parser, "along") ? parse_along(parser, call) : parse_over(parser, call)))
				return false;
		if (!at_sign(parser, SIGN_COMMA))
			break;
		if (!advance(parser))
			return false;
	}
	if (is_cast && count > 0 && at_sign(parser, SIGN_CLOSE))
		return refuse(parser, parser->token.at, "cast() takes a datatype too; write cast(x, INT64)") != NULL;
	call->count = count;
	call->items = ARENA_ARRAY(parser->arena, struct node *, count);
	if (!call->items)
		return error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
	memcpy(call->items, items, count * sizeof *items);
	return expect(parser, SIGN_CLOSE, "`)` or `,`", opened);
}

static struct node *parse_call(struct parser *parser, const struct token *name)
{
	if (name->owner.bytes)
		return refuse(parser, name->at, "a function has no point in its name; write a function of `sluice help functions`");
	if (text_is(name->text, "header"))
		return parse_header(parser, name->at);
	struct node *call = node_new(parser, NODE_CALL, name->at, 0);
	if (!call)
		return NULL;
	bool is_has = text_is(name->text, "has");
	parser->optional += is_has;
	bool parsed = parse_arguments(parser, call, text_is(name->text, "cast"));
	parser->optional -= is_has;
	if (!parsed)
		return NULL;
	call->end = parser->before_end;
	return function_find(parser->expression, name->text, call, parser->error) ? call : NULL;
}

/* ---- the levels of precedence, tightest first ---- */

static struct node *parse_primary(struct parser *parser)
{
	struct token token = parser->token;
	if (at_sign(parser, SIGN_OPEN)) {
		struct node *inner = advance(parser) ? parse_level(parser, LEVEL_COALESCE) : NULL;
		if (!inner || !expect(parser, SIGN_CLOSE, "`)`", token.at))
			return NULL;
		inner->bracketed = true;
		return inner;
	}
	if (at_sign(parser, SIGN_OPEN_LIST))
		return parse_list(parser);
	if (token.kind == TOKEN_NAME && !at_word_literal(parser)) {
		static const char *const words[] = {"and", "or", "not", "in"};
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (at_word(parser, words[i]))
				return refuse(parser, token.at, "a value is missing before `%s`; write one, or `%s` in backquotes if it is a name",
					      words[i], words[i]);
		if (!advance(parser))
			return NULL;
		if (at_sign(parser, SIGN_OPEN) && !token.quoted)
			return parse_call(parser, &token);
		return node_name(parser, &token);
	}
	struct node *literal = parse_literal(parser);
	if (!literal)
		return refuse(parser, token.at, "%s here, but a value is needed; write a name, a number or a function", found_text(parser));
	return literal;
}

static struct node *parse_dimension(struct parser *parser)
{
	uint32_t at = parser->token.at;
	struct node *from = NULL;
	if (!at_sign(parser, SIGN_COLON)) {
		from = parse_level(parser, LEVEL_COALESCE);
		if (!from || !at_sign(parser, SIGN_COLON))
			return from;
	}
	if (!advance(parser))
		return NULL;
	struct node *slice = node_new(parser, NODE_SLICE, at, 2);
	if (!slice)
		return NULL;
	slice->items[0] = from;
	if (!at_sign(parser, SIGN_COMMA) && !at_sign(parser, SIGN_CLOSE_LIST)) {
		slice->items[1] = parse_level(parser, LEVEL_COALESCE);
		if (!slice->items[1])
			return NULL;
	}
	slice->end = parser->before_end;
	return slice;
}

static struct node *parse_index(struct parser *parser, struct node *base)
{
	struct node *dimensions[TENSOR_RANK_MAX];
	uint32_t count = 0;
	uint32_t opened = parser->token.at;
	do {
		if (!advance(parser))
			return NULL;
		if (count == TENSOR_RANK_MAX)
			return refuse(parser, parser->token.at, "a tensor has at most %d dimensions; leave the rest out", TENSOR_RANK_MAX);
		if (at_sign(parser, SIGN_CLOSE_LIST))
			return refuse(parser, parser->token.at, "an index is missing here; write x[0], x[1:3] or x[\"column\"]");
		dimensions[count] = parse_dimension(parser);
		if (!dimensions[count++])
			return NULL;
	} while (at_sign(parser, SIGN_COMMA));
	if (!expect(parser, SIGN_CLOSE_LIST, "`]` or `,`", opened))
		return NULL;
	struct node *node = node_new(parser, NODE_INDEX, base->at, count + 1);
	if (!node)
		return NULL;
	node->items[0] = base;
	memcpy(node->items + 1, dimensions, count * sizeof *dimensions);
	return node;
}

static struct node *parse_postfix(struct parser *parser)
{
	struct node *node = parse_primary(parser);
	while (node && at_sign(parser, SIGN_OPEN_LIST))
		node = parse_index(parser, node);
	return node;
}

static struct node *node_binary(struct parser *parser, enum operator_kind operator, struct node *left, struct node *right)
{
	struct node *node = left && right ? node_new(parser, NODE_BINARY, left->at, 2) : NULL;
	if (node) {
		node->operator = operator;
		node->items[0] = left;
		node->items[1] = right;
	}
	return node;
}

static bool at_operator(const struct parser *parser, enum operator_kind operator)
{
	return at_sign(parser, SIGN_OPERATOR) && parser->token.operator == operator;
}

static struct node *node_unary(struct parser *parser, enum operator_kind operator, struct node *operand, uint32_t at)
{
	struct node *node = node_new(parser, NODE_UNARY, at, 1);
	if (node) {
		node->operator = operator;
		node->items[0] = operand;
	}
	return node;
}

static struct node *parse_unary(struct parser *parser);

/* -2 ^ 2 is -(2 ^ 2), and 2 ^ -1 needs no brackets. */
static struct node *parse_power(struct parser *parser)
{
	struct node *base = parse_postfix(parser);
	if (!base || !at_operator(parser, OPERATOR_POWER))
		return base;
	return advance(parser) ? node_binary(parser, OPERATOR_POWER, base, parse_unary(parser)) : NULL;
}

static struct node *parse_unary_deeper(struct parser *parser)
{
	uint32_t at = parser->token.at;
	bool minus = at_operator(parser, OPERATOR_SUBTRACT);
	bool not = at_sign(parser, SIGN_NOT) || at_word(parser, "not");
	if (!minus && !not)
		return parse_power(parser);
	if (!advance(parser))
		return NULL;
	if (minus && parser->token.kind == TOKEN_NUMBER) {
		struct node *operand = parse_power(parser);
		if (operand && operand->kind == NODE_LITERAL)
			return negated(parser, operand, at);
		return operand ? node_unary(parser, OPERATOR_NEGATE, operand, at) : NULL;
	}
	struct node *operand = parse_unary(parser);
	return operand ? node_unary(parser, not ? OPERATOR_NOT : OPERATOR_NEGATE, operand, at) : NULL;
}

static struct node *parse_unary(struct parser *parser)
{
	if (parser->depth++ == EXPRESSION_DEPTH_MAX + 1)
		return refuse(parser, parser->token.at, "this is nested deeper than %d; set a part of it under a name of its own",
			      EXPRESSION_DEPTH_MAX);
	struct node *node = parse_unary_deeper(parser);
	parser->depth--;
	return node;
}

/* The operator that stands here, if any. */
static bool binary_operator(const struct parser *parser, enum operator_kind *operator)
{
	static const struct {
		const char *word;
		enum operator_kind operator;
	} words[] = {{"and", OPERATOR_AND}, {"or", OPERATOR_OR}, {"in", OPERATOR_IN}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (at_word(parser, words[i].word)) {
			*operator = words[i].operator;
			return true;
		}
	}
	*operator = parser->token.operator;
	return at_sign(parser, SIGN_OPERATOR);
}

/* What a comparison must not be followed by: it has no left or right. */
static struct node *refuse_chain(struct parser *parser, const struct node *comparison)
{
	const char *source = parser->expression->source.bytes;
	const struct node *middle = comparison->items[1];
	return refuse(parser, parser->token.at, "a comparison has two sides; write `%.*s and %.*s %.*s ...`",
		      (int)(comparison->end - comparison->at), source + comparison->at, (int)(middle->end - middle->at),
		      source + middle->at, (int)(parser->token.end - parser->token.at), source + parser->token.at);
}

static struct node *parse_level(struct parser *parser, enum level level)
{
	if (level == LEVEL_UNARY)
		return parse_unary(parser);
	size_t first_name = parser->expression->names_count;
	struct node *left = parse_level(parser, level + 1);
	if (left && level == LEVEL_COMPARE && at_word(parser, "not"))
		return refuse(parser, parser->token.at, "`not` stands before a whole comparison; write `not (a in [1, 2])`");
	enum operator_kind operator;
	while (left && binary_operator(parser, &operator) && levels[operator] == level) {
		if (level == LEVEL_COMPARE && left->kind == NODE_BINARY && levels[left->operator] == level && !left->bracketed)
			return refuse_chain(parser, left);
		for (size_t i = first_name; operator == OPERATOR_COALESCE && i < parser->expression->names_count; i++)
			parser->expression->names[i].optional = true;
		left = advance(parser) ? node_binary(parser, operator, left, parse_level(parser, level + 1)) : NULL;
	}
	return left;
}

bool expression_parse(struct expression *expression, struct arena *arena, struct error *error)
{
	struct parser parser = {.expression = expression, .arena = arena, .error = error};
	parser.lexer = (struct lexer){.expression = expression, .arena = arena, .error = error};
	if (!advance(&parser))
		return false;
	if (parser.token.kind == TOKEN_END)
		return refuse(&parser, 0, "the expression is empty; write one, such as `price > 0`") != NULL;
	expression->root = parse_level(&parser, LEVEL_COALESCE);
	if (!expression->root)
		return false;
	if (parser.token.kind != TOKEN_END)
		return refuse(&parser, parser.token.at, "%s behind the end of the expression; write an operator before it, or leave it out",
			      found_text(&parser)) != NULL;
	return true;
}
