/* expression_check.c: types and shapes before anything runs. What is not known is
 * taken to fit; what is known and does not fit is a CONFIG error at its place, with
 * both sides shown. */
#include <stdarg.h>
#include <stdio.h>

#include "base/suggest.h"
#include "step/expression_tree.h"

/* A type on its way through the tree. */
struct inferred {
	struct value_type type;
	unsigned width;   /* of the float tensors that went in; see expression_value.h */
	bool width_known; /* all their datatypes are known */
	bool fits_any;    /* an integer literal that goes with its partner's sign */
};

struct inference {
	const struct expression *expression;
	const struct expression_types *types; /* NULL: nothing is known */
	struct arena *arena;
	struct error *error;
};

static bool infer(struct inference *inference, const struct node *node, struct inferred *result);

static bool refuse(struct inference *inference, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(struct inference *inference, const struct node *node, const char *format, ...)
{
	char words[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	return error_set(inference->error, ERROR_CONFIG, expression_place_at(inference->expression, node->at), "%s", words);
}

/* ---- in words ---- */

static const char *const class_words[] = {
	[VALUE_UNKNOWN] = "a value", [VALUE_BOOL] = "a bool",         [VALUE_INTEGER] = "an integer", [VALUE_FLOAT] = "a float",
	[VALUE_TEXT] = "a text",     [VALUE_DURATION] = "a duration", [VALUE_TIME] = "a time",
};

/* "FP32[1,16]", "a text[3]", "a float". */
static const char *type_words(struct inference *inference, const struct value_type *type)
{
	char shape[TENSOR_RANK_MAX * 21 + 3] = "";
	size_t length = 0;
	bool scalar = type->shape_known && type->rank == 0;
	for (uint32_t i = 0; type->shape_known && !scalar && i < type->rank; i++) {
		const char *comma = i ? "," : "[";
		length += (size_t)(type->shape[i] < 0 ? snprintf(shape + length, sizeof shape - length, "%s?", comma)
						      : snprintf(shape + length, sizeof shape - length, "%s%lld", comma,
								 (long long)type->shape[i]));
	}
	const char *name = type->datatype_known ? datatype_rows[type->datatype].name : class_words[type->class];
	const char *words = arena_print(inference->arena, "%s%s%s", name, shape, length ? "]" : "");
	return words ? words : name;
}

/* ---- classes ---- */

static bool is_integer(enum value_class class)
{
	return class == VALUE_INTEGER || class == VALUE_DURATION || class == VALUE_TIME;
}

static bool is_number(enum value_class class)
{
	return class == VALUE_FLOAT || is_integer(class);
}

static bool may_be_number(enum value_class class)
{
	return class == VALUE_UNKNOWN || is_number(class);
}

static enum value_class class_of_datatype(enum datatype datatype)
{
	switch (datatype_rows[datatype].class) {
	case CLASS_BOOL:
		return VALUE_BOOL;
	case CLASS_FLOAT:
		return VALUE_FLOAT;
	case CLASS_BYTES:
		return VALUE_TEXT;
	default:
		return VALUE_INTEGER;
	}
}

static enum datatype_class runtime_class(enum value_class class)
{
	switch (class) {
	case VALUE_BOOL:
		return CLASS_BOOL;
	case VALUE_FLOAT:
		return CLASS_FLOAT;
	case VALUE_TEXT:
		return CLASS_BYTES;
	default:
		return CLASS_SIGNED;
	}
}

static void set_datatype(struct inferred *result, enum datatype datatype)
{
	result->type.datatype_known = true;
	result->type.datatype = datatype;
}

static void set_scalar(struct inferred *result)
{
	result->type.shape_known = true;
	result->type.rank = 0;
}

/* The datatype of what leaves, by the rule of the language. */
static void set_class(struct inferred *result, enum value_class class, const struct inferred *operands, size_t count)
{
	result->type.class = class;
	result->width = 0;
	result->width_known = true;
	bool all_unsigned = true, all_known = true, any_tensor = false;
	for (size_t i = 0; i < count; i++) {
		result->width |= operands[i].width;
		result->width_known = result->width_known && operands[i].width_known;
		if (operands[i].fits_any)
			continue;
		any_tensor = true;
		all_known = all_known && operands[i].type.datatype_known;
		all_unsigned = all_unsigned && operands[i].type.datatype_known &&
			       datatype_rows[operands[i].type.datatype].class == CLASS_UNSIGNED;
	}
	result->type.datatype_known = false;
	if (class == VALUE_BOOL)
		set_datatype(result, DATATYPE_BOOL);
	else if (class == VALUE_TEXT)
		set_datatype(result, DATATYPE_BYTES);
	else if (class == VALUE_FLOAT && result->width_known)
		set_datatype(result, result->width == WIDTH_NARROW ? DATATYPE_FP32 : DATATYPE_FP64);
	else if (is_integer(class) && all_known)
		set_datatype(result, any_tensor && all_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64);
}

/* ---- shapes ---- */

static bool join_shapes(struct inference *inference, const struct node *node, const struct inferred *a, const struct inferred *b,
			struct value_type *joint)
{
	joint->shape_known = a->type.shape_known && b->type.shape_known;
	if (!joint->shape_known)
		return true;
	uint32_t rank = a->type.rank > b->type.rank ? a->type.rank : b->type.rank;
	int64_t shape[TENSOR_RANK_MAX];
	for (uint32_t i = 1; i <= rank; i++) {
		int64_t left = i <= a->type.rank ? a->type.shape[a->type.rank - i] : 1;
		int64_t right = i <= b->type.rank ? b->type.shape[b->type.rank - i] : 1;
		if (left >= 0 && right >= 0 && left != right && left != 1 && right != 1)
			return refuse(inference, node, "the shapes of %s and %s do not fit; each dimension must be equal or 1",
				      type_words(inference, &a->type), type_words(inference, &b->type));
		shape[rank - i] = left == 1 ? right : right == 1 ? left : left < 0 ? right : left;
	}
	joint->rank = rank;
	memcpy(joint->shape, shape, rank * sizeof *shape);
	return true;
}

static bool infer_axis(struct inference *inference, const struct node *node, const struct value_type *type, int64_t along,
		       uint32_t *axis)
{
	int64_t rank = type->rank;
	if (along < -rank || along >= rank)
		return refuse(inference, node, "%s has no axis %lld; its axes are 0 to %lld, or -1 for the last",
			      type_words(inference, type), (long long)along, (long long)rank - 1);
	*axis = (uint32_t)(along < 0 ? along + rank : along);
	return true;
}

static bool infer_reduced(struct inference *inference, const struct node *node, const struct inferred *argument,
			  struct value_type *result)
{
	if (!node->has_along) {
		result->shape_known = true;
		result->rank = 0;
		return true;
	}
	result->shape_known = argument->type.shape_known;
	if (!result->shape_known)
		return true;
	uint32_t axis = 0;
	if (!infer_axis(inference, node, &argument->type, node->along, &axis))
		return false;
	result->rank = 0;
	for (uint32_t i = 0; i < argument->type.rank; i++)
		if (i != axis)
			result->shape[result->rank++] = argument->type.shape[i];
	return true;
}

/* ---- nodes ---- */

static void infer_literal(const struct node *node, struct inferred *result)
{
	const struct value *literal = &node->literal;
	result->type.class = node->class;
	set_datatype(result, (enum datatype)literal->storage);
	result->type.shape_known = true;
	result->type.rank = literal->rank;
	if (literal->rank)
		result->type.shape[0] = literal->shape[0];
	result->width_known = true;
	result->fits_any = literal->fits_any;
}

static void infer_special(enum special_name special, struct inferred *result)
{
	result->type.class = special == SPECIAL_TIME ? VALUE_TIME : VALUE_TEXT;
	set_datatype(result, special == SPECIAL_TIME ? DATATYPE_INT64 : DATATYPE_BYTES);
	set_scalar(result);
	result->width_known = true;
}

static bool is_known(struct inference *inference, const struct expression_name *like, struct text name)
{
	struct value_type type = {0};
	const char *suggest = NULL;
	struct expression_name other = *like;
	other.owner = TEXT("");
	other.name = name;
	return inference->types->type_of(inference->types->context, &other, &type, &suggest);
}

static bool is_number_text(struct text text)
{
	bool digits = false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] != '.' && (text.bytes[i] < '0' || text.bytes[i] > '9'))
			return false;
		digits = digits || text.bytes[i] != '.';
	}
	return digits;
}

