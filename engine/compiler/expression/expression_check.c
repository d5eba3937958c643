/* expression_check.c: Static check of types and shapes. Unknown types are accepted. A known type that does not fit is
 * a CONFIG error at its place, which shows both sides. */
#include "compiler/expression/expression_check.h"
#include "compiler/expression/expression_foreign.h"

static bool infer_node(struct expression_inference *inference, const struct expression_node *node, struct inferred *result);

static void infer_literal(const struct expression_node *node, struct inferred *result)
{
	const struct value *literal = &node->literal;
	result->type.class = node->class;
	inferred_set_datatype(result, (enum datatype)literal->storage);
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
	inferred_set_datatype(result, special == SPECIAL_TIME ? DATATYPE_INT64 : DATATYPE_BYTES);
	inferred_set_scalar(result);
	result->width_known = true;
}

static bool is_known(struct expression_inference *inference, const struct expression_name *like, struct text name)
{
	struct value_type type = {0};
	const char *suggest = NULL;
	struct expression_name other = *like;
	other.owner = TEXT("");
	other.name = name;
	return inference->types->type_of(inference->types->context, &other, &type, &suggest);
}

const char *const expression_marks[] = {
	"drift_score",	   "is_drift",		 "drift_state",		"quality_alarm",    "messages_per_minute",
	"newest_age_ms",   "estimated_accuracy", "estimated_precision", "estimated_recall", "estimated_auc",
	"estimated_error", "outlier_score",	 "is_outlier",		"outlier_state",    NULL,
};

bool expression_is_mark(struct text name)
{
	for (const char *const *mark = expression_marks; *mark; mark++)
		if (text_is(name, *mark))
			return true;
	return false;
}

bool expression_is_special(struct text name)
{
	for (size_t i = SPECIAL_NONE + 1; i < SPECIAL_COUNT; i++)
		if (text_is(name, special_names[i]))
			return true;
	return false;
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
static bool refuse_dash(struct expression_inference *inference, const struct expression_node *node,
			const struct expression_name *name, bool *refused)
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
			return inference_refuse(inference, node,
						"`" TEXT_FORMAT "` is one name and no tensor is called that; write `" TEXT_FORMAT
						" - " TEXT_FORMAT "`, or `" TEXT_FORMAT " > " TEXT_FORMAT "`",
						TEXT_ARGUMENTS(whole), TEXT_ARGUMENTS(left), TEXT_ARGUMENTS(right),
						TEXT_ARGUMENTS(left), TEXT_ARGUMENTS(right));
		return inference_refuse(inference, node,
					"`" TEXT_FORMAT "` is one name and no tensor is called that; write `" TEXT_FORMAT
					" - " TEXT_FORMAT "`",
					TEXT_ARGUMENTS(whole), TEXT_ARGUMENTS(left), TEXT_ARGUMENTS(right));
	}
	return true;
}

static bool refuse_name(struct expression_inference *inference, const struct expression_node *node,
			const struct expression_name *name, const char *suggest)
{
	struct text whole = {inference->expression->source.bytes + node->at, node->end - node->at};
	bool refused;
	if (!refuse_dash(inference, node, name, &refused) || refused)
		return false;
	if (suggest)
		return inference_refuse(inference, node, "no tensor is called `" TEXT_FORMAT "`; did you mean `%s`?",
					TEXT_ARGUMENTS(whole), suggest);
	const char *foreign = name->owner.length ? foreign_function(name->name) : foreign_constant(name->name);
	if (name->owner.length && function_exists(name->name))
		return inference_refuse(inference, node,
					"nothing is called `" TEXT_FORMAT "`; write " TEXT_FORMAT "(" TEXT_FORMAT ")",
					TEXT_ARGUMENTS(whole), TEXT_ARGUMENTS(name->name), TEXT_ARGUMENTS(name->owner));
	if (foreign)
		return inference_refuse(inference, node, "no tensor is called `" TEXT_FORMAT "`; %s", TEXT_ARGUMENTS(whole),
					foreign);
	if (name->owner.length)
		return inference_refuse(inference, node,
					"nothing is called `" TEXT_FORMAT
					"`; write step.tensor with an earlier step, request.tensor or params.name",
					TEXT_ARGUMENTS(whole));
	return inference_refuse(inference, node,
				"no tensor is called `" TEXT_FORMAT "`; write the name of one, or its text in quotes",
				TEXT_ARGUMENTS(whole));
}

static bool infer_name(struct expression_inference *inference, const struct expression_node *node, struct inferred *result)
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
	result->width = width_of(result->type.datatype);
	result->width_known = true;
	return true;
}

