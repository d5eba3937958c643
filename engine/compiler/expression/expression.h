/* expression.h: Expression language: compiles a text, checks it and evaluates it.
 *
 * An expression has no statements and no loops, so its cost is bounded by the sizes of its tensors. It is compiled
 * once to a small bytecode, when a spec is read. It is checked against tensor types where they are known. It is
 * evaluated for each message without heap allocation: its results come from the message's arena.
 *
 * A compiled expression is immutable and may be shared by threads. It lives in the arena in which it was compiled.
 */
#pragma once

#include "message/message.h"
#include "methods/numeric/feature.h"

#define EXPRESSION_CHARACTERS_MAX 4096
#define EXPRESSION_DEPTH_MAX 64
#define EXPRESSION_KEPT_TEXT_MAX 4096 /* bytes of a text kept for later messages: keys are many, and each has windows */

struct expression;

/* The place of an expression in a spec decides what it may use. */
enum expression_use {
	USE_MESSAGE = 1,   /* tensors, marks, headers, ids: every step */
	USE_TRAILING = 2,  /* `over`, ema, lag, ...: inside features */
	USE_WINDOW = 4,    /* sum, first, last, ... over the messages of a closed window: inside aggregate */
	USE_FEEDBACK = 8,  /* truth.t, reward, answer.t: metrics */
	USE_OPERATION = 16 /* requests, error_rate, latency_p95, now(): alerts, criteria */
};

/* NULL: a CONFIG error whose place is that of the wrong character. `place` is where the text begins in the user's
 * file, and columns are counted from it. The text is copied. `uses` is a set of expression_use. */
const struct expression *expression_compile(struct arena *arena, struct text source, struct place place, unsigned uses,
					    struct error *error);

struct text expression_source(const struct expression *expression);

/* The name of the nth header() of the expression; without bytes: no more. */
struct text expression_header(const struct expression *expression, size_t nth);
struct place expression_place(const struct expression *expression);

/* The names of one message that an expression can use, in the order in which they are looked up. Everything is borrowed. */
struct scope {
	const struct message *message;  /* id, key, ts, header(), request.t, params.p; NULL: none of them */
	const struct tensors *made;     /* assigned earlier in the same step */
	const struct payload *payload;  /* tensors and marks of the message at this step */
	/* step.tensor: a tensor of an earlier step's result; NULL function: none. False when no such step is known.
	 * *found is NULL when the step gave no such tensor. */
	bool (*step_tensor)(const void *context, struct text step, struct text tensor, const struct tensor **found);
	/* The whole result of the step, to find the cause of an error. NULL function, or returns NULL: it is not known. */
	const struct payload *(*step_gave)(const void *context, struct text step);
	const void *context;
	const struct trailing_result *trailing; /* of each trailing call of the expression; NULL: none is known */
	const char *pipeline;
	const char *step;
	const char *variant;
	const char *model;
	const char *version;
	int64_t now_ms; /* now(), in milliseconds since 1970; 0: it is not known */
};

/* Limit of work units for one evaluation. An element made, or passed to a function or a comparison, is one unit, and
 * so is each byte of a text that is read. Sorting n elements takes 2 n log2 n units, selecting one of them 3 n to 6
 * n. The limit is some tenths of a second at most: a sort of 400,000 numbers, a median of 2,000,000, or sixteen
 * operators over a million. More than that is a LIMIT error, which `??` and where() do not catch. The units are added
 * to those of the arena. */
#define EVALUATION_WORK_MAX ((uint64_t)1 << 24)

/* The value as a tensor of that name (borrowed), in `arena`. NULL and an error: REMOTE when a model's reply lacks a
 * name, or has it in another type; INPUT for a missing name, shapes that do not fit, or an overflow; LIMIT for the
 * arena or the work. */
const struct tensor *expression_evaluate_as(const struct expression *expression, struct text name, const struct scope *scope,
					    struct arena *arena, struct error *error);

