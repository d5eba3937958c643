/* drift_types.c: see drift_types.h. */
#include "steps/drift_types.h"

#include <string.h>

#include "message/columns.h"

/* Whether the feature is the tensor, or a column of it. */
static bool feature_is_of(struct text feature, struct text tensor)
{
	return feature.length >= tensor.length && memcmp(feature.bytes, tensor.bytes, tensor.length) == 0 &&
	       (feature.length == tensor.length || feature.bytes[tensor.length] == '.');
}

/* The features of a tensor in the reference, and whether they are texts. */
static size_t features_of(const struct drift_reference *reference, struct text tensor, bool *texts)
{
	size_t count = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		if (feature_is_of(reference->features[i].name, tensor)) {
			count++;
			*texts = reference->features[i].categories;
		}
	return count;
}

/* CONFIG: the reference has a column of the tensor, and the messages have others. */
static bool columns_check(const struct drift_reference *reference, const struct tensor_type *tensor, struct place place,
			  struct arena *arena, struct error *error)
{
	const struct text name = tensor->name;
	struct columns columns;
	size_t column;
	if (!tensor->parameters || !columns_begin(&columns, *tensor->parameters, arena))
		return true;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const struct text feature = reference->features[i].name;
		if (!feature_is_of(feature, name) || feature.length == name.length)
			continue;
		const struct text wanted = {feature.bytes + name.length + 1, feature.length - name.length - 1};
		if (!columns_find(*tensor->parameters, wanted, arena, &column))
			return error_set(error, ERROR_CONFIG, place,
					 "the reference has the column `" TEXT_FORMAT "` of `" TEXT_FORMAT
					 "`, and the messages have others: " TEXT_FORMAT "; learn the reference again",
					 TEXT_ARGUMENTS(wanted), TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(columns.written));
	}
	return true;
}

bool drift_type_check(const struct drift_reference *reference, const struct tensor_type *tensor, struct place place,
		      struct arena *arena, struct error *error)
{
	const struct value_type *type = &tensor->type;
	bool texts = false;
	const size_t features = features_of(reference, tensor->name, &texts);
	if (features == 0)
		return error_set(error, ERROR_CONFIG, place,
				 "the reference does not have `" TEXT_FORMAT
				 "`; learn the reference again, with the tensors that are watched",
				 TEXT_ARGUMENTS(tensor->name));
	if (type->class != VALUE_UNKNOWN && (type->class == VALUE_TEXT) != texts)
		return error_set(error, ERROR_CONFIG, place,
				 "the reference has `" TEXT_FORMAT "` of %s, and the messages have %s; learn the reference again",
				 TEXT_ARGUMENTS(tensor->name), texts ? "texts" : "numbers", texts ? "numbers" : "texts");
	const int64_t last = type->shape_known && type->rank == 2 ? type->shape[1] : -1;
	if (last > 0 && (size_t)last != features)
		return error_set(error, ERROR_CONFIG, place,
				 "the reference has %zu columns of `" TEXT_FORMAT "`, and it has %lld; learn the reference again",
				 features, TEXT_ARGUMENTS(tensor->name), (long long)last);
	return columns_check(reference, tensor, place, arena, error);
}

/* CONFIG: the reference has texts, and only numbers are watched unless the tensors are named. */
static bool numbers_check(const struct drift_reference *reference, struct place place, struct error *error)
{
	for (size_t i = 0; i < reference->feature_count; i++)
		if (reference->features[i].categories)
			return error_set(error, ERROR_CONFIG, place,
					 "the reference has `" TEXT_FORMAT
					 "` of texts, and without `tensors` only numbers are watched; list all tensors that are "
					 "watched in `tensors`, or learn the reference again",
					 TEXT_ARGUMENTS(reference->features[i].name));
	return true;
}

bool drift_types_check(const struct drift_reference *reference, const struct tensor_types *in, struct place place,
		       struct arena *arena, struct error *error)
{
	const struct tensor_type *before = NULL; /* features of a tensor follow one another */
	if (!numbers_check(reference, place, error))
		return false;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const struct text feature = reference->features[i].name;
		const struct tensor_type *found = NULL;
		for (size_t j = 0; j < in->count && !found; j++)
			found = feature_is_of(feature, in->items[j].name) ? &in->items[j] : NULL;
		if (!found && in->complete)
			return error_set(error, ERROR_CONFIG, place,
					 "the reference has `" TEXT_FORMAT
					 "`, and no tensor of the messages has it; learn the reference again",
					 TEXT_ARGUMENTS(feature));
		if (found && found != before && !drift_type_check(reference, found, place, arena, error))
			return false;
		before = found;
	}
	return true;
}