/* `a-b` that was meant as a difference: the dash behind which it can be cut. */
static bool refuse_dash(struct inference *inference, const struct node *node, const struct expression_name *name, bool *refused)
{
	struct text whole = {inference->expression->source.bytes + node->at, node->end - node->at};
	*refused = false;
	for (size_t i = whole.length; i-- > 1;) {
		struct text left = {whole.bytes, i}, right = {whole.bytes + i + 1, whole.length - i - 1};
		if (whole.bytes[i] != '-' || !is_known(inference, name, left))
			continue;
		bool number = is_number_text(right);
		if (!number && !is_known(inference, name, right))
			continue;
		*refused = true;
		if (number)
			return refuse(inference, node,
				      "`" TEXT_FORMAT "` is one name and no tensor is called that; write `" TEXT_FORMAT " - " TEXT_FORMAT
				      "`, or `" TEXT_FORMAT " > " TEXT_FORMAT "`",
				      TEXT_ARGUMENTS(whole), TEXT_ARGUMENTS(left), TEXT_ARGUMENTS(right), TEXT_ARGUMENTS(left),
				      TEXT_ARGUMENTS(right));
		return refuse(inference, node,
			      "`" TEXT_FORMAT "` is one name and no tensor is called that; write `" TEXT_FORMAT " - " TEXT_FORMAT "`",
			      TEXT_ARGUMENTS(whole), TEXT_ARGUMENTS(left), TEXT_ARGUMENTS(right));
	}
	return true;
}

