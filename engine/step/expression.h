/* expression.h: the expression language, from text to an answer.
 *
 * One expression, no statements, no loops: its cost is bounded by the sizes of
 * its tensors. It is compiled once, when a spec is read, to a small bytecode;
 * checked against tensor types where they are known; and evaluated for each
 * message without taking from the heap: what it makes comes from the message's
 * arena.
 *
 * A compiled expression is immutable and may be shared by threads. It lives in the
 * arena it was compiled into.
 */
#ifndef SLUICE_STEP_EXPRESSION_H
#define SLUICE_STEP_EXPRESSION_H

#include "message/message.h"
#include "numeric/feature.h"

#define EXPRESSION_CHARACTERS_MAX 4096
#define EXPRESSION_DEPTH_MAX 64
#define EXPRESSION_KEPT_TEXT_MAX 4096 /* bytes of a text that is kept for messages to come: keys are many, and each has windows */

struct expression;

/* Where an expression stands decides what it may use. */
enum expression_use {
	USE_MESSAGE = 1,   /* tensors, marks, headers, ids: every step */
	USE_TRAILING = 2,  /* `over`, ema, lag, ...: inside features */
	USE_WINDOW = 4,    /* sum, first, last, ... over the messages of a closed window: inside aggregate */
	USE_FEEDBACK = 8,  /* truth.t, reward, answer.t: metrics */
	USE_OPERATION = 16 /* requests, error_rate, latency_p95, now(): alerts, criteria */
};

/* NULL and a CONFIG error whose place is that of the wrong character: `place` is
 * where the text begins in the user's file (columns count on from it). The text is
 * copied. `uses` is a set of expression_use. */
const struct expression *expression_compile(struct arena *arena, struct text source, struct place place, unsigned uses,
					    struct error *error);

struct text expression_source(const struct expression *expression);
struct place expression_place(const struct expression *expression);

/* What a message offers to an expression, in the order in which a name is looked
 * up. Everything is borrowed. */
struct scope {
	const struct message *message;  /* id, key, ts, header(), request.t, params.p; NULL: none of them */
	const struct tensors *made;     /* set above in the same step; NULL: none */
	const struct payload *payload;  /* tensors and marks of the message at this step */
	/* step.tensor: what an earlier step gave; NULL function: none. False when no such
	 * step is known; *found NULL when it gave no such tensor. */
	bool (*step_tensor)(const void *context, struct text step, struct text tensor, const struct tensor **found);
	/* All that the step gave, to see who is to blame; NULL function, or NULL: not known. */
	const struct payload *(*step_gave)(const void *context, struct text step);
	const void *context;
	const struct trailing_result *trailing; /* of each of the expression's trailing calls; NULL: none of them is known */
	const char *pipeline;
	const char *step;
	const char *variant;
	const char *model;
	const char *version;
};

/* Units of work that one evaluation may take: an element made, or given to a function or a comparison, is one, and so is each
 * byte of a text that is looked at; what sorts n of them takes 2 n log2 n, what selects one of them 3 n to 6 n. It is some
 * tenths of a second at the most: a sort of 400,000 numbers, a median of 2,000,000, or sixteen operators over a million.
 * What would take more is a LIMIT, which `??` and where() do not forgive. The units are added to the arena's. */
#define EVALUATION_WORK_MAX ((uint64_t)1 << 24)

/* The value, as a tensor of that name (borrowed), in `arena`. NULL and an error (REMOTE: a model's
 * reply lacks a name, or has it in another type; INPUT: a
 * name that is missing, shapes that do not fit, overflow; LIMIT: the arena, or the work). */
const struct tensor *expression_evaluate_as(const struct expression *expression, struct text name, const struct scope *scope,
					    struct arena *arena, struct error *error);

/* The same without a name; it may be one of the scope's own tensors, uncopied. */
static inline const struct tensor *expression_evaluate(const struct expression *expression, const struct scope *scope,
						       struct arena *arena, struct error *error)
{
	return expression_evaluate_as(expression, (struct text){0}, scope, arena, error);
}

/* A condition: one element, true or false; nan is false. */
bool expression_judge(const struct expression *expression, const struct scope *scope, struct arena *arena, bool *holds,
		      struct error *error);

/* The names it uses, for graphs, checks and documentation: `owner` is the part
 * before the dot (a step, `request`, `params`, `truth`, `answer`; empty for a plain
 * name). */
struct expression_name {
	struct text owner;
	struct text name;
	struct place place;
	bool optional; /* inside has() or left of ?? */
	bool outside;  /* with USE_WINDOW: of no single message, but of the window */
};

/* What is known of a value before anything runs. */
enum value_class { VALUE_UNKNOWN, VALUE_BOOL, VALUE_INTEGER, VALUE_FLOAT, VALUE_TEXT, VALUE_DURATION, VALUE_TIME };

