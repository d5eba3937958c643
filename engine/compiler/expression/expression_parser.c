/* expression_parser.c: Position of the parser: its tokens, errors there, and new nodes; see expression_parser.h. */
#include "compiler/expression/expression_parser.h"

#include <stdarg.h>
#include <stdio.h>

#include "compiler/expression/expression_foreign.h"

struct expression_node *parser_refuse(struct parser *parser, size_t at, const char *format, ...)
{
	char words[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	return error_null(error_set(parser->error, ERROR_CONFIG, expression_place_at(parser->expression, at), "%s", words));
}

bool parser_advance(struct parser *parser)
{
	parser->before_end = parser->token.end;
	return lexer_next(&parser->lexer, &parser->token);
}

bool parser_at_sign(const struct parser *parser, enum sign sign)
{
	return parser->token.kind == TOKEN_SIGN && parser->token.sign == sign;
}

bool parser_at_word(const struct parser *parser, const char *word)
{
	const struct token *token = &parser->token;
	return token->kind == TOKEN_NAME && !token->quoted && !token->owner.bytes && text_is(token->text, word);
}

const char *parser_found(const struct parser *parser)
{
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_END)
		return "the expression ends";
	const char *copy = arena_print(parser->arena, "`" TEXT_FORMAT "` stands",
				       (int)(token->end - token->at > 40 ? 40 : token->end - token->at),
				       parser->expression->source.bytes + token->at);
	return copy ? copy : "something else stands";
}

const char *parser_foreign(const struct parser *parser)
{
	const struct token *token = &parser->token;
	return token->kind == TOKEN_NAME && !token->quoted && !token->owner.bytes ? foreign_word(token->text) : NULL;
}

struct expression_node *parser_refuse_foreign(struct parser *parser, const char *foreign)
{
	return parser_refuse(parser, parser->token.at, "there is no `" TEXT_FORMAT "` between two values; %s",
			     TEXT_ARGUMENTS(parser->token.text), foreign);
}

bool parser_expect(struct parser *parser, enum sign sign, const char *what, uint32_t opened)
{
	const char *foreign = parser_foreign(parser);
	if (parser_at_sign(parser, sign))
		return parser_advance(parser);
	if (foreign)
		return parser_refuse_foreign(parser, foreign) != NULL;
	parser_refuse(parser, parser->token.at, "%s here, but the `%c` of character %u is still open; write %s",
		      parser_found(parser), parser->expression->source.bytes[opened],
		      (unsigned)text_characters((struct text){parser->expression->source.bytes, opened}) + 1, what);
	return false;
}

struct expression_node *parser_node(struct parser *parser, enum node_kind kind, uint32_t at, uint32_t count)
{
	struct expression_node *node = ARENA_NEW(parser->arena, struct expression_node);
	struct expression_node **items = ARENA_ARRAY(parser->arena, struct expression_node *, count);
	if (!node || !items)
		return error_null(error_memory(parser->error, ERROR_SYSTEM, "compiling an expression"));
	node->kind = kind;
	node->at = at;
	node->end = parser->before_end;
	node->count = count;
	node->items = items;
	return node;
}