static bool refuse_name(struct inference *inference, const struct node *node, const struct expression_name *name,
			const char *suggest)
{
	struct text whole = {inference->expression->source.bytes + node->at, node->end - node->at};
	bool refused;
	if (!refuse_dash(inference, node, name, &refused) || refused)
		return false;
	if (suggest)
		return refuse(inference, node, "no tensor is called `" TEXT_FORMAT "`; did you mean `%s`?", TEXT_ARGUMENTS(whole), suggest);
	if (name->owner.length)
		return refuse(inference, node,
			      "nothing is called `" TEXT_FORMAT "`; write step.tensor with an earlier step, request.tensor or params.name",
			      TEXT_ARGUMENTS(whole));
	return refuse(inference, node, "no tensor is called `" TEXT_FORMAT "`; write the name of one, or its text in quotes",
		      TEXT_ARGUMENTS(whole));
}

static bool infer_name(struct inference *inference, const struct node *node, struct inferred *result)
{
	const struct expression_name *name = &inference->expression->names[node->name];
	const char *suggest = NULL;
	if (!inference->types)
		return true;
	if (!inference->types->type_of(inference->types->context, name, &result->type, &suggest)) {
		if (node->special == SPECIAL_NONE)
			return refuse_name(inference, node, name, suggest);
		infer_special(node->special, result);
		return true;
	}
	if (!result->type.datatype_known) {
		result->width_known = result->type.class != VALUE_UNKNOWN && result->type.class != VALUE_FLOAT;
		return true;
	}
	if (result->type.class == VALUE_UNKNOWN)
		result->type.class = class_of_datatype(result->type.datatype);
	const struct tensor tensor = {.datatype = result->type.datatype};
	result->width = value_of_tensor(&tensor).width;
	result->width_known = true;
	return true;
}

static bool refuse_operands(struct inference *inference, const struct node *node, const char *takes, const struct inferred *operands)
{
	for (int i = 0; i < 2; i++) {
		const struct node *item = node->items[i];
		if (item->kind == NODE_UNARY && item->operator == OPERATOR_NOT && !item->bracketed)
			return refuse(inference, item, "`not` binds tighter than `%s`; write not (a %s b)",
				      operator_texts[node->operator], operator_texts[node->operator]);
	}
	bool has_bool = operands[0].type.class == VALUE_BOOL || operands[1].type.class == VALUE_BOOL;
	return refuse(inference, node, "`%s` takes %s, and these are %s and %s; write %s", operator_texts[node->operator], takes,
		      type_words(inference, &operands[0].type), type_words(inference, &operands[1].type),
		      has_bool ? "where(c, 1, 0) to count with a bool" : "text(x) or number(x) to turn one into the other");
}

