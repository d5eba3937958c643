/* expression_tree.h: Syntax tree, bytecode and tokens of an expression. Private to engine/compiler/expression/expression_*.c.
 *
 * The parser makes a tree of nodes. The check infers their types and shapes. The compiler turns the tree into
 * instructions, which the evaluator runs. Tree and instructions live in the arena of the expression and never change
 * afterwards.
 */
#pragma once

#include "compiler/expression/expression_kernels.h"
#include "compiler/expression/expression_value.h"

enum node_kind {
	NODE_LITERAL,
	NODE_NAME,
	NODE_HEADER,
	NODE_UNARY,
	NODE_BINARY,
	NODE_CALL,
	NODE_INDEX, /* items: the indexed value, then one index for each dimension */
	NODE_SLICE, /* items: from, to; NULL where omitted */
};

enum operator_kind {
	OPERATOR_COALESCE,
	OPERATOR_OR,
	OPERATOR_AND,
	OPERATOR_LESS,
	OPERATOR_LESS_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_GREATER_EQUAL,
	OPERATOR_EQUAL,
	OPERATOR_NOT_EQUAL,
	OPERATOR_IN,
	OPERATOR_ADD,
	OPERATOR_SUBTRACT,
	OPERATOR_MULTIPLY,
	OPERATOR_DIVIDE,
	OPERATOR_POWER,
	OPERATOR_NOT,
	OPERATOR_NEGATE,
};

/* As the user writes it: "+", "and". */
extern const char *const operator_texts[];

/* Predefined names of a message. They apply when no tensor or mark has the name. */
enum special_name {
	SPECIAL_NONE,
	SPECIAL_KEY,
	SPECIAL_ID,
	SPECIAL_TIME,
	SPECIAL_PIPELINE,
	SPECIAL_STEP,
	SPECIAL_VARIANT,
	SPECIAL_MODEL,
	SPECIAL_VERSION,
	SPECIAL_COUNT
};

extern const char *const special_names[SPECIAL_COUNT];

struct expression_node {
	enum node_kind kind;
	enum operator_kind operation; /* NODE_UNARY, NODE_BINARY */
	uint32_t at, end;	      /* bytes of the source */
	uint32_t count;
	bool bracketed; /* is in round brackets */
	struct expression_node **items;
	enum value_class class;				/* NODE_LITERAL */
	struct value literal;				/* NODE_LITERAL */
	struct text text;				/* NODE_HEADER: the header's name */
	uint32_t name;					/* NODE_NAME: index into the expression's names */
	enum special_name special;			/* NODE_NAME */
	const struct expression_function_row *function; /* NODE_CALL */
	enum datatype datatype;				/* NODE_CALL: of cast */
	bool has_along;					/* NODE_CALL: `along` was given */
	int64_t along;
	bool has_over;		     /* NODE_CALL: `over` was given */
	int64_t over_count, over_ms; /* one of them is above 0 */
	uint32_t trailing;	     /* NODE_CALL: number of the trailing call, from 1; 0: not one */
};

struct evaluation;
struct instruction;
typedef bool instruction_run(struct evaluation *evaluation, const struct instruction *instruction);

struct instruction {
	instruction_run *run;
	uint32_t slot;		  /* of the first operand, and of the result */
	uint32_t count;		  /* operands, in consecutive slots */
	uint32_t end;		  /* control: the first instruction after the governed ones */
	uint32_t after;		  /* control: the instruction to continue at after success */
	const struct value *left; /* operands (of where: choices) that are literals; NULL: from the slots */
	const struct value *right;
	const struct expression_node *node;
	struct text name; /* of instruct_name */
	bool last;	  /* its result is that of the expression: may be rounded already */
	bool heavy;	  /* of instruct_call: more than one unit of work for an element */
};

struct brief;
typedef const struct tensor *brief_run(const struct brief *brief, const struct tensor *operand, struct text name,
				       struct arena *arena);

/* Short form of an expression that consists of one name with one number, under one function, or both. It applies when
 * the name is a tensor of floats. */
struct brief {
	brief_run *run; /* NULL: the expression has no such form */
	struct text name;
	enum datatype datatype; /* of the result */
	size_t element_bytes;
	const double *number;
	bool turned; /* the number is the left operand of the kernel */
	kernel *kernel;
};

struct expression {
	struct text source;
	struct place place;
	unsigned uses;
	const struct expression_node *root;
	struct expression_name *names;
	size_t names_count;
	const struct text *headers; /* that header() names, in the order of the source */
	size_t headers_count;
	const struct instruction *instructions;
	uint32_t instructions_count;
	uint32_t slots_count;
	struct brief brief;
	struct trailing_call *trailing; /* nested ones before the outer; with USE_WINDOW, the calls over the window */
	uint32_t trailing_count;
};

/* The place of byte `at` of the source in the user's file. */
struct place expression_place_at(const struct expression *expression, size_t at);

/* A CONFIG error at a node; always false. */
bool expression_refuse(const struct expression *expression, const struct expression_node *node, struct error *error,
		       const char *words);

/* Parses the source into a tree in the arena; fills in root and names. False and a CONFIG error. */
bool expression_parse(struct expression *expression, struct arena *arena, struct error *error);

/* Fills in the function of `call`, by name, number of arguments and `over`. False and a CONFIG error. */
bool function_find(struct expression *expression, struct text name, struct expression_node *call, struct error *error);

/* Emits the instructions of the tree. `answers`: the result is the final value and may be rounded. False: memory ran
 * out. expression_compile.c */
bool expression_emit(struct expression *expression, bool answers, struct arena *arena);

/* ---- calls over the messages of a window; expression_window.c ---- */

/* The function over a window's messages that `call` calls. NULL: there is none. */
const struct expression_function_row *function_over_window(const struct expression_node *call);

/* Whether a function of that name exists in any kind of expression. */
bool function_exists(struct text name);

/* With USE_WINDOW: finds the calls over the window's messages, and the names outside of them. False and a CONFIG error. */
bool window_resolve(struct expression *expression, struct expression_node *root, struct error *error);

/* ---- trailing calls; expression_trailing.c ---- */

/* Fills in the list of the expression's calls, with their series compiled. */
bool trailing_compile(struct expression *expression, struct arena *arena, struct error *error);

/* ---- tokens; expression_lex.c ---- */

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_DURATION,
	TOKEN_TEXT,
	TOKEN_NAME,
	TOKEN_SIGN, /* an operator or a bracket */
};

enum sign {
	SIGN_OPEN,
	SIGN_CLOSE,
	SIGN_OPEN_LIST,
	SIGN_CLOSE_LIST,
	SIGN_COMMA,
	SIGN_COLON,
	SIGN_OPERATOR,
	SIGN_NOT,
};

struct token {
	enum token_kind kind;
	enum sign sign;
	enum operator_kind operation;
	bool quoted;	     /* TOKEN_NAME: its last part is in backquotes, so it is never a keyword */
	uint32_t at, end;    /* bytes of the source */
	struct text text;    /* TOKEN_NAME, TOKEN_TEXT: without quotes, escapes resolved */
	struct text owner;   /* TOKEN_NAME: the part before the first dot */
	struct value number; /* TOKEN_NUMBER; TOKEN_DURATION: in milliseconds */
};

struct lexer {
	const struct expression *expression;
	struct arena *arena;
	struct error *error;
	uint32_t at;
};

/* Reads the next token. False and a CONFIG error at its place. */
bool lexer_next(struct lexer *lexer, struct token *token);
