/* expression_types.c: Types and shapes during inference: set, joined, refused, and in words; see expression_check.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "compiler/expression/expression_check.h"

bool inference_refuse(struct expression_inference *inference, const struct expression_node *node, const char *format, ...)
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
	[VALUE_UNKNOWN] = "a value", [VALUE_BOOL] = "a bool",	      [VALUE_INTEGER] = "an integer", [VALUE_FLOAT] = "a float",
	[VALUE_TEXT] = "a text",     [VALUE_DURATION] = "a duration", [VALUE_TIME] = "a time",
};

const char *inference_words(struct expression_inference *inference, const struct value_type *type)
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

bool class_is_integer(enum value_class class)
{
	return class == VALUE_INTEGER || class == VALUE_DURATION || class == VALUE_TIME;
}

static bool class_is_number(enum value_class class)
{
	return class == VALUE_FLOAT || class_is_integer(class);
}

bool class_may_be_number(enum value_class class)
{
	return class == VALUE_UNKNOWN || class_is_number(class);
}

enum value_class class_of_datatype(enum datatype datatype)
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

bool classes_alike(enum value_class left, enum value_class right)
{
	return left == VALUE_UNKNOWN || right == VALUE_UNKNOWN || left == right ||
	       (class_is_number(left) && class_is_number(right));
}

enum value_class class_given(char gives, const struct inferred *arguments, size_t count)
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
	case 'v':
		return arguments[0].type.class == VALUE_TEXT || arguments[0].type.class == VALUE_UNKNOWN ? arguments[0].type.class
													 : VALUE_FLOAT;
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

void inferred_set_datatype(struct inferred *result, enum datatype datatype)
{
	result->type.datatype_known = true;
	result->type.datatype = datatype;
}

void inferred_set_scalar(struct inferred *result)
{
	result->type.shape_known = true;
	result->type.rank = 0;
}

void inferred_set_class(struct inferred *result, enum value_class class, const struct inferred *operands, size_t count)
{
	result->type.class = class;
	result->width = 0;
	result->width_known = true;
	bool all_unsigned = true, all_known = true, any_tensor = false;
	for (size_t i = 0; i < count; i++) {
		result->width |= operands[i].width;
		result->width_known = result->width_known && operands[i].width_known;
		if (operands[i].fits_any && operands[i].type.datatype == DATATYPE_INT64)
			continue;
		any_tensor = true;
		all_known = all_known && operands[i].type.datatype_known;
		all_unsigned = all_unsigned && operands[i].type.datatype_known &&
			       datatype_rows[operands[i].type.datatype].class == CLASS_UNSIGNED;
	}
	result->type.datatype_known = false;
	if (class == VALUE_BOOL)
		inferred_set_datatype(result, DATATYPE_BOOL);
	else if (class == VALUE_TEXT)
		inferred_set_datatype(result, DATATYPE_BYTES);
	else if (class == VALUE_FLOAT && result->width_known)
		inferred_set_datatype(result, result->width == WIDTH_NARROW ? DATATYPE_FP32 : DATATYPE_FP64);
	else if (class_is_integer(class) && all_known)
		inferred_set_datatype(result, any_tensor && all_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64);
}

/* ---- shapes ---- */

bool inference_join(struct expression_inference *inference, const struct expression_node *node, const struct inferred *a,
		    const struct inferred *b, struct value_type *joint)
{
	joint->shape_known = a->type.shape_known && b->type.shape_known;
	if (!joint->shape_known)
		return true;
	uint32_t rank = a->type.rank > b->type.rank ? a->type.rank : b->type.rank;
	int64_t shape[TENSOR_RANK_MAX] = {0};
	for (uint32_t i = 1; i <= rank; i++) {
		int64_t left = i <= a->type.rank ? a->type.shape[a->type.rank - i] : 1;
		int64_t right = i <= b->type.rank ? b->type.shape[b->type.rank - i] : 1;
		if (left >= 0 && right >= 0 && left != right && left != 1 && right != 1)
			return inference_refuse(inference, node,
						"the shapes of %s and %s do not fit; each dimension must be equal or 1",
						inference_words(inference, &a->type), inference_words(inference, &b->type));
		shape[rank - i] = left == 1 ? right : right == 1 ? left : left < 0 ? right : left;
	}
	joint->rank = rank;
	memcpy(joint->shape, shape, rank * sizeof *shape);
	return true;
}

bool inference_join_all(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, uint32_t count, struct inferred *result)
{
	assert(count > 0);
	result->type.shape_known = arguments[0].type.shape_known;
	result->type.rank = arguments[0].type.rank;
	memcpy(result->type.shape, arguments[0].type.shape, sizeof result->type.shape);
	for (uint32_t i = 1; i < count; i++) {
		struct inferred before = *result;
		if (!inference_join(inference, node, &before, &arguments[i], &result->type))
			return false;
	}
	return true;
}

bool may_be_single(const struct value_type *type)
{
	for (uint32_t i = 0; type->shape_known && i < type->rank; i++)
		if (type->shape[i] >= 0 && type->shape[i] != 1)
			return false;
	return true;
}

void keep_alike(struct value_type *type, const struct value_type *other)
{
	bool alike = type->shape_known && other->shape_known && type->rank == other->rank;
	for (uint32_t i = 0; alike && i < type->rank; i++)
		alike = type->shape[i] == other->shape[i];
	type->shape_known = alike;
}