/* Differences of times are durations; all else with a time in it makes no sense. */
static bool infer_time(struct inference *inference, const struct node *node, const struct inferred *operands,
		       enum value_class *class)
{
	enum value_class left = operands[0].type.class, right = operands[1].type.class;
	bool sum = node->operator == OPERATOR_ADD, difference = node->operator == OPERATOR_SUBTRACT;
	if (left == VALUE_TIME && right == VALUE_TIME && difference)
		*class = VALUE_DURATION;
	else if ((left == VALUE_TIME && right != VALUE_TIME && (sum || difference)) || (right == VALUE_TIME && left != VALUE_TIME && sum))
		*class = VALUE_TIME;
	else if (left == VALUE_TIME || right == VALUE_TIME)
		return refuse_operands(inference, node, "no times like this; subtract two, or add a duration to one", operands);
	else if (node->operator != OPERATOR_POWER && (left == VALUE_DURATION || right == VALUE_DURATION) && *class == VALUE_INTEGER)
		*class = VALUE_DURATION;
	return true;
}

static bool infer_arithmetic(struct inference *inference, const struct node *node, const struct inferred *operands,
			     struct inferred *result)
{
	enum value_class left = operands[0].type.class, right = operands[1].type.class;
	bool joins = node->operator == OPERATOR_ADD;
	if (joins && (left == VALUE_TEXT || right == VALUE_TEXT)) {
		if (left != right && left != VALUE_UNKNOWN && right != VALUE_UNKNOWN)
			return refuse_operands(inference, node, "two numbers or two texts", operands);
		set_class(result, VALUE_TEXT, operands, 2);
		return true;
	}
	if (!may_be_number(left) || !may_be_number(right))
		return refuse_operands(inference, node, joins ? "two numbers or two texts" : "two numbers", operands);
	enum value_class class = VALUE_UNKNOWN;
	if (node->operator == OPERATOR_DIVIDE || left == VALUE_FLOAT || right == VALUE_FLOAT)
		class = VALUE_FLOAT;
	else if (is_integer(left) && is_integer(right))
		class = VALUE_INTEGER;
	if (joins && (left == VALUE_UNKNOWN) && (right == VALUE_UNKNOWN))
		class = VALUE_UNKNOWN;
	if (!infer_time(inference, node, operands, &class))
		return false;
	set_class(result, class, operands, 2);
	return true;
}

static bool same_kind(enum value_class left, enum value_class right)
{
	return left == VALUE_UNKNOWN || right == VALUE_UNKNOWN || left == right || (is_number(left) && is_number(right));
}

static bool infer_comparison(struct inference *inference, const struct node *node, const struct inferred *operands,
			     struct inferred *result)
{
	enum value_class left = operands[0].type.class, right = operands[1].type.class;
	bool equality = node->operator == OPERATOR_EQUAL || node->operator == OPERATOR_NOT_EQUAL || node->operator == OPERATOR_IN;
	bool strict = node->operator == OPERATOR_LESS || node->operator == OPERATOR_GREATER;
	if (!same_kind(left, right))
		return refuse_operands(inference, node, "two values of one kind", operands);
	if (!equality && (left == VALUE_BOOL || right == VALUE_BOOL))
		return refuse_operands(inference, node, "two numbers or two texts", operands);
	if (!equality && !strict && (left == VALUE_TEXT || right == VALUE_TEXT))
		return refuse(inference, node, "texts are compared with == != < > only; write a < b or a == b");
	set_class(result, VALUE_BOOL, operands, 2);
	return true;
}

static bool check_truth(struct inference *inference, const struct node *node, const struct inferred *operand)
{
	if (operand->type.class != VALUE_TEXT)
		return true;
	return refuse(inference, node, "a text is neither true nor false; compare it, as in x == \"yes\"");
}

