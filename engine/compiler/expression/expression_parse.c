/* expression_parse.c: Parser from tokens to a tree, by precedence climbing. It checks only the grammar and the form
 * of calls; expression_check.c checks types. */
#include "base/arena_list.h"
#include "base/suggest.h"
#include "compiler/expression/expression_foreign.h"
#include "compiler/expression/expression_parser.h"

#define CALL_ITEMS_MAX 64 /* arguments of a call, dimensions of an index */

const char *const operator_texts[] = {
	[OPERATOR_COALESCE] = "??",
	[OPERATOR_OR] = "or",
	[OPERATOR_AND] = "and",
	[OPERATOR_LESS] = "<",
	[OPERATOR_LESS_EQUAL] = "<=",
	[OPERATOR_GREATER] = ">",
	[OPERATOR_GREATER_EQUAL] = ">=",
	[OPERATOR_EQUAL] = "==",
	[OPERATOR_NOT_EQUAL] = "!=",
	[OPERATOR_IN] = "in",
	[OPERATOR_ADD] = "+",
	[OPERATOR_SUBTRACT] = "-",
	[OPERATOR_MULTIPLY] = "*",
	[OPERATOR_DIVIDE] = "/",
	[OPERATOR_POWER] = "^",
	[OPERATOR_NOT] = "not",
	[OPERATOR_NEGATE] = "-",
};

const char *const special_names[SPECIAL_COUNT] = {
	[SPECIAL_NONE] = "",	       [SPECIAL_KEY] = "key",		[SPECIAL_ID] = "id",
	[SPECIAL_TIME] = "ts",	       [SPECIAL_PIPELINE] = "pipeline", [SPECIAL_STEP] = "step",
	[SPECIAL_VARIANT] = "variant", [SPECIAL_MODEL] = "model",	[SPECIAL_VERSION] = "version",
};