static bool refuse_operands(struct expression_inference *inference, const struct expression_node *node, const char *takes,
			    const struct inferred *operands)
{
	for (int i = 0; i < 2; i++) {
		const struct expression_node *item = node->items[i];
		if (item->kind == NODE_UNARY && item->operation == OPERATOR_NOT && !item->bracketed)
			return inference_refuse(inference, item, "`not` binds tighter than `%s`; write not (a %s b)",
						operator_texts[node->operation], operator_texts[node->operation]);
	}
	bool has_bool = operands[0].type.class == VALUE_BOOL || operands[1].type.class == VALUE_BOOL;
	return inference_refuse(
		inference, node, "`%s` takes %s, and these are %s and %s; write %s", operator_texts[node->operation], takes,
		inference_words(inference, &operands[0].type), inference_words(inference, &operands[1].type),
		has_bool ? "where(c, 1, 0) to count with a bool" : "text(x) or number(x) to turn one into the other");
}

/* Differences of times are durations; all else with a time in it makes no sense. */
static bool infer_time(struct expression_inference *inference, const struct expression_node *node, const struct inferred *operands,
		       enum value_class *class)
{
	enum value_class left = operands[0].type.class, right = operands[1].type.class;
	bool sum = node->operation == OPERATOR_ADD, difference = node->operation == OPERATOR_SUBTRACT;
	if (left == VALUE_TIME && right == VALUE_TIME && difference)
		*class = VALUE_DURATION;
	else if ((left == VALUE_TIME && right != VALUE_TIME && (sum || difference)) ||
		 (right == VALUE_TIME && left != VALUE_TIME && sum))
		*class = *class == VALUE_INTEGER ? VALUE_TIME : *class; /* with a float it is a float of milliseconds */
	else if (left == VALUE_TIME || right == VALUE_TIME)
		return inference_refuse(inference, node,
					"a time is subtracted from another, or a duration from it; write ts - t, or ts - 5m");
	else if (node->operation != OPERATOR_POWER && (left == VALUE_DURATION || right == VALUE_DURATION) &&
		 *class == VALUE_INTEGER)
		*class = VALUE_DURATION;
	return true;
}

static bool infer_arithmetic(struct expression_inference *inference, const struct expression_node *node,
			     const struct inferred *operands, struct inferred *result)
{
	enum value_class left = operands[0].type.class, right = operands[1].type.class;
	bool joins = node->operation == OPERATOR_ADD;
	if (joins && (left == VALUE_TEXT || right == VALUE_TEXT)) {
		if (left != right && left != VALUE_UNKNOWN && right != VALUE_UNKNOWN)
			return refuse_operands(inference, node, "two numbers or two texts", operands);
		inferred_set_class(result, VALUE_TEXT, operands, 2);
		return true;
	}
	if (!class_may_be_number(left) || !class_may_be_number(right))
		return refuse_operands(inference, node, joins ? "two numbers or two texts" : "two numbers", operands);
	enum value_class class = VALUE_UNKNOWN;
	if (node->operation == OPERATOR_DIVIDE || left == VALUE_FLOAT || right == VALUE_FLOAT)
		class = VALUE_FLOAT;
	else if (class_is_integer(left) && class_is_integer(right))
		class = VALUE_INTEGER;
	if (joins && (left == VALUE_UNKNOWN) && (right == VALUE_UNKNOWN))
		class = VALUE_UNKNOWN;
	if (!infer_time(inference, node, operands, &class))
		return false;
	inferred_set_class(result, class, operands, 2);
	return true;
}

static bool infer_comparison(struct expression_inference *inference, const struct expression_node *node,
			     const struct inferred *operands, struct inferred *result)
{
	enum value_class left = operands[0].type.class, right = operands[1].type.class;
	bool equality =
		node->operation == OPERATOR_EQUAL || node->operation == OPERATOR_NOT_EQUAL || node->operation == OPERATOR_IN;
	bool strict = node->operation == OPERATOR_LESS || node->operation == OPERATOR_GREATER;
	if (!classes_alike(left, right))
		return refuse_operands(inference, node, "two values of one kind", operands);
	if (!equality && (left == VALUE_BOOL || right == VALUE_BOOL))
		return refuse_operands(inference, node, "two numbers or two texts", operands);
	if (!equality && !strict && (left == VALUE_TEXT || right == VALUE_TEXT))
		return inference_refuse(inference, node, "texts are compared with == != < > only; write a < b or a == b");
	inferred_set_class(result, VALUE_BOOL, operands, 2);
	return true;
}

static bool check_truth(struct expression_inference *inference, const struct expression_node *node, const struct inferred *operand)
{
	if (operand->type.class != VALUE_TEXT)
		return true;
	return inference_refuse(inference, node, "a text is neither true nor false; compare it, as in x == \"yes\"");
}

