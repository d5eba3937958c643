/* expression_compare.c: Comparisons, `in`, and logic on values. Integers against
 * floats are compared exactly, without rounding either. */
#include <math.h>

#include "compiler/expression/expression_operators.h"

#define IN_ITEMS_MAX 4096 /* the right side of `in`: each is compared with each */

#define UNORDERED 2 /* nan is neither less, equal nor greater */

static int sign_of(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* How an integer stands to a number: -1, 0, 1, UNORDERED. */
static int integer_against_number(int64_t bits, bool is_unsigned, double number)
{
	if (isnan(number))
		return UNORDERED;
	if (number >= (is_unsigned ? 0x1p64 : 0x1p63))
		return -1;
	if (number < (is_unsigned ? 0.0 : -0x1p63))
		return 1;
	double whole = trunc(number);
	int order;
	if (is_unsigned) {
		uint64_t other = (uint64_t)whole;
		order = ((uint64_t)bits > other) - ((uint64_t)bits < other);
	} else {
		order = sign_of(bits, (int64_t)whole);
	}
	return order ? order : (whole > number) - (whole < number);
}

static int integers_order(int64_t a, bool a_unsigned, int64_t b, bool b_unsigned)
{
	if (a_unsigned && b_unsigned)
		return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
	if (a_unsigned && a < 0)
		return 1;
	if (b_unsigned && b < 0)
		return -1;
	return sign_of(a, b);
}

static int texts_order(struct text a, struct text b)
{
	size_t shorter = a.length < b.length ? a.length : b.length;
	int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;
	return order ? (order > 0) - (order < 0) : (a.length > b.length) - (a.length < b.length);
}

static bool order_holds(enum operator_kind operation, int order)
{
	switch (operation) {
	case OPERATOR_LESS:
		return order == -1;
	case OPERATOR_LESS_EQUAL:
		return order == -1 || order == 0;
	case OPERATOR_GREATER:
		return order == 1;
	case OPERATOR_GREATER_EQUAL:
		return order == 1 || order == 0;
	case OPERATOR_EQUAL:
		return order == 0;
	default:
		return order != 0;
	}
}

/* The elements of a value, made ready for being compared one by one. */
struct comparable {
	const struct value *value;
	const double *numbers;
	const int64_t *integers;
	const struct text *texts;
	bool is_unsigned;
};

static bool comparable_of(struct evaluation *evaluation, const struct value *value, struct comparable *comparable)
{
	*comparable = (struct comparable){.value = value, .is_unsigned = value->storage == DATATYPE_UINT64};
	if (value->storage == DATATYPE_BYTES)
		comparable->texts = value_texts(value);
	else if (value_is_float(value))
		comparable->numbers = value_doubles(evaluation, value);
	else
		comparable->integers = value_signed(evaluation, value);
	return comparable->texts || comparable->numbers || comparable->integers;
}

static int elements_order(const struct comparable *a, size_t i, const struct comparable *b, size_t j)
{
	if (a->texts)
		return texts_order(a->texts[i], b->texts[j]);
	if (a->integers && b->integers)
		return integers_order(a->integers[i], a->is_unsigned, b->integers[j], b->is_unsigned);
	if (a->integers)
		return integer_against_number(a->integers[i], a->is_unsigned, b->numbers[j]);
	if (b->integers) {
		int order = integer_against_number(b->integers[j], b->is_unsigned, a->numbers[i]);
		return order == UNORDERED ? order : -order;
	}
	if (isnan(a->numbers[i]) || isnan(b->numbers[j]))
		return UNORDERED;
	return (a->numbers[i] > b->numbers[j]) - (a->numbers[i] < b->numbers[j]);
}

static bool same_class(const struct value *left, const struct value *right)
{
	return (value_is_number(left) && value_is_number(right)) || (left->storage == right->storage && !value_is_number(left));
}

/* A double holds these integers exactly, so the kernels may. */
static bool small_integers(const struct value *value)
{
	switch ((enum datatype)value->storage) {
	case DATATYPE_INT64:
		return value->count == 1 && *(const int64_t *)value->data <= (int64_t)1 << 53 &&
		       *(const int64_t *)value->data >= -((int64_t)1 << 53);
	case DATATYPE_UINT64:
		return false;
	default:
		return value_is_integer(value);
	}
}

static bool compare_numbers(struct evaluation *evaluation, enum operator_kind operation, const struct value *left,
			    const struct value *right, struct value *result)
{
	static const enum order orders[] = {
		[OPERATOR_LESS] = ORDER_LESS,	 [OPERATOR_LESS_EQUAL] = ORDER_LESS_EQUAL,
		[OPERATOR_GREATER] = ORDER_LESS, [OPERATOR_GREATER_EQUAL] = ORDER_LESS_EQUAL,
		[OPERATOR_EQUAL] = ORDER_EQUAL,	 [OPERATOR_NOT_EQUAL] = ORDER_NOT_EQUAL,
	};
	bool turned = operation == OPERATOR_GREATER || operation == OPERATOR_GREATER_EQUAL;
	return operands_run(evaluation, order_truths[orders[operation]], DATATYPE_BOOL, turned ? right : left,
			    turned ? left : right, result);
}

/* Two texts are compared up to the end of the shorter. */
static uint64_t texts_work(const struct value *left, const struct value *right)
{
	uint64_t units = 0;
	const struct text *lefts = value_texts(left), *rights = value_texts(right);
	for (size_t i = 0; i < left->count; i++)
		units += lefts[i].length < rights[i].length ? lefts[i].length : rights[i].length;
	return units;
}

/* Each of the elements with each of the choices; of texts no more than the longest choice has. */
static bool choosing_works(struct evaluation *evaluation, const struct value *in, const struct value *list)
{
	uint64_t units = in->count;
	size_t longest = 0;
	const struct text *texts = in->storage == DATATYPE_BYTES ? value_texts(in) : NULL;
	const struct text *choices = texts ? value_texts(list) : NULL;
	for (size_t i = 0; choices && i < list->count; i++)
		longest = choices[i].length > longest ? choices[i].length : longest;
	for (size_t i = 0; texts && i < in->count; i++)
		units += texts[i].length < longest ? texts[i].length : longest;
	return __builtin_mul_overflow(units, list->count, &units) ? evaluation_spent(evaluation)
								   : evaluation_works(evaluation, units);
}

bool operate_comparison(struct evaluation *evaluation, enum operator_kind operation, const struct value *left,
			const struct value *right, struct value *result)
{
	bool left_exact = value_is_float(left) || small_integers(left);
	bool right_exact = value_is_float(right) || small_integers(right);
	if (__builtin_expect(left_exact && right_exact, 1))
		return compare_numbers(evaluation, operation, left, right, result);
	if (!same_class(left, right))
		return operands_refuse(evaluation, operation, "two numbers, two texts or two bools", left, right);
	bool equality = operation == OPERATOR_EQUAL || operation == OPERATOR_NOT_EQUAL;
	if (left->storage == DATATYPE_BYTES && (operation == OPERATOR_LESS_EQUAL || operation == OPERATOR_GREATER_EQUAL))
		return evaluation_fail_of_class(evaluation, NULL, "texts are compared with == != < > only; write a < b or a == b");
	if (left->storage == DATATYPE_BOOL && !equality)
		return operands_refuse(evaluation, operation, "two numbers or two texts", left, right);
	struct value a = *left, b = *right;
	struct comparable lefts, rights;
	if (!operands_spread(evaluation, &a, &b) || !comparable_of(evaluation, &a, &lefts) ||
	    !comparable_of(evaluation, &b, &rights) || (lefts.texts && !evaluation_works(evaluation, texts_work(&a, &b))))
		return false;
	uint8_t *out = value_make_like(evaluation, result, DATATYPE_BOOL, &a);
	for (size_t i = 0; out && i < a.count; i++)
		out[i] = order_holds(operation, elements_order(&lefts, i, &rights, i));
	result->width = a.width | b.width;
	return out;
}

bool operate_in(struct evaluation *evaluation, const struct value *left, const struct value *right, struct value *result)
{
	if (!same_class(left, right))
		return operands_refuse(evaluation, OPERATOR_IN, "values of one kind", left, right);
	if (right->count > IN_ITEMS_MAX)
		return evaluation_fail(evaluation, "`in` looks through at most %d elements, and these are %zu; pick some of them",
				       IN_ITEMS_MAX, right->count);
	struct value in = *left, list = *right;
	struct comparable items, choices;
	if (!comparable_of(evaluation, &in, &items) || !comparable_of(evaluation, &list, &choices) ||
	    !choosing_works(evaluation, &in, &list))
		return false;
	uint8_t *out = value_make_like(evaluation, result, DATATYPE_BOOL, &in);
	for (size_t i = 0; out && i < in.count; i++) {
		out[i] = 0;
		for (size_t j = 0; j < list.count && !out[i]; j++)
			out[i] = elements_order(&items, i, &choices, j) == 0;
	}
	result->width = in.width | list.width;
	return out;
}

bool operate_logic(struct evaluation *evaluation, enum operator_kind operation, const struct value *left, const struct value *right,
		   struct value *result)
{
	struct value a = *left, b = *right;
	if (!operands_spread(evaluation, &a, &b))
		return false;
	const uint8_t *lefts = value_truths(evaluation, &a);
	const uint8_t *rights = lefts ? value_truths(evaluation, &b) : NULL;
	uint8_t *out = rights ? value_make_like(evaluation, result, DATATYPE_BOOL, &a) : NULL;
	for (size_t i = 0; out && i < a.count; i++)
		out[i] = operation == OPERATOR_AND ? lefts[i] && rights[i] : lefts[i] || rights[i];
	if (out)
		result->width = a.width | b.width;
	return out;
}

bool operate_not(struct evaluation *evaluation, const struct value *operand, struct value *result)
{
	struct value in = *operand;
	const uint8_t *truths = value_truths(evaluation, &in);
	uint8_t *out = truths ? value_make_like(evaluation, result, DATATYPE_BOOL, &in) : NULL;
	for (size_t i = 0; out && i < in.count; i++)
		out[i] = !truths[i];
	if (out)
		result->width = in.width;
	return out;
}

/* ---- where ---- */

/* What where() chooses from; a single one is chosen again and again. */
struct compare_choice {
	const uint8_t *truths;
	const struct value *then, *otherwise;
	size_t truths_step, then_step, otherwise_step; /* 0 for a single one, else 1 */
};

/* Room for what is chosen: the shape is one of the choices' own, or was made of them. */
static void *where_make(struct evaluation *evaluation, enum datatype storage, const struct joint_shape *joint,
			struct value *result)
{
	if (joint->shape == joint->room)
		return value_make(evaluation, result, storage, joint->shape, joint->rank);
	const struct value like = {.shape = joint->shape, .count = joint->count, .rank = joint->rank};
	return value_make_like(evaluation, result, storage, &like);
}

static bool where_texts_or_bools(struct evaluation *evaluation, const struct compare_choice *choice,
				 const struct joint_shape *joint, struct value *result)
{
	enum datatype storage = (enum datatype)choice->then->storage;
	size_t stride = datatype_stride(storage);
	const unsigned char *thens = choice->then->data, *others = choice->otherwise->data;
	unsigned char *out = where_make(evaluation, storage, joint, result);
	for (size_t i = 0; out && i < joint->count; i++)
		memcpy(out + i * stride,
		       choice->truths[i * choice->truths_step] ? thens + i * choice->then_step * stride
							       : others + i * choice->otherwise_step * stride,
		       stride);
	return out;
}

static bool where_words(struct evaluation *evaluation, const struct compare_choice *choice, const void *thens, const void *others,
			enum datatype storage, const struct joint_shape *joint, struct value *result)
{
	void *out = where_make(evaluation, storage, joint, result);
	if (!thens || !others || !out)
		return false;
	const struct word_choice words = {choice->truths,      thens, others, choice->truths_step, choice->then_step,
					  choice->otherwise_step};
	words_choose(out, &words, joint->count);
	return true;
}

static bool where_floats(struct evaluation *evaluation, const struct compare_choice *choice, const struct joint_shape *joint,
			 struct value *result)
{
	return where_words(evaluation, choice, value_doubles(evaluation, choice->then),
			   value_doubles(evaluation, choice->otherwise),
			   DATATYPE_FP64, joint, result);
}

/* Among signed ones an unsigned integer may be chosen that is too great. */
static bool chosen_fit(struct evaluation *evaluation, const struct compare_choice *choice, const struct value *result)
{
	const int64_t *out = result->data;
	for (size_t i = 0; i < result->count; i++) {
		bool truth = choice->truths[i * choice->truths_step];
		if (out[i] < 0 && (truth ? choice->then : choice->otherwise)->storage == DATATYPE_UINT64)
			return evaluation_fail(evaluation,
					       "the unsigned integer chosen among signed ones does not fit INT64; write "
					       "cast(x, FP64)");
	}
	return true;
}

static bool where_integers(struct evaluation *evaluation, const struct compare_choice *choice, const struct joint_shape *joint,
			   struct value *result)
{
	bool is_unsigned = operands_unsigned(choice->then, choice->otherwise);
	bool mixed = !is_unsigned && (choice->then->storage == DATATYPE_UINT64 || choice->otherwise->storage == DATATYPE_UINT64);
	return where_words(evaluation, choice, value_signed(evaluation, choice->then), value_signed(evaluation, choice->otherwise),
			   is_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64, joint, result) &&
	       (!mixed || chosen_fit(evaluation, choice, result));
}

bool operate_where(struct evaluation *evaluation, const struct value *condition, const struct value *then,
		   const struct value *otherwise, struct value *result)
{
	if (!same_class(then, otherwise))
		return evaluation_fail_of_tensor(evaluation,
						 "where() takes two values of one kind to choose from, and these are %s and %s",
						 value_text(evaluation, then), value_text(evaluation, otherwise));
	struct joint_shape joint;
	struct value c = *condition, a = *then, b = *otherwise;
	const struct value *all[] = {&c, &a, &b};
	if (!shapes_join(evaluation, all, 3, &joint) || (c.count != 1 && !value_spread(evaluation, &c, &joint)) ||
	    (a.count != 1 && !value_spread(evaluation, &a, &joint)) || (b.count != 1 && !value_spread(evaluation, &b, &joint)))
		return false;
	const struct compare_choice choice = {value_truths(evaluation, &c), &a, &b, c.count != 1, a.count != 1, b.count != 1};
	if (!choice.truths)
		return false;
	bool chosen = value_is_float(&a) || value_is_float(&b) ? where_floats(evaluation, &choice, &joint, result)
		      : value_is_integer(&a)		       ? where_integers(evaluation, &choice, &joint, result)
							       : where_texts_or_bools(evaluation, &choice, &joint, result);
	result->width = a.width | b.width | c.width;
	return chosen;
}
