/* expression_value.h: Values of a running expression. Private to engine/compiler/expression/expression_*.c.
 *
 * A value is a view of elements: of a tensor of the message, of a literal, or of an intermediate result in the
 * message's arena. Nothing is changed in place, so values share elements freely.
 *
 * Floats are computed in double. `width` records which float tensors went in. If all of them were FP32 or smaller,
 * the result is rounded to FP32 once, at the end.
 */
#pragma once

#include "compiler/expression/expression.h"

#define WIDTH_NARROW 1U /* a float tensor of FP32 or smaller went in */
#define WIDTH_WIDE 2U	/* one of FP64 */

struct value {
	const void *data;
	const int64_t *shape;
	size_t count;
	uint32_t rank;
	uint8_t storage; /* enum datatype of the elements */
	uint8_t width;
	bool fits_any;		     /* a non-negative literal: signed or unsigned, as the other operand is */
	bool keeps_datatype;	     /* made by cast: the result keeps this datatype */
	const struct tensor *tensor; /* the unchanged tensor; NULL: the value was computed */
};

struct expression;
struct instruction;

struct evaluation {
	const struct expression *expression;
	const struct scope *scope;
	struct arena *arena;
	struct error *error;
	struct value *slots;
	const struct instruction *instruction; /* the current one */
	const struct instruction *next;	       /* the one after it */
	uint64_t work;			       /* units so far */
	bool quiet;			       /* a failure is expected here: no error text is made */
	bool missing_expected;		       /* the same for a missing name */
	bool missing;			       /* the last failure was a missing name */
};

