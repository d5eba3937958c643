/* drift_methods.c: see drift_methods.h. */
#include "steps/drift/drift_methods.h"

#include "steps/drift/drift_rows.h"
#include "steps/prepare/typing.h"

#define OF_CATEGORIES (1U << MONITOR_CHI_SQUARE)
#define OF_BOTH (1U << MONITOR_PSI | 1U << MONITOR_JENSEN_SHANNON) /* the others are of numbers */

struct drift_kinds drift_kinds_of(const struct drift *options, const struct drift_reference *reference,
				  const struct tensor_types *in)
{
	const struct typing typing = {.types = *in};
	struct drift_kinds kinds = {.known = true};
	for (size_t i = 0; reference && i < reference->feature_count; i++)
		*(reference->features[i].categories ? &kinds.categories : &kinds.numbers) = true;
	if (reference)
		return kinds;
	kinds.numbers = options->tensors.count == 0;
	for (size_t i = 0; i < options->tensors.count; i++) {
		const char *name = options->tensors.items[i].text;
		const struct tensor_type *tensor = name ? typing_find(&typing, text_of(name)) : NULL;
		if (!tensor || tensor->type.class == VALUE_UNKNOWN)
			return (struct drift_kinds){.known = false};
		kinds.categories |= tensor->type.class == VALUE_TEXT;
		kinds.numbers = true; /* texts may be free: their lengths are numbers */
	}
	return kinds;
}

/* ---- methods ---- */

static unsigned methods_of(const struct drift_kinds *kinds)
{
	const unsigned all = (1U << MONITOR_METHODS) - 1;
	return (kinds->categories ? OF_CATEGORIES | OF_BOTH : 0U) | (kinds->numbers ? all & ~OF_CATEGORIES : 0U);
}

static bool method_applies(const struct drift_method *method, unsigned possible)
{
	const unsigned number = drift_method_number(method);
	return number == MONITOR_METHODS || (possible >> number & 1);
}

static size_t methods_that_apply(const struct drift *options, unsigned possible)
{
	const struct drift_method *items = options->methods.items;
	size_t count = 0;
	for (size_t i = 0; i < options->methods.count; i++)
		count += method_applies(&items[i], possible);
	return count;
}

bool drift_methods_check(const struct drift *options, const struct drift_kinds *kinds, struct error *error)
{
	const struct drift_method *items = options->methods.items;
	if (!kinds->known || options->methods.count == 0 || options->joint.count > 0 ||
	    methods_that_apply(options, methods_of(kinds)) > 0)
		return true;
	return error_set(error, ERROR_CONFIG, items[0].name.place,
			 "`%s` compares %s, and what is watched has none, so nothing would be compared; leave `methods` out, or "
			 "write %s",
			 items[0].name.text, kinds->numbers ? "categories" : "numbers",
			 kinds->numbers ? "ks, psi or wasserstein" : "chi-square");
}

/* The first method that an earlier one is already; `count`: none is. */
static size_t method_repeated(const struct drift *options)
{
	const struct drift_method *items = options->methods.items;
	for (size_t i = 0; i < options->methods.count; i++)
		for (size_t j = 0; j < i; j++)
			if (strings_equal(items[i].name.text, items[j].name.text))
				return i;
	return options->methods.count;
}

const char *drift_methods_idle(const struct drift *options, const struct drift_kinds *kinds, struct arena *arena,
			       struct place *place)
{
	const struct drift_method *items = options->methods.items;
	const unsigned possible = methods_of(kinds);
	const size_t repeated = method_repeated(options);
	if (repeated < options->methods.count) {
		*place = items[repeated].name.place;
		return arena_print(arena, "`%s` is among the methods already: it has no effect; leave it out here",
				   items[repeated].name.text);
	}
	if (!kinds->known || !drift_methods_check(options, kinds, &(struct error){0}))
		return NULL; /* that is an error */
	for (size_t i = 0; i < options->methods.count; i++) {
		if (method_applies(&items[i], possible))
			continue;
		*place = items[i].name.place;
		return arena_print(arena, "`%s` compares %s, and what is watched has none: it has no effect; leave it out",
				   items[i].name.text, kinds->numbers ? "categories" : "numbers");
	}
	return NULL;
}

/* ---- sets ---- */

/* Whether it is one of the tensors, a column of one, or the lengths of either. */
static bool is_watched(const struct name_list *tensors, struct text feature)
{
	const struct text column = drift_column_of(feature);
	for (size_t i = 0; i < tensors->count; i++)
		if (tensors->items[i].text && projection_name_is_of(column, text_of(tensors->items[i].text)))
			return true;
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
