/* drift_types.c: see drift_types.h. */
#include "steps/drift/drift_types.h"

#include "methods/drift/projection.h"
#include "message/columns.h"
#include "steps/drift/drift_rows.h"

/* The columns of a tensor in the reference, whether they are texts, and whether they are projected. */
static size_t columns_of(const struct drift_reference *reference, struct text tensor, bool *texts, bool *projected)
{
	size_t count = 0, width = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		if (projection_feature_is_of(reference, i, tensor)) {
			count++;
			*texts = reference->features[i].categories;
			width = reference->features[i].width;
		}
	*projected = width > 0;
	return width > 0 ? width : count;
}

static bool reference_lacks(const struct drift_reference *reference, struct text tensor, struct place place, struct error *error)
{
	for (size_t i = 0; i < reference->feature_count; i++)
		if (projection_feature_is_of(reference, i, tensor))
			return false;
	(void)error_set(error, ERROR_CONFIG, place,
			"the reference does not have `" TEXT_FORMAT
			"`; learn the reference again, with the tensors that are watched",
			TEXT_ARGUMENTS(tensor));
	return true;
}

/* CONFIG: the reference has a column of the tensor, and the messages have others. */
static bool column_names_check(const struct drift_reference *reference, const struct tensor_type *tensor, struct place place,
			       struct arena *arena, struct error *error)
{
	const struct text name = tensor->name;
	struct columns columns;
	size_t column;
	if (!tensor->parameters || !columns_begin(&columns, *tensor->parameters, arena))
		return true;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const struct text feature = reference->features[i].name;
		if (!projection_feature_is_of(reference, i, name) || feature.length == name.length)
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
	bool texts = false, projected;
	const size_t columns = columns_of(reference, tensor->name, &texts, &projected);
	if (reference_lacks(reference, tensor->name, place, error))
		return false;
	if (type->class != VALUE_UNKNOWN && (type->class == VALUE_TEXT) != texts)
		return error_set(error, ERROR_CONFIG, place,
				 "the reference has `" TEXT_FORMAT "` of %s, and the messages have %s; learn the reference again",
				 TEXT_ARGUMENTS(tensor->name), texts ? "texts" : "numbers", texts ? "numbers" : "texts");
	const int64_t last = type->shape_known && type->rank == 2 ? type->shape[1] : -1;
	if (last > 0 && (size_t)last != columns)
		return error_set(error, ERROR_CONFIG, place,
				 "the reference has %zu columns of `" TEXT_FORMAT "`, and it has %lld; learn the reference again",
				 columns, TEXT_ARGUMENTS(tensor->name), (long long)last);
	return projected || column_names_check(reference, tensor, place, arena, error);
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
			found = projection_feature_is_of(reference, i, in->items[j].name) ? &in->items[j] : NULL;
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

static bool is_named(const struct drift_reference *reference, size_t feature, const struct name_list *tensors)
{
	const size_t of_texts = drift_feature_of_lengths(reference, feature);
	for (size_t i = 0; i < tensors->count; i++)
		if (projection_feature_is_of(reference, of_texts, text_of(tensors->items[i].text)))
			return true;
	return false;
}

bool drift_names_check(const struct drift_reference *reference, const struct name_list *tensors, struct place place,
		       struct error *error)
{
	for (size_t i = 0; i < tensors->count; i++)
		if (reference_lacks(reference, text_of(tensors->items[i].text), place, error))
			return false;
	for (size_t i = 0; tensors->count > 0 && i < reference->feature_count; i++)
		if (!is_named(reference, i, tensors))
			return error_set(error, ERROR_CONFIG, place,
					 "the reference has `" TEXT_FORMAT
					 "`, which `tensors` does not name: it would be missing in each window; name its tensor "
					 "there, or learn the reference again",
					 TEXT_ARGUMENTS(reference->features[i].name));
	return true;
}

bool drift_features_check(const struct name_list *tensors, const struct tensor_types *in, struct place place, struct error *error)
{
	size_t features = 0;
	for (size_t i = 0; i < in->count; i++) {
		const struct tensor_type *tensor = &in->items[i];
		const struct value_type *type = &tensor->type;
		bool watched = tensors->count == 0 && type->class != VALUE_TEXT;
		for (size_t j = 0; j < tensors->count; j++)
			watched = watched || text_is(tensor->name, tensors->items[j].text);
		if (!watched || !type->shape_known || type->rank != 2 || type->shape[1] < 1)
			continue;
		const size_t more = drift_features_of((size_t)type->shape[1], type->class == VALUE_TEXT);
		features += more;
		if (more == 0)
			return error_set(error, ERROR_CONFIG, place,
					 "`" TEXT_FORMAT "` has %lld columns, and %d are the most that can be watched; name other "
					 "tensors by `tensors`",
					 TEXT_ARGUMENTS(tensor->name), (long long)type->shape[1], PROJECTION_WIDTH_MAX);
		if (features > DRIFT_FEATURES_MAX)
			return error_set(error, ERROR_CONFIG, place,
					 "with `" TEXT_FORMAT
					 "` of %lld columns it watches more than %d features: " DRIFT_FEATURES_WORDS,
					 TEXT_ARGUMENTS(tensor->name), (long long)type->shape[1], DRIFT_FEATURES_MAX);
	}
	return true;
}