/* Sets an INPUT error at the current instruction, or REMOTE if a model caused it; always false, as those below. */
bool evaluation_fail(struct evaluation *evaluation, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a name that the message does not have, which `??` may expect. */
bool evaluation_fail_of_name(struct evaluation *evaluation, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for values whose shapes or datatypes do not fit. */
bool evaluation_fail_of_tensor(struct evaluation *evaluation, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a value of a wrong class, at the node `culprit`. It is a REMOTE error when all tensors in that value
 * came in a model's replies. NULL: the current node. */
struct expression_node;
bool evaluation_fail_of_class(struct evaluation *evaluation, const struct expression_node *culprit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets a LIMIT error: the message's arena is full; always false. */
bool evaluation_full(struct evaluation *evaluation);

/* Sets a LIMIT error: the work exceeds the limit of one evaluation. It is set even when failures are quiet; always false. */
bool evaluation_spent(struct evaluation *evaluation);

/* Counts units of work before they are done. False: they exceed the limit. */
static inline bool evaluation_works(struct evaluation *evaluation, uint64_t units)
{
	bool overflows = __builtin_add_overflow(evaluation->work, units, &evaluation->work);
	return __builtin_expect(!overflows && evaluation->work <= EVALUATION_WORK_MAX, 1) || evaluation_spent(evaluation);
}

/* "FP32[1,16]" in the evaluation's arena. */
const char *value_text(struct evaluation *evaluation, const struct value *value);

static inline enum datatype_class value_class_of(const struct value *value)
{
	return datatype_rows[value->storage].class;
}

static inline bool value_is_float(const struct value *value)
{
	return value_class_of(value) == CLASS_FLOAT;
}

static inline bool value_is_integer(const struct value *value)
{
	enum datatype_class class = value_class_of(value);
	return class == CLASS_SIGNED || class == CLASS_UNSIGNED;
}

static inline bool value_is_number(const struct value *value)
{
	return value_is_float(value) || value_is_integer(value);
}

static inline uint8_t width_of(enum datatype datatype)
{
	static const uint8_t widths[DATATYPE_COUNT] = {[DATATYPE_FP16] = WIDTH_NARROW,
						       [DATATYPE_BF16] = WIDTH_NARROW,
						       [DATATYPE_FP32] = WIDTH_NARROW,
						       [DATATYPE_FP64] = WIDTH_WIDE};
	return widths[datatype];
}

static inline void value_of_tensor(struct value *value, const struct tensor *tensor)
{
	value->data = tensor->data;
	value->shape = tensor->shape;
	value->count = tensor->count;
	value->rank = tensor->rank;
	value->storage = (uint8_t)tensor->datatype;
	value->width = width_of(tensor->datatype);
	value->fits_any = false;
	value->keeps_datatype = false;
	value->tensor = tensor;
}

/* The elements as doubles: those of an FP64 value itself, else converted. For numbers and bools. NULL: memory ran out. */
const double *value_doubles(struct evaluation *evaluation, const struct value *value);

/* The elements as integers of 64 bits. Those of UINT64 storage keep their bits. */
const int64_t *value_signed(struct evaluation *evaluation, const struct value *value);

/* The elements as bools of one byte: not zero and not nan. NULL and an error for texts. */
const uint8_t *value_truths(struct evaluation *evaluation, const struct value *value);

static inline const struct text *value_texts(const struct value *value)
{
	return value->data;
}

/* The work units of one pass over a value: its elements, and the bytes of its texts. */
static inline uint64_t value_work(const struct value *value)
{
	uint64_t units = value->count;
	const struct text *texts = value->storage == DATATYPE_BYTES ? value_texts(value) : NULL;
	for (size_t i = 0; texts && i < value->count; i++)
		units += texts[i].length;
	return units;
}

/* Makes a value of this storage and shape, with elements not yet written. NULL: memory ran out, or there are too many
 * elements. */
void *value_make(struct evaluation *evaluation, struct value *result, enum datatype storage, const int64_t *shape, uint32_t rank);

/* The same for a single element; it is written through the result. */
static inline void *value_make_single(struct evaluation *evaluation, struct value *result, enum datatype storage)
{
	static const int64_t no_shape[1];
	void *element = arena_take_raw(evaluation->arena, sizeof(struct text));
	const struct value made = {.data = element, .shape = no_shape, .count = 1, .storage = (uint8_t)storage};
	*result = made;
	if (__builtin_expect(!element, 0))
		evaluation_full(evaluation);
	return element;
}

/* The same with the shape of `like`. */
static inline void *value_make_like(struct evaluation *evaluation, struct value *result, enum datatype storage,
				    const struct value *like)
{
	evaluation->work += like->count;
	void *elements = arena_take_raw(evaluation->arena, like->count * datatype_stride(storage));
	const struct value made = {
		.data = elements, .shape = like->shape, .count = like->count, .rank = like->rank, .storage = (uint8_t)storage};
	*result = made;
	if (__builtin_expect(!elements, 0))
		evaluation_full(evaluation);
	return elements;
}

/* The joint shape of the values, by numpy's broadcasting rules: in `room`, or a pointer to the shape of one of them.
 * False: an error that shows both shapes. */
struct joint_shape {
	const int64_t *shape;
	uint32_t rank;
	size_t count;
	int64_t room[TENSOR_RANK_MAX];
};

bool shapes_join(struct evaluation *evaluation, const struct value *const *values, size_t count, struct joint_shape *joint);

/* Broadcasts `value` to that shape; no copy when it has the shape already. */
bool value_spread(struct evaluation *evaluation, struct value *value, const struct joint_shape *joint);

/* The only element as an integer, for indices and similar arguments. The error names `what` as the thing needed. */
bool value_one_integer(struct evaluation *evaluation, const struct value *value, const char *what, int64_t *number);

/* Whether the condition `value` holds: one element, not zero, not nan. */
bool value_holds(struct evaluation *evaluation, const struct value *value, bool *holds);

/* ---- implementation of functions; expression_function*.c ---- */

struct expression_node;

struct function_call {
	const struct expression_node *node;
	const struct value *arguments;
	size_t count; /* of them */
};

typedef bool function_run(struct evaluation *evaluation, const struct function_call *call, struct value *result);

enum function_shape {
	SHAPE_JOINT,   /* all arguments broadcast */
	SHAPE_REDUCED, /* [] or, with `along`, without that axis */
	SHAPE_SCALAR,
	SHAPE_SAME,   /* as the first argument */
	SHAPE_VECTOR, /* one dimension of unknown length */
	SHAPE_WANTED, /* given by the second argument */
	SHAPE_FREE,   /* known only at run time */
};

enum trailing_extent { EXTENT_ANY, EXTENT_MESSAGES, EXTENT_DURATION };

/* Rules by which a function is checked and run. `takes` has a letter for each argument, the last letter for all that
 * follow: n number, t text, v number or text, b truth, i integer, a anything. `gives` is one of n (as the arguments),
 * f float, b, t, i, u (UINT64), = (the first argument's class), v (text for text, else float), s (as =, but an
 * integer for bools), c (the datatype given to cast). */
struct function_rules {
	uint8_t least, most;
	const char *takes;
	char gives;
	enum function_shape shape;
	bool takes_along;
	function_run *run;				     /* NULL: has its own instruction, or is not evaluated here */
	bool greatest;					     /* for extremes: the greatest, not the least */
	double (*each)(double);				     /* for a float function of one number */
	double (*reduce)(const double *items, size_t count); /* for a reduction to a float */
	bool sorts;					     /* sorts: n log n work for n elements */
	bool takes_over;				     /* `over` gives its extent */
	/* For trailing calls: */
	uint8_t series;		       /* arguments that are series; 0: it is no trailing function */
	enum trailing_extent extent;   /* the kinds of `over` that it accepts */
	enum feature_function feature;
	bool over_window; /* its messages are those of a closed window */
};

/* Whether a value of the class fits the letter; and the text that names what fits. */
static inline bool letter_takes(char letter, enum datatype_class class)
{
	enum { INTEGER = 1 << CLASS_SIGNED | 1 << CLASS_UNSIGNED, NUMBER = INTEGER | 1 << CLASS_FLOAT };
	static const uint8_t taken[] = {
		['a'] = UINT8_MAX, ['b'] = NUMBER | 1 << CLASS_BOOL, ['i'] = INTEGER,
		['n'] = NUMBER,	   ['t'] = 1 << CLASS_BYTES,	     ['v'] = NUMBER | 1 << CLASS_BYTES};
	return taken[(unsigned char)letter] >> class & 1;
}

const char *letter_words(char letter);

/* The shape that reshape() makes of `count` elements, into `shape`, and the number of its elements (WANTED_ANOTHER if
 * that number is not `count`). False: WANTED_ODD. */
bool shape_wanted(const int64_t *sizes, size_t rank, size_t count, int64_t *shape, size_t *product);
#define WANTED_ODD "reshape() takes dimensions of 0 or more, and one -1 for what is left"
#define WANTED_ANOTHER "%s has %zu elements, and the shape wanted has %zu; write one that fits, or -1 for one of them"

function_run run_each_float, run_abs, run_sign, run_rounded, run_clip, run_least, run_greatest, run_relu, run_isnan, run_isfinite,
	run_div, run_mod, run_cast;
function_run run_sum, run_reduce, run_extreme, run_arg_extreme, run_quantile, run_any, run_all, run_count, run_dot;
function_run run_shape, run_size, run_reshape, run_flatten, run_concat, run_stack, run_sort, run_reverse, run_softmax, run_valid;
function_run run_lower, run_upper, run_trim, run_len, run_contains, run_starts_with, run_ends_with, run_like, run_text, run_number,
	run_hash;
double reduce_mean(const double *items, size_t count);
double reduce_var(const double *items, size_t count);
double reduce_std(const double *items, size_t count);
double reduce_pvar(const double *items, size_t count);
double reduce_pstd(const double *items, size_t count);
double reduce_norm(const double *items, size_t count);

function_run run_hour, run_minute, run_weekday, run_day, run_timestamp, run_now;