static bool infer_coalesce(const struct inferred *operands, struct inferred *result)
{
	bool alike = operands[0].type.class == operands[1].type.class;
	set_class(result, alike ? operands[0].type.class : VALUE_UNKNOWN, operands, 2);
	result->type.datatype_known = result->type.datatype_known && alike &&
				      (operands[0].width == operands[1].width || operands[0].type.class != VALUE_FLOAT);
	result->type.shape_known = false;
	return true;
}

static bool infer_binary(struct inference *inference, const struct node *node, struct inferred *result)
{
	struct inferred operands[2] = {0};
	if (!infer(inference, node->items[0], &operands[0]) || !infer(inference, node->items[1], &operands[1]))
		return false;
	switch (node->operator) {
	case OPERATOR_COALESCE:
		return infer_coalesce(operands, result);
	case OPERATOR_AND:
	case OPERATOR_OR:
		if (!check_truth(inference, node->items[0], &operands[0]) || !check_truth(inference, node->items[1], &operands[1]))
			return false;
		set_class(result, VALUE_BOOL, operands, 2);
		break;
	case OPERATOR_IN:
		result->type = operands[0].type;
		return infer_comparison(inference, node, operands, result);
	case OPERATOR_ADD:
	case OPERATOR_SUBTRACT:
	case OPERATOR_MULTIPLY:
	case OPERATOR_DIVIDE:
	case OPERATOR_POWER:
		if (!infer_arithmetic(inference, node, operands, result))
			return false;
		break;
	default:
		if (!infer_comparison(inference, node, operands, result))
			return false;
		break;
	}
	return join_shapes(inference, node, &operands[0], &operands[1], &result->type);
}

static bool infer_unary(struct inference *inference, const struct node *node, struct inferred *result)
{
	struct inferred operand = {0};
	if (!infer(inference, node->items[0], &operand))
		return false;
	result->type = operand.type;
	if (node->operator == OPERATOR_NOT) {
		set_class(result, VALUE_BOOL, &operand, 1);
		return check_truth(inference, node->items[0], &operand);
	}
	if (!may_be_number(operand.type.class) || operand.type.class == VALUE_TIME)
		return refuse(inference, node, "`-` takes a number, and this is %s; write number(x) for a text with a number in it",
			      type_words(inference, &operand.type));
	set_class(result, operand.type.class, &operand, 1);
	if (is_integer(operand.type.class))
		set_datatype(result, DATATYPE_INT64);
	return true;
}

/* ---- calls ---- */

static enum value_class class_given(char gives, const struct inferred *arguments, size_t count)
{
	switch (gives) {
	case 'f':
		return VALUE_FLOAT;
	case 'b':
		return VALUE_BOOL;
	case 't':
		return VALUE_TEXT;
	case 'i':
	case 'u':
		return VALUE_INTEGER;
	case 's':
		return arguments[0].type.class == VALUE_BOOL ? VALUE_INTEGER : arguments[0].type.class;
	default:
		break;
	}
	enum value_class class = arguments[0].type.class;
	for (size_t i = 1; i < count && gives == 'n'; i++) {
		enum value_class other = arguments[i].type.class;
		if (class == VALUE_UNKNOWN || other == VALUE_UNKNOWN)
			return class == VALUE_FLOAT || other == VALUE_FLOAT ? VALUE_FLOAT : VALUE_UNKNOWN;
		class = other == VALUE_FLOAT ? VALUE_FLOAT : class;
	}
	return class;
}

static bool infer_call_shape(struct inference *inference, const struct node *node, const struct inferred *arguments,
			     struct inferred *result)
{
	switch (node->function->rules->shape) {
	case SHAPE_JOINT:
		result->type.shape_known = arguments[0].type.shape_known;
		result->type.rank = arguments[0].type.rank;
		memcpy(result->type.shape, arguments[0].type.shape, sizeof result->type.shape);
		for (uint32_t i = 1; i < node->count; i++) {
			struct inferred before = *result;
			if (!join_shapes(inference, node, &before, &arguments[i], &result->type))
				return false;
		}
		return true;
	case SHAPE_REDUCED:
		return infer_reduced(inference, node, &arguments[0], &result->type);
	case SHAPE_SCALAR:
		set_scalar(result);
		return true;
	case SHAPE_SAME:
		result->type.shape_known = arguments[0].type.shape_known;
		result->type.rank = arguments[0].type.rank;
		memcpy(result->type.shape, arguments[0].type.shape, sizeof result->type.shape);
		return true;
	case SHAPE_VECTOR:
		result->type.shape_known = true;
		result->type.rank = 1;
		result->type.shape[0] = -1;
		return true;
	case SHAPE_FREE:
		result->type.shape_known = false;
		return true;
	}
	return true;
}