enum expression_level { LEVEL_COALESCE, LEVEL_OR, LEVEL_AND, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

static const enum expression_level levels[] = {
	[OPERATOR_COALESCE] = LEVEL_COALESCE,
	[OPERATOR_OR] = LEVEL_OR,
	[OPERATOR_AND] = LEVEL_AND,
	[OPERATOR_LESS] = LEVEL_COMPARE,
	[OPERATOR_LESS_EQUAL] = LEVEL_COMPARE,
	[OPERATOR_GREATER] = LEVEL_COMPARE,
	[OPERATOR_GREATER_EQUAL] = LEVEL_COMPARE,
	[OPERATOR_EQUAL] = LEVEL_COMPARE,
	[OPERATOR_NOT_EQUAL] = LEVEL_COMPARE,
	[OPERATOR_IN] = LEVEL_COMPARE,
	[OPERATOR_ADD] = LEVEL_SUM,
	[OPERATOR_SUBTRACT] = LEVEL_SUM,
	[OPERATOR_MULTIPLY] = LEVEL_PRODUCT,
	[OPERATOR_DIVIDE] = LEVEL_PRODUCT,
	[OPERATOR_POWER] = LEVEL_UNARY,
};

static struct expression_node *parse_level(struct parser *parser, enum expression_level level);

/* ---- names and calls ---- */

static struct expression_node *node_name(struct parser *parser, const struct token *token)
{
	struct expression *expression = parser->expression;
	if (expression->names_count == parser->names_capacity) {
		size_t capacity = parser->names_capacity ? parser->names_capacity * 2 : 4;
		struct expression_name *names = ARENA_ARRAY(parser->arena, struct expression_name, capacity);
		if (!names)
			return error_null(error_memory(parser->error, ERROR_SYSTEM, "compiling an expression"));
		if (expression->names_count)
			memcpy(names, expression->names, expression->names_count * sizeof *names);
		expression->names = names;
		parser->names_capacity = capacity;
	}
	struct expression_node *node = parser_node(parser, NODE_NAME, token->at, 0);
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

static struct expression_node *parse_header(struct parser *parser, uint32_t at)
{
	uint32_t opened = parser->token.at;
	if (!parser_advance(parser))
		return NULL;
	struct token token = parser->token;
	if (token.kind != TOKEN_TEXT)
		return parser_refuse(parser, token.at, "header() takes the header's name as a text; write header(\"x-user\")");
	if (!parser_advance(parser) || !parser_expect(parser, SIGN_CLOSE, "`)`", opened))
		return NULL;
	struct expression *expression = parser->expression;
	struct expression_node *node = parser_node(parser, NODE_HEADER, at, 0);
	struct text *headers = arena_list_grow(parser->arena, expression->headers, expression->headers_count, sizeof *headers);
	if (!node || !headers)
		return error_null(error_memory(parser->error, ERROR_SYSTEM, "compiling an expression"));
	headers[expression->headers_count++] = node->text = token.text;
	expression->headers = headers;
	return node;
}

static bool parse_along(struct parser *parser, struct expression_node *call)
{
	if (!parser_advance(parser))
		return false;
	uint32_t at = parser->token.at;
	struct expression_node *axis = parse_list_item(parser);
	if (!axis || axis->class != VALUE_INTEGER || axis->literal.storage != DATATYPE_INT64)
		return parser_refuse(parser, at,
				     "`along` takes the number of an axis; write `along 0`, or `along -1` for the last") != NULL;
	if (call->has_along)
		return parser_refuse(parser, at, "`along` is written twice; leave one out") != NULL;
	call->has_along = true;
	call->along = *(const int64_t *)axis->literal.data;
	return true;
}

static bool parse_over(struct parser *parser, struct expression_node *call)
{
	if (!parser_advance(parser))
		return false;
	uint32_t at = parser->token.at;
	struct expression_node *extent = parse_literal(parser);
	bool whole = extent && extent->literal.storage == DATATYPE_INT64 && *(const int64_t *)extent->literal.data > 0;
	if (!whole || (extent->class != VALUE_INTEGER && extent->class != VALUE_DURATION))
		return parser_refuse(parser, at, "`over` takes a number of messages or a duration; write `over 20` or `over 5m`") !=
		       NULL;
	if (call->has_over)
		return parser_refuse(parser, at, "`over` is written twice; leave one out") != NULL;
	call->has_over = true;
	call->over_count = extent->class == VALUE_INTEGER ? *(const int64_t *)extent->literal.data : 0;
	call->over_ms = extent->class == VALUE_DURATION ? *(const int64_t *)extent->literal.data : 0;
	return true;
}

/* The datatype that cast() takes stands where an argument would. */
static bool parse_datatype(struct parser *parser, struct expression_node *call)
{
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_NAME && !token->owner.bytes && datatype_find(token->text, &call->datatype) &&
	    call->datatype != DATATYPE_BYTES)
		return parser_advance(parser);
	struct suggestion suggestion = suggest_begin(token->kind == TOKEN_NAME ? token->text : TEXT(""));
	for (int i = 0; i < DATATYPE_COUNT; i++)
		suggest_offer(&suggestion, text_of(datatype_rows[i].name));
	const char *nearest = suggestion.nearest.bytes ? suggestion.nearest.bytes : "INT64";
	if (strcmp(nearest, "BYTES") == 0)
		return parser_refuse(parser, token->at, "cast() makes numbers and bools; write text(x)") != NULL;
	return parser_refuse(parser, token->at, "cast() takes a datatype here; write cast(x, %s)", nearest) != NULL;
}

static bool parse_arguments(struct parser *parser, struct expression_node *call, bool is_cast)
{
	struct expression_node *items[CALL_ITEMS_MAX];
	uint32_t opened = parser->token.at;
	if (!parser_advance(parser))
		return false;
	uint32_t count = 0;
	while (!parser_at_sign(parser, SIGN_CLOSE)) {
		if (count == CALL_ITEMS_MAX)
			return parser_refuse(parser, parser->token.at, "a function takes at most %d arguments; nest two calls",
					     CALL_ITEMS_MAX) != NULL;
		if (is_cast && count == 1) {
			if (!parse_datatype(parser, call))
				return false;
			is_cast = false;
			break;
		}
		items[count] = parse_level(parser, LEVEL_COALESCE);
		if (!items[count++])
			return false;
		while (parser_at_word(parser, "along") || parser_at_word(parser, "over"))
			if (!(parser_at_word(parser, "along") ? parse_along(parser, call) : parse_over(parser, call)))
				return false;
		if (!parser_at_sign(parser, SIGN_COMMA))
			break;
		if (!parser_advance(parser))
			return false;
	}
	if (is_cast && count > 0 && parser_at_sign(parser, SIGN_CLOSE))
		return parser_refuse(parser, parser->token.at, "cast() takes a datatype too; write cast(x, INT64)") != NULL;
	call->count = count;
	call->items = ARENA_ARRAY(parser->arena, struct expression_node *, count);
	if (!call->items)
		return error_memory(parser->error, ERROR_SYSTEM, "compiling an expression");
	memcpy(call->items, items, count * sizeof *items);
	return parser_expect(parser, SIGN_CLOSE, "`)` or `,`", opened);
}

/* `x.mean()` and `np.log(x)`, as other languages write calls: always an error. */
static struct expression_node *parse_method(struct parser *parser, const struct token *name)
{
	static const char refusal[] = "a function has no point in its name";
	struct text source = parser->expression->source, function = name->text;
	for (size_t i = 0; i < name->text.length; i++)
		if (name->text.bytes[i] == '.')
			function = (struct text){name->text.bytes + i + 1, name->text.length - i - 1};
	struct text object = {source.bytes + name->at, (size_t)(function.bytes - source.bytes) - name->at - 1};
	uint32_t inside = parser->token.end;
	while (inside < source.length && source.bytes[inside] == ' ')
		inside++;
	bool alone = inside < source.length && source.bytes[inside] == ')';
	const char *foreign = foreign_function(function);
	if (function_exists(function) && foreign_is_module(object))
		return parser_refuse(parser, name->at, "%s; write " TEXT_FORMAT "(%s), without `" TEXT_FORMAT ".`", refusal,
				     TEXT_ARGUMENTS(function), alone ? "" : "...", TEXT_ARGUMENTS(object));
	if (function_exists(function))
		return parser_refuse(parser, name->at, "%s; write " TEXT_FORMAT "(" TEXT_FORMAT "%s)", refusal,
				     TEXT_ARGUMENTS(function), TEXT_ARGUMENTS(object), alone ? "" : ", ...");
	return parser_refuse(parser, name->at, "%s; %s", refusal,
			     foreign ? foreign : "write a function of `sluice help functions`");
}

static struct expression_node *parse_call(struct parser *parser, const struct token *name)
{
	if (name->owner.bytes)
		return parse_method(parser, name);
	if (text_is(name->text, "header"))
		return parse_header(parser, name->at);
	struct expression_node *call = parser_node(parser, NODE_CALL, name->at, 0);
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

static struct expression_node *parse_primary(struct parser *parser)
{
	struct token token = parser->token;
	if (parser_at_sign(parser, SIGN_OPEN)) {
		struct expression_node *inner = parser_advance(parser) ? parse_level(parser, LEVEL_COALESCE) : NULL;
		if (!inner || !parser_expect(parser, SIGN_CLOSE, "`)`", token.at))
			return NULL;
		inner->bracketed = true;
		return inner;
	}
	if (parser_at_sign(parser, SIGN_OPEN_LIST))
		return parse_list(parser);
	if (token.kind == TOKEN_NAME && !parser_at_literal_word(parser)) {
		static const char *const words[] = {"and", "or", "not", "in"};
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (parser_at_word(parser, words[i]))
				return parser_refuse(
					parser, token.at,
					"a value is missing before `%s`; write one, or `%s` in backquotes if it is a name",
					words[i], words[i]);
		if (!parser_advance(parser))
			return NULL;
		if (parser_at_sign(parser, SIGN_OPEN) && !token.quoted)
			return parse_call(parser, &token);
		return node_name(parser, &token);
	}
	struct expression_node *literal = parse_literal(parser);
	if (!literal)
		return parser_refuse(parser, token.at, "%s here, but a value is needed; write a name, a number or a function",
				     parser_found(parser));
	return literal;
}

static struct expression_node *parse_dimension(struct parser *parser)
{
	uint32_t at = parser->token.at;
	struct expression_node *from = NULL;
	if (!parser_at_sign(parser, SIGN_COLON)) {
		from = parse_level(parser, LEVEL_COALESCE);
		if (!from || !parser_at_sign(parser, SIGN_COLON))
			return from;
	}
	if (!parser_advance(parser))
		return NULL;
	struct expression_node *slice = parser_node(parser, NODE_SLICE, at, 2);
	if (!slice)
		return NULL;
	slice->items[0] = from;
	if (!parser_at_sign(parser, SIGN_COMMA) && !parser_at_sign(parser, SIGN_CLOSE_LIST)) {
		slice->items[1] = parse_level(parser, LEVEL_COALESCE);
		if (!slice->items[1])
			return NULL;
	}
	slice->end = parser->before_end;
	return slice;
}

static struct expression_node *parse_index(struct parser *parser, struct expression_node *base)
{
	struct expression_node *dimensions[TENSOR_RANK_MAX];
	uint32_t count = 0;
	uint32_t opened = parser->token.at;
	do {
		if (!parser_advance(parser))
			return NULL;
		if (count == TENSOR_RANK_MAX)
			return parser_refuse(parser, parser->token.at, "a tensor has at most %d dimensions; leave the rest out",
					     TENSOR_RANK_MAX);
		if (parser_at_sign(parser, SIGN_CLOSE_LIST))
			return parser_refuse(parser, parser->token.at,
					     "an index is missing here; write x[0], x[1:3] or x[\"column\"]");
		dimensions[count] = parse_dimension(parser);
		if (!dimensions[count++])
			return NULL;
	} while (parser_at_sign(parser, SIGN_COMMA));
	if (!parser_expect(parser, SIGN_CLOSE_LIST, "`]` or `,`", opened))
		return NULL;
	struct expression_node *node = parser_node(parser, NODE_INDEX, base->at, count + 1);
	if (!node)
		return NULL;
	node->items[0] = base;
	memcpy(node->items + 1, dimensions, count * sizeof *dimensions);
	return node;
}

static struct expression_node *parse_postfix(struct parser *parser)
{
	struct expression_node *node = parse_primary(parser);
	while (node && parser_at_sign(parser, SIGN_OPEN_LIST))
		node = parse_index(parser, node);
	return node;
}

static struct expression_node *node_binary(struct parser *parser, enum operator_kind operation, struct expression_node *left,
					   struct expression_node *right)
{
	struct expression_node *node = left && right ? parser_node(parser, NODE_BINARY, left->at, 2) : NULL;
	if (node) {
		node->operation = operation;
		node->items[0] = left;
		node->items[1] = right;
	}
	return node;
}

static bool at_operator(const struct parser *parser, enum operator_kind operation)
{
	return parser_at_sign(parser, SIGN_OPERATOR) && parser->token.operation == operation;
}

static struct expression_node *node_unary(struct parser *parser, enum operator_kind operation, struct expression_node *operand,
					  uint32_t at)
{
	struct expression_node *node = parser_node(parser, NODE_UNARY, at, 1);
	if (node) {
		node->operation = operation;
		node->items[0] = operand;
	}
	return node;
}

static struct expression_node *parse_unary(struct parser *parser);

/* -2 ^ 2 is -(2 ^ 2), and 2 ^ -1 needs no brackets. */
static struct expression_node *parse_power(struct parser *parser)
{
	struct expression_node *base = parse_postfix(parser);
	if (!base || !at_operator(parser, OPERATOR_POWER))
		return base;
	return parser_advance(parser) ? node_binary(parser, OPERATOR_POWER, base, parse_unary(parser)) : NULL;
}

static struct expression_node *parse_unary_deeper(struct parser *parser)
{
	uint32_t at = parser->token.at;
	bool minus = at_operator(parser, OPERATOR_SUBTRACT);
	bool not = parser_at_sign(parser, SIGN_NOT) || parser_at_word(parser, "not");
	if (!minus && !not )
		return parse_power(parser);
	if (!parser_advance(parser))
		return NULL;
	if (minus && parser->token.kind == TOKEN_NUMBER) {
		struct expression_node *operand = parse_power(parser);
		if (operand && operand->kind == NODE_LITERAL)
			return parser_negated(parser, operand, at);
		return operand ? node_unary(parser, OPERATOR_NEGATE, operand, at) : NULL;
	}
	struct expression_node *operand = parse_unary(parser);
	return operand ? node_unary(parser, not ? OPERATOR_NOT : OPERATOR_NEGATE, operand, at) : NULL;
}

static struct expression_node *parse_unary(struct parser *parser)
{
	if (parser->depth++ == EXPRESSION_DEPTH_MAX + 1)
		return parser_refuse(parser, parser->token.at,
				     "this is nested deeper than %d; set a part of it under a name of its own",
				     EXPRESSION_DEPTH_MAX);
	struct expression_node *node = parse_unary_deeper(parser);
	parser->depth--;
	return node;
}

/* The operator that stands here, if any. */
static bool binary_operator(const struct parser *parser, enum operator_kind *operation)
{
	static const struct {
		const char *word;
		enum operator_kind operation;
	} words[] = {{"and", OPERATOR_AND}, {"or", OPERATOR_OR}, {"in", OPERATOR_IN}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (parser_at_word(parser, words[i].word)) {
			*operation = words[i].operation;
			return true;
		}
	}
	*operation = parser->token.operation;
	return parser_at_sign(parser, SIGN_OPERATOR);
}

/* What a comparison must not be followed by: it has no left or right. */
static struct expression_node *refuse_chain(struct parser *parser, const struct expression_node *comparison)
{
	const char *source = parser->expression->source.bytes;
	const struct expression_node *middle = comparison->items[1];
	return parser_refuse(parser, parser->token.at, "a comparison has two sides; write `%.*s and %.*s %.*s ...`",
			     (int)(comparison->end - comparison->at), source + comparison->at, (int)(middle->end - middle->at),
			     source + middle->at, (int)(parser->token.end - parser->token.at), source + parser->token.at);
}

static struct expression_node *parse_level(struct parser *parser, enum expression_level level)
{
	if (level == LEVEL_UNARY)
		return parse_unary(parser);
	size_t first_name = parser->expression->names_count;
	struct expression_node *left = parse_level(parser, level + 1);
	if (left && level == LEVEL_COMPARE && parser_at_word(parser, "not"))
		return parser_refuse(parser, parser->token.at, "`not` comes before a whole comparison; write `not (a in [1, 2])`");
	enum operator_kind operation;
	while (left && binary_operator(parser, &operation) && levels[operation] == level) {
		if (level == LEVEL_COMPARE && left->kind == NODE_BINARY && levels[left->operation] == level && !left->bracketed)
			return refuse_chain(parser, left);
		for (size_t i = first_name; operation == OPERATOR_COALESCE && i < parser->expression->names_count; i++)
			parser->expression->names[i].optional = true;
		left = parser_advance(parser) ? node_binary(parser, operation, left, parse_level(parser, level + 1)) : NULL;
	}
	return left;
}

/* Something stands behind a whole expression: an operator of another language, or a function like one. */
static struct expression_node *parser_refuse_rest(struct parser *parser)
{
	const struct token *token = &parser->token;
	const char *foreign = parser_foreign(parser);
	struct foreign_choice choice;
	if (parser_at_word(parser, "if") && foreign_choice_split(parser->expression->source, token->at, &choice))
		return parser_refuse(parser, token->at,
				     "there is no `if` between two values; write where(" TEXT_FORMAT ", " TEXT_FORMAT
				     ", " TEXT_FORMAT ")",
				     TEXT_ARGUMENTS(choice.condition), TEXT_ARGUMENTS(choice.value),
				     TEXT_ARGUMENTS(choice.otherwise));
	if (!foreign && text_starts_with(parser->expression->source, TEXT("if ")))
		return parser_refuse(parser, 0, "there is no `if`; %s", foreign_word(TEXT("if")));
	if (foreign)
		return parser_refuse_foreign(parser, foreign);
	if (token->kind == TOKEN_NAME && !token->quoted && !token->owner.bytes && function_exists(token->text))
		return parser_refuse(parser, token->at, "`" TEXT_FORMAT "` is a function; write " TEXT_FORMAT "(a, b)",
				     TEXT_ARGUMENTS(token->text), TEXT_ARGUMENTS(token->text));
	return parser_refuse(parser, token->at, "%s after the end of the expression; write an operator before it, or leave it out",
			     parser_found(parser));
}

bool expression_parse(struct expression *expression, struct arena *arena, struct error *error)
{
	struct parser parser = {.expression = expression, .arena = arena, .error = error};
	parser.lexer = (struct lexer){.expression = expression, .arena = arena, .error = error};
	if (!parser_advance(&parser))
		return false;
	if (parser.token.kind == TOKEN_END)
		return parser_refuse(&parser, 0, "the expression is empty; write one, such as `price > 0`") != NULL;
	struct expression_node *root = parse_level(&parser, LEVEL_COALESCE);
	if (!root)
		return false;
	if (parser.token.kind != TOKEN_END)
		return parser_refuse_rest(&parser) != NULL;
	expression->root = root;
	return window_resolve(expression, root, error);
}
