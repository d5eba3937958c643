/* expression_literal.c: Parser of literals: numbers, texts, durations and lists of them. */
#include "compiler/expression/expression_parser.h"

static struct expression_node *node_literal(struct parser *parser, uint32_t at, enum value_class class, struct value value)
{
	struct expression_node *node = parser_node(parser, NODE_LITERAL, at, 0);
	if (node) {
		node->class = class;
		node->literal = value;
	}
	return node;
}

static struct expression_node *literal_of(struct parser *parser, uint32_t at, enum value_class class, enum datatype storage,
					  const void *element)
{
	static const int64_t no_shape[1];
	size_t size = datatype_stride(storage);
	void *kept = arena_take_raw(parser->arena, size);
	if (!kept)
		return error_null(error_memory(parser->error, ERROR_SYSTEM, "compiling an expression"));
	memcpy(kept, element, size);
	return node_literal(parser, at, class,
			    (struct value){.data = kept, .shape = no_shape, .count = 1, .storage = (uint8_t)storage});
}

static enum value_class class_of_number(const struct value *number)
{
	return number->storage == DATATYPE_FP64 ? VALUE_FLOAT : VALUE_INTEGER;
}

struct expression_node *parser_negated(struct parser *parser, struct expression_node *literal, uint32_t at)
{
	struct value *value = &literal->literal;
	int64_t integer;
	if (value->storage == DATATYPE_FP64) {
		double number = -*(const double *)value->data;
		return literal_of(parser, at, VALUE_FLOAT, DATATYPE_FP64, &number);
	}
	uint64_t natural = *(const uint64_t *)value->data;
	if (value->storage == DATATYPE_UINT64 && natural > (uint64_t)INT64_MAX + 1)
		return parser_refuse(parser, at, "this integer does not fit 64 bits; write it with a point, as a float");
	integer = (int64_t)(0 - natural);
	struct expression_node *node = literal_of(parser, at, literal->class, DATATYPE_INT64, &integer);
	if (node)
		node->literal.fits_any = integer >= 0;
	return node;
}

static struct expression_node *parse_word_literal(struct parser *parser)
{
	uint32_t at = parser->token.at;
	static const struct {
		const char *word;
		double number;
	} floats[] = {{"nan", __builtin_nan("")}, {"inf", __builtin_inf()}};
	for (size_t i = 0; i < 2; i++)
		if (parser_at_word(parser, floats[i].word))
			return parser_advance(parser) ? literal_of(parser, at, VALUE_FLOAT, DATATYPE_FP64, &floats[i].number)
						      : NULL;
	uint8_t truth = parser_at_word(parser, "true");
	return parser_advance(parser) ? literal_of(parser, at, VALUE_BOOL, DATATYPE_BOOL, &truth) : NULL;
}

bool parser_at_literal_word(const struct parser *parser)
{
	return parser_at_word(parser, "true") || parser_at_word(parser, "false") || parser_at_word(parser, "nan") ||
	       parser_at_word(parser, "inf");
}

struct expression_node *parse_literal(struct parser *parser)
{
	struct token token = parser->token;
	if (token.kind == TOKEN_NUMBER)
		return parser_advance(parser) ? node_literal(parser, token.at, class_of_number(&token.number), token.number) : NULL;
	if (token.kind == TOKEN_DURATION)
		return parser_advance(parser) ? node_literal(parser, token.at, VALUE_DURATION, token.number) : NULL;
	if (token.kind == TOKEN_TEXT)
		return parser_advance(parser) ? literal_of(parser, token.at, VALUE_TEXT, DATATYPE_BYTES, &token.text) : NULL;
	return parser_at_literal_word(parser) ? parse_word_literal(parser) : NULL;
}

struct expression_node *parse_list_item(struct parser *parser)
{
	uint32_t at = parser->token.at;
	bool minus = parser->token.kind == TOKEN_SIGN && parser->token.sign == SIGN_OPERATOR &&
		     parser->token.operation == OPERATOR_SUBTRACT;
	if (minus && !parser_advance(parser))
		return NULL;
	struct expression_node *item = parse_literal(parser);
	if (!item)
		return parser_refuse(parser, parser->token.at,
				     "%s here, but a list holds literals only; write [1, 2, 3] or [\"a\", \"b\"], "
				     "and stack(a, b) for values",
				     parser_found(parser));
	if (!minus)
		return item;
	if (item->class != VALUE_INTEGER && item->class != VALUE_FLOAT)
		return parser_refuse(parser, at, "only a number has a sign; leave the minus out");
	return parser_negated(parser, item, at);
}

/* Elements of one class; integers among floats become floats. */
static struct expression_node *list_of(struct parser *parser, struct expression_node *const *items, size_t count, uint32_t at)
{
	enum datatype storage = (enum datatype)items[0]->literal.storage;
	bool fits_any = true;
	for (size_t i = 0; i < count; i++) {
		enum value_class class = items[i]->class, first = items[0]->class;
		bool numbers = (class == VALUE_INTEGER || class == VALUE_FLOAT) && (first == VALUE_INTEGER || first == VALUE_FLOAT);
		if (class != first && !numbers)
			return parser_refuse(parser, items[i]->at,
					     "a list holds one kind of value; write numbers only, or texts only");
		if (items[i]->literal.storage == DATATYPE_FP64)
			storage = DATATYPE_FP64;
		else if (items[i]->literal.storage == DATATYPE_UINT64 && storage == DATATYPE_INT64)
			storage = DATATYPE_UINT64;
		fits_any = fits_any && items[i]->literal.fits_any;
	}
	if (storage == DATATYPE_UINT64 && !fits_any)
		return parser_refuse(
			parser, at, "this list has numbers below zero and others beyond 9223372036854775807; write them as floats");
	size_t stride = datatype_stride(storage);
	unsigned char *data = arena_take_raw(parser->arena, count * stride);
	int64_t *shape = arena_take_raw(parser->arena, sizeof *shape);
	if (!data || !shape)
		return error_null(error_memory(parser->error, ERROR_SYSTEM, "compiling an expression"));
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

struct expression_node *parse_list(struct parser *parser)
{
	uint32_t at = parser->token.at;
	struct expression_node **items = arena_take_raw(parser->arena, EXPRESSION_CHARACTERS_MAX / 2 * sizeof *items);
	size_t count = 0;
	if (!items)
		return error_null(error_memory(parser->error, ERROR_SYSTEM, "compiling an expression"));
	do {
		if (!parser_advance(parser))
			return NULL;
		if (count == 0 && parser_at_sign(parser, SIGN_CLOSE_LIST))
			return parser_refuse(parser, at, "this list is empty; write its elements, [1, 2]");
		struct expression_node *item = parse_list_item(parser);
		if (!item)
			return NULL;
		items[count++] = item;
	} while (parser_at_sign(parser, SIGN_COMMA));
	return parser_expect(parser, SIGN_CLOSE_LIST, "`]` or `,`", at) ? list_of(parser, items, count, at) : NULL;
}
