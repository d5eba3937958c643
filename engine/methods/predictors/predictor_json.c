/* predictor_json.c: Parsing functions shared by the readers of JSON models. */
#include <math.h>

#include "base/number/number.h"
#include "methods/predictors/predictor_parts.h"

bool json_take_number(const json_t *item, double *number)
{
	if (json_is_number(item))
		*number = json_number_value(item);
	else if (json_is_boolean(item))
		*number = json_is_true(item);
	else if (!json_is_string(item) ||
		 !number_read_double((struct text){json_string_value(item), json_string_length(item)}, number))
		return false;
	return isfinite(*number);
}

bool json_take_count(const json_t *object, const char *key, size_t *count)
{
	double number;
	if (!json_take_number(json_object_get(object, key), &number) || number < 0 || number > 0x1p53 || number != floor(number))
		return false;
	*count = (size_t)number;
	return true;
}

size_t json_take_numbers(const json_t *array, struct arena *arena, double **numbers)
{
	size_t count = json_array_size(array);
	*numbers = json_is_array(array) ? ARENA_ARRAY(arena, double, count) : NULL;
	if (!*numbers)
		return SIZE_MAX;
	for (size_t i = 0; i < count; i++)
		if (!json_take_number(json_array_get(array, i), &(*numbers)[i]))
			return SIZE_MAX;
	return count;
}

size_t json_take_classes(const json_t *root, struct arena *arena, const double **labels, struct error *error)
{
	const json_t *classes = json_object_get(root, "classes");
	double *numbers = NULL;
	*labels = NULL;
	if (!classes || (json_is_array(classes) && json_array_size(classes) == 0))
		return 0;
	size_t count = json_take_numbers(classes, arena, &numbers);
	if (count == SIZE_MAX)
		predictor_refuse(error, "its `classes` are not a list of numbers; names of classes go into `labels` of the step");
	*labels = numbers;
	return count;
}