/* Either of the two may be the answer, so only what both agree in is certain. */
static bool infer_coalesce(const struct inferred *operands, struct inferred *result)
{
	struct inferred alone[2] = {operands[0], operands[1]};
	for (int side = 0; side < 2; side++)
		inferred_set_class(&alone[side], operands[side].type.class, &operands[side], 1);
	*result = alone[0];
	if (alone[0].type.class != alone[1].type.class)
		result->type.class = VALUE_UNKNOWN;
	result->type.datatype_known =
		alone[0].type.datatype_known && alone[1].type.datatype_known && alone[0].type.datatype == alone[1].type.datatype;
	result->width_known = alone[0].width_known && alone[1].width_known && alone[0].width == alone[1].width;
	result->fits_any = operands[0].fits_any && operands[1].fits_any;
	keep_alike(&result->type, &alone[1].type);
	return true;
}

static bool infer_binary(struct expression_inference *inference, const struct expression_node *node, struct inferred *result)
{
	struct inferred operands[2] = {0};
	if (!infer_node(inference, node->items[0], &operands[0]) || !infer_node(inference, node->items[1], &operands[1]))
		return false;
	switch (node->operation) {
	case OPERATOR_COALESCE:
		return infer_coalesce(operands, result);
	case OPERATOR_AND:
	case OPERATOR_OR:
		if (!check_truth(inference, node->items[0], &operands[0]) || !check_truth(inference, node->items[1], &operands[1]))
			return false;
		inferred_set_class(result, VALUE_BOOL, operands, 2);
		if (!inference_join(inference, node, &operands[0], &operands[1], &result->type))
			return false;
		if (may_be_single(&operands[0].type))
			keep_alike(&result->type, &operands[0].type);
		return true;
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
	return inference_join(inference, node, &operands[0], &operands[1], &result->type);
}

static bool infer_unary(struct expression_inference *inference, const struct expression_node *node, struct inferred *result)
{
	struct inferred operand = {0};
	if (!infer_node(inference, node->items[0], &operand))
		return false;
	result->type = operand.type;
	if (node->operation == OPERATOR_NOT) {
		inferred_set_class(result, VALUE_BOOL, &operand, 1);
		return check_truth(inference, node->items[0], &operand);
	}
	if (!class_may_be_number(operand.type.class) || operand.type.class == VALUE_TIME)
		return inference_refuse(inference, node,
					"`-` takes a number, and this is %s; write number(x) for a text with a number in it",
					inference_words(inference, &operand.type));
	inferred_set_class(result, operand.type.class, &operand, 1);
	if (class_is_integer(operand.type.class))
		inferred_set_datatype(result, DATATYPE_INT64);
	return true;
}

static bool infer_call(struct expression_inference *inference, const struct expression_node *node, struct inferred *result)
{
	struct inferred *arguments = ARENA_ARRAY(inference->arena, struct inferred, node->count + 1);
	if (!arguments)
		return error_memory(inference->error, ERROR_SYSTEM, "checking an expression");
	for (uint32_t i = 0; i < node->count; i++)
		if (!infer_node(inference, node->items[i], &arguments[i]))
			return false;
	return inference_call(inference, node, arguments, result);
}

/* What stands in the brackets: integers, and one text for a column. */
static bool check_index_classes(struct expression_inference *inference, const struct expression_node *node)
{
	for (uint32_t i = 1; i < node->count; i++) {
		const struct expression_node *item = node->items[i];
		bool slice = item->kind == NODE_SLICE;
		const struct expression_node *const *parts = slice ? (const struct expression_node *const *)item->items : &item;
		for (int part = 0; part < (slice ? 2 : 1); part++) {
			struct inferred index = {0};
			if (!parts[part])
				continue;
			if (!infer_node(inference, parts[part], &index))
				return false;
			enum value_class class = index.type.class;
			if (class != VALUE_UNKNOWN && class != VALUE_INTEGER && (slice || class != VALUE_TEXT))
				return inference_refuse(
					inference, parts[part],
					"an index is an integer or a column's name, and this is %s; write x[0] or x[\"name\"]",
					inference_words(inference, &index.type));
		}
	}
	return true;
}

static bool infer_index(struct expression_inference *inference, const struct expression_node *node, struct inferred *result)
{
	struct inferred indexed = {0};
	return infer_node(inference, node->items[0], &indexed) && check_index_classes(inference, node) &&
	       inference_index(inference, node, &indexed, result);
}

static bool infer_node(struct expression_inference *inference, const struct expression_node *node, struct inferred *result)
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
	struct expression_inference inference = {.expression = expression, .types = types, .arena = arena, .error = error};
	struct inferred inferred;
	if (!infer_node(&inference, expression->root, &inferred))
		return false;
	*result = inferred.type;
	return true;
}
