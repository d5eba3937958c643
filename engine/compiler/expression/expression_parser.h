/* expression_parser.h: State of the expression parser, and the functions that its files share. Private to
 * expression_parse.c and expression_literal.c. */
#pragma once

#include "compiler/expression/expression_tree.h"

struct parser {
	struct expression *expression;
	struct arena *arena;
	struct error *error;
	struct lexer lexer;
	struct token token;  /* the next one */
	uint32_t before_end; /* the end of the token before it */
	unsigned depth;
	unsigned optional; /* depth of nesting in has() and left sides of ?? */
	size_t names_capacity;
};

/* A CONFIG error at byte `at` of the source; always NULL. */
struct expression_node *parser_refuse(struct parser *parser, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Advances to the next token. False: it is not valid. */
bool parser_advance(struct parser *parser);

bool parser_at_sign(const struct parser *parser, enum sign sign);
bool parser_at_word(const struct parser *parser, const char *word);
bool parser_at_literal_word(const struct parser *parser); /* true, false, nan, inf */

/* The text of the current token in an error: "`)` stands". */
const char *parser_found(const struct parser *parser);

/* Skips that sign, which closes the bracket opened at byte `opened`. Otherwise an error that asks for `what`. */
bool parser_expect(struct parser *parser, enum sign sign, const char *what, uint32_t opened);

/* What is written here for a word of another language that stands where the next token is. NULL: it is none. */
const char *parser_foreign(const struct parser *parser);

/* The error for such a word; always NULL. */
struct expression_node *parser_refuse_foreign(struct parser *parser, const char *foreign);

/* A node that covers the source from `at` to the parser's position, with space for `count` items. */
struct expression_node *parser_node(struct parser *parser, enum node_kind kind, uint32_t at, uint32_t count);

/* A literal without its sign. NULL without an error: there is none here. */
struct expression_node *parse_literal(struct parser *parser);
struct expression_node *parse_list(struct parser *parser);
struct expression_node *parse_list_item(struct parser *parser); /* a literal, with its sign */

/* Makes one literal of minus and a number, so that the smallest integer can be written. */
struct expression_node *parser_negated(struct parser *parser, struct expression_node *literal, uint32_t at);