static bool check_arguments(struct inference *inference, const struct node *node, const struct inferred *arguments)
{
	const char *letter = node->function->rules->takes;
	for (uint32_t i = 0; i < node->count; i++) {
		const char *wanted;
		enum value_class class = arguments[i].type.class;
		if (class != VALUE_UNKNOWN && !letter_takes(*letter, runtime_class(class), &wanted))
			return refuse(inference, node->items[i], "%s() takes %s, and this is %s; it is written %s", node->function->name,
				      wanted, type_words(inference, &arguments[i].type), node->function->form);
		letter += letter[1] != '\0';
	}
	return true;
}

/* where(): its branches decide, and must be of one kind. */
static bool infer_where(struct inference *inference, const struct node *node, const struct inferred *arguments,
			struct inferred *result)
{
	enum value_class then = arguments[1].type.class, otherwise = arguments[2].type.class;
	if (!same_kind(then, otherwise))
		return refuse(inference, node, "where() chooses between two values of one kind, and these are %s and %s",
			      type_words(inference, &arguments[1].type), type_words(inference, &arguments[2].type));
	enum value_class class = class_given('n', arguments + 1, 2);
	unsigned width = arguments[0].width;
	struct inferred branches[2] = {arguments[1], arguments[2]};
	branches[0].width |= width;
	branches[0].width_known = branches[0].width_known && arguments[0].width_known;
	set_class(result, class, branches, 2);
	return infer_call_shape(inference, node, arguments, result);
}

static bool infer_call(struct inference *inference, const struct node *node, struct inferred *result)
{
	const struct function_rules *rules = node->function->rules;
	struct inferred *arguments = ARENA_ARRAY(inference->arena, struct inferred, node->count + 1);
	if (!arguments)
		return error_memory(inference->error, ERROR_SYSTEM, "checking an expression");
	for (uint32_t i = 0; i < node->count; i++)
		if (!infer(inference, node->items[i], &arguments[i]))
			return false;
	if (!check_arguments(inference, node, arguments))
		return false;
	if (strcmp(node->function->name, "where") == 0)
		return infer_where(inference, node, arguments, result);
	set_class(result, class_given(rules->gives, arguments, node->count), arguments, node->count);
	if (rules->gives == 'i')
		set_datatype(result, DATATYPE_INT64);
	if (rules->gives == 'u')
		set_datatype(result, DATATYPE_UINT64);
	if (rules->gives == 'c') {
		const struct tensor cast = {.datatype = node->datatype};
		result->type.class = class_of_datatype(node->datatype);
		set_datatype(result, node->datatype);
		result->width = value_of_tensor(&cast).width;
		result->width_known = true;
	}
	return infer_call_shape(inference, node, arguments, result);
}

/* ---- indices ---- */

static bool is_whole_literal(const struct node *node, int64_t *number)
{
	bool whole = node && node->kind == NODE_LITERAL && node->literal.storage == DATATYPE_INT64 && node->literal.count == 1;
	if (whole)
		*number = *(const int64_t *)node->literal.data;
	return whole;
}

static bool check_position(struct inference *inference, const struct node *item, const struct value_type *base, uint32_t axis,
			   bool is_border)
{
	int64_t position, size = base->shape[axis];
	if (size < 0 || !is_whole_literal(item, &position))
		return true;
	if ((position < 0 ? position + size : position) >= 0 && position < size + is_border)
		return true;
	return refuse(inference, item, "index %lld is outside %s; axis %u has %lld elements, counted from 0", (long long)position,
		      type_words(inference, base), axis, (long long)size);
}