/* The same where the expression is one name, of a tensor of floats, with a number or under a function: that needs no scope. NULL:
 * it is not, or the arena is full; expression_evaluate_as() has the value or the error. */
const struct tensor *expression_evaluate_briefly(const struct expression *expression, struct text name, struct tensors tensors,
						 struct arena *arena);

/* The same without a name. The result may be one of the scope's own tensors, not copied. */
static inline const struct tensor *expression_evaluate(const struct expression *expression, const struct scope *scope,
						       struct arena *arena, struct error *error)
{
	return expression_evaluate_as(expression, (struct text){0}, scope, arena, error);
}

/* Evaluates a condition: one element, true or false. nan is false. */
bool expression_judge(const struct expression *expression, const struct scope *scope, struct arena *arena, bool *holds,
		      struct error *error);

/* A name that an expression uses, for graphs, checks and documentation. `owner` is the part before the dot: a step,
 * `request`, `params`, `truth` or `answer`; empty for a plain name. */
struct expression_name {
	struct text owner;
	struct text name;
	struct place place;
	bool optional; /* inside has() or left of ?? */
	bool outside;  /* with USE_WINDOW: belongs to the window, not to one message */
};

/* The statically known type of a value. */
enum value_class { VALUE_UNKNOWN, VALUE_BOOL, VALUE_INTEGER, VALUE_FLOAT, VALUE_TEXT, VALUE_DURATION, VALUE_TIME };

struct value_type {
	enum value_class class;
	bool datatype_known;
	enum datatype datatype;
	bool shape_known;
	uint32_t rank;
	int64_t shape[TENSOR_RANK_MAX]; /* -1: an unknown dimension */
	const struct parameters *parameters; /* of the named tensor, with its column names; NULL: not known */
};

struct value_type type_of_datatype(enum datatype datatype); /* of any shape */

/* Called for each name. False: no such name can exist here, and `suggest` may give the nearest one that does. For a
 * name of unknown type it returns true and VALUE_UNKNOWN. */
struct expression_types {
	void *context;
	bool (*type_of)(void *context, const struct expression_name *name, struct value_type *type, const char **suggest);
};

/* The names of marks that observers may set on messages, ended by NULL; and whether a name is one of them. */
extern const char *const expression_marks[];
bool expression_is_mark(struct text name);

/* Whether each message has a value of that name, such as `key`, where no tensor and no mark has it. */
bool expression_is_special(struct text name);

/* Infers the type of the result. CONFIG errors have the place of the fault. The arena holds their texts and working
 * memory. `types` NULL: no name has a known type. */
bool expression_check(const struct expression *expression, const struct expression_types *types, struct arena *arena,
		      struct value_type *result, struct error *error);

/* ---- trailing calls: `mean(x over 20)`, lag(x, 1), ... ----
 *
 * They need earlier messages, which the expression does not have. So the caller evaluates them in three parts. It
 * calls trailing_evaluate() for each trailing call, in their order, to get the message's own values. It puts the
 * results of the calls in the list that the scope points at. Then it evaluates the expression. A trailing call counts
 * each message, also where its value is not needed.
 */

struct trailing_call {
	struct feature_call feature;
	const char *name; /* of the function */
	struct place place;
	size_t series_count; /* 0: count(), of the messages themselves */
	const struct expression *series[FEATURE_INPUTS_MAX]; /* may use the results of earlier calls */
	const void *node; /* node of the expression */
};

/* With USE_WINDOW, trailing calls are the calls over the messages of a window: `max(mid - 1)`, count(). The argument
 * of such a call is evaluated for each message alone, and reductions in it have their usual meaning. A name outside
 * these calls belongs to no message. Returns the nth of those names; NULL: no more. */
const struct expression_name *expression_outside(const struct expression *expression, size_t nth);

/* The trailing calls of the expression. NULL and a count of 0: there are none. */
const struct trailing_call *expression_trailing(const struct expression *expression, size_t *count);