struct value_type {
	enum value_class class;
	bool datatype_known;
	enum datatype datatype;
	bool shape_known;
	uint32_t rank;
	int64_t shape[TENSOR_RANK_MAX]; /* -1: that dimension is not known */
	const struct parameters *parameters; /* of a name's tensor, with the names of its columns; NULL: not known */
};

struct value_type type_of_datatype(enum datatype datatype); /* of any shape */

/* Asked for each name; false when nothing of that name can exist here, then
 * `suggest` may name the nearest that does. A name whose type is not known is
 * answered true with VALUE_UNKNOWN. */
struct expression_types {
	void *context;
	bool (*type_of)(void *context, const struct expression_name *name, struct value_type *type, const char **suggest);
};

/* Whether observers may have added a mark of that name to the message, beside its tensors. */
bool expression_is_mark(struct text name);

/* The type of the result, with CONFIG errors at the place of the fault; arena for
 * their words and for working space. `types` NULL: nothing is known of any name. */
bool expression_check(const struct expression *expression, const struct expression_types *types, struct arena *arena,
		      struct value_type *result, struct error *error);

/* ---- trailing calls: `mean(x over 20)`, lag(x, 1), ... ----
 *
 * They need what came before, which the expression does not have. So who evaluates it
 * does so in parts: for each of its trailing calls, in their order, trailing_evaluate()
 * gives the message's own values; what the call comes to is put in the list that the
 * scope points at; and with all of them there, the expression is evaluated. A trailing
 * call counts each message, also where its value is not needed. */

struct trailing_call {
	struct feature_call feature;
	const char *name; /* of the function */
	struct place place;
	size_t series_count; /* 0: count(), of the messages themselves */
	const struct expression *series[FEATURE_INPUTS_MAX]; /* may use the calls before this one */
	const void *node; /* the expression's own */
};

/* With USE_WINDOW they are the calls over a window's messages: `max(mid - 1)`, count(). What
 * stands inside one is worked out for each message, by itself; then the reductions have
 * their usual meaning. A name outside is none of a message; the nth, until NULL. */
const struct expression_name *expression_outside(const struct expression *expression, size_t nth);

/* NULL, and 0 of them, where there are none. */
const struct trailing_call *expression_trailing(const struct expression *expression, size_t *count);

/* What a message gives to a call: its series as doubles, all of one shape. Texts are
 * numbers that are equal where the texts are, and themselves. */
struct trailing_input {
	const double *numbers[FEATURE_INPUTS_MAX]; /* NULL: not one of its series */
	const double *rests;			   /* what they leave of integers, of calls that give these back; NULL: nothing */
	const struct text *texts;		   /* of the first; NULL: it has none */
	const int64_t *shape;
	uint32_t rank;
	size_t count;
	enum datatype storage; /* that the first came in */
	uint8_t width;	       /* for the result */
	bool whole;	       /* integers, or bools */
};

/* An INPUT error, too, where an integer is not exact as a double, but for trailing calls that give it back. */
bool trailing_evaluate(const struct trailing_call *call, const struct scope *scope, struct arena *arena,
		       struct trailing_input *input, struct error *error);

/* Whether this call too takes what trailing_evaluate() gave for another one of the same single series;
 * else the INPUT error that it would have given for this one. */
bool trailing_takes(const struct trailing_call *call, const struct trailing_input *input, const struct scope *scope,
		    struct arena *arena, struct error *error);

/* Whether texts are no longer than those that are kept; else a LIMIT error. */
bool trailing_texts_fit(const struct trailing_call *call, const struct trailing_input *input, struct error *error);

/* What a call comes to. Of functions with several values these stand along a last axis. */
struct trailing_result {
	const void *elements;
	const int64_t *shape;
	uint32_t rank;
	size_t count;
	enum datatype storage; /* FP64; INT64 of counts; of integers as they came; BYTES */
	uint8_t width;
	bool missing; /* of integers, where a float would be nan; elements say nothing then */
};

/* A result of the call of that input's shape, its elements (through `elements`) not yet
 * written. False: memory ran out. */
bool trailing_result_make(const struct trailing_call *call, const struct trailing_input *input, struct arena *arena,
			  struct trailing_result *result, void **elements);

/* Whether two calls are given the same: the same series, of the same names. */
bool trailing_series_alike(const struct trailing_call *a, const struct trailing_call *b);

/* Whether the expression, or a call's series, uses a tensor of that name; and how it is
 * written. */
bool expression_uses(const struct expression *expression, struct text name);
struct text expression_words(const struct expression *expression);

/* The functions, for help pages and completion: rows of name, form, help; ends
 * with a row without a name. */
struct function_rules; /* how it is checked and run; private */

struct expression_function_row {
	const char *group; /* each, reduce, shape, text, time, trailing, windows */
	const char *name;  /* a name may have two rows, told apart by the arguments */
	const char *form;  /* "clip(x, lo, hi)" */
	const char *help;
	unsigned uses;
	const struct function_rules *rules;
};

extern const struct expression_function_row expression_functions[];

#endif
