/* expression_value.h: values while an expression runs; private to
 * engine/step/expression_*.c.
 *
 * A value is a view of elements: of a tensor of the message, of a literal, or of
 * an intermediate result in the message's arena. Nothing is changed in place, so
 * values share elements freely.
 *
 * Floats are computed in double. `width` remembers which float tensors went in: if
 * all of them were FP32 or smaller, the answer is rounded once to FP32, at the end.
 */
#ifndef SLUICE_STEP_EXPRESSION_VALUE_H
#define SLUICE_STEP_EXPRESSION_VALUE_H

#include "step/expression.h"

#define WIDTH_NARROW 1U /* a float tensor of FP32 or smaller went in */
#define WIDTH_WIDE 2U	/* one of FP64 */

struct value {
	const void *data;
	const int64_t *shape;
	size_t count;
	uint32_t rank;
	uint8_t storage; /* enum datatype of the elements */
	uint8_t width;
	bool fits_any;		     /* a literal not below zero: signed or unsigned, as its partner is */
	bool keeps_datatype;	     /* made by cast: leaves in just this datatype */
	const struct tensor *tensor; /* untouched, as it came; NULL: made here */
};

struct expression;
struct instruction;

struct evaluation {
	const struct expression *expression;
	const struct scope *scope;
	struct arena *arena;
	struct error *error;
	struct value *slots;
	const struct instruction *instruction; /* the one that runs */
	const struct instruction *next;	       /* the one behind it */
	uint64_t work;			       /* units so far */
	bool quiet;			       /* a failure is expected here: no words are made for it */
	bool missing_expected;		       /* the same for what is missing */
	bool missing;			       /* the last failure was something missing */
};

/* An INPUT error at the instruction that runs, or REMOTE where a model is to blame; always false. */
bool evaluation_fail(struct evaluation *evaluation, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool evaluation_miss(struct evaluation *evaluation, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same where the value of the node `culprit` is of a wrong class: a model is to blame that replied all that it is made
 * of. NULL: the node that runs. */
struct expression_node;
bool evaluation_mistype(struct evaluation *evaluation, const struct expression_node *culprit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The message's memory is used up: a LIMIT error; always false. */
bool evaluation_full(struct evaluation *evaluation);

/* The work is more than one evaluation may take: a LIMIT error, said also where failures are quiet; always false. */
bool evaluation_spent(struct evaluation *evaluation);

/* Counts units of work before they are done; false when that is too much. */
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

/* The elements as doubles: those of an FP64 value itself, else converted. NULL
 * when memory ran out. Numbers and bools. */
const double *value_doubles(struct evaluation *evaluation, const struct value *value);

/* The elements as integers of 64 bits; those of the storage UINT64 are handed on as the same bits. */
const int64_t *value_signed(struct evaluation *evaluation, const struct value *value);

/* The elements as truths, a byte each: not zero and not nan. NULL and an error for
 * texts. */
const uint8_t *value_truths(struct evaluation *evaluation, const struct value *value);

static inline const struct text *value_texts(const struct value *value)
{
	return value->data;
}

/* The units of going through a value once: its elements, and the bytes of its texts. */
static inline uint64_t value_work(const struct value *value)
{
	uint64_t units = value->count;
	const struct text *texts = value->storage == DATATYPE_BYTES ? value_texts(value) : NULL;
	for (size_t i = 0; texts && i < value->count; i++)
		units += texts[i].length;
	return units;
}

/* A value of this storage and shape, its elements not yet written. NULL when
 * memory ran out or it has too many elements. */
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

/* The shape two values have together, by numpy's rules, into `shape` (room for
 * TENSOR_RANK_MAX) or, when it is one's own, by pointer. False and an error that
 * shows both. */
struct joint_shape {
	const int64_t *shape;
	uint32_t rank;
	size_t count;
	int64_t room[TENSOR_RANK_MAX];
};

bool shapes_join(struct evaluation *evaluation, const struct value *const *values, size_t count, struct joint_shape *joint);

/* `value` spread to that shape: itself when it has it already. */
bool value_spread(struct evaluation *evaluation, struct value *value, const struct joint_shape *joint);

/* The only element as an integer, for indices and the like; an error that says
 * `what` is needed. */
bool value_one_integer(struct evaluation *evaluation, const struct value *value, const char *what, int64_t *number);

/* Whether the condition `value` holds: one element, not zero, not nan. */
bool value_holds(struct evaluation *evaluation, const struct value *value, bool *holds);

/* ---- what functions are made of; expression_function*.c ---- */

struct expression_node;

typedef bool function_run(struct evaluation *evaluation, const struct expression_node *node, const struct value *arguments,
			  size_t count, struct value *result);

enum function_shape {
	SHAPE_JOINT,   /* all arguments broadcast */
	SHAPE_REDUCED, /* [] or, with `along`, without that axis */
	SHAPE_SCALAR,
	SHAPE_SAME,   /* of the first argument */
	SHAPE_VECTOR, /* one dimension of unknown length */
	SHAPE_WANTED, /* the second argument says it */
	SHAPE_FREE,   /* known only when it runs */
};

enum trailing_extent { EXTENT_ANY, EXTENT_MESSAGES, EXTENT_DURATION };

/* How a function is checked and run. `takes` has a letter for each argument, the
 * last for all that follow: n number, t text, v number or text, b truth, i integer, a anything;
 * `gives` one of n (as the arguments), f float, b, t, i, u (UINT64), = (the first
 * argument's class), v (text of text, else float), s (as =, but an integer for bools), c (what cast
 * is told). */
struct function_rules {
	uint8_t least, most;
	const char *takes;
	char gives;
	enum function_shape shape;
	bool takes_along;
	function_run *run;				     /* NULL: a form of its own, or not evaluated here */
	bool greatest;					     /* of the extremes: the greatest, not the least */
	double (*each)(double);				     /* of a float function of one number */
	double (*reduce)(const double *items, size_t count); /* of a reduction to a float */
	bool sorts;					     /* takes n log n for n elements */
	bool takes_over;				     /* how far back it looks is said by `over` */
	/* Of a trailing one: */
	uint8_t series;		       /* how many of its arguments come from message to message; 0: it is no trailing one */
	enum trailing_extent extent;   /* of what `over` may be */
	enum feature_function feature;
	bool over_window; /* its messages are those of a closed window */
};

/* Whether a value of the class fits the letter, and in words what does. */
static inline bool letter_takes(char letter, enum datatype_class class)
{
	enum { INTEGER = 1 << CLASS_SIGNED | 1 << CLASS_UNSIGNED, NUMBER = INTEGER | 1 << CLASS_FLOAT };
	static const uint8_t taken[] = {
		['a'] = UINT8_MAX, ['b'] = NUMBER | 1 << CLASS_BOOL, ['i'] = INTEGER,
		['n'] = NUMBER,	   ['t'] = 1 << CLASS_BYTES,	     ['v'] = NUMBER | 1 << CLASS_BYTES};
	return taken[(unsigned char)letter] >> class & 1;
}

const char *letter_words(char letter);

/* The shape that reshape() makes of `count` elements, into `shape`, and how many elements that has
 * (WANTED_ANOTHER, where it is another number). False: WANTED_ODD. */
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

function_run run_hour, run_minute, run_weekday, run_day;

#endif