/* The values that a message gives to a trailing call: its series as doubles, all of one shape. Texts are given as
 * numbers, equal where the texts are equal, and as texts. */
struct trailing_input {
	const double *numbers[FEATURE_INPUTS_MAX]; /* NULL: not one of its series */
	const double *rests;			   /* integer remainders, for calls that return integers; NULL: none */
	const struct text *texts;		   /* of the first series; NULL: it has none */
	const int64_t *shape;
	uint32_t rank;
	size_t count;
	enum datatype storage; /* datatype of the first series */
	uint8_t width;	       /* for the result */
	bool whole;	       /* integers, or bools */
};

/* Also an INPUT error: an integer that a double does not represent exactly, unless the call returns the integers themselves. */
bool trailing_evaluate(const struct trailing_call *call, const struct scope *scope, struct arena *arena,
		       struct trailing_input *input, struct error *error);

/* Whether this call can use the values that trailing_evaluate() gave to another call with the same single series.
 * False: the INPUT error that trailing_evaluate() would have given for this call. */
bool trailing_takes(const struct trailing_call *call, const struct trailing_input *input, const struct scope *scope,
		    struct arena *arena, struct error *error);

/* Whether all texts are within EXPRESSION_KEPT_TEXT_MAX. False: a LIMIT error. */
bool trailing_texts_fit(const struct trailing_call *call, const struct trailing_input *input, struct error *error);

/* Result of a trailing call. The values of a function that has several are along a last axis. */
struct trailing_result {
	const void *elements;
	const int64_t *shape;
	uint32_t rank;
	size_t count;
	enum datatype storage; /* FP64; INT64 of counts; INT64 or UINT64 of integers as they came; BYTES */
	uint8_t width;
	bool missing; /* for integers, where a float would be nan; the elements have no meaning */
};

/* Makes a result of the input's shape for the call. Its elements (through `elements`) are not yet written. False:
 * memory ran out. */
bool trailing_result_make(const struct trailing_call *call, const struct trailing_input *input, struct arena *arena,
			  struct trailing_result *result, void **elements);

/* Whether two calls have the same input: the same series, of the same names. */
bool trailing_series_alike(const struct trailing_call *a, const struct trailing_call *b);

/* Whether the expression, or the series of a call, uses a tensor of that name; and its source text. */
bool expression_uses(const struct expression *expression, struct text name);
struct text expression_words(const struct expression *expression);

/* Whether its value is the same for each message: it uses no name and no header. */
bool expression_is_constant(const struct expression *expression);
bool expression_has_headers(const struct expression *expression);

/* Whether it calls now(). */
bool expression_reads_clock(const struct expression *expression);

/* What it is as a condition, whatever the values of its names are: found by constants, and by comparisons that exclude each other,
 * as `x > 5 and x < 2`. TRUTH_OPEN: that depends, or is not found. */
enum expression_truth { TRUTH_OPEN, TRUTH_ALWAYS, TRUTH_NEVER };
enum expression_truth expression_truth(const struct expression *expression);

/* A comparison of a plain name with a number, as `error_rate > 5%`, or `5% < error_rate`. */
struct expression_comparison {
	struct text name, source;
	struct place place;
	double number;
	unsigned operation; /* private */
};

/* The nth of an expression. False: it has no more. */
bool expression_comparison(const struct expression *expression, size_t nth, struct expression_comparison *comparison);

/* Whether it holds if the name has that value. */
bool expression_comparison_holds(const struct expression_comparison *comparison, double value);

/* The functions, for help pages and completion: rows of name, form and help. The last row has no name. */
struct function_rules; /* rules for checking and running it; private */

struct expression_function_row {
	const char *group; /* each, reduce, shape, text, time, trailing, windows */
	const char *name;  /* a name may have two rows, which differ in their arguments */
	const char *form;  /* "clip(x, lo, hi)" */
	const char *help;
	unsigned uses;
	const struct function_rules *rules;
};

extern const struct expression_function_row expression_functions[];