static bool infer_dimension(struct inference *inference, const struct node *item, const struct value_type *base, uint32_t axis,
			    struct value_type *result)
{
	if (item->kind == NODE_SLICE) {
		int64_t from, to;
		for (int side = 0; side < 2; side++)
			if (item->items[side] && !check_position(inference, item->items[side], base, axis, true))
				return false;
		from = 0;
		to = base->shape[axis];
		bool known = to >= 0 && (!item->items[0] || is_whole_literal(item->items[0], &from)) &&
			     (!item->items[1] || is_whole_literal(item->items[1], &to));
		from = from < 0 ? from + base->shape[axis] : from;
		to = known && to < 0 ? to + base->shape[axis] : to;
		result->shape[result->rank++] = known ? (to > from ? to - from : 0) : -1;
		return true;
	}
	return check_position(inference, item, base, axis, false);
}

/* What stands in the brackets: integers, and one text for a column. */
static bool check_index_classes(struct inference *inference, const struct node *node)
{
	for (uint32_t i = 1; i < node->count; i++) {
		const struct node *item = node->items[i];
		bool slice = item->kind == NODE_SLICE;
		const struct node *const *parts = slice ? (const struct node *const *)item->items : &item;
		for (int part = 0; part < (slice ? 2 : 1); part++) {
			struct inferred index = {0};
			if (!parts[part])
				continue;
			if (!infer(inference, parts[part], &index))
				return false;
			enum value_class class = index.type.class;
			if (class != VALUE_UNKNOWN && class != VALUE_INTEGER && (slice || class != VALUE_TEXT))
				return refuse(inference, parts[part], "an index is an integer or a column's name, and this is %s; write x[0] or x[\"name\"]",
					      type_words(inference, &index.type));
		}
	}
	return true;
}

static bool infer_index(struct inference *inference, const struct node *node, struct inferred *result)
{
	struct inferred base = {0};
	if (!infer(inference, node->items[0], &base) || !check_index_classes(inference, node))
		return false;
	set_class(result, base.type.class, &base, 1);
	result->type.shape_known = base.type.shape_known;
	if (!base.type.shape_known)
		return true;
	if (node->count - 1 > base.type.rank)
		return refuse(inference, node, "%s has %u dimensions, and here are %u indices; leave some out",
			      type_words(inference, &base.type), base.type.rank, node->count - 1);
	result->type.rank = 0;
	const struct node *only = node->items[1];
	bool column = node->count == 2 && only->kind == NODE_LITERAL && only->class == VALUE_TEXT;
	bool unsure = node->count == 2 && only->kind != NODE_LITERAL && only->kind != NODE_SLICE;
	for (uint32_t axis = 0; axis < base.type.rank; axis++) {
		bool indexed = column ? axis == base.type.rank - 1 : axis + 1 < node->count;
		if (!indexed)
			result->type.shape[result->type.rank++] = base.type.shape[axis];
		else if (!infer_dimension(inference, column ? only : node->items[axis + 1], &base.type, axis, &result->type))
			return false;
	}
	/* A computed index may turn out to be a column's name. */
	result->type.shape_known = !unsure || base.type.rank == 1;
	return true;
}

static bool infer(struct inference *inference, const struct node *node, struct inferred *result)
{
	*result = (struct inferred){0};
	switch (node->kind) {
	case NODE_LITERAL:
		infer_literal(node, result);
		return true;
	case NODE_NAME:
		return infer_name(inference, node, result);
	case NODE_HEADER:
		infer_special(SPECIAL_KEY, result);
		return true;
	case NODE_UNARY:
		return infer_unary(inference, node, result);
	case NODE_BINARY:
		return infer_binary(inference, node, result);
	case NODE_CALL:
		return infer_call(inference, node, result);
	case NODE_INDEX:
		return infer_index(inference, node, result);
	case NODE_SLICE:
		break;
	}
	return true;
}

bool expression_check(const struct expression *expression, const struct expression_types *types, struct arena *arena,
		      struct value_type *result, struct error *error)
{
	struct inference inference = {.expression = expression, .types = types, .arena = arena, .error = error};
	struct inferred inferred;
	if (!infer(&inference, expression->root, &inferred))
		return false;
	*result = inferred.type;
	return true;
}
