/* drift_methods.c: see drift_methods.h. */
#include "steps/drift_methods.h"

/* Whether it is one of the tensors, or a column of one. */
static bool is_watched(const struct name_list *tensors, struct text feature)
{
	for (size_t i = 0; i < tensors->count; i++) {
		const struct text tensor = text_of(tensors->items[i].text ? tensors->items[i].text : "");
		if (text_starts_with(feature, tensor) && (feature.length == tensor.length || feature.bytes[tensor.length] == '.'))
			return true;
	}
	return tensors->count == 0;
}

/* The features of a reference are known when it is read, those of a past when the first message comes. */
static bool set_of_past_check(const struct drift *options, const struct monitor_set *set, struct error *error)
{
	for (size_t i = 0; options->reference.past_ns && i < set->features.count; i++) {
		const struct name *name = &set->features.items[i];
		if (name->text && !is_watched(&options->tensors, text_of(name->text)))
			return error_set(error, ERROR_CONFIG, name->place,
					 "set `%s` of `joint` has `%s`, which is not among `tensors`; name a tensor that is, or "
					 "TENSOR.COLUMN",
					 set->name.text, name->text);
	}
	return true;
}

bool drift_sets_check(const struct drift *options, struct error *error)
{
	const struct monitor_set *sets = options->joint.items;
	for (size_t i = 0; i < options->joint.count; i++) {
		if (!set_of_past_check(options, &sets[i], error))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(sets[i].name.text, sets[j].name.text) == 0)
				return error_set(error, ERROR_CONFIG, sets[i].name.place,
						 "two sets of `joint` have the name `%s`; give each its own", sets[i].name.text);
	}
	return options->joint.count <= MONITOR_SETS_MAX ||
	       error_set(error, ERROR_CONFIG, sets[MONITOR_SETS_MAX].name.place, "`joint` has %zu sets, and %d are the most",
			 options->joint.count, MONITOR_SETS_MAX);
}

bool drift_set_type_check(const struct drift *options, const struct tensor_type *tensor, struct error *error)
{
	const struct monitor_set *sets = options->joint.items;
	for (size_t i = 0; tensor->type.class == VALUE_TEXT && i < options->joint.count; i++)
		for (size_t j = 0; j < sets[i].features.count; j++) {
			const struct name *name = &sets[i].features.items[j];
			if (name->text && text_is(tensor->name, name->text))
				return error_set(error, ERROR_CONFIG, name->place,
						 "`%s` has texts, and `mmd` compares numbers; leave it out of set `%s`", name->text,
						 sets[i].name.text);
		}
	return true;
}
