/* expression_parser.h: what the files of the parser share; private to
 * expression_parse.c and expression_literal.c. */
#ifndef SLUICE_STEP_EXPRESSION_PARSER_H
#define SLUICE_STEP_EXPRESSION_PARSER_H

#include "step/expression_tree.h"

struct parser {
	struct expression *expression;
	struct arena *arena;
	struct error *error;
	struct lexer lexer;
	struct token token;  /* the next one */
	uint32_t before_end; /* the end of the one before */
	unsigned depth;
	unsigned optional; /* inside that many has() and left sides of ?? */
	size_t names_capacity;
};

/* A CONFIG error at byte `at` of the source; always NULL. */
struct expression_node *parser_refuse(struct parser *parser, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* To the next token; false when it is none. */
bool parser_advance(struct parser *parser);

bool parser_at_sign(const struct parser *parser, enum sign sign);
bool parser_at_word(const struct parser *parser, const char *word);
bool parser_at_literal_word(const struct parser *parser); /* true, false, nan, inf */

/* "`)` stands", for errors. */
const char *parser_found(const struct parser *parser);

/* Past that sign, which closes what was opened at that byte; else an error that says
 * to write `what`. */
bool parser_expect(struct parser *parser, enum sign sign, const char *what, uint32_t opened);

/* A node from `at` to where the parser stands, with room for its items. */
struct expression_node *parser_node(struct parser *parser, enum node_kind kind, uint32_t at, uint32_t count);

/* A literal without its sign; NULL without an error when none stands here. */
struct expression_node *parse_literal(struct parser *parser);
struct expression_node *parse_list(struct parser *parser);
struct expression_node *parse_list_item(struct parser *parser); /* a literal, with its sign */

/* Minus and a number are one literal, so that the smallest integer can be written. */
struct expression_node *parser_negated(struct parser *parser, struct expression_node *literal, uint32_t at);

#endif
